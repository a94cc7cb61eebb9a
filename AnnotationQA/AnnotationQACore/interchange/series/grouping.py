"""Files to series, and series to stacks: each stack is one image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from AnnotationQACore.interchange.series.codecs import decoder_for, install_hint
from AnnotationQACore.interchange.series.dimensions import FrameRef
from AnnotationQACore.interchange.series.findings import Finding, FindingCode
from AnnotationQACore.interchange.series.headers import FileHeader
from AnnotationQACore.interchange.series.planar import planar_findings
from AnnotationQACore.interchange.series.stacks import Stack, build_stack, is_placed, matrix_of

__all__ = ["SeriesHeader", "group_series", "series_header"]

ORIENTATION_TOLERANCE: Final = 1e-3
SPACING_TOLERANCE: Final = 1e-4

_NOT_IMAGES: Final = {
    "SEG": "a segmentation; read it as a reading, not as an image",
    "RTSTRUCT": "radiotherapy contours; read them as a reading, not as an image",
    "SR": "a structured report; read it as a reading, not as an image",
}


@dataclass(frozen=True, slots=True)
class SeriesHeader:
    """One series of a folder, from headers alone.

    Attributes
    ----------
    files : tuple of FileHeader
        All files of the series, broken ones too (their `problem` says why), by path.
    stacks : tuple of Stack
        Its images, the one with most frames first; empty for what is no image.
    findings : tuple of Finding
        About the series as a whole and its first stack.
    """

    files: tuple[FileHeader, ...]
    stacks: tuple[Stack, ...]
    findings: tuple[Finding, ...]

    @property
    def first(self) -> FileHeader:
        """File that speaks for the series: the first of its first stack."""
        return self.stacks[0].first.file if self.stacks else self.files[0]

    @property
    def series_uid(self) -> str:
        """Series Instance UID."""
        return self.first.series_uid

    @property
    def modality(self) -> str:
        """Modality, e.g. ``CT``."""
        return self.first.modality

    @property
    def broken(self) -> tuple[FileHeader, ...]:
        """Files that cannot be used."""
        return tuple(file for file in self.files if file.problem)


def group_series(files: Iterable[FileHeader]) -> list[SeriesHeader]:
    """Group files by patient, study and series: patients and studies in the order of their paths, series by number."""
    groups: dict[tuple[str, str, str], list[FileHeader]] = defaultdict(list)
    places: dict[tuple[str, str], int] = {}
    for file in sorted(files, key=lambda file: str(file.path)):
        groups[file.patient_key, file.study_uid, file.series_uid].append(file)
        places.setdefault((file.patient_key, ""), len(places))
        places.setdefault((file.patient_key, file.study_uid), len(places))

    def order(series: SeriesHeader) -> tuple[int, int, int]:
        file = series.first
        study = places[file.patient_key, file.study_uid]
        return (places[file.patient_key, ""], study, file.series_number or 0)

    return sorted(map(series_header, groups.values()), key=order)


def series_header(files: Sequence[FileHeader]) -> SeriesHeader:
    """Describe the files of one series."""
    files = sorted(files, key=lambda file: file.path)
    usable = [file for file in files if not file.problem]
    broken = [_broken(file) for file in files if file.problem]
    images = [file for file in usable if file.is_image and file.modality not in _NOT_IMAGES]
    if not images:
        modality = files[0].modality
        kind = _NOT_IMAGES.get(modality, f"no image ({modality or 'no modality'})")
        said = [Finding.info(FindingCode.NOT_AN_IMAGE, f"it holds {kind}.")] if usable else []
        return SeriesHeader(tuple(files), (), (*broken, *said))
    stacks = sorted(map(build_stack, _alike(images)), key=lambda stack: (-len(stack.frames), stack.first.file.path))
    findings = (
        *broken,
        *_mixture(stacks),
        *stacks[0].findings,
        *_file_findings(stacks[0]),
        *planar_findings(stacks[0]),
    )
    return SeriesHeader(tuple(files), tuple(stacks), findings)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What frames of one image have in common."""

    matrix: tuple[int, int]
    pixel_format: tuple[int, int, bool, bool]
    frame_of_reference: str
    placed: bool
    orientation: tuple[float, ...]
    spacing: tuple[float, ...]

    def matches(self, other: _Kind) -> bool:
        exact = (self.matrix, self.pixel_format, self.frame_of_reference, self.placed)
        return (
            exact == (other.matrix, other.pixel_format, other.frame_of_reference, other.placed)
            and _close(self.orientation, other.orientation, ORIENTATION_TOLERANCE)
            and _close(self.spacing, other.spacing, SPACING_TOLERANCE)
        )


