"""A DICOMweb server (PS3.18): QIDO-RS to search, WADO-RS to retrieve, STOW-RS to store.

Searches go through dicomweb-client. Its retrieving and storing decode every object, hold it in memory and encode it
again; ours pass the bytes through, from the socket to the disk and back.
"""

from __future__ import annotations

import json
import logging
import ssl
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import requests
from dicomweb_client.web import DICOMwebClient
from pydicom.dataset import Dataset

from AnnotationQACore.errors import InputError, NetworkError
from AnnotationQACore.interchange.network.addresses import WebAddress
from AnnotationQACore.interchange.network.credentials import Credentials
from AnnotationQACore.interchange.network.instance_file import InstanceFile
from AnnotationQACore.interchange.network.multipart import BrokenMultipart, FilesBody, media_type, read_parts
from AnnotationQACore.interchange.network.patience import Transient
from AnnotationQACore.interchange.network.query import Query
from AnnotationQACore.interchange.network.server import Keep, RemoteSeries, StoreFailure, number_of_instances
from AnnotationQACore.interchange.network.status_words import is_duplicate, status_words
from AnnotationQACore.interchange.network.web_failures import NotThere, raise_for_status, web_failures

__all__ = ["WebOptions", "WebServer"]

logging.getLogger("retrying").addHandler(logging.NullHandler())
"""It is under dicomweb-client, and would write each failure to the terminal, which we say ourselves."""

_CHUNK: Final = 1 << 15
"""Bytes read at once; when the line is cut, this much of what had arrived is lost."""
_PAGE: Final = 500
_JSON: Final = "application/dicom+json"
_AS_STORED: Final = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_LONGEST_ANSWER: Final = 64 << 20

_CLEAR_IN_QUERIES: Final = {"%2A": "*", "%3F": "?", "%2F": "/", "%3A": ":"}
"""RFC 3986 3.4 allows these as they are; Orthanc before 1.12 does not understand them escaped."""

_FAILED: Final = "00081198"
_REFERENCED: Final = "00081199"
_REASON: Final = "00081197"
_SOP_INSTANCE: Final = "00081155"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """How to talk to a DICOMweb server.

    Attributes
    ----------
    timeout : float
        Seconds without any answer after which a connection is given up.
    ca_bundle : Path or None
        Certificates (PEM) to trust instead of the usual ones.
    plain_credentials : bool
        Whether credentials may go to another machine without TLS.
    """

    timeout: float = 60.0
    ca_bundle: Path | None = None
    plain_credentials: bool = False


