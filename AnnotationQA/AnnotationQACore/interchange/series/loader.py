"""Load a series: what its headers promise, as voxels."""

from __future__ import annotations

import itertools
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import InputError, MissingExtra
from AnnotationQACore.interchange.series.codecs import CODECS, decoder_for, install_hint
from AnnotationQACore.interchange.series.decoding import (
    Undecodable,
    decode_into,
    is_color,
    is_native,
    stored_dtype,
)
from AnnotationQACore.interchange.series.dimensions import DimensionName, FrameRef
from AnnotationQACore.interchange.series.findings import Finding, FindingCode
from AnnotationQACore.interchange.series.grouping import SeriesHeader, series_header
from AnnotationQACore.interchange.series.header_reader import read_dataset
from AnnotationQACore.interchange.series.headers import FileHeader
from AnnotationQACore.interchange.series.images import FrameSource, ImageSeries
from AnnotationQACore.interchange.series.planar import planar_spacing
from AnnotationQACore.interchange.series.scanning import list_files, scan_files
from AnnotationQACore.interchange.series.stacks import Stack, matrix_of
from AnnotationQACore.interchange.series.suv import SuvScale, SuvUnavailable, suv_scale
from AnnotationQACore.interchange.series.values import clear_unused_bits, rescaled
from AnnotationQACore.progress import Progress, silent

__all__ = ["load_series"]

_CT_IMAGE: Final = "1.2.840.10008.5.1.4.1.1.2"


def load_series(
    source: SeriesHeader | Path | Sequence[Path],
    *,
    stack: int = 0,
    progress: Progress = silent,
    executor: Executor | None = None,
) -> ImageSeries:
    """Load one image of a series.

    Parameters
    ----------
    source : SeriesHeader, Path or sequence of Path
        A series of a `FolderScan`; or its folder or file; or its files, in any order.
    stack : int
        Which image of a series that mixes several; 0 is the one with most frames.
    progress : Progress
    executor : Executor, optional
        Threads that decode compressed files; without one, a pool of as many as there are processors. Uncompressed
        files are copied straight into place here.

    Raises
    ------
    InputError
        There is no image; the files are of several series; none can be read. A single broken file does not raise: it
        is left out, and a finding names it.
    MissingExtra
        Nothing installed decodes its compression; the message names the extra.
    """
    series = source if isinstance(source, SeriesHeader) else _series_of(source)
    while True:
        chosen = _chosen(series, stack)
        try:
            return _load(series, chosen, progress, executor)
        except _BrokenFiles as broken:
            series = _without(series, broken.errors)


class _BrokenFiles(Exception):
    def __init__(self, errors: Sequence[Undecodable]) -> None:
        super().__init__()
        self.errors = errors


def _series_of(source: Path | Sequence[Path]) -> SeriesHeader:
    if isinstance(source, Path) and source.is_dir():
        jobs, where = list_files(source), str(source)
    else:
        paths = [source] if isinstance(source, Path) else list(source)
        where = str(paths[0]) if len(paths) == 1 else f"{len(paths)} files"
        missing = next((path for path in paths if not path.is_file()), None)
        if missing is not None:
            raise InputError(f"{missing}: there is no such file; check the path.")
        jobs = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    scan = scan_files(jobs)
    if not scan.series:
        reason = f": {scan.unreadable[0].reason}" if len(scan.unreadable) == 1 else ""
        raise InputError(f"{where}: no DICOM series{reason}; check that these are DICOM images.")
    if len(scan.series) > 1:
        raise InputError(f"{where}: {len(scan.series)} series; scan the folder, and choose one.")
    return scan.series[0]


def _chosen(series: SeriesHeader, index: int) -> Stack:
    if not series.stacks:
        why = next((finding.message for finding in series.findings), "it has no image.")
        raise InputError(f"{series.files[0].path}: {series.modality or 'unknown'} series cannot be loaded: {why}")
    if not 0 <= index < len(series.stacks):
        raise InputError(f"{series.files[0].path}: the series has {len(series.stacks)} images, no number {index}.")
    return series.stacks[index]


