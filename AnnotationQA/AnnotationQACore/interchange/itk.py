"""SimpleITK, for the few formats that only it reads: imported at first use, since some builds of Slicer lack it."""

from __future__ import annotations

from typing import Any

from AnnotationQACore.errors import MissingExtra

__all__ = ["simpleitk"]


def simpleitk() -> Any:
    """The package SimpleITK; raises `MissingExtra` where it is not installed."""
    try:
        import SimpleITK
    except ImportError as error:
        raise MissingExtra("MetaImage: needs the package SimpleITK; pip install SimpleITK, or save as NRRD.") from error
    return SimpleITK
