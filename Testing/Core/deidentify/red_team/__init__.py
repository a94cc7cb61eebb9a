"""Made-up patients whose identifiers are planted wherever a DICOM file can hold one, and the search for them."""
