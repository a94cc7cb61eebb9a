"""Runs the in-application tests in a Slicer that was not built with them, and ends it with their exit code.

Slicer --testing --python-script Testing/Slicer/run.py [NAME ...]

Modules of this checkout that Slicer was not started with (``--additional-module-paths``) are loaded here. NAME is a
file of this folder without its ending, or a test of it (``ConsensusReviewInSlicer.ConsensusReviewInSlicer.test_...``).
"""

import faulthandler
import sys
import traceback
import unittest
from pathlib import Path

import qt
import slicer

HERE = Path(__file__).resolve().parent
MODULES = ("AnnotationQA/AnnotationQA.py", "AnnotationQA/ConsensusReview.py", "DeidentifyStudy/DeidentifyStudy.py")
MOST_SECONDS = 900
"""Of one test. What hangs longer, such as in a dialog that nobody sees, ends Slicer with the place where it hangs."""

STDERR = 2


class Result(unittest.TextTestResult):
    """Tells how each test ended as soon as it has, and lets none run for ever."""

    def startTest(self, test: unittest.TestCase) -> None:
        faulthandler.dump_traceback_later(MOST_SECONDS, exit=True, file=STDERR)
        super().startTest(test)

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        faulthandler.cancel_dump_traceback_later()


def load_modules() -> list[str]:
    """Load what is missing; returns one line for each module that Slicer refuses."""
    factory = slicer.app.moduleManager().factoryManager()
    refused = []
    for place in MODULES:
        path = HERE.parents[1] / place
        if factory.isLoaded(path.stem):
            continue
        factory.registerModule(qt.QFileInfo(str(path)))
        factory.loadModules([path.stem])
        if not factory.isLoaded(path.stem):
            why = "loaded" if factory.isInstantiated(path.stem) else "made, see the error above"
            refused.append(f"the module {path.stem} of {place} could not be {why}")
    return refused


def chosen_tests(wanted: list[str]) -> list[str]:
    """Names of the files, or those that were asked for."""
    names = sorted(path.stem for path in HERE.glob("*InSlicer.py"))
    if not wanted:
        return names
    unknown = [name for name in wanted if name.split(".")[0] not in names]
    if unknown:
        raise SystemExit(f"no tests are called {', '.join(unknown)}; there are {', '.join(names)}")
    return wanted


def main() -> int:
    """Run the tests; returns the exit code."""
    faulthandler.enable(file=STDERR)
    sys.path.insert(0, str(HERE))
    refused = load_modules()
    suite = unittest.TestLoader().loadTestsFromNames(chosen_tests(sys.argv[1:]))
    result = unittest.TextTestRunner(verbosity=2, resultclass=Result).run(suite)
    for test, _ in (*result.errors, *result.failures):
        print(f"FAILED {test.id()}")
    for line in refused:
        print(f"FAILED {line}")
    bad = len(result.errors) + len(result.failures) + len(result.unexpectedSuccesses) + len(refused)
    print(f"{result.testsRun} tests in Slicer {slicer.app.applicationVersion}: {bad} failed")
    return 0 if not bad and result.testsRun else 1


code = 1
try:
    code = main()
except SystemExit as stopped:
    print(stopped)
except BaseException:  # whatever it is, Slicer must not stay open
    traceback.print_exc()
slicer.util.exit(code)
