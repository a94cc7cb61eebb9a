"""Classic DICOM over TLS: certificates are verified, and an archive that is not trusted is asked nothing."""

import contextlib
import gc
import ipaddress
import ssl
import warnings
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydicom.dataset import Dataset

from AnnotationQACore.cli.main import main
from AnnotationQACore.errors import NetworkError
from AnnotationQACore.interchange.network.connecting import ConnectionOptions, connected
from AnnotationQACore.interchange.network.query import Query

pynetdicom = pytest.importorskip("pynetdicom", reason="needs pip install 'annotation-qa[dimse]'")


@pytest.fixture
def certificate(tmp_path):
    """Files of a certificate for 127.0.0.1 that signs itself, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = tmp_path / "certificate.pem", tmp_path / "key.pem"
    paths[0].write_bytes(built.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return paths


@contextlib.contextmanager
def archive(context, asked):
    """An archive of one series on a free port of loopback."""

    def find(event):
        asked.append(str(event.identifier.QueryRetrieveLevel))
        answer = Dataset()
        answer.QueryRetrieveLevel = event.identifier.QueryRetrieveLevel
        answer.StudyInstanceUID, answer.SeriesInstanceUID = "1.2.3", "1.2.3.4"
        answer.Modality, answer.NumberOfSeriesRelatedInstances = "CT", 2
        answer.PatientID = "P1"
        yield 0xFF00, answer

    entity = pynetdicom.AE(ae_title="ARCHIVE")
    for offered in (*pynetdicom.VerificationPresentationContexts, *pynetdicom.QueryRetrievePresentationContexts):
        entity.add_supported_context(offered.abstract_syntax)
    server = entity.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(pynetdicom.evt.EVT_C_FIND, find)], ssl_context=context
    )
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()
        entity = server = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # pynetdicom leaves sockets of failed handshakes open
            gc.collect()


@pytest.fixture
def secure(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    asked = []
    with archive(context, asked) as port:
        yield port, asked


def test_a_trusted_archive_is_asked_over_tls(secure, certificate):
    port, asked = secure
    options = ConnectionOptions(ca_bundle=certificate[0])
    with connected(f"dicoms://127.0.0.1:{port}/ARCHIVE", options) as server:
        (series,) = server.find_series(Query())
    assert series.series_uid == "1.2.3.4"
    assert asked


def test_an_archive_that_is_not_trusted_is_asked_nothing(secure, capsys):
    port, asked = secure
    assert main(["fetch", f"dicoms://127.0.0.1:{port}/ARCHIVE", "--all", "--list"]) == 2
    printed = capsys.readouterr().err
    assert "its certificate is not trusted; check --ca-bundle" in printed
    assert len(printed.splitlines()) == 1
    assert asked == []


def test_a_certificate_for_another_host_is_not_trusted(secure, certificate):
    port, asked = secure
    options = ConnectionOptions(ca_bundle=certificate[0])
    with pytest.raises(NetworkError), connected(f"dicoms://localhost:{port}/ARCHIVE", options) as server:
        server.find_series(Query())
    assert asked == []
