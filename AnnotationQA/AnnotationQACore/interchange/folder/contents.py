"""What the files of one reader on one case say, as one reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from AnnotationQACore.errors import AnnotationQAError, Cancelled, InputError
from AnnotationQACore.interchange.answer_coco import image_of_name
from AnnotationQACore.interchange.case_images import CaseImages
from AnnotationQACore.interchange.coco import CocoAnnotation, read_coco
from AnnotationQACore.interchange.coco_segments import coco_segments, segmentation_named
from AnnotationQACore.interchange.dicom_files import read_object
from AnnotationQACore.interchange.dicom_seg import read_dicom_seg
from AnnotationQACore.interchange.dicom_sr import MeasurementGroup, SegmentReference, read_measurement_report
from AnnotationQACore.interchange.folder.agreeing import agreed
from AnnotationQACore.interchange.folder.listing import ListedFile
from AnnotationQACore.interchange.label_images import is_label_image, read_segmentation
from AnnotationQACore.interchange.labels import label_values
from AnnotationQACore.interchange.markups import read_markups
from AnnotationQACore.interchange.matching import MatchedSegmentation, match_segments
from AnnotationQACore.interchange.matching_answers import match_markups, match_ratings
from AnnotationQACore.interchange.matching_objects import match_coco, match_groups
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
_SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
_KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"
_REPORTS = "1.2.840.10008.5.1.4.1.1.88."
_FINDINGS = "Images with findings"

ImagesOf = Callable[[str, str], CaseImages]
"""Images of a case by its ID, with the series of a UID if that is at hand; none where they are not."""


def _no_images(_case: str, _series_uid: str) -> CaseImages:
    return CaseImages((), "")


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
    flags: list[str] = field(default_factory=list)
    groups: dict[str, list[MeasurementGroup]] = field(default_factory=dict)
    segment_ids: dict[tuple[str, int], str] = field(default_factory=dict)

    def segmentation(self) -> Segmentation | None:
        """The segments of all files on one grid, each file in layers of its own; None without a segment.

        Raises
        ------
        GridMismatch
            Two files were made on different images.
        InputError
            Two files hold the same segment with other voxels.
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
        kept: dict[str, Segment] = {}
        for segment in segments:
            first = kept.setdefault(segment.id, segment)
            if first is not segment and not _same_voxels(layers, first, segment):
                raise InputError(
                    f"case {self.case}, {self.reader}: two files hold different '{segment.id}'; import one of them."
                )
        used = sorted({segment.layer for segment in kept.values()})
        kind = np.result_type(*(layers[layer] for layer in used))
        return Segmentation(
            np.stack([layers[layer].astype(kind) for layer in used]),
            grid,
            tuple(replace(segment, layer=used.index(segment.layer)) for segment in kept.values()),
        )

    def all_answers(self) -> tuple[Answer, ...]:
        """Answers from files, and for every segment that it is present, or absent where it has no voxels.

        Raises
        ------
        InputError
            Two files answer the same.
        """
        given: dict[tuple[str, Subject], Answer] = {}
        for answer in self.answers:
            key = (answer.item, answer.subject)
            value = agreed(given.setdefault(key, answer).value, answer.value)
            if value is None:
                raise InputError(
                    f"case {self.case}, {self.reader}: two files answer '{answer.segment_id}' differently; import one."
                )
            given[key] = replace(answer, value=value)
        drawn = []
        for segment_id, is_there in self._segments_there().items():
            item, _, number = segment_id.partition("#")
            subject = Subject(instance=int(number) if number else None)
            presence = Presence.PRESENT if is_there else Presence.ABSENT
            if (item, subject) not in given:
                drawn.append(Answer(item, SegmentationValue(presence), subject))
        return (*drawn, *given.values())

    def _segments_there(self) -> dict[str, bool]:
        """Whether each segment has voxels, by its ID."""
        there: dict[str, bool] = {}
        for one in self.segmentations.values():
            for segment in one.segments:
                there.setdefault(segment.id, bool((one.layers[segment.layer] == segment.value).any()))
        return there

    def match_reports(self, protocol: Protocol, mapping: Mapping[str, str]) -> None:
        """Turn the groups of reports into answers, now that the segments they refer to are known."""
        for name, groups in self.groups.items():
            known = [self._named(group, protocol, mapping) for group in groups]
            matched = match_groups(known, protocol)
            self.answers += matched.answers
            self.mismatches += [f"{name}: {line}" for line in matched.mismatches]
        self.groups.clear()

    def _named(self, group: MeasurementGroup, protocol: Protocol, mapping: Mapping[str, str]) -> MeasurementGroup:
        """The group under the ID of its item, where the mapping or the segment it refers to tells."""
        finding = group.finding.meaning if group.finding else ""
        mapped = mapping.get(group.tracking_id) or mapping.get(finding)
        if mapped:
            return replace(group, tracking_id=mapped)
        place = group.place
        if isinstance(place, SegmentReference) and group.tracking_id.partition("#")[0] not in protocol.item_ids:
            segment = self.segment_ids.get((place.segmentation_uid, place.segment_number))
            return replace(group, tracking_id=segment) if segment else group
        return group


