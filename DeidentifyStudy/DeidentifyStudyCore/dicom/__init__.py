"""DICOM files as bytes: tokens, encodings, character sets, pixel data, data dictionary. No view on identity."""
