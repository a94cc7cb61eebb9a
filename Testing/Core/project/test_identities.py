"""Keys: where they are, who may read them, and that they are never overwritten."""

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from AnnotationQACore.errors import InputError
from AnnotationQACore.project import identities as i


def test_a_key_is_private_and_is_loaded_again(user: Path) -> None:
    made = i.create_identity("anna")
    path = user / "keys/anna.ed25519.pem"
    assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    again = i.load_identity("anna")
    assert again.public_key == made.public_key
    signature = again.sign(b"act")
    assert i.is_signed_by(made.public_key, signature, b"act")
    assert not i.is_signed_by(made.public_key, signature, b"acT")
    assert "PrivateKey" not in repr(made)
    with pytest.raises(InputError, match="there is a key already"):
        i.create_identity("anna")


def test_the_folder_of_keys_can_be_chosen(tmp_path: Path) -> None:
    i.create_identity("anna", tmp_path / "stick")
    assert list(i.key_files(tmp_path / "stick")) == ["anna"]
    assert i.key_files() == {}


def test_a_passphrase_encrypts_the_key(user: Path) -> None:
    i.create_identity("anna", passphrase="secret")
    assert b"ENCRYPTED" in (user / "keys/anna.ed25519.pem").read_bytes()
    assert i.load_identity("anna", passphrase="secret").member == "anna"
    with pytest.raises(InputError, match="a passphrase is needed"):
        i.load_identity("anna")
    with pytest.raises(InputError, match="check the passphrase"):
        i.load_identity("anna", passphrase="guess")


def test_files_that_are_no_keys(user: Path) -> None:
    (user / "keys").mkdir(parents=True)
    (user / "keys/broken.ed25519.pem").write_text("nonsense")
    other = generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (user / "keys/other.ed25519.pem").write_bytes(other)
    for name, message in [("broken", "cannot be read"), ("other", "not an Ed25519 key"), ("nobody", "no key in")]:
        with pytest.raises(InputError, match=message):
            i.load_identity(name)


def test_spare_bits_of_a_signature_are_not_free(user: Path) -> None:
    """Base64 of 64 bytes leaves four bits unused: setting them is a change as well."""
    identity = i.create_identity("anna")
    signature = identity.sign(b"act")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    changed = signature[:85] + alphabet[alphabet.index(signature[85]) + 1] + "=="
    assert not i.is_signed_by(identity.public_key, changed, b"act")


def test_the_fingerprint_is_the_start_of_the_hash_of_the_raw_key() -> None:
    """Public key of RFC 8032, 7.1, test 1."""
    import base64
    import hashlib

    raw = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert i.fingerprint(base64.b64encode(raw).decode()) == hashlib.sha256(raw).hexdigest()[:32]
    signature = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    assert i.is_signed_by(base64.b64encode(raw).decode(), base64.b64encode(signature).decode(), b"")