def _without(series: SeriesHeader, errors: Sequence[Undecodable]) -> SeriesHeader:
    reasons = {error.path: error.reason for error in errors}
    return series_header(
        [replace(file, problem=reasons[file.path]) if file.path in reasons else file for file in series.files]
    )


def _load(series: SeriesHeader, stack: Stack, progress: Progress, executor: Executor | None) -> ImageSeries:
    frames = stack.frames
    first = stack.first.file
    stored = _stored_frames(frames, progress, executor)
    findings = _findings_of(series, stack)
    if is_color(first):
        voxels = _color_depth(stored)
    else:
        if stored.dtype.kind != "f" and clear_unused_bits(stored, first.bits_stored, first.high_bit):
            message = "bits outside the stored ones were set (an overlay, as a rule); they are cleared."
            findings.append(Finding.info(FindingCode.UNUSED_BITS_SET, message))
        voxels = rescaled(stored, [r.frame.slope for r in frames], [r.frame.intercept for r in frames])
    stack, voxels, findings = _without_repeats(stack, voxels, findings)
    findings = _compare_spares(stack, findings)
    suv, suv_findings = _suv(stack)
    return ImageSeries(
        voxels=voxels.reshape(len(stack.volumes), -1, *voxels.shape[1:]) if stack.dimension is not None else voxels,
        sources=tuple(tuple(map(_source, volume)) for volume in stack.volumes),
        kind=stack.kind,
        grid=stack.grid,
        spacing=planar_spacing(stack),
        dimension=stack.dimension,
        modality=first.modality,
        photometric="RGB" if is_color(first) else first.photometric,
        units=_units(first),
        description=first.description,
        series_uid=first.series_uid,
        study_uid=first.study_uid,
        frame_of_reference=first.frame_of_reference,
        body_part=first.body_part,
        sex=first.sex,
        age_years=first.age_years,
        regions=first.regions,
        suv=suv,
        findings=(*findings, *suv_findings),
    )


def _stored_frames(frames: Sequence[FrameRef], progress: Progress, executor: Executor | None) -> NDArray[Any]:
    """Stored samples of frames, shape (frame, rows, columns), color (frame, rows, columns, 3)."""
    first = frames[0]
    shape = _frame_shape(first)
    stored = np.empty((len(frames), *shape), dtype=_frame_dtype(first.file))
    targets: dict[Path, tuple[FileHeader, list[tuple[int, NDArray[Any]]]]] = {}
    for ref, target in zip(frames, stored, strict=True):
        targets.setdefault(ref.file.path, (ref.file, []))[1].append((ref.frame.number, target))
    errors = []
    for done, error in enumerate(_decode_all(list(targets.values()), executor), 1):
        progress(done, len(targets))
        if error is not None:
            errors.append(error)
    if errors:
        raise _BrokenFiles(errors)
    return stored


Job = tuple[FileHeader, list[tuple[int, NDArray[Any]]]]


def _decode_all(jobs: Sequence[Job], executor: Executor | None) -> Iterable[Undecodable | None]:
    for file, _ in jobs:
        if decoder_for(file.transfer_syntax, file.bits_stored) is None:
            raise MissingExtra(f"{file.modality} series: {install_hint(file.transfer_syntax)}", CODECS)
    if all(is_native(file) for file, _ in jobs):
        yield from map(_decode, jobs)
        return
    shares = _shares(jobs)
    if executor is not None:
        yield from _merged(shares, executor)
        return
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        yield from _merged(shares, pool)


def _shares(jobs: Sequence[Job]) -> list[Job]:
    """Split multi-frame files, so that each processor has something to do."""
    processors = os.cpu_count() or 1
    if len(jobs) >= processors:
        return list(jobs)
    shares = []
    for file, targets in jobs:
        parts = 1 if file.tiles > 1 else min(processors, len(targets))
        bounds = np.linspace(0, len(targets), parts + 1).astype(int)
        shares += [(file, targets[a:b]) for a, b in itertools.pairwise(bounds)]
    return shares


