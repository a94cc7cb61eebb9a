"""The first pass: who is in the files, what refers to what, and every name, number and date that must not be
repeated."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from DeidentifyStudyCore.dicom.charset import codecs_of, decoded, text_in
from DeidentifyStudyCore.dicom.courses import LONGEST_REMEMBERED
from DeidentifyStudyCore.dicom.dictionary import is_well_known
from DeidentifyStudyCore.dicom.elements import Elements
from DeidentifyStudyCore.dicom.layouts import Layout
from DeidentifyStudyCore.dicom.object_classes import INVENTORY, WITHOUT_STUDY
from DeidentifyStudyCore.dicom.source import Source, opened, text_of
from DeidentifyStudyCore.dicom.tokenizer import Encoding
from DeidentifyStudyCore.errors import InputError, MalformedFile, Quarantined
from DeidentifyStudyCore.identity.echo import EchoBuilder
from DeidentifyStudyCore.pixels.risk import burned_in_risks
from DeidentifyStudyCore.profile import Profile
from DeidentifyStudyCore.rules.book import RuleBook
from DeidentifyStudyCore.rules.identity import CLASS_UIDS
from DeidentifyStudyCore.rules.text import is_maker, vocabulary

__all__ = ["NO_PATIENT", "FileFacts", "index_files", "list_files"]

NO_PATIENT = "none"
"""Key of the patient of objects that belong to none, such as hanging protocols."""

_DICOMDIR_CLASS = "1.2.840.10008.1.3.10"
_VOICE = frozenset({"1.2.840.10008.5.1.4.1.1.9.4.1", "1.2.840.10008.5.1.4.1.1.9.4.2"})
"""Audio waveforms: speech names people, and a voice is itself an identifier (45 CFR 164.514(b)(2)(i)(P))."""
_REFERENCED_INSTANCE = 0x00081155
_OF_SERIES = (0x00100020, 0x00100021, 0x00100010, 0x00100030, 0x0020000D, 0x0020000E, 0x00080016, 0x00080005)
"""What objects of a series have in common: number, issuer, name and birth date of the patient, UIDs of study, series
and class, and the character set."""
_INSTANCE = (0x00080018,)
_PLACES = frozenset({0x00080080, 0x00081010, 0x00081040, 0x00081041})
"""Names of institutions, departments and stations: where systems are shown or tested, that of their maker."""
_UNINTERESTING = frozenset(b"US SS UL SL FL FD AT DS IS CS TM AS OB OW OF OD OL OV SV UV".split())
_MOST_LAYOUTS = 256
_MOST_REMEMBERED = 20000
_LARGEST_TEXT = 1 << 16


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the index knows of a file.

    Attributes
    ----------
    path : str
        Relative to the source folder, with forward slashes; it never leaves the index.
    patient : str
        What tells patients apart: number and issuer, else name and birth date, else the study; `NO_PATIENT` where
        there is none.
    references : tuple of str
        SOP Instance UIDs that the object refers to.
    risks : tuple of str
        Codes from `risk.RISKS`.
    reason : str
        Why the file cannot be used (`quarantine.REASONS`); empty when it can.
    """

    path: str
    size: int
    modified: int
    patient: str = ""
    study: str = ""
    series: str = ""
    instance: str = ""
    sop_class: str = ""
    references: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    reason: str = ""

    @property
    def is_dicomdir(self) -> bool:
        """Whether the file is a directory of a medium, which is made anew and never copied."""
        return self.sop_class == _DICOMDIR_CLASS


def list_files(root: Path) -> list[tuple[str, str]]:
    """All files below a folder, sorted, each with a reason why it must not be read (mostly empty).

    A folder that cannot be read stands in the list itself, so that what is missing is known.

    Raises
    ------
    InputError
        The folder does not exist.
    """
    if not root.is_dir():
        raise InputError("the source is not a folder; name the folder that holds the studies.")
    real_root = root.resolve()
    found: list[tuple[str, str]] = []
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            entries = list(os.scandir(root / folder))
        except OSError:
            found.append((folder.rstrip("/") or ".", "unreadable"))
            continue
        for entry in entries:
            path = f"{folder}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                folders.append(f"{path}/")
            else:
                found.append((path, _reason_not_to_read(entry, real_root)))
    return sorted(found)


