"""Whether a file can hold the voxels that its header declares, asked before any memory is taken for them."""

from __future__ import annotations

from pathlib import Path

from AnnotationQACore.errors import InputError

__all__ = ["MOST_BYTES", "require_plausible"]

MOST_BYTES = 32 << 30
"""More voxels than this in one file are taken for a damaged header or an attack."""

_DEFLATE_RATIO = 1032
"""Deflate makes data smaller by this factor at most (https://zlib.net/zlib_tech.html); bzip2 by more."""


def require_plausible(path: Path, declared: int, packed: str = "") -> None:
    """Raise `InputError` when a file cannot hold what it declares.

    Parameters
    ----------
    path : Path
        Holds the voxels.
    declared : int
        Bytes of the unpacked voxels, by the header.
    packed : str
        ``gzip``, another compression, or nothing.
    """
    size = path.stat().st_size
    if declared > MOST_BYTES:
        raise InputError(f"{path}: its header declares {declared / 2**30:.0f} GB of voxels; the file is damaged.")
    ratio = {"": 1, "gzip": _DEFLATE_RATIO}.get(packed)
    if ratio is not None and declared > size * ratio:
        raise InputError(
            f"{path}: ends before its last voxel: its header declares {declared} bytes of voxels, which {size} bytes "
            "cannot hold; the file is truncated, copy it again."
        )
