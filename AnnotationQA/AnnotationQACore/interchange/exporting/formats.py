"""The formats in which a reading is exported: what each writes, and what it leaves out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from AnnotationQACore import atomic
from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.answer_coco import answer_annotations, segment_annotations
from AnnotationQACore.interchange.answer_groups import Places, answer_groups
from AnnotationQACore.interchange.answer_markups import answer_markups
from AnnotationQACore.interchange.answer_table import answer_rows, table_text
from AnnotationQACore.interchange.case_images import CaseImages
from AnnotationQACore.interchange.coco import write_coco
from AnnotationQACore.interchange.derived import ObjectInfo
from AnnotationQACore.interchange.dicom_seg import ProbabilityMap, SegmentationType, SegmentOrigin
from AnnotationQACore.interchange.dicom_sr import MeasurementGroup, SegmentReference
from AnnotationQACore.interchange.label_images import write_segmentation
from AnnotationQACore.interchange.left_out import LeftOut
from AnnotationQACore.interchange.markups import write_markups
from AnnotationQACore.interchange.surfaces import surface_of, write_surface
from AnnotationQACore.project.readings import Answer, Presence, Reading, SegmentationValue
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.segmentation import Segmentation

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["FORMATS", "ExportFormat", "ReadingContent", "nothing_to_write"]

_QUALITY_FLAGS = {"poor quality", "wrong series", "burned-in identity"}


@dataclass(frozen=True, slots=True)
class ReadingContent:
    """All of a reading that formats write.

    Attributes
    ----------
    reading : Reading
    segmentation : Segmentation or None
    protocol : Protocol
        Under which it was read.
    images : CaseImages
    info : callable
        Makes the `ObjectInfo` of a kind of object.
    origins : mapping of str to SegmentOrigin
    shares : callable
        Makes, of a consensus, the share of its readings that marked each voxel; of another reading nothing.
    """

    reading: Reading
    segmentation: Segmentation | None
    protocol: Protocol
    images: CaseImages
    info: Callable[[str], ObjectInfo]
    origins: Mapping[str, SegmentOrigin]
    shares: Callable[[], Sequence[ProbabilityMap]]

    def drawn(self) -> Segmentation:
        """The segmentation; raises `InputError` when there are no voxels."""
        if self.segmentation is None:
            raise _Nothing("has no segments.")
        return self.segmentation

    def other_answers(self, kinds: tuple[type, ...]) -> list[Answer]:
        """Answers of other kinds than those."""
        return [answer for answer in self.reading.answers if not isinstance(answer.value, kinds)]


class _Nothing(InputError):
    """A reading has nothing that the format could hold."""


Written = tuple[tuple[Path, ...], tuple[str, ...]]
"""Files that were written, and one line for each thing that they do not hold."""


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A format by its name.

    Attributes
    ----------
    name : str
        As on the command line.
    summary : str
        For people.
    write : callable
        Takes a reading, a folder and the start of file names.
    """

    name: str
    summary: str
    write: Callable[[ReadingContent, Path, str], Written]


def nothing_to_write(error: Exception) -> bool:
    """Whether a format was left out because the reading holds nothing for it, which is no fault."""
    return isinstance(error, _Nothing)


def _seg(kind: SegmentationType, suffix: str) -> Callable[[ReadingContent, Path, str], Written]:
    def write(content: ReadingContent, folder: Path, stem: str) -> Written:
        from AnnotationQACore.interchange.dicom_seg_writer import write_dicom_seg  # with highdicom, as below

        segmentation = content.drawn()
        sources = content.images.on_lattice(segmentation.grid).images
        path = folder / f"{stem}{suffix}.dcm"
        notes = write_dicom_seg(path, segmentation, sources, content.info(suffix), kind, content.origins)
        return (path,), (*notes, *_left_out(content))

    return write


def _fractional(content: ReadingContent, folder: Path, stem: str) -> Written:
    from AnnotationQACore.interchange.dicom_seg_writer import write_fractional_segs

    maps = content.shares()
    if not maps:
        raise _Nothing("is no consensus of several segmentations, so it has no probabilities.")
    sources = content.images.on_lattice(maps[0].volume.grid).images
    path = folder / f"{stem}-fractional.dcm"
    paths = write_fractional_segs(path, maps, sources, content.info("-fractional"), content.origins)
    return paths, _left_out(content)


