"""Frames with burned-in text on real and made backgrounds: the plain set of `burned_in_text.py`.

176 frames are made from 44 backgrounds (real CT, MR, CR, DX, mammography and ultrasound without text, noise, gradients,
drawn anatomy) and four layouts of seeded text each: sizes of 8 to 40 pixels, contrasts of 60 to 220 grey levels, five
fonts, turned by 0 or 90 degrees, light and dark, on anatomy or on a plate.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

SEED = 20260115
VISIBLE = 24
BACKGROUNDS, LAYOUTS = 44, 4
SIZES = (8, 10, 12, 14, 18, 24, 32, 40)
CONTRASTS = (60, 100, 160, 220)
FONTS = ("DejaVuSans.ttf", "DejaVuSansMono.ttf", "DejaVuSerif-Bold.ttf", "LiberationSans-Regular.ttf", "default")

Grey = NDArray[np.uint8]


@dataclass
class Frame:
    """A frame with text: `lines` are (what, ink of each character)."""

    image: Grey
    lines: list[tuple[str, list[NDArray[np.bool_]]]]


def shared_data() -> Path:
    """Folder of the public reference data."""
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("ANNOTATIONQA_TEST_DATA", default)) / "dicom"


def backgrounds(count: int = BACKGROUNDS, seed: int = SEED) -> list[tuple[str, Grey]]:
    """Frames without text: real ones first, then made ones."""
    rng = np.random.default_rng(seed)
    real = list(_real())
    made = [_made(rng, number) for number in range(max(0, count - len(real)))]
    return (real + made)[:count]


def _real() -> Iterator[tuple[str, Grey]]:
    root = shared_data()
    ct = [f"ct_philips_5mm/I{n}.dcm" for n in (50, 80, 110, 140, 170, 200, 230, 260)]
    tilted = [f"ct_philips_tilt_m18/I{n}.dcm" for n in (110, 140, 170, 200)]
    for name in ct + tilted:
        yield name, _displayed(pydicom.dcmread(root / name), (40, 400))
    for folder, step in (("mr_uih_t1_sag", 3), ("mr_ge_4d", 12)):
        for path in sorted((root / folder).glob("*.dcm"))[::step]:
            yield f"{folder}/{path.name}", _displayed(pydicom.dcmread(path))
    for name in ("cr_mono1_j2k/RG1_J2KI.dcm", "dx_mono1/dx_image.dcm", "ct_enhanced_2f/eCT_Supplemental.dcm"):
        yield name, _displayed(pydicom.dcmread(root / name))
    for name in ("CT_small.dcm", "MR_small.dcm", "examples_overlay.dcm"):
        yield name, _displayed(pydicom.dcmread(pydicom.data.get_testdata_file(name)))
    us = pydicom.dcmread(pydicom.data.get_testdata_file("examples_ybr_color.dcm"))
    for number in (0, 15, 29):
        frame = pydicom.pixels.pixel_array(us, index=number)
        yield f"ultrasound cine {number}", _sized(np.asarray(Image.fromarray(frame[24:190, 60:250]).convert("L")))


def _displayed(dataset: pydicom.Dataset, window: tuple[float, float] | None = None) -> Grey:
    values = dataset.pixel_array.astype(np.float32)
    values = values[0] if values.ndim == 3 else values
    if window:
        values = values * float(dataset.get("RescaleSlope", 1)) + float(dataset.get("RescaleIntercept", 0))
        low, high = window[0] - window[1] / 2, window[0] + window[1] / 2
    else:
        low, high = np.percentile(values, (0.5, 99.5))
    grey = np.clip((values - low) / max(high - low, 1) * 255, 0, 255)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        grey = 255 - grey
    return _sized(grey.astype(np.uint8))


def _sized(grey: Grey) -> Grey:
    """At least 320 pixels on the shorter side, at most 640 on the longer one."""
    scale = max(320 / min(grey.shape), 1.0)
    scale = min(scale, 640 / max(grey.shape)) if max(grey.shape) * scale > 640 else scale
    size = round(grey.shape[1] * scale), round(grey.shape[0] * scale)
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BICUBIC))


def _made(rng: np.random.Generator, number: int) -> tuple[str, Grey]:
    rows, columns = int(rng.integers(320, 513)), int(rng.integers(320, 641))
    kind = ("noise", "gradient", "speckle", "ribs", "blobs")[number % 5]
    i, j = np.mgrid[0:rows, 0:columns].astype(np.float32)
    noise = rng.normal(0, 1, (rows, columns)).astype(np.float32)
    if kind == "noise":
        values = 60 + 15 * noise
    elif kind == "gradient":
        values = 255 * (i / rows * 0.5 + j / columns * 0.5) + 2 * noise
    elif kind == "speckle":
        fan = (np.hypot(i, j - columns / 2) < 0.9 * rows) & (np.abs(j - columns / 2) < 0.7 * i + 20)
        values = fan * np.abs(ndimage.gaussian_filter(noise, (1, 2.5))) * 300
    elif kind == "ribs":
        values = (
            110 + 50 * np.sin(i / 23 + 0.00004 * (j - columns / 2) ** 2 * 23) + 6 * ndimage.gaussian_filter(noise, 1)
        )
    else:
        values = 128 + 900 * ndimage.gaussian_filter(noise, 12) + 4 * noise
    return f"made {kind} {number}", np.clip(values, 0, 255).astype(np.uint8)


def frame_with_text(number: int, seed: int = SEED) -> Frame:
    """Frame with text, the same one in every run."""
    rng = np.random.default_rng((seed, number))
    return _written(seeded_backgrounds(seed)[number % BACKGROUNDS][1].copy(), rng, number)


@lru_cache(maxsize=1)
def seeded_backgrounds(seed: int) -> list[tuple[str, Grey]]:
    """Frames without text, kept in memory."""
    return backgrounds(seed=seed)


def _written(image: Grey, rng: np.random.Generator, number: int) -> Frame:
    frame = Frame(image, [])
    taken = np.zeros(image.shape, np.bool_)
    for index in range(4):
        size = SIZES[(number + 2 * index) % len(SIZES)]
        contrast = CONTRASTS[(number // 2 + index) % len(CONTRASTS)]
        font_name = FONTS[(number + index) % len(FONTS)]
        turned = (number + index) % 4 == 3
        glyphs = _glyphs(_text(rng, index), font_name, size)
        if turned:
            glyphs = [np.rot90(glyph) for glyph in glyphs]
        place = _place(rng, taken, glyphs[0].shape)
        if place is None:
            continue
        row, column = place
        height, width = glyphs[0].shape
        area = slice(row, row + height), slice(column, column + width)
        taken[max(0, row - 6) : row + height + 6, max(0, column - 6) : column + width + 6] = True
        if rng.random() < 0.2:
            frame.image[area] = rng.integers(0, 40)
        level = float(np.median(frame.image[area]))
        ink = level + contrast if level + contrast <= 255 or level < contrast else level - contrast
        ink = float(np.clip(ink, 0, 255))
        alpha = np.max(glyphs, axis=0) / 255.0
        before = frame.image[area].astype(np.float64)
        frame.image[area] = np.round(before * (1 - alpha) + ink * alpha).astype(np.uint8)
        visible = np.abs(before - frame.image[area]) >= VISIBLE
        marks = []
        for glyph in glyphs:
            mark = np.zeros(image.shape, np.bool_)
            mark[area] = (glyph > 0) & visible
            if mark.any():
                marks.append(mark)
        frame.lines.append((f"{size} px, contrast {contrast}, {font_name}, {90 if turned else 0} degrees", marks))
    return frame


def _text(rng: np.random.Generator, index: int) -> str:
    letters = np.array(list("ABCDEFGHIJKLMNOPRSTUVWYZ"))
    word = "".join(rng.choice(letters, int(rng.integers(4, 9))))
    other = "".join(rng.choice(letters, int(rng.integers(3, 7)))).capitalize()
    digits = "".join(map(str, rng.integers(0, 10, 7)))
    date = f"{rng.integers(1930, 2020)}-{rng.integers(1, 13):02}-{rng.integers(1, 29):02}"
    return (f"{word}^{other}", f"ID {digits}", f"{date} {digits[:2]}:{digits[2:4]}", f"{other} Hospital")[index]


def _glyphs(text: str, font_name: str, size: int) -> list[Grey]:
    """One picture of the line for each of its characters, all of the same shape."""
    font = _font(font_name, size)
    left, top, right, bottom = font.getbbox(text)
    shape = (int(np.ceil(right - min(left, 0))) + 2, int(np.ceil(bottom - min(top, 0))) + 2)
    result = []
    for index, character in enumerate(text):
        if character == " ":
            continue
        picture = Image.new("L", shape)
        offset = font.getlength(text[:index])
        ImageDraw.Draw(picture).text((1 + offset, 1), character, fill=255, font=font)
        result.append(np.asarray(picture))
    return result


def _font(name: str, size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    if name == "default" and size <= 12:
        return ImageFont.load_default_imagefont()
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return ImageFont.load_default(size)


def _place(rng: np.random.Generator, taken: NDArray[np.bool_], shape: tuple[int, int]) -> tuple[int, int] | None:
    for _ in range(60):
        row = int(rng.integers(2, max(3, taken.shape[0] - shape[0] - 2)))
        column = int(rng.integers(2, max(3, taken.shape[1] - shape[1] - 2)))
        area = taken[row : row + shape[0], column : column + shape[1]]
        if area.shape == shape and not area.any():
            return row, column
    return None
