"""Pictures of images in which no face could be found, for a person who says that there is none."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from DeidentifyStudyCore.canonical import canonical_bytes
from DeidentifyStudyCore.dicom.source import opened
from DeidentifyStudyCore.errors import DeidentifyError
from DeidentifyStudyCore.faces.stack import ImageFile
from DeidentifyStudyCore.pixels.frames import frames_of, views_of

__all__ = ["contact_sheet", "digest_of_files"]

_ACROSS, _MOST_ROWS, _SIDE, _GAP = 6, 16, 160, 4


def digest_of_files(files: Sequence[ImageFile]) -> str:
    """SHA-256 of the contents of files, in whatever order."""
    contents = []
    for file in files:
        with file.path.open("rb") as content:
            contents.append(hashlib.file_digest(content, "sha256").hexdigest())
    return hashlib.sha256(canonical_bytes(["no face", sorted(contents)])).hexdigest()


def contact_sheet(files: Sequence[ImageFile]) -> Image.Image | None:
    """Frames at equal distances of every series, one series a row; None where a frame cannot be decoded.

    None, too, where there are more series than a person can look at.
    """
    series: dict[str, list[tuple[ImageFile, int]]] = {}
    for file in sorted(files, key=_place):
        series.setdefault(file.series, []).extend((file, number) for number in range(file.frames))
    if not 0 < len(series) <= _MOST_ROWS:
        return None
    side = _SIDE + _GAP
    sheet = Image.new("RGB", (_ACROSS * side, len(series) * side))
    for row, frames in enumerate(series.values()):
        chosen = sorted({round(at) for at in np.linspace(0, len(frames) - 1, _ACROSS)}) if frames else []
        for column, index in enumerate(chosen):
            view = _view(*frames[index])
            if view is None:
                return None
            image = Image.fromarray(view).convert("RGB")
            image.thumbnail((_SIDE, _SIDE))
            sheet.paste(image, (column * side, row * side))
    return sheet


def _place(file: ImageFile) -> tuple[float, str]:
    plane = file.planes[0] if file.planes else None
    return (float(plane.position @ plane.normal) if plane is not None else 0.0, file.path.name)


def _view(file: ImageFile, number: int) -> NDArray[np.uint8] | None:
    try:
        with opened(file.path) as source:
            frames = frames_of(source)
            return np.ascontiguousarray(views_of(*frames.cells(number))[0])
    except (DeidentifyError, OSError, IndexError):
        return None
