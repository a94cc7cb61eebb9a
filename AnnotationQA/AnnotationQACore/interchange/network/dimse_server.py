"""A server that is spoken to by DIMSE (PS3.4, PS3.7, PS3.8): C-ECHO, C-FIND, C-GET or C-MOVE, C-STORE.

pynetdicom is imported when the first server is made. Storing streams from disk; receiving holds one object in memory.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydicom.dataset import Dataset
from pydicom.uid import (
    AllTransferSyntaxes,
    CTImageStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MRImageStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from AnnotationQACore.errors import AnnotationQAError, InputError, MissingExtra, NetworkError
from AnnotationQACore.interchange.network.addresses import DimseAddress, MoveTo
from AnnotationQACore.interchange.network.instance_file import InstanceFile
from AnnotationQACore.interchange.network.patience import Transient, Unreachable
from AnnotationQACore.interchange.network.query import Query
from AnnotationQACore.interchange.network.server import Keep, RemoteSeries, StoreFailure, number_of_instances
from AnnotationQACore.interchange.network.status_words import is_duplicate, status_words

__all__ = ["DimseOptions", "DimseServer"]

_FIND: Final = "1.2.840.10008.5.1.4.1.2.2.1"
_MOVE: Final = "1.2.840.10008.5.1.4.1.2.2.2"
_GET: Final = "1.2.840.10008.5.1.4.1.2.2.3"
_ECHO: Final = "1.2.840.10008.1.1"
_PENDING: Final = frozenset({0xFF00, 0xFF01})
_A_ASSOCIATE_RJ: Final = 0x03
_MOST_CONTEXTS: Final = 128
_PLAIN: Final = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)
_USUAL_CLASSES: Final = (
    CTImageStorage,
    MRImageStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    SegmentationStorage,
    SecondaryCaptureImageStorage,
)
"""Offered where the server does not tell the SOP classes of a series."""

Context = tuple[str, str]
"""SOP Class UID (abstract syntax) and Transfer Syntax UID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DimseOptions:
    """How to talk to a DIMSE server.

    Attributes
    ----------
    ae_title : str
        Our own, the calling AE title.
    timeout : float
        Seconds without any answer after which an association is given up.
    ca_bundle : Path or None
        Certificates (PEM) to trust instead of the usual ones, with TLS.
    move_to : MoveTo or None
        With it, objects are retrieved by C-MOVE, else by C-GET.
    """

    ae_title: str = "ANNOTATIONQA"
    timeout: float = 60.0
    ca_bundle: Path | None = None
    move_to: MoveTo | None = None


