"""`slicer.i18n`: marks texts for translation, and translates nothing."""

__all__ = ["getContext", "tr", "translate"]


def getContext(sourceFile: str) -> str:
    """Return the name of the context of a source file."""
    return sourceFile.replace("\\", "/").rpartition("/")[2].removesuffix(".py")


def translate(context: str, text: str) -> str:
    """Return the text as it is."""
    return text


def tr(text: str) -> str:
    """Return the text as it is."""
    return text
