"""De-identification of DICOM studies: headers, burned-in text and faces, with a report that proves what was done.

This package is plain Python on numpy: it knows nothing of Slicer, VTK or Qt.
"""
