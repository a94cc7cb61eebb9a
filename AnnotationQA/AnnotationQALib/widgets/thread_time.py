"""Lets background threads get on while the application waits for events."""

from __future__ import annotations

import time

from AnnotationQALib.logic.main_thread_collection import collect_what_was_put_off

__all__ = ["let_threads_work"]

SHARE_SECONDS = 0.008


def let_threads_work() -> None:
    """To be called by a timer while threads have work to do.

    An application that embeds Python may keep the interpreter's lock while its event loop waits, so that other threads
    stand still between two calls into Python. Sleeping gives the lock away; the pen does not feel so short a time.
    What threads must not collect is collected here.
    """
    collect_what_was_put_off()
    time.sleep(SHARE_SECONDS)
