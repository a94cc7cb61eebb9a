"""Reference standards for medical imaging: what to label, who said what, how far readers agree, what was decided.

This package is plain Python on numpy: it knows nothing of Slicer, VTK or Qt.
"""
