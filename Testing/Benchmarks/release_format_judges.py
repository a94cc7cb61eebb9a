"""nnU-Net's and MONAI's own readers as judges of released datasets; they are too large for the tests.

python Testing/Benchmarks/release_format_judges.py write FOLDER    # with annotation-qa
python Testing/Benchmarks/release_format_judges.py judge FOLDER    # with nnunetv2, monai, torch and nibabel
"""

import importlib.util
import os
import sys
import tempfile
from pathlib import Path

FIXTURES = Path(__file__).parents[1] / "Core" / "release" / "exporters" / "conftest.py"


def write(folder: Path) -> None:
    from AnnotationQACore.project.identities import USER_FOLDER_VARIABLE
    from AnnotationQACore.release.exporters.registry import EXPORTERS
    from AnnotationQACore.release.exporting import Dataset
    from AnnotationQACore.release.options import ExportOptions, Labels
    from AnnotationQACore.release.selection import Selection, select_cases

    specification = importlib.util.spec_from_file_location("release_phantoms", FIXTURES)
    assert specification is not None
    assert specification.loader is not None
    phantoms = importlib.util.module_from_spec(specification)
    sys.modules["release_phantoms"] = phantoms
    specification.loader.exec_module(phantoms)
    with tempfile.TemporaryDirectory() as base:
        os.environ[USER_FOLDER_VARIABLE] = f"{base}/user"
        project = phantoms.make_project(Path(base))
        cases = select_cases(project, Selection()).cases
        dataset = Dataset("Phantoms", project.protocol(), cases, phantoms.SPLITS, licence="CC0-1.0")
        for name in ("nnunet", "monai"):
            (folder / name).mkdir(parents=True)
            files = EXPORTERS[name].write(dataset, folder / name, ExportOptions(labels=Labels(items=("lesion",))))
            print(f"{name}: {len(files)} files")


def judge(folder: Path) -> None:
    for variable in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        os.environ[variable] = str(folder / "nnunet")
    from monai.data import load_decathlon_datalist
    from monai.transforms import LoadImaged
    from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity

    verify_dataset_integrity(str(folder / "nnunet" / "Dataset001_Phantoms"), 1)
    for key in ("training", "validation", "test"):
        cases = load_decathlon_datalist(str(folder / "monai" / "dataset.json"), True, key)
        for case in cases:
            loaded = LoadImaged(keys=["image", "label"])(case)
            assert loaded["image"].shape == loaded["label"].shape
            assert (loaded["image"].affine == loaded["label"].affine).all()
            assert loaded["label"].unique().tolist() == [0, 1]
        print(f"MONAI reads {len(cases)} {key} case(s), image and label on one grid")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("write", "judge"):
        sys.exit(__doc__)
    {"write": write, "judge": judge}[sys.argv[1]](Path(sys.argv[2]))
