"""Bits beyond Bits Stored: what hides there goes, what belongs to the values stays, and most images are not touched."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from DeidentifyStudyCore.dicom.unused_bits import CLEARED, KEPT, CellForm, cleared, holds_more

ROWS, COLUMNS = 96, 256
EXPLICIT = "1.2.840.10008.1.2.1"


@pytest.fixture(scope="module")
def text() -> np.ndarray:
    """Pixels of a name, of shape (rows, columns)."""
    picture = Image.new("L", (COLUMNS, ROWS))
    ImageDraw.Draw(picture).text((8, 30), "ZYXWARTH 1957", fill=255, font=ImageFont.load_default(20))
    return np.asarray(picture) > 100


@pytest.fixture
def run(make_dataset, encode, deidentify):
    """De-identify a CT image with these cells; returns what was done to its pixels, and the cells as they are then."""

    def run(
        cells: np.ndarray, syntax: str = "1.2.840.10008.1.2.1", **attributes: object
    ) -> tuple[set[str], np.ndarray]:
        order = ">" if syntax.endswith(".2.2") else "<"
        raw = cells.astype(cells.dtype.newbyteorder(order))
        described = {"BitsAllocated": 8 * cells.itemsize, "PixelRepresentation": int(cells.dtype.kind == "i")}
        dataset = make_dataset(
            **described | {"Rows": ROWS, "Columns": COLUMNS, "PixelData": raw.tobytes()} | attributes
        )
        outcome, destination = deidentify({"a": encode(dataset, syntax)}, "gdpr-anonymous")
        assert [result.reason for result in outcome.files] == [""]
        after = pydicom.dcmread(next(Path(destination).rglob("*.dcm")))
        return set(outcome.files[0].pixels), np.frombuffer(after.PixelData, raw.dtype)[: cells.size].reshape(
            cells.shape
        )

    return run


def anatomy(low: int, high: int, kind: str) -> np.ndarray:
    i, j = np.mgrid[0:ROWS, 0:COLUMNS]
    noise = np.random.default_rng(1).normal(0, 0.02, (ROWS, COLUMNS))
    share = 0.5 + 0.45 * np.sin(i / 19 + 1) * np.cos(j / 23) + noise
    return (low + np.clip(share, 0, 1) * (high - low)).astype(kind)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"])
@pytest.mark.parametrize("bit", [12, 13, 14, 15])
def test_a_name_in_unused_bits_goes_and_the_image_stays(bit, syntax, run, text):
    image = anatomy(0, 4095, "u2")
    done, after = run(image | (text.astype(np.uint16) << bit), syntax)
    np.testing.assert_array_equal(after, image)
    assert CLEARED in done


@pytest.mark.parametrize("sign_extended", [True, False])
def test_a_name_among_signs_goes_too(sign_extended, run, text):
    values = anatomy(-2000, 2000, "i2")
    cells = values if sign_extended else (values & 0xFFF).astype("i2")
    done, after = run((cells.view("u2") ^ (text.astype(np.uint16) << 13)).view("i2"))
    np.testing.assert_array_equal((after.view("u2") & 0xFFF), values.view("u2") & 0xFFF)
    assert set(np.unique(after.view("u2") >> 12)) <= {0, 15}
    assert CLEARED in done


def test_a_name_below_the_stored_bits_goes(run, text):
    image = anatomy(0, 4095, "u2") << 4
    done, after = run(image | text, BitsStored=12, HighBit=15)
    np.testing.assert_array_equal(after, image)
    assert CLEARED in done


def test_a_name_in_the_top_bit_of_bytes_goes(run, text):
    image = anatomy(0, 127, "u1")
    done, after = run(image | (text.astype(np.uint8) << 7), BitsStored=7, HighBit=6)
    np.testing.assert_array_equal(after, image)
    assert CLEARED in done


@pytest.mark.parametrize(
    ("cells", "attributes"),
    [
        (anatomy(0, 4095, "u2"), {}),
        (anatomy(-2048, 2047, "i2"), {}),
        ((anatomy(-2000, 2000, "i2") & 0xFFF).astype("i2"), {}),
        (anatomy(0, 65535, "u2"), {"BitsStored": 16, "HighBit": 15}),
        (anatomy(0, 255, "u1"), {"BitsStored": 8, "HighBit": 7}),
    ],
    ids=["unsigned", "signed", "signed, not extended", "all bits stored", "bytes"],
)
def test_images_without_anything_there_are_copied(cells, attributes, run):
    done, after = run(cells, **attributes)
    np.testing.assert_array_equal(after, cells)
    assert not done & {CLEARED, KEPT}


@pytest.mark.parametrize("high", [20000, 65535])
def test_values_that_need_more_bits_than_the_header_says_are_kept_and_reported(high, run):
    image = anatomy(0, high, "u2")
    done, after = run(image)
    np.testing.assert_array_equal(after, image)
    assert KEPT in done


def test_noise_over_all_bits_is_kept(run):
    image = np.random.default_rng(2).integers(0, 65536, (ROWS, COLUMNS)).astype("u2")
    done, after = run(image)
    np.testing.assert_array_equal(after, image)
    assert KEPT in done


def test_padding_outside_of_the_stored_bits_is_no_secret(run):
    image = anatomy(0, 4095, "u2")
    image[:, :40] = 63536  # -2000, as some scanners have it
    done, after = run(image, PixelPaddingValue=63536)
    np.testing.assert_array_equal(after, image)
    assert not done & {CLEARED, KEPT}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_clearing_leaves_every_sample_as_it_was(data):
    allocated = data.draw(st.sampled_from([8, 16, 32]))
    stored = data.draw(st.integers(1, allocated - 1))
    high = data.draw(st.integers(stored - 1, allocated - 1))
    form = CellForm(allocated, stored, high, signed=data.draw(st.booleans()))
    cells = np.array(data.draw(st.lists(st.integers(0, 2**allocated - 1), min_size=1)), form.kind)
    after = cleared(cells, form)
    shift = high + 1 - stored
    mask = ((1 << stored) - 1) << shift
    np.testing.assert_array_equal(after & form.kind.type(mask), cells & form.kind.type(mask))
    assert not holds_more(after, form)
    assert holds_more(cells, form) == bool((after != cells).any())
