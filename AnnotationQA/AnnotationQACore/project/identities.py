"""Who signs: one Ed25519 key per person and device, kept outside of every project."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from AnnotationQACore import atomic
from AnnotationQACore.errors import InputError
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.project.readings import check_identifier
from AnnotationQACore.wording import worded

__all__ = [
    "USER_FOLDER_VARIABLE",
    "Identity",
    "create_identity",
    "encode_public_key",
    "fingerprint",
    "is_signed_by",
    "key_files",
    "load_identity",
    "user_folder",
]

USER_FOLDER_VARIABLE = "ANNOTATIONQA_HOME"
"""Environment variable that names the folder of keys, snapshots and witnessed heads."""

SUFFIX = ".ed25519.pem"


@dataclass(frozen=True, slots=True)
class Identity:
    """A person on a device: the member ID and the private key with which the acts are signed."""

    member: str
    private_key: Ed25519PrivateKey = field(repr=False, compare=False)

    @property
    def public_key(self) -> str:
        """Raw public key in base64, as the lead needs it."""
        return encode_public_key(self.private_key.public_key())

    @property
    def fingerprint(self) -> str:
        """What identifies the key, 32 hexadecimal digits."""
        return fingerprint(self.public_key)

    def sign(self, message: bytes) -> str:
        """Ed25519 signature (RFC 8032) in base64, 88 characters."""
        return base64.b64encode(self.private_key.sign(message)).decode()


def user_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Folder of this user for keys and caches; `ANNOTATIONQA_HOME` overrides the system's habit.

    Raises
    ------
    InputError
        The user has no home folder, as in some containers.
    """
    if chosen := environment.get(USER_FOLDER_VARIABLE):
        return Path(chosen)
    habit = {"win32": ("APPDATA", "AppData/Roaming"), "darwin": ("", "Library/Application Support")}
    variable, below_home = habit.get(sys.platform, ("XDG_DATA_HOME", ".local/share"))
    if chosen := environment.get(variable):
        return Path(chosen) / "AnnotationQA"
    try:
        return Path.home() / below_home / "AnnotationQA"
    except RuntimeError:
        raise InputError(
            worded(
                "this user has no home folder; set {variable} to a folder for keys and caches.",
                variable=USER_FOLDER_VARIABLE,
            )
        ) from None


def key_folder(folder: Path | None = None) -> Path:
    """Folder of private keys."""
    return folder or user_folder() / "keys"


def key_files(folder: Path | None = None) -> dict[str, Path]:
    """Member IDs of which this folder holds a private key, and the files."""
    files = sorted(key_folder(folder).glob(f"*{SUFFIX}"))
    return {path.name.removesuffix(SUFFIX): path for path in files}


def create_identity(member: str, folder: Path | None = None, passphrase: str = "") -> Identity:
    """Make a key for a person on this device and keep it (PKCS #8, PEM, file mode 0600).

    Raises
    ------
    InputError
        There is a key of that name already: it is never overwritten, for what it signed could not be continued.
    DestinationError
        The folder cannot be written.
    """
    check_identifier(member, "identity")
    if ":" in member:
        raise InputError(
            worded(
                "identity '{member}': prefixes with ':' are kept for readers that are no people; leave it out.",
                member=member,
            )
        )
    path = key_folder(folder) / f"{member}{SUFFIX}"
    if path.exists():
        raise InputError(worded("{path}: there is a key already; use it, or choose another name.", path=str(path)))
    identity = Identity(member, Ed25519PrivateKey.generate())
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    content = identity.private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    make_folder(path.parent, mode=0o700)
    with atomic.replacing(path) as temporary:
        temporary.chmod(0o600)
        temporary.write_bytes(content)
    return identity


def load_identity(member: str, folder: Path | None = None, passphrase: str = "") -> Identity:
    """Load the key of a person on this device; raises `InputError` when there is none or it cannot be opened."""
    path = key_files(folder).get(member)
    if path is None:
        raise InputError(
            worded(
                "identity '{member}': no key in {folder}; make one with: annotation-qa identity new NAME.",
                member=member[:100],
                folder=str(key_folder(folder)),
            )
        )
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), passphrase.encode() or None)
    except TypeError:
        template = "{path}: the key has no passphrase; give none." if passphrase else "{path}: a passphrase is needed."
        raise InputError(worded(template, path=str(path))) from None
    except (ValueError, OSError):
        raise InputError(
            worded("{path}: the key cannot be read; check the passphrase, or restore the file.", path=str(path))
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(
            worded("{path}: is not an Ed25519 key; make one with: annotation-qa identity new NAME.", path=str(path))
        )
    return Identity(member, key)


def encode_public_key(key: Ed25519PublicKey) -> str:
    """Raw public key in base64, 44 characters."""
    return base64.b64encode(key.public_bytes_raw()).decode()


def decode_public_key(text: str) -> Ed25519PublicKey:
    """Public key of `encode_public_key`; raises `InputError`."""
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error):
        raise InputError(
            worded("public key: must be 32 bytes in base64, as annotation-qa identity show prints it.")
        ) from None


def fingerprint(public_key: str) -> str:
    """First 128 bits of the SHA-256 of the raw public key, as 32 hexadecimal digits."""
    return hashlib.sha256(decode_public_key(public_key).public_bytes_raw()).hexdigest()[:32]


def is_signed_by(public_key: str, signature: str, message: bytes) -> bool:
    """Whether the signature of the message was made with the private key that belongs to `public_key`."""
    try:
        raw = base64.b64decode(signature, validate=True)
        if base64.b64encode(raw).decode() != signature:  # base64 leaves bits unused, which must be zero
            return False
        decode_public_key(public_key).verify(raw, message)
    except (InvalidSignature, ValueError, InputError):
        return False
    return True