def _alike(files: Sequence[FileHeader]) -> list[list[FrameRef]]:
    groups: list[tuple[_Kind, list[FrameRef]]] = []
    for file in files:
        for frame in file.frames:
            ref = FrameRef(file, frame)
            kind = _kind(ref)
            home = next((group for known, group in groups if known.matches(kind)), None)
            if home is None:
                home = []
                groups.append((kind, home))
            home.append(ref)
    return [group for _, group in groups]


def _kind(ref: FrameRef) -> _Kind:
    file, frame, placed = ref.file, ref.frame, is_placed(ref)
    return _Kind(
        matrix=matrix_of(file),
        pixel_format=(file.samples, file.bits_allocated, file.signed, file.photometric == "MONOCHROME1"),
        frame_of_reference=file.frame_of_reference if placed else "",
        placed=placed,
        orientation=frame.orientation or () if placed else (),
        spacing=frame.pixel_spacing or (),
    )


def _close(a: tuple[float, ...], b: tuple[float, ...], tolerance: float) -> bool:
    return len(a) == len(b) and all(abs(x - y) <= tolerance for x, y in zip(a, b, strict=True))


def _mixture(stacks: Sequence[Stack]) -> list[Finding]:
    main = stacks[0]
    return [_stranger(main, other, index) for index, other in enumerate(stacks[1:], 1)]


def _stranger(main: Stack, other: Stack, index: int) -> Finding:
    count = len(other.frames)
    frames = f"{count} {'frame' if count == 1 else 'frames'}"
    own, foreign = _kind(main.first), _kind(other.first)
    differs_in_plane = (
        own.placed and foreign.placed and not _close(own.orientation, foreign.orientation, ORIENTATION_TOLERANCE)
    )
    if "LOCALIZER" in other.first.file.image_type or (differs_in_plane and count <= 3 < len(main.frames)):
        code, reason = FindingCode.MIXED_LOCALIZER, "a localizer (scout) is mixed into the series"
    elif own.matrix != foreign.matrix:
        size = f"{foreign.matrix[1]}x{foreign.matrix[0]}"
        code, reason = FindingCode.MIXED_MATRIX, f"images of another matrix ({size}) are mixed into the series"
    elif own.placed != foreign.placed:
        code, reason = FindingCode.PARTLY_PLACED, "only part of the series has a position in the patient"
    elif own.pixel_format != foreign.pixel_format:
        code, reason = FindingCode.MIXED_PIXEL_FORMAT, "images of another pixel format are mixed into the series"
    elif own.frame_of_reference != foreign.frame_of_reference:
        code, reason = FindingCode.MIXED_FRAME_OF_REFERENCE, "images of another frame of reference are mixed in"
    else:
        code, reason = FindingCode.MIXED_ORIENTATION, "images of another orientation or pixel spacing are mixed in"
    return Finding.warning(code, f"{reason}: {frames}, kept apart as image {index + 1} of the series.")


def _broken(file: FileHeader) -> Finding:
    return Finding.error(FindingCode.BROKEN_FILE, f"{file.path.name}: {file.problem}; it is left out.")


def _file_findings(stack: Stack) -> list[Finding]:
    files = {id(ref.file): ref.file for ref in stack.frames}.values()
    findings = [
        Finding.error(FindingCode.CODEC_MISSING, install_hint(syntax))
        for syntax in sorted({file.transfer_syntax for file in files})
        if decoder_for(syntax, max(file.bits_stored for file in files)) is None
    ]
    if any(file.lossy for file in files):
        findings.append(
            Finding.warning(FindingCode.LOSSY, "the images were compressed with loss; fine detail may be gone.")
        )
    if any(file.tiles > 1 for file in files):
        tiles = stack.first.file.tiles
        findings.append(Finding.info(FindingCode.MOSAIC, f"mosaics of {tiles} slices each, taken apart."))
    if len({(ref.frame.slope, ref.frame.intercept) for ref in stack.frames}) > 1:
        findings.append(
            Finding.info(FindingCode.PER_FRAME_RESCALE, "frames have rescale values of their own; each gets its own.")
        )
    if any(file.modality_lut for file in files):
        message = "a Modality LUT is there, which is not applied: values are the stored ones."
        findings.append(Finding.warning(FindingCode.MODALITY_LUT, message))
    photometric = stack.first.file.photometric
    if photometric == "MONOCHROME1":
        message = "MONOCHROME1: values are as stored, low ones are shown bright."
        findings.append(Finding.info(FindingCode.INVERTED, message))
    if photometric == "PALETTE COLOR" or photometric.startswith("YBR"):
        findings.append(Finding.info(FindingCode.COLOR_CONVERTED, f"{photometric}: converted to RGB."))
    return findings
