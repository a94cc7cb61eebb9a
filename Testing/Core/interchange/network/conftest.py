"""A small DICOMweb server that can be told to fail, a real Orthanc in a network of its own, and a proxy that cuts."""

import base64
import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from urllib.request import Request, urlopen

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RLELossless

USER, PASSWORD = "reader-4711", "s3cr3t-p4ss&word"
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1


def make_instance(number, series=1, study=1, patient="PSEUDO-7", rows=32, syntax=ExplicitVRLittleEndian):
    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.SOPClassUID = CTImageStorage
    one.StudyInstanceUID = f"1.2.826.0.1.3680043.2.1125.{study}"
    one.SeriesInstanceUID = f"{one.StudyInstanceUID}.{series}"
    one.SOPInstanceUID = f"{one.SeriesInstanceUID}.{number}"
    one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID
    one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID
    one.PatientID, one.PatientName = patient, "Hidden^Name"
    one.PatientBirthDate, one.PatientSex = "", "O"
    one.StudyDate, one.StudyTime, one.AccessionNumber, one.StudyID = f"202401{study:02}", "", "", ""
    one.ReferringPhysicianName = ""
    one.Modality, one.SeriesNumber, one.InstanceNumber = "CT", series, number
    one.Rows = one.Columns = rows
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.BitsAllocated = one.BitsStored = 16
    one.HighBit, one.PixelRepresentation = 15, 0
    pixels = np.random.default_rng(1000 * series + number).integers(0, 4096, (rows, rows), dtype=np.uint16)
    one.PixelData = pixels.tobytes()
    if syntax != ExplicitVRLittleEndian:
        one.compress(syntax, pixels, generate_instance_uid=False)
    return one


@pytest.fixture
def make_series(tmp_path):
    """Write a series of several files and return their paths."""

    def make(count=3, folder="made", **kinds):
        target = tmp_path / folder
        target.mkdir(exist_ok=True)
        paths = []
        for number in range(1, count + 1):
            one = make_instance(number, **kinds)
            paths.append(target / f"{one.SeriesInstanceUID}-{number}.dcm")
            one.save_as(paths[-1], enforce_file_format=True)
        return paths

    return make


class FakeServer(ThreadingHTTPServer):
    """DICOMweb on loopback; `failures` is a queue of what to do instead of answering."""

    daemon_threads = True

    def __init__(self, context=None):
        super().__init__(("127.0.0.1", 0), _FakeHandler)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.instances = {}
        self.requests = []
        self.authorizations = []
        self.failures = deque()
        self.credentials = None
        self.cut_after = deque()
        self.largest_body = None
        self.refuse_sop = {}
        self.ignore_filters = False
        self.tell_sizes = True
        self.scheme = "https" if context else "http"

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}/dicom-web"

    def hold(self, paths):
        for path in paths:
            header = dcmread(path, stop_before_pixels=True)
            self.instances[header.SOPInstanceUID] = (header, Path(path).read_bytes())

    def count(self, method, ending=""):
        return sum(1 for verb, path in self.requests if verb == method and path.endswith(ending))

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handle_error(request, client_address)


