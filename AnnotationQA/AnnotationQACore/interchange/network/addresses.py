"""Where a server is: a DICOMweb URL, or host, port and AE title of a DIMSE server."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from AnnotationQACore.errors import InputError

__all__ = ["DimseAddress", "MoveTo", "WebAddress", "parse_address"]

_FORMS: Final = "https://pacs.example.org/dicom-web or dicom://pacs.example.org:104/PACS"
_AE_TITLE: Final = re.compile(r"[\x20-\x5b\x5d-\x7e]{1,16}")


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A DICOMweb service.

    Attributes
    ----------
    url : str
        Base URL without a slash at its end; it holds no user name, password or query.
    host : str
    port : int
    secure : bool
        Whether TLS is used.
    """

    url: str
    host: str
    port: int
    secure: bool

    @property
    def name(self) -> str:
        """What messages call the server."""
        return f"{self.host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine, so that nobody listens between."""
        return _is_loopback(self.host)


@dataclass(frozen=True, slots=True)
class DimseAddress:
    """A server that speaks the DICOM upper layer protocol (PS3.8).

    Attributes
    ----------
    host : str
    port : int
    ae_title : str
        The called AE title.
    secure : bool
        Whether TLS is used (PS3.15 B.9).
    """

    host: str
    port: int
    ae_title: str
    secure: bool

    @property
    def name(self) -> str:
        """What messages call the server."""
        return f"{self.ae_title} at {self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class MoveTo:
    """Where we listen for what a C-MOVE sends; the server has to know our AE title under this address.

    Attributes
    ----------
    port : int
        0 for a free one.
    host : str
        Address of one of our interfaces; empty for the one that leads to the server.
    """

    port: int
    host: str = ""


def parse_address(text: str) -> WebAddress | DimseAddress:
    """Understand the address of a server.

    Parameters
    ----------
    text : str
        ``https://host[:port]/path`` (or ``http``) for DICOMweb; ``dicom://host[:port]/AE_TITLE`` for DIMSE,
        ``dicoms`` with TLS. The ports are 443, 80, 104 and 2762 unless given.

    Raises
    ------
    InputError
        It is not such an address, or holds a user name or a password; the message repeats neither.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise InputError(f"server address: cannot be understood; give one like {_FORMS}.") from None
    if "@" in parts.netloc:
        raise InputError(
            "server address: holds a user name or password, which shells and logs keep; leave them out of it and set "
            "ANNOTATIONQA_DICOMWEB_USER and ANNOTATIONQA_DICOMWEB_PASSWORD."
        )
    if parts.query or parts.fragment:
        raise InputError(f"server address: has a '?' or '#', where keys may hide; give one like {_FORMS}.")
    if not host or parts.scheme not in _PORTS:
        raise InputError(f"server address: cannot be understood; give one like {_FORMS}.")
    port = port or _PORTS[parts.scheme]
    if parts.scheme in {"http", "https"}:
        url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        return WebAddress(url, host, port, parts.scheme == "https")
    title = parts.path.strip("/")
    if not _AE_TITLE.fullmatch(title) or not title.strip():
        raise InputError(
            f"server address: names no AE title of 1 to 16 characters; give one like {_FORMS.split(' or ')[1]}."
        )
    return DimseAddress(host, port, title.strip(), parts.scheme == "dicoms")


_PORTS: Final = {"http": 80, "https": 443, "dicom": 104, "dicoms": 2762}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
