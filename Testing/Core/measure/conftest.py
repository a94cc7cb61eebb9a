"""Images with masks that others measured."""

import numpy as np
import pytest
import SimpleITK as sitk

from AnnotationQACore.geometry import Grid
from AnnotationQACore.segmentation import Mask, Volume


def _volume(path):
    image = sitk.ReadImage(str(path))
    voxels = sitk.GetArrayFromImage(image)
    directions = np.reshape(image.GetDirection(), (3, 3)).T[::-1]
    grid = Grid(voxels.shape, image.GetSpacing()[::-1], image.GetOrigin(), tuple(map(tuple, directions.tolist())))
    return Volume(voxels, grid)


@pytest.fixture(scope="session")
def label_of(shared_data):
    """Mask of label 1 of an example of pyradiomics."""

    def read(name):
        volume = _volume(shared_data / f"raters/pyradiomics/data/{name}_label.nrrd")
        return Mask(volume.voxels == 1, volume.grid)

    return read


@pytest.fixture(scope="session")
def image_of(shared_data):
    """Image of an example of pyradiomics."""
    return lambda name: _volume(shared_data / f"raters/pyradiomics/data/{name}_image.nrrd")
