"""TLS is verified; classic networking is an extra."""

import ipaddress
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from AnnotationQACore.cli.main import main
from AnnotationQACore.errors import InputError, MissingExtra
from AnnotationQACore.interchange.network.connecting import ConnectionOptions, connected
from AnnotationQACore.interchange.network.query import Query


@pytest.fixture
def certificate(tmp_path):
    """Files of a certificate for 127.0.0.1 that signs itself, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = tmp_path / "certificate.pem", tmp_path / "key.pem"
    paths[0].write_bytes(built.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


def test_certificates_are_verified(fake_with_tls, certificate, make_series, monkeypatch, capsys):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = fake_with_tls(context)
    server.hold(make_series(1))
    assert main(["fetch", server.url, "--all", "--list"]) == 2
    printed = capsys.readouterr()
    assert "certificate is not trusted" in printed.err
    assert len(printed.err.splitlines()) == 1
    assert not server.requests
    with connected(server.url, ConnectionOptions(ca_bundle=certificate[0])) as trusted:
        assert len(trusted.find_series(Query())) == 1


def test_https_to_a_server_without_tls(fake, capsys):
    assert main(["fetch", fake.url.replace("http", "https", 1), "--all", "--list"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_libraries_write_nothing_beside_our_line():
    call = "import sys; from AnnotationQACore.cli.main import main; sys.exit(main())"
    for address in ("http://127.0.0.1:1/dicom-web", "dicom://127.0.0.1:1/PACS"):
        command = [sys.executable, "-c", call, "fetch", address, "--all", "--list"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1, done.stderr


def test_classic_networking_without_its_extra_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynetdicom", None)
    with pytest.raises(MissingExtra, match=r"pip install 'annotation-qa\[dimse\]'"), connected("dicom://host/PACS"):
        pass


def test_classic_networking_with_a_server_that_is_not_there(capsys):
    pytest.importorskip("pynetdicom")
    assert main(["fetch", "dicom://127.0.0.1:1/PACS", "--all", "--list"]) == 2
    printed = capsys.readouterr()
    assert "cannot be reached" in printed.err
    assert len(printed.err.splitlines()) == 1
    for options in (["--calling-ae", "A_TITLE_THAT_IS_TOO_LONG"], ["--move", "x"], ["--move", "99999"]):
        assert main(["fetch", "dicom://127.0.0.1:1/PACS", "--all", "--list", *options]) == 2


def test_a_bad_ca_bundle_for_classic_networking(tmp_path):
    pytest.importorskip("pynetdicom")
    with (
        pytest.raises(InputError, match="holds no certificates"),
        connected("dicoms://127.0.0.1/PACS", ConnectionOptions(ca_bundle=tmp_path / "absent")),
    ):
        pass
