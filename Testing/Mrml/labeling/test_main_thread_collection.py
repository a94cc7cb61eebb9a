"""What Qt and MRML objects hang on is destroyed on the main thread, whoever is at work beside it."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from AnnotationQALib.logic import main_thread_collection
from AnnotationQALib.logic.background import BackgroundTask, Workers
from AnnotationQALib.logic.main_thread_collection import collect_what_was_put_off
from AnnotationQALib.review.background import Background

BOUND = 60.0


class Widget:
    """Part of a cycle, as panels and their callbacks are; says on which thread it is destroyed."""

    def __init__(self, destroyed: list[bool]) -> None:
        self.callback = lambda: self
        self._destroyed = destroyed

    def __del__(self) -> None:
        self._destroyed.append(threading.current_thread() is threading.main_thread())


@pytest.fixture
def destroyed() -> list[bool]:
    return []


@pytest.fixture
def workers() -> Iterator[Workers]:
    made = Workers(1, "test")
    yield made
    made.shutdown()


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Collections begin where the test says so."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_a_worker_that_collects_leaves_widgets_alone(
    workers: Workers, destroyed: list[bool], no_collection: None
) -> None:
    for _ in range(10):
        Widget(destroyed)

    def work() -> None:
        gc.enable()
        made = [[number] for number in range(100_000)]  # far more than a collection is due after
        gc.collect()
        gc.disable()
        assert len(made) == 100_000

    workers.submit(work).result(BOUND)
    assert destroyed == []
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert destroyed == [True] * 10


def test_what_threads_put_off_is_made_up_for(
    workers: Workers, destroyed: list[bool], no_collection: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main_thread_collection, "_put_off", 0)
    Widget(destroyed)
    workers.submit(lambda: [gc.collect(0) for _ in range(999)]).result(BOUND)
    collect_what_was_put_off()
    assert destroyed == []
    workers.submit(gc.collect, 0).result(BOUND)
    collect_what_was_put_off()
    assert destroyed == [True]


class Node:
    """Without a cycle: destroyed by whoever lets go of it last."""

    def __init__(self, destroyed: list[bool]) -> None:
        self._destroyed = destroyed

    def __del__(self) -> None:
        self._destroyed.append(threading.current_thread() is threading.main_thread())

    def use(self, *_progress: Any) -> str:
        return "used"


class Slow(Workers):
    """Its threads hold on to what they were given until they are told that the main thread has let go."""

    def __init__(self) -> None:
        super().__init__(1, "slow")
        self.main_has_let_go = threading.Event()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        may_begin = threading.Event()

        def begin(*args: Any) -> Any:
            may_begin.wait(BOUND)
            return fn(*args)

        future = super().submit(begin, *args, **kwargs)
        future.add_done_callback(lambda _done: self.main_has_let_go.wait(BOUND))
        may_begin.set()
        return future


@pytest.fixture
def slow() -> Iterator[Slow]:
    made = Slow()
    yield made
    made.main_has_let_go.set()
    made.shutdown()


def test_the_main_thread_lets_go_last_of_what_a_task_holds(slow: Slow, destroyed: list[bool]) -> None:
    task = BackgroundTask(slow, Node(destroyed).use)
    assert task.result() == "used"
    del task
    assert destroyed == [True]


def test_a_step_of_the_review_that_is_forgotten_is_held_until_it_is_done(slow: Slow, destroyed: list[bool]) -> None:
    background = Background(pytest.fail, slow)
    begun, may_end = threading.Event(), threading.Event()

    def work(node: Node) -> str:
        begun.set()
        may_end.wait(BOUND)
        return node.use()

    node = Node(destroyed)
    background.run("case", "", lambda node=node: work(node), lambda _result: None)
    (step,) = background._steps
    future = step.future
    del node, step
    assert begun.wait(BOUND)
    background.forget("case")
    background.poll()
    assert destroyed == []
    may_end.set()
    future.exception(BOUND)
    background.poll()
    assert destroyed == [True]
