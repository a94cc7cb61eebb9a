"""A CT series that is plainly no patient's: for demonstrations whose real images cannot be shipped.

The word PHANTOM is in the patient's name, the IDs, every description, and written into the pixels of every image.
"""

from __future__ import annotations

import uuid
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from AnnotationQACore import atomic
from AnnotationQACore.errors import InputError
from AnnotationQACore.segmentation import Mask

__all__ = ["LUNG_HU", "NODULE_HU", "phantom_voxels", "write_phantom_series"]

LUNG_HU = -850
NODULE_HU = 20
_TEXT_HU = 1000
_NOISE_HU = 25.0
_SLOPE_INTERCEPT = -1024


def phantom_voxels(mask: Mask, seed: int = 0) -> NDArray[np.int16]:
    """Noise as dense as lung (HU), shape (k, j, i), with soft tissue where the mask is, and PHANTOM written on it."""
    generator = np.random.default_rng(seed)
    noise = generator.normal(0.0, _NOISE_HU, mask.voxels.shape)
    voxels = (np.where(mask.voxels, NODULE_HU, LUNG_HU) + noise).astype(np.int16)
    voxels[:, _lettering(mask.voxels.shape[1:])] = _TEXT_HU
    return voxels


def write_phantom_series(folder: Path, mask: Mask, case: str, series_uid: str, seed: int = 0) -> tuple[Path, ...]:
    """Write a phantom as a CT series, one file a slice.

    Parameters
    ----------
    folder : Path
        Exists; one file for each slice is written into it.
    mask : Mask
        On an orthogonal grid; where there is "nodule".
    case : str
        ID that goes into the patient ID, behind ``PHANTOM-``.
    series_uid : str
        Series Instance UID; study, frame of reference and images have UIDs derived from it.
    seed : int
        Of the noise.

    Raises
    ------
    InputError
        The grid is sheared.
    DestinationError
        A file cannot be written.
    """
    grid = mask.grid
    if grid.is_sheared:
        raise InputError("phantom: the grid is sheared, and a phantom has none; give an orthogonal one.")
    voxels = phantom_voxels(mask, seed)
    paths = []
    for index, image in enumerate(voxels):
        dataset = _header(case, series_uid, index)
        dataset.Rows, dataset.Columns = image.shape
        dataset.PixelSpacing = [f"{grid.spacing[1]:.6g}", f"{grid.spacing[2]:.6g}"]
        dataset.SliceThickness = f"{grid.spacing[0]:.6g}"
        dataset.ImageOrientationPatient = [f"{x:.6g}" for x in (*grid.directions[2], *grid.directions[1])]
        dataset.ImagePositionPatient = [f"{x:.6g}" for x in grid.to_world([index, 0, 0])]
        dataset.PixelData = (image - _SLOPE_INTERCEPT).astype("<u2").tobytes()
        path = folder / f"phantom-{index + 1:04}.dcm"
        with atomic.replacing(path) as temporary:
            dataset.save_as(temporary, enforce_file_format=True)
        paths.append(path)
    return tuple(paths)


def _header(case: str, series_uid: str, index: int) -> Dataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = _derived(series_uid, f"image {index}")
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.StudyInstanceUID = _derived(series_uid, "study")
    dataset.SeriesInstanceUID = series_uid
    dataset.FrameOfReferenceUID = _derived(series_uid, "frame of reference")
    dataset.ImageType = ["DERIVED", "SECONDARY", "AXIAL", "PHANTOM"]
    dataset.Modality = "CT"
    dataset.Manufacturer = "AnnotationQA phantom"
    dataset.PatientName = "PHANTOM^NO PATIENT"
    dataset.PatientID = f"PHANTOM-{case}"
    dataset.PatientBirthDate = ""
    dataset.PatientSex = ""
    dataset.StudyDate = dataset.StudyTime = dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    dataset.StudyID = "PHANTOM"
    dataset.StudyDescription = "PHANTOM, images of no patient"
    dataset.SeriesDescription = "PHANTOM, images of no patient"
    dataset.SeriesNumber = 1
    dataset.AcquisitionNumber = 1
    dataset.InstanceNumber = index + 1
    dataset.PositionReferenceIndicator = ""
    dataset.KVP = ""
    dataset.BurnedInAnnotation = "NO"
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = 16
    dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 0
    dataset.RescaleIntercept = _SLOPE_INTERCEPT
    dataset.RescaleSlope = 1
    dataset.RescaleType = "HU"
    dataset.WindowCenter = -500
    dataset.WindowWidth = 1600
    return dataset


def _derived(series_uid: str, part: str) -> str:
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, f'{series_uid} {part}').int}"


def _lettering(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    picture = Image.new("1", (shape[1], shape[0]))
    font = ImageFont.load_default(size=max(8, shape[1] // 12))
    ImageDraw.Draw(picture).text((2, 2), "PHANTOM", fill=1, font=font)
    return np.array(picture, dtype=bool)
