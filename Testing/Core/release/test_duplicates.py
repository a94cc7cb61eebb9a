"""The same image is known again under another patient, in another format, size or crop; unlike images are not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray
from scipy import ndimage

from AnnotationQACore.errors import InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.series.opening import open_series
from AnnotationQACore.release.duplicates import (
    ALIKE,
    SAME,
    Evidence,
    Link,
    binding_pairs,
    find_links,
    pair_hash,
)
from AnnotationQACore.release.fingerprints import LOOK_SIZE, Fingerprint, fingerprint_of, fingerprint_of_voxels
from AnnotationQACore.release.similarity import candidates, likeness

Array = NDArray[np.float64]


def texture(seed: int, shape: tuple[int, ...] = (12, 96, 90)) -> Array:
    """A body of smooth noise in air."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), (1.5, 5, 5))
    _, j, i = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    body = (j**2 + i**2) < 0.8
    return np.where(body, 40 + 300 * noise / noise.std() / 3, -1000).round()


def links_of(a: Array, b: Array) -> tuple[Link, ...]:
    prints = {"a": (fingerprint_of_voxels(a),), "b": (fingerprint_of_voxels(b),)}
    return find_links({"a": "patient 1", "b": "patient 2"}, prints)


def cropped(voxels: Array) -> Array:
    return voxels[:, 12:-10, 10:-12]


ALTERED: dict[str, Callable[[Array], Array]] = {
    "smaller": lambda v: ndimage.zoom(v, (1, 0.5, 0.5), order=1),
    "larger": lambda v: ndimage.zoom(v, (1, 1.4, 1.4), order=1),
    "cropped": cropped,
    "padded": lambda v: np.pad(v, ((0, 0), (20, 5), (0, 30)), constant_values=-1000),
    "8 bits by a window": lambda v: np.clip((v + 400) / 900 * 255, 0, 255).round(),
    "noisy": lambda v: v + np.random.default_rng(9).normal(0, 20, v.shape),
    "some slices": lambda v: v[1:-1] + 1.0,
    "compressed with losses": lambda v: ndimage.gaussian_filter(v, (0, 0.7, 0.7)),
}


@pytest.mark.parametrize("name", ALTERED)
def test_an_altered_copy_is_a_duplicate(name: str) -> None:
    image = texture(1)
    (link,) = links_of(image, ALTERED[name](image))
    assert link.evidence is Evidence.LOOKS, link
    assert link.binds


def test_an_exact_copy_is_told_from_one_that_looks_the_same() -> None:
    (link,) = links_of(texture(1), texture(1))
    assert link.evidence is Evidence.PIXELS
    assert str(link) == "cases 'a' and 'b', said to be of two patients, have the same voxels"


def test_shared_slices_are_found_whatever_their_orientation() -> None:
    image = texture(2)
    part = np.flip(image[3:8], axis=1).transpose(0, 2, 1)
    (link,) = links_of(image, part)
    assert (link.evidence, link.detail) == (Evidence.SLICES, "5 slices")


def test_different_patients_are_not_linked() -> None:
    assert [links_of(texture(a), texture(b)) for a in range(3) for b in range(3, 6)] == [()] * 9


def test_a_narrow_window_leaves_at_least_a_suspicion() -> None:
    image = texture(1)
    (link,) = links_of(image, np.clip((image + 160) / 400 * 255, 0, 255).round())
    assert link.evidence in (Evidence.LOOKS, Evidence.ALIKE)


def test_empty_slices_link_nobody() -> None:
    blank = np.zeros((3, 32, 32))
    first, second = blank.copy(), blank.copy()
    first[0], second[0] = texture(1, (1, 32, 32))[0], texture(2, (1, 32, 32))[0]
    assert fingerprint_of_voxels(first).slices.isdisjoint(fingerprint_of_voxels(second).slices)
    assert not links_of(first, second)


def test_the_same_voxels_in_another_format_and_orientation(tmp_path: Path, shared_data: Path) -> None:
    dicom = open_series(shared_data / "dicom" / "ct_philips_5mm")
    volume = dicom.volume()
    image = SimpleITK.GetImageFromArray(volume.voxels.astype(np.float32))
    spacing, directions = volume.grid.spacing, np.array(volume.grid.directions)
    image.SetSpacing(spacing[::-1])
    image.SetOrigin(volume.grid.origin)
    image.SetDirection(directions[::-1].T.ravel().tolist())
    turned = SimpleITK.DICOMOrient(image, "RAS")
    SimpleITK.WriteImage(turned, str(tmp_path / "image.nii.gz"))
    assert turned.GetSize() == image.GetSize()
    nifti = fingerprint_of(open_series(tmp_path / "image.nii.gz"))
    assert nifti.pixels == fingerprint_of(dicom).pixels
    assert nifti.slices == fingerprint_of(dicom).slices