class WebServer:
    """`Server` that is spoken to by DICOMweb.

    Parameters
    ----------
    address : WebAddress
    credentials : Credentials or None
    options : WebOptions

    Raises
    ------
    InputError
        The credentials would cross the network unprotected, or there are no certificates in the CA bundle.
    """

    def __init__(
        self, address: WebAddress, credentials: Credentials | None = None, options: WebOptions | None = None
    ) -> None:
        options = options or WebOptions()
        if credentials and not (address.secure or address.is_local or options.plain_credentials):
            raise InputError(
                f"{address.name}: your password would cross the network in clear text; use https, or say "
                "--plain-http when the network is your own."
            )
        self._name = address.name
        self._url = address.url
        self._timeout = (min(options.timeout, 20.0), options.timeout)
        self._session = _Session()
        self._session.auth = _Preparation(credentials)  # also keeps requests from looking into ~/.netrc
        if options.ca_bundle is not None:
            self._session.verify = _certificates(options.ca_bundle)
        with web_failures(self._name):
            try:
                self._client = DICOMwebClient(
                    address.url, session=self._session, timeout=self._timeout, permissive_uid=True
                )
            except ValueError:
                raise InputError("server address: cannot be understood; give one like https://host/path.") from None
        self._client.host = urlsplit(address.url).netloc  # sent as Host header, where the port belongs to it
        self._client.set_http_retry_params(retry=False)  # `Patience` decides

    @property
    def name(self) -> str:
        """Host and port."""
        return self._name

    def check(self) -> None:
        """Make the smallest search there is."""
        self._search(self._client.search_for_studies, limit=1)

    def find_series(self, query: Query) -> list[RemoteSeries]:
        """Series that match."""
        found: dict[tuple[str, str], RemoteSeries] = {}
        if query.series and not (query.studies or query.patients or query.dates):
            for filters in query.series_filters():
                for one in self._all(self._client.search_for_series, "SeriesInstanceUID", search_filters=filters):
                    _add(found, one, query, Dataset())
            return list(found.values())
        studies: dict[str, Dataset] = {}
        for filters in query.study_filters():
            for study in self._all(self._client.search_for_studies, "StudyInstanceUID", search_filters=filters):
                if query.admits(study) and study.get("StudyInstanceUID"):
                    studies.setdefault(str(study.StudyInstanceUID), study)
        for uid, study in studies.items():
            for filters in query.series_filters():
                for one in self._all(self._client.search_for_series, "SeriesInstanceUID", uid, search_filters=filters):
                    one.StudyInstanceUID = uid
                    _add(found, one, query, study)
        return list(found.values())

    def find_instances(self, study_uid: str, series_uid: str) -> dict[str, str]:
        """SOP Class UID of each SOP Instance UID of a series."""
        try:
            found = self._all(self._client.search_for_instances, "SOPInstanceUID", study_uid, series_uid)
        except NotThere:
            return {}
        return {str(one.SOPInstanceUID): str(one.get("SOPClassUID") or "") for one in found}

    def retrieve(self, series: RemoteSeries, sop_uid: str | None, keep: Keep) -> None:
        """Retrieve by WADO-RS, in the transfer syntax that the server holds."""
        url = f"{self._url}/studies/{quote(series.study_uid, safe='')}/series/{quote(series.series_uid, safe='')}"
        if sop_uid is not None:
            url += f"/instances/{quote(sop_uid, safe='')}"
        with (
            web_failures(self._name),
            self._session.get(url, headers={"Accept": _AS_STORED}, stream=True, timeout=self._timeout) as response,
        ):
            raise_for_status(response, self._name)
            kind, boundary = media_type(response.headers.get("Content-Type", ""))
            chunks = self._chunks(response)
            if kind == "application/dicom":
                keep(chunks)
                return
            if kind != "multipart/related" or not boundary:
                raise NetworkError(f"{self._name}: answers with {kind} where images were asked for; check the path.")
            try:
                for part in read_parts(chunks, boundary):
                    keep(part)
            except BrokenMultipart:
                raise Transient(
                    f"{self._name}: the connection ended too early; run the same command again to resume."
                ) from None

    def store(self, batch: Sequence[InstanceFile]) -> list[StoreFailure]:
        """Store by STOW-RS, in one request."""
        body = FilesBody([(one.path, one.size) for one in batch])
        headers = {"Content-Type": body.content_type, "Accept": _JSON}
        with (
            web_failures(self._name),
            self._session.post(
                f"{self._url}/studies",
                data=body,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            answer = _json_object(response)
            failed, stored = _outcomes(answer)
            if not failed and not stored:
                raise_for_status(response, self._name)
        failures = [
            StoreFailure(uid, status_words(status)) for uid, status in failed.items() if not is_duplicate(status)
        ]
        unsaid = [one for one in batch if one.sop_uid not in failed and one.sop_uid not in stored]
        there = self.find_instances(unsaid[0].study_uid, unsaid[0].series_uid) if unsaid else {}
        reason = "the server does not say that it has it"
        return failures + [StoreFailure(one.sop_uid, reason) for one in unsaid if one.sop_uid not in there]

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _chunks(self, response: requests.Response) -> Iterator[bytes]:
        with web_failures(self._name):
            yield from response.iter_content(_CHUNK)

    def _all(
        self, search: Callable[..., list[dict[str, Any]]], key: str, *uids: str, **arguments: Any
    ) -> list[Dataset]:
        """All pages of a search; ends also where a server passes over the offset or sends less than a page."""
        found: dict[str, Dataset] = {}
        while True:
            page = self._search(search, *uids, limit=_PAGE, offset=len(found), **arguments)
            new = {str(one.get(key)): one for one in page if one.get(key) and str(one.get(key)) not in found}
            if not new:
                return list(found.values())
            found |= new

    def _search(self, search: Callable[..., list[dict[str, Any]]], *uids: str, **arguments: Any) -> list[Dataset]:
        with web_failures(self._name):
            answers = search(*uids, **arguments)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return [Dataset.from_json(one) for one in answers]
        except Exception:  # pydicom raises whatever its parser stumbles over
            raise NetworkError(
                f"{self._name}: answers, but not as a DICOMweb server; check the path, such as /dicom-web."
            ) from None


class _Session(requests.Session):
    """Session whose own certificates win over the environment's: requests has it the other way round."""

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        return super().merge_environment_settings(url, proxies, stream, self.verify if verify is None else verify, cert)


class _Preparation(requests.auth.AuthBase):
    """Last touch of a request: credentials, and wildcards in the clear."""

    def __init__(self, credentials: Credentials | None) -> None:
        self._credentials = credentials

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        path, mark, query = (request.url or "").partition("?")
        for escaped, plain in _CLEAR_IN_QUERIES.items():
            query = query.replace(escaped, plain)
        request.url = path + mark + query
        found = self._credentials
        if found is None:
            return request
        if found.token:
            request.headers["Authorization"] = f"Bearer {found.token}"
            return request
        return requests.auth.HTTPBasicAuth(found.user.encode(), found.password.encode())(request)


def _certificates(path: Path) -> str:
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError):
        raise InputError(f"{path}: holds no certificates; give a file in PEM format.") from None
    return str(path)


def _add(found: dict[tuple[str, str], RemoteSeries], answer: Dataset, query: Query, study: Dataset) -> None:
    study_uid, series_uid = str(answer.get("StudyInstanceUID") or ""), str(answer.get("SeriesInstanceUID") or "")
    if study_uid and series_uid and query.admits(answer):
        found.setdefault(
            (study_uid, series_uid),
            RemoteSeries(
                study_uid,
                series_uid,
                str(answer.get("Modality") or ""),
                str(study.get("StudyDate") or answer.get("StudyDate") or ""),
                number_of_instances(answer),
            ),
        )


def _json_object(response: requests.Response) -> dict[str, Any]:
    """Answer to a store request, empty where it is no JSON object."""
    content = bytearray()
    for chunk in response.iter_content(_CHUNK):
        content += chunk
        if len(content) > _LONGEST_ANSWER:
            return {}
    try:
        answer = json.loads(bytes(content))
    except ValueError:
        return {}
    if isinstance(answer, list) and answer:
        answer = answer[0]
    return answer if isinstance(answer, dict) else {}


def _outcomes(answer: dict[str, Any]) -> tuple[dict[str, int], set[str]]:
    """Failure reason of each object that failed, and the objects that were stored (PS3.18 10.5.3)."""
    failed: dict[str, int] = {}
    for item in _items(answer, _FAILED):
        reason = _first(item, _REASON)
        failed[str(_first(item, _SOP_INSTANCE))] = reason if isinstance(reason, int) else 0
    return failed, {str(_first(item, _SOP_INSTANCE)) for item in _items(answer, _REFERENCED)}


def _items(answer: dict[str, Any], tag: str) -> list[dict[str, Any]]:
    element = answer.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return [item for item in values if isinstance(item, dict)] if isinstance(values, list) else []


def _first(item: dict[str, Any], tag: str) -> object:
    element = item.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None
