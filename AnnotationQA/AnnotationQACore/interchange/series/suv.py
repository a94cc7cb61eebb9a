"""Standardized uptake value of PET.

SUV normalized to body weight, by the vendor-neutral scheme of the Quantitative Imaging Biomarkers Alliance ("SUV
Calculation", QIBA wiki): activity concentration in Bq/ml times body weight in g, over the dose that is left at the
time to which the images are decay-corrected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from AnnotationQACore.interchange.series.headers import timestamp

__all__ = ["SuvScale", "SuvUnavailable", "suv_scale"]

_DAY: Final = 86400.0
_PHILIPS_SUV_FACTOR: Final = 0x00
_GE_CREATOR: Final = "GEMS_PETD_01"
_GE_SCAN_DATETIME: Final = 0x0D
_PHILIPS_CREATOR: Final = "Philips PET Private Group"


class SuvUnavailable(Exception):
    """SUV cannot be computed; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class SuvScale:
    """Factor from voxel values to SUV (g/ml), and how it was found."""

    factor: float
    source: str


def suv_scale(dataset: Any, earliest_acquisition: float | None) -> SuvScale:
    """Factor that turns the values of a PET series into SUV normalized to body weight.

    Parameters
    ----------
    dataset : pydicom.Dataset
        Header of any file of the series.
    earliest_acquisition : float or None
        Acquisition time of its first frame, seconds as in `headers.timestamp`.

    Raises
    ------
    SuvUnavailable
        Something needed is missing or contradicts itself.
    """
    units = str(dataset.get("Units") or "")
    if units == "GML":
        return SuvScale(1.0, "the values are SUV already")
    if units == "CNTS":
        return _philips_scale(dataset)
    if units != "BQML":
        raise SuvUnavailable(f"the values are in {units or 'unknown units'}, not in Bq/ml")
    corrections = {str(part) for part in _many(dataset.get("CorrectedImage"))}
    if not {"ATTN", "DECY"} <= corrections:
        raise SuvUnavailable("the images are not corrected for attenuation and decay")
    weight = _positive(dataset.get("PatientWeight"), "the patient's weight")
    item = next(iter(dataset.get("RadiopharmaceuticalInformationSequence") or ()), None)
    if item is None:
        raise SuvUnavailable("the radiopharmaceutical is not described")
    dose = _positive(item.get("RadionuclideTotalDose"), "the injected dose")
    correction = str(dataset.get("DecayCorrection") or "")
    if correction == "ADMIN":
        return SuvScale(weight * 1000 / dose, "dose, weight; decay-corrected to the injection")
    if correction != "START":
        raise SuvUnavailable("the time to which the images are decay-corrected is not stated")
    half_life = _positive(item.get("RadionuclideHalfLife"), "the half-life")
    elapsed = _scan_time(dataset, earliest_acquisition) - _injection_time(item, dataset)
    if elapsed < 0 and not item.get("RadiopharmaceuticalStartDateTime"):
        elapsed += _DAY  # a time without a date, before midnight
    if not 0 <= elapsed < _DAY:
        raise SuvUnavailable("the injection does not lie within the day before the scan")
    left = dose * 2 ** (-elapsed / half_life)
    return SuvScale(weight * 1000 / left, "dose, weight, and decay from the injection to the scan")


def _philips_scale(dataset: Any) -> SuvScale:
    try:
        block = dataset.private_block(0x7053, _PHILIPS_CREATOR)
        factor = float(block[_PHILIPS_SUV_FACTOR].value)
    except (KeyError, TypeError, ValueError):
        raise SuvUnavailable("the values are counts, and the private SUV factor is missing") from None
    if factor <= 0:
        raise SuvUnavailable("the values are counts, and the private SUV factor is not positive")
    return SuvScale(factor, "the private SUV factor of the scanner")


def _scan_time(dataset: Any, earliest: float | None) -> float:
    """Series time, unless the series was made after the acquisition: then GE's private one, or the acquisition's."""
    clock = str(dataset.get("SeriesTime") or "")
    series = timestamp(str(dataset.get("SeriesDate") or "") + clock) if clock else None
    if series is None and earliest is None:
        raise SuvUnavailable("the time of the scan is not stated")
    if series is not None and (earliest is None or series <= earliest):
        return series
    try:
        private = timestamp(str(dataset.private_block(0x0009, _GE_CREATOR)[_GE_SCAN_DATETIME].value))
    except KeyError:
        private = None
    return private if private is not None else float(earliest or 0.0)


def _injection_time(item: Any, dataset: Any) -> float:
    moment = item.get("RadiopharmaceuticalStartDateTime")
    if moment:
        text = str(moment)
    else:
        clock = str(item.get("RadiopharmaceuticalStartTime") or "")
        if not clock:
            raise SuvUnavailable("the time of the injection is not stated")
        text = str(dataset.get("SeriesDate") or "") + clock
    seconds = timestamp(text)
    if seconds is None:
        raise SuvUnavailable("the time of the injection is not stated")
    return seconds


def _positive(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise SuvUnavailable(f"{name} is not stated") from None
    if not number > 0:
        raise SuvUnavailable(f"{name} is not positive")
    return number


def _many(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
