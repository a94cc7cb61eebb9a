"""The same images under other UIDs, also under another patient.

Two depths. `likely_copies` reads a little of one file per series, and only where the headers of two series could be of
the same images; what agrees is then compared whole. `compare_pixels` reads every frame: it finds copies whatever their
headers say, series that share some images, and look-alikes.
"""

from __future__ import annotations

import enum
import hashlib
import itertools
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import MissingExtra
from AnnotationQACore.interchange.series.decoding import Undecodable, decode_into, is_color, stored_dtype
from AnnotationQACore.interchange.series.grouping import SeriesHeader
from AnnotationQACore.interchange.series.header_cache import HeaderCache
from AnnotationQACore.interchange.series.headers import FileHeader
from AnnotationQACore.interchange.series.parallel import mapped
from AnnotationQACore.interchange.series.stacks import Stack, matrix_of
from AnnotationQACore.progress import Progress, silent

__all__ = ["Duplicate", "DuplicateKind", "compare_pixels", "frame_digests", "likely_copies", "thumbnail"]

NEAR: Final = 0.995
"""Series look alike when their thumbnails correlate at least so well, on average."""

_SAMPLE_BYTES: Final = 1 << 16
_THUMBNAIL: Final = 64
_PLACES: Final = (0.25, 0.5, 0.75)


