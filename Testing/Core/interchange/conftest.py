"""Random segmentations, and other people's programs as judges."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, generate_uid
from pydicom.valuerep import format_number_as_ds
from scipy.spatial.transform import Rotation

from AnnotationQACore.geometry import Grid
from AnnotationQACore.protocol.terminology import Code
from AnnotationQACore.segmentation import Segment, Segmentation

# PixelMed's templates are larger than what newer Java versions take by default
_JAVA = "-Djdk.xml.xpathExprOpLimit=0 -Djdk.xml.xpathTotalOpLimit=0 -Djdk.xml.xpathExprGrpLimit=0"
_JAVA += " -XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # starts twice as fast

TISSUE = Code("SCT", "85756007", "Tissue")
MASS = Code("SCT", "4147007", "Mass")
LIVER = Code("SCT", "10200004", "Liver")


@st.composite
def grids(draw, sheared: bool = False, largest: int = 6) -> Grid:
    """Small grids of any orientation and spacing; with `sheared`, with an in-plane shift from slice to slice."""
    shape = tuple(draw(st.tuples(*[st.integers(3, largest)] * 3)))
    spacing = np.array(draw(st.tuples(*[st.sampled_from([0.4, 0.75, 1.0, 2.5])] * 3)))
    origin = draw(st.tuples(*[st.sampled_from([-120.5, 0.0, 33.25])] * 3))
    angles = draw(st.tuples(*[st.sampled_from([0.0, 0.2, -0.7])] * 3))
    directions = Rotation.from_euler("xyz", angles).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = directions[:, ::-1] * spacing
    if sheared:
        affine[:3, 0] += draw(st.sampled_from([0.3, -0.5])) * affine[:3, 1]
    affine[:3, 3] = origin
    return Grid.from_affine(shape, affine)


@st.composite
def segmentations(draw, overlaps: bool = True, sheared: bool = False) -> Segmentation:
    """Small segmentations: up to three layers that may overlap, all codes or none, now and then an empty segment."""
    grid = draw(grids(sheared=sheared))
    layer_count = draw(st.integers(1, 3)) if overlaps else 1
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    layers = np.zeros((layer_count, *grid.shape), np.uint8)
    segments = []
    for layer in range(layer_count):
        values = draw(st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True))
        layers[layer] = random.choice([0, *values], size=grid.shape)
        for value in values:
            number = len(segments) + 1
            coded = draw(st.booleans())
            segments.append(
                Segment(
                    id=f"item#{number}",
                    name=f"Läsion {number}: <links>",
                    value=value,
                    layer=layer,
                    color=(0.25, 0.5, 1.0),
                    category=TISSUE if coded else None,
                    type=MASS if coded else None,
                    region=LIVER if coded else None,
                )
            )
    return Segmentation(layers, grid, tuple(segments))


def ct_series(grid: Grid, **changes: object) -> list[Dataset]:
    """Headers of a CT series whose slices lie on `grid`, last slice first, without attributes of type 2."""
    study, series, frame_of_reference = (generate_uid() for _ in range(3))
    down, across = grid.directions[1], grid.directions[2]
    headers = []
    for k in reversed(range(grid.shape[0])):
        header = Dataset()
        header.file_meta = FileMetaDataset()
        header.SOPClassUID = CTImageStorage
        header.SOPInstanceUID = generate_uid()
        header.StudyInstanceUID, header.SeriesInstanceUID = study, series
        header.FrameOfReferenceUID = frame_of_reference
        header.Modality = "CT"
        header.Rows, header.Columns = grid.shape[1:]
        header.PixelSpacing = [format_number_as_ds(x) for x in grid.spacing[1:]]
        header.SliceThickness = format_number_as_ds(grid.spacing[0])
        header.ImagePositionPatient = [format_number_as_ds(x) for x in grid.to_world((k, 0, 0)).tolist()]
        header.ImageOrientationPatient = [format_number_as_ds(x) for x in (*across, *down)]
        for keyword, value in changes.items():
            setattr(header, keyword, value)
        headers.append(header)
    return headers


@pytest.fixture(scope="session")
def series_on() -> Callable[..., list[Dataset]]:
    """Make the headers of a CT series on a grid."""
    return ct_series


@pytest.fixture(scope="session")
def random_grids() -> Callable[..., st.SearchStrategy[Grid]]:
    """Hypothesis strategy of small grids."""
    return grids


@pytest.fixture(scope="session")
def random_segmentations() -> Callable[..., st.SearchStrategy[Segmentation]]:
    """Hypothesis strategy of small segmentations."""
    return segmentations


def _absent(message: str) -> None:
    pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)


@pytest.fixture(scope="session")
def judge() -> Callable[..., str]:
    """Run a program of someone else and return what it says; it must be there where CI is set."""

    def run(name: str, *arguments: object, package: str = "") -> str:
        path = shutil.which(name)
        if path is None:
            _absent(f"needs the program {name} (apt-get install {package or name})")
        command = [str(path), *map(str, arguments)]
        environment = {**os.environ, "JAVA_TOOL_OPTIONS": _JAVA}
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=120, check=False, env=environment
        )
        return done.stdout + done.stderr

    return run


@pytest.fixture(scope="session", params=["0.4.0", "newest"])
def dcmqi(request: pytest.FixtureRequest) -> Path:
    """Folder of dcmqi's programs: the version in Slicer 5.12, and the newest on PyPI; fetched once into a cache."""
    cache = Path(os.environ.get("ANNOTATIONQA_TOOLS", Path.home() / ".cache" / "annotation-qa"))
    folder = cache / f"dcmqi-{request.param}"
    if not folder.is_dir():
        requirement = "dcmqi" if request.param == "newest" else f"dcmqi=={request.param}"
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as temporary:
            command = [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--target",
                temporary,
                requirement,
            ]
            if subprocess.run(command, capture_output=True, check=False).returncode:
                _absent(f"needs {requirement} from PyPI")
            with contextlib.suppress(OSError):  # another worker was faster
                shutil.move(temporary, folder)
                Path(temporary).mkdir()
    return folder / "dcmqi" / "bin"


@pytest.fixture(scope="session")
def same() -> Callable[[Segmentation, Segmentation], None]:
    """Assert that two segmentations are the same: grid, segments and the voxels of each."""

    def check(first: Segmentation, second: Segmentation) -> None:
        assert first.grid.differences(second.grid) == ()
        assert [segment.id for segment in first.segments] == [segment.id for segment in second.segments]
        for segment in first.segments:
            assert np.array_equal(first.mask(segment.id).voxels, second.mask(segment.id).voxels), segment.id

    return check
