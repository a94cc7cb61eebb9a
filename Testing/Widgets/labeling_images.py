"""Writers of images of all kinds, for studies of `labeling_studies`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
from PIL import Image
from pydicom.data import get_testdata_file

from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.phantom import write_phantom_series
from AnnotationQACore.protocol.model import SeriesRole
from AnnotationQACore.segmentation import Mask

__all__ = ["write_frames", "write_picture", "write_time_points"]


def write_time_points(folder: Path, case: str, role: SeriesRole) -> Path:
    """Five DICOM volumes of one series at 40 ms from each other, each of its own value."""
    grid = Grid((3, 16, 16))
    place = folder / role.id
    place.mkdir()
    for time in range(5):
        work = folder / f"work-{role.id}-{time}"
        work.mkdir()
        write_phantom_series(work, Mask(np.ones(grid.shape, dtype=bool), grid), "phantom", "2.25.5", seed=1)
        for number, path in enumerate(sorted(work.iterdir())):
            dataset = pydicom.dcmread(path)
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"2.25.5.{time}.{number + 1}"
            dataset.TriggerTime = 40.0 * time
            pixels = np.full((16, 16), time + 1, dtype=np.int16)
            dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
            dataset.PixelData = pixels.tobytes()
            dataset.save_as(place / f"{time}-{number}.dcm")
    return place


def write_frames(folder: Path, case: str, role: SeriesRole) -> Path:
    """A multi-frame secondary capture of four frames."""
    path = folder / f"{role.id}.dcm"
    dataset = pydicom.dcmread(str(get_testdata_file("MR_small.dcm", download=False)))
    for element in list(dataset):
        if element.tag.group > 0x0010 and element.tag not in {0x0020000D, 0x0020000E}:
            del dataset[element.tag]
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7.2"
    dataset.Modality, dataset.ImageType = "DX", ["DERIVED", "SECONDARY"]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = 4, 20, 30
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.PixelData = (np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((4, 20, 30), np.uint8)).tobytes()
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path, enforce_file_format=True)
    return path


def write_picture(folder: Path, case: str, role: SeriesRole) -> Path:
    path = folder / f"{role.id}.png"
    Image.fromarray(np.arange(30 * 40, dtype=np.uint16).reshape(30, 40).astype(np.uint8)).save(path)
    return path
