"""Status codes of the storage service in words (PS3.4 B.2.3, PS3.7 C, PS3.18 I.2)."""

from __future__ import annotations

__all__ = ["is_duplicate", "status_words"]

_WORDS = {
    0x0106: "an attribute has a value it may not have",
    0x0110: "the server failed to process it",
    0x0111: "the server has another object of this SOP Instance UID",
    0x0115: "an argument has a value it may not have",
    0x0122: "the server does not take this kind of object (SOP class)",
    0x0124: "you are not allowed to store there",
    0x0210: "the server took it for sent twice",
    0x0211: "the server does not know the request",
    0x0213: "the server is out of resources",
    0xC122: "the server does not take this transfer syntax",
    0xC123: "the server does not take this transfer syntax",
    0xC124: "the server would have to transcode it, and cannot",
}
_RANGES = (
    (0xA700, 0xA7FF, "the server is out of resources"),
    (0xA900, 0xA9FF, "its data set does not match its SOP class"),
    (0xC000, 0xCFFF, "the server cannot understand it"),
)
_DUPLICATE = 0x0111


def is_duplicate(status: int) -> bool:
    """Whether the status says that the server has this object already."""
    return status == _DUPLICATE


def status_words(status: int) -> str:
    """Status for people, with its number."""
    words = _WORDS.get(status) or next(
        (words for low, high, words in _RANGES if low <= status <= high), "the server gives no reason"
    )
    return f"{words} ({status:04X}H)"