def _left_out(content: ReadingContent) -> tuple[str, ...]:
    """What formats of voxels do not hold."""
    left_out = LeftOut()
    for answer in content.reading.answers:
        if not isinstance(answer.value, SegmentationValue):
            left_out.add(answer.item, "answers that are no voxels.")
        elif answer.value.presence is not Presence.PRESENT:
            left_out.add(answer.segment_id, f"{answer.value.presence}, which voxels do not say.")
    return left_out.lines()


def _sr(content: ReadingContent, folder: Path, stem: str) -> Written:
    from pydicom import dcmread

    from AnnotationQACore.interchange.dicom_seg_writer import write_dicom_seg
    from AnnotationQACore.interchange.dicom_sr_writer import write_measurement_reports

    images = content.images
    main = images.main
    segments: dict[str, SegmentReference] = {}
    segmentation, seg_path = content.segmentation, None
    notes: list[str] = []
    if segmentation is not None and segmentation.segments:
        series = images.on_lattice(segmentation.grid)
        seg_path = folder / f"{stem}.dcm"
        if not seg_path.exists():  # the segments document refers to it
            notes += write_dicom_seg(
                seg_path, segmentation, series.images, content.info(""), SegmentationType.BINARY, content.origins
            )
        header = dcmread(seg_path, stop_before_pixels=True)
        segments = {
            str(item.get("TrackingID") or item.SegmentLabel): SegmentReference(
                str(header.SOPInstanceUID), int(item.SegmentNumber), series.uid
            )
            for item in header.SegmentSequence
        }
    places = Places(
        {one.role: str(one.images.first.get("FrameOfReferenceUID") or "") for one in images.series},
        images.reference,
        {one.role: one.single_image for one in images.series if one.single_image},
        segments,
    )
    said = answer_groups(content.reading.answers, content.protocol, places)
    groups = [group for group in said.groups if _says_something(group)]
    if not groups:
        raise _Nothing("has no answers that a measurement report holds.")
    sources = [main.images, *(one.images for one in images.series if one is not main)]
    tracked = [_tracked(group, content.origins) for group in groups]
    paths = write_measurement_reports(folder, f"{stem}_sr", tracked, sources, content.info("sr"), seg_path)
    return (*((seg_path,) if seg_path else ()), *paths), (*notes, *said.left_out)


def _says_something(group: MeasurementGroup) -> bool:
    """A segment without statements is in the segmentation already."""
    return bool(group.measurements or group.evaluations) or not isinstance(group.place, SegmentReference)


def _tracked(group: MeasurementGroup, origins: Mapping[str, SegmentOrigin]) -> MeasurementGroup:
    """The same finding has the same tracking UID in the segmentation and in the report."""
    origin = origins.get(group.tracking_id)
    return replace(group, tracking_uid=origin.tracking_uid) if origin else group


def _rtstruct(content: ReadingContent, folder: Path, stem: str) -> Written:
    from AnnotationQACore.interchange.rtstruct import write_rtstruct

    segmentation = content.drawn()
    sources = content.images.on_lattice(segmentation.grid).images
    path = folder / f"{stem}-rtstruct.dcm"
    notes = write_rtstruct(path, segmentation, sources, content.info("rtstruct"), content.origins)
    return (path,), (*notes, *_left_out(content))


def _kos(content: ReadingContent, folder: Path, stem: str) -> Written:
    """Images with something drawn or said on them, and for each flag of the reading all images of its case."""
    from AnnotationQACore.interchange.key_objects import FOR_TEACHING, OF_INTEREST, QUALITY_ISSUE, write_key_objects

    reading, images = content.reading, content.images
    lists: list[tuple[Code, str, list[Dataset]]] = []
    pointed = {answer.subject.image for answer in reading.answers if answer.subject.image}
    for series in images.series:
        chosen = [header for header in series.images.headers if str(header.SOPInstanceUID) in pointed]
        if chosen:
            lists.append((OF_INTEREST, "Images with findings", chosen))
    for flag in reading.flags:
        title = QUALITY_ISSUE if flag in _QUALITY_FLAGS else FOR_TEACHING if flag == "edge case" else OF_INTEREST
        lists += [(title, flag, list(series.images.headers)) for series in images.series]
    if not lists:
        raise _Nothing("flags no image and has no answers on single images.")
    _ = images.main  # says so when there are none
    paths = []
    for number, (title, why, headers) in enumerate(lists, start=1):
        path = folder / f"{stem}-kos-{number}.dcm"
        write_key_objects(path, headers, content.info(f"kos {number}"), title, why)
        paths.append(path)
    return tuple(paths), ()


