"""Servers of images: search, fetch and publish by DICOMweb and by classic DICOM networking (DIMSE)."""
