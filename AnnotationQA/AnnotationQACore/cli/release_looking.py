"""The steps `release sheet`, `look` and `sign-off`: what people write and look at."""

import argparse

from AnnotationQACore import atomic
from AnnotationQACore.cli.acting import identity_of, open_project
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.cli.output import require_folder_place, require_place
from AnnotationQACore.cli.release_request import request_of
from AnnotationQACore.cli.release_screen import text_screen
from AnnotationQACore.errors import DestinationError, InputError
from AnnotationQACore.project.folder import Project
from AnnotationQACore.release.duplicates import pair_hash
from AnnotationQACore.release.looking import ToLookAt, require_look_folder, to_look_at, write_look_page
from AnnotationQACore.release.request import gather
from AnnotationQACore.release.sheet import sheet_template

__all__ = ["look", "sheet", "sign_off"]


def sheet(arguments: argparse.Namespace) -> int:
    """Start a release sheet."""
    require_place(arguments.output)
    if arguments.output.exists():
        raise DestinationError(f"{arguments.output}: is there already and is not overwritten; name another file.")
    project = open_project(arguments)
    atomic.write_text(arguments.output, sheet_template(project.state.name or project.name))
    print(f"{arguments.output}: fill it in; the gate says what is missing.")
    return 0


def _found(project: Project, arguments: argparse.Namespace) -> ToLookAt:
    request = request_of(arguments, project)
    gathered = gather(project, request, ConsoleProgress("reading cases"))
    return to_look_at(project, request, gathered, text_screen())


def look(arguments: argparse.Namespace) -> int:
    """Write the page of what a person must look at."""
    require_folder_place(arguments.output, arguments.images)
    require_look_folder(arguments.output)
    found = _found(open_project(arguments), arguments)
    path = write_look_page(arguments.output, found, ConsoleProgress("drawing thumbnails"))
    print(f"{len(found.texts)} texts and {len(found.images)} images to look at: {path}")
    print("It is confidential; delete it when you are done.")
    return 0


def sign_off(arguments: argparse.Namespace) -> int:
    """Record that a person looked."""
    if not (arguments.texts or arguments.thumbnails or arguments.different):
        raise InputError("sign-off: say what you looked at: --texts, --thumbnails, or --different CASE CASE.")
    project = open_project(arguments, identity_of(arguments))
    if arguments.different:
        _sign_pair(project, arguments.different, arguments.reason)
    if not (arguments.texts or arguments.thumbnails):
        return 0
    found = _found(project, arguments)
    wanted = (
        ("text", "texts", found.text_hashes() if arguments.texts else ()),
        ("image", "images", found.image_hashes() if arguments.thumbnails else ()),
    )
    for subject, words, hashes in wanted:
        if hashes:
            project.sign_off(subject, hashes, arguments.reason)
            print(f"{len(hashes)} {words} signed off")
    return 0


def _sign_pair(project: Project, cases: list[str], reason: str) -> None:
    unknown = [case for case in cases if case not in project.state.cases]
    if unknown:
        raise InputError(f"--different: '{unknown[0][:100]}' is no case of the project; correct it.")
    if not reason.strip():
        raise InputError("--different: say with --reason how you know that they are of two patients.")
    project.sign_off("pair", [pair_hash(*cases)], reason)
    print(f"{cases[0]} and {cases[1]} signed off as different")
