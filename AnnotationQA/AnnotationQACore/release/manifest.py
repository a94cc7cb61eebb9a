"""The signed list of all files of a release: whoever has it and the public key can tell that nothing was changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from AnnotationQACore import atomic
from AnnotationQACore.canonical import canonical_bytes
from AnnotationQACore.errors import InputError
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.fields import Fields
from AnnotationQACore.project.identities import Identity, fingerprint, is_signed_by
from AnnotationQACore.project.layout import sha256_of

__all__ = [
    "MANIFEST",
    "Manifest",
    "ReleaseVerification",
    "list_files",
    "read_manifest",
    "verify_release",
    "write_manifest",
]

MANIFEST = "manifest.json"
FORMAT = "AnnotationQA release 1"
_SIGNED_AS = b"AnnotationQA release\n"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release says of itself, and its files.

    Attributes
    ----------
    name, project, protocol, made, signer : str
        Of the release; project ID; hash of the protocol; UTC time; member ID of the signer.
    heads : mapping of key to (sequence, hash)
        Newest acts of the ledger on which the release stands.
    files : mapping of path to (bytes, SHA-256)
        Relative, with forward slashes; all but the manifest itself.
    public_key, signature : str
        In base64.
    sha256 : str
        Of the manifest's file.
    """

    name: str
    project: str
    protocol: str
    made: str
    signer: str
    heads: Mapping[str, tuple[int, str]]
    files: Mapping[str, tuple[int, str]]
    public_key: str = ""
    signature: str = ""
    sha256: str = ""

    def body(self) -> dict[str, Any]:
        """What is signed."""
        return {
            "format": FORMAT,
            "name": self.name,
            "project": self.project,
            "protocol": self.protocol,
            "made": self.made,
            "signer": self.signer,
            "ledger": {key: list(head) for key, head in self.heads.items()},
            "files": {path: list(entry) for path, entry in self.files.items()},
        }

    @property
    def key(self) -> str:
        """Fingerprint of the key."""
        return fingerprint(self.public_key)


@dataclass(frozen=True, slots=True)
class ReleaseVerification:
    """Outcome of `verify_release`.

    Attributes
    ----------
    manifest : Manifest or None
        None when it cannot be read or is not signed by a trusted key: then nothing in it can be believed.
    findings : tuple of str
        Everything that is not as it was signed; empty when the release is sound.
    """

    manifest: Manifest | None
    findings: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was changed."""
        return not self.findings


def list_files(folder: Path, progress: Progress = silent) -> dict[str, tuple[int, str]]:
    """All files below a folder but the manifest: bytes and SHA-256; raises `InputError` when one cannot be read."""
    paths = sorted(path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    found = {}
    for done, path in enumerate(paths):
        name = path.relative_to(folder).as_posix()
        progress(done, len(paths), name)
        if path.is_symlink():
            raise InputError(f"{path}: is a link, which would not travel with the release; put the file in its place.")
        if name != MANIFEST:
            found[name] = (path.stat().st_size, sha256_of(path))
    progress(len(paths), len(paths))
    return found


def write_manifest(folder: Path, manifest: Manifest, identity: Identity) -> Manifest:
    """Sign a manifest and write it into the folder of the release, whole or not at all; returns it as written."""
    body = manifest.body()
    signature = identity.sign(_message(body))
    document = {"manifest": body, "public key": identity.public_key, "signature": signature}
    content = canonical_bytes(document) + b"\n"
    atomic.write_bytes(folder / MANIFEST, content)
    return read_manifest(folder)


def read_manifest(folder: Path) -> Manifest:
    """Read a manifest; its signature is not checked here.

    Raises
    ------
    InputError
        There is none, or it is damaged.
    """
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name the folder of a release.") from error
    try:
        document = json.loads(content)
        if canonical_bytes(document) + b"\n" != content:
            raise ValueError
    except (ValueError, RecursionError):
        raise InputError(f"{path}: is not as it was written; get the release again.") from None
    outer = Fields(document, MANIFEST)
    body = outer.child("manifest", Fields)
    public_key, signature = outer.text("public key"), outer.text("signature")
    outer.finish()
    if body.text("format") != FORMAT:
        raise body.error("format", f"is not '{FORMAT}'; update AnnotationQA, or get the release again")
    manifest = Manifest(
        name=body.text("name"),
        project=body.text("project"),
        protocol=body.text("protocol"),
        made=body.text("made"),
        signer=body.text("signer"),
        heads=body.child("ledger", _pairs),
        files=body.child("files", _pairs),
        public_key=public_key,
        signature=signature,
        sha256=hashlib.sha256(content).hexdigest(),
    )
    body.finish()
    return manifest


def verify_release(folder: Path, keys: Iterable[str], progress: Progress = silent) -> ReleaseVerification:
    """Hold a received release against its manifest; nothing else is needed.

    Parameters
    ----------
    folder : Path
    keys : iterable of str
        Public keys in base64 that may have signed it. They must come from the study, not with the release.
    progress : Progress

    Raises
    ------
    InputError
        The folder cannot be read, or no key was given.
    """
    trusted = list(keys)
    if not trusted:
        raise InputError("release: no public key to check the signature with; ask the study for it.")
    if not folder.is_dir():
        raise InputError(f"{folder}: is not a folder; name the folder of a release.")
    for key in trusted:
        fingerprint(key)
    try:
        manifest = read_manifest(folder)
    except InputError as error:
        return ReleaseVerification(None, (str(error),))
    if manifest.public_key not in trusted:
        return ReleaseVerification(None, (f"{MANIFEST}: was not signed with a key that you trust.",))
    if not is_signed_by(manifest.public_key, manifest.signature, _message(manifest.body())):
        return ReleaseVerification(None, (f"{MANIFEST}: was changed after it was signed.",))
    return ReleaseVerification(manifest, tuple(_differences(folder, manifest, progress)))


def _differences(folder: Path, manifest: Manifest, progress: Progress) -> Iterable[str]:
    present = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }
    present.pop(MANIFEST)
    by_hash: dict[str, str] = {}
    added = sorted(set(present) - set(manifest.files))
    for name in added:
        if not present[name].is_symlink():
            by_hash.setdefault(sha256_of(present[name]), name)
    moved: set[str] = set()
    for done, (name, (size, sha256)) in enumerate(sorted(manifest.files.items())):
        progress(done, len(manifest.files), name)
        path = present.get(name)
        if path is None:
            if sha256 in by_hash:
                moved.add(by_hash[sha256])
                yield f"{name}: was renamed to {by_hash[sha256]}."
            else:
                yield f"{name}: is missing."
        elif path.is_symlink():
            yield f"{name}: was replaced by a link."
        elif path.stat().st_size != size or sha256_of(path) != sha256:
            yield f"{name}: was changed."
    progress(len(manifest.files), len(manifest.files))
    yield from (f"{name}: was added." for name in added if name not in moved)


def _message(body: Mapping[str, Any]) -> bytes:
    return _SIGNED_AS + hashlib.sha256(canonical_bytes(body)).hexdigest().encode()


def _pairs(value: object, path: str) -> dict[str, tuple[int, str]]:
    problem = f"{path}: is not as it was written; get the release again."
    if not isinstance(value, dict):
        raise InputError(problem)
    found = {}
    for name, entry in value.items():
        if not isinstance(entry, list) or [type(part) for part in entry] != [int, str]:
            raise InputError(problem)
        found[name] = (entry[0], entry[1])
    return found
