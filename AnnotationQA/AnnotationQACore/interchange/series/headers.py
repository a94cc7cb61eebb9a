"""What the series loader knows of one DICOM file and its frames, before any pixel is read."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from AnnotationQACore.geometry import Vector
from AnnotationQACore.interchange.series.elements import Elements
from AnnotationQACore.interchange.series.lean_reader import PixelLocation
from AnnotationQACore.interchange.series.phases import phase_of
from AnnotationQACore.interchange.series.ultrasound import UltrasoundRegion

__all__ = ["FileHeader", "FrameHeader", "Orientation", "UnreadableFile", "base_frame", "file_header", "timestamp"]

Orientation = tuple[float, float, float, float, float, float]

_DAYS_PER_UNIT: Final = {"D": 1.0, "W": 7.0, "M": 30.4375, "Y": 365.25}
_B_VALUE_TAGS: Final = (0x00189087, 0x00651009, 0x0019100C, 0x20011003, 0x00431039)
_COMPONENTS: Final = {
    **dict.fromkeys(("P", "PHASE", "PHASE MAP", "VELOCITY"), "phase"),
    **dict.fromkeys(("R", "REAL"), "real"),
    **dict.fromkeys(("I", "IMAGINARY"), "imaginary"),
    **dict.fromkeys(("M", "MAGNITUDE"), "magnitude"),
}


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """Where and when one frame was taken, and how its stored values become real ones.

    Attributes
    ----------
    number : int
        1-based number of the frame in its file (of the tile, in a mosaic).
    position : vector or None
        Image Position (Patient), LPS mm of the centre of the first pixel.
    orientation : 6 floats or None
        Image Orientation (Patient): direction of the rows, then of the columns.
    pixel_spacing : (row, column) or None
        mm between rows, and between columns.
    thickness, slice_spacing : float or None
        Slice Thickness and Spacing Between Slices, mm.
    slope, intercept : float
        Modality rescale.
    time : float or None
        Acquisition (else content) time, seconds.
    temporal_position, echo_time, b_value, trigger_time, cardiac_phase, acquisition : float or None
        What may tell frames at one position apart; ms for the times, s/mm² for the b-value, % for the phase.
    gradient : vector or None
        Direction of the diffusion gradient.
    component : str
        ``magnitude``, ``phase``, ``real``, ``imaginary`` or empty.
    image_type : str
        Image Type (of an enhanced frame, Frame Type) behind its first two values, e.g. the parts of a Dixon series.
    source_uid : str
        SOP Instance UID from which a legacy converted frame was made, or empty.
    """

    number: int = 1
    position: Vector | None = None
    orientation: Orientation | None = None
    pixel_spacing: tuple[float, float] | None = None
    thickness: float | None = None
    slice_spacing: float | None = None
    slope: float = 1.0
    intercept: float = 0.0
    time: float | None = None
    temporal_position: float | None = None
    echo_time: float | None = None
    b_value: float | None = None
    gradient: Vector | None = None
    trigger_time: float | None = None
    cardiac_phase: float | None = None
    acquisition: float | None = None
    component: str = ""
    image_type: str = ""
    source_uid: str = ""


@dataclass(frozen=True, slots=True)
class FileHeader:
    """What one DICOM file says of itself; no name, ID or date of a patient.

    `patient_key` is a keyed hash of the Patient ID that tells patients apart within one scan. `problem` says why the
    file cannot be used, and is empty for a good one. `tiles` is the number of slices in a mosaic, 0 without.
    """

    path: Path
    size: int
    modified_ns: int
    sop_class: str = ""
    instance_uid: str = ""
    series_uid: str = ""
    study_uid: str = ""
    frame_of_reference: str = ""
    patient_key: str = ""
    transfer_syntax: str = ""
    modality: str = ""
    manufacturer: str = ""
    description: str = ""
    protocol: str = ""
    body_part: str = ""
    phase: str = ""
    sex: str = ""
    age_years: float | None = None
    image_type: tuple[str, ...] = ()
    series_number: int | None = None
    instance_number: int | None = None
    rows: int = 0
    columns: int = 0
    samples: int = 1
    photometric: str = ""
    planar: bool = False
    bits_allocated: int = 0
    bits_stored: int = 0
    high_bit: int = 0
    signed: bool = False
    lossy: bool = False
    frame_count: int = 1
    tiles: int = 0
    units: str = ""
    modality_lut: bool = False
    imager_spacing: tuple[float, float] | None = None
    calibration: str = ""
    magnification: float | None = None
    tilt: float | None = None
    series_time: float | None = None
    temporal_positions: int | None = None
    regions: tuple[UltrasoundRegion, ...] = ()
    pixels: PixelLocation | None = None
    problem: str = ""
    frames: tuple[FrameHeader, ...] = ()

    @property
    def is_image(self) -> bool:
        """Whether the file has a pixel matrix."""
        return self.rows > 0 and self.columns > 0


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file of the folder that is no usable DICOM file, and why.

    `may_change` says that the reason lies outside the file (no right to read it).
    """

    path: Path
    reason: str
    is_dicom: bool
    may_change: bool = False


