"""Memory that one file after another is read into."""

from collections import OrderedDict

import numpy as np
import pytest

from DeidentifyStudyCore.dicom import layouts
from DeidentifyStudyCore.dicom.memory import Memory
from DeidentifyStudyCore.dicom.source import SHORT_RANGE, opened
from DeidentifyStudyCore.errors import MalformedFile


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    """What other tests opened must not tell how these files begin."""
    monkeypatch.setattr(layouts, "_known", OrderedDict())
    monkeypatch.setattr(layouts, "_latest", ())


@pytest.fixture
def image(make_dataset, encode):
    """A CT image that is too large to be read as a whole in any case."""

    def make(number: int) -> bytes:
        pixels = np.random.default_rng(number).integers(0, 4000, (256, 256)).astype("<u2").tobytes()
        return encode(make_dataset(Rows=256, Columns=256, PixelData=pixels, InstanceNumber=number))

    return make


def test_it_begins_with_a_page():
    for size in (1, 4095, 4096, 100_000):
        memory = Memory(size)
        assert len(memory.view) == size
        assert np.frombuffer(memory.view, np.uint8).ctypes.data % 4096 == 0


def test_what_is_read_is_what_the_file_has(tmp_path):
    content = bytes(range(256)) * 40
    (tmp_path / "file").write_bytes(content)
    memory = Memory(1000)
    with (tmp_path / "file").open("rb", buffering=0) as file:
        assert memory.read(file, 10, 1010) == content[10:1010]
        assert memory.holds(content[17:300], 7)
        assert not memory.holds(content[18:300], 7)
        assert memory.read(file, 10_000, 11_000) == content[10_000:]  # the file ends before
        assert memory.read(file, 20_000, 20_500) == b""


def test_files_are_read_one_after_the_other_into_the_same_memory(tmp_path, image):
    contents = [image(number) for number in range(4)]
    memory = Memory(SHORT_RANGE)
    seen = []
    for content in contents:
        (tmp_path / "file").write_bytes(content)
        with opened(tmp_path / "file", whole=True, memory=memory) as source:
            assert source.view(100, 200_00) == content[100:200_00]
            assert source.holds(content[-5000:], len(content) - 5000)
            assert not source.holds(b"\xff" * 5000, len(content) - 5000)
            assert source.read(5, 50) == content[5:50]
            seen.append(memory.view[: len(content)] == content)
            assert source.buffer[:] == content
            assert source.view(0, len(content)) == content
    assert seen[0] is False  # nothing was known of its layout, so that all of it had to be looked at
    assert seen[-1] is True


def test_a_file_that_shrinks_while_it_is_read_is_not_taken_for_the_one_before(tmp_path, image):
    contents = [image(number) for number in range(3)]
    memory = Memory(SHORT_RANGE)
    for content in contents:
        (tmp_path / "file").write_bytes(content)
        with opened(tmp_path / "file", whole=True, memory=memory) as source:
            source.view(0, 10)
    with opened(tmp_path / "file", whole=True, memory=memory) as source:
        (tmp_path / "file").write_bytes(contents[0][:-1000])
        with pytest.raises(MalformedFile):
            source.view(0, 10)
        assert not source.holds(contents[2][-1000:], len(contents[0]) - 1000)


def test_two_files_that_are_open_at_the_same_time_are_not_mistaken_for_one_another(tmp_path, image):
    contents = [image(number) for number in range(4)]
    for number, content in enumerate(contents):
        (tmp_path / str(number)).write_bytes(content)
        opened(tmp_path / str(number)).__exit__()
    memory = Memory(SHORT_RANGE)
    with (
        opened(tmp_path / "2", whole=True, memory=memory) as one,
        opened(tmp_path / "3", whole=True, memory=memory) as other,
    ):
        for source, content in ((one, contents[2]), (other, contents[3]), (one, contents[2])):
            size = len(content)
            assert source.view(0, size) == content
            assert source.holds(content[-9000:], size - 9000)
        assert not other.holds(contents[2][-9000:], len(contents[3]) - 9000)
        assert other.view(0, len(contents[3])) == contents[3]
