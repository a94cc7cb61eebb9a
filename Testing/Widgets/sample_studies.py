"""Small studies for the panels: files of pydicom's own test set, and a screen shot with text burned in."""

import shutil
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image, ImageDraw, ImageFont
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from DeidentifyStudyCore.faces.head_model import CT_VALUES, tissues_at

__all__ = ["PATIENT_WORDS", "head_series", "make_studies", "screen_shot"]

PATIENT_WORDS = ("Zyxwarth", "Quillon", "MRN-7391846", "CompressedSamples", "ACC5550123")
"""What identifies the patients of these studies."""


def make_studies(folder: Path) -> Path:
    """Write a CT, an MR, a screen shot with a burned-in name, and a file that is no DICOM."""
    folder.mkdir(parents=True)
    for name in ("CT_small.dcm", "MR_small.dcm"):
        shutil.copyfile(str(get_testdata_file(name, download=False)), folder / name)
    screen_shot(folder / "screen.dcm")
    (folder / "notes about Zyxwarth.txt").write_text("Zyxwarth " * 40, encoding="utf-8")
    return folder


def screen_shot(path: Path, rows: int = 240, columns: int = 320) -> None:
    """Write a secondary capture: a phantom with the patient's name across its top."""
    j, i = np.mgrid[:rows, :columns]
    shape = 90 * np.exp(-(((j - 140) / 60) ** 2 + ((i - 160) / 80) ** 2)) + 20
    image = Image.fromarray(shape.astype(np.uint8))
    font = ImageFont.load_default(16)
    ImageDraw.Draw(image).text((8, 6), "ZYXWARTH QUILLON  MRN-7391846", fill=255, font=font)
    ImageDraw.Draw(image).text((8, 214), "12.03.1957  F", fill=255, font=font)
    dataset = pydicom.dcmread(str(get_testdata_file("MR_small.dcm", download=False)))
    for element in list(dataset):
        if element.tag.group > 0x0010 and element.tag not in {0x0020000D, 0x0020000E}:
            del dataset[element.tag]
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.826.0.1.3680043.2.1143.99.7"
    dataset.StudyInstanceUID = "1.2.826.0.1.3680043.2.1143.1"
    dataset.SeriesInstanceUID = "1.2.826.0.1.3680043.2.1143.2"
    dataset.PatientName, dataset.PatientID, dataset.AccessionNumber = "Zyxwarth^Quillon", "MRN-7391846", "ACC5550123"
    dataset.Modality, dataset.ConversionType, dataset.ImageType = "OT", "WSD", ["DERIVED", "SECONDARY"]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = rows, columns
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.PixelData = np.asarray(image).tobytes()
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path, enforce_file_format=True)


def head_series(folder: Path) -> None:
    """Write a coarse CT of the project's own model of a head, nobody's face."""
    folder.mkdir(parents=True)
    j, i = np.mgrid[0:106, 0:90]
    values = np.array([CT_VALUES[tissue] for tissue in range(10)])
    for number, height in enumerate(np.arange(-140.0, 84.0, 5.0)):
        points = np.stack([i * 2.5 - 112, j * 2.5 - 148, np.full(i.shape, height)], axis=-1)
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        instance = f"1.2.826.0.1.3680043.2.1143.99.5.{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = instance
        dataset.StudyInstanceUID = "1.2.826.0.1.3680043.2.1143.1"
        dataset.SeriesInstanceUID = "1.2.826.0.1.3680043.2.1143.99.6"
        dataset.FrameOfReferenceUID = "1.2.826.0.1.3680043.2.1143.99.8"
        dataset.PatientName, dataset.PatientID, dataset.AccessionNumber = (
            "Zyxwarth^Quillon",
            "MRN-7391846",
            "ACC5550123",
        )
        dataset.Modality, dataset.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.Rows, dataset.Columns = i.shape
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
        dataset.PixelSpacing, dataset.ImageOrientationPatient = [2.5, 2.5], [1, 0, 0, 0, 1, 0]
        dataset.ImagePositionPatient = [-112.0, -148.0, float(height)]
        dataset.PixelData = (values[tissues_at(points)] + 1024).astype("<u2").tobytes()
        dataset["PixelData"].VR = "OW"
        dataset.save_as(folder / f"{number:03}.dcm", enforce_file_format=True)
