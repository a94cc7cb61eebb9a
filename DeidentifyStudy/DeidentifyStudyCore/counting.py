"""Numbers of things, in words."""

__all__ = ["count_of"]


def count_of(number: int, one: str, more: str = "") -> str:
    """``1 file``, ``2 files``, ``0 files``.

    Parameters
    ----------
    one, more : str
        What follows a single one, and any other number; `more` is `one` with an s unless it is given.
    """
    return f"{number} {one if number == 1 else more or f'{one}s'}"
