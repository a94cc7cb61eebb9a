"""Runs the in-application tests in a Slicer that was not built with them, and ends it with their exit code.

Slicer --testing --no-splash --additional-module-paths AnnotationQA DeidentifyStudy \\
    --python-script Testing/Slicer/run.py
"""

import sys
import unittest
from pathlib import Path

import slicer

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Run every test of this folder."""
    sys.path.insert(0, str(HERE))
    names = sorted(path.stem for path in HERE.glob("*InSlicer.py"))
    if len(sys.argv) > 1:
        names = [name for name in names if name in sys.argv[1:]]
    suite = unittest.TestLoader().loadTestsFromNames(names)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    return 0 if result.wasSuccessful() and result.testsRun else 1


slicer.util.exit(main())
