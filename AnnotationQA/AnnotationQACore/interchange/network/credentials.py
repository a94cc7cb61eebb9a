"""Credentials for a DICOMweb server, from the environment or the keyring of the system; never kept, never shown."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.network.addresses import WebAddress

__all__ = ["Credentials", "find_credentials", "keyring_service"]

_PREFIX = "ANNOTATIONQA_DICOMWEB"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and password, or a bearer token (RFC 6750); its text form shows neither.

    Attributes
    ----------
    user, password : str
        For basic authentication (RFC 7617).
    token : str
        Wins over user and password.
    """

    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


def keyring_service(address: WebAddress) -> str:
    """Name under which the keyring of the system holds the credentials of a server."""
    return f"annotation-qa:{address.host}:{address.port}"


def find_credentials(address: WebAddress, environment: Mapping[str, str] | None = None) -> Credentials | None:
    """Credentials of a server, or None.

    Looked for in this order: the variables ``ANNOTATIONQA_DICOMWEB_<HOST>_TOKEN``, ``_USER`` and ``_PASSWORD``, where
    the host is in capitals and all but letters and digits are underscores; the same variables without the host; the
    keyring, when the package `keyring` is installed.

    Parameters
    ----------
    address : WebAddress
    environment : mapping, optional
        Default: that of the process.

    Raises
    ------
    InputError
        There is a user name, and its password is nowhere; or a value cannot be part of a header.
    """
    variables = os.environ if environment is None else environment
    host = re.sub(r"[^A-Z0-9]", "_", address.host.upper())
    user = ""
    for prefix in (f"{_PREFIX}_{host}", _PREFIX):
        token, password = variables.get(f"{prefix}_TOKEN", ""), variables.get(f"{prefix}_PASSWORD", "")
        user = user or variables.get(f"{prefix}_USER", "")
        if token:
            return _checked(Credentials(token=token))
        if user and password:
            return _checked(Credentials(user=user, password=password))
    found = _from_keyring(address, user)
    if user and not found:
        raise InputError(
            f"credentials: {_PREFIX}_USER is set and its password is not; set {_PREFIX}_PASSWORD, or keep it in the "
            f"keyring: keyring set {keyring_service(address)} USER."
        )
    return found and _checked(found)


def _from_keyring(address: WebAddress, user: str) -> Credentials | None:
    try:
        import keyring  # type: ignore[import-not-found, unused-ignore]  # an extra
        from keyring.errors import KeyringError  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    try:
        found = keyring.get_credential(keyring_service(address), user or None)
    except KeyringError:  # there is none, or it is locked: the server will say whether it wants credentials
        return None
    return Credentials(user=found.username, password=found.password) if found else None


def _checked(credentials: Credentials) -> Credentials:
    for value in (credentials.user, credentials.password, credentials.token):
        if any(ord(character) < 0x20 or ord(character) == 0x7F for character in value):
            raise InputError("credentials: hold a line break or control character; set them again without it.")
    if ":" in credentials.user:
        raise InputError("credentials: a user name cannot hold a colon; set it again.")
    if not credentials.token.isascii():
        raise InputError("credentials: a token holds only ASCII characters; set it again.")
    return credentials