def _same_voxels(layers: Sequence[LabelArray], first: Segment, second: Segment) -> bool:
    return bool(((layers[first.layer] == first.value) == (layers[second.layer] == second.value)).all())


def read_files(
    files: Sequence[ListedFile],
    protocol: Protocol,
    mapping: Mapping[str, str] | None = None,
    progress: Progress = silent,
    images_of: ImagesOf = _no_images,
) -> tuple[list[FolderReading], list[str]]:
    """Read files and gather them by case, reader and round.

    Parameters
    ----------
    files : sequence of ListedFile
    protocol : Protocol
        Whose items segments, markups and ratings are matched to.
    mapping : mapping of str to str, optional
        Item ID for a segment, markup, finding, category or column of another name.
    progress : Progress
    images_of : callable
        Images of a case, on which structure sets and masks of single images lie.

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
            for found in _read(file, protocol, mapping or {}, images_of):
                _gather(gathered, found)
        except Cancelled:
            raise
        except AnnotationQAError as error:
            text = str(error)
            problems.append(text if str(file.path) in text else f"{file.path}: {text}")
    progress(len(files), len(files))
    for reading in gathered.values():
        reading.match_reports(protocol, mapping or {})
    return list(gathered.values()), problems


def _gather(gathered: dict[tuple[str, str, int], FolderReading], found: FolderReading) -> None:
    key = (found.case, found.reader, found.round)
    home = gathered.setdefault(key, FolderReading(*key))
    home.patient = home.patient or found.patient
    home.segmentations |= found.segmentations
    home.answers += found.answers
    home.mismatches += found.mismatches
    home.flags += [flag for flag in found.flags if flag not in home.flags]
    home.groups |= found.groups
    home.segment_ids |= found.segment_ids


def _read(
    file: ListedFile, protocol: Protocol, mapping: Mapping[str, str], images_of: ImagesOf
) -> Iterator[FolderReading]:
    name = file.path.name.lower()
    if name.endswith(_TABLES):
        yield from _ratings(file, protocol, mapping)
        return
    if not file.case or not file.reader:
        raise InputError(f"{file.path}: its name says no case or reader; put {{case}} and {{reader}} in the pattern.")
    reading = FolderReading(file.case, file.reader, file.round, file.patient)
    if is_label_image(file.path):
        _add_segmentation(reading, file, read_segmentation(file.path), protocol, mapping)
    elif file.path.suffix.lower() in _DICOM:
        _read_dicom(reading, file, protocol, mapping, images_of)
    elif name.endswith(_MARKUPS):
        markups = [replace(one, name=file.item or one.name or file.path.name) for one in read_markups(file.path)]
        answers = match_markups(markups, protocol, mapping)
        reading.answers += answers.answers
        reading.mismatches += [f"{file.path.name}: {line}" for line in answers.mismatches]
    elif name.endswith(".json"):
        _read_coco(reading, file, protocol, mapping, images_of)
    else:
        raise InputError(f"{file.path}: is of a format that is not imported; leave it out of the pattern.")
    yield reading


def _read_dicom(
    reading: FolderReading, file: ListedFile, protocol: Protocol, mapping: Mapping[str, str], images_of: ImagesOf
) -> None:
    kind = str(read_object(file.path).get("SOPClassUID", ""))
    if kind == _STRUCTURE_SET:
        from AnnotationQACore.interchange.rtstruct import read_rtstruct, to_segmentation  # writes such objects too

        structures = read_rtstruct(file.path)
        images = images_of(file.case, structures.source_series_uid)
        series = next((one for one in images.series if one.uid == structures.source_series_uid), None) or images.main
        if series.images.grid is None:
            raise InputError(f"{file.path}: the images of the case make no regular volume; outlines need one.")
        drawn, notes = to_segmentation(structures, series.images.grid)
        _add_segmentation(reading, file, drawn, protocol, mapping)
        reading.mismatches += [f"{file.path.name}: {note}" for note in notes]
    elif kind == _KEY_OBJECTS:
        from AnnotationQACore.interchange.key_objects import read_key_objects  # with highdicom, which writes them

        flagged = read_key_objects(file.path)
        if flagged.description != _FINDINGS:
            reading.flags.append(flagged.description or flagged.title.meaning)
    elif kind.startswith(_REPORTS):
        reading.groups[file.path.name] = list(read_measurement_report(file.path).groups)
    elif kind in _SEGMENTATIONS:
        stored = read_dicom_seg(file.path)
        matched = _add_segmentation(reading, file, stored.segmentation, protocol, mapping)
        numbers = {segment.id: segment.value for segment in stored.segmentation.segments}
        reading.segment_ids |= {
            (stored.instance_uid, numbers[theirs]): ours for ours, theirs in matched.sources.items()
        }
    else:
        raise InputError(f"{file.path}: is no DICOM SEG, SR, RTSTRUCT or KOS; leave it out of the pattern.")


def _add_segmentation(
    reading: FolderReading,
    file: ListedFile,
    segmentation: Segmentation,
    protocol: Protocol,
    mapping: Mapping[str, str],
) -> MatchedSegmentation:
    own = {**mapping, **_item_of_file(file, segmentation, protocol)}
    matched = match_segments(segmentation, protocol, own)
    reading.segmentations[file.path.name] = matched.segmentation
    reading.mismatches += [f"{file.path.name}: {line}" for line in matched.mismatches if not _is_partial(file, line)]
    return matched


def _read_coco(
    reading: FolderReading, file: ListedFile, protocol: Protocol, mapping: Mapping[str, str], images_of: ImagesOf
) -> None:
    masks: list[CocoAnnotation] = []
    by_image: dict[str, list[CocoAnnotation]] = {}
    for number, one in enumerate(read_coco(file.path), start=1):
        if one.crowd:
            reading.mismatches.append(f"{file.path.name}: annotation {number}: stands for a crowd, not for one thing.")
        elif segmentation_named(one.category, protocol, mapping) and (one.polygons or one.mask is not None):
            masks.append(one)
        else:
            by_image.setdefault(one.image.file_name, []).append(one)
    for name, drawn in by_image.items():
        image, frame = image_of_name(name) or (name, None)
        matched = match_coco(drawn, protocol, image, mapping, frame)
        reading.answers += matched.answers
        reading.mismatches += [f"{file.path.name}: {name}: {line}" for line in matched.mismatches]
    if masks:
        segments, mismatches = coco_segments(masks, protocol, images_of(file.case, ""), mapping)
        reading.mismatches += [f"{file.path.name}: {line}" for line in mismatches]
        if segments is not None:
            reading.segmentations[file.path.name] = segments


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
