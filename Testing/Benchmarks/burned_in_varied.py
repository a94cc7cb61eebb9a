"""Objects with burned-in text of many kinds, and such without any, made in another manner than `burned_in_plain.py`.

Every object goes through the shipped search as a DICOM file: 8 to 16 bits, grey and RGB, MONOCHROME1, wide windows, and
cines on some of whose frames there is text. Text is drawn with outline fonts and, where OpenCV is installed, with
Hershey strokes: thin and large, faint and inverse, turned, coloured, half transparent, at the border and on the
anatomy, names, dates, numbers, initials, and other scripts than Latin. Objects without text have what frames have
besides anatomy: rulers, ticks, colour bars, grids, wires, traces, Doppler, and a side marker.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from scipy import ndimage

from DeidentifyStudyCore.dicom.source import opened
from DeidentifyStudyCore.pixels.frames import PixelFormat, frames_of, views_of

VISIBLE = 24
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
OUTLINES = (
    "DejaVuSans-Bold.ttf",
    "DejaVuSansMono-Bold.ttf",
    "DejaVuSansCondensed.ttf",
    "DejaVuSerif.ttf",
    "LiberationSansNarrow-Regular.ttf",
    "LiberationMono-Regular.ttf",
    "LiberationSerif-Italic.ttf",
    "NotoSansMono-Regular.ttf",
    "NimbusSans-Bold.otf",
    "URWGothic-Book.otf",
    "DejaVuSans.ttf",
    "LiberationSans-Bold.ttf",
)
SCRIPTS = (
    ("DejaVuSans.ttf", "АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЭЮЯ"),
    ("DejaVuSans.ttf", "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ"),
    ("DroidSansFallbackFull.ttf", "王李张刘陈杨黄赵周吴徐孙朱马胡郭林何高梁"),
    ("DroidSansFallbackFull.ttf", "田中佐藤鈴木高橋渡辺伊山本村小加吉"),
)

Rgb = NDArray[np.float64]
Ink = NDArray[np.bool_]
Area = tuple[slice, slice]
Place = tuple[Area, Ink]
"""Where a line is, and which pixels of that place are drawn."""


@dataclass
class Line:
    """A line of text: ink of each frame that shows it."""

    kind: str
    ink: dict[int, Ink]


@dataclass
class Case:
    """One object.

    Attributes
    ----------
    marker : array of bool
        Where a side marker is, which may be found and need not be.
    """

    name: str
    dataset: Dataset
    lines: list[Line] = field(default_factory=list)
    marker: Ink | None = None


def text_case(number: int, seed: int) -> Case:
    """Object with text, the same one in every run."""
    rng = np.random.default_rng((seed, 1, number))
    kind = KINDS[number % len(KINDS)]
    name, shape, draw = KIND[kind]
    return draw(rng, name, shape(rng))


def clean_case(number: int, seed: int) -> Case:
    """Object without text."""
    rng = np.random.default_rng((seed, 2, number))
    names = list(TEXTURES)
    texture = names[number % len(names)]
    size = _size(rng)
    values = TEXTURES[texture](rng, *size)
    picture = np.repeat(values[..., None], 3, axis=2)
    things = list(THINGS)
    chosen = [things[number % len(things)], things[(number // 3 + 4) % len(things)]]
    marker = np.zeros(size, np.bool_)
    for thing in chosen:
        THINGS[thing](rng, picture, marker)
    coloured = bool(np.ptp(picture, axis=2).max() > 0)
    name = f"{texture}, {' and '.join(chosen)}"
    if coloured:
        return Case(name, _dataset([_bytes(picture)]), marker=marker)
    if number % 3 == 0:
        return Case(name, _deep(rng, [picture[..., 0]], inverted=number % 2 == 0), marker=marker)
    return Case(name, _dataset([_bytes(picture[..., 0])], inverted=number % 4 == 1), marker=marker)


def shown(case: Case, number: int) -> NDArray[np.uint8]:
    """First picture of a frame."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "object.dcm"
        pydicom.dcmwrite(path, case.dataset, enforce_file_format=True)
        with opened(path) as source:
            return frames_of(source).views(number)[0]


# --- textures: grey values of about 0 to 255 as displayed -------------------------------------------------------------


def _size(rng: np.random.Generator) -> tuple[int, int]:
    return tuple(int(side) for side in rng.choice(((256, 256), (384, 512), (480, 640), (512, 512), (600, 800))))


