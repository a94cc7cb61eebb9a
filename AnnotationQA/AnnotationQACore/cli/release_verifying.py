"""The step `release verify`. Exit code 0: as it was signed; 1: changed; 2: it cannot be verified."""

import argparse
from pathlib import Path

from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.text import read_text
from AnnotationQACore.release.manifest import verify_release
from AnnotationQACore.wording import count_of

__all__ = ["verify"]

CHANGED = 1


def verify(arguments: argparse.Namespace) -> int:
    """Hold a received release against its manifest."""
    keys = [key for text in arguments.key for key in _keys(text, arguments.folder)]
    result = verify_release(arguments.folder, keys, ConsoleProgress("verifying"))
    for finding in result.findings:
        print(f"CHANGED  {finding}")
    if result.manifest is None or not result.is_sound:
        print(f"The release is not as it was signed: {len(result.findings)} findings.")
        return CHANGED
    manifest = result.manifest
    print(
        f"sound: {manifest.name}, {count_of(len(manifest.files), 'file')}, "
        f"signed on {manifest.made[:10]} with {manifest.key}"
    )
    return 0


def _keys(text: str, folder: Path) -> list[str]:
    path = Path(text)
    if not path.is_file():
        return [text]
    if path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{path}: a key from the release itself proves nothing; take it from the study.")
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]