def file_header(
    path: Path, size: int, modified_ns: int, elements: Elements, pixels: PixelLocation | None, key: bytes
) -> FileHeader:
    """Build the header of one file from its decoded elements; `frames` has the values of the top level, once."""
    text = _Texts(elements)
    patient = f"{text[0x00100020]}"
    samples = _integer(elements, 0x00280002, 1)
    bits = _integer(elements, 0x00280100, 0)
    stored = _integer(elements, 0x00280101, bits)
    image_type = tuple(part.strip() for part in text[0x00080008].split("\\")) if text[0x00080008] else ()
    description, protocol = text[0x0008103E], text[0x00181030]
    tiles = _integer(elements, 0x00651050, 0) if "VFRAME" in image_type or "GRID" in image_type else 0
    return FileHeader(
        path=path,
        size=size,
        modified_ns=modified_ns,
        sop_class=text[0x00080016] or text[0x00020002],
        instance_uid=text[0x00080018],
        series_uid=text[0x0020000E],
        study_uid=text[0x0020000D],
        frame_of_reference=text[0x00200052],
        patient_key=hashlib.blake2b(patient.encode(), key=key, digest_size=12).hexdigest() if patient else "",
        transfer_syntax=text[0x00020010],
        modality=text[0x00080060],
        manufacturer=text[0x00080070],
        description=description,
        protocol=protocol,
        body_part=text[0x00180015].upper(),
        phase=phase_of(_number(elements, 0x00209241), text[0x00189344], description, protocol),
        sex=text[0x00100040],
        age_years=_age(text[0x00101010], text[0x00100030], text[0x00080020]),
        image_type=image_type,
        series_number=_optional_integer(elements, 0x00200011),
        instance_number=_optional_integer(elements, 0x00200013),
        rows=_integer(elements, 0x00280010, 0),
        columns=_integer(elements, 0x00280011, 0),
        samples=samples,
        photometric=text[0x00280004],
        planar=samples > 1 and _integer(elements, 0x00280006, 0) == 1,
        bits_allocated=bits,
        bits_stored=stored,
        high_bit=_integer(elements, 0x00280102, stored - 1),
        signed=_integer(elements, 0x00280103, 0) == 1,
        lossy=text[0x00282110] == "01",
        frame_count=max(_integer(elements, 0x00280008, 1), 1),
        tiles=tiles,
        units=text[0x00541001] or text[0x00281054],
        modality_lut=0x00283000 in elements,
        imager_spacing=_pair(elements, 0x00181164) or _pair(elements, 0x00182010),
        calibration=text[0x00280A02],
        magnification=_number(elements, 0x00181114),
        tilt=_number(elements, 0x00181120),
        series_time=timestamp(text[0x00080021] + text[0x00080031]) if text[0x00080031] else None,
        temporal_positions=_optional_integer(elements, 0x00200105),
        pixels=pixels,
        frames=(base_frame(elements, image_type),),
    )