def _merged(shares: Sequence[Job], executor: Executor) -> Iterable[Undecodable | None]:
    waiting: dict[Path, int] = defaultdict(int)
    for file, _ in shares:
        waiting[file.path] += 1
    failed: dict[Path, Undecodable] = {}
    for (file, _), error in zip(shares, executor.map(_decode, shares), strict=True):
        waiting[file.path] -= 1
        if error is not None:
            failed[file.path] = error
        if not waiting[file.path]:
            yield failed.get(file.path)


def _decode(job: Job) -> Undecodable | None:
    try:
        decode_into(*job)
    except Undecodable as error:
        return error
    except ValueError:
        return Undecodable(job[0].path, "its pixel data does not fit its matrix")
    return None


def _frame_shape(ref: FrameRef) -> tuple[int, ...]:
    rows, columns = matrix_of(ref.file)
    return (rows, columns, 3) if is_color(ref.file) else (rows, columns)


def _frame_dtype(file: FileHeader) -> np.dtype[Any]:
    if file.photometric == "PALETTE COLOR":
        return np.dtype(np.uint16)
    return stored_dtype(file)


def _color_depth(stored: NDArray[Any]) -> NDArray[Any]:
    return stored.astype(np.uint8) if stored.dtype == np.uint16 and int(stored.max()) <= 255 else stored


def _findings_of(series: SeriesHeader, stack: Stack) -> list[Finding]:
    if stack is series.stacks[0]:
        return list(series.findings)
    return list(stack.findings)


def _without_repeats(
    stack: Stack, voxels: NDArray[Any], findings: list[Finding]
) -> tuple[Stack, NDArray[Any], list[Finding]]:
    """Drop volumes that nothing tells apart, not even their pixels."""
    if stack.dimension is None or stack.dimension.name is not DimensionName.UNNAMED:
        return stack, voxels, findings
    volumes = voxels.reshape(len(stack.volumes), -1, *voxels.shape[1:])
    if not all(np.array_equal(volumes[0], other) for other in volumes[1:]):
        return stack, voxels, findings
    copies = len(volumes) - 1
    kept = [f for f in findings if f.code not in {FindingCode.DIMENSION_UNNAMED, FindingCode.FOUR_DIMENSIONAL}]
    message = f"each slice is there {copies + 1} times with the same pixels; one copy is used."
    kept.append(Finding.warning(FindingCode.DUPLICATE_SLICE, message))
    return replace(stack, volumes=stack.volumes[:1], dimension=None), volumes[0], kept


def _compare_spares(stack: Stack, findings: list[Finding]) -> list[Finding]:
    """Say whether slices at one position have the same pixels."""
    differing = 0
    for used, spare in stack.spares:
        try:
            a, b = _stored_frames([used], silent, None), _stored_frames([spare], silent, None)
        except _BrokenFiles:
            differing += 1
            continue
        differing += not np.array_equal(a, b)
    if not differing:
        return findings
    message = (
        f"{differing} of {len(stack.spares)} slices that share a position with another differ from it in their pixels; "
        "find out which are right."
    )
    return [*findings, Finding.error(FindingCode.CONFLICTING_SLICE, message)]


def _source(ref: FrameRef) -> FrameSource:
    file, frame = ref.file, ref.frame
    return FrameSource(
        path=file.path,
        sop_class_uid=file.sop_class,
        instance_uid=file.instance_uid,
        frame_number=frame.number,
        position=frame.position,
        orientation=frame.orientation,
        time=frame.time,
        original_uid=frame.source_uid,
    )


def _units(file: FileHeader) -> str:
    """Units as stated; a CT image without Rescale Type is in HU (PS3.3 C.8.2.1), and ``US`` means unspecified."""
    if file.sop_class == _CT_IMAGE and not file.units:
        return "HU"
    return "" if file.units == "US" else file.units


def _suv(stack: Stack) -> tuple[SuvScale | None, list[Finding]]:
    if stack.first.file.modality != "PT":
        return None, []
    times = [ref.frame.time for ref in stack.frames if ref.frame.time is not None]
    try:
        return suv_scale(read_dataset(stack.first.file.path), min(times, default=None)), []
    except SuvUnavailable as error:
        return None, [Finding.warning(FindingCode.SUV_UNAVAILABLE, f"no SUV: {error}.")]