def test_real_images_of_different_patients_stay_apart_and_altered_ones_do_not(shared_data: Path) -> None:
    names = ("ct_philips_5mm", "ct_philips_tilt_m18", "mr_uih_t1_sag", "mr_ge_4d")
    images = {name: open_series(shared_data / "dicom" / name) for name in names}
    prints = {name: (fingerprint_of(one),) for name, one in images.items()}
    voxels = images["mr_uih_t1_sag"].voxels.astype(np.float64)
    prints["mr_uih_t1_sag"] = (fingerprint_of_voxels(voxels),)
    prints["altered"] = (fingerprint_of_voxels(ndimage.zoom(voxels, (1, 0.6, 0.6), order=1)[:, 20:-20, 15:-20]),)
    links = find_links({name: name for name in prints}, prints)
    assert [(link.a, link.b, link.evidence) for link in links] == [
        ("altered", "mr_uih_t1_sag", Evidence.LOOKS),
        ("ct_philips_5mm", "ct_philips_tilt_m18", Evidence.FRAME),  # one phantom, in truth
    ]


def test_x_rays_are_compared_too(shared_data: Path) -> None:
    folder = shared_data / "dicom"
    first, second = (next((folder / name).glob("*.dcm")) for name in ("cr_mono1_j2k", "dx_mono1"))
    chest = open_series(first).voxels.astype(np.float64)
    other = open_series(second).voxels.astype(np.float64)
    prints = {
        "chest": (fingerprint_of_voxels(chest[0] if chest.ndim == 3 else chest),),
        "smaller": (fingerprint_of_voxels(ndimage.zoom(chest.reshape(chest.shape[-2:]), 0.3, order=1)),),
        "wrist": (fingerprint_of_voxels(other),),
    }
    links = find_links({name: name for name in prints}, prints)
    assert [(link.a, link.b) for link in links] == [("chest", "smaller")]


def test_one_study_under_two_patients_binds_and_a_placeholder_does_not() -> None:
    def print_(seed: int, study: str) -> tuple[Fingerprint, ...]:
        return (Fingerprint(str(seed), frozenset(), np.zeros((1, LOOK_SIZE, LOOK_SIZE), np.int8), study),)

    (link,) = find_links({"a": "p1", "b": "p2"}, {"a": print_(1, "1.2.3"), "b": print_(2, "1.2.3")})
    assert link.evidence is Evidence.STUDY
    assert link.binds
    many = {f"c{n}": print_(n, "1.2.3") for n in range(60)}
    found = find_links({case: case for case in many}, many)
    assert not [link for link in found if link.evidence is Evidence.STUDY]


def test_images_that_all_look_alike_are_reported_and_bind_nobody() -> None:
    image = texture(1, (3, 60, 60))
    noise = np.random.default_rng(0)
    prints = {f"c{n}": (fingerprint_of_voxels(image + noise.normal(0, 5, image.shape)),) for n in range(8)}
    links = find_links({case: case for case in prints}, prints)
    assert len(links) == 28
    assert {link.evidence for link in links} == {Evidence.ALIKE}
    assert binding_pairs(links) == ()
    few = dict(list(prints.items())[:4])
    assert {link.evidence for link in find_links({case: case for case in few}, few)} == {Evidence.LOOKS}


def test_cases_of_one_patient_are_not_reported() -> None:
    prints = {"a": (fingerprint_of_voxels(texture(1)),), "b": (fingerprint_of_voxels(texture(1)),)}
    assert not find_links({"a": "p", "b": "p"}, prints)


@pytest.mark.parametrize(("first", "second"), [("P-01", "p1"), ("ABC 12", "abc_12"), ("007", "7")])
def test_patients_that_differ_in_spelling_are_suspects(first: str, second: str) -> None:
    (link,) = find_links({"a": first, "b": second}, {})
    assert link.evidence is Evidence.NAMES
    assert not link.binds


@pytest.mark.parametrize(("first", "second"), [("P1", "P10"), ("P10", "P1 0x"), ("A", "B")])
def test_other_patients_are_none(first: str, second: str) -> None:
    assert not find_links({"a": first, "b": second}, {})


def test_a_pair_that_was_signed_off_as_different_binds_no_more() -> None:
    link = Link("a", "b", Evidence.LOOKS)
    assert binding_pairs([link, Link("a", "c", Evidence.ALIKE)]) == (("a", "b"),)
    assert binding_pairs([link], [pair_hash("b", "a")]) == ()


def test_likeness_is_symmetric_enough_and_ordered() -> None:
    first, second = fingerprint_of_voxels(texture(1)).looks, fingerprint_of_voxels(texture(2)).looks
    assert likeness(first, first) == pytest.approx(1.0, abs=1e-3)
    assert likeness(first, second) < ALIKE < SAME
    assert list(candidates([first, first])) == [(0, 1)]
    assert list(candidates([first])) == []


def test_fingerprints_survive_json() -> None:
    one = fingerprint_of_voxels(texture(1), Grid((12, 96, 90)))
    again = Fingerprint.from_json(one.to_json())
    assert (again.pixels, again.slices) == (one.pixels, one.slices)
    assert np.array_equal(again.looks, one.looks)
    with pytest.raises(InputError, match="are no pictures"):
        Fingerprint.from_json(one.to_json() | {"looks": "AAAA"})


def test_an_image_of_one_value_has_a_fingerprint_and_no_like() -> None:
    assert not links_of(np.zeros((4, 30, 30)), np.full((4, 32, 32), 7.0))
    with pytest.raises(InputError, match="has no slices"):
        fingerprint_of_voxels(np.zeros(5))
