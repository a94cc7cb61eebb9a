"""SUV by its definition: 1 where the dose is spread evenly over the body."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from AnnotationQACore.interchange.series.findings import FindingCode
from AnnotationQACore.interchange.series.loader import load_series

HALF_LIFE = 6586.2  # of F-18, seconds
DOSE, WEIGHT = 370e6, 75.0


def write_pet(studio, edit_radio=None, **elements):
    radio = Dataset()
    radio.RadionuclideTotalDose, radio.RadionuclideHalfLife = DOSE, HALF_LIFE
    radio.RadiopharmaceuticalStartTime = "091500"
    if edit_radio is not None:
        edit_radio(radio)
    for k in range(3):
        studio.slice(
            np.full((6, 5), 1000, np.uint16),
            **{
                "Modality": "PT",
                "Units": "BQML",
                "CorrectedImage": ["DECY", "ATTN", "SCAT"],
                "DecayCorrection": "START",
                "PatientWeight": WEIGHT,
                "RadiopharmaceuticalInformationSequence": Sequence([radio]),
                "RescaleIntercept": 0,
                "ImagePositionPatient": [0, 0, 3.0 * k],
                "AcquisitionTime": f"1015{10 * k:02}",
                **elements,
            },
        )
    return load_series(studio.folder)


def evenly_spread(seconds):
    """Activity concentration (Bq/ml) of a dose spread evenly over the body, after some decay."""
    return DOSE * 0.5 ** (seconds / HALF_LIFE) / (WEIGHT * 1000)


def test_even_distribution_has_suv_one(studio):
    image = write_pet(studio)
    assert image.suv.factor * evenly_spread(3600) == pytest.approx(1.0)
    assert image.units == "BQML"
    assert image.voxels[0, 0, 0] == 1000


def test_corrected_to_the_injection(studio):
    assert write_pet(studio, DecayCorrection="ADMIN").suv.factor * evenly_spread(0) == pytest.approx(1.0)


def test_series_made_later_counts_from_the_acquisition(studio):
    assert write_pet(studio, SeriesTime="181500").suv.factor * evenly_spread(3600) == pytest.approx(1.0)


def test_injection_before_midnight(studio):
    def late(radio):
        radio.RadiopharmaceuticalStartTime = "234500"

    image = write_pet(studio, late, SeriesTime="004500", AcquisitionTime="004500")
    assert image.suv.factor * evenly_spread(3600) == pytest.approx(1.0)


def test_full_date_of_the_injection_wins(studio):
    def dated(radio):
        radio.RadiopharmaceuticalStartDateTime = "20240229091500.000"
        radio.RadiopharmaceuticalStartTime = "000000"

    assert write_pet(studio, dated).suv.factor * evenly_spread(3600) == pytest.approx(1.0)


def test_values_that_are_suv_already(studio):
    assert write_pet(studio, Units="GML").suv.factor == 1.0


def test_philips_counts(studio):
    def edit(dataset):
        dataset.Units = "CNTS"
        dataset.private_block(0x7053, "Philips PET Private Group", create=True).add_new(0x00, "DS", "0.000551")

    assert write_pet(studio, edit=edit).suv.factor == pytest.approx(0.000551)


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"PatientWeight": None}, "weight is not stated"),
        ({"PatientWeight": 0}, "weight is not positive"),
        ({"CorrectedImage": ["ATTN"]}, "not corrected"),
        ({"DecayCorrection": "NONE"}, "not stated"),
        ({"RadiopharmaceuticalInformationSequence": None}, "not described"),
        ({"Units": "CNTS"}, "private SUV factor is missing"),
        ({"Units": "PROPCNTS"}, "PROPCNTS"),
    ],
)
def test_what_is_missing_is_said(studio, elements, reason):
    image = write_pet(studio, **elements)
    assert image.suv is None
    (message,) = [finding.message for finding in image.findings if finding.code is FindingCode.SUV_UNAVAILABLE]
    assert reason in message


def test_other_modalities_have_no_suv(studio):
    studio.stack(2)
    assert load_series(studio.folder).suv is None
