"""What people choose from when they make a release, by name: formats, what a split balances, what ranks cases."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FORMATS", "STRATA", "WEIGHTS"]

FORMATS = ("dicom", "bids", "nnunet", "monai", "coco", "png", "npz", "npy", "zarr", "tfrecord", "tables")
"""Keys of `exporters.registry.EXPORTERS`."""

STRATA: Mapping[str, str] = {
    "findings": "answers of the reference standard",
    "modality": "modality of the images",
    "scanner": "manufacturer or scanner",
    "site": "site",
    "sex": "sex of the patient",
    "age": "age of the patient, by decades",
}
"""What parts can be balanced by, and what it is."""

WEIGHTS: Mapping[str, float] = {"model": 1.0, "readers": 1.0, "rarity": 1.0}
"""How much each reason for reading a case next counts."""
