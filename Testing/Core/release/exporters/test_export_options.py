"""Options and filters: what is read from JSON, and what is refused with its path."""

import json
from typing import Any

import pytest

from AnnotationQACore.errors import InputError
from AnnotationQACore.release.filters import AgreementFilter, Filters, FindingFilter, filters_from_json, filters_to_json
from AnnotationQACore.release.options import (
    Crop,
    ExportOptions,
    Intensity,
    Labels,
    LabelValue,
    Pictures,
    Resampling,
    options_from_json,
    options_to_json,
)

FULL = ExportOptions(
    series=("ct",),
    orientation="RAS",
    resampling=Resampling(spacing_mm=(0, 1.5, 1.5), image="bspline", labels="linear"),
    crop=Crop(to="foreground", margin_mm=3, threshold=-200),
    intensity=(Intensity(series=("ct",), clip=(-1000, 400), normalization="unit"), Intensity(normalization="zscore")),
    labels=Labels(items=("lesion",), merge_into=("organ",), values=(LabelValue(item="organ", value=3),)),
    pictures=Pictures(bits=16, window="soft", only_labeled=True),
    nnunet_dataset=7,
    parquet=True,
)


def test_options_survive_json() -> None:
    assert options_from_json(json.loads(json.dumps(options_to_json(FULL)))) == FULL
    assert options_to_json(ExportOptions()) == {}
    assert options_from_json({}) == ExportOptions()


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], "a list"),
        ({"croop": {}}, "croop: unknown key; did you mean 'crop'?"),
        ({"orientation": "RAR"}, "orientation: 'RAR'"),
        ({"orientation": "axial"}, "orientation: "),
        ({"resampling": {}}, "resampling: has none of them"),
        ({"resampling": {"scale": 2, "size": [1, 1, 1]}}, "resampling: has size and scale"),
        ({"resampling": {"spacing_mm": [1, 1]}}, "resampling.spacing_mm: 2 entries"),
        ({"resampling": {"spacing_mm": [1, 1, -1]}}, "resampling.spacing_mm[2]: -1 is out of range"),
        ({"resampling": {"scale": 1, "image": "cubic"}}, "resampling.image: "),
        ({"crop": {"margin_mm": "wide"}}, "crop.margin_mm: "),
        ({"intensity": [{"clip": [400, -1000]}]}, "intensity.clip: [400.0, -1000.0]"),
        ({"labels": {"values": [{"item": "a", "value": 0}]}}, "labels.values[0].value: 0 is out of range"),
        (
            {"labels": {"values": [{"item": "a", "value": 1}, {"item": "b", "value": 1}]}},
            "labels.values: the value '1'",
        ),
        ({"labels": {"consecutive": True, "values": [{"item": "a", "value": 1}]}}, "labels.values: "),
        ({"labels": {"overlaps": "flatten"}}, "labels.overlaps: "),
        ({"pictures": {"bits": 12}}, "pictures.bits: 12"),
        ({"nnunet_dataset": 1000}, "nnunet_dataset: 1000 is out of range"),
    ],
)
def test_bad_options_are_named_by_their_path(document: Any, path: str) -> None:
    with pytest.raises(InputError) as caught:
        options_from_json(document)
    assert str(caught.value).startswith(f"export options: {path}")
    assert "\n" not in str(caught.value)


def test_filters_survive_json() -> None:
    filters = Filters(
        cases=("a",),
        modalities=("CT", "MR"),
        phases=("venous",),
        sexes=("F",),
        min_age=18,
        max_age=65,
        max_slice_thickness_mm=2.5,
        findings=(FindingFilter(item="effusion", answers=("present", "uncertain")),),
        agreement=(AgreementFilter(item="organ", limit=0.9),),
        without_flags=("poor quality",),
    )
    assert filters_from_json(json.loads(json.dumps(filters_to_json(filters)))) == filters


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"modality": ["CT"]}, "modality: unknown key; did you mean 'modalities'?"),
        ({"sexes": ["male"]}, "sexes[0]: "),
        ({"min_age": 70, "max_age": 20}, "min_age: 70 is above"),
        ({"max_slice_thickness_mm": 0}, "max_slice_thickness_mm: 0 is out of range"),
        ({"findings": [{"item": "effusion", "answers": []}]}, "findings[0].answers: "),
    ],
)
def test_bad_filters_are_named_by_their_path(document: Any, path: str) -> None:
    with pytest.raises(InputError) as caught:
        filters_from_json(document)
    assert str(caught.value).startswith(f"filters: {path}")
