"""BIDS, nnU-Net and MONAI datasets, read back by nibabel, SimpleITK and the rules of each format.

`nnunetv2.experiment_planning.verify_dataset_integrity`, `monai.data.load_decathlon_datalist` and the BIDS validator
are run where they are installed (Documentation/release-formats.md); they are too large for every test run.
"""

import csv
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from AnnotationQACore.geometry import Grid
from AnnotationQACore.release.exporters.bids import BidsExporter, bids_label
from AnnotationQACore.release.exporters.monai import MonaiExporter
from AnnotationQACore.release.exporters.nnunet import NnunetExporter, folds_of
from AnnotationQACore.release.exporting import Dataset
from AnnotationQACore.release.options import ExportOptions, Labels, LabelValue, Resampling

GRID = Grid((6, 24, 20), (2.5, 0.8, 0.7), (-10.0, 5.0, 100.0))
LESION = (slice(2, 4), slice(6, 10), slice(5, 9))
SECOND = (slice(3, 4), slice(14, 17), slice(10, 13))
LAYERS = ExportOptions(labels=Labels(overlaps="layers"))
LESIONS = ExportOptions(labels=Labels(items=("lesion",)))
MakeDataset = Callable[..., Dataset]

BIDS_NAME = re.compile(
    r"sub-[A-Za-z0-9]+/(ses-[A-Za-z0-9]+/)?(anat|ct|pet|mr|mg)/sub-[A-Za-z0-9]+(_ses-[A-Za-z0-9]+)?(_ce-[A-Za-z0-9]+)?"
    r"(_label-[A-Za-z0-9]+)?_desc-[A-Za-z0-9]+_(T1w|T2w|FLAIR|PDw|T2starw|ct|pet|mr|mg|dseg|mask|probseg)"
    r"\.(nii\.gz|json|tsv)"
)
"""Entities in the order of the BIDS specification."""


def lesions() -> np.ndarray:
    voxels = np.zeros(GRID.shape, bool)
    voxels[LESION] = voxels[SECOND] = True
    return voxels


def written(exporter: Any, dataset: Dataset, folder: Path, options: ExportOptions) -> tuple[str, ...]:
    assert exporter.check(dataset, options) == []
    files: tuple[str, ...] = exporter.write(dataset, folder, options)
    on_disk = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert list(files) == on_disk
    return files


def array(path: Path) -> np.ndarray:
    """Voxels as (k, j, i)."""
    return np.asarray(nibabel.load(path).dataobj).T


