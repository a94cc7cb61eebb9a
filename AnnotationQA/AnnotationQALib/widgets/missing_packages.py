"""What Slicer does not bundle is asked for when it is needed."""

from __future__ import annotations

import importlib
from subprocess import CalledProcessError

from slicer.i18n import tr as _

from AnnotationQACore.errors import AnnotationQAError, MissingExtra
from AnnotationQACore.interchange.series.codecs import look_again
from AnnotationQALib.widgets.wordings import error_text

__all__ = ["text_or_remedy"]


def text_or_remedy(error: AnnotationQAError) -> str:
    """What to show of an error; where it misses packages, the person is asked first whether to install them."""
    if not isinstance(error, MissingExtra) or not error.requirements:
        return error_text(error)
    import slicer.packaging  # new in 5.12; nothing else needs it

    requirements = list(error.requirements)
    try:
        slicer.packaging.pip_ensure(requirements, requester=_("Annotation QA"))
    except (RuntimeError, CalledProcessError):  # declined, or no internet
        return error_text(error)
    importlib.invalidate_caches()
    look_again()
    if not slicer.packaging.pip_check(requirements):
        return error_text(error)
    return _("The packages are installed now; do it once more.")
