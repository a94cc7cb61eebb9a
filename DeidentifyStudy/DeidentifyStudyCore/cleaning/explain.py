"""What would happen to each element of a file and why, without writing."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from DeidentifyStudyCore.cleaning.deciding import Decider
from DeidentifyStudyCore.counting import count_of
from DeidentifyStudyCore.dicom.charset import codecs_of, text_in
from DeidentifyStudyCore.dicom.dictionary import keyword_of
from DeidentifyStudyCore.dicom.sequences import opened_items
from DeidentifyStudyCore.dicom.source import opened
from DeidentifyStudyCore.dicom.tokenizer import IMPLICIT_LITTLE, Buffer, Encoding, Span
from DeidentifyStudyCore.errors import InputError, Quarantined
from DeidentifyStudyCore.identity.keyfile import Secret
from DeidentifyStudyCore.identity.pseudonyms import Pseudonyms
from DeidentifyStudyCore.indexing.index import index_files
from DeidentifyStudyCore.profile import Profile
from DeidentifyStudyCore.rules.book import RuleBook
from DeidentifyStudyCore.rules.model import Action, Context, Kind, Rule, Subject
from DeidentifyStudyCore.rules.text import vocabulary

__all__ = ["Explanation", "explain_file"]

_LONGEST = 64
_TEXT_VRS = frozenset(
    ["AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"]
)


@dataclass(frozen=True, slots=True)
class Explanation:
    """One element before and after.

    Attributes
    ----------
    path, tag : str
        ``gggg,eeee``; the path joins sequences with a slash.
    action : str
        Kept, kept empty, emptied, removed, replaced, or cleaned item by item.
    before, after : str
        Values as text, shortened; they identify the patient and are shown only to whoever asked.
    """

    path: str
    tag: str
    name: str
    vr: str
    action: str
    rule: str
    why: str
    before: str
    after: str


def explain_file(path: Path, profile: Profile, secret: Secret, pseudonym: str = "PSEUDONYM") -> list[Explanation]:
    """Explain every element of one file, by what the file itself tells of its patient.

    Raises
    ------
    InputError
        The file is a directory of a medium, of which nothing is kept.
    Quarantined
        The file would not be written; the error has the reason.
    MalformedFile
        The file cannot be parsed.
    """
    facts, patients = index_files(path.parent, [(path.name, "")], profile)
    if facts[0].is_dicomdir:
        raise InputError("a DICOMDIR is made anew from what was written; explain one of the files that it lists.")
    if facts[0].reason:
        raise Quarantined(facts[0].reason)
    pseudonyms = Pseudonyms.of(secret, profile.shift_days, retain_uids="retain_uids" in profile.options)
    echo = patients[facts[0].patient].built(vocabulary()) if facts[0].patient in patients else None
    if echo is None:
        raise Quarantined("missing-identifiers")
    subject = Subject(pseudonym, pseudonyms.date_offset(facts[0].patient), echo)
    decider = Decider(RuleBook.of(profile), pseudonyms, subject)
    rows = []
    with opened(path) as source:
        codecs = codecs_of(source.value(0x00080005))
        for above, span, action, rule in _actions(
            decider, source.buffer, source.spans, source.encoding, decider.context(source), 0
        ):
            tag, file_vr, _, value, stop, _ = span
            vr = file_vr.decode()
            before = _shown(bytes(source.buffer[value : min(stop, value + 256)]), vr, stop - value, codecs)
            after = {Kind.KEEP: before, Kind.REMOVE: "", Kind.ITEMS: "items"}.get(action.kind)
            if after is None:
                length = action.generated.size if action.generated else len(action.value)
                after = _shown(action.value[:256], vr, length, codecs)
            rows.append(
                Explanation(
                    "/".join(_tag(part) for part in above), _tag(tag), keyword_of(tag), vr,
                    action.told(empty=stop == value), rule.name, rule.describe(), before, after,
                )
            )  # fmt: skip
    return rows


def _actions(
    decider: Decider, buffer: Buffer, spans: list[Span], encoding: Encoding, context: Context, depth: int
) -> Iterator[tuple[tuple[int, ...], Span, Action, Rule]]:
    """Path, span, action and rule of each element, in file order."""
    private = decider.private_block(buffer, spans)
    for span in spans:
        action, rule = decider.action(buffer, span, encoding, context, private)
        yield context.path, span, action, rule
        if action.kind is Kind.ITEMS:
            inner = IMPLICIT_LITTLE if span[1] == b"UN" else encoding
            for item in opened_items(buffer, span, inner, depth):
                below = decider.below(buffer, item.spans, context, span[0], action.mode)
                yield from _actions(decider, buffer, item.spans, inner, below, depth + 1)


def _shown(value: bytes, vr: str, length: int, codecs: tuple[str, ...]) -> str:
    if vr == "SQ":
        return "items"
    if vr in _TEXT_VRS:
        text = text_in(value, codecs)
        return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return count_of(length, "byte")


def _tag(tag: int) -> str:
    return f"{tag >> 16:04X},{tag & 0xFFFF:04X}"
