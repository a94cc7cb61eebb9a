"""Make a project in a new folder, under a protocol; you become its founder and lead."""

import argparse
from pathlib import Path

from AnnotationQACore.cli.acting import identity_of, role
from AnnotationQACore.cli.output import require_folder_place
from AnnotationQACore.cli.project_arguments import add_key_dir
from AnnotationQACore.errors import InputError
from AnnotationQACore.project.folder import Project, require_new
from AnnotationQACore.project.identities import create_identity, key_files
from AnnotationQACore.project.state import Role
from AnnotationQACore.protocol.loading import load_protocol, load_shipped
from AnnotationQACore.protocol.model import Protocol

__all__ = ["add_arguments", "protocol_of", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `init`."""
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="new or empty folder")
    parser.add_argument(
        "--protocol", required=True, metavar="FILE|NAME", help="protocol file, or name of a shipped one"
    )
    parser.add_argument("--lead", required=True, metavar="NAME", help="your ID; a key is made when there is none yet")
    parser.add_argument("--title", default="", help="name of the project (default: that of the folder)")
    known = ", ".join(Role)
    parser.add_argument(
        "--roles", nargs="+", type=role, default=[Role.LEAD], metavar="ROLE", help=f"yours, of {known} (default: lead)"
    )
    add_key_dir(parser)


def run(arguments: argparse.Namespace) -> int:
    """Make the project."""
    require_folder_place(arguments.folder)
    require_new(arguments.folder)
    _require_text(arguments.title or arguments.folder.name)
    protocol = protocol_of(arguments.protocol)
    if arguments.lead in key_files(arguments.key_dir):
        identity = identity_of(argparse.Namespace(actor=arguments.lead, key_dir=arguments.key_dir))
    else:
        identity = create_identity(arguments.lead, arguments.key_dir)
        print(f"made a key for {identity.member} without passphrase: {key_files(arguments.key_dir)[identity.member]}")
    roles = list(dict.fromkeys([Role.LEAD, *arguments.roles]))
    project = Project.create(arguments.folder, identity, protocol, name=arguments.title, roles=roles)
    print(f"project      {project.name}, {project.folder}")
    print(f"identifier   {project.id}")
    print(f"protocol     {protocol.title} {protocol.version}, {protocol.hash}")
    print(f"founder      {identity.member}, {identity.fingerprint}")
    print("Give the identifier to the members: whoever made the project with it holds the founder's key.")
    return 0


def _require_text(name: str) -> None:
    """Names of files may be bytes of another encoding; what is signed is text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InputError(
            "--title: the name is no text in this locale; give one in plain letters, or set LC_ALL=C.UTF-8."
        ) from None


def protocol_of(name: str) -> Protocol:
    """A protocol by file, or by the name of a shipped one."""
    return load_protocol(Path(name)) if Path(name).suffix or Path(name).exists() else load_shipped(name)
