"""Addresses, credentials and criteria."""

import sys
import types

import pytest
from pydicom.dataset import Dataset

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.network.addresses import DimseAddress, WebAddress, parse_address
from AnnotationQACore.interchange.network.credentials import Credentials, find_credentials, keyring_service
from AnnotationQACore.interchange.network.query import Query
from AnnotationQACore.interchange.network.web_server import WebOptions, WebServer

WEB = parse_address("https://pacs-1.example.org/dicom-web/")
GENERAL = {"ANNOTATIONQA_DICOMWEB_USER": "anna", "ANNOTATIONQA_DICOMWEB_PASSWORD": "general"}


@pytest.fixture(autouse=True)
def keyring(monkeypatch):
    """A keyring of our own in place of the system's."""
    held = {}
    errors = types.ModuleType("keyring.errors")
    errors.KeyringError = type("KeyringError", (Exception,), {})
    module = types.ModuleType("keyring")

    def get_credential(service, user):
        if held.get("locked"):
            raise errors.KeyringError("locked")
        found = held.get(service)
        return found if found and user in (None, found.username) else None

    module.get_credential, module.errors = get_credential, errors
    monkeypatch.setitem(sys.modules, "keyring", module)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    return held


def test_forms_of_addresses():
    assert WebAddress("https://pacs-1.example.org/dicom-web", "pacs-1.example.org", 443, True) == WEB
    assert parse_address("http://localhost:8042/a/b").is_local
    assert parse_address("http://[::1]:8042/dicom-web").is_local
    assert not WEB.is_local
    assert parse_address("dicom://pacs:11112/MAIN_PACS") == DimseAddress("pacs", 11112, "MAIN_PACS", False)
    assert parse_address("dicoms://pacs/MAIN").port == 2762
    assert parse_address("dicom://pacs/MAIN").port == 104


@pytest.mark.parametrize(
    "text",
    [
        "pacs.example.org", "ftp://pacs/x", "https://", "https://host:99999/x", "https://[::1/x", "dicom://pacs:104",
        "dicom://pacs/A_TITLE_THAT_IS_TOO_LONG", "https://host/x?key=s3cr3t", "https://anna:s3cr3t@host/x",
        "dicom://anna:s3cr3t@host/PACS",
    ],
)  # fmt: skip
def test_addresses_that_cannot_be_used_are_not_repeated(text):
    with pytest.raises(InputError) as caught:
        parse_address(text)
    assert "s3cr3t" not in str(caught.value)
    assert str(caught.value).startswith("server address: ")


def test_credentials_of_the_host_come_before_the_general_ones(keyring):
    assert find_credentials(WEB, {}) is None
    assert find_credentials(WEB, GENERAL) == Credentials(user="anna", password="general")
    own = {"ANNOTATIONQA_DICOMWEB_PACS_1_EXAMPLE_ORG_TOKEN": "t0k3n"}
    assert find_credentials(WEB, GENERAL | own) == Credentials(token="t0k3n")
    assert find_credentials(parse_address("https://other.org/x"), GENERAL | own).password == "general"


def test_credentials_from_the_keyring(keyring):
    keyring[keyring_service(WEB)] = types.SimpleNamespace(username="anna", password="kept")
    assert find_credentials(WEB, {}) == Credentials(user="anna", password="kept")
    assert find_credentials(WEB, {"ANNOTATIONQA_DICOMWEB_USER": "anna"}).password == "kept"
    with pytest.raises(InputError, match="its password is not"):
        find_credentials(WEB, {"ANNOTATIONQA_DICOMWEB_USER": "bert"})
    keyring["locked"] = True
    assert find_credentials(WEB, {}) is None


def test_credentials_do_not_show_themselves():
    shown = repr(Credentials(user="anna", password="s3cr3t", token="t0k3n"))
    assert not any(secret in shown for secret in ("anna", "s3cr3t", "t0k3n"))


@pytest.mark.parametrize("name", ["USER", "PASSWORD", "TOKEN"])
def test_line_breaks_cannot_get_into_headers(name):
    with pytest.raises(InputError, match="line break") as caught:
        find_credentials(WEB, GENERAL | {f"ANNOTATIONQA_DICOMWEB_{name}": "s3cr3t\r\nX-Evil: 1"})
    assert "s3cr3t" not in str(caught.value)


def test_credentials_do_not_leave_in_clear_text():
    remote, secret = parse_address("http://pacs.example.org/x"), Credentials(user="anna", password="s3cr3t")
    with pytest.raises(InputError, match="clear text"):
        WebServer(remote, secret)
    WebServer(remote, secret, WebOptions(plain_credentials=True)).close()
    WebServer(parse_address("http://127.0.0.1/x"), secret).close()
    WebServer(remote).close()


def test_a_ca_bundle_without_certificates(tmp_path):
    (tmp_path / "ca.pem").write_text("nothing")
    for name in ("ca.pem", "absent.pem"):
        with pytest.raises(InputError, match="holds no certificates"):
            WebServer(WEB, None, WebOptions(ca_bundle=tmp_path / name))


@pytest.mark.parametrize(
    "criteria",
    [
        {"studies": ("../../etc",)}, {"series": ("",)}, {"dates": "2024"}, {"dates": "20240231"}, {"dates": "-"},
        {"dates": "20240201-20240131"}, {"dates": "2024010120240131"}, {"patients": ("a\\b",)}, {"modalities": ("",)},
    ],
)  # fmt: skip
def test_criteria_that_make_no_sense(criteria):
    with pytest.raises(InputError):
        Query(**criteria)


@pytest.mark.parametrize(
    ("criteria", "matches"),
    [
        ({}, True),
        ({"patients": ("P-[1]",)}, True),
        ({"patients": ("p-*",)}, True),
        ({"patients": ("P-?1?",)}, True),
        ({"patients": ("P-1",)}, False),
        ({"patients": ("Q", "P-[1]")}, True),
        ({"dates": "20240131"}, True),
        ({"dates": "20240130"}, False),
        ({"dates": "20240131-"}, True),
        ({"dates": "-20240130"}, False),
        ({"modalities": ("MR", "CT")}, True),
        ({"modalities": ("MR",)}, False),
        ({"studies": ("1.2",)}, True),
        ({"studies": ("1.3",)}, False),
        ({"series": ("1.3",)}, True),
    ],
)
def test_answers_are_compared_with_the_criteria(criteria, matches):
    answer = Dataset()
    answer.PatientID, answer.StudyDate, answer.Modality, answer.StudyInstanceUID = "P-[1]", "20240131", "CT", "1.2"
    assert Query(**criteria).admits(answer) is matches