class DimseServer:
    """`Server` that is spoken to by DIMSE.

    Raises
    ------
    MissingExtra
        pynetdicom is not installed.
    InputError
        The AE title or the CA bundle cannot be used.
    """

    def __init__(self, address: DimseAddress, options: DimseOptions | None = None) -> None:
        self._net = _pynetdicom()
        self._address = address
        self._options = options or DimseOptions()
        if not 0 < len(self._options.ae_title.strip()) <= 16 or "\\" in self._options.ae_title:
            raise InputError("calling AE title: has to have 1 to 16 characters; give another with --calling-ae.")
        self._tls = _tls(self._options.ca_bundle) if address.secure else None
        self._association: Any = None
        self._offered: frozenset[Context] = frozenset()
        self._receiver: _Receiver | None = None
        self._classes: dict[str, set[str]] = {}

    @property
    def name(self) -> str:
        """AE title, host and port."""
        return self._address.name

    def check(self) -> None:
        """C-ECHO."""
        association = self._associate({(_ECHO, syntax) for syntax in _PLAIN[:2]})
        with _quietly(self.name):
            status = association.send_c_echo()
        self._expect(status, {0x0000})

    def find_series(self, query: Query) -> list[RemoteSeries]:
        """C-FIND at the level of the study, then of its series (PS3.4 C.6.2)."""
        found: dict[tuple[str, str], RemoteSeries] = {}
        for study in self._find_studies(query):
            study_uid = str(study.get("StudyInstanceUID") or "")
            for filters in query.series_filters():
                asked = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": "", "Modality": "", **filters}
                for one in self._find("SERIES", asked | {"NumberOfSeriesRelatedInstances": ""}):
                    owner, uid = str(one.get("StudyInstanceUID") or study_uid), str(one.get("SeriesInstanceUID") or "")
                    if owner and uid and query.admits(one):
                        count = number_of_instances(one)
                        day, modality = str(study.get("StudyDate") or ""), str(one.get("Modality") or "")
                        found[owner, uid] = RemoteSeries(owner, uid, modality, day, count)
        return list(found.values())

    def find_instances(self, study_uid: str, series_uid: str) -> dict[str, str]:
        """C-FIND at the level of the image."""
        asked = {
            "StudyInstanceUID": study_uid,
            "SeriesInstanceUID": series_uid,
            "SOPInstanceUID": "",
            "SOPClassUID": "",
        }
        found = {
            str(one.SOPInstanceUID): str(one.get("SOPClassUID") or "")
            for one in self._find("IMAGE", asked)
            if one.get("SOPInstanceUID")
        }
        self._classes[series_uid] = {one for one in found.values() if one}
        return found

    def retrieve(self, series: RemoteSeries, sop_uid: str | None, keep: Keep) -> None:
        """C-GET, or C-MOVE to ourselves; every transfer syntax is offered, so that none has to be changed."""
        identifier = Dataset()
        identifier.QueryRetrieveLevel = "IMAGE" if sop_uid else "SERIES"
        identifier.StudyInstanceUID, identifier.SeriesInstanceUID = series.study_uid, series.series_uid
        if sop_uid:
            identifier.SOPInstanceUID = sop_uid
        classes = self._classes.get(series.series_uid) or set(_USUAL_CLASSES)
        arrival = _Arrival(keep)
        if self._options.move_to is None:
            self._get(identifier, classes, arrival)
        else:
            self._move(identifier, arrival, self._options.move_to)

    def store(self, batch: Sequence[InstanceFile]) -> list[StoreFailure]:
        """C-STORE of each object."""
        failures = []
        for part in _by_contexts(batch):
            association = self._associate({(one.sop_class, one.transfer_syntax) for one in part})
            for one in part:
                reason = self._store_one(association, one)
                if reason:
                    failures.append(StoreFailure(one.sop_uid, reason))
        return failures

    def close(self) -> None:
        """Release the association and stop listening."""
        if self._association is not None and self._association.is_established:
            self._association.release()
        self._association = None
        if self._receiver is not None:
            self._receiver.stop()
            self._receiver = None

    def _find_studies(self, query: Query) -> list[Dataset]:
        if query.series and not (query.studies or query.patients or query.dates):
            return [Dataset()]  # a relational query: many servers answer it
        studies: dict[str, Dataset] = {}
        for filters in query.study_filters():
            asked = {"StudyInstanceUID": "", "StudyDate": "", "PatientID": "", "ModalitiesInStudy": "", **filters}
            for study in self._find("STUDY", asked):
                if study.get("StudyInstanceUID") and query.admits(study):
                    studies.setdefault(str(study.StudyInstanceUID), study)
        return list(studies.values())

    def _find(self, level: str, asked: dict[str, str]) -> list[Dataset]:
        identifier = Dataset()
        identifier.SpecificCharacterSet = "ISO_IR 192"
        identifier.QueryRetrieveLevel = level
        for keyword, value in asked.items():
            setattr(identifier, keyword, value)
        association = self._associate({(_FIND, syntax) for syntax in _PLAIN[:2]})
        found = []
        with _quietly(self.name):
            for status, answer in association.send_c_find(identifier, _FIND):
                if self._expect(status, _PENDING | {0x0000}) in _PENDING and answer is not None:
                    found.append(_read(answer, self.name))
        return found

    def _get(self, identifier: Dataset, classes: set[str], arrival: _Arrival) -> None:
        most = (_MOST_CONTEXTS - 1) // max(len(classes), 1)
        syntaxes = [*_PLAIN, *(one for one in AllTransferSyntaxes if one not in _PLAIN)][: max(most, 1)]
        offered = {(one, str(syntax)) for one in sorted(classes)[: _MOST_CONTEXTS - 1] for syntax in syntaxes}
        association = self._associate(offered | {(_GET, ImplicitVRLittleEndian)}, arrival)
        with _quietly(self.name):
            self._follow(association.send_c_get(identifier, _GET), arrival)

    def _move(self, identifier: Dataset, arrival: _Arrival, move_to: MoveTo) -> None:
        if self._receiver is None:
            self._receiver = _Receiver(self._net, self._options.ae_title, self._listening_at(move_to))
        self._receiver.arrival = arrival
        association = self._associate({(_MOVE, ImplicitVRLittleEndian)})
        with _quietly(self.name):
            self._follow(association.send_c_move(identifier, self._options.ae_title, _MOVE), arrival)

    def _follow(self, answers: Iterator[tuple[Dataset, Dataset | None]], arrival: _Arrival) -> None:
        last = 0
        for status, _ in answers:
            if arrival.failure is not None:
                self._association.abort()  # it would go on sending
                raise arrival.failure
            if "Status" not in status:
                raise self._broken()
            last = int(status.Status)
        if arrival.failure is not None:
            raise arrival.failure
        if last == 0xA801:
            raise NetworkError(
                f"{self.name}: does not know our AE title {self._options.ae_title} as a destination; ask its "
                "administrator to add it, or leave --move out."
            )
        if last not in {0x0000, 0xB000}:  # B000: some were not sent; the caller sees which
            raise self._refused(last)

    def _store_one(self, association: Any, one: InstanceFile) -> str:
        """Why the object was not taken, or nothing."""
        try:
            with _quietly(self.name), _from_disk(self._net):
                status = association.send_c_store(one.path)
        except ValueError:  # no accepted presentation context
            return "the server does not take this kind of object in this transfer syntax"
        if "Status" not in status:
            raise self._broken()
        code = int(status.Status)
        warned = code & 0xF000 == 0xB000
        return "" if code == 0 or warned or is_duplicate(code) else status_words(code)

    def _associate(self, contexts: set[Context], arrival: _Arrival | None = None) -> Any:
        """Association with these contexts; the last one is used again where it has them."""
        offered = frozenset(contexts)
        kept = self._association
        if kept is not None and kept.is_established and offered <= self._offered and arrival is None:
            return kept
        if kept is not None and kept.is_established:
            kept.release()
        net = self._net
        entity = net.AE(ae_title=self._options.ae_title)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = self._options.timeout
        entity.connection_timeout = min(self._options.timeout, 20.0)
        roles = []
        # one context for each transfer syntax: a server chooses one of those in a context
        requested = [net.build_context(abstract, syntax) for abstract, syntax in sorted(offered)]
        if arrival is not None:
            classes = sorted({abstract for abstract, _ in offered if abstract != _GET})
            roles = [net.build_role(one, scp_role=True) for one in classes]
        answer = _Answer()
        handlers: list[tuple[Any, Callable[[Any], int | None]]] = [(net.evt.EVT_PDU_RECV, answer.hear)]
        if arrival is not None:
            handlers.append((net.evt.EVT_C_STORE, arrival.store))
        with _quietly(self.name):
            self._association = entity.associate(
                self._address.host,
                self._address.port,
                contexts=requested,
                ae_title=self._address.ae_title,
                ext_neg=roles,
                evt_handlers=handlers,
                tls_args=(self._tls, self._address.host) if self._tls else None,
            )
        self._offered = offered
        self._require_established(answer)
        return self._association

    def _require_established(self, answer: _Answer) -> None:
        association = self._association
        if association.is_established:
            return
        if association.is_rejected or answer.is_rejection:
            raise NetworkError(
                f"{self.name}: rejects us ({self._options.ae_title}); check the AE titles, and ask its administrator "
                "to add ours."
            )
        if association.acceptor.primitive is not None and not association.accepted_contexts:
            raise NetworkError(f"{self.name}: does not offer this service; ask its administrator.")
        if self._tls is not None:
            raise Unreachable(f"{self.name}: cannot be reached, or its certificate is not trusted; check --ca-bundle.")
        raise Unreachable(f"{self.name}: cannot be reached, or is no DICOM server; check address, port and firewall.")

    def _expect(self, status: Dataset, fine: frozenset[int] | set[int]) -> int:
        if "Status" not in status:
            raise self._broken()
        code = int(status.Status)
        if code not in fine:
            raise self._refused(code)
        return code

    def _broken(self) -> Transient:
        return Transient(f"{self.name}: the connection broke; run the same command again to resume.")

    def _refused(self, code: int) -> NetworkError:
        if 0xA700 <= code <= 0xA7FF:
            return Transient(f"{self.name}: is out of resources ({code:04X}H); try later.")
        return NetworkError(f"{self.name}: refuses the request: {status_words(code)}; ask its administrator.")

    def _listening_at(self, move_to: MoveTo) -> tuple[str, int]:
        if move_to.host:
            return move_to.host, move_to.port
        try:
            with socket.create_connection((self._address.host, self._address.port), timeout=20.0) as probe:
                return str(probe.getsockname()[0]), move_to.port
        except OSError:
            raise Unreachable(f"{self.name}: cannot be reached; check address, port and firewall.") from None


