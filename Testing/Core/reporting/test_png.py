"""PNG pictures of our own are read by others."""

import base64
import io

import numpy as np
from PIL import Image

from AnnotationQACore.reporting.png import png_data_uri


def test_pillow_reads_the_same_grey_levels() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (13, 7), dtype=np.uint8)
    kind, _, content = png_data_uri(grey).partition(",")
    assert kind == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as picture:
        picture.verify()
    with Image.open(io.BytesIO(base64.b64decode(content))) as picture:
        np.testing.assert_array_equal(np.array(picture), grey)
