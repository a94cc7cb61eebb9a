"""One process at a time appends to a writer's file.

Locks of the operating system are not reliable on network shares. A lock here is a file that only one process can create
(exclusive creation is atomic on local disks, SMB and NFS). It is held for one append, some milliseconds, and tells who
holds it. A lock is taken for abandoned when its process has ended on this computer, when it is older than a minute by
the clock of the share, or when it does not say whose it is and is older than two seconds; then it is moved aside first,
so that of two processes that see it only one goes on. Should two processes get in all the same, their events fork the
chain, and `verify` tells.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from AnnotationQACore.errors import DestinationError, ProjectError
from AnnotationQACore.project.fields import format_time

__all__ = ["PATIENCE", "locked"]

PATIENCE = 10.0
"""Seconds to wait for another process before giving up."""

ABANDONED_AFTER = 60.0
"""Seconds after which a lock of another computer is taken for abandoned."""

INCOMPLETE_AFTER = 2.0
"""Seconds after which a lock that does not say whose it is was left by a crash."""

_PAUSE = 0.02


@contextlib.contextmanager
def locked(path: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock file `path` during the block.

    Raises
    ------
    ProjectError
        Another process keeps the lock.
    DestinationError
        The folder cannot be written.
    """
    token = json.dumps(
        {
            "host": socket.gethostname(),
            "process": os.getpid(),
            "since": format_time(datetime.now(UTC)),
            "token": secrets.token_hex(8),
        }
    )
    deadline = time.monotonic() + patience
    while not _create(path, token):
        holder = _read(path)
        if holder is not None and _is_abandoned(path, holder):
            _move_aside(path, holder)
        elif time.monotonic() >= deadline:
            raise ProjectError(_message(path, holder or ""))
        else:
            time.sleep(_PAUSE)
    try:
        yield
    finally:
        if _read(path) == token:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _create(path: Path, token: str) -> bool:
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except FileExistsError:
        return False
    except PermissionError as error:
        if os.name == "nt" and path.exists():  # Windows: the file is being deleted by its holder
            return False
        raise _cannot_lock(path, error) from error
    except OSError as error:
        raise _cannot_lock(path, error) from error
    try:
        os.write(descriptor, token.encode())
    except OSError as error:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            path.unlink()
        raise _cannot_lock(path, error) from error
    os.close(descriptor)
    return True


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _is_abandoned(path: Path, holder: str) -> bool:
    try:
        fields = json.loads(holder)
        host, process = str(fields["host"]), int(fields["process"])
    except (ValueError, TypeError, KeyError):
        return _age(path) > INCOMPLETE_AFTER
    if host == socket.gethostname() and os.name != "nt" and not _is_running(process):
        return True
    return _age(path) > ABANDONED_AFTER


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _age(path: Path) -> float:
    """Age of a file by the clock of the share, which is asked by making another file there."""
    probe = path.with_name(f".tmp-{secrets.token_hex(6)}-clock")
    try:
        probe.touch()
        return probe.stat().st_mtime - path.stat().st_mtime
    except OSError:
        return 0.0
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


def _move_aside(path: Path, holder: str) -> None:
    aside = path.with_name(f".tmp-{secrets.token_hex(6)}-abandoned.lock")
    with contextlib.suppress(OSError):
        path.rename(aside)
        if _read(aside) != holder and not path.exists():  # somebody was faster, and this is the new lock
            aside.rename(path)
        else:
            aside.unlink()


def _cannot_lock(path: Path, error: OSError) -> DestinationError:
    reason = error.strerror or type(error).__name__
    return DestinationError(f"{path.parent}: cannot be written ({reason}); free space or ask for the right to write.")


def _message(path: Path, holder: str) -> str:
    try:
        fields = json.loads(holder)
        who = f"process {int(fields['process'])} on {fields['host']} since {fields['since']}"
    except (ValueError, TypeError, KeyError):
        who = "another process"
    return f"{path}: {who} is writing with the same key; close it, or delete this file if it has ended."
