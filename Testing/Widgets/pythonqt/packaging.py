"""`slicer.packaging` as it is in testing mode: nothing is installed, and every request is remembered."""

from typing import Any

__all__ = ["pip_check", "pip_ensure", "requests"]

requests: list[Any] = []
"""Requirements that `pip_ensure` was asked for."""


def pip_ensure(
    requirements: Any,
    constraints: Any = None,
    skip_packages: list[str] | None = None,
    prompt_install: bool = True,
    prompt_restart: bool = True,
    requester: str | None = None,
    skip_in_testing: bool = True,
    show_progress: bool = True,
) -> list[str] | None:
    """Remember the request, and install nothing."""
    if not skip_in_testing:
        raise AssertionError("a test would install packages")
    requests.append(requirements)
    return None


def pip_check(req: Any, _seen: Any = None) -> bool:
    """Say that nothing is installed."""
    return False
