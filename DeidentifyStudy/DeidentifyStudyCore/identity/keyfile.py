"""The project's secret and its crosswalk, encrypted with a passphrase (scrypt, AES-256-GCM) in one file each.

The key file holds 32 random bytes; everything keyed is derived from them by HKDF with a label, so that no two uses
share a key. The crosswalk, ``<key file>.crosswalk``, holds which patient got which pseudonymous number. Neither ever
lies in an output folder.
"""

import hashlib
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from DeidentifyStudyCore.atomic import write_bytes
from DeidentifyStudyCore.errors import DestinationError, KeyFileError

__all__ = ["Secret", "create_key", "ephemeral_secret", "load_crosswalk", "open_key", "save_crosswalk"]

_FORMAT = "deidentify-key/1"
_CROSSWALK = "deidentify-crosswalk/1"
_SCRYPT = {"n": 1 << 15, "r": 8, "p": 1}
_SHORTEST_PASSPHRASE = 8


@dataclass(frozen=True, slots=True)
class Secret:
    """The root of everything keyed.

    Attributes
    ----------
    root : bytes
        32 random bytes; not shown by ``repr``.
    ephemeral : bool
        The secret was never written anywhere.
    """

    root: bytes = field(repr=False)
    ephemeral: bool = False

    def derive(self, label: str) -> bytes:
        """32 bytes for one purpose."""
        return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=label.encode()).derive(self.root)

    def fingerprint(self) -> str:
        """16 hexadecimal digits that tell secrets apart and reveal nothing."""
        return self.derive("fingerprint").hex()[:16]


def ephemeral_secret() -> Secret:
    """Make a secret that lives in memory only."""
    return Secret(secrets.token_bytes(32), ephemeral=True)


def create_key(path: Path, passphrase: str) -> Secret:
    """Write a new key file, readable by its owner only.

    Raises
    ------
    KeyFileError
        The passphrase is too short.
    DestinationError
        There is a file already, or the folder cannot be written.
    """
    if len(passphrase) < _SHORTEST_PASSPHRASE:
        raise KeyFileError(f"the passphrase must have at least {_SHORTEST_PASSPHRASE} characters.")
    if path.exists():
        raise DestinationError(f"{path}: there is a file already; a key is never overwritten, choose another name.")
    secret = Secret(secrets.token_bytes(32))
    salt = secrets.token_bytes(16)
    sealed = _sealed(_passphrase_key(passphrase, salt), secret.root, _FORMAT)
    content = {"format": _FORMAT, "salt": salt.hex(), "sealed": sealed, "fingerprint": secret.fingerprint()}
    write_bytes(path, json.dumps(content, indent=1).encode() + b"\n")
    path.chmod(0o600)
    return secret


def open_key(path: Path, passphrase: str) -> Secret:
    """Read a key file.

    Raises
    ------
    KeyFileError
        The file is missing or damaged, or the passphrase is wrong.
    """
    content = _read(path, _FORMAT, "make one with 'deidentify-study key new'")
    try:
        root = _unsealed(_passphrase_key(passphrase, bytes.fromhex(content["salt"])), content["sealed"], _FORMAT)
    except InvalidTag:
        raise KeyFileError(f"{path}: wrong passphrase, or the file was changed; nothing was done.") from None
    except (KeyError, TypeError, ValueError):
        raise KeyFileError(f"{path}: the key file is damaged; restore it from your backup.") from None
    return Secret(root)


def load_crosswalk(key_file: Path, secret: Secret) -> dict[str, Any]:
    """Read the crosswalk beside a key file; empty when there is none yet."""
    path = _crosswalk_path(key_file)
    if not path.exists():
        return {}
    content = _read(path, _CROSSWALK, "restore it from your backup")
    try:
        result = json.loads(_unsealed(secret.derive("crosswalk"), content["sealed"], _CROSSWALK))
    except (InvalidTag, KeyError, TypeError, ValueError):
        raise KeyFileError(f"{path}: the crosswalk is damaged or belongs to another key; restore it.") from None
    if not isinstance(result, dict):
        raise KeyFileError(f"{path}: the crosswalk is damaged; restore it from your backup.")
    return result


def save_crosswalk(key_file: Path, secret: Secret, crosswalk: dict[str, Any]) -> None:
    """Write the crosswalk, encrypted, beside the key file."""
    path = _crosswalk_path(key_file)
    sealed = _sealed(secret.derive("crosswalk"), json.dumps(crosswalk, sort_keys=True).encode(), _CROSSWALK)
    write_bytes(path, json.dumps({"format": _CROSSWALK, "sealed": sealed}).encode() + b"\n")
    path.chmod(0o600)


def _crosswalk_path(key_file: Path) -> Path:
    return key_file.with_name(key_file.name + ".crosswalk")


def _passphrase_key(passphrase: str, salt: bytes) -> bytes:
    return hashlib.scrypt(passphrase.encode(), salt=salt, dklen=32, maxmem=1 << 26, **_SCRYPT)


def _sealed(key: bytes, content: bytes, purpose: str) -> str:
    nonce = os.urandom(12)
    return (nonce + AESGCM(key).encrypt(nonce, content, purpose.encode())).hex()


def _unsealed(key: bytes, sealed: str, purpose: str) -> bytes:
    raw = bytes.fromhex(sealed)
    return AESGCM(key).decrypt(raw[:12], raw[12:], purpose.encode())


def _read(path: Path, expected: str, remedy: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read ({error.strerror}); {remedy}.") from None
    except ValueError:
        raise KeyFileError(f"{path}: is not a file of this program; {remedy}.") from None
    if not isinstance(content, dict) or content.get("format") != expected:
        raise KeyFileError(f"{path}: is not a file of the kind {expected}; {remedy}.")
    return content