class _FakeHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeServer

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        parts = urlsplit(self.path)
        self.server.requests.append(("GET", parts.path))
        if self._fails():
            return
        names = parts.path.strip("/").split("/")
        if names[0] != "dicom-web":
            self._send(404, b"nothing here", "text/html")
            return
        filters = dict(parse_qsl(parts.query))
        limit, offset = int(filters.pop("limit", 10**6)), int(filters.pop("offset", 0))
        uids = dict(zip(names[1::2], names[2::2], strict=False))
        if "multipart/related" in self.headers.get("Accept", ""):
            self._retrieve(uids)
            return
        level = names[-1]
        key = {"studies": "StudyInstanceUID", "series": "SeriesInstanceUID", "instances": "SOPInstanceUID"}[level]
        found = {}
        for header, _ in self.server.instances.values():
            if not self._in(header, uids):
                continue
            if not self.server.ignore_filters and any(
                name in header and str(header.get(name)) != value for name, value in filters.items()
            ):
                continue
            answer = Dataset()
            for name in ("StudyInstanceUID", "StudyDate", "PatientID", key, "SOPClassUID", "SeriesInstanceUID"):
                setattr(answer, name, header.get(name))
            answer.Modality = header.Modality
            found.setdefault(str(header.get(key)), answer.to_json_dict())
        content = json.dumps(list(found.values())[offset : offset + limit]).encode()
        self._send(200, content, "application/dicom+json")

    def do_POST(self):
        self.server.requests.append(("POST", urlsplit(self.path).path))
        body = self.rfile.read(int(self.headers["Content-Length"]))
        largest = self.server.largest_body
        if largest is not None and len(body) > largest:
            self._send(413, b"", "text/plain")
            return
        boundary = self.headers["Content-Type"].split("boundary=")[1].encode()
        stored, failed = [], []
        for part in body.split(b"--" + boundary)[1:-1]:
            content = part.split(b"\r\n\r\n", 1)[1][:-2]
            one = Dataset()
            path = Path(self.server.spool) / "part.dcm"
            path.write_bytes(content)
            header = dcmread(path, stop_before_pixels=True)
            one.ReferencedSOPClassUID = header.SOPClassUID
            one.ReferencedSOPInstanceUID = header.SOPInstanceUID
            if header.SOPInstanceUID in self.server.refuse_sop:
                one.FailureReason = self.server.refuse_sop[header.SOPInstanceUID]
                failed.append(one)
            else:
                self.server.instances[header.SOPInstanceUID] = (header, content)
                stored.append(one)
        if self._fails():  # after it has been stored: the answer is lost
            return
        answer = Dataset()
        if stored:
            answer.ReferencedSOPSequence = stored
        if failed:
            answer.FailedSOPSequence = failed
        status = 200 if not failed else 202 if stored else 409
        self._send(status, json.dumps(answer.to_json_dict()).encode(), "application/dicom+json")

    def _in(self, header, uids):
        return (
            uids.get("studies", header.StudyInstanceUID) == header.StudyInstanceUID
            and uids.get("series", header.SeriesInstanceUID) == header.SeriesInstanceUID
            and uids.get("instances", header.SOPInstanceUID) == header.SOPInstanceUID
        )

    def _retrieve(self, uids):
        assert "transfer-syntax=*" in self.headers["Accept"]
        found = [content for header, content in self.server.instances.values() if self._in(header, uids)]
        if not found:
            self._send(404, b"", "text/plain")
            return
        head = b"--b0undary\r\nContent-Type: application/dicom\r\n\r\n"
        body = b"".join(head + content + b"\r\n" for content in found) + b"--b0undary--\r\n"
        self._send(200, body, 'multipart/related; type="application/dicom"; boundary=b0undary')

    def _fails(self):
        wanted = self.server.credentials
        self.server.authorizations.append(self.headers.get("Authorization"))
        if wanted and self.headers.get("Authorization") != wanted:
            self._send(401, b"who are you", "text/plain")
            return True
        if not self.server.failures:
            return False
        failure = self.server.failures.popleft()
        if failure is None:
            return False
        if failure == "cut":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return True
        status, headers, content = failure
        self._send(status, content, headers.pop("Content-Type", "text/html"), headers)
        return True

    def _send(self, status, content, kind, headers=()):
        cut = self.server.cut_after.popleft() if kind.startswith("multipart") and self.server.cut_after else None
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if self.server.tell_sizes or cut is None:
            self.send_header("Content-Length", str(len(content)))
        for name, value in dict(headers).items():
            self.send_header(name, value)
        if cut is not None:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content if cut is None else content[:cut])
        if cut is not None:
            self.close_connection = True


@contextlib.contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def fake(tmp_path, clean_environment):
    server = FakeServer()
    server.spool = tmp_path
    with serving(server):
        yield server


@pytest.fixture
def fake_with_tls(tmp_path, clean_environment):
    """Make a server with this context."""
    with contextlib.ExitStack() as stack:

        def start(context):
            server = FakeServer(context)
            server.spool = tmp_path
            return stack.enter_context(serving(server))

        yield start


@pytest.fixture
def clean_environment(monkeypatch):
    for name in list(os.environ):
        if name.startswith("ANNOTATIONQA_DICOMWEB") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def waits():
    """Seconds that would have been waited; and what to hand to `Patience` as `wait`."""
    return []


@pytest.fixture
def basic():
    """Authorization header of a user and a password."""
    return lambda user, password: "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# ---- Orthanc ---------------------------------------------------------------------------------------------------------


def _absent(reason):
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