class DuplicateKind(enum.StrEnum):
    """How two series are alike.

    ``exact``: all images are the same, to the bit. ``partial``: some are. ``near``: they look the same.
    """

    EXACT = "exact"
    PARTIAL = "partial"
    NEAR = "near"


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two series that are alike.

    Attributes
    ----------
    kind : DuplicateKind
    first, second : int
        Index of each in the list that was searched.
    across_patients : bool
    shared : int
        Number of images that are the same; 0 for look-alikes.
    similarity : float
        1 for the same pixels, else the mean correlation of thumbnails.
    """

    kind: DuplicateKind
    first: int
    second: int
    across_patients: bool
    shared: int = 0
    similarity: float = 1.0


def likely_copies(series: Sequence[SeriesHeader], cache: HeaderCache | None = None) -> tuple[Duplicate, ...]:
    """Find series with the same pixels whose headers agree in matrix, pixel format and number of images."""
    alike = defaultdict(list)
    for index, one in enumerate(series):
        if one.stacks:
            alike[_signature(one.stacks[0])].append(index)
    sampled = _agreeing(alike.values(), lambda index: _sample_digest(series[index].stacks[0], cache))
    whole = _agreeing(sampled, lambda index: _raw_digest(series[index].stacks[0], cache))
    pairs = (pair for group in whole for pair in itertools.combinations(group, 2))
    return tuple(_duplicate(series, pair, DuplicateKind.EXACT, len(series[pair[0]].stacks[0].frames)) for pair in pairs)


def compare_pixels(
    series: Sequence[SeriesHeader],
    progress: Progress = silent,
    executor: Executor | None = None,
    cache: HeaderCache | None = None,
) -> tuple[Duplicate, ...]:
    """Compare all images of all series; broken files and blank images are passed over.

    Look-alikes are searched across studies only: within one, phases and kernels of the same anatomy look alike.

    Parameters
    ----------
    series : sequence of SeriesHeader
    progress : Progress
    executor : Executor, optional
        Reads files in parallel.
    cache : HeaderCache, optional
        Digests computed before.
    """
    digests = _all_digests(series, progress, executor, cache)
    shared = _shared_images(digests)
    found = []
    for pair, count in sorted(shared.items()):
        whole = digests[pair[0]] == digests[pair[1]]
        found.append(_duplicate(series, pair, DuplicateKind.EXACT if whole else DuplicateKind.PARTIAL, count))
    return (*found, *_look_alikes(series, set(shared)))


def frame_digests(file: FileHeader) -> tuple[str, ...]:
    """Digest of the stored samples of each frame of a file, empty for a blank one; none for a file that is broken."""
    try:
        frames = _decoded(file, [frame.number for frame in file.frames])
    except (Undecodable, MissingExtra, ValueError):
        return ()
    return tuple("" if frame.min() == frame.max() else _hash(frame.tobytes()) for frame in frames)


def thumbnail(frame: NDArray[Any]) -> NDArray[np.float32]:
    """Means over a grid of 64 x 64, with mean 0 and length 1; zeros for a blank image.

    Parameters
    ----------
    frame : array, shape (rows, columns) or (rows, columns, 3)
    """
    gray = frame.astype(np.float64)
    if gray.ndim == 3:
        gray = gray.mean(axis=-1)
    for axis in (0, 1):
        length = gray.shape[axis]
        bounds = np.linspace(0, length, min(_THUMBNAIL, length) + 1).astype(int)
        sizes = np.diff(bounds).reshape((-1, 1) if axis == 0 else (1, -1))
        gray = np.add.reduceat(gray, bounds[:-1], axis=axis) / sizes
    centred = gray - gray.mean()
    norm = float(np.linalg.norm(centred))
    small: NDArray[np.float32] = (centred / norm if norm > 0 else np.zeros_like(centred)).astype(np.float32)
    return small


def _signature(stack: Stack) -> tuple[object, ...]:
    file = stack.first.file
    compressed = file.pixels is None or file.pixels.length < 0
    return (
        *(len(stack.frames), stack.rows, stack.columns, file.samples, file.bits_allocated, file.signed),
        file.transfer_syntax if compressed else "",
    )


def _agreeing(groups: Iterable[Sequence[int]], digest: Callable[[int], str]) -> list[list[int]]:
    """Split groups by a digest that is computed only where a group has two members at least."""
    agreeing = []
    for group in groups:
        if len(group) < 2:
            continue
        parts = defaultdict(list)
        for index in group:
            value = digest(index)
            if value:
                parts[value].append(index)
        agreeing += [part for part in parts.values() if len(part) > 1]
    return agreeing


def _sample_digest(stack: Stack, cache: HeaderCache | None) -> str:
    """Digest of some bytes in the middle of the pixels of the middle image."""
    frames = stack.frames
    ref = frames[len(frames) // 2]
    file = ref.file
    if file.pixels is None:
        return "unlocated"
    known = cache.digest(file, f"sample{ref.frame.number}") if cache is not None else None
    if known is not None:
        return known
    start, length = file.pixels.offset, file.pixels.length
    if length < 0:
        length = file.size - start
    elif file.frame_count > 1 and file.tiles == 0:
        length //= file.frame_count
        start += (ref.frame.number - 1) * length
    offset = start + max(0, (length - _SAMPLE_BYTES) // 2)
    digest = _hash(_bytes_of(file, offset, min(length, _SAMPLE_BYTES)))
    if cache is not None:
        cache.remember_digest(file, f"sample{ref.frame.number}", digest)
    return digest


def _raw_digest(stack: Stack, cache: HeaderCache | None) -> str:
    """Digest of all pixel data of a stack, file by file; empty where a file cannot be read."""
    total = hashlib.blake2b(digest_size=16)
    files = {ref.file.path: ref.file for ref in stack.frames}
    for file in files.values():
        digest = cache.digest(file, "raw") if cache is not None else None
        if digest is None:
            digest = _raw_file_digest(file)
            if cache is not None:
                cache.remember_digest(file, "raw", digest)
        if not digest:
            return ""
        total.update(digest.encode())
    return total.hexdigest()


def _raw_file_digest(file: FileHeader) -> str:
    if file.pixels is None:
        return " ".join(frame_digests(file))
    length = file.pixels.length if file.pixels.length >= 0 else file.size - file.pixels.offset
    return _hash(_bytes_of(file, file.pixels.offset, length))


def _bytes_of(file: FileHeader, offset: int, length: int) -> bytes:
    try:
        with file.path.open("rb") as stream:
            stream.seek(offset)
            return stream.read(length)
    except OSError:
        return os.fsencode(file.path)  # equal to no other


def _all_digests(
    series: Sequence[SeriesHeader], progress: Progress, executor: Executor | None, cache: HeaderCache | None
) -> list[list[str]]:
    """Sorted digests of the images of each series, without blank ones."""
    files = {file.path: file for one in series for stack in one.stacks for file in _files(stack)}
    known = {path: cache.digest(file, "frames") for path, file in files.items()} if cache is not None else {}
    pending = [file for path, file in files.items() if known.get(path) is None]
    texts = {path: text for path, text in known.items() if text is not None}
    results = mapped(executor, frame_digests, pending, lambda: None, at_once=16)
    for done, (file, digests) in enumerate(zip(pending, results, strict=True), 1):
        texts[file.path] = " ".join(digest for digest in digests if digest)
        if cache is not None:
            cache.remember_digest(file, "frames", texts[file.path])
        progress(done, len(pending))
    return [
        sorted(digest for stack in one.stacks for file in _files(stack) for digest in texts[file.path].split())
        for one in series
    ]


def _files(stack: Stack) -> list[FileHeader]:
    return list({ref.file.path: ref.file for ref in stack.frames}.values())


def _shared_images(digests: Sequence[Sequence[str]]) -> dict[tuple[int, int], int]:
    owners = defaultdict(set)
    for index, own in enumerate(digests):
        for digest in own:
            owners[digest].add(index)
    shared: dict[tuple[int, int], int] = defaultdict(int)
    for indices in owners.values():
        for pair in itertools.combinations(sorted(indices), 2):
            shared[pair] += 1
    return shared


def _look_alikes(series: Sequence[SeriesHeader], known: set[tuple[int, int]]) -> list[Duplicate]:
    by_modality = defaultdict(list)
    for index, one in enumerate(series):
        if one.stacks:
            by_modality[one.modality].append(index)
    found = []
    for indices in by_modality.values():
        thumbnails = {index: _thumbnails(series[index].stacks[0]) for index in indices}
        for a, b in itertools.combinations(indices, 2):
            first, second = thumbnails[a], thumbnails[b]
            same_study = series[a].first.study_uid == series[b].first.study_uid
            if first is None or second is None or first.shape != second.shape or same_study or (a, b) in known:
                continue
            similarity = float(np.vdot(first, second)) / len(first)
            if similarity >= NEAR:
                found.append(_duplicate(series, (a, b), DuplicateKind.NEAR, 0, similarity))
    return found


def _thumbnails(stack: Stack) -> NDArray[np.float32] | None:
    """Thumbnails at a quarter, half and three quarters of the first volume, shape (3, rows, columns)."""
    volume = stack.volumes[0]
    small = []
    for place in _PLACES:
        ref = volume[min(int(place * len(volume)), len(volume) - 1)]
        try:
            small.append(thumbnail(_decoded(ref.file, [ref.frame.number])[0]))
        except (Undecodable, MissingExtra, ValueError):
            return None
    inverted = stack.first.file.photometric == "MONOCHROME1"
    return -np.stack(small) if inverted else np.stack(small)


def _decoded(file: FileHeader, numbers: Sequence[int]) -> NDArray[Any]:
    rows, columns = matrix_of(file)
    shape = (len(numbers), rows, columns, 3) if is_color(file) else (len(numbers), rows, columns)
    frames = np.empty(shape, dtype=np.uint16 if file.photometric == "PALETTE COLOR" else stored_dtype(file))
    decode_into(file, list(zip(numbers, frames, strict=True)))
    return frames


def _duplicate(
    series: Sequence[SeriesHeader], pair: tuple[int, int], kind: DuplicateKind, shared: int, similarity: float = 1.0
) -> Duplicate:
    first, second = pair
    across = series[first].first.patient_key != series[second].first.patient_key
    return Duplicate(kind, first, second, across, shared, similarity)


def _hash(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
