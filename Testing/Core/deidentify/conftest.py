"""Builders of DICOM objects and runs for the tests of De-identify Study."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from DeidentifyStudyCore.identity.keyfile import Secret
from DeidentifyStudyCore.profile import Profile, load_profile
from DeidentifyStudyCore.runs.batch import BatchOptions, Outcome, run_batch

SECRET = Secret(b"0123456789abcdef0123456789abcdef")
CT = "1.2.840.10008.5.1.4.1.1.2"


@pytest.fixture(autouse=True)
def _invalid_values_are_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is planted breaks rules of VRs on purpose."""
    monkeypatch.setattr(pydicom.config.settings, "_reading_validation_mode", pydicom.config.IGNORE)
    monkeypatch.setattr(pydicom.config.settings, "_writing_validation_mode", pydicom.config.IGNORE)


@pytest.fixture(scope="session")
def secret() -> Secret:
    """A key that is the same in every test."""
    return SECRET


@pytest.fixture(scope="session")
def make_dataset() -> Callable[..., Dataset]:
    """Make a small valid CT image; keyword arguments set further attributes."""

    def make(sop_class: str = CT, number: int = 1, **attributes: object) -> Dataset:
        dataset = Dataset()
        dataset.SOPClassUID = sop_class
        dataset.SOPInstanceUID = f"1.2.826.0.1.3680043.2.1143.99.{number}"
        dataset.StudyInstanceUID = "1.2.826.0.1.3680043.2.1143.1"
        dataset.SeriesInstanceUID = "1.2.826.0.1.3680043.2.1143.2"
        dataset.FrameOfReferenceUID = "1.2.826.0.1.3680043.2.1143.3"
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.Modality = "CT"
        dataset.PatientName = "Zyxwarth^Quillon"
        dataset.PatientID = "MRN-7391846"
        dataset.PatientBirthDate = "19570312"
        dataset.PatientSex = "F"
        dataset.StudyDate = "20240229"
        dataset.StudyTime = "101112"
        dataset.StudyID = ""
        dataset.AccessionNumber = "ACC5550123"
        dataset.ReferringPhysicianName = "Vandermeersch^Odile"
        dataset.Manufacturer = "SIEMENS"
        dataset.SeriesNumber = 3
        dataset.InstanceNumber = number
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.ImagePositionPatient = [-100.25, 12.5, float(number)]
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.PixelSpacing = [0.7, 0.7]
        dataset.SliceThickness = 2.5
        dataset.PositionReferenceIndicator = ""
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.Rows = 4
        dataset.Columns = 6
        dataset.BitsAllocated = 16
        dataset.BitsStored = 12
        dataset.HighBit = 11
        dataset.PixelRepresentation = 0
        dataset.RescaleIntercept = -1024
        dataset.RescaleSlope = 1
        dataset.KVP = 120
        dataset.AcquisitionNumber = 1
        dataset.add_new(0x7FE00010, "OW", bytes(range(48)))
        for name, value in attributes.items():
            setattr(dataset, name, value)
        return dataset

    return make


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    """Encode a data set as a DICOM file."""

    def encode(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        stream = BytesIO()
        pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
        return stream.getvalue()

    return encode


@pytest.fixture
def deidentify(tmp_path: Path) -> Callable[..., tuple[Outcome, Path]]:
    """Run a batch over files given as bytes by name; returns the outcome and the destination."""

    def run(
        files: dict[str, bytes], profile: str | Profile = "research-shifted-dates", **options: object
    ) -> tuple[Outcome, Path]:
        source, destination = tmp_path / "source", tmp_path / "destination"
        for name, content in files.items():
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        chosen = load_profile(profile) if isinstance(profile, str) else profile
        outcome = run_batch(source, destination, chosen, SECRET, BatchOptions(tmp_path / "report", **options))
        return outcome, destination

    return run
