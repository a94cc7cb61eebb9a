"""Credentials from the package `keyring` itself, with a backend in memory; and they reach the server only."""

import pytest

from AnnotationQACore.cli.main import main
from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.network.addresses import parse_address
from AnnotationQACore.interchange.network.credentials import Credentials, find_credentials, keyring_service

keyring = pytest.importorskip("keyring", reason="needs pip install keyring")


@pytest.fixture
def memory(clean_environment):
    """The keyring of the system is left alone."""
    from keyring.backend import KeyringBackend
    from keyring.errors import KeyringLocked, PasswordDeleteError

    class Memory(KeyringBackend):
        priority = 1
        locked = False

        def __init__(self):
            super().__init__()
            self.kept = {}

        def get_password(self, service, username):
            if self.locked:
                raise KeyringLocked("locked")
            return self.kept.get((service, username))

        def set_password(self, service, username, password):
            self.kept[service, username] = password

        def delete_password(self, service, username):
            raise PasswordDeleteError

        def get_credential(self, service, username):
            if username is None:
                username = next((user for kept, user in self.kept if kept == service), None)
            return super().get_credential(service, username)

    before, ours = keyring.get_keyring(), Memory()
    keyring.set_keyring(ours)
    yield ours
    keyring.set_keyring(before)


def test_what_was_kept_is_found_for_its_server_only(memory):
    address = parse_address("https://pacs.example.org/dicom-web")
    keyring.set_password(keyring_service(address), "anna", "s3cr3t")
    assert find_credentials(address, {}) == Credentials(user="anna", password="s3cr3t")
    assert find_credentials(address, {"ANNOTATIONQA_DICOMWEB_USER": "anna"}).password == "s3cr3t"
    assert find_credentials(parse_address("https://other.example.org/dicom-web"), {}) is None
    with pytest.raises(InputError, match="its password is not"):
        find_credentials(address, {"ANNOTATIONQA_DICOMWEB_USER": "bert"})


def test_a_locked_keyring_asks_for_nothing_and_stops_nothing(memory):
    memory.locked = True
    assert find_credentials(parse_address("https://pacs.example.org/x"), {}) is None


def test_the_server_gets_them_and_nobody_else(memory, fake, make_series, basic, capsys, tmp_path):
    fake.hold(make_series(1))
    keyring.set_password(keyring_service(parse_address(fake.url)), "anna", "s3cr3t")
    assert main(["fetch", fake.url, "--all", "-o", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr()
    assert "s3cr3t" not in printed.out + printed.err
    assert set(fake.authorizations) == {basic("anna", "s3cr3t")}
    for path in (tmp_path / "out").rglob("*"):
        assert not path.is_file() or b"s3cr3t" not in path.read_bytes()
