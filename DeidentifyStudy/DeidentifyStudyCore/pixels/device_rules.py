"""Where machines write: an open list of device, model, size and software, and the rectangles that hold text there.

A house adds its own list in the same format (see ``Documentation/deidentification-pixels.md``); each rule names where
it is known from. Matching is by the header as it came: without regard to case, each named value contained in the
header's. Numbers of boxes are ``[row, column, height, width]`` in pixels, or in shares of the frame where they have a
decimal point.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from DeidentifyStudyCore.dicom.charset import codecs_of
from DeidentifyStudyCore.dicom.image_pixel import image_pixel
from DeidentifyStudyCore.dicom.source import Source
from DeidentifyStudyCore.errors import InputError
from DeidentifyStudyCore.pixels.boxes import Box

if TYPE_CHECKING:  # frames load decoders, which most runs do not need
    from DeidentifyStudyCore.pixels.frames import PixelFormat

__all__ = [
    "DeviceRule",
    "KnownDevices",
    "load_device_rules",
    "matching_rules",
    "parse_device_rules",
    "shipped_device_rules",
]

FORMAT = "deidentify-device-rules/1"
_TEXTS = {
    "modality": 0x00080060,
    "manufacturer": 0x00080070,
    "model": 0x00081090,
    "software": 0x00181020,
    "image_type": 0x00080008,
    "series_description": 0x0008103E,
}
_NUMBERS = ("rows", "columns")
_CHARACTER_SET = 0x00080005
_ASKED = (_CHARACTER_SET, *_TEXTS.values())


@dataclass(frozen=True, slots=True)
class DeviceRule:
    """One rule.

    Attributes
    ----------
    source : str
        Where the fact is known from.
    texts : mapping
        Part of the header, by a name of `_TEXTS`.
    sizes : mapping
        ``rows`` and ``columns`` of the frame.
    boxes : tuple
        ``(row, column, height, width)``: whole numbers are pixels, others shares of the frame.
    """

    name: str
    source: str
    texts: Mapping[str, str]
    sizes: Mapping[str, int]
    boxes: tuple[tuple[float, float, float, float], ...]

    def matches(self, header: Mapping[str, str], rows: int, columns: int) -> bool:
        """Whether the rule holds for an object with frames of this size."""
        sizes = {"rows": rows, "columns": columns}
        return all(sizes[key] == value for key, value in self.sizes.items()) and all(
            value.casefold() in header.get(key, "").casefold() for key, value in self.texts.items()
        )

    def placed(self, form: "PixelFormat") -> list[Box]:
        """Boxes in pixels of a frame."""
        scales = (form.rows, form.columns, form.rows, form.columns)
        placed = []
        for box in self.boxes:
            row, column, height, width = (
                round(value * scale) if isinstance(value, float) else value
                for value, scale in zip(box, scales, strict=True)
            )
            placed.append(Box(row, column, height, width).within(form.rows, form.columns))
        return [box for box in placed if box.area]


@cache
def shipped_device_rules() -> tuple[DeviceRule, ...]:
    """Rules that come with the program."""
    text = files("DeidentifyStudyCore").joinpath("pixels", "device_rules.json").read_text(encoding="utf-8")
    return parse_device_rules(text, "device_rules.json")


def load_device_rules(path: Path) -> tuple[DeviceRule, ...]:
    """Read a list of rules; raises `InputError` that names the path inside the JSON."""
    try:
        return parse_device_rules(path.read_text(encoding="utf-8"), path.name)
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path.name}: cannot be read; name a JSON file of device rules.") from None


def parse_device_rules(text: str, where: str) -> tuple[DeviceRule, ...]:
    """Validate the JSON of a list of rules; `where` names it in messages."""
    try:
        content = json.loads(text)
    except ValueError as error:
        raise InputError(f"{where}: not JSON ({error}); mend the file.") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{where}: $.format must be '{FORMAT}'.")
    if set(content) != {"format", "rules"} or not isinstance(content["rules"], list):
        raise InputError(f"{where}: $ must have 'format' and a list 'rules', nothing else.")
    rules = tuple(_rule(row, f"{where}: $.rules[{index}]") for index, row in enumerate(content["rules"]))
    names = [rule.name for rule in rules]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise InputError(f"{where}: $.rules[{index}].name '{name}' is there twice; choose another.")
    return rules


def _rule(row: Any, where: str) -> DeviceRule:
    if not isinstance(row, dict) or set(row) != {"name", "source", "match", "boxes"}:
        raise InputError(f"{where} must have name, source, match and boxes, nothing else.")
    for key in ("name", "source"):
        if not isinstance(row[key], str) or not row[key].strip():
            raise InputError(f"{where}.{key} must be a text that is not empty.")
    match = row["match"]
    if not isinstance(match, dict) or not match:
        raise InputError(f"{where}.match must name at least one of {', '.join((*_TEXTS, *_NUMBERS))}.")
    for key, value in match.items():
        if key in _TEXTS:
            if not isinstance(value, str) or not value.strip():
                raise InputError(f"{where}.match.{key} must be a text that is not empty.")
        elif key in _NUMBERS:
            if type(value) is not int or value < 1:
                raise InputError(f"{where}.match.{key} must be a whole number of pixels.")
        else:
            raise InputError(f"{where}.match.{key} is unknown; name {', '.join((*_TEXTS, *_NUMBERS))}.")
    if not isinstance(row["boxes"], list) or not row["boxes"]:
        raise InputError(f"{where}.boxes must be a list that is not empty.")
    boxes = tuple(_box(box, f"{where}.boxes[{index}]", match) for index, box in enumerate(row["boxes"]))
    texts = {key: value for key, value in match.items() if key in _TEXTS}
    sizes = {key: value for key, value in match.items() if key in _NUMBERS}
    return DeviceRule(row["name"], row["source"], texts, sizes, boxes)


def _box(box: Any, where: str, match: Mapping[str, Any]) -> tuple[float, float, float, float]:
    if not isinstance(box, list) or len(box) != 4 or not all(type(value) in {int, float} for value in box):
        raise InputError(f"{where} must be [row, column, height, width].")
    if any(value < 0 for value in box) or box[2] == 0 or box[3] == 0:
        raise InputError(f"{where} must not be empty or negative.")
    for position, value in enumerate(box):
        limit = match.get("rows" if position % 2 == 0 else "columns")
        if isinstance(value, float) and value > 1:
            raise InputError(f"{where}[{position}] is a share of the frame and must not be above 1.0.")
        if type(value) is int and value and limit is None:
            raise InputError(f"{where}[{position}] is in pixels, so the rule must match rows and columns.")
    return (box[0], box[1], box[2], box[3])


def matching_rules(rules: tuple[DeviceRule, ...], source: Source) -> list[DeviceRule]:
    """Rules that hold for an object."""
    codecs = codecs_of(source.value(_CHARACTER_SET))
    header = {
        key: source.value(tag).decode(codecs[0] if codecs else "ascii", "replace").replace("\\", " ")
        for key, tag in _TEXTS.items()
    }
    image = image_pixel(source)
    return [rule for rule in rules if rule.matches(header, image.rows, image.columns)]


class KnownDevices:
    """Whether any rule holds for an object; objects of one device are asked about once."""

    def __init__(self, rules: tuple[DeviceRule, ...]) -> None:
        self._rules = rules
        self._known: dict[tuple[object, ...], bool] = {}

    def has(self, source: Source) -> bool:
        """Whether a rule says that the device writes text into such objects."""
        image = image_pixel(source)
        key = (source.values(_ASKED), image.rows, image.columns)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = bool(matching_rules(self._rules, source))
        return known