class TestBids:
    def test_names_follow_the_specification(self, dataset_of: MakeDataset, tmp_path: Path) -> None:
        dataset = dataset_of("reference", "readers", "probability")
        files = written(BidsExporter(), dataset, tmp_path, LAYERS)
        common = {"dataset_description.json", "README.md", "participants.tsv", "participants.json", ".bidsignore"}
        assert common <= set(files)
        inside = [name for name in files if name not in common]
        assert [name for name in inside if not BIDS_NAME.fullmatch(name)] == []
        assert (tmp_path / ".bidsignore").read_text() == "**/ct\n"
        description = json.loads((tmp_path / "dataset_description.json").read_text())
        assert description["DatasetType"] == "derivative"
        assert description["GeneratedBy"][0]["Name"] == "AnnotationQA"
        assert description["License"] == "CC0-1.0"
        for name in inside:
            if name.endswith(".nii.gz"):
                assert name.replace(".nii.gz", ".json") in inside

    def test_images_and_labels_have_one_affine_and_the_voxels_drawn(
        self, dataset_of: MakeDataset, tmp_path: Path
    ) -> None:
        written(BidsExporter(), dataset_of("reference", "readers"), tmp_path, LAYERS)
        place = tmp_path / "sub-patient0" / "ct"
        affines = [nibabel.load(path).affine for path in sorted(place.glob("*.nii.gz"))]
        assert len(affines) == 1 + 3 * 3
        for affine in affines:
            np.testing.assert_allclose(affine, GRID.ras_affine, atol=1e-5)
            np.testing.assert_array_equal(affine, affines[0])
        np.testing.assert_array_equal(array(place / "sub-patient0_label-lesion_desc-reference_mask.nii.gz"), lesions())
        second = array(place / "sub-patient0_label-lesion_desc-reader2_mask.nii.gz")
        assert not second[SECOND].any()  # Ben missed it
        instances = array(place / "sub-patient0_desc-referencelesionInstances_dseg.nii.gz")
        np.testing.assert_array_equal(np.unique(instances), [0, 1, 2])

    def test_label_images_have_a_table(self, dataset_of: MakeDataset, tmp_path: Path) -> None:
        dataset = dataset_of()
        written(BidsExporter(), replace(dataset, cases=dataset.cases[1:2]), tmp_path, ExportOptions())
        stem = tmp_path / "sub-patient1" / "ct" / "sub-patient1_desc-reference_dseg"
        with Path(f"{stem}.tsv").open() as file:
            table = {int(row["index"]): row["name"] for row in csv.DictReader(file, delimiter="\t")}
        voxels = array(Path(f"{stem}.nii.gz"))
        assert set(np.unique(voxels)) - {0} == set(table) == {5, 9}
        assert table[9] == "Lesion"
        about = json.loads(Path(f"{stem}.json").read_text())
        assert about["Rater"] == "reference"
        assert about["Sources"] == ["bids::sub-patient1/ct/sub-patient1_desc-ct_ct.nii.gz"]

    def test_probabilities_are_probseg(self, dataset_of: MakeDataset, tmp_path: Path) -> None:
        written(BidsExporter(), dataset_of("probability"), tmp_path, ExportOptions())
        found = array(tmp_path / "sub-patient0/ct/sub-patient0_label-lesion_desc-probability_probseg.nii.gz")
        assert found.dtype == np.float32
        assert found[SECOND].max() == 0.5

    def test_magnetic_resonance_goes_to_anat_by_its_contrast(self, dataset_of: MakeDataset, tmp_path: Path) -> None:
        dataset = as_mr(dataset_of("reference", "readers", "probability"))
        files = written(BidsExporter(), dataset, tmp_path, LAYERS)
        assert "sub-patient0/anat/sub-patient0_ce-contrast_desc-t1gd_T1w.nii.gz" in files
        assert ".bidsignore" not in files

    def test_the_validator_of_the_bids_project_finds_no_error(self, dataset_of: MakeDataset, tmp_path: Path) -> None:
        validator = shutil.which("bids-validator-deno")
        if validator is None:
            pytest.skip("needs the BIDS validator (pip install bids-validator-deno), which is no extra for its size")
        dataset = dataset_of("reference", "readers", "probability")
        for name, one in (("ct", dataset), ("mr", as_mr(dataset))):
            (tmp_path / name).mkdir()
            written(BidsExporter(), one, tmp_path / name, LAYERS)
            ran = subprocess.run([validator, str(tmp_path / name), "--json"], capture_output=True, check=False)
            issues = json.loads(ran.stdout)["issues"]["issues"]
            assert [issue for issue in issues if issue["severity"] == "error"] == []

    def test_several_cases_of_a_patient_are_sessions(self, dataset_of: MakeDataset, tmp_path: Path) -> None:
        dataset = dataset_of()
        cases = [replace(case, patient="p-1", time_point=f"week {n}") for n, case in enumerate(dataset.cases)]
        files = written(BidsExporter(), replace(dataset, cases=tuple(cases)), tmp_path, LAYERS)
        assert any(name.startswith("sub-p1/ses-week0/ct/sub-p1_ses-week0_desc-ct") for name in files)
        assert (tmp_path / "participants.tsv").read_text().count("sub-p1") == 1

    def test_patients_that_letters_and_digits_do_not_tell_apart(self, dataset_of: MakeDataset) -> None:
        dataset = dataset_of()
        first, second = (replace(case, patient=name) for case, name in zip(dataset.cases, ("p-1", "p_1"), strict=False))
        problems = BidsExporter().check(replace(dataset, cases=(first, second)), LAYERS)
        assert problems == [
            "patients p-1 and p_1: are both sub-p1 in BIDS, which takes letters and digits only; rename one."
        ]
        assert bids_label("week 8 (late)") == "week8late"


def as_mr(dataset: Dataset) -> Dataset:
    """The same images, as if they were T1-weighted after gadolinium."""
    imaging = dataset.protocol.imaging
    role = replace(imaging.series[0], id="t1_gd", title="T1 after gadolinium", modalities=("MR",))
    protocol = replace(dataset.protocol, imaging=replace(imaging, series=(role,), reference_series="t1_gd"))
    cases = tuple(
        replace(
            case, images=tuple(replace(i, role="t1_gd", facts=replace(i.facts, modality="MR")) for i in case.images)
        )
        for case in dataset.cases
    )
    return replace(dataset, protocol=protocol, cases=cases)


