"""One door for all images."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import SimpleITK
from PIL import Image

from AnnotationQACore.errors import InputError, MissingExtra
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange import video
from AnnotationQACore.interchange.nifti import write_nifti
from AnnotationQACore.interchange.nrrd import Nrrd, grid_fields, write_nrrd
from AnnotationQACore.interchange.picture_stack import natural_order, read_pictures
from AnnotationQACore.interchange.series.findings import FindingCode
from AnnotationQACore.interchange.series.opening import open_series
from AnnotationQACore.interchange.series.slice_geometry import GeometryKind
from AnnotationQACore.interchange.video import read_video
from AnnotationQACore.segmentation import Volume

VOXELS = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)
GRID = Grid((2, 3, 4), (3.0, 2.0, 1.0), (10.0, 20.0, 30.0), ((0, 0, 1), (1, 0, 0), (0, -1, 0)))


def meta_image(path):
    image = SimpleITK.GetImageFromArray(VOXELS)
    image.SetSpacing(GRID.spacing[::-1])
    image.SetOrigin(GRID.origin)
    image.SetDirection(np.array(GRID.directions[::-1]).T.ravel().tolist())
    SimpleITK.WriteImage(image, str(path))


WRITERS = {
    "image.nii.gz": lambda path: write_nifti(path, Volume(VOXELS, GRID)),
    "image.nrrd": lambda path: write_nrrd(path, Nrrd(VOXELS, grid_fields(GRID))),
    "image.mha": meta_image,
    "image.mhd": meta_image,
}


@pytest.mark.parametrize("name", WRITERS)
def test_volumes_of_every_format(tmp_path, name):
    WRITERS[name](tmp_path / name)
    image = open_series(tmp_path / name)
    np.testing.assert_array_equal(image.voxels, VOXELS)
    assert image.grid.differences(GRID) == ()
    assert image.kind is GeometryKind.REGULAR
    assert image.volume().grid is image.grid


def test_dicom_folder_and_file(studio):
    paths = studio.stack(3)
    assert open_series(studio.folder).voxels.shape == (3, 6, 5)
    assert open_series(paths).voxels.shape == (3, 6, 5)
    assert open_series(paths[0]).voxels.shape == (1, 6, 5)


@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [(".png", np.uint8), (".png", np.uint16), (".tif", np.uint8), (".tif", np.uint16), (".tif", np.float32)],
)
def test_gray_pictures_keep_their_values_in_natural_order(tmp_path, suffix, dtype):
    for k in (10, 9, 2):
        Image.fromarray(np.full((4, 5), 3 * k, dtype)).save(tmp_path / f"slice{k}{suffix}")
    image = open_series(tmp_path)
    assert image.voxels.dtype == dtype
    assert image.voxels[:, 0, 0].tolist() == [6, 27, 30]
    assert (image.kind, image.grid) == (GeometryKind.NONE, None)
    assert image.has(FindingCode.NO_SPACING)
    with pytest.raises(InputError, match="no one volume"):
        image.volume()


def test_pages_of_a_tiff_are_frames(tmp_path):
    pages = [Image.fromarray(np.full((4, 5), k, np.uint8)) for k in range(3)]
    pages[0].save(tmp_path / "stack.tif", save_all=True, append_images=pages[1:])
    image = open_series(tmp_path / "stack.tif")
    assert image.voxels[:, 0, 0].tolist() == [0, 1, 2]
    assert [source.frame_number for source in image.sources[0]] == [1, 2, 3]


def test_color_palette_alpha_and_loss(tmp_path):
    colors = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    Image.fromarray(colors).save(tmp_path / "a.png")
    image = read_pictures([tmp_path / "a.png"])
    assert image.is_color
    np.testing.assert_array_equal(image.voxels[0], colors)
    Image.fromarray(np.dstack([colors, np.full((4, 5), 128, np.uint8)])).save(tmp_path / "b.png")
    assert read_pictures([tmp_path / "b.png"]).has(FindingCode.COLOR_CONVERTED)
    Image.fromarray(colors).save(tmp_path / "c.jpg")
    assert read_pictures([tmp_path / "c.jpg"]).has(FindingCode.LOSSY)


def test_photographs_are_turned_upright_and_that_is_said(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise by a quarter
    pixels = np.arange(20, dtype=np.uint8).reshape(4, 5)
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    image = read_pictures([tmp_path / "a.png"])
    np.testing.assert_array_equal(image.voxels[0], np.rot90(pixels, -1))
    assert image.has(FindingCode.TURNED)


def test_pictures_of_two_sizes_are_refused(tmp_path):
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(np.zeros((4, 6), np.uint8)).save(tmp_path / "b.png")
    with pytest.raises(InputError, match=r"b\.png: 6x4 gray uint8 does not fit .* 5x4 gray uint8"):
        open_series(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 30])
def test_broken_pictures_are_named(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.png: is no picture that can be read"):
        open_series(tmp_path / "a.png")


def test_natural_order():
    assert sorted(["s10", "s9", "S1b", "s1a"], key=natural_order) == ["s1a", "S1b", "s9", "s10"]


def test_video_without_a_reader_names_the_extra(tmp_path, monkeypatch):
    (tmp_path / "a.mp4").write_bytes(b"video")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r'pip install "annotation-qa\[video\]"'):
        open_series(tmp_path / "a.mp4")


@pytest.fixture
def five_frames(monkeypatch):
    """A video reader of five frames at 25 per second, whatever the file."""
    frames = [np.full((4, 5, 3), k, np.uint8) for k in range(5)]
    monkeypatch.setattr(video, "_reader", lambda: lambda _: ((k / 25, frame) for k, frame in enumerate(frames)))


def test_frames_and_times_of_a_part(tmp_path, five_frames):
    (tmp_path / "a.mp4").write_bytes(b"video")
    image = read_video(tmp_path / "a.mp4", start=1, stop=4)
    assert image.voxels[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert [source.frame_number for source in image.sources[0]] == [2, 3, 4]
    assert [source.time for source in image.sources[0]] == pytest.approx([0.04, 0.08, 0.12])
    with pytest.raises(InputError, match="no frame could be read"):
        read_video(tmp_path / "a.mp4", start=9)
    with pytest.raises(InputError, match="give a first and last frame"):
        read_video(tmp_path / "a.mp4", max_bytes=100)


def test_real_video_where_opencv_is_installed(tmp_path):
    cv2 = pytest.importorskip("cv2", reason='needs OpenCV: pip install "annotation-qa[video]"')
    path = tmp_path / "a.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (64, 48))
    for k in range(6):
        writer.write(np.full((48, 64, 3), (40 * k, 0, 0), np.uint8))  # blue, as OpenCV orders colors
    writer.release()
    image = open_series(path)
    assert image.voxels.shape == (6, 48, 64, 3)
    assert np.abs(image.voxels[:, 0, 0].astype(int) - [[0, 0, 40 * k] for k in range(6)]).max() < 12
    assert image.sources[0][3].time == pytest.approx(0.3)


def test_what_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        open_series(tmp_path / "nothing.nii")
    with pytest.raises(InputError, match="none given"):
        read_pictures([])
