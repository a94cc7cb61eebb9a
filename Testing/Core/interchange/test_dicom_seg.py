from dataclasses import replace
from datetime import datetime

import highdicom
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from AnnotationQACore.errors import DestinationError, GridMismatch, InputError
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.coded import same_concept
from AnnotationQACore.interchange.derived import ObjectInfo
from AnnotationQACore.interchange.dicom_seg import (
    Algorithm,
    AlgorithmType,
    ProbabilityMap,
    SegmentationType,
    SegmentOrigin,
    read_dicom_seg,
)
from AnnotationQACore.interchange.dicom_seg_writer import write_dicom_seg, write_fractional_segs
from AnnotationQACore.interchange.placement import placed_on, rectified
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.segmentation import Segment, Segmentation, Volume

few = settings(max_examples=12, deadline=None, derandomize=True)
INFO = ObjectInfo(description="Lesions by anna", creator="anna", when=datetime(2026, 1, 2, 3, 4, 5), key="reading 1")
TISSUE = Code("SCT", "85756007", "Tissue")
BOX = Grid((4, 5, 6), (2.5, 0.7, 0.7), (-10.0, 20.0, 30.0))


def _segmentation(grid=BOX, **changes):
    layers = np.zeros((1, *grid.shape), np.uint8)
    layers[0, 1:3, 1:4, 2:5] = 3
    return Segmentation(layers, grid, (Segment("lesion#1", "Lesion", 3, category=TISSUE, type=TISSUE, **changes),))


@few
@given(data=st.data())
def test_binary_round_trip_is_the_identity(data, random_segmentations, series_on, tmp_path_factory, same):
    segmentation = data.draw(random_segmentations())
    path = tmp_path_factory.mktemp("seg") / "seg.dcm"
    write_dicom_seg(path, segmentation, series_on(segmentation.grid), INFO)
    back = placed_on(read_dicom_seg(path).segmentation, segmentation.grid)
    same(back, segmentation)
    for ours, theirs in zip(segmentation.segments, back.segments, strict=True):
        assert (theirs.name, theirs.region) == (ours.name, ours.region)
        assert (theirs.category, theirs.type) == (ours.category or TISSUE, ours.type or TISSUE)
        assert theirs.color == pytest.approx(ours.color, abs=1.5 / 255)


@few
@given(data=st.data())
def test_labelmap_round_trip_is_the_identity(data, random_segmentations, series_on, tmp_path_factory, same):
    segmentation = data.draw(random_segmentations(overlaps=False))
    path = tmp_path_factory.mktemp("seg") / "seg.dcm"
    write_dicom_seg(path, segmentation, series_on(segmentation.grid), INFO, SegmentationType.LABELMAP)
    read = read_dicom_seg(path)
    assert read.type is SegmentationType.LABELMAP
    same(placed_on(read.segmentation, segmentation.grid), segmentation)


@few
@given(data=st.data(), occupancy=st.booleans())
def test_fractions_come_back_on_the_cropped_union(data, random_segmentations, series_on, tmp_path_factory, occupancy):
    segmentation = data.draw(random_segmentations())
    random = np.random.default_rng(0)
    maps = []
    for segment in segmentation.segments:
        values = random.random(segmentation.grid.shape).astype(np.float32)
        values *= segmentation.mask(segment.id).voxels
        maps.append(ProbabilityMap(segment, Volume(values, segmentation.grid)))
    path = tmp_path_factory.mktemp("seg") / "seg.dcm"
    assert write_fractional_segs(path, maps, series_on(segmentation.grid), INFO, occupancy=occupancy) == (path,)
    read = read_dicom_seg(path)
    start = np.rint(segmentation.grid.to_index(read.segmentation.grid.origin)).astype(int)
    assert (start >= 0).all()
    region = tuple(slice(a, a + n) for a, n in zip(start, read.segmentation.grid.shape, strict=True))
    assert read.fractions is not None
    for one, fractions in zip(maps, read.fractions, strict=True):
        whole = np.zeros(segmentation.grid.shape)
        whole[region] = fractions
        assert np.abs(whole - one.volume.voxels).max() <= 0.5 / 255 + 1e-6