def base_frame(elements: Elements, image_type: tuple[str, ...]) -> FrameHeader:
    """Frame described by the top level of a file."""
    text = _Texts(elements)
    date = text[0x00080022] or text[0x00080023] or text[0x00080021] or text[0x00080020]
    clock = text[0x00080032] or text[0x00080033]
    b_value = next((number for tag in _B_VALUE_TAGS if (number := _number(elements, tag)) is not None), None)
    slope = _number(elements, 0x00281053)
    return FrameHeader(
        position=_triple(elements, 0x00200032),
        orientation=_six(elements, 0x00200037),
        pixel_spacing=_pair(elements, 0x00280030),
        thickness=_number(elements, 0x00180050),
        slice_spacing=_number(elements, 0x00180088),
        slope=1.0 if slope is None else slope,
        intercept=_number(elements, 0x00281052) or 0.0,
        time=timestamp(text[0x0008002A]) if text[0x0008002A] else (timestamp(date + clock) if clock else None),
        temporal_position=_number(elements, 0x00200100),
        echo_time=_number(elements, 0x00180081),
        b_value=b_value % 1_000_000 if b_value is not None else None,  # GE adds 10^9 to mark a derived b-value
        gradient=_triple(elements, 0x00189089),
        trigger_time=_number(elements, 0x00181060),
        cardiac_phase=_number(elements, 0x00209241),
        acquisition=_number(elements, 0x00200012),
        component=_component(image_type),
        image_type=" ".join(image_type[2:]),
    )


def timestamp(text: str) -> float | None:
    """Seconds of a DICOM date and time without separators; the time alone counts from midnight."""
    zone = next((sign for sign in "+-" if sign in text), "")
    digits, _, fraction = text.partition(zone)[0].partition(".") if zone else text.partition(".")
    digits = digits.replace(":", "").strip()
    if not digits.isdigit():
        return None
    seconds = float(f"0.{fraction}") if fraction.isdigit() else 0.0
    try:
        if len(digits) < 8:
            padded = digits.ljust(6, "0")
            return int(padded[:2]) * 3600 + int(padded[2:4]) * 60 + int(padded[4:6]) + seconds
        padded = digits.ljust(14, "0")
        moment = datetime(
            *(int(padded[a:b]) for a, b in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12))),  # type: ignore[arg-type, misc]  # five ints
            tzinfo=UTC,
        )
        return moment.timestamp() + int(padded[12:14]) + seconds
    except ValueError:
        return None


class _Texts:
    """Elements as text, empty when absent."""

    __slots__ = ("_elements",)

    def __init__(self, elements: Elements) -> None:
        self._elements = elements

    def __getitem__(self, tag: int) -> str:
        return str(self._elements.get(tag, ""))


def _numbers(elements: Elements, tag: int) -> tuple[float, ...]:
    value = elements.get(tag)
    if value is None or value == "":
        return ()
    if isinstance(value, tuple):
        return value
    if isinstance(value, int | float):
        return (float(value),)
    try:
        numbers = tuple(float(part) for part in value.split("\\"))
    except ValueError:
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()


def _number(elements: Elements, tag: int) -> float | None:
    numbers = _numbers(elements, tag)
    return numbers[0] if numbers else None


def _integer(elements: Elements, tag: int, default: int) -> int:
    numbers = _numbers(elements, tag)
    return int(numbers[0]) if numbers else default


def _optional_integer(elements: Elements, tag: int) -> int | None:
    numbers = _numbers(elements, tag)
    return int(numbers[0]) if numbers else None


def _pair(elements: Elements, tag: int) -> tuple[float, float] | None:
    numbers = _numbers(elements, tag)
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None


def _triple(elements: Elements, tag: int) -> Vector | None:
    numbers = _numbers(elements, tag)
    return (numbers[0], numbers[1], numbers[2]) if len(numbers) == 3 else None


def _six(elements: Elements, tag: int) -> Orientation | None:
    numbers = _numbers(elements, tag)
    return (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]) if len(numbers) == 6 else None


def _age(age: str, birth_date: str, study_date: str) -> float | None:
    if len(age) == 4 and age[:3].isdigit() and age[3] in _DAYS_PER_UNIT:
        return int(age[:3]) * _DAYS_PER_UNIT[age[3]] / _DAYS_PER_UNIT["Y"]
    born, studied = timestamp(birth_date), timestamp(study_date)
    if born is None or studied is None or len(birth_date) < 8 or len(study_date) < 8 or studied < born:
        return None
    return (studied - born) / 86400 / _DAYS_PER_UNIT["Y"]


def _component(image_type: tuple[str, ...]) -> str:
    return next((_COMPONENTS[part] for part in image_type[2:] if part in _COMPONENTS), "")
