"""Pictures of objects for the person who reviews them.

They show what is burned in: the folder of a queue is as confidential as the source, and is made for its owner only.
"""

from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from DeidentifyStudyCore.atomic import replacing
from DeidentifyStudyCore.errors import DestinationError
from DeidentifyStudyCore.pixels.frames import Frames, View, views_of

__all__ = ["frame_size", "picture_names", "save_pictures"]

_LONGEST_SIDE = 1024


def save_pictures(frames: Frames, digest: str, folder: Path) -> list[Path]:
    """Save the first, the middle and the last frame, and the brightest values over time; PNG, at most 1024 pixels wide.

    Raises
    ------
    Quarantined
        A frame cannot be decoded.
    DestinationError
        The folder cannot be written.
    """
    try:
        for place in (folder.parent, folder):  # the mode holds for the last folder that is made only
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        reason = error.strerror or "unknown error"
        raise DestinationError(f"{folder}: cannot be made ({reason}); name another queue with --review.") from error
    count = len(frames)
    pictures = {f"frame-{number}": _view(frames, number) for number in sorted({0, count // 2, count - 1})}
    if count > 1:
        pictures["brightest"] = _brightest(frames)
    paths = []
    for name, view in pictures.items():
        path = folder / f"{digest}-{name}.png"
        image = Image.fromarray(view)
        image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        size = PngInfo()
        size.add_text("rows", str(view.shape[0]))
        size.add_text("columns", str(view.shape[1]))
        with replacing(path, flush=False) as temporary:
            image.save(temporary, format="PNG", pnginfo=size)
        paths.append(path)
    return paths


def picture_names(folder: Path, digest: str) -> list[str]:
    """Names of the pictures of an object for a person, those of frames first."""
    names = [path.name for path in folder.glob(f"{digest}-*.png") if not path.name.endswith("-face-altered.png")]
    return sorted(names, key=lambda name: ("brightest" in name, name))


def frame_size(picture: Path) -> tuple[int, int]:
    """Rows and columns of the frame that a picture shows, which may be smaller."""
    with Image.open(picture) as image:
        return int(image.info["rows"]), int(image.info["columns"])


def _view(frames: Frames, number: int) -> View:
    return views_of(*frames.cells(number))[0]


def _brightest(frames: Frames) -> View:
    result = _view(frames, 0).copy()
    for number in range(1, len(frames)):
        view = _view(frames, number)
        if view.shape == result.shape:
            np.maximum(result, view, out=result)
    return result
