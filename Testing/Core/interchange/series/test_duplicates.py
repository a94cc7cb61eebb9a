"""Copies are found under other UIDs and other patients; look-alikes too, where asked."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import RLELossless

from AnnotationQACore.interchange.series.duplicates import DuplicateKind, compare_pixels, likely_copies, thumbnail
from AnnotationQACore.interchange.series.header_cache import HeaderCache
from AnnotationQACore.interchange.series.scanning import scan_folder

rng = np.random.default_rng(3)
SMOOTH = (1000 + 800 * np.outer(np.sin(np.linspace(0, 5, 64)), np.cos(np.linspace(0, 3, 64)))).astype(np.uint16)


def volume(count=4, noise=0.0, seed=0):
    generator = np.random.default_rng(seed)
    return [
        (np.roll(SMOOTH, 5 * k, axis=0) + noise * generator.standard_normal(SMOOTH.shape)).astype(np.uint16)
        for k in range(count)
    ]


def write(studio, slices, **elements):
    for k, pixels in enumerate(slices):
        studio.slice(pixels, ImagePositionPatient=[0, 0, 2.0 * k], **elements)


def series_of(studio):
    return scan_folder(studio.folder).series


def test_copy_under_another_patient(studio, another_studio):
    write(studio, volume())
    write(another_studio, volume(), PatientID="ANOTHER", SeriesDescription="anonymized")
    (pair,) = likely_copies(series_of(studio))
    assert (pair.kind, pair.across_patients, pair.shared) == (DuplicateKind.EXACT, True, 4)
    (pair,) = compare_pixels(series_of(studio))
    assert (pair.kind, pair.across_patients, pair.shared) == (DuplicateKind.EXACT, True, 4)


def test_copy_of_the_same_patient(studio, another_studio):
    write(studio, volume())
    write(another_studio, volume())
    (pair,) = likely_copies(series_of(studio))
    assert not pair.across_patients


def test_one_other_pixel_far_from_the_middle_is_no_copy(studio, another_studio):
    write(studio, volume())
    changed = volume()
    changed[0][0, 0] += 1
    write(another_studio, changed)
    assert likely_copies(series_of(studio)) == ()
    (pair,) = compare_pixels(series_of(studio))
    assert (pair.kind, pair.shared) == (DuplicateKind.PARTIAL, 3)


def test_copy_that_was_compressed_is_found_in_the_pixels(studio, another_studio):
    write(studio, volume())
    write(another_studio, volume())
    for path in another_studio.folder.glob("*.dcm"):
        dataset = dcmread(path)
        dataset.compress(RLELossless, generate_instance_uid=False)
        dataset.save_as(path)
    assert likely_copies(series_of(studio)) == ()
    (pair,) = compare_pixels(series_of(studio))
    assert pair.kind is DuplicateKind.EXACT


def test_single_shared_slice(studio, another_studio):
    write(studio, volume())
    strangers = [rng.integers(0, 4000, (64, 64), dtype=np.uint16) for _ in range(3)]
    write(another_studio, [*strangers, volume()[2]])
    (pair,) = compare_pixels(series_of(studio))
    assert (pair.kind, pair.shared) == (DuplicateKind.PARTIAL, 1)


def test_blank_slices_are_shared_by_nobody(studio, another_studio):
    blank = np.zeros((64, 64), np.uint16)
    write(studio, [blank, volume()[1]])
    write(another_studio, [blank, rng.integers(0, 4000, (64, 64), dtype=np.uint16)])
    assert compare_pixels(series_of(studio)) == ()


def test_look_alikes_of_other_studies(studio, another_studio):
    write(studio, volume())
    write(another_studio, volume(noise=8, seed=1))
    (pair,) = compare_pixels(series_of(studio))
    assert pair.kind is DuplicateKind.NEAR
    assert 0.995 <= pair.similarity < 1
    assert likely_copies(series_of(studio)) == ()


def test_within_a_study_look_alikes_are_expected(studio, another_studio):
    write(studio, volume())
    write(another_studio, volume(noise=8, seed=1), StudyInstanceUID=studio.study)
    assert compare_pixels(series_of(studio)) == ()


def test_different_anatomy_does_not_look_alike(studio, another_studio):
    write(studio, volume())
    write(another_studio, [np.rot90(pixels) for pixels in volume()])
    assert compare_pixels(series_of(studio)) == ()


def test_thumbnails_ignore_size_and_brightness():
    small = thumbnail(SMOOTH)
    large = thumbnail(np.kron(SMOOTH, np.ones((2, 2))) * 3 + 100)
    assert np.vdot(small, large) == pytest.approx(1, abs=1e-5)
    assert not thumbnail(np.full((70, 70), 7)).any()
    assert thumbnail(np.zeros((70, 90, 3))).shape == (64, 64)


def test_digests_are_remembered(studio, another_studio, tmp_path):
    write(studio, volume())
    write(another_studio, volume())
    cache = HeaderCache(tmp_path / "cache.json")
    series = scan_folder(studio.folder, cache=cache).series
    expected = (likely_copies(series, cache), compare_pixels(series, cache=cache))
    cache.save()
    again = HeaderCache(tmp_path / "cache.json")
    calls = []
    restored = scan_folder(studio.folder, cache=again).series
    found = compare_pixels(restored, lambda *said: calls.append(said), cache=again)
    assert (likely_copies(restored, again), found) == expected
    assert calls == []  # no file was read again
