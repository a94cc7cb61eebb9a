"""Large objects pass through in pieces."""

import tracemalloc

import pytest

from AnnotationQACore.interchange.network.instance_file import read_instance_file
from AnnotationQACore.interchange.network.multipart import FilesBody, media_type, read_parts
from AnnotationQACore.interchange.network.series_folder import SeriesFolder

SIZE = 4096  # rows and columns: 32 MiB of pixels
ENOUGH = 8 << 20


@pytest.fixture
def large(make_series):
    (path,) = make_series(1, rows=SIZE)
    return read_instance_file(path)


@pytest.fixture
def peak():
    """Most memory in use while the test ran, bytes."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def test_neither_direction_holds_an_object_in_memory(large, tmp_path, peak):
    body = FilesBody([(large.path, large.size)])
    _, boundary = media_type(body.content_type)
    folder = SeriesFolder(tmp_path / "out", large.series_uid)
    folder.look([])
    for part in read_parts(iter(lambda: body.read(1 << 15), b""), boundary):
        folder.keep(part, [large.sop_uid], "server")
    assert folder.instances[large.sop_uid].size == large.size > 30 << 20
    assert peak() < ENOUGH
