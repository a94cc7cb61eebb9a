"""Siemens MOSAIC and UIH GRID come out as slices in their places."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import MRImageStorage

from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.series.dimensions import DimensionName
from AnnotationQACore.interchange.series.findings import FindingCode
from AnnotationQACore.interchange.series.loader import load_series
from AnnotationQACore.interchange.series.mosaic import BrokenMosaic, demosaic, read_csa_header, tile_shape

TILES, TILE = 5, 4


def csa_header(**fields: list[str]) -> bytes:
    """Write a CSA header of version 2."""
    out = b"SV10\4\3\2\1" + struct.pack("<2I", len(fields), 77)
    for name, values in fields.items():
        out += struct.pack("<64si4s3i", name.encode(), len(values), b"DS", 0, len(values), 77)
        for value in values:
            text = value.encode() + b"\0"
            out += struct.pack("<4i", 0, len(text), 77, 0) + text + b"\0" * (-len(text) % 4)
    return out


def mosaic_pixels(volume: int = 0) -> np.ndarray:
    """Tiles of a constant value each, in a square of 3 x 3."""
    image = np.zeros((3 * TILE, 3 * TILE), np.uint16)
    for index in range(TILES):
        row, column = divmod(index, 3)
        image[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE] = 100 * volume + index + 1
    return image


def write_mosaic(studio, volume=0, normal=("0", "0", "1"), csa=True, **elements):
    def edit(dataset: Dataset) -> None:
        block = dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
        fields = {
            "NumberOfImagesInMosaic": [str(TILES)],
            "SliceNormalVector": list(normal),
            "B_value": [str(500 * volume)],
        }
        block.add_new(0x08, "CS", "IMAGE NUM 4")
        block.add_new(0x10, "OB", csa_header(**fields))

    return studio.slice(
        mosaic_pixels(volume),
        edit=edit if csa else None,
        **{
            "SOPClassUID": MRImageStorage,
            "Modality": "MR",
            "Manufacturer": "SIEMENS",
            "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"],
            "ImagePositionPatient": [-10, -20, 5],
            "PixelSpacing": [2.0, 3.0],
            "SliceThickness": 4.0,
            "SpacingBetweenSlices": 5.0,
            "InstanceNumber": volume + 1,
            "AcquisitionNumber": volume + 1,
            "RescaleIntercept": 0,
            **elements,
        },
    )


def test_tiles_are_slices_in_their_places(studio):
    write_mosaic(studio)
    image = load_series(studio.folder)
    assert image.voxels.shape == (TILES, TILE, TILE)
    assert [np.unique(tile).tolist() for tile in image.voxels] == [[1], [2], [3], [4], [5]]
    # the corner stored is that of an image of 12 x 12 centred on the slice; that of a tile lies 4 pixels further in
    assert image.grid.origin == pytest.approx((-10 + 4 * 3, -20 + 4 * 2, 5))
    assert image.grid.spacing == pytest.approx((5.0, 2.0, 3.0))
    assert image.has(FindingCode.MOSAIC)
    assert [source.frame_number for source in image.sources[0]] == [1, 2, 3, 4, 5]


def test_slices_that_run_against_the_normal(studio):
    write_mosaic(studio, normal=("0", "0", "-1"))
    image = load_series(studio.folder)
    assert image.grid.origin == pytest.approx((2, -12, 5 - 4 * 5))
    assert image.voxels[:, 0, 0].tolist() == [5, 4, 3, 2, 1]


def test_mosaics_of_several_times(studio):
    for volume in range(3):
        write_mosaic(studio, volume)
    image = load_series(studio.folder)
    assert image.voxels.shape == (3, TILES, TILE, TILE)
    assert image.dimension.name is DimensionName.B_VALUE
    assert image.dimension.values == (0.0, 500.0, 1000.0)
    assert image.voxels[2, :, 0, 0].tolist() == [201, 202, 203, 204, 205]


def test_without_its_private_header_a_mosaic_is_refused(studio):
    write_mosaic(studio, csa=False)
    with pytest.raises(InputError, match="mosaic of slices that cannot be taken apart"):
        load_series(studio.folder)


def test_uih_grid(studio):
    def edit(dataset: Dataset) -> None:
        items = []
        for k in range(TILES):
            item = Dataset()
            item.ImagePositionPatient = [1, 2, 3 + 6 * k]
            items.append(item)
        block = dataset.private_block(0x0065, "Image Private Header", create=True)
        block.add_new(0x50, "DS", str(TILES))
        block.add_new(0x51, "SQ", Sequence(items))

    studio.slice(
        mosaic_pixels()[: 2 * TILE],
        edit=edit,
        ImageType=["ORIGINAL", "PRIMARY", "M", "VFRAME"],
        ImagePositionPatient=None,
        Modality="MR",
        RescaleIntercept=0,
    )
    image = load_series(studio.folder)
    assert image.voxels[:, 0, 0].tolist() == [1, 2, 3, 4, 5]
    assert image.grid.origin == (1, 2, 3)
    assert image.grid.spacing[0] == 6


@pytest.mark.parametrize(
    ("rows", "columns", "tiles", "expected"),
    [(384, 384, 36, (64, 64)), (384, 384, 30, (64, 64)), (256, 320, 20, (64, 64)), (216, 216, 5, (72, 72))],
)
def test_tile_shape(rows, columns, tiles, expected):
    assert tile_shape(rows, columns, tiles) == expected
    assert demosaic(np.zeros((rows, columns)), tiles).shape == (tiles, *expected)


@pytest.mark.parametrize("raw", [b"", b"SV10", b"SV10\4\3\2\1" + b"\xff" * 100, csa_header(A=["1"])[:-3]])
def test_broken_csa_headers_are_named(raw):
    with pytest.raises(BrokenMosaic):
        read_csa_header(raw)


def test_csa_header_values():
    fields = read_csa_header(csa_header(EchoColumnPosition=["36"], SliceNormalVector=["0", "-0.5", "1"], Empty=[]))
    assert fields == {"EchoColumnPosition": ("36",), "SliceNormalVector": ("0", "-0.5", "1"), "Empty": ()}
