"""Say who belongs to a project: people with their keys and roles, models, readers whose work is imported."""

import argparse

from AnnotationQACore.cli.acting import identity_of, open_project, role
from AnnotationQACore.cli.project_arguments import add_actor, add_project
from AnnotationQACore.errors import InputError
from AnnotationQACore.project.state import Role

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `member`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="list members and keys")
    add_project(listing)
    for action, summary in (("add", "add a member"), ("change", "give a member another name or other roles")):
        part = _part(actions, action, summary)
        part.add_argument("member", metavar="MEMBER", help="ID, such as anna or model:nnunet")
        part.add_argument("--roles", nargs="+", type=role, metavar="ROLE", required=True, help=", ".join(Role))
        part.add_argument("--name", default="", help="full name (default: the ID)")
        if action == "add":
            part.add_argument("--public-key", default="", help="as shown by annotation-qa identity show")
            part.add_argument("--device", default="", help="where the key is, for people")
    key = _part(actions, "add-key", "add a key of another device")
    key.add_argument("member", metavar="MEMBER")
    key.add_argument("public_key", metavar="PUBLIC_KEY")
    key.add_argument("--device", default="")
    revoke = _part(actions, "revoke", "let a key not count any more")
    revoke.add_argument("key", metavar="FINGERPRINT", help="see member list; its first digits suffice")
    revoke.add_argument("--reason", required=True)
    revoke.add_argument("--from", dest="first", type=int, help="first event that does not count (default: the next)")


def run(arguments: argparse.Namespace) -> int:
    """List or change the members."""
    if arguments.action == "list":
        return _list(arguments)
    project = open_project(arguments, identity_of(arguments))
    if arguments.action == "add":
        project.add_member(
            arguments.member,
            arguments.name or arguments.member,
            arguments.roles,
            arguments.public_key,
            arguments.device,
        )
    elif arguments.action == "change":
        known = project.state.members.get(arguments.member)
        name = arguments.name or (known.name if known else arguments.member)
        project.change_member(arguments.member, name, arguments.roles)
    elif arguments.action == "add-key":
        project.add_key(arguments.member, arguments.public_key, arguments.device)
    else:
        matching = [key for key in project.state.keys if key.startswith(arguments.key)]
        if len(matching) != 1:
            raise InputError(f"key '{arguments.key[:40]}': {len(matching)} keys match; see annotation-qa member list.")
        project.revoke_key(matching[0], arguments.reason, arguments.first)
    return 0


def _part(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, summary: str
) -> argparse.ArgumentParser:
    part = actions.add_parser(name, help=summary)
    add_project(part)
    add_actor(part)
    return part


def _list(arguments: argparse.Namespace) -> int:
    state = open_project(arguments).state
    for member in state.members.values():
        print(f"{member.id}\t{member.name}\t{', '.join(member.roles)}")
        for key in state.keys.values():
            if key.member == member.id:
                revoked = "" if key.revoked_from is None else f"\trevoked from event {key.revoked_from}"
                print(f"  key {key.fingerprint}\t{key.device}{revoked}")
    return 0
