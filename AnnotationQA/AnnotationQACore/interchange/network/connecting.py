"""Make the right kind of server from its address."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from AnnotationQACore.interchange.network.addresses import MoveTo, WebAddress, parse_address
from AnnotationQACore.interchange.network.credentials import find_credentials
from AnnotationQACore.interchange.network.patience import Patience, Transient, Unreachable
from AnnotationQACore.interchange.network.server import Server

__all__ = ["ConnectionOptions", "connected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions:
    """How to connect; see `WebOptions` and `DimseOptions`."""

    timeout: float = 60.0
    ca_bundle: Path | None = None
    plain_credentials: bool = False
    ae_title: str = "ANNOTATIONQA"
    move_to: MoveTo | None = None


@contextlib.contextmanager
def connected(
    address: str,
    options: ConnectionOptions | None = None,
    patience: Patience | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Yield a server that is there and lets us in, and let go of it afterwards.

    Parameters
    ----------
    address : str
        See `parse_address`.
    options : ConnectionOptions, optional
    patience : Patience, optional
        For a server that has trouble; one that cannot be reached at all is not waited for.
    environment : mapping, optional
        Where credentials are looked for; default: that of the process.

    Raises
    ------
    NetworkError, InputError, MissingExtra
    """
    options = options or ConnectionOptions()
    parsed = parse_address(address)
    server: Server
    if isinstance(parsed, WebAddress):
        from AnnotationQACore.interchange.network.web_server import WebOptions, WebServer  # with requests

        server = WebServer(
            parsed,
            find_credentials(parsed, environment),
            WebOptions(
                timeout=options.timeout, ca_bundle=options.ca_bundle, plain_credentials=options.plain_credentials
            ),
        )
    else:
        from AnnotationQACore.interchange.network.dimse_server import DimseOptions, DimseServer  # with pydicom

        server = DimseServer(
            parsed,
            DimseOptions(
                ae_title=options.ae_title,
                timeout=options.timeout,
                ca_bundle=options.ca_bundle,
                move_to=options.move_to,
            ),
        )
    try:
        _check(server, patience or Patience())
        yield server
    finally:
        server.close()


def _check(server: Server, patience: Patience) -> None:
    failures = 0
    while True:
        try:
            return server.check()
        except Unreachable:
            raise
        except Transient as error:
            failures += 1
            patience.pause(failures, error)