@contextlib.contextmanager
def own_network():
    """Have this thread, and the processes and threads that it starts, see a network of their own: only a loopback."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open() as before:
        if libc.unshare(CLONE_NEWNET):
            _absent(f"needs a network namespace, as root gets ({os.strerror(ctypes.get_errno())})")
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
            yield
        finally:
            assert libc.setns(before.fileno(), CLONE_NEWNET) == 0


class Orthanc:
    http, dicom, move_port = 8042, 4242, 11112
    url = f"http://127.0.0.1:{http}/dicom-web"
    dicom_url = f"dicom://127.0.0.1:{dicom}/ORTHANC"

    def __init__(self, folder, program, plugin):
        self.folder = folder
        config = {
            "Name": "Test",
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "HttpPort": self.http,
            "DicomPort": self.dicom,
            "DicomAet": "ORTHANC",
            "DicomCheckCalledAet": True,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: PASSWORD},
            "Plugins": [str(plugin)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": False},
            "DicomModalities": {"us": ["ANNOTATIONQA", "127.0.0.1", self.move_port]},
            "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowMove": True,
            "DicomAlwaysAllowFind": True,
            "SaveJobs": False,
            "StableAge": 1,
        }
        (folder / "orthanc.json").write_text(json.dumps(config))
        self.log = (folder / "log.txt").open("wb")
        self.process = subprocess.Popen(
            [program, str(folder / "orthanc.json")], stdout=self.log, stderr=subprocess.STDOUT, cwd=folder
        )

    def wait_until_it_answers(self, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError):
                self.call("/plugins/dicom-web")
                return
            time.sleep(0.05)  # between two polls
        pytest.fail(f"Orthanc did not start:\n{(self.folder / 'log.txt').read_text()[-2000:]}")

    def call(self, path, method="GET", data=None):
        request = Request(f"http://127.0.0.1:{self.http}{path}", method=method, data=data)
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode())
        with urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")

    def upload(self, paths):
        for path in paths:
            self.call("/instances", "POST", Path(path).read_bytes())

    def clear(self):
        for patient in self.call("/patients"):
            self.call(f"/patients/{patient}", "DELETE")

    @property
    def count(self):
        return self.call("/statistics")["CountInstances"]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)
        self.log.close()


@pytest.fixture(scope="module")
def running_orthanc(tmp_path_factory):
    program = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
    plugin = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
    if not sys.platform.startswith("linux"):
        pytest.skip("needs Linux's network namespaces")
    if program is None or not plugin.exists():
        _absent("needs a real PACS (apt-get install orthanc orthanc-dicomweb)")
    with own_network():
        orthanc = Orthanc(tmp_path_factory.mktemp("orthanc"), program, plugin)
        try:
            orthanc.wait_until_it_answers()
            yield orthanc
        finally:
            orthanc.stop()


@pytest.fixture
def orthanc(running_orthanc, clean_environment, monkeypatch):
    """An empty Orthanc whose credentials are in the environment."""
    monkeypatch.setenv("ANNOTATIONQA_DICOMWEB_USER", USER)
    monkeypatch.setenv("ANNOTATIONQA_DICOMWEB_PASSWORD", PASSWORD)
    running_orthanc.clear()
    return running_orthanc


@pytest.fixture
def cutting_proxy(orthanc):
    """Pass bytes to Orthanc; `cuts` is a queue of how many bytes a long answer may have before the line is cut."""
    server = socket.create_server(("127.0.0.1", 0))
    cuts, threads, stopped = deque(), [], threading.Event()

    def pass_on(client):
        with client, socket.create_connection(("127.0.0.1", orthanc.http), timeout=30) as upstream:
            client.settimeout(30)
            with contextlib.suppress(OSError):
                while request := _message(client):
                    upstream.sendall(request)
                    answer = _message(upstream, to_the_end=True)
                    if b"multipart/related" in answer[:2000] and cuts:
                        client.sendall(answer[: cuts.popleft()])
                        return
                    client.sendall(answer)

    def accept():
        while not stopped.is_set():
            client, _ = server.accept()
            if stopped.is_set():
                client.close()
                return
            threads.append(threading.Thread(target=pass_on, args=(client,)))
            threads[-1].start()

    thread = threading.Thread(target=accept)
    thread.start()
    port = server.getsockname()[1]
    yield f"http://127.0.0.1:{port}/dicom-web", cuts
    stopped.set()
    socket.create_connection(("127.0.0.1", port)).close()
    for one in (thread, *threads):
        one.join(30)
    server.close()


def _message(connection, to_the_end=False):
    """One HTTP message, whole; an answer without a length goes to the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    headers = head.lower()
    if b"content-length:" in headers:
        length = int(headers.split(b"content-length:")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += connection.recv(65536)
    elif b"chunked" in headers:
        while not body.endswith(b"0\r\n\r\n"):
            body += connection.recv(65536)
    elif to_the_end:
        while piece := connection.recv(65536):
            body += piece
    return head + b"\r\n\r\n" + body


@pytest.fixture
def rle():
    return RLELossless
