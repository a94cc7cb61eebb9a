"""DICOM files made from scratch, one wrong thing at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from AnnotationQACore.interchange.series.grouping import SeriesHeader
from AnnotationQACore.interchange.series.scanning import scan_folder

ROWS, COLUMNS = 6, 5


class Studio:
    """Writes DICOM files into one folder; keyword arguments set elements, None removes them."""

    patient_name, patient_id = "Nobody^Knows", "ID-4711"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.study, self.series, self.frame = generate_uid(), generate_uid(), generate_uid()
        self._count = 0

    def slice(
        self, pixels: NDArray[Any] | None = None, *, edit: Callable[[Dataset], None] | None = None, **elements: Any
    ) -> Path:
        """Write one axial CT slice."""
        self._count += 1
        if pixels is None:
            pixels = np.arange(ROWS * COLUMNS, dtype=np.uint16).reshape(ROWS, COLUMNS) + 100 * self._count
        path = self.folder / str(elements.pop("file", f"{self._count:04}.dcm"))
        syntax = elements.pop("syntax", ExplicitVRLittleEndian)
        dataset = self.dataset(pixels, syntax)
        for keyword, value in elements.items():
            if value is None:
                dataset.pop(keyword, None)
            else:
                setattr(dataset, keyword, value)
        if edit is not None:
            edit(dataset)
        dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", CTImageStorage)
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(path, enforce_file_format=True)
        return path

    def stack(
        self,
        count: int = 4,
        step: Sequence[float] = (0.0, 0.0, 2.5),
        origin: Sequence[float] = (-10, -20, 30),
        **elements: Any,
    ) -> list[Path]:
        """Write slices along a line."""
        return [
            self.slice(
                ImagePositionPatient=list(np.add(origin, np.multiply(step, k))), InstanceNumber=k + 1, **elements
            )
            for k in range(count)
        ]

    def dataset(self, pixels: NDArray[Any], syntax: str) -> FileDataset:
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = syntax
        meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = self.study, self.series
        dataset.FrameOfReferenceUID = self.frame
        dataset.Modality, dataset.PatientID, dataset.PatientName = "CT", self.patient_id, self.patient_name
        dataset.PatientSex, dataset.PatientAge = "F", "061Y"
        dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = "20240229"
        dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = "101500"
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.SeriesDescription, dataset.BodyPartExamined = "chest", "CHEST"
        dataset.SeriesNumber, dataset.InstanceNumber = 3, self._count
        dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [-10, -20, 30], [1, 0, 0, 0, 1, 0]
        dataset.PixelSpacing, dataset.SliceThickness = [0.7, 0.6], 2.5
        dataset.Rows, dataset.Columns = pixels.shape[-2:] if pixels.shape[-1] != 3 else pixels.shape[-3:-1]
        color = pixels.shape[-1] == 3
        dataset.SamplesPerPixel = 3 if color else 1
        dataset.PhotometricInterpretation = "RGB" if color else "MONOCHROME2"
        if color:
            dataset.PlanarConfiguration = 0
        bits = 8 * pixels.dtype.itemsize
        dataset.BitsAllocated = dataset.BitsStored = bits
        dataset.HighBit, dataset.PixelRepresentation = bits - 1, int(pixels.dtype.kind == "i")
        if not color:
            dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
        content = pixels.tobytes()
        dataset.PixelData = content + b"\0" * (len(content) % 2)
        return dataset

    def scanned(self) -> SeriesHeader:
        """The one series of the folder."""
        (series,) = scan_folder(self.folder).series
        return series


@pytest.fixture
def studio_in() -> type[Studio]:
    """Takes a folder, and gives a studio that writes there."""
    return Studio


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path / "data")


@pytest.fixture
def another_studio(tmp_path: Path) -> Studio:
    """Writes another series into a folder beside."""
    return Studio(tmp_path / "data" / "other")