class TestNnunet:
    def test_the_dataset_keeps_every_documented_rule(self, dataset_of: MakeDataset, tmp_path: Path) -> None:
        files = written(NnunetExporter(), dataset_of(), tmp_path, LESIONS)
        root = tmp_path / "Dataset001_Phantoms"
        document = json.loads((root / "dataset.json").read_text())
        assert document["channel_names"] == {"0": "CT"}
        assert document["labels"] == {"background": 0, "lesion": 1}
        assert document["numTraining"] == 2
        assert document["file_ending"] == ".nii.gz"
        assert {name for name in files if "Tr/" in name} == {
            f"Dataset001_Phantoms/{part}"
            for part in (
                "imagesTr/case-1_0000.nii.gz", "imagesTr/case-2_0000.nii.gz",
                "labelsTr/case-1.nii.gz", "labelsTr/case-2.nii.gz",
            )
        }  # fmt: skip
        assert (root / "imagesTs" / "case-3_0000.nii.gz").is_file()
        assert json.loads((root / "splits_final.json").read_text()) == [{"train": ["case-1"], "val": ["case-2"]}]
        for label in sorted(root.glob("labelsT*/*.nii.gz")):
            image = sitk.ReadImage(
                str(
                    label.parent.parent
                    / label.parent.name.replace("labels", "images")
                    / f"{label.name[:-7]}_0000.nii.gz"
                )
            )
            drawn = sitk.ReadImage(str(label))
            assert drawn.GetSize() == image.GetSize()
            np.testing.assert_allclose(drawn.GetSpacing(), image.GetSpacing())
            np.testing.assert_allclose(drawn.GetOrigin(), image.GetOrigin())
            np.testing.assert_allclose(drawn.GetDirection(), image.GetDirection())
            np.testing.assert_allclose(image.GetOrigin(), GRID.origin, atol=1e-5)
            assert set(np.unique(sitk.GetArrayFromImage(drawn))) == {0, 1}

    def test_folds(self, dataset_of: MakeDataset) -> None:
        dataset = dataset_of(splits={"case-1": "fold-0", "case-2": "fold-1", "case-3": "fold-0"})
        assert folds_of(dataset) == [
            {"train": ["case-2"], "val": ["case-1", "case-3"]},
            {"train": ["case-1", "case-3"], "val": ["case-2"]},
        ]
        assert folds_of(dataset_of(splits={})) == []

    def test_what_it_cannot_hold_is_named(self, dataset_of: MakeDataset) -> None:
        problems = NnunetExporter().check(dataset_of("reference", "readers"), LAYERS)
        assert any("case case-1: has 3 readings (reference, reader1, reader2)" in line for line in problems)
        assert any("no layers" in line for line in problems)
        overlaps = NnunetExporter().check(dataset_of(), ExportOptions())
        assert overlaps
        assert all("share voxels" in line and "labels.overlaps" not in line for line in overlaps)
        assert any("no probability maps" in line for line in NnunetExporter().check(dataset_of("probability"), LESIONS))

    def test_a_gantry_tilt_needs_a_resampling(self, dataset_of: MakeDataset) -> None:
        dataset = dataset_of()
        case = dataset.cases[1]
        image = replace(case.images[0], facts=replace(case.images[0].facts, geometry="sheared"))
        tilted = replace(dataset, cases=(replace(case, images=(image,)),))
        assert "gantry tilt" in NnunetExporter().check(tilted, LESIONS)[0]
        straightened = replace(LESIONS, resampling=Resampling(scale=1))
        assert NnunetExporter().check(tilted, straightened) == []


class TestMonai:
    def test_the_list_is_that_of_the_decathlon(self, dataset_of: MakeDataset, tmp_path: Path) -> None:
        written(MonaiExporter(), dataset_of("reference", "readers"), tmp_path, LAYERS)
        document = json.loads((tmp_path / "dataset.json").read_text())
        assert document["modality"] == {"0": "CT"}
        assert document["labels"] == {"0": "background", "1": "organ", "2": "lesion"}
        counts = {part: len(document[part]) for part in ("training", "validation", "test")}
        assert counts == {"training": 1, "validation": 1, "test": 1}
        assert (document["numTraining"], document["numTest"]) == (1, 1)
        entry = document["training"][0]
        assert entry["answer_reference_effusion"] == "present"
        np.testing.assert_allclose(nibabel.load(tmp_path / entry["image"]).affine, GRID.ras_affine, atol=1e-5)
        np.testing.assert_array_equal(array(tmp_path / entry["label_reference_lesion"]), 2 * lesions())
        assert (array(tmp_path / entry["instances_reader1_lesion"])[SECOND] == 2).all()

    def test_the_first_reading_is_the_label(self, dataset_of: MakeDataset, tmp_path: Path) -> None:
        options = ExportOptions(labels=Labels(items=("lesion",), values=(LabelValue(item="lesion", value=4),)))
        written(MonaiExporter(), dataset_of(splits={"case-1": "fold-0", "case-2": "fold-1"}), tmp_path, options)
        document = json.loads((tmp_path / "dataset.json").read_text())
        assert [entry.get("fold") for entry in document["training"]] == [0, 1, None]
        np.testing.assert_array_equal(array(tmp_path / document["training"][0]["label"]), 4 * lesions())


@pytest.mark.parametrize("exporter", [BidsExporter(), NnunetExporter(), MonaiExporter()])
@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"volumes": 20}, "has 20 volumes (4D)"),
        ({"geometry": "none"}, "has images without place in the patient (2D)"),
        ({"geometry": "irregular"}, "has slices at uneven distances"),
        ({"color": True}, "is in colour"),
    ],
)
def test_images_that_are_no_volume_are_named_with_the_remedy(
    dataset_of: MakeDataset, exporter: Any, facts: dict[str, Any], words: str
) -> None:
    dataset = dataset_of()
    case = dataset.cases[0]
    image = replace(case.images[0], facts=replace(case.images[0].facts, **facts))
    problems = exporter.check(replace(dataset, cases=(replace(case, images=(image,)),)), LESIONS)
    assert any(
        line.startswith("case case-1: series 'ct'") and words in line and "choose another series (series)" in line
        for line in problems
    )
