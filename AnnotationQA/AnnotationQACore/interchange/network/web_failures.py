"""What went wrong with an HTTP request, in one line without the URL: URLs hold what was searched for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from AnnotationQACore.errors import NetworkError
from AnnotationQACore.interchange.network.patience import Transient, Unreachable

if TYPE_CHECKING:
    import requests

__all__ = ["AccessDenied", "NotThere", "TooLarge", "raise_for_status", "web_failures"]

_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


class AccessDenied(NetworkError):
    """The server does not let us in, or not do this."""


class NotThere(NetworkError):
    """The server has nothing at this address."""


class TooLarge(NetworkError):
    """The server takes no request of this size."""


@contextlib.contextmanager
def web_failures(name: str) -> Iterator[None]:
    """Turn exceptions of `requests` into ours; their text is dropped, as it holds URLs and addresses of proxies."""
    import requests  # loaded with the first server that is spoken to by HTTP

    try:
        yield
    except requests.HTTPError as error:
        if error.response is None:
            raise NetworkError(f"{name}: the request failed.") from None
        raise_for_status(error.response, name)
        raise
    except requests.exceptions.SSLError:
        raise NetworkError(
            f"{name}: its certificate is not trusted, or it speaks no TLS that is safe; give the certificate authority "
            "of your site with --ca-bundle FILE, or ask its administrator."
        ) from None
    except requests.exceptions.ProxyError:
        raise Unreachable(f"{name}: the proxy cannot be used; check HTTPS_PROXY and NO_PROXY.") from None
    except requests.exceptions.ConnectTimeout:
        raise Unreachable(f"{name}: does not answer; check the address and the firewall.") from None
    except requests.exceptions.ReadTimeout:
        raise Transient(f"{name}: stopped answering; try later, or with a longer --timeout.") from None
    except requests.exceptions.ChunkedEncodingError:
        raise Transient(f"{name}: the connection broke; run the same command again to resume.") from None
    except requests.exceptions.TooManyRedirects:
        raise NetworkError(f"{name}: sends us in circles; check the address.") from None
    except requests.exceptions.InvalidJSONError:
        raise _not_dicomweb(name) from None
    except requests.exceptions.ConnectionError as error:
        raise _no_connection(error, name) from None
    except requests.exceptions.RequestException as error:
        raise NetworkError(f"{name}: the request failed ({type(error).__name__}); check the address.") from None


def raise_for_status(response: requests.Response, name: str) -> None:
    """Raise what the status of the answer means, if it is no success."""
    status = response.status_code
    if status < 300:
        return
    if status < 400:
        raise NetworkError(f"{name}: sends us to another address (HTTP {status}); give that one.")
    if status == HTTPStatus.UNAUTHORIZED:
        raise AccessDenied(
            f"{name}: does not accept the credentials (HTTP 401); set ANNOTATIONQA_DICOMWEB_USER and "
            "ANNOTATIONQA_DICOMWEB_PASSWORD, or ANNOTATIONQA_DICOMWEB_TOKEN."
        )
    if status == HTTPStatus.FORBIDDEN:
        raise AccessDenied(f"{name}: does not allow this to you (HTTP 403); ask its administrator.")
    if status == HTTPStatus.NOT_FOUND:
        raise NotThere(f"{name}: has nothing at this address (HTTP 404); check its path, such as /dicom-web.")
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        raise TooLarge(f"{name}: takes no request of this size (HTTP 413).")
    if status == HTTPStatus.NOT_ACCEPTABLE:
        raise NetworkError(f"{name}: does not send images as they are stored (HTTP 406); ask its administrator.")
    if status in _PASSING:
        raise Transient(
            f"{name}: has trouble (HTTP {status}{_phrase(status)}); try later, or ask its administrator.",
            _retry_after(response.headers.get("Retry-After", "")),
        )
    raise NetworkError(f"{name}: refuses the request (HTTP {status}{_phrase(status)}); check the address.")


def _not_dicomweb(name: str) -> NetworkError:
    return NetworkError(f"{name}: answers, but not as a DICOMweb server; check the path, such as /dicom-web.")


def _no_connection(error: requests.exceptions.ConnectionError, name: str) -> NetworkError:
    text = repr(error)  # the causes within, which are of urllib3, are told by their names
    if "NameResolutionError" in text:
        return Unreachable(f"{name}: no machine of this name is known; check the address.")
    if "NewConnectionError" in text:
        return Unreachable(f"{name}: cannot be reached (connection refused or no route); check address and firewall.")
    if "Read timed out" in text:
        return Transient(f"{name}: stopped answering; try later, or with a longer --timeout.")
    return Transient(f"{name}: the connection broke; run the same command again to resume.")


def _phrase(status: int) -> str:
    with contextlib.suppress(ValueError):
        return f" {HTTPStatus(status).phrase}"
    return ""


def _retry_after(value: str) -> float | None:
    """Seconds of a Retry-After header (RFC 9110 10.2.3), which is a number or a date."""
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