def _reason_not_to_read(entry: "os.DirEntry[str]", real_root: Path) -> str:
    if entry.is_symlink():
        try:
            target = Path(entry.path).resolve(strict=True)
        except OSError:
            return "unreadable"
        if target.is_dir() or not target.is_relative_to(real_root):
            return "symbolic-link-outside"
    return "" if entry.is_file() else "unreadable"


def index_files(
    root: Path, paths: Iterable[tuple[str, str]], profile: Profile
) -> tuple[list[FileFacts], dict[str, EchoBuilder]]:
    """Index some files of a folder; one bad file never stops the others.

    Returns
    -------
    list of FileFacts
        In the order of `paths`.
    dict of str to EchoBuilder
        What was found of each patient.
    """
    indexer = _Indexer(profile)
    facts = [FileFacts(path, 0, 0, reason=reason) if reason else indexer.facts(root, path) for path, reason in paths]
    return facts, indexer.patients


class _Indexer:
    def __init__(self, profile: Profile) -> None:
        self._book = RuleBook.of(profile)
        self._seen: dict[tuple[str, bytes], set[bytes]] = {}
        self._last: dict[tuple[Layout, str, bytes], Elements] = {}
        self._referenced: dict[tuple[Encoding, bytes], list[str]] = {}
        self.patients: dict[str, EchoBuilder] = {}

    def facts(self, root: Path, relative: str) -> FileFacts:
        path = f"{root}/{relative}"  # a Path takes longer to join than the file to be found
        size = modified = 0
        try:
            status = os.stat(path)  # noqa: PTH116  # as above
            size, modified = status.st_size, status.st_mtime_ns
            with opened(path) as source:
                return self._facts(source, relative, size, modified)
        except OSError:
            return FileFacts(relative, size, modified, reason="unreadable")
        except (MalformedFile, Quarantined) as error:
            return FileFacts(relative, size, modified, reason=error.reason)
        except Exception:  # one file never stops the others, and a message could hold what was read
            return FileFacts(relative, size, modified, reason="internal-error")

    def _facts(self, source: Source, relative: str, size: int, modified: int) -> FileFacts:
        patient, study, series, instance, sop_class, character_set = _identifiers(source)
        if sop_class == _DICOMDIR_CLASS or source.first(0x00041220):
            return FileFacts(relative, size, modified, sop_class=_DICOMDIR_CLASS)
        reason = "voice-recording" if sop_class in _VOICE else ""
        if sop_class == INVENTORY:
            reason = "inventory"
        elif not (instance and sop_class and ((study and series) or sop_class in WITHOUT_STUDY)):
            reason = "missing-identifiers"
        builder = self.patients.get(patient)
        if builder is None:
            builder = self.patients[patient] = EchoBuilder(vocabulary())
        seen = self._seen.setdefault((patient, character_set), set())
        if len(seen) > _MOST_REMEMBERED:
            seen.clear()
        codecs = codecs_of(character_set)
        key = source.layout, patient, character_set
        vrs = source.layout.vrs
        for number, element in self._changed(source, self._last.get(key)):
            if vrs[number] not in _UNINTERESTING and element not in seen:
                self._collect(source, number, element, codecs, seen, builder)
        if len(self._last) > _MOST_LAYOUTS:
            self._last.clear()
        self._last[key] = source.elements  # now that all of them were read: a malformed file breaks off before
        sequences = source.layout.sequences
        references = [reference for number in sequences for reference in self._references(source, number, codecs)]
        return FileFacts(
            relative, size, modified, patient, study, series, instance, sop_class,
            tuple(references), burned_in_risks(source), reason,
        )  # fmt: skip

    @staticmethod
    def _changed(source: Source, before: Elements | None) -> list[tuple[int, bytes]]:
        """Elements that the last object of the patient with the same layout did not have as they are, and long ones."""
        if before is None:
            return [*enumerate(source.elements)]
        return [*source.elements.differing(before), *((number, b"") for number in source.layout.long)]

    def _collect(
        self,
        source: Source,
        number: int,
        element: bytes,
        codecs: tuple[str, ...],
        seen: set[bytes],
        builder: EchoBuilder,
    ) -> None:
        plain = source.layout.plain[number]
        if plain is not None:
            self._add(plain.tag, plain.vr, element[plain.inside], codecs, builder)
        else:
            buffer, found = source.leaves(number, codecs)
            for leaf in found:
                if leaf.stop - leaf.start <= _LARGEST_TEXT:
                    self._add(leaf.tag, leaf.vr, bytes(buffer[leaf.start : leaf.stop]), leaf.codecs, builder)
        if 0 < len(element) <= LONGEST_REMEMBERED:
            seen.add(element)

    def _references(self, source: Source, number: int, codecs: tuple[str, ...]) -> list[str]:
        """SOP Instance UIDs that a sequence refers to; those of equal ones are read once."""
        element = source.elements.part(number)
        found = self._referenced.get((source.encoding, element)) if element else None
        if found is None:
            buffer, parsed = source.leaves(number, codecs)
            found = [leaf.text(buffer) for leaf in parsed if leaf.tag == _REFERENCED_INSTANCE]
            if 0 < len(element) <= LONGEST_REMEMBERED and len(self._referenced) < _MOST_REMEMBERED:
                self._referenced[(source.encoding, element)] = found
        return found

    def _add(self, tag: int, vr: str, value: bytes, codecs: tuple[str, ...], builder: EchoBuilder) -> None:
        if not value or len(value) > _LARGEST_TEXT:
            return
        if vr == "UI":
            if tag not in CLASS_UIDS and self._book.uids_are_secret:
                uids = (part.strip(" \0") for part in decoded(value, codecs).split("\\"))
                builder.uids.update(uid for uid in uids if uid and not is_well_known(uid))
        elif vr == "PN":
            builder.add_name(text_in(value, codecs))
        elif vr in {"DA", "DT"}:
            if self._book.is_secret_date(tag, vr):
                for part in text_in(value, codecs).split("\\"):
                    builder.add_date(part, of_birth=tag == 0x00100030)
        elif self._book.is_identity(tag, vr):
            for part in text_in(value, codecs).split("\\"):
                if tag not in _PLACES or not is_maker(part):
                    builder.add_identifier(part)


def _identifiers(source: Source) -> tuple[str, str, str, str, str, bytes]:
    patient, study, series, sop_class, character_set = _of_series(source.values(_OF_SERIES))
    return patient, study, series, text_of(source.values(_INSTANCE)[0]), sop_class, character_set


@lru_cache(maxsize=_MOST_LAYOUTS)
def _of_series(values: tuple[bytes, ...]) -> tuple[str, str, str, str, bytes]:
    number, issuer, name, birth, study, series, sop_class, character_set = (value.strip(b" \0") for value in values)
    if number:
        parts = [b"id", number, issuer]
    elif name:
        parts = [b"name", name, birth]
    elif study:
        parts = [b"study", text_of(study).encode()]
    else:
        parts = [NO_PATIENT.encode()]
    patient = "\0".join(_distinct(part, character_set) for part in parts)
    return patient, text_of(study), text_of(series), text_of(sop_class), character_set


def _distinct(value: bytes, character_set: bytes) -> str:
    """Text of a value, the same in every character set; bytes that are no text in theirs stay apart from others."""
    if value.isascii():
        return value.decode("ascii")
    text = decoded(value, codecs_of(character_set))
    return value.decode("utf-8", "surrogateescape") if "\ufffd" in text else text
