"""Results of statistics as frozen dataclasses that turn into JSON the same way everywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FloatArray", "Result", "json_value"]

FloatArray = NDArray[np.float64]


class Result:
    """Base of the results: a dataclass whose fields are numbers, text, other results, and containers of them."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        """Fields as JSON-like data: undefined (NaN) is ``null``, infinite is ``"inf"`` or ``"-inf"``."""
        return {field.name: json_value(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]  # every subclass is a dataclass


def json_value(value: Any) -> Any:
    """Turn a value into JSON-like data; see `Result.to_json`."""
    if isinstance(value, Result):
        return value.to_json()
    if isinstance(value, np.ndarray):
        return json_value(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [json_value(item) for item in value]
    if isinstance(value, np.generic):
        return json_value(value.item())
    if isinstance(value, float):
        return _json_float(value)
    return value


def _json_float(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value
