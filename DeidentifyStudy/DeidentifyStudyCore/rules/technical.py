"""Attributes of text that describe equipment and technique: the table does not list them, and science needs them."""

import datetime
import re
from collections.abc import Collection

from DeidentifyStudyCore.dicom.dictionary import tags_of
from DeidentifyStudyCore.rules.text import is_term

__all__ = ["TECHNICAL_TEXT", "VERSIONS", "is_version", "tells_date"]

_KEYWORDS = {
    "Manufacturer",
    "ManufacturerModelName",
    "SoftwareVersions",
    "ConvolutionKernel",
    "SequenceName",
    "PulseSequenceName",
    "ReceiveCoilName",
    "TransmitCoilName",
    "ReceiveCoilManufacturerName",
    "TransmitCoilManufacturerName",
    "MultiCoilElementName",
    "FilterType",
    "TypeOfFilters",
    "TransducerData",
    "TransducerBeamSteeringCodeSequence",
    "ProcessingFunction",
    "PostprocessingFunction",
    "ContrastBolusRoute",
    "CodingSchemeDesignator",
    "CodingSchemeVersion",
    "CodingSchemeName",
    "CodingSchemeRegistry",
    "CodingSchemeResponsibleOrganization",
    "MappingResourceName",
    "SegmentAlgorithmName",
    "AlgorithmName",
    "AlgorithmVersion",
    "LUTExplanation",
    "WindowCenterWidthExplanation",
    "ModalityLUTType",
    "RescaleType",
    "ReconstructionMethod",
    "AttenuationCorrectionMethod",
    "ScatterCorrectionMethod",
    "DimensionDescriptionLabel",
    "StackID",
    "MIMETypeOfEncapsulatedDocument",
    "ListOfMIMETypes",
    "SecondaryCaptureDeviceManufacturer",
    "SecondaryCaptureDeviceManufacturerModelName",
    "SecondaryCaptureDeviceSoftwareVersions",
    "VideoImageFormatAcquired",
    "EnergyWindowName",
    "Radiopharmaceutical",
    "RadiopharmaceuticalRoute",
    "CollimatorGridName",
    "CountsSource",
    "SamplesPerFrame",
    "ApplicationManufacturer",
    "ReconstructionAlgorithm",
    "QuantityDefinitionSequence",
    "ExposureControlModeDescription",
    "GridAbsorbingMaterial",
    "GridSpacingMaterial",
    "TomoType",
    "AcquisitionDeviceProcessingCode",
    "UnitsOfMeasurement",
    "ChannelSourceModifiersSequence",
    "MultienergySourceTechniqueDescription",
    "DepthUnits",
    "RWVUnits",
    "DisplayedZSegments",
    "PhotometricInterpretation",
    "PixelSpacingCalibrationDescription",
    "FieldOfViewDescription",
    "MaterialID",
    "ApplicatorType",
    "PulseSequenceDetailsSequence",
    "LossyImageCompressionMethod",
    "ICCProfileDescription",
    "ColorSpace",
    "AcquisitionType",
    "RadiationMode",
    "KVUsedForCalibration",
    "FocalSpotDescription",
    "ReprojectionMethod",
    "DetectorDescription",
    "DetectorMode",
    "RequestedImageSize",
    "PixelPresentation",
    "SliceProgressionDirection",
    "PositionReferenceIndicator",
    "ImagedNucleus",
    "ResonantNucleus",
}

TECHNICAL_TEXT = tags_of(_KEYWORDS)
"""Tags whose text is kept unless it repeats the patient's dictionary or holds an identifier's pattern."""

VERSIONS = tags_of({"SoftwareVersions", "AlgorithmVersion", "SecondaryCaptureDeviceSoftwareVersions"})
"""Tags of versions, which look like dates (22.1.14) and network addresses (5.1.10.2)."""

_NUMBERS_OF_DATE = 3
_NUMBERS = re.compile(
    r"(?:(?P<label>[A-Za-z]{2,12}\d?)[: ])?(?!.*\b(?:19|20)\d\d\b)"
    r"[vVrR]?(?:\d{1,3}(?:\.\d{1,4}){1,2}|(?!1\.[23]\.)\d(?:\.\d{1,4}){3})"
)
_RELEASE = re.compile(r"MR Software release:(?:[A-Z]{2}|PROFILEHD)\d{0,2}\.\d_[A-Z]\d{1,2}_\d{4}\.[a-z]")
"""As GE's MR scanners write it: DV26.0_R01_1725.a."""


def is_version(text: str) -> bool:
    """Whether a text is the numbers of a version and nothing else: up to three without a year, or four that begin with
    one digit, as hardly any network address does, and are no UID. A term may name what they are the version of
    (Filter:1.0.4.3)."""
    text = text.strip()
    found = _NUMBERS.fullmatch(text)
    if found is None:
        return _RELEASE.fullmatch(text) is not None
    return found["label"] is None or is_term(found["label"].lower())


def tells_date(version: str, dates: Collection[datetime.date]) -> bool:
    """Whether the numbers of a version are one of some dates, in any order of day, month and year."""
    numbers = [int(number) for number in re.findall(r"\d+", version)]
    if len(numbers) != _NUMBERS_OF_DATE:
        return False
    one, two, three = numbers
    orders = {(one, two, three), (three, two, one), (three, one, two)}
    return any((date.year % 100, date.month, date.day) in orders for date in dates)
