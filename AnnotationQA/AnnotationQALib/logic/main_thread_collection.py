"""Cyclic garbage is taken apart on the main thread only.

Python collects on whichever thread allocates when it is due. Garbage of an application may hold Qt and MRML objects,
ours or those of another module, which end the process when they are destroyed on another thread.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Mapping
from typing import Any

__all__ = ["collect_on_main_thread_only", "collect_what_was_put_off"]

_MOST_PUT_OFF = 1000
"""Collections that threads may put off before the main thread makes up for them; one of all objects takes a while."""

_put_off = 0


def collect_on_main_thread_only() -> None:
    """From now on leave nothing to collections that begin on other threads; may be called again."""
    if _spare not in gc.callbacks:
        gc.callbacks.append(_spare)


def collect_what_was_put_off() -> None:
    """To be called on the main thread now and then while threads work, so that their garbage does not pile up."""
    global _put_off
    if _put_off >= _MOST_PUT_OFF:
        _put_off = 0
        gc.collect()


def _spare(phase: str, _info: Mapping[str, Any]) -> None:
    """A collection looks only at objects that are not frozen: what there is, is frozen as long as it lasts."""
    global _put_off
    if threading.get_ident() == threading.main_thread().ident:
        return
    if phase == "start":
        gc.freeze()
    else:
        gc.unfreeze()
        _put_off += 1
