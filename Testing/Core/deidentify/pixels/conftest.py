"""Text on frames, objects that carry it, and runs that clean them."""

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset
from scipy import ndimage

from DeidentifyStudyCore.pixels import cine, step
from DeidentifyStudyCore.pixels.boxes import Box
from DeidentifyStudyCore.pixels.search import Found
from DeidentifyStudyCore.profile import Profile, load_profile, parse_profile
from DeidentifyStudyCore.review import ReviewQueue

CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
MULTI_FRAME_CAPTURE = "1.2.840.10008.5.1.4.1.1.7.3"
NAME = "ZYXWARTH^QUILLON 1957-03-12"


@pytest.fixture(scope="session")
def ink() -> Callable[..., NDArray[np.bool_]]:
    """Draw text into a mask of (rows, columns)."""

    def draw(shape: tuple[int, int], place: tuple[int, int] = (6, 8), text: str = NAME, size: int = 14) -> np.ndarray:
        picture = Image.new("L", (shape[1], shape[0]))
        ImageDraw.Draw(picture).text((place[1], place[0]), text, fill=255, font=ImageFont.load_default(size))
        return np.asarray(picture) > 100

    return draw


@pytest.fixture(scope="session")
def make_capture(make_dataset) -> Callable[..., Dataset]:
    """Make a secondary capture of frames given as an array of shape (frames, rows, columns[, 3])."""

    def make(frames: NDArray, number: int = 1, **attributes: object) -> Dataset:
        colour = frames.ndim == 4
        dataset = make_dataset(
            MULTI_FRAME_CAPTURE if len(frames) > 1 else CAPTURE,
            number,
            Modality="OT",
            ConversionType="WSD",
            ImageType=["DERIVED", "SECONDARY"],
            Rows=frames.shape[1],
            Columns=frames.shape[2],
            SamplesPerPixel=3 if colour else 1,
            PhotometricInterpretation="RGB" if colour else "MONOCHROME2",
            BitsAllocated=frames.dtype.itemsize * 8,
            BitsStored=frames.dtype.itemsize * 8,
            HighBit=frames.dtype.itemsize * 8 - 1,
            PixelRepresentation=int(frames.dtype.kind == "i"),
        )
        if colour:
            dataset.PlanarConfiguration = 0
        if len(frames) > 1:
            dataset.NumberOfFrames = len(frames)
            dataset.FrameIncrementPointer = 0x00181063
            dataset.FrameTime = "40"
        content = frames.tobytes()
        dataset.PixelData = content + b"\0" * (len(content) % 2)
        dataset["PixelData"].VR = "OB" if frames.dtype.itemsize == 1 else "OW"
        for name, value in attributes.items():
            setattr(dataset, name, value)
        return dataset

    return make


@pytest.fixture(scope="session")
def cleaning() -> Callable[..., Profile]:
    """Profile with *clean pixel data*; keyword arguments change its JSON."""

    def make(**changes: object) -> Profile:
        content = load_profile("research-shifted-dates").as_json() | changes
        return parse_profile(json.dumps(content), "test")

    return make


@pytest.fixture(scope="session")
def untouched() -> Profile:
    """Profile without *clean pixel data*: no pixel is changed without a person."""
    return load_profile("research-shifted-dates", ("clean_pixel_data=off",))


@pytest.fixture
def reviewed(deidentify, untouched, tmp_path) -> Callable[..., Dataset]:
    """Declare that the only object has text, run, accept it with the given boxes, run again, and read the result."""

    def run(content: bytes, boxes: list[list[int]], profile: Profile = untouched) -> Dataset:
        path = tmp_path / "queue"
        dataset, stream = pydicom.dcmread(BytesIO(content)), BytesIO()
        dataset.BurnedInAnnotation = "YES"
        dataset.save_as(stream)
        outcome, destination = deidentify({"object": stream.getvalue()}, profile, queue=ReviewQueue.load(path))
        assert [result.reason for result in outcome.files] == ["burned-in-risk"]
        queue = ReviewQueue.load(path)
        (entry,) = queue.entries.values()
        entry.decision, entry.boxes = "accepted", boxes
        queue.save()
        outcome, _ = deidentify({}, profile, queue=ReviewQueue.load(path))
        assert [result.reason for result in outcome.files] == [""]
        return pydicom.dcmread(next(Path(destination).rglob("*.dcm")))

    return run


@pytest.fixture
def finds_white(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Stand-in for text recognition: it finds one box around all strokes of pure white; counts its calls."""
    calls: list[int] = []

    def find(view: NDArray[np.uint8], method: str) -> list[Found]:
        if method != "union":
            return []  # nothing is suspected that is not read
        calls.append(1)
        white = (view if view.ndim == 2 else view.min(axis=2)) == 255
        white &= ndimage.uniform_filter(white.astype(np.float32), 3) > 0.4  # strokes, not single bright pixels
        if white.sum() < 20 or white.mean() > 0.5:
            return []
        rows, columns = np.flatnonzero(white.any(axis=1)), np.flatnonzero(white.any(axis=0))
        box = Box.between(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
        return [Found(box.grown(3, *view.shape[:2]), "ocr", 0.9)]

    monkeypatch.setattr(cine, "find_text", find)
    monkeypatch.setattr(step, "best_method", lambda: "union")
    return calls