class _Answer:
    """Hears what a server answers to our request for an association.

    Where the server closes the connection quickly, pynetdicom calls its rejection an abort: its reactor may have closed
    the socket before the other thread looks at it.
    """

    def __init__(self) -> None:
        self.is_rejection = False

    def hear(self, event: Any) -> None:
        self.is_rejection = self.is_rejection or event.pdu.pdu_type == _A_ASSOCIATE_RJ


class _Arrival:
    """Takes what comes by C-STORE, and remembers what went wrong: pynetdicom would only log it."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self.failure: BaseException | None = None

    def store(self, event: Any) -> int:
        if self.failure is not None:
            return 0xA700
        try:
            self._keep([event.encoded_dataset()])
        except (AnnotationQAError, KeyboardInterrupt, OSError) as error:
            self.failure = error
            return 0xA700
        return 0x0000


class _Receiver:
    """Listens for the objects of a C-MOVE."""

    def __init__(self, net: Any, ae_title: str, at: tuple[str, int]) -> None:
        self.arrival: _Arrival | None = None
        entity = net.AE(ae_title=ae_title)
        entity.require_called_aet = True
        for context in net.AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, list(AllTransferSyntaxes))
        try:
            self._server = entity.start_server(
                at, block=False, evt_handlers=[(net.evt.EVT_C_STORE, self._store)], ae_title=ae_title
            )
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise InputError(f"port {at[1]}: cannot be listened at ({reason}); give another with --move.") from None

    def stop(self) -> None:
        self._server.shutdown()

    def _store(self, event: Any) -> int:
        return self.arrival.store(event) if self.arrival is not None else 0xA700


def _pynetdicom() -> Any:
    try:
        import pynetdicom
    except ImportError:
        raise MissingExtra(
            "classic DICOM networking: needs pynetdicom; run: pip install 'annotation-qa[dimse]' "
            "(in Slicer: pip_install('pynetdicom')), or use the DICOMweb address of the server."
        ) from None
    return pynetdicom


def _read(answer: Dataset, name: str) -> Dataset:
    """Answer whose elements have been decoded: here, not where one is looked at."""
    try:
        for _ in answer:
            pass
    except Exception:  # pydicom raises whatever its parser stumbles over
        raise NetworkError(f"{name}: answers with values that cannot be read; tell its administrator.") from None
    return answer


@contextlib.contextmanager
def _quietly(name: str) -> Iterator[None]:
    """Keep back warnings on values in answers, and say in one line what pynetdicom raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except RuntimeError:
            raise Transient(f"{name}: the connection broke; run the same command again to resume.") from None


@contextlib.contextmanager
def _from_disk(net: Any) -> Iterator[None]:
    """Have pynetdicom send the bytes of the file, not what it reads into memory and encodes anew."""
    before = net._config.STORE_SEND_CHUNKED_DATASET
    net._config.STORE_SEND_CHUNKED_DATASET = True
    try:
        yield
    finally:
        net._config.STORE_SEND_CHUNKED_DATASET = before


def _by_contexts(batch: Sequence[InstanceFile]) -> Iterator[list[InstanceFile]]:
    """Parts of a batch for which one association has contexts enough."""
    part: list[InstanceFile] = []
    contexts: set[Context] = set()
    for one in batch:
        context = (one.sop_class, one.transfer_syntax)
        if part and context not in contexts and len(contexts) == _MOST_CONTEXTS:
            yield part
            part, contexts = [], set()
        part.append(one)
        contexts.add(context)
    if part:
        yield part


def _tls(ca_bundle: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_bundle)
    except (OSError, ssl.SSLError):
        raise InputError(f"{ca_bundle}: holds no certificates; give a file in PEM format.") from None
