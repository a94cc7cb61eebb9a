"""Worker processes: Ctrl-C is not theirs to answer, so that a terminal shows no tracebacks of theirs."""

import argparse
import signal
from concurrent.futures import Executor

import pytest

from AnnotationQACore.processes import WorkerPool
from DeidentifyStudyCore.cli.console import executor_of

needs_masks = pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows has no masks of signals")


def held_back(executor: Executor) -> set[int]:
    return set(map(int, executor.submit(signal.pthread_sigmask, signal.SIG_BLOCK, ()).result()))


@needs_masks
def test_workers_never_get_an_interruption_and_we_still_do() -> None:
    with WorkerPool(1) as pool:
        assert signal.SIGINT in held_back(pool)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


@needs_masks
def test_nor_do_those_of_de_identification() -> None:
    with executor_of(argparse.Namespace(scheduler=None, workers=2)) as executor:
        assert executor is not None
        assert signal.SIGINT in held_back(executor)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
