"""One case as DICOM objects: its images copied, its readings as Segmentation objects and measurement reports."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.answer_groups import Places, answer_groups
from AnnotationQACore.interchange.derived import ObjectInfo
from AnnotationQACore.interchange.dicom_seg import (
    Algorithm,
    AlgorithmType,
    ProbabilityMap,
    SegmentOrigin,
    read_dicom_seg,
)
from AnnotationQACore.interchange.dicom_seg_writer import write_dicom_seg, write_fractional_segs
from AnnotationQACore.interchange.dicom_sr import SegmentReference
from AnnotationQACore.interchange.dicom_sr_writer import write_measurement_reports
from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.interchange.matching import as_in_protocol
from AnnotationQACore.interchange.placement import joint_grid, placed_on
from AnnotationQACore.interchange.settled_objects import settle
from AnnotationQACore.interchange.sources import SourceImages, read_sources
from AnnotationQACore.project.fields import parse_time
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.release.exporters.arrays import file_name
from AnnotationQACore.release.exporting import Dataset, ReadingKind, ReleaseCase, ReleaseReading
from AnnotationQACore.release.label_table import LabelTable, label_layers
from AnnotationQACore.release.options import ExportOptions
from AnnotationQACore.release.preparation import chosen_roles
from AnnotationQACore.segmentation import Segment, Segmentation, Volume

__all__ = ["write_case"]

_UNDATED = datetime(1970, 1, 1)


def write_case(
    folder: Path, case: ReleaseCase, dataset: Dataset, options: ExportOptions, table: LabelTable
) -> Iterator[str]:
    """Write all files of a case below its folder, and name what they cannot hold."""
    roles = chosen_roles(case, dataset.protocol, options)
    sources: dict[str, SourceImages] = {}
    for role in roles:
        image = case.image(role)
        if image is None or not image.facts.series_uid:
            raise InputError(f"case {case.id}: series '{role}' is not at hand as DICOM; leave it out, or take bids.")
        place = folder / "images" / file_name(role)
        place.mkdir(parents=True)
        copies = [place / f"{number:05d}.dcm" for number in range(1, len(image.files) + 1)]
        for source, copy in zip(image.files, copies, strict=True):
            shutil.copyfile(source, copy)
        sources[role] = read_sources(copies)
    reference = dataset.protocol.imaging.reference_series
    reference = reference if reference in sources else roles[0]
    for reading in case.readings:
        for line in _write_reading(folder, case, reading, dataset, sources, reference, table):
            yield f"{reading.name}: {line}"


def _write_reading(
    folder: Path,
    case: ReleaseCase,
    reading: ReleaseReading,
    dataset: Dataset,
    sources: dict[str, SourceImages],
    reference: str,
    table: LabelTable,
) -> Iterator[str]:
    stem = file_name(reading.name)
    when = parse_time(reading.time).replace(tzinfo=None) if reading.time else _UNDATED
    info = ObjectInfo(
        description=f"{reading.kind.value}: {reading.name}",
        creator=reading.name,
        when=when,
        key=f"{dataset.name} {case.id} {reading.name} {reading.sha256}",
    )
    if reading.kind is ReadingKind.PROBABILITY:
        yield from _write_probabilities(folder / f"{stem}-seg.dcm", case, reading, sources[reference], info, table)
        return
    segmentation = _chosen(reading.segmentation(), table, dataset.protocol)
    places: dict[str, SegmentReference] = {}
    path = None
    if segmentation is not None and segmentation.segments:
        path = folder / f"{stem}-seg.dcm"
        origins = {segment.id: _origin(reading) for segment in segmentation.segments}
        yield from write_dicom_seg(path, segmentation, sources[reference], info, origins=origins)
        settle(path, info)
        written = read_dicom_seg(path)
        series = str(sources[reference].first.SeriesInstanceUID)
        places = {
            segment.id: SegmentReference(written.instance_uid, number, series)
            for number, segment in enumerate(written.segmentation.segments, start=1)
        }
    found = answer_groups(reading.answers, dataset.protocol, _places(sources, reference, places))
    yield from found.left_out
    if found.groups:
        report = ObjectInfo(
            description=info.description, creator=info.creator, when=when, key=f"{info.key} report", series_number=101
        )
        for written_report in write_measurement_reports(folder, stem, found.groups, sources[reference], report, path):
            settle(written_report, report)


def _places(sources: dict[str, SourceImages], reference: str, segments: dict[str, SegmentReference]) -> Places:
    frames = {role: str(one.first.get("FrameOfReferenceUID", "") or "") for role, one in sources.items()}
    images = {role: str(one.first.SOPInstanceUID) for role, one in sources.items() if len(one.headers) == 1}
    return Places(frames, reference, images, segments)


def _chosen(segmentation: Segmentation | None, table: LabelTable, protocol: Protocol) -> Segmentation | None:
    """The segments that are released, with the names and codes of the protocol."""
    if segmentation is None:
        return None
    items = {item.id: item for item in protocol.segmentations}
    kept = []
    for segment in segmentation.segments:
        item, _, number = segment.id.partition("#")
        if table.of_item(item) is not None:
            described = as_in_protocol(segment, items[item], int(number) if number.isdigit() else None)
            kept.append(replace(described, id=segment.id, value=segment.value, layer=segment.layer))
    return Segmentation(segmentation.layers, segmentation.grid, tuple(kept))


def _origin(reading: ReleaseReading) -> SegmentOrigin:
    if reading.kind is ReadingKind.MODEL:
        return SegmentOrigin(Algorithm(AlgorithmType.AUTOMATIC, reading.name))
    if reading.kind is ReadingKind.CONSENSUS:
        return SegmentOrigin(Algorithm(AlgorithmType.SEMIAUTOMATIC, reading.name))
    return SegmentOrigin(Algorithm())


def _write_probabilities(
    path: Path, case: ReleaseCase, reading: ReleaseReading, images: SourceImages, info: ObjectInfo, table: LabelTable
) -> Iterator[str]:
    """A fractional object: the share of the readers who marked a voxel, for each label."""
    drawn = [read_segmentation(source) for source in reading.sources]
    if not drawn:
        return
    grid = joint_grid({f"reading {place}": one.grid for place, one in enumerate(drawn, start=1)})
    layers = [label_layers(placed_on(one, grid), table, layered=True, case=case.id) for one in drawn]
    maps: list[ProbabilityMap] = []
    for place, label in enumerate(table.labels):
        votes = np.stack([one[place] != 0 for one in layers]).sum(axis=0, dtype=np.float32)
        votes /= np.float32(reading.voters)
        if votes.any():
            codes = label.item.codes
            segment = Segment(
                label.id, label.item.title, len(maps) + 1, 0, label.item.rgb, codes.category, codes.type,
                codes.type_modifier, codes.region, codes.region_modifier,
            )  # fmt: skip
            maps.append(ProbabilityMap(segment, Volume(votes, grid)))
    if maps:
        origin = SegmentOrigin(Algorithm(AlgorithmType.SEMIAUTOMATIC, f"fraction of {reading.voters} readers"))
        origins = {each.segment.id: origin for each in maps}
        written = write_fractional_segs(path, maps, images, info, origins)
        for one in written:
            settle(one, info)
        if len(written) > 1:
            yield f"the probability map is written as {len(written)} objects, one a label, for its size."
