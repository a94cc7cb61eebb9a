"""Make and show the keys with which you sign: one for each person and device."""

import argparse

from AnnotationQACore.cli.acting import identity_of, passphrase
from AnnotationQACore.cli.project_arguments import add_actor, add_key_dir
from AnnotationQACore.project.identities import create_identity, key_files

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `identity`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    new = actions.add_parser("new", help="make a key")
    new.add_argument("name", metavar="NAME", help="your ID in projects, such as anna")
    new.add_argument("--passphrase", action="store_true", help="protect the key by a passphrase")
    add_key_dir(new)
    show = actions.add_parser("show", help="show the public key, which the lead needs")
    add_actor(show)
    add_key_dir(actions.add_parser("list", help="list the keys on this device"))


def run(arguments: argparse.Namespace) -> int:
    """Make, show or list identities."""
    if arguments.action == "list":
        keys = key_files(arguments.key_dir)
        for name, path in keys.items():
            print(f"{name}\t{path}")
        if not keys:
            print("no keys on this device; make one with: annotation-qa identity new NAME")
        return 0
    if arguments.action == "new":
        secret = passphrase() if arguments.passphrase else ""
        identity = create_identity(arguments.name, arguments.key_dir, secret)
    else:
        identity = identity_of(arguments)
    print(f"name         {identity.member}")
    print(f"public key   {identity.public_key}")
    print(f"fingerprint  {identity.fingerprint}")
    return 0