def test_fractional_segments_get_objects_of_their_own_where_memory_asks(series_on, tmp_path):
    maps = []
    for n in range(2):
        values = np.zeros((1, 2, 2), np.float32)
        values[0, 0, n] = 0.5
        grid = BOX.cropped((slice(n, n + 1), slice(1, 3), slice(0, 2)))
        maps.append(ProbabilityMap(Segment(f"s{n}", "x", 1, n), Volume(values, grid)))
    whole = write_fractional_segs(tmp_path / "c.dcm", maps, series_on(BOX), INFO)
    assert read_dicom_seg(whole[0]).segmentation.grid.shape == (2, 1, 2)
    paths = write_fractional_segs(tmp_path / "c.dcm", maps, series_on(BOX), INFO, memory_limit=1)
    assert [path.name for path in paths] == ["c-1.dcm", "c-2.dcm"]
    assert [read_dicom_seg(path).segmentation.segments[0].id for path in paths] == ["s0", "s1"]
    assert len({read_dicom_seg(path).instance_uid for path in paths}) == 2


def test_what_made_a_segment_is_kept(series_on, tmp_path):
    origin = SegmentOrigin(
        Algorithm(AlgorithmType.AUTOMATIC, "STAPLE", "1.0", Code("DCM", "123107", "Cluster Analysis"), "prior=0.1"),
        "1.2.3.4",
    )
    codes = {
        "type_modifier": Code("SCT", "14734007", "Small"),
        "region": Code("SCT", "39607008", "Lung"),
        "region_modifier": Code("SCT", "24028007", "Right"),
    }
    segmentation = _segmentation(**codes)
    write_dicom_seg(tmp_path / "s.dcm", segmentation, series_on(BOX), INFO, origins={"lesion#1": origin})
    read = read_dicom_seg(tmp_path / "s.dcm")
    assert read.origins == {"lesion#1": origin}
    segment = read.segmentation.segments[0]
    assert {name: getattr(segment, name) for name in codes} == codes
    assert (read.creator, read.description) == ("anna", "Lesions by anna")


def test_object_refers_to_the_images_of_its_frames(series_on, tmp_path):
    series = series_on(BOX)
    write_dicom_seg(tmp_path / "s.dcm", _segmentation(), series, INFO)
    read = read_dicom_seg(tmp_path / "s.dcm")
    positions = {header.SOPInstanceUID: header.ImagePositionPatient for header in series}
    frames = dcmread(tmp_path / "s.dcm").PerFrameFunctionalGroupsSequence
    for frame in frames:
        (image,) = frame.DerivationImageSequence[0].SourceImageSequence
        assert frame.PlanePositionSequence[0].ImagePositionPatient == positions[image.ReferencedSOPInstanceUID]
    assert {positions[uid][2] for uid in read.source_uids} == {32.5, 35.0}
    assert read.source_series_uid == series[0].SeriesInstanceUID
    assert read.frame_of_reference_uid == series[0].FrameOfReferenceUID


def test_same_key_makes_the_same_uids_and_another_key_others(series_on, tmp_path):
    series = series_on(BOX)
    uids = []
    for key in ("a", "a", "b", "", ""):
        write_dicom_seg(tmp_path / "s.dcm", _segmentation(), series, replace(INFO, key=key))
        read = read_dicom_seg(tmp_path / "s.dcm")
        uids.append((read.instance_uid, read.series_uid, read.origins["lesion#1"].tracking_uid))
    assert uids[0] == uids[1]
    assert len(set(uids)) == 4


def test_missing_codes_are_named(series_on, tmp_path):
    segmentation = _segmentation()
    plain = Segmentation(segmentation.layers, BOX, (Segment("lesion#1", "a\\b", 3),))
    notes = write_dicom_seg(tmp_path / "s.dcm", plain, series_on(BOX), INFO)
    assert [note.split(":")[0] for note in notes] == [
        "segment 'lesion#1' has no code for what it is",
        "segment 'lesion#1'",
    ]
    assert write_dicom_seg(tmp_path / "s.dcm", segmentation, series_on(BOX), INFO) == ()


