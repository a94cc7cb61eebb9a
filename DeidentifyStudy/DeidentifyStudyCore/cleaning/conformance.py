"""`dciodvfy` as judge, where it is installed: does the output break rules of its IOD that the source kept?"""

import re
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from DeidentifyStudyCore.dicom.source import DEFLATED, opened, text_of
from DeidentifyStudyCore.errors import DeidentifyError
from DeidentifyStudyCore.rules.markers import file_meta

__all__ = ["is_available", "new_errors"]

_TIMEOUT = 60
_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_NO_IOD = "Error - Information Object Not found"
_VALUE = re.compile(r"= <.*> - ")  # which may hold brackets itself
_SHOWN = re.compile(r"Element=<\w*>|Module=<\w*>|attribute <[^>]*>|</[^>]*>|<[^>]*>|[\d.]+")


def is_available() -> bool:
    """Whether `dciodvfy` (dicom3tools) is on the path."""
    return shutil.which("dciodvfy") is not None


def new_errors(source: Path, output: Path) -> list[str] | None:
    """Errors of the output that the source does not have; values are taken out of the lines, attributes stay.

    None where the program reads the output and could not read so much of the source that it knew its IOD: then nothing
    can be compared.
    """
    before, after = _errors(source), _errors(output)
    if _NO_IOD in before and _NO_IOD not in after:
        return None
    return sorted((after - before).elements())


def _errors(path: Path) -> Counter[str]:
    """Errors of a file; a deflated one is judged inflated, because not every build of the program inflates."""
    try:
        with opened(path) as source, tempfile.NamedTemporaryFile(suffix=".dcm") as inflated:
            if source.transfer_syntax != DEFLATED:
                return _told(path)
            instance = text_of(source.value(0x00080018))
            inflated.write(file_meta(text_of(source.value(0x00080016)), instance, _EXPLICIT_LITTLE))
            inflated.write(source.buffer)
            inflated.flush()
            return _told(Path(inflated.name))
    except (OSError, DeidentifyError):
        return Counter()


def _told(path: Path) -> Counter[str]:
    program = shutil.which("dciodvfy")
    if program is None:
        return Counter()
    try:
        done = subprocess.run(  # noqa: S603  # the program is found on the path, the file name is one argument
            [program, str(path)], capture_output=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return Counter()
    lines = done.stderr.decode("latin-1").splitlines()
    told = (_VALUE.sub("= <> - ", line) for line in lines if line.startswith("Error"))
    return Counter(_SHOWN.sub(_without_value, line) for line in told)


def _without_value(found: re.Match[str]) -> str:
    """Names of elements, modules and attributes stay; anything else in brackets may be a value of the patient's."""
    text = found[0]
    return text if text.startswith(("Element=", "Module=", "attribute <", "</")) else "<>"
