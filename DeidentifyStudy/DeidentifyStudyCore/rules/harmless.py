"""Values that a rule keeps whoever's they are, told by their bytes alone: most numbers and times of day.

They are what the slices of a series differ in most, and need not be decoded to be kept.
"""

import re

from DeidentifyStudyCore.rules.model import Rule
from DeidentifyStudyCore.rules.temporal import FullDate, ShiftedDate
from DeidentifyStudyCore.rules.textual import NumberString

__all__ = ["harmless"]

_NUMBERS = {
    vr: re.compile(rb"%s(?:\\%s)*[ \0]*" % (number, number))
    for vr, number in (("IS", rb" *[+-]?[0-9]{1,4} *"), ("DS", rb" *[+-]?[0-9]{1,4}(?:\.[0-9]*)? *"))
}
"""At most four digits before the point: no number of a person has so few."""
_TIME = re.compile(rb"[0-9]{2}(?:[0-5][0-9](?:[0-5][0-9](?:\.[0-9]{1,6})?)?)?[ \0]*")


def harmless(rule: Rule, vr: str) -> re.Pattern[bytes] | None:
    """Pattern of values with this VR that a rule keeps; None where it must look at them."""
    if isinstance(rule, NumberString):
        return _NUMBERS.get(vr)
    return _TIME if vr == "TM" and isinstance(rule, (FullDate, ShiftedDate)) else None