@few
@given(data=st.data())
def test_tilted_series_is_rectified_and_said_so(data, random_segmentations, series_on, tmp_path_factory, same):
    segmentation = data.draw(random_segmentations(sheared=True))
    path = tmp_path_factory.mktemp("seg") / "seg.dcm"
    notes = write_dicom_seg(path, segmentation, series_on(segmentation.grid), INFO)
    assert any("gantry-tilted" in note for note in notes)
    upright = rectified(segmentation)
    assert not upright.grid.is_sheared
    same(placed_on(read_dicom_seg(path).segmentation, upright.grid), upright)
    shift_allowed = np.hypot(*segmentation.grid.spacing[1:]) / 2 + 1e-6
    for segment in segmentation.segments:
        before = segmentation.grid.to_world(np.argwhere(segmentation.mask(segment.id).voxels))
        after = upright.grid.to_world(np.argwhere(upright.mask(segment.id).voxels))
        assert before.shape == after.shape
        assert np.abs(before - after).max(initial=0) <= shift_allowed


def test_real_tilted_series(shared_data, tmp_path):
    from AnnotationQACore.interchange.sources import read_sources

    sources = read_sources(sorted((shared_data / "dicom" / "ct_philips_tilt_m18").glob("*.dcm")))
    grid = sources.grid
    assert grid is not None
    assert grid.is_sheared
    layers = np.zeros((1, *grid.shape), np.uint8)
    layers[0, :, 200:300, 210:320] = 1
    segmentation = Segmentation(layers, grid, (Segment("head", "Head", 1, category=TISSUE, type=TISSUE),))
    (note,) = write_dicom_seg(tmp_path / "s.dcm", segmentation, sources, INFO)
    assert "rectified" in note
    back = read_dicom_seg(tmp_path / "s.dcm").segmentation
    assert not back.grid.is_sheared
    assert back.mask("head").voxels.sum() == layers.sum()


def test_segmentation_on_a_part_of_the_images_or_turned_round(series_on, tmp_path, same):
    whole = _segmentation()
    part = (slice(1, 4), slice(1, 5), slice(1, 6))
    cropped = Segmentation(whole.layers[(slice(None), *part)], BOX.cropped(part), whole.segments)
    affine = BOX.affine
    affine[:3, 3] = BOX.to_world((3, 0, 5))
    affine[:3, [0, 2]] *= -1
    turned = Segmentation(whole.layers[:, ::-1, :, ::-1], Grid.from_affine(BOX.shape, affine), whole.segments)
    swapped = Segmentation(
        whole.layers.transpose(0, 2, 1, 3),
        Grid.from_affine((5, 4, 6), BOX.affine[:, [1, 0, 2, 3]]),
        whole.segments,
    )
    for segmentation in (cropped, turned, swapped):
        assert write_dicom_seg(tmp_path / "s.dcm", segmentation, series_on(BOX), INFO) == ()
        same(placed_on(read_dicom_seg(tmp_path / "s.dcm").segmentation, BOX), whole)


def test_segmentation_on_another_grid_keeps_it_and_says_so(series_on, tmp_path, same):
    finer = Grid((4, 5, 6), (1.0, 0.35, 0.35), (-9.0, 20.1, 30.2))
    segmentation = _segmentation(finer)
    (note,) = write_dicom_seg(tmp_path / "s.dcm", segmentation, series_on(BOX), INFO)
    assert "a grid of their own" in note
    same(placed_on(read_dicom_seg(tmp_path / "s.dcm").segmentation, finer), segmentation)


def test_placing_refuses_other_lattices_and_voxels_outside():
    with pytest.raises(GridMismatch, match="differ in spacing"):
        placed_on(_segmentation(), Grid(BOX.shape, (2.0, 0.7, 0.7), BOX.origin))
    with pytest.raises(GridMismatch, match="voxels outside"):
        placed_on(_segmentation(), BOX.cropped((slice(0, 2), slice(0, 5), slice(0, 6))))


def test_multiframe_source(shared_data, tmp_path, same):
    folder = shared_data / "dicom" / "legacy_converted_ct_and_seg"
    theirs = read_dicom_seg(folder / "label.seg").segmentation
    named = Segmentation(theirs.layers, theirs.grid, (replace(theirs.segments[0], category=TISSUE, type=TISSUE),))
    for sources in ([folder / "mf.dcm"], sorted(folder.glob("IMG*.dcm"))):
        assert write_dicom_seg(tmp_path / "s.dcm", named, sources, INFO) == ()
        read = read_dicom_seg(tmp_path / "s.dcm")
        same(placed_on(read.segmentation, theirs.grid), named)
        assert read.source_uids


