"""Example pictures of a protocol, embedded so that the protocol is complete in itself."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re
from pathlib import Path

from AnnotationQACore.protocol.items import ExamplePicture, Item
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.problems import Problem

__all__ = ["LARGEST_PICTURE", "embed_pictures", "picture_bytes"]

LARGEST_PICTURE = 4_000_000
"""Bytes above which a picture is refused: a protocol is copied into every project."""

_DATA_URI = re.compile(r"data:(image/(?:png|jpeg|svg\+xml));base64,([A-Za-z0-9+/]+={0,2})")
_SIGNATURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


def embed_pictures(protocol: Protocol, folder: Path | None) -> tuple[Protocol, list[Problem]]:
    """Replace the file names of example pictures by the pictures themselves.

    Parameters
    ----------
    protocol : Protocol
    folder : Path or None
        Where the files are; without it only embedded pictures can be used.

    Returns
    -------
    Protocol
        The same protocol with pictures embedded.
    list of Problem
        Pictures that cannot be used.
    """
    problems: list[Problem] = []
    items: list[Item] = []
    for number, item in enumerate(protocol.items):
        examples = tuple(
            _embedded(example, folder, f"items[{number}].examples[{index}].image", problems)
            for index, example in enumerate(item.examples)
        )
        items.append(dataclasses.replace(item, examples=examples) if examples != item.examples else item)
    if tuple(items) != protocol.items:
        protocol = dataclasses.replace(protocol, items=tuple(items))
    return protocol, problems


def picture_bytes(example: ExamplePicture) -> tuple[str, bytes]:
    """Media type and content of an embedded picture."""
    match = _DATA_URI.fullmatch(example.image)
    if match is None:
        raise ValueError("the picture is not embedded")
    return match[1], base64.b64decode(match[2], validate=True)


def _embedded(example: ExamplePicture, folder: Path | None, path: str, problems: list[Problem]) -> ExamplePicture:
    if example.image.startswith("data:"):
        problem = _problem_of_data(example)
        if problem:
            problems.append(Problem(path, *problem))
        return example
    if folder is None:
        problems.append(Problem(path, "the picture is a file name, and there is no folder to look in", "embed it"))
        return example
    name = Path(example.image)
    if name.is_absolute() or ".." in name.parts or "\\" in example.image:
        problems.append(Problem(path, "points outside the folder of the protocol", "put the picture beside it"))
        return example
    try:
        content = (folder / name).read_bytes()
    except (OSError, ValueError):
        problems.append(Problem(path, "no picture of this name", "put it beside the protocol, or correct the name"))
        return example
    media = _media_type(content)
    if media is None:
        problems.append(Problem(path, "neither PNG, JPEG nor SVG", "convert the picture"))
    elif len(content) > LARGEST_PICTURE:
        problems.append(Problem(path, f"{len(content)} bytes", f"make it smaller than {LARGEST_PICTURE}"))
    else:
        return dataclasses.replace(example, image=f"data:{media};base64,{base64.b64encode(content).decode()}")
    return example


def _problem_of_data(example: ExamplePicture) -> tuple[str, str] | None:
    try:
        media, content = picture_bytes(example)
    except (ValueError, binascii.Error):
        return "no embedded picture that can be read", "write 'data:image/png;base64,...' or a file name"
    if _media_type(content) != media:
        return f"the picture is not {media}", "embed a PNG, JPEG or SVG under its own type"
    if len(content) > LARGEST_PICTURE:
        return f"{len(content)} bytes", f"make it smaller than {LARGEST_PICTURE}"
    return None


def _media_type(content: bytes) -> str | None:
    for media, signature in _SIGNATURES.items():
        if content.startswith(signature):
            return media
    head = content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")
    return "image/svg+xml" if head.startswith((b"<svg", b"<?xml")) and b"<svg" in content[:2000] else None
