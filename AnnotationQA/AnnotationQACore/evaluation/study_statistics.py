"""A statistic over the cases of a study, ready to be bootstrapped by patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from AnnotationQACore.agreement.statistics.intervals import SumStatistic
from AnnotationQACore.evaluation.records import CaseAgreement, ItemAgreement

__all__ = ["Found", "StudyStatistic"]

Found = Sequence[tuple[CaseAgreement, ItemAgreement]]
"""An item in every case in which two readers or more answered it."""


@dataclass(frozen=True, slots=True, eq=False)
class StudyStatistic:
    """One statistic.

    Attributes
    ----------
    title : str
        For people, with the unit.
    statistic : SumStatistic
        Its single name is that of the statistic.
    patients : tuple of str
        Patient of each row of the terms.
    of : str
        What a row is.
    counted : int
        Rows that have a value.
    note : str
    """

    title: str
    statistic: SumStatistic
    patients: tuple[str, ...]
    of: str
    counted: int
    note: str = ""

    @property
    def name(self) -> str:
        """Name of the statistic."""
        return self.statistic.names[0]