def test_radiograph_without_patient_geometry(shared_data, tmp_path):
    source = shared_data / "dicom" / "dx_mono1" / "dx_image.dcm"
    header = dcmread(source, stop_before_pixels=True)
    grid = Grid((1, header.Rows, header.Columns))
    layers = np.zeros((2, *grid.shape), np.uint8)
    layers[0, 0, 3:9, 2:7] = 1
    layers[1, 0, 5:12, 4:9] = 2
    segments = (
        Segment("a", "A", 1, 0, category=TISSUE, type=TISSUE),
        Segment("b", "B", 2, 1, category=TISSUE, type=TISSUE),
    )
    assert write_dicom_seg(tmp_path / "s.dcm", Segmentation(layers, grid, segments), [source], INFO) == ()
    read = read_dicom_seg(tmp_path / "s.dcm").segmentation
    for segment in segments:
        assert np.array_equal(read.mask(segment.id).voxels, layers[segment.layer] == segment.value)


@pytest.mark.parametrize("kind", [SegmentationType.BINARY, SegmentationType.LABELMAP])
def test_highdicom_reads_ours(series_on, tmp_path, kind):
    segmentation = _segmentation()
    write_dicom_seg(tmp_path / "s.dcm", segmentation, series_on(BOX), INFO, kind)
    seg = highdicom.seg.segread(tmp_path / "s.dcm")
    volume = seg.get_volume(combine_segments=True)
    back = Segmentation(volume.array[np.newaxis], Grid.from_affine(volume.spatial_shape, volume.affine), ())
    placed = placed_on(back, BOX)
    assert np.array_equal(placed.layers[0] == 1, segmentation.layers[0] == 3)


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_ours_reads_highdicoms(series_on, tmp_path, kind):
    series = series_on(BOX)[::-1]
    labels = np.zeros(BOX.shape, np.uint8)
    labels[1:3, 1:4, 2:5] = 2
    labels[0, 0, 0] = 1
    for header in series:
        header.update(dict.fromkeys(["PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyID"], ""))
        for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyID", "StudyDate"):
            setattr(header, keyword, "")
        header.StudyTime = header.AccessionNumber = header.ReferringPhysicianName = ""
    descriptions = [
        highdicom.seg.SegmentDescription(n, f"S{n}", highdicom.sr.CodedConcept("85756007", "SCT", "Tissue"),
                                         highdicom.sr.CodedConcept("85756007", "SCT", "Tissue"), "MANUAL")
        for n in (1, 2)
    ]  # fmt: skip
    seg = highdicom.seg.Segmentation(
        series, labels, kind, descriptions, generate_uid(), 1, generate_uid(), 1, "M", "M", "1", "1"
    )
    seg.save_as(tmp_path / "s.dcm")
    read = placed_on(read_dicom_seg(tmp_path / "s.dcm").segmentation, BOX)
    assert [segment.name for segment in read.segments] == ["S1", "S2"]
    for number, segment in enumerate(read.segments, start=1):
        assert np.array_equal(read.mask(segment.id).voxels, labels == number)


def test_dcmqi_overlapping_object(shared_data):
    """Voxel counts as dcmqi's own converter gives them."""
    segmentation = read_dicom_seg(shared_data / "dicom" / "seg_dcmqi_liver" / "partial_overlaps.dcm").segmentation
    counts = {s.name: int(segmentation.mask(s.id).voxels.sum()) for s in segmentation.segments}
    assert counts == {"GREEN": 9602, "ORANGE": 11888, "PURPLE": 10743, "LIGHT_BLUE": 6693, "DARK_BLUE": 4713}
    assert len(segmentation.layers) > 1


