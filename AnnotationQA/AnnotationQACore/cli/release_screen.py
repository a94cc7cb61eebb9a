"""The patterns of de-identification, as the gate of a release takes them.

The two programs do not import each other; here, where they are wired, the one is looked up by its name.
"""

import importlib
from importlib.util import find_spec

from AnnotationQACore.errors import MissingExtra
from AnnotationQACore.release.gate.texts import TextScreen

__all__ = ["text_screen"]


def text_screen() -> TextScreen:
    """Patterns and vocabulary of DeidentifyStudyCore.

    Raises
    ------
    MissingExtra
        It is not installed.
    """
    if find_spec("DeidentifyStudyCore") is None:
        raise MissingExtra("release: needs the patterns of deidentify-study; install the whole package annotation-qa.")
    text = importlib.import_module("DeidentifyStudyCore.rules.text")
    nobody = importlib.import_module("DeidentifyStudyCore.identity.echo").Echo(frozenset())
    return TextScreen(text.has_identifier_pattern, lambda value: str(text.clean_text(value, nobody)))
