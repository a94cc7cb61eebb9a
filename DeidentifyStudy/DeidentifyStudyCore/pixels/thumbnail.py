"""A small picture of an object as it was written, with outlines where text was filled: for reports.

It is made from the written file alone, so that it shows nothing that the file does not.
"""

import io

from PIL import Image, ImageDraw

from DeidentifyStudyCore.dicom.source import Source
from DeidentifyStudyCore.pixels.frames import frames_of, views_of
from DeidentifyStudyCore.pixels.redaction import BoxesOfFrames, boxes_of, touched_frames

__all__ = ["thumbnail"]

_LONGEST_SIDE = 360
_OUTLINE = (255, 64, 52)


def thumbnail(written: Source, boxes: BoxesOfFrames) -> bytes:
    """PNG of the first frame in which boxes were filled, with their outlines.

    Raises
    ------
    Quarantined
        The frame cannot be decoded.
    """
    frames = frames_of(written)
    number = touched_frames(boxes, len(frames))[0]
    image = Image.fromarray(views_of(*frames.cells(number))[0]).convert("RGB")
    scale = min(1.0, _LONGEST_SIDE / max(image.size))
    image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    draw = ImageDraw.Draw(image)
    for box in boxes_of(boxes, number):
        inside = box.within(frames.format.rows, frames.format.columns)
        left, top = inside.column * scale, inside.row * scale
        right, bottom = max(left, inside.right * scale - 1), max(top, inside.bottom * scale - 1)
        draw.rectangle((left, top, right, bottom), outline=_OUTLINE)
    stream = io.BytesIO()
    image.save(stream, format="PNG")
    return stream.getvalue()
