"""Measurements on segmentations and markups: volumes, diameters, intensities, angles, ejection fraction."""