def _label_image(suffix: str) -> Callable[[ReadingContent, Path, str], Written]:
    def write(content: ReadingContent, folder: Path, stem: str) -> Written:
        path = folder / f"{stem}{suffix}"
        notes = write_segmentation(path, content.drawn())
        return (path,), (*(note.removeprefix(f"{path.name}: ") for note in notes), *_left_out(content))

    return write


def _surface(suffix: str) -> Callable[[ReadingContent, Path, str], Written]:
    def write(content: ReadingContent, folder: Path, stem: str) -> Written:
        segmentation = content.drawn()
        paths, notes = [], []
        for segment in segmentation.segments:
            mask = segmentation.mask(segment.id)
            if not mask.voxels.any():
                notes.append(f"segment '{segment.id}' has no voxels, so it has no surface.")
                continue
            path = folder / f"{stem}_{segment.id.replace('#', '-')}{suffix}"
            write_surface(path, surface_of(mask), segment.name, segment.color)
            paths.append(path)
        if segmentation.segments:
            notes.append("a surface holds no codes; its steps are those of the voxels.")
        return tuple(paths), (*notes, *_left_out(content))

    return write


def _markups(content: ReadingContent, folder: Path, stem: str) -> Written:
    said = answer_markups(content.reading.answers, content.protocol)
    if not said.markups:
        raise _Nothing("has nothing drawn in space.")
    path = folder / f"{stem}.mrk.json"
    write_markups(path, said.markups)
    return (path,), said.left_out


def _coco(content: ReadingContent, folder: Path, stem: str) -> Written:
    annotations, left_out = answer_annotations(
        content.other_answers((SegmentationValue,)), content.protocol, content.images
    )
    if content.segmentation is not None:
        annotations += segment_annotations(content.segmentation, content.images)
    if not annotations:
        raise _Nothing("has no boxes, outlines or segments on images.")
    path = folder / f"{stem}.coco.json"
    write_coco(path, annotations, description=content.info("").description)
    return (path,), left_out


def _table(content: ReadingContent, folder: Path, stem: str) -> Written:
    answers = content.other_answers((SegmentationValue,))
    rows, left_out = answer_rows(content.reading.case, content.reading.reader, answers)
    if not rows:
        raise _Nothing("has no answers in words or numbers.")
    path = folder / f"{stem}.csv"
    atomic.write_text(path, table_text(rows))
    return (path,), left_out


FORMATS: Mapping[str, ExportFormat] = {
    one.name: one
    for one in (
        ExportFormat("seg", "DICOM SEG, binary", _seg(SegmentationType.BINARY, "")),
        ExportFormat("seg-labelmap", "DICOM SEG, label map", _seg(SegmentationType.LABELMAP, "-labelmap")),
        ExportFormat("seg-fractional", "DICOM SEG: share of a consensus' readings that marked a voxel", _fractional),
        ExportFormat("sr", "DICOM SR (TID 1500), a document each for segments, space, images, case", _sr),
        ExportFormat("rtstruct", "DICOM RT Structure Set", _rtstruct),
        ExportFormat("kos", "DICOM KOS: flagged images, and images with findings", _kos),
        ExportFormat("nifti", "label map .nii.gz", _label_image(".nii.gz")),
        ExportFormat("nrrd", "label map .nrrd", _label_image(".nrrd")),
        ExportFormat("mha", "label map .mha", _label_image(".mha")),
        ExportFormat("seg.nrrd", "segmentation of 3D Slicer", _label_image(".seg.nrrd")),
        ExportFormat("mrk.json", "markups of 3D Slicer: points, lines, outlines, boxes", _markups),
        ExportFormat("stl", "surfaces .stl", _surface(".stl")),
        ExportFormat("obj", "surfaces .obj", _surface(".obj")),
        ExportFormat("ply", "surfaces .ply", _surface(".ply")),
        ExportFormat("gltf", "surfaces .glb (glTF 2.0)", _surface(".glb")),
        ExportFormat("coco", "COCO: boxes, outlines and masks on images", _coco),
        ExportFormat("csv", "table of answers in words and numbers", _table),
    )
}
"""All formats, by the name by which they are asked for."""
