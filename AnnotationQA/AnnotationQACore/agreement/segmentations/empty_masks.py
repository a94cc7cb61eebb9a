"""What the figures are where there is nothing to measure: the policy, in one place.

=================== ============ ============= =========================================================
masks               overlap      distances     in summaries
=================== ============ ============= =========================================================
both empty          undefined    undefined     counted as "both absent", left out of means
one of them empty   0            infinite      counted; NSD is 0; ranked worst, never dropped
neither             as defined   as defined    counted
=================== ============ ============= =========================================================

Undefined is None in Python and ``null`` in JSON; infinite is ``math.inf`` and ``"inf"``. A structure that a reader
looked for and did not find is *absent* (an empty mask); one that a reader was not asked for or did not label is *not
read*, and takes part in no comparison.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Presence"]


class Presence(StrEnum):
    """Which readers of a pair found the structure."""

    BOTH_PRESENT = "both present"
    BOTH_ABSENT = "both absent"
    ONLY_A = "only a"
    ONLY_B = "only b"

    @classmethod
    def of(cls, voxels_a: int, voxels_b: int) -> Presence:
        """Presence of a structure that has so many voxels in a and in b."""
        if voxels_a and voxels_b:
            return cls.BOTH_PRESENT
        if not voxels_a and not voxels_b:
            return cls.BOTH_ABSENT
        return cls.ONLY_A if voxels_a else cls.ONLY_B