def _grid(rows: int, columns: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    i, j = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    return i, j


def _ct(rng: np.random.Generator, rows: int, columns: int) -> NDArray[np.float64]:
    i, j = _grid(rows, columns)
    values = np.zeros((rows, columns))
    body = (i / 0.72) ** 2 + (j / 0.86) ** 2
    values[body < 1] = 118
    values[(body < 1) & (body > 0.86)] = 62
    for _ in range(9):
        y, x = rng.uniform(-0.4, 0.4, 2)
        organ = ((i - y) / rng.uniform(0.08, 0.3)) ** 2 + ((j - x) / rng.uniform(0.08, 0.3)) ** 2 < 1
        values[organ & (body < 0.8)] = rng.uniform(70, 170)
    for angle in rng.uniform(0, 2 * np.pi, 14):
        y, x = 0.62 * np.sin(angle), 0.74 * np.cos(angle)
        turned = (i - y) * np.cos(angle) - (j - x) * np.sin(angle), (i - y) * np.sin(angle) + (j - x) * np.cos(angle)
        values[(turned[0] / 0.09) ** 2 + (turned[1] / 0.025) ** 2 < 1] = 245
    values[((i - 0.4) / 0.13) ** 2 + (j / 0.12) ** 2 < 1] = 215
    values[(np.abs(i - 0.9) < 0.008) & (np.abs(j) < 0.8)] = 90
    return ndimage.gaussian_filter(values, 0.9) + rng.uniform(2, 9) * ndimage.gaussian_filter(
        rng.normal(0, 1.6, values.shape), 0.7
    )


def _mr(rng: np.random.Generator, rows: int, columns: int) -> NDArray[np.float64]:
    i, j = _grid(rows, columns)
    head = (i / 0.85) ** 2 + (j / 0.68) ** 2
    folds = ndimage.gaussian_filter(rng.normal(0, 1, (rows, columns)), min(rows, columns) / 70)
    folds /= folds.std()
    values = np.where(head < 0.78, 125 + 55 * np.tanh(2.5 * folds), 0.0)
    values[(head >= 0.86) & (head < 1)] = 225
    values *= 1 + 0.25 * i * rng.choice((-1, 1))
    noise = rng.uniform(3, 9)
    return np.hypot(values + rng.normal(0, noise, values.shape), rng.normal(0, noise, values.shape))


def _xr(rng: np.random.Generator, rows: int, columns: int) -> NDArray[np.float64]:
    i, j = _grid(rows, columns)
    values = 150 - 85 * np.exp(-(((np.abs(j) - 0.45) / 0.26) ** 2) - ((i + 0.05) / 0.62) ** 2)
    for number in range(9):
        centre = -0.7 + 0.16 * number + 0.35 * j**2 * np.sign(0.5 - rng.random())
        values += 34 * np.exp(-(((i - centre) / 0.022) ** 2)) * (np.abs(j) > 0.1)
    values += 55 * np.exp(-((j / 0.085) ** 2)) * (1 + 0.25 * np.sin(i * 38))
    values += 45 * np.exp(-(((i - 0.3) / 0.28) ** 2) - ((j - 0.15) / 0.26) ** 2)
    values[np.abs(j) > 0.97] = 252
    return values + rng.uniform(1.5, 6) * rng.normal(0, 1, values.shape)


def _us(rng: np.random.Generator, rows: int, columns: int) -> NDArray[np.float64]:
    i, j = _grid(rows, columns)
    radius, angle = np.hypot(i + 1.15, j), np.arctan2(j, i + 1.15)
    fan = (radius > 0.3) & (radius < 2.05) & (np.abs(angle) < 0.72)
    speckle = np.abs(ndimage.gaussian_filter(rng.normal(0, 1, (rows, columns)), (0.9, 2.2)))
    layers = 0.6 + 0.4 * np.sin(radius * rng.uniform(9, 22) + 3 * angle)
    values = speckle / speckle.mean() * 62 * layers
    for _ in range(4):
        y, x = rng.uniform(-0.3, 0.6), rng.uniform(-0.4, 0.4)
        values[((i - y) / 0.18) ** 2 + ((j - x) / 0.22) ** 2 < 1] *= rng.uniform(0.1, 1.7)
    return np.where(fan, values, 0.0)


def _breast(rng: np.random.Generator, rows: int, columns: int) -> NDArray[np.float64]:
    i, j = _grid(rows, columns)
    inside = (i / 0.85) ** 2 + ((j + 1) / 1.15) ** 2 < 1
    glands = sum(
        ndimage.gaussian_filter(rng.normal(0, 1, (rows, columns)), scale) * scale for scale in (1.5, 4.0, 12.0)
    )
    values = np.where(inside, 105 + 28 * glands / glands.std(), 6.0)
    for _ in range(25):
        row, column = int(rng.integers(rows)), int(rng.integers(columns // 2))
        if inside[row, column]:
            values[row : row + 2, column : column + 2] = 250
    return values + rng.normal(0, 2, values.shape)


def _pattern(rng: np.random.Generator, rows: int, columns: int) -> NDArray[np.float64]:
    i, j = _grid(rows, columns)
    return 128 + 100 * np.sin(rng.uniform(1, 3) * i + rng.uniform(1, 3) * j) + rng.normal(0, 4, (rows, columns))


TEXTURES: dict[str, Callable[..., NDArray[np.float64]]] = {
    "CT": _ct,
    "MR": _mr,
    "radiograph": _xr,
    "ultrasound": _us,
    "breast": _breast,
    "gradient": _pattern,
}


# --- what frames have besides anatomy and text ------------------------------------------------------------------------


def _drawn(picture: Rgb, draw: Callable[[ImageDraw.ImageDraw], None], colour: tuple[int, int, int]) -> Ink:
    plate = Image.new("L", (picture.shape[1], picture.shape[0]))
    draw(ImageDraw.Draw(plate))
    ink = np.asarray(plate) > 0
    picture[ink] = colour
    return ink


def _ruler(rng: np.random.Generator, picture: Rgb, marker: Ink) -> None:
    rows, columns = picture.shape[:2]
    column, step = int(columns * rng.uniform(0.9, 0.97)), int(rng.integers(6, 14))

    def draw(pen: ImageDraw.ImageDraw) -> None:
        pen.line((column, rows * 0.1, column, rows * 0.9), fill=255)
        for number, row in enumerate(range(int(rows * 0.1), int(rows * 0.9), step)):
            pen.line((column - (9 if number % 5 == 0 else 4), row, column, row), fill=255)

    _drawn(picture, draw, (230, 230, 230))


def _ticks(rng: np.random.Generator, picture: Rgb, marker: Ink) -> None:
    rows, columns = picture.shape[:2]
    row, step = int(rows * rng.uniform(0.9, 0.97)), int(rng.integers(10, 26))

    def draw(pen: ImageDraw.ImageDraw) -> None:
        for column in range(columns // 8, 7 * columns // 8, step):
            pen.line((column, row, column, row + 6), fill=255, width=int(rng.integers(1, 3)))

    _drawn(picture, draw, (255, 255, 255))


def _bar(rng: np.random.Generator, picture: Rgb, marker: Ink) -> None:
    rows = picture.shape[0]
    height, top, left = rows // 2, rows // 5, int(rng.integers(6, 20))
    ramp = np.linspace(1, 0, height)[:, None]
    tints = (np.ones(3), np.array([1, ramp.mean(), 0.1]))
    if rng.random() < 0.6:
        part = np.clip(np.concatenate([2 * ramp - 1, 0.3 * np.abs(2 * ramp - 1), 1 - 2 * ramp], axis=1), 0, 1)
    else:
        part = ramp * tints[0]
    picture[top : top + height, left : left + 14] = 255 * part[:, None, :]


def _mesh(rng: np.random.Generator, picture: Rgb, marker: Ink) -> None:
    rows, columns = picture.shape[:2]
    step = int(rng.integers(24, 70))

    def draw(pen: ImageDraw.ImageDraw) -> None:
        for row in range(step // 2, rows, step):
            pen.line((0, row, columns, row), fill=255)
        for column in range(step // 2, columns, step):
            pen.line((column, 0, column, rows), fill=255)

    _drawn(picture, draw, (90, 90, 90))


def _wires(rng: np.random.Generator, picture: Rgb, marker: Ink) -> None:
    rows, columns = picture.shape[:2]

    def draw(pen: ImageDraw.ImageDraw) -> None:
        for _ in range(3):
            across = np.linspace(0, columns, 60)
            along = rows * (rng.uniform(0.2, 0.8) + 0.12 * np.sin(across / rng.uniform(20, 80) + rng.uniform(0, 6)))
            pen.line(list(zip(across.tolist(), along.tolist(), strict=True)), fill=255, width=int(rng.integers(1, 4)))
        for _ in range(6):
            x, y = rng.uniform(0, columns), rng.uniform(0, rows)
            pen.line((x, y, x + 7, y + 4), fill=255, width=3)

    _drawn(picture, draw, (250, 250, 250))


def _marker(rng: np.random.Generator, picture: Rgb, marker: Ink) -> None:
    side = int(rng.integers(20, 44))
    rows, columns = picture.shape[:2]
    row, column = int(rng.integers(8, rows // 3)), int(rng.choice((12, columns - 60)))
    font = ImageFont.truetype("DejaVuSans-Bold.ttf", side)
    letter = str(rng.choice(("L", "R")))
    ink = _drawn(picture, lambda pen: pen.text((column, row), letter, font=font, fill=255), (255, 255, 255))
    marker |= ndimage.binary_dilation(ink, iterations=12)


def _trace(rng: np.random.Generator, picture: Rgb, marker: Ink) -> None:
    rows, columns = picture.shape[:2]
    across = np.arange(columns)
    beat = (across + int(rng.integers(60))) % int(rng.integers(60, 110))
    height = 30 * np.exp(-(((beat - 20) / 2.0) ** 2)) - 9 * np.exp(-(((beat - 25) / 2.0) ** 2))
    height += 7 * np.exp(-(((beat - 42) / 6.0) ** 2))
    along = rows - 24 - height
    points = list(zip(across.tolist(), along.tolist(), strict=True))
    _drawn(picture, lambda pen: pen.line(points, fill=255), (60, 230, 90))


def _doppler(rng: np.random.Generator, picture: Rgb, marker: Ink) -> None:
    rows, columns = picture.shape[:2]
    i, j = np.mgrid[0:rows, 0:columns]
    y, x = rng.uniform(0.4, 0.65) * rows, rng.uniform(0.35, 0.65) * columns
    box = (np.abs(i - y) < rows / 5) & (np.abs(j - x) < columns / 5)
    flow = ndimage.gaussian_filter(rng.normal(0, 1, (rows, columns)), rng.uniform(2.5, 8))
    flow = flow / flow.std() + 0.35 * ndimage.gaussian_filter(rng.normal(0, 1, (rows, columns)), 1)
    shown = box & (np.abs(flow) > 0.8)
    level = np.clip((np.abs(flow) - 0.8) / 1.6, 0, 1)[..., None]
    towards = np.concatenate([120 + 135 * level, 200 * level, 20 * level], axis=2)
    away = np.concatenate([10 * level, 160 * level, 120 + 135 * level], axis=2)
    picture[shown] = np.where((flow > 0)[..., None], towards, away)[shown]
    corners = (x - columns / 5, y - rows / 5, x + columns / 5, y + rows / 5)
    _drawn(picture, lambda pen: pen.rectangle(corners, outline=255), (240, 240, 240))


def _spectrum(rng: np.random.Generator, picture: Rgb, marker: Ink) -> None:
    rows, columns = picture.shape[:2]
    top = 2 * rows // 3
    across = np.arange(columns)
    phase = (across % int(rng.integers(60, 120))) / 60
    envelope = (rows - top) * 0.8 * np.clip(np.exp(-3 * phase) + 0.2, 0, 1)
    depth = np.arange(rows - top)[::-1, None]
    strength = np.clip(1.2 - np.abs(depth - 0.75 * envelope) / 22, 0, 1) * (depth < envelope)
    part = 210 * strength * rng.gamma(2, 0.4, strength.shape)
    picture[top:] = np.clip(part, 0, 255)[..., None]
    picture[rows - 2] = (200, 200, 200)


def _nothing(rng: np.random.Generator, picture: Rgb, marker: Ink) -> None:
    pass


THINGS: dict[str, Callable[[np.random.Generator, Rgb, Ink], None]] = {
    "ruler": _ruler,
    "ticks": _ticks,
    "bar": _bar,
    "grid": _mesh,
    "wires": _wires,
    "marker": _marker,
    "trace": _trace,
    "Doppler": _doppler,
    "spectrum": _spectrum,
    "nothing": _nothing,
}


# --- text -------------------------------------------------------------------------------------------------------------


def _name(rng: np.random.Generator) -> str:
    starts, ends = (
        ("Kar", "Mo", "Szy", "Ver", "Ing", "Dal", "Hof", "Bre"),
        ("sen", "retti", "manek", "ova", "ley", "quist"),
    )
    family, given = (
        rng.choice(starts) + rng.choice(ends),
        rng.choice(("Jo", "Ann", "Pet", "Lu")) + rng.choice(("ra", "ek", "ia")),
    )
    shape = int(rng.integers(4))
    return (f"{family}, {given}", f"{family}^{given}".upper(), f"{given} {family}", f"{family.upper()} {given[0]}.")[
        shape
    ]


def _number(rng: np.random.Generator) -> str:
    digits = "".join(map(str, rng.integers(0, 10, 9)))
    forms = (
        f"{digits[:2]}.{int(rng.integers(1, 13)):02}.{int(rng.integers(1920, 2020))}",
        f"{int(rng.integers(1, 29)):02}-{rng.choice(('JAN', 'MAR', 'OCT'))}-{int(rng.integers(1940, 2020))}",
        digits,
        f"{digits[:2]}:{digits[2:4]}:{digits[4:6]}",
        f"#{digits[:6]}",
        f"{digits[:3]}-{digits[3:5]}-{digits[5:]}",
    )
    return str(forms[int(rng.integers(len(forms)))])


def _any_text(rng: np.random.Generator) -> str:
    forms = (
        _name(rng),
        _number(rng),
        f"MRN {_number(rng)}",
        f"St. {rng.choice(('Anna', 'Luke', 'Vito'))} Clinic",
        f"{_name(rng)} {int(rng.integers(18, 90))}y",
        f"DOB: {_number(rng)}",
        f"Dr {_name(rng)}",
    )
    return forms[int(rng.integers(len(forms)))]


def _outline(text: str, font: str, size: int, *, smooth: bool = True) -> NDArray[np.float64]:
    face = _face(font, size)
    left, top, right, bottom = face.getbbox(text)
    plate = Image.new("L", (int(np.ceil(right - left)) + 2, int(np.ceil(bottom - top)) + 2))
    pen = ImageDraw.Draw(plate)
    pen.fontmode = "L" if smooth else "1"
    pen.text((1 - left, 1 - top), text, fill=255, font=face)
    return np.asarray(plate) / 255.0


@lru_cache(maxsize=64)
def _face(font: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    try:
        return ImageFont.truetype(font, size)
    except OSError:
        return ImageFont.load_default(size)


def _hershey(rng: np.random.Generator, text: str, size: int) -> NDArray[np.float64]:
    """Text in OpenCV's stroke fonts, which many programs of modalities and researchers use."""
    try:
        import cv2
    except ImportError:
        return _outline(text, "DejaVuSansMono.ttf", size, smooth=False)
    font = int(rng.choice((cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_DUPLEX)))
    scale = size / cv2.getTextSize("H", font, 1.0, 1)[0][1] * 0.72
    thick = 1 if size < 24 else 2
    (width, height), base = cv2.getTextSize(text, font, scale, thick)
    plate = np.zeros((height + base + 6, width + 6), np.uint8)
    kind = cv2.LINE_AA if rng.random() < 0.6 else cv2.LINE_8
    cv2.putText(plate, text, (3, height + 3), font, scale, 255, thick, kind)
    return plate / 255.0


def _glyphs(rng: np.random.Generator, text: str, size: int) -> NDArray[np.float64]:
    if rng.random() < 0.3 and text.isascii():
        return _hershey(rng, text, size)
    return _outline(text, str(rng.choice(OUTLINES)), size, smooth=bool(rng.random() < 0.7))


def _place(rng: np.random.Generator, taken: Ink, shape: tuple[int, int], *, border: bool = False) -> Area | None:
    for _ in range(80):
        high, wide = taken.shape[0] - shape[0], taken.shape[1] - shape[1]
        if high < 0 or wide < 0:
            return None
        row, column = int(rng.integers(high + 1)), int(rng.integers(wide + 1))
        if border:
            row = int(rng.choice((0, high)))
            column = int(rng.choice((0, wide, column)))
        area = np.s_[row : row + shape[0], column : column + shape[1]]
        if not taken[area].any():
            taken[max(0, row - 8) : row + shape[0] + 8, max(0, column - 8) : column + shape[1] + 8] = True
            return area
    return None


def _write(
    rng: np.random.Generator,
    picture: Rgb,
    taken: Ink,
    glyphs: NDArray[np.float64],
    colour: NDArray[np.float64] | float,
    *,
    alpha: float = 1.0,
    plate: float | None = None,
    border: bool = False,
) -> Place | None:
    """Write on a picture and return where; None where there is no room."""
    area = _place(rng, taken, glyphs.shape, border=border)
    if area is None:
        return None
    part = picture[area]
    if plate is not None:
        part[:] = plate
    weight = alpha * glyphs[..., None]
    picture[area] = part * (1 - weight) + np.broadcast_to(colour, part.shape) * weight
    return area, glyphs > 0


def _level(part: NDArray[np.float64], contrast: float) -> float:
    middle = float(np.median(part))
    return middle + contrast if middle + contrast <= 250 or middle < contrast else middle - contrast


# --- kinds of text ----------------------------------------------------------------------------------------------------

Draw = Callable[[np.random.Generator, Rgb, Ink], Place | None]


def _local(
    rng: np.random.Generator,
    picture: Rgb,
    taken: Ink,
    glyphs: NDArray[np.float64],
    contrast: float,
    alpha: float = 1.0,
    border: bool = False,
) -> Place | None:
    area = _place(rng, taken, glyphs.shape, border=border)
    if area is None:
        return None
    weight = alpha * glyphs[..., None]
    level = np.clip(_level(picture[area], contrast), 0, 255)
    picture[area] = picture[area] * (1 - weight) + level * weight
    return area, glyphs > 0


def _thin(rng: np.random.Generator, picture: Rgb, taken: Ink) -> Place | None:
    return _local(rng, picture, taken, _glyphs(rng, _any_text(rng), int(rng.integers(8, 11))), rng.uniform(90, 200))


def _large(rng: np.random.Generator, picture: Rgb, taken: Ink) -> Place | None:
    size = int(rng.integers(36, 65))
    return _local(rng, picture, taken, _glyphs(rng, _name(rng)[:9], size), rng.uniform(80, 220))


def _faint(rng: np.random.Generator, picture: Rgb, taken: Ink) -> Place | None:
    return _local(rng, picture, taken, _glyphs(rng, _any_text(rng), int(rng.integers(12, 26))), rng.uniform(45, 65))


def _inverse(rng: np.random.Generator, picture: Rgb, taken: Ink) -> Place | None:
    glyphs = np.pad(_glyphs(rng, _any_text(rng), int(rng.integers(10, 24))), 3)
    if rng.random() < 0.7:
        return _write(rng, picture, taken, glyphs, rng.uniform(0, 40), plate=rng.uniform(170, 255))
    return _write(rng, picture, taken, glyphs, rng.uniform(200, 255), plate=rng.uniform(0, 60))


def _turned(rng: np.random.Generator, picture: Rgb, taken: Ink) -> Place | None:
    glyphs = _glyphs(rng, _any_text(rng), int(rng.integers(11, 26)))
    return _local(rng, picture, taken, np.rot90(glyphs, int(rng.choice((1, 3)))), rng.uniform(80, 200))


def _coloured(rng: np.random.Generator, picture: Rgb, taken: Ink) -> Place | None:
    colours = ((255, 255, 0), (0, 255, 255), (0, 230, 0), (255, 80, 80), (90, 130, 255), (255, 160, 40), (255, 0, 255))
    colour = np.array(colours[int(rng.integers(len(colours)))], np.float64)
    return _write(rng, picture, taken, _glyphs(rng, _any_text(rng), int(rng.integers(10, 26))), colour)


def _plain(rng: np.random.Generator, picture: Rgb, taken: Ink) -> Place | None:
    return _local(rng, picture, taken, _glyphs(rng, _any_text(rng), int(rng.integers(11, 30))), rng.uniform(90, 230))


def _at_border(rng: np.random.Generator, picture: Rgb, taken: Ink) -> Place | None:
    glyphs = _glyphs(rng, _any_text(rng), int(rng.integers(11, 26)))
    inked = np.argwhere(glyphs > 0.3)
    (top, left), (bottom, right) = inked.min(axis=0), inked.max(axis=0) + 1
    return _local(rng, picture, taken, glyphs[top:bottom, left:right], rng.uniform(100, 220), border=True)


def _transparent(rng: np.random.Generator, picture: Rgb, taken: Ink) -> Place | None:
    glyphs = _glyphs(rng, _any_text(rng), int(rng.integers(14, 34)))
    return _local(rng, picture, taken, glyphs, rng.uniform(150, 240), alpha=rng.uniform(0.4, 0.6))


def _numbers(rng: np.random.Generator, picture: Rgb, taken: Ink) -> Place | None:
    return _local(rng, picture, taken, _glyphs(rng, _number(rng), int(rng.integers(10, 26))), rng.uniform(80, 220))


def _initials(rng: np.random.Generator, picture: Rgb, taken: Ink) -> Place | None:
    letters = rng.choice(list("ABCDEFGHJKLMNPRSTVW"), 3)
    text = str(rng.choice((f"{letters[0]}.{letters[1]}.", f"{letters[0]}{letters[1]}", "".join(letters))))
    return _local(rng, picture, taken, _glyphs(rng, text, int(rng.integers(14, 34))), rng.uniform(100, 220))


def _foreign(rng: np.random.Generator, picture: Rgb, taken: Ink) -> Place | None:
    font, letters = SCRIPTS[int(rng.integers(len(SCRIPTS)))]
    ideographs = font.startswith("Droid")
    text = "".join(rng.choice(list(letters), int(rng.integers(3, 5) if ideographs else rng.integers(5, 10))))
    size = int(rng.integers(16, 32)) if ideographs else int(rng.integers(12, 26))
    return _local(rng, picture, taken, _outline(text, font, size), rng.uniform(90, 220))


def _grey_case(draw: Draw, texture: str | None = None, *, inverted: bool = False) -> Callable[..., Case]:
    def make(rng: np.random.Generator, name: str, size: tuple[int, int]) -> Case:
        values = TEXTURES[texture or str(rng.choice(list(TEXTURES)))](rng, *size)
        before = np.clip(np.repeat(values[..., None], 3, axis=2), 0, 255)
        after, taken = before.copy(), np.zeros(size, np.bool_)
        places = [draw(rng, after, taken) for _ in range(3)]
        is_coloured = bool(np.ptp(after, axis=2).max() > 0)
        if not is_coloured:
            before, after = before[..., 0], after[..., 0]
        dataset = _dataset([_bytes(after)], inverted=inverted)
        plain = _dataset([_bytes(before)], inverted=inverted)
        return Case(name, dataset, _found_ink(name, dataset, plain, [{0: place} for place in places if place]))

    return make


def _deep_case(rng: np.random.Generator, name: str, size: tuple[int, int]) -> Case:
    """12 or 16 bits: text in the largest value, far above or below the anatomy, or within the header's window only."""
    values = TEXTURES[str(rng.choice(("CT", "MR", "radiograph", "breast")))](rng, *size)
    stored, signed, inverted = int(rng.choice((12, 14, 16))), bool(rng.random() < 0.4), bool(rng.random() < 0.3)
    most = (1 << (stored - 1 if signed else stored)) - 1
    gain, zero = most / 255 * float(rng.choice((0.02, 0.2, 0.6))), (-most * 0.03 if signed else most * 0.01)
    before = np.clip(values, 0, 255) * gain + zero
    after, taken, places = before.copy(), np.zeros(size, np.bool_), []
    for _ in range(3):
        glyphs = _glyphs(rng, _any_text(rng), int(rng.integers(11, 28)))
        area = _place(rng, taken, glyphs.shape)
        if area is None:
            continue
        kind = int(rng.integers(3))
        level = (most, zero + _level(values[area], 120) * gain, zero + 255 * gain * 1.3)[kind]
        after[area] = after[area] * (1 - glyphs) + min(level, most) * glyphs
        places.append((area, glyphs > 0))
    window = (zero + 128 * gain, 255 * gain)
    made = [_dataset([np.round(part)], stored, signed, inverted, window) for part in (after, before)]
    return Case(name, made[0], _found_ink(name, *made, [{0: place} for place in places]))


def _cine_case(rng: np.random.Generator, name: str, size: tuple[int, int]) -> Case:
    """Text on some frames only; the anatomy moves, and so does the noise."""
    texture = str(rng.choice(("ultrasound", "radiograph")))
    values = TEXTURES[texture](rng, *(min(side, 480) for side in size))
    count = int(rng.choice((3, 5, 12, 40)))
    first = int(rng.integers(0, count - 1))
    last = int(rng.integers(first + 1, min(count, first + 12) + 1))
    before = [np.clip(np.roll(values, 2 * n, axis=0) + rng.normal(0, 2, values.shape), 0, 255) for n in range(count)]
    after = [frame.copy() for frame in before]
    taken, places = np.zeros(values.shape, np.bool_), []
    for _ in range(2):
        glyphs = _glyphs(rng, _any_text(rng), int(rng.integers(11, 24)))
        area = _place(rng, taken, glyphs.shape)
        if area is None:
            continue
        for number in range(first, last):
            after[number][area] = after[number][area] * (1 - glyphs) + 245 * glyphs
        places.append(dict.fromkeys(range(first, last), (area, glyphs > 0)))
    made = [_dataset([_bytes(frame) for frame in frames]) for frames in (after, before)]
    return Case(name, made[0], _found_ink(name, *made, places))


def _doppler_case(rng: np.random.Generator, name: str, size: tuple[int, int]) -> Case:
    """Text on the screen of a colour Doppler examination."""
    values = _us(rng, *size)
    before = np.clip(np.repeat(values[..., None], 3, axis=2), 0, 255)
    taken = np.zeros(size, np.bool_)
    _doppler(rng, before, taken)
    _bar(rng, before, taken)
    _ruler(rng, before, taken)
    after = before.copy()
    places = [(_coloured if rng.random() < 0.6 else _plain)(rng, after, taken) for _ in range(4)]
    made = [_dataset([_bytes(frame)]) for frame in (after, before)]
    return Case(name, made[0], _found_ink(name, *made, [{0: place} for place in places if place]))


KIND: dict[str, tuple[str, Callable[..., tuple[int, int]], Callable[..., Case]]] = {
    name: (name, _size, make)
    for name, make in {
        "thin": _grey_case(_thin),
        "large": _grey_case(_large),
        "faint": _grey_case(_faint),
        "inverse": _grey_case(_inverse),
        "turned": _grey_case(_turned),
        "coloured": _grey_case(_coloured, "ultrasound"),
        "deep": _deep_case,
        "MONOCHROME1": _grey_case(_plain, inverted=True),
        "border": _grey_case(_at_border),
        "transparent": _grey_case(_transparent),
        "gradient": _grey_case(_plain, "gradient"),
        "numbers": _grey_case(_numbers),
        "initials": _grey_case(_initials),
        "scripts": _grey_case(_foreign),
        "cine": _cine_case,
        "Doppler screen": _doppler_case,
    }.items()
}
KINDS = tuple(KIND)


# --- objects ----------------------------------------------------------------------------------------------------------


def _bytes(picture: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def _deep(rng: np.random.Generator, frames: list[NDArray[np.float64]], *, inverted: bool) -> Dataset:
    gain = float(rng.choice((1.0, 4.0, 15.0)))
    return _dataset([np.round(np.clip(frame, 0, 255) * gain) for frame in frames], 12, False, inverted, None)


def _dataset(
    frames: list[NDArray[np.generic]],
    stored: int = 8,
    signed: bool = False,
    inverted: bool = False,
    window: tuple[float, float] | None = None,
) -> Dataset:
    shape = frames[0].shape
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CAPTURE
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid(entropy_srcs=["burned in"])
    dataset.Modality = "OT"
    dataset.Rows, dataset.Columns = shape[:2]
    dataset.SamplesPerPixel = 3 if len(shape) == 3 else 1
    if len(shape) == 3:
        dataset.PlanarConfiguration, dataset.PhotometricInterpretation = 0, "RGB"
    else:
        dataset.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    dataset.BitsAllocated = 8 if stored == 8 else 16
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = stored, stored - 1, int(signed)
    if window:
        dataset.WindowCenter, dataset.WindowWidth = (f"{value:.6g}" for value in window)
    if len(frames) > 1:
        dataset.NumberOfFrames = len(frames)
    kind = np.uint8 if stored == 8 else np.int16 if signed else np.uint16
    if inverted and stored == 8:
        frames = [255 - frame for frame in frames]
    elif inverted:
        frames = [((1 << (stored - int(signed))) - 1) - frame for frame in frames]
        if window:
            dataset.WindowCenter = f"{(1 << (stored - int(signed))) - 1 - window[0]:.6g}"
    mask = (1 << stored) - 1
    raw = b"".join((frame.astype(kind).view(f"u{np.dtype(kind).itemsize}") & mask).tobytes() for frame in frames)
    dataset.PixelData = raw + b"\0" * (len(raw) % 2)
    dataset["PixelData"].VR = "OB" if stored == 8 else "OW"
    return dataset


def _found_ink(name: str, dataset: Dataset, plain: Dataset, places: list[dict[int, Place]]) -> list[Line]:
    """Lines with the pixels that are seen to differ from the same object without text, in any of its views."""
    with tempfile.TemporaryDirectory() as folder:
        cells = []
        for number, made in enumerate((dataset, plain)):
            path = Path(folder) / f"{number}.dcm"
            pydicom.dcmwrite(path, made, enforce_file_format=True)
            with opened(path) as source:
                frames = frames_of(source)
                cells.append([frames.cells(index) for index in range(len(frames))])
    differing: dict[int, Ink] = {}
    for number in sorted({number for place in places for number in place}):
        (written, form), (bare, _) = cells[0][number], cells[1][number]
        # both side by side, so that they are shown through the same windows
        seen = views_of(*_side_by_side(written, bare, form))
        width = written.shape[1]
        steps = [np.abs(view[:, :width].astype(np.int16) - view[:, width:]) for view in seen]
        largest = np.max([step.max(axis=2) if step.ndim == 3 else step for step in steps], axis=0)
        differing[number] = largest >= VISIBLE
    lines = []
    for place in places:
        ink = {}
        for number, (area, drawn) in place.items():
            mark = np.zeros_like(differing[number])
            mark[area] = differing[number][area] & drawn
            if mark.any():
                ink[number] = mark
        if ink:
            lines.append(Line(name, ink))
    return lines


def _side_by_side(
    written: NDArray[np.generic], bare: NDArray[np.generic], form: PixelFormat
) -> tuple[NDArray[np.generic], PixelFormat]:
    return np.concatenate([written, bare], axis=1), replace(form, columns=2 * form.columns)
