"""Small studies for the panels: files of pydicom's own test set, and a screen shot with text burned in."""

import shutil
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image, ImageDraw, ImageFont
from pydicom.data import get_testdata_file

__all__ = ["PATIENT_WORDS", "make_studies", "screen_shot"]

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