def test_dcmqi_object_lies_on_its_images(shared_data):
    from AnnotationQACore.interchange.sources import read_sources

    folder = shared_data / "dicom" / "seg_dcmqi_liver"
    images = read_sources([folder / f"0{n}.dcm" for n in (3, 1, 2)])
    read = read_dicom_seg(folder / "liver.dcm")
    assert images.grid is not None
    placed_on(read.segmentation, images.grid)
    assert set(read.source_uids) == {header.SOPInstanceUID for header in images.headers}
    liver = read.segmentation.segments[0]
    assert liver.type is not None
    assert same_concept(liver.type, Code("SCT", "10200004", "liver, whatever the meaning says"))


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (("SRT", "T-62000"), ("SCT", "10200004"), True),
        (("SCT", "10200004"), ("SRT", "T-62000"), True),
        (("SRT", "T-62000"), ("SRT", "T-62000"), True),
        (("SRT", "T-62000"), ("SCT", "39607008"), False),
        (("SRT", "of nobody"), ("SCT", "of nobody"), False),
        (("SCT", "10200004"), ("99LAB", "10200004"), False),
        (("99LAB", "1"), ("99LAB", "1"), True),
    ],
)
def test_retired_codes_equal_their_successors(first, second, same):
    assert same_concept(Code(*first, "one"), Code(*second, "another")) is same


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: [], "none are given"),
        (lambda s: [*s[:2], *[_with(h, SeriesInstanceUID="1.2") for h in s[2:]]], "several series"),
        (lambda s: [_with(h, SeriesInstanceUID=None) for h in s], "has no SeriesInstanceUID"),
        (lambda s: [_with(h, FrameOfReferenceUID=None) for h in s], "FrameOfReferenceUID"),
    ],
)
def test_images_that_cannot_be_a_source(series_on, tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        write_dicom_seg(tmp_path / "s.dcm", _segmentation(), change(series_on(BOX)), INFO)
    assert list(tmp_path.iterdir()) == []


def _with(header: Dataset, **changes: object) -> Dataset:
    for keyword, value in changes.items():
        if value is None:
            delattr(header, keyword)
        else:
            setattr(header, keyword, value)
    return header


def test_invalid_patient_module_of_the_source_does_not_stop_us(series_on, tmp_path):
    series = series_on(
        BOX, PatientSex="X", StudyDate="20260230", PatientName="Müller^Ö", SpecificCharacterSet="ISO_IR 100"
    )
    write_dicom_seg(tmp_path / "s.dcm", _segmentation(), series, INFO)
    written = dcmread(tmp_path / "s.dcm")
    assert (written.PatientSex, written.StudyDate, written.PatientName) == ("", "", "Müller^Ö")


def test_overlap_is_no_label_map_and_nothing_is_written(series_on, tmp_path):
    layers = np.ones((2, *BOX.shape), np.uint8)
    both = Segmentation(layers, BOX, (Segment("a", "A", 1, 0), Segment("b", "B", 1, 1)))
    with pytest.raises(InputError, match="'a' and 'b' overlap"):
        write_dicom_seg(tmp_path / "s.dcm", both, series_on(BOX), INFO, SegmentationType.LABELMAP)
    with pytest.raises(InputError, match="no segments"):
        write_dicom_seg(tmp_path / "s.dcm", Segmentation(layers, BOX, ()), series_on(BOX), INFO)
    with pytest.raises(DestinationError):
        write_dicom_seg(tmp_path / "absent" / "s.dcm", both, series_on(BOX), INFO)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.999])
def test_truncated_object_is_one_clear_line(series_on, tmp_path, keep):
    large = Grid((4, 50, 60), BOX.spacing, BOX.origin)
    write_dicom_seg(tmp_path / "s.dcm", _segmentation(large), series_on(large), INFO)
    content = (tmp_path / "s.dcm").read_bytes()
    (tmp_path / "s.dcm").write_bytes(content[: keep if isinstance(keep, int) else int(len(content) * keep)])
    with pytest.raises(InputError, match=r"s\.dcm") as caught:
        read_dicom_seg(tmp_path / "s.dcm")
    assert "\n" not in str(caught.value)


def test_other_dicom_is_refused(shared_data, tmp_path):
    with pytest.raises(InputError, match="is not a DICOM segmentation"):
        read_dicom_seg(shared_data / "dicom" / "seg_dcmqi_liver" / "01.dcm")
    with pytest.raises(InputError, match="cannot be read"):
        read_dicom_seg(tmp_path / "absent.dcm")


@pytest.mark.parametrize("kind", [SegmentationType.BINARY, SegmentationType.LABELMAP])
def test_segments_without_any_voxel_come_back_empty(series_on, tmp_path, same, kind):
    segments = tuple(Segment(f"s{n}", f"S{n}", n, category=TISSUE, type=TISSUE) for n in (1, 2))
    empty = Segmentation(np.zeros((1, *BOX.shape), np.uint8), BOX, segments)
    write_dicom_seg(tmp_path / "s.dcm", empty, series_on(BOX), INFO, kind)
    same(placed_on(read_dicom_seg(tmp_path / "s.dcm").segmentation, BOX), empty)
