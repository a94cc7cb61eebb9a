"""The phase of a series: of the heart beat, or of the contrast agent."""

import re
from typing import Final

__all__ = ["phase_of"]

_WORDS: Final = (
    (
        "non-contrast",
        r"non[- ]?con(trast)?|without contrast|unenhanced|native?|nativ|plain|pre[- ]?(con(trast)?|gd|km)",
    ),
    ("late arterial", r"late[- ]?art(erial)?"),
    ("arterial", r"art(erial|eriell)?"),
    ("portal venous", r"port(al)?[- _]?(venous|ven|venös)?|pv"),
    ("nephrographic", r"nephro(graphic|gram)?"),
    ("excretory", r"excret(ory)?|urogra(m|phic|phy)"),
    ("hepatobiliary", r"hepatobil(iary)?|hbp"),
    ("delayed", r"delay(ed)?|late|equilib(rium)?"),
    ("venous", r"ven(ous|ös)?"),
    ("post-contrast", r"post[- ]?(con(trast)?|gd|km)|with contrast|\+c|c\+"),
)
_PATTERNS: Final = tuple(
    (name, re.compile(rf"(?<![a-z])(?:{pattern})(?![a-z])", re.IGNORECASE)) for name, pattern in _WORDS
)
_CODED: Final = {"PRE_CONTRAST": "non-contrast", "POST_CONTRAST": "post-contrast"}


def phase_of(cardiac_percent: float | None, agent_phase: str, *descriptions: str) -> str:
    """Phase of a series, or an empty string.

    Coded attributes win over words in a description: Nominal Percentage of Cardiac Phase (0020,9241) becomes
    ``cardiac 75%``, Contrast/Bolus Agent Phase (0018,9344) its term in lower case.
    """
    if cardiac_percent is not None:
        return f"cardiac {cardiac_percent:g}%"
    if agent_phase:
        return _CODED.get(agent_phase, agent_phase.lower().replace("_", " "))
    for description in descriptions:
        for name, pattern in _PATTERNS:
            if pattern.search(description):
                return name
    return ""
