"""Faces are found and altered on heads whose truth is known, and gates fail when they must."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from DeidentifyStudyCore.faces.finding import Finding, examine_series, examine_volume
from DeidentifyStudyCore.faces.gates import Gate
from DeidentifyStudyCore.faces.head_model import CHIN, EYES, LIPS, NOSE_TIP, Shape
from DeidentifyStudyCore.faces.stack import read_header
from DeidentifyStudyCore.faces.volume import Volume, sampled, working_volume, world_points

HEADS: dict[str, dict[str, Any]] = {
    "CT of a mean head": {"modality": "CT"},
    "CT, small head that nods, on a table": {
        "modality": "CT",
        "shape": Shape((0.9, 0.92, 0.93)),
        "nod": 14.0,
        "table": True,
    },
    "CT with gantry tilt, 5 mm, turned head": {
        "modality": "CT",
        "shape": Shape((1.05, 1.04, 1.06), 3.0, 4.0),
        "turn": 12.0,
        "incline": 6.0,
        "spacing": (5.0, 1.2, 1.2),
        "gantry": -15.0,
    },
    "MR, turned and nodding": {
        "modality": "MR",
        "shape": Shape((0.95, 1.03, 1.02)),
        "turn": 10.0,
        "nod": 8.0,
    },
    "MR, large head, anisotropic": {
        "modality": "MR",
        "shape": Shape((1.05, 1.06, 1.04), 3.0, 4.0),
        "incline": 7.0,
        "spacing": (4.0, 1.5, 1.5),
    },
}


@pytest.fixture(scope="module", params=HEADS)
def head(request: pytest.FixtureRequest, make_phantom: Any, make_pose: Any) -> tuple[Any, Finding]:
    """A phantom and what was found in it."""
    options = dict(HEADS[request.param])
    angles = {name: options.pop(name) for name in ("nod", "turn", "incline") if name in options}
    phantom = make_phantom(options.pop("modality"), pose=make_pose(**angles), **options)
    return phantom, examine_volume(phantom.volume, "CT" if phantom.volume.voxels.min() < -500 else "MR")


def _inside(finding: Finding, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    assert finding.mask is not None
    assert finding.affine is not None
    result: NDArray[np.bool_] = sampled(finding.mask.astype(np.float32), finding.affine, points) > 0.5
    return result


def _gates(finding: Finding) -> dict[str, Gate]:
    return {gate.name: gate for gate in finding.gates}


def test_every_gate_is_passed(head: tuple[Any, Finding]) -> None:
    _, finding = head
    assert {name: gate.value for name, gate in _gates(finding).items() if not gate.passed} == {}
    assert finding.verdict == "altered"
    assert finding.may_be_confirmed


def test_no_voxel_of_the_true_brain_is_in_the_mask(head: tuple[Any, Finding]) -> None:
    phantom, finding = head
    inside = _inside(finding, world_points(phantom.volume))
    assert inside.sum() > 1000
    assert not (inside & phantom.brain).any()


def test_nose_lips_chin_and_corneas_are_in_the_mask(head: tuple[Any, Finding]) -> None:
    phantom, finding = head
    nose, jaw = phantom.shape.nose, phantom.shape.jaw
    corneas = [eye + np.array([0.0, -11.0, 0.0]) for eye in EYES]
    inwards = (np.array([0.0, 4 - nose, 2.0]), np.array([0.0, 2.0, 0.0]), np.array([0.0, 4 - jaw, 0.0]))
    points = [*map(np.add, (NOSE_TIP, LIPS, CHIN), inwards), *corneas]
    assert _inside(finding, np.array([phantom.place(point) for point in points])).all()


def test_the_true_surface_of_the_face_is_gone(head: tuple[Any, Finding]) -> None:
    """Of all tissue within 8 mm of the air in front, between brow and chin, 97 % and more are filled."""
    phantom, finding = head
    points = world_points(phantom.volume)
    own = (points - phantom.pose[:3, 3]) @ phantom.pose[:3, :3] / np.array(phantom.shape.size)
    shifted = phantom.pose[:3, :3] @ np.array([0.0, -8.0, 0.0])
    work = (phantom.tissues != 0).astype(np.float32)
    near_front = sampled(work, phantom.volume.affine, points + shifted) < 0.5
    face = (phantom.tissues != 0) & near_front & (np.abs(own[..., 0]) < 36) & (own[..., 1] < -60)
    face &= (own[..., 2] < -20) & (own[..., 2] > -108)
    assert face.sum() > 300
    assert _inside(finding, points)[face].mean() > 0.97


def test_the_back_of_the_head_is_left_alone(head: tuple[Any, Finding]) -> None:
    phantom, finding = head
    points = world_points(phantom.volume)
    own = (points - phantom.pose[:3, 3]) @ phantom.pose[:3, :3]
    assert not _inside(finding, points)[(own[..., 1] > 10) & (np.abs(own[..., 0]) < 60)].any()


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_a_head_whose_axes_are_wrong_does_not_pass(modality: str, make_phantom: Callable[..., Any]) -> None:
    """Front and back are exchanged in the header."""
    phantom = make_phantom(modality)
    affine = phantom.volume.affine.copy()
    affine[:3, 1] *= -1
    affine[:3, 3] += (0, 264 - 2 * 16, 0)
    finding = examine_volume(Volume(phantom.volume.voxels, affine), modality)
    assert finding.verdict == "review"


@pytest.mark.parametrize(
    ("heights", "reason"), [((-55.0, 84.0), "only a part of the face"), ((-20.0, 84.0), "no pair of eyes")]
)
def test_ct_of_a_part_of_a_face_waits_for_a_person(
    heights: tuple[float, float], reason: str, make_phantom: Callable[..., Any]
) -> None:
    finding = examine_volume(make_phantom("CT", heights=heights).volume, "CT")
    assert finding.verdict == "review"
    assert reason in finding.reason


def test_mr_of_a_part_of_a_face_waits_for_a_person(make_phantom: Callable[..., Any]) -> None:
    finding = examine_volume(make_phantom("MR", heights=(-62.0, 96.0)).volume, "MR")
    assert finding.verdict == "review"
    assert not _gates(finding)["field of view"].passed


def test_ct_of_a_trunk_needs_nothing() -> None:
    _, j, i = np.indices((30, 120, 180))
    body = np.square((j - 60) / 50) + np.square((i - 90) / 85) < 1
    voxels = np.where(body, 40, -1000).astype(np.float32)
    affine = np.diag([5.0, 2.0, 2.0, 1.0])[:, [2, 1, 0, 3]]
    finding = examine_volume(Volume(voxels, affine), "CT")
    assert finding.verdict == "no-face"
    assert finding.mask is None


def test_noise_is_no_head() -> None:
    voxels = np.random.default_rng(1).normal(100, 20, (40, 100, 100)).astype(np.float32)
    affine = np.diag([3.0, 2.0, 2.0, 1.0])[:, [2, 1, 0, 3]]
    finding = examine_volume(Volume(np.abs(voxels), affine), "MR")
    assert finding.verdict == "review"
    assert not finding.may_be_confirmed


def test_a_hard_gate_cannot_be_overruled(make_phantom: Callable[..., Any]) -> None:
    hard = Gate("brain", 1.0, 0, 0, "", hard=True)
    soft = Gate("nose", 1.0, 6, 60, "")
    mask = np.zeros((1, 1, 1), np.bool_)
    assert not Finding("review", "", (hard,), "x", mask, np.eye(4)).may_be_confirmed
    assert Finding("review", "", (soft,), "x", mask, np.eye(4)).may_be_confirmed
    assert not Gate("nose", float("nan"), 6, 60, "").passed


def test_the_working_lattice_keeps_places(make_phantom: Callable[..., Any]) -> None:
    """A sheared stack lies where it lay: its values are those of the head at the same points."""
    phantom = make_phantom("CT", spacing=(2.0, 2.0, 2.0), gantry=-18.5)
    work = working_volume(phantom.volume)
    points = np.array([phantom.place(point) for point in (*EYES, np.array([0.0, 0.0, 40.0]))])
    values = sampled(np.nan_to_num(work.voxels), work.affine, points)
    assert np.allclose(values, (12, 12, 30), atol=30)
    assert not work.measured.all()


def test_reference_ct_without_soft_tissue_is_not_taken_for_a_head(shared_data: Any) -> None:
    """A dry skull in air: there is nothing to alter and nothing that may be claimed."""

    files = [read_header(path) for path in sorted((shared_data / "dicom" / "ct_philips_5mm").iterdir())]
    finding = examine_series([file for file in files if file is not None])
    assert finding.verdict == "review"


def test_a_slab_of_a_face_is_not_said_to_be_without_one(shared_data: Any) -> None:
    """Ten sagittal images show a profile, whatever the registration of so little makes of it."""

    files = [read_header(path) for path in sorted((shared_data / "dicom" / "mr_uih_t1_sag").iterdir())]
    finding = examine_series([file for file in files if file is not None])
    assert finding.verdict == "review"
    assert not finding.may_be_confirmed


def test_mr_is_registered_the_same_way_again(make_phantom: Callable[..., Any]) -> None:
    """A person's word holds for what was shown: the next examination must find exactly the same."""
    volume = make_phantom("MR", spacing=(4.0, 3.0, 3.0)).volume
    first, second = (examine_volume(volume, "MR") for _ in range(2))
    assert first.digest == second.digest != ""
