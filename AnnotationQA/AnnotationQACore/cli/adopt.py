"""Put a new version of the protocol in force; readings under former versions stay, new ones are made under this."""

import argparse

from AnnotationQACore.cli.acting import identity_of, open_project
from AnnotationQACore.cli.init import protocol_of
from AnnotationQACore.cli.project_arguments import add_actor, add_project

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `adopt`."""
    add_project(parser)
    parser.add_argument("protocol", metavar="FILE|NAME", help="protocol file, or name of a shipped one")
    add_actor(parser)


def run(arguments: argparse.Namespace) -> int:
    """Adopt the protocol."""
    protocol = protocol_of(arguments.protocol)
    open_project(arguments, identity_of(arguments)).adopt_protocol(protocol)
    print(f"in force: {protocol.title} {protocol.version}, {protocol.hash}")
    return 0
