"""What fetching and publishing need of a server, however it is spoken to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from AnnotationQACore.interchange.network.instance_file import InstanceFile
from AnnotationQACore.interchange.network.query import Query

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["Keep", "RemoteSeries", "Server", "StoreFailure", "number_of_instances"]

Keep = Callable[[Iterable[bytes]], None]
"""Takes the bytes of one DICOM file, in pieces."""


@dataclass(frozen=True, slots=True)
class RemoteSeries:
    """A series that a server holds.

    Attributes
    ----------
    study_uid, series_uid : str
    modality, date : str
        Empty where the server does not tell; the date is that of the study, ``YYYYMMDD``.
    instances : int or None
        How many objects the server says it has.
    """

    study_uid: str
    series_uid: str
    modality: str = ""
    date: str = ""
    instances: int | None = None


@dataclass(frozen=True, slots=True)
class StoreFailure:
    """An object that a server did not take.

    Attributes
    ----------
    sop_uid : str
    reason : str
        For people.
    """

    sop_uid: str
    reason: str


def number_of_instances(answer: Dataset) -> int | None:
    """Number of Series Related Instances of an answer, None where it is absent or no number."""
    try:
        return int(answer.get("NumberOfSeriesRelatedInstances") or 0) or None
    except (TypeError, ValueError):
        return None


class Server(Protocol):
    """A server of DICOM objects; its methods raise `NetworkError`, and `Transient` for what may pass."""

    @property
    def name(self) -> str:
        """What messages call the server; no secret."""

    def check(self) -> None:
        """Make sure that the server is there, speaks the protocol and lets us in; raises `NetworkError`."""

    def find_series(self, query: Query) -> list[RemoteSeries]:
        """Series that match, in a stable order."""

    def find_instances(self, study_uid: str, series_uid: str) -> dict[str, str]:
        """SOP Class UID (empty where unknown) of each SOP Instance UID in a series; empty for an unknown series."""

    def retrieve(self, series: RemoteSeries, sop_uid: str | None, keep: Keep) -> None:
        """Hand each object of a series to `keep` as it is stored, or the one named by `sop_uid`."""

    def store(self, batch: Sequence[InstanceFile]) -> list[StoreFailure]:
        """Send objects of one series as they are; returns those that were not taken."""

    def close(self) -> None:
        """Let go of the connection."""
