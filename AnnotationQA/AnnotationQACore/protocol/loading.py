"""Protocols from files and from the library that is shipped with the software."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

from AnnotationQACore.errors import InputError, InvalidProtocol
from AnnotationQACore.protocol.decoding import decode, parse_json
from AnnotationQACore.protocol.documents import to_document
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.pictures import embed_pictures
from AnnotationQACore.protocol.problems import Problem, did_you_mean
from AnnotationQACore.protocol.shapes import shape_of
from AnnotationQACore.protocol.validation import find_problems

__all__ = [
    "load_protocol",
    "load_shipped",
    "protocol_from_document",
    "protocol_from_text",
    "protocol_text",
    "shipped_protocols",
]

SCHEMA_LOCATION = "protocol.schema.json"


def load_protocol(path: Path | str) -> Protocol:
    """Load and validate a protocol from a JSON file; its example pictures are embedded.

    Raises
    ------
    InputError
        The file cannot be read.
    InvalidProtocol
        Something in it is wrong; `problems` names everything.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{path}: cannot be read ({reason}); name a protocol file (JSON).") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: no UTF-8 text at byte {error.start}; save it as UTF-8.") from error
    return protocol_from_text(text, source=str(path), folder=path.parent)


def protocol_from_text(text: str, source: str = "protocol", folder: Path | None = None) -> Protocol:
    """Read and validate a protocol from JSON text.

    Parameters
    ----------
    text : str
    source : str
        What error messages call it.
    folder : Path or None
        Where example pictures are that are named and not embedded.

    Raises
    ------
    InvalidProtocol
        Something in it is wrong; `problems` names everything.
    """
    document, problems = parse_json(text)
    if problems:
        raise _invalid(source, problems)
    return protocol_from_document(document, source, folder)


def protocol_from_document(document: Any, source: str = "protocol", folder: Path | None = None) -> Protocol:
    """Like `protocol_from_text`, from JSON that is parsed already."""
    problems: list[Problem] = []
    protocol = decode(document, shape_of(Protocol), "", problems)
    if problems:
        raise _invalid(source, problems)
    assert isinstance(protocol, Protocol)  # noqa: S101 - decode without problems gives what the shape asks for
    protocol, problems = embed_pictures(protocol, folder)
    problems += find_problems(protocol)
    if problems:
        raise _invalid(source, problems)
    return protocol


def protocol_text(protocol: Protocol) -> str:
    """JSON text of a protocol, complete in itself, as people edit it."""
    document = {"$schema": SCHEMA_LOCATION, **to_document(protocol)}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def shipped_protocols() -> tuple[str, ...]:
    """Names of the protocols that come with the software, sorted."""
    library = resources.files("AnnotationQACore.protocol") / "library"
    files = [entry.name for entry in library.iterdir()] if library.is_dir() else []
    return tuple(sorted(name.removesuffix(".json") for name in files if name.endswith(".json")))


def load_shipped(name: str) -> Protocol:
    """Load a protocol that comes with the software; raises `InputError` when there is none of this name."""
    names = shipped_protocols()
    if name not in names:
        raise InputError(str(Problem("", f"no shipped protocol '{name}'", did_you_mean(name, names))))
    with resources.as_file(resources.files("AnnotationQACore.protocol") / "library") as library:
        return load_protocol(library / f"{name}.json")


def _invalid(source: str, problems: Iterable[Problem]) -> InvalidProtocol:
    return InvalidProtocol(source, tuple(map(str, problems)))
