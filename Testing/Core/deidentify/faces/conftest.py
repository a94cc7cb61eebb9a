"""Head phantoms whose truth is known: tissues on any grid, in any pose, as volumes and as DICOM series."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless
from scipy.spatial.transform import Rotation

from DeidentifyStudyCore.faces.head_model import CT_VALUES, T1_VALUES, Shape, Tissue, tissues_at
from DeidentifyStudyCore.faces.volume import Volume, world_of

SIZE = (244.0, 264.0, 226.0)
START = (-113.0, -148.0, -142.0)
BRAIN = (Tissue.CSF, Tissue.GREY, Tissue.WHITE)


@dataclass(frozen=True)
class Phantom:
    """A head in a pose, sampled on a grid.

    Attributes
    ----------
    pose : array
        4x4, from mm of the head model to LPS mm.
    brain : array of bool
        Brain voxels, without the cord below the skull.
    """

    volume: Volume
    tissues: NDArray[np.uint8]
    brain: NDArray[np.bool_]
    pose: NDArray[np.float64]
    shape: Shape

    def place(self, landmark: NDArray[np.float64]) -> NDArray[np.float64]:
        """LPS mm of a point of the head model."""
        return world_of(self.pose, landmark * np.array(self.shape.size))


def pose_of(nod: float = 0.0, turn: float = 0.0, incline: float = 0.0) -> NDArray[np.float64]:
    """Pose from three angles in degrees."""
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("xzy", [nod, turn, incline], degrees=True).as_matrix()
    return pose


def phantom_of(
    modality: str = "CT",
    *,
    pose: NDArray[np.float64] | None = None,
    shape: Shape | None = None,
    spacing: tuple[float, float, float] = (3.0, 2.0, 2.0),
    gantry: float = 0.0,
    heights: tuple[float, float] | None = None,
    table: bool = False,
    seed: int = 0,
) -> Phantom:
    """Sample a head; `gantry` shears the stack by this angle, `heights` cuts the field of view."""
    pose = np.eye(4) if pose is None else pose
    shape = shape or Shape()
    low, high = heights or (START[2], START[2] + SIZE[0])
    size = (high - low, SIZE[1], SIZE[2])
    count = [max(1, round(extent / step)) for extent, step in zip(size, spacing, strict=True)]
    angle = np.deg2rad(gantry)
    affine = np.eye(4)
    affine[:3, 0] = (0, 0, spacing[0])
    affine[:3, 1] = (0, spacing[1] * np.cos(angle), spacing[1] * np.sin(angle))
    affine[:3, 2] = (spacing[2], 0, 0)
    affine[:3, 3] = (START[0], START[1], low)
    world = world_of(affine, np.stack(np.indices(count), axis=-1))
    own = world_of(np.linalg.inv(pose), world)
    tissues = tissues_at(own, shape)
    if table:
        tissues[(tissues == 0) & (np.abs(world[..., 1] - 112) < 2) & (np.abs(world[..., 0]) < 90)] = Tissue.MUSCLE
    values = np.array([(CT_VALUES if modality == "CT" else T1_VALUES)[tissue] for tissue in range(10)], np.float32)
    noise = np.random.default_rng(seed).normal(0, 8, tissues.shape).astype(np.float32)
    voxels = values[tissues] + noise
    if modality == "MR":
        voxels = np.abs(voxels)
    brain = np.isin(tissues, BRAIN) & (own[..., 2] / shape.size[2] > -56)
    return Phantom(Volume(voxels, affine), tissues, brain, pose, shape)


def write_phantom(
    phantom: Phantom, folder: Path, modality: str, number: int, *, rle: bool = False, removed: str = "YES"
) -> list[Path]:
    """Write a phantom as a de-identified DICOM series; files are not named in order of place."""
    folder.mkdir(parents=True)
    affine = phantom.volume.affine
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    intercept = -1024 if modality == "CT" else 0
    paths = []
    for index, plane in enumerate(phantom.volume.voxels):
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        classes = {"CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4"}
        dataset.SOPClassUID = classes[modality]
        dataset.SOPInstanceUID = f"2.25.{1000 * number + index + 1}"
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.Modality = modality
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.PatientIdentityRemoved = removed
        dataset.DeidentificationMethod = "De-identify Study"
        dataset.StudyInstanceUID = "2.25.1"
        dataset.SeriesInstanceUID = f"2.25.{number}00001"
        dataset.FrameOfReferenceUID = "2.25.77"
        dataset.Rows, dataset.Columns = plane.shape
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
        dataset.PixelRepresentation = 0
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, intercept
        dataset.PixelSpacing = [float(spacing[1]), float(spacing[2])]
        dataset.ImageOrientationPatient = [*(affine[:3, 2] / spacing[2]), *(affine[:3, 1] / spacing[1])]
        dataset.ImagePositionPatient = list(affine[:3, 3] + index * affine[:3, 0])
        stored = np.clip(np.round(plane - intercept), 0, 4095).astype("<u2")
        dataset.PixelData = stored.tobytes()
        dataset["PixelData"].VR = "OW"
        if rle:
            dataset.compress(RLELossless, generate_instance_uid=False)
        path = folder / f"{(index * 7) % len(phantom.volume.voxels):03}-{index}.dcm"  # not in order of place
        dataset.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def position_of(dataset: pydicom.Dataset, point: NDArray[np.float64]) -> tuple[float, float, float]:
    """Distance in mm from the plane of an image, and row and column, of an LPS point."""
    cosines = np.array(dataset.ImageOrientationPatient, float)
    right, down = cosines[:3], cosines[3:]
    offset = point - np.array(dataset.ImagePositionPatient, float)
    row, column = offset @ down / float(dataset.PixelSpacing[0]), offset @ right / float(dataset.PixelSpacing[1])
    return float(offset @ np.cross(right, down)), float(row), float(column)


@pytest.fixture(scope="session")
def make_phantom() -> Callable[..., Phantom]:
    """Make a head phantom: see `phantom_of`."""
    return phantom_of


@pytest.fixture(scope="session")
def make_pose() -> Callable[..., NDArray[np.float64]]:
    """Make a pose from angles in degrees: nod, turn, incline."""
    return pose_of


@pytest.fixture(scope="session")
def locate() -> Callable[..., tuple[float, float, float]]:
    """Find a point in an image: see `position_of`."""
    return position_of


@pytest.fixture(scope="session")
def write_series() -> Callable[..., list[Path]]:
    """Write a series: see `write_phantom`."""
    return write_phantom
