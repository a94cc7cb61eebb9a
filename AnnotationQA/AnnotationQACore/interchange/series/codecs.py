"""Which decoder reads a transfer syntax here, and what to install where none does.

Only permissively licensed decoders are used, each named to pydicom; pylibjpeg-libjpeg (GPL) is never asked. What they
leave, the GDCM inside SimpleITK decodes: it is there wherever this package is, and reads lossless and 12-bit JPEG.
"""

from __future__ import annotations

import functools
import importlib.util
from typing import Any, Final

__all__ = ["CODECS", "NATIVE", "SIMPLEITK", "decoder_for", "install_hint", "look_again"]

SIMPLEITK: Final = "SimpleITK"

CODECS: Final = (
    "pyjpegls>=1.4",
    "python-gdcm>=3.0.24",
    "pylibjpeg>=2.0",
    "pylibjpeg-openjpeg>=2.3",
    "pylibjpeg-rle>=2.0",
)
"""The extra ``codecs``."""

NATIVE: Final = "native"
"""Decoder of uncompressed pixel data: numpy itself."""

_UNCOMPRESSED: Final = frozenset(
    {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"}
)
_RLE: Final = "1.2.840.10008.1.2.5"
_JPEG: Final = {
    "1.2.840.10008.1.2.4.50": "JPEG baseline",
    "1.2.840.10008.1.2.4.51": "JPEG extended (12 bit)",
    "1.2.840.10008.1.2.4.57": "JPEG lossless",
    "1.2.840.10008.1.2.4.70": "JPEG lossless",
}
_JPEG_LS: Final = {"1.2.840.10008.1.2.4.80": "JPEG-LS lossless", "1.2.840.10008.1.2.4.81": "JPEG-LS near-lossless"}
_JPEG_2000: Final = {"1.2.840.10008.1.2.4.90": "JPEG 2000 lossless", "1.2.840.10008.1.2.4.91": "JPEG 2000"}
_HTJ2K: Final = {
    "1.2.840.10008.1.2.4.201": "HTJ2K lossless",
    "1.2.840.10008.1.2.4.202": "HTJ2K lossless RPCL",
    "1.2.840.10008.1.2.4.203": "HTJ2K",
}
_NAMES: Final = {_RLE: "RLE", **_JPEG, **_JPEG_LS, **_JPEG_2000, **_HTJ2K}
_READ_BY_GDCM: Final = frozenset({*_JPEG, *_JPEG_LS, *_JPEG_2000})
_PLUGINS: Final = {
    _RLE: ("pylibjpeg", "pydicom"),
    **dict.fromkeys(_JPEG, ("pillow",)),
    **dict.fromkeys(_JPEG_LS, ("pyjpegls", "gdcm")),
    **dict.fromkeys(_JPEG_2000, ("pylibjpeg", "pillow", "gdcm")),
    **dict.fromkeys(_HTJ2K, ("pylibjpeg",)),
}
_PLUGIN_PACKAGES: Final = {
    "pillow": ("PIL",),
    "gdcm": ("gdcm",),
    "pyjpegls": ("jpeg_ls",),
    "pydicom": (),
}
_PYLIBJPEG_CODEC: Final = {_RLE: "rle", **dict.fromkeys((*_JPEG_2000, *_HTJ2K), "openjpeg")}
_PILLOW_ONLY_8_BIT: Final = frozenset({"1.2.840.10008.1.2.4.51"})
_PILLOW_CANNOT: Final = frozenset({"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"})


def decoder_for(transfer_syntax: str, bits_stored: int = 8) -> str | None:
    """Name of the decoder to use: ``native``, a pydicom plugin, ``SimpleITK``, or None where nothing can read it."""
    if transfer_syntax in _UNCOMPRESSED:
        return NATIVE
    for plugin in _PLUGINS.get(transfer_syntax, ()):
        if plugin == "pillow" and not _pillow_reads(transfer_syntax, bits_stored):
            continue
        if _is_installed(plugin, transfer_syntax):
            return plugin
    return SIMPLEITK if transfer_syntax in _READ_BY_GDCM else None


def install_hint(transfer_syntax: str) -> str:
    """Sentence that names what cannot be decoded, and the extra that decodes it."""
    name = _NAMES.get(transfer_syntax)
    if name is None:
        return f"transfer syntax {transfer_syntax or '(none)'} is not known here; export the series uncompressed."
    return f'its pixels are compressed as {name}, which nothing here decodes; run pip install "annotation-qa[codecs]".'


def look_again() -> None:
    """Look anew which decoders there are: packages were installed meanwhile."""
    _is_installed.cache_clear()


def _pillow_reads(transfer_syntax: str, bits_stored: int) -> bool:
    if transfer_syntax in _PILLOW_CANNOT:
        return False
    return not (transfer_syntax in _PILLOW_ONLY_8_BIT and bits_stored > 8)


@functools.cache
def _is_installed(plugin: str, transfer_syntax: str) -> bool:
    if plugin == "pylibjpeg":
        packages: tuple[str, ...] = ("pylibjpeg", _PYLIBJPEG_CODEC[transfer_syntax])
    else:
        packages = _PLUGIN_PACKAGES[plugin]
    if not all(importlib.util.find_spec(package) is not None for package in packages):
        return False
    return _decoder(transfer_syntax, plugin) is not None


def _decoder(transfer_syntax: str, plugin: str) -> Any:
    """Decoder of pydicom when this plugin can serve the syntax (its version may be too old)."""
    from pydicom.pixels import get_decoder

    try:
        decoder = get_decoder(transfer_syntax)
    except NotImplementedError:
        return None
    return decoder if plugin in decoder.available_plugins else None
