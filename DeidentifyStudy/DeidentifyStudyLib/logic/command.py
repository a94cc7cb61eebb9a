"""The command that does the work, outside of Slicer's own process."""

import json
from pathlib import Path

import DeidentifyStudyCore
from DeidentifyStudyLib.logic.settings import RunSettings

__all__ = ["environment_of", "run_command"]

_PASSPHRASE_VARIABLE = "DEIDENTIFY_PASSPHRASE"  # noqa: S105  # the name of the variable, not a passphrase
_START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from DeidentifyStudyCore.cli.main import main; sys.exit(main())"
)


def run_command(python: str, settings: RunSettings, working_folder: Path) -> list[str]:
    """Program and arguments of ``deidentify-study run``, to be started inside the source folder.

    The source is no argument, since everybody on the machine sees arguments and its name may identify a patient. The
    profile is written to the working folder.
    """
    profile = settings.profile
    if profile is None or settings.destination is None:
        raise ValueError("the settings are not complete")
    profile_file = working_folder / "profile.json"
    profile_file.write_text(json.dumps(profile.as_json(), indent=1) + "\n", encoding="utf-8")
    command = [python, "-P", "-c", _START, str(Path(DeidentifyStudyCore.__file__).parents[1]), "run"]
    command += [".", str(settings.destination.absolute()), "--profile", str(profile_file)]
    command += ["--report", str(settings.report.absolute()), "--review", str(settings.queue.absolute())]
    command += ["--progress", "json", "--cancel-file", str(working_folder / "cancel")]
    command += ["--workers", str(settings.workers)]
    if not profile.ephemeral and settings.key is not None:
        command += ["--key", str(settings.key.absolute())]
    if settings.ids is not None:
        command += ["--ids", str(settings.ids.absolute())]
    if settings.search_pixels:
        command.append("--search-pixels")
    return command


def environment_of(settings: RunSettings) -> dict[str, str]:
    """Variables of the process: the passphrase goes here, since arguments are seen by every user of the machine."""
    return {_PASSPHRASE_VARIABLE: settings.passphrase, "PYTHONIOENCODING": "utf-8"}
