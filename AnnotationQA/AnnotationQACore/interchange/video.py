"""Video files, by OpenCV or imageio where one is installed."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from AnnotationQACore.errors import InputError, MissingExtra
from AnnotationQACore.interchange.picture_stack import picture_series
from AnnotationQACore.interchange.series.findings import Finding, FindingCode
from AnnotationQACore.interchange.series.images import FrameSource, ImageSeries
from AnnotationQACore.progress import Progress, silent

__all__ = ["OPENCV", "VIDEO_SUFFIXES", "read_video"]

VIDEO_SUFFIXES: Final = frozenset({".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv"})

MAX_BYTES: Final = 4 << 30
"""Frames that would need more memory than this are refused, unless the caller allows it."""

OPENCV: Final = "opencv-python-headless>=4.9"
"""What reads videos, as pip is asked for it."""

_Frame = tuple[float | None, NDArray[np.uint8]]


def read_video(
    path: Path, *, start: int = 0, stop: int | None = None, max_bytes: int = MAX_BYTES, progress: Progress = silent
) -> ImageSeries:
    """Read the frames of a video.

    Parameters
    ----------
    path : Path
    start, stop : int
        First frame, from 0, and the one behind the last; all by default.
    max_bytes : int
        Memory that the frames may take.
    progress : Progress

    Returns
    -------
    ImageSeries
        RGB voxels (frame, j, i, 3) without geometry; each source has its frame number (from 1) and time in seconds.

    Raises
    ------
    InputError
        The file cannot be read, has no such frames, or they need too much memory.
    MissingExtra
        Neither OpenCV nor imageio is installed.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; check the path.")
    reader = _reader()
    frames: list[NDArray[np.uint8]] = []
    sources: list[FrameSource] = []
    used = 0
    with closing(reader(path)) as stream:
        for index, (time, frame) in enumerate(stream):
            if stop is not None and index >= stop:
                break
            if index < start:
                continue
            used += frame.nbytes
            if used > max_bytes:
                raise InputError(
                    f"{path}: its frames need more than {max_bytes / 2**30:.1f} GB of memory; "
                    "give a first and last frame."
                )
            frames.append(frame)
            sources.append(FrameSource(path, "", "", index + 1, None, None, time))
            progress(len(frames), max(stop or 0, len(frames)))
    if not frames:
        raise InputError(f"{path}: no frame could be read; check that it is a video, and the frames asked for.")
    lossy = Finding.warning(FindingCode.LOSSY, "the images were compressed with loss; fine detail may be gone.")
    return picture_series(np.stack(frames), tuple(sources), (lossy,))


def _reader() -> Any:
    if importlib.util.find_spec("cv2") is not None:
        return _by_opencv
    if importlib.util.find_spec("imageio") is not None:
        return _by_imageio
    raise MissingExtra('video files: OpenCV or imageio is needed; run pip install "annotation-qa[video]".', (OPENCV,))


def _by_opencv(path: Path) -> Iterator[_Frame]:
    cv2: Any = importlib.import_module("cv2")

    capture = cv2.VideoCapture(str(path))
    try:
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        index = 0
        while True:
            there, frame = capture.read()
            if not there:
                return
            yield (index / rate if rate > 0 else None), np.ascontiguousarray(frame[..., ::-1])
            index += 1
    finally:
        capture.release()


def _by_imageio(path: Path) -> Iterator[_Frame]:
    imageio: Any = importlib.import_module("imageio.v3")

    try:
        rate = float(imageio.immeta(path).get("fps") or 0)
        for index, frame in enumerate(imageio.imiter(path)):
            yield (index / rate if rate > 0 else None), np.asarray(frame)[..., :3].astype(np.uint8)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: cannot be read as a video ({type(error).__name__}); check it.") from error
