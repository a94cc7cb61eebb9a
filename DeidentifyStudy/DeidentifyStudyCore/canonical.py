"""Canonical JSON and its hash: the same content has the same bytes everywhere."""

import hashlib
import json
from typing import Any

__all__ = ["canonical_bytes", "canonical_hash"]


def canonical_bytes(value: Any) -> bytes:
    """Encode JSON-like data to its one canonical form.

    Keys are sorted by code point, there is no white space, text is UTF-8 and unescaped where JSON allows it. This is
    RFC 8785 but for numbers, which are written as Python's shortest round-trip form.

    Raises
    ------
    ValueError
        The data holds NaN or an infinity, which JSON does not have.
    TypeError
        The data holds something that is not JSON.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def canonical_hash(value: Any) -> str:
    """SHA-256 of the canonical form, in lower-case hexadecimal."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()
