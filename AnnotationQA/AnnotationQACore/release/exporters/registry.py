"""All formats in which a dataset is released."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from AnnotationQACore.release.exporters.bids import BidsExporter
from AnnotationQACore.release.exporters.coco import CocoExporter
from AnnotationQACore.release.exporters.dicom import DicomExporter
from AnnotationQACore.release.exporters.monai import MonaiExporter
from AnnotationQACore.release.exporters.nnunet import NnunetExporter
from AnnotationQACore.release.exporters.numpy_arrays import NumpyExporter
from AnnotationQACore.release.exporters.ome_zarr import OmeZarrExporter
from AnnotationQACore.release.exporters.png import PngExporter
from AnnotationQACore.release.exporters.tables import TablesExporter
from AnnotationQACore.release.exporters.tfrecord import TfRecordExporter
from AnnotationQACore.release.exporting import Exporter

__all__ = ["EXPORTERS"]

_ALL: tuple[Exporter, ...] = (
    DicomExporter(),
    BidsExporter(),
    NnunetExporter(),
    MonaiExporter(),
    CocoExporter(),
    PngExporter(),
    NumpyExporter(packed=True),
    NumpyExporter(packed=False),
    OmeZarrExporter(),
    TfRecordExporter(),
    TablesExporter(),
)

EXPORTERS: Mapping[str, Exporter] = MappingProxyType({exporter.name: exporter for exporter in _ALL})
"""By name: dicom, bids, nnunet, monai, coco, png, npz, npy, zarr, tfrecord, tables."""
