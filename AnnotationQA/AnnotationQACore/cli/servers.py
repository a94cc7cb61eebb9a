"""Arguments of the commands that talk to a server of images."""

import argparse
import re
from pathlib import Path

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.network.addresses import MoveTo
from AnnotationQACore.interchange.network.connecting import ConnectionOptions
from AnnotationQACore.interchange.network.patience import Patience

__all__ = ["add_server", "connection_options", "move_target", "patience"]

_LONGEST_TIMEOUT = 3600.0
_MOVE = re.compile(r"(?:(?P<host>.+):)?(?P<port>\d{1,5})")


def add_server(parser: argparse.ArgumentParser) -> None:
    """Declare the server, and how to connect to it."""
    parser.add_argument(
        "server",
        help="DICOMweb: https://host[:port]/path; classic DICOM: dicom://host:port/AE_TITLE (dicoms: with TLS)",
    )
    parser.add_argument("--ca-bundle", type=Path, metavar="FILE", help="certificates (PEM) to trust for TLS")
    parser.add_argument(
        "--plain-http", action="store_true", help="send the password without TLS, on a network that is your own"
    )
    parser.add_argument(
        "--calling-ae", default="ANNOTATIONQA", metavar="TITLE", help="our AE title (default: %(default)s)"
    )
    parser.add_argument(
        "--timeout", type=float, default=60.0, metavar="S", help="seconds without an answer (default: %(default)g)"
    )
    parser.add_argument(
        "--attempts", type=int, default=5, metavar="N", help="tries without success (default: %(default)s)"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def connection_options(arguments: argparse.Namespace, move_to: MoveTo | None = None) -> ConnectionOptions:
    """How to connect."""
    if not 0 < arguments.timeout <= _LONGEST_TIMEOUT:
        raise InputError(f"--timeout {arguments.timeout:g}: give seconds, more than 0 and at most 3600.")
    return ConnectionOptions(
        timeout=arguments.timeout,
        ca_bundle=arguments.ca_bundle,
        plain_credentials=arguments.plain_http,
        ae_title=arguments.calling_ae,
        move_to=move_to,
    )


def move_target(text: str | None) -> MoveTo | None:
    """Where to listen, from ``[ADDRESS:]PORT``."""
    if text is None:
        return None
    match = _MOVE.fullmatch(text)
    if not match or not 0 < int(match["port"]) < 65536:
        raise InputError(f"--move {text}: give the port to listen at, or ADDRESS:PORT.")
    return MoveTo(int(match["port"]), match["host"] or "")


def patience(arguments: argparse.Namespace) -> Patience:
    """How often to try."""
    if arguments.attempts < 1:
        raise InputError(f"--attempts {arguments.attempts}: at least one is needed.")
    return Patience(attempts=arguments.attempts)
