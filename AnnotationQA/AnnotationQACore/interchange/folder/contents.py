"""What the files of one reader on one case say, as one reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from AnnotationQACore.errors import AnnotationQAError, Cancelled, InputError
from AnnotationQACore.interchange.dicom_seg import read_dicom_seg
from AnnotationQACore.interchange.folder.listing import ListedFile
from AnnotationQACore.interchange.label_images import is_label_image, read_segmentation
from AnnotationQACore.interchange.labels import label_values
from AnnotationQACore.interchange.markups import read_markups
from AnnotationQACore.interchange.matching import match_segments
from AnnotationQACore.interchange.matching_answers import match_markups, match_ratings
from AnnotationQACore.interchange.placement import joint_grid, placed_on
from AnnotationQACore.interchange.tables import Rating, read_ratings
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.readings import Answer, Presence, SegmentationValue, Subject
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.model import Segmentation as SegmentationItem
from AnnotationQACore.segmentation import LabelArray, Segment, Segmentation

__all__ = ["FolderReading", "read_files"]

_TABLES = (".csv", ".tsv", ".txt")
_MARKUPS = (".mrk.json", ".fcsv")
_DICOM = (".dcm", ".seg", "")


@dataclass(slots=True, eq=False)
class FolderReading:
    """What one reader said about one case, gathered from files, and what in them matched nothing."""

    case: str
    reader: str
    round: int
    patient: str = ""
    segmentations: dict[str, Segmentation] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    mismatches: list[str] = field(default_factory=list)

    def segmentation(self) -> Segmentation | None:
        """The segments of all files on one grid, each file in layers of its own; None without a segment.

        Raises
        ------
        GridMismatch
            Two files were made on different images.
        InputError
            Two files hold the same segment.
        """
        named = {name: one for name, one in self.segmentations.items() if one.segments}
        if not named:
            return None
        grid = joint_grid({name: one.grid for name, one in named.items()})
        layers: list[LabelArray] = []
        segments: list[Segment] = []
        for name, one in named.items():
            placed = placed_on(one, grid, (name, "the image"))
            segments += [replace(segment, layer=segment.layer + len(layers)) for segment in placed.segments]
            layers += list(placed.layers)
        ids = [segment.id for segment in segments]
        twice = next((ident for ident in ids if ids.count(ident) > 1), None)
        if twice is not None:
            raise InputError(f"case {self.case}, {self.reader}: two files hold '{twice}'; import one of them.")
        kind = np.result_type(*layers)
        return Segmentation(np.stack([layer.astype(kind) for layer in layers]), grid, tuple(segments))

    def all_answers(self) -> tuple[Answer, ...]:
        """Answers from files, and for every segment that it is present, or absent where it has no voxels."""
        drawn = []
        for one in self.segmentations.values():
            for segment in one.segments:
                item, _, number = segment.id.partition("#")
                is_there = bool((one.layers[segment.layer] == segment.value).any())
                presence = Presence.PRESENT if is_there else Presence.ABSENT
                drawn.append(
                    Answer(item, SegmentationValue(presence), Subject(instance=int(number) if number else None))
                )
        return (*drawn, *self.answers)


def read_files(
    files: Sequence[ListedFile],
    protocol: Protocol,
    mapping: Mapping[str, str] | None = None,
    progress: Progress = silent,
) -> tuple[list[FolderReading], list[str]]:
    """Read files and gather them by case, reader and round.

    Parameters
    ----------
    files : sequence of ListedFile
    protocol : Protocol
        Whose items segments, markups and ratings are matched to.
    mapping : mapping of str to str, optional
        Item ID for a segment, markup or column of another name.
    progress : Progress

    Returns
    -------
    list of FolderReading
    list of str
        One line for each file that could not be read; it does not stop the others.
    """
    gathered: dict[tuple[str, str, int], FolderReading] = {}
    problems: list[str] = []
    for done, file in enumerate(files):
        progress(done, len(files), file.path.name)
        try:
            for found in _read(file, protocol, mapping or {}):
                _gather(gathered, found)
        except Cancelled:
            raise
        except AnnotationQAError as error:
            problems.append(str(error))
    progress(len(files), len(files))
    return list(gathered.values()), problems


def _gather(gathered: dict[tuple[str, str, int], FolderReading], found: FolderReading) -> None:
    key = (found.case, found.reader, found.round)
    home = gathered.setdefault(key, FolderReading(*key))
    home.patient = home.patient or found.patient
    home.segmentations |= found.segmentations
    home.answers += found.answers
    home.mismatches += found.mismatches


def _read(file: ListedFile, protocol: Protocol, mapping: Mapping[str, str]) -> Iterator[FolderReading]:
    name = file.path.name.lower()
    if name.endswith(_TABLES):
        yield from _ratings(file, protocol, mapping)
        return
    if not file.case or not file.reader:
        raise InputError(f"{file.path}: its name says no case or reader; put {{case}} and {{reader}} in the pattern.")
    reading = FolderReading(file.case, file.reader, file.round, file.patient)
    if is_label_image(file.path) or file.path.suffix.lower() in _DICOM:
        is_image = is_label_image(file.path)
        segmentation = read_segmentation(file.path) if is_image else read_dicom_seg(file.path).segmentation
        own = {**mapping, **_item_of_file(file, segmentation, protocol)}
        matched = match_segments(segmentation, protocol, own)
        reading.segmentations[file.path.name] = matched.segmentation
        reading.mismatches += [
            f"{file.path.name}: {line}" for line in matched.mismatches if not _is_partial(file, line)
        ]
    elif name.endswith(_MARKUPS):
        markups = [replace(one, name=file.item or one.name or file.path.name) for one in read_markups(file.path)]
        answers = match_markups(markups, protocol, mapping)
        reading.answers += answers.answers
        reading.mismatches += [f"{file.path.name}: {line}" for line in answers.mismatches]
    else:
        raise InputError(f"{file.path}: is of a format that is not imported; leave it out of the pattern.")
    yield reading


def _item_of_file(file: ListedFile, segmentation: Segmentation, protocol: Protocol) -> dict[str, str]:
    """Where the file's name says the item: all its segments are that item, or its instances."""
    if not file.item:
        return {}
    item = protocol.item(file.item)
    if not isinstance(item, SegmentationItem):
        raise InputError(f"{file.path}: '{file.item}' is no segmentation of the protocol; correct the name.")
    values = [value for layer in segmentation.layers for value in label_values(layer)]
    if item.instances:
        return {segment.id: f"{item.id}#{number}" for number, segment in enumerate(segmentation.segments, start=1)}
    if len(values) > 1:
        raise InputError(f"{file.path}: holds {len(values)} labels for one '{item.id}'; save one structure per file.")
    return {segment.id: item.id for segment in segmentation.segments}


def _is_partial(file: ListedFile, line: str) -> bool:
    """With an item in the name, a file is not expected to hold the other items."""
    return bool(file.item) and line.startswith("item ")


def _ratings(file: ListedFile, protocol: Protocol, mapping: Mapping[str, str]) -> Iterator[FolderReading]:
    by_reader: dict[tuple[str, str], list[Rating]] = {}
    for rating in read_ratings(file.path, case=file.case or None, reader=file.reader or None):
        by_reader.setdefault((rating.case, rating.reader), []).append(rating)
    for (case, reader), ratings in by_reader.items():
        answers = match_ratings(ratings, protocol, mapping)
        yield FolderReading(
            case, reader, file.round, file.patient, answers=list(answers.answers), mismatches=list(answers.mismatches)
        )
