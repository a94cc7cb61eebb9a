"""Optional packages that Slicer does not bundle: which are missing, and what their absence means."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from slicer.i18n import tr as _

__all__ = ["Extra", "extras", "missing_extras", "summary"]


@dataclass(frozen=True, slots=True)
class Extra:
    """What an optional package brings.

    Attributes
    ----------
    modules : tuple of str
        Names that can be imported once it is installed.
    requirements : tuple of str
        What pip is asked for.
    without : str
        What happens to studies where it is missing.
    """

    title: str
    modules: tuple[str, ...]
    requirements: tuple[str, ...]
    without: str

    def is_installed(self) -> bool:
        """Whether all its modules are there; none is loaded."""
        return all(find_spec(name) is not None for name in self.modules)


def extras() -> tuple[Extra, ...]:
    """All that this module can use, in the language of the application."""
    return (
        Extra(
            _("Text recognition"),
            ("rapidocr", "onnxruntime"),
            ("onnxruntime>=1.19", "rapidocr>=3.4"),
            _("what looks like text is not read, so that a person must look at more images"),
        ),
        Extra(
            _("Lossless JPEG"),
            ("gdcm",),
            ("python-gdcm>=3.0.24",),
            _("images in this compression cannot be searched, and are held back where text is to be expected"),
        ),
    )


def missing_extras() -> tuple[Extra, ...]:
    """Those that are not installed."""
    return tuple(extra for extra in extras() if not extra.is_installed())


def summary(missing: Sequence[Extra]) -> str:
    """One sentence for each package that is missing, or that none is."""
    if not missing:
        return _("Text recognition and lossless JPEG are installed.")
    return " ".join(
        _("{what} is not installed: {consequence}.").format(what=extra.title, consequence=extra.without)
        for extra in missing
    )
