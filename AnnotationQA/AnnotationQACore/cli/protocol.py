"""Check, read, start and compare labeling protocols."""

import argparse
import sys
from pathlib import Path

from AnnotationQACore.atomic import write_text
from AnnotationQACore.cli.console import say
from AnnotationQACore.cli.output import STANDARD_OUTPUT, require_place
from AnnotationQACore.errors import DestinationError, InvalidProtocol
from AnnotationQACore.protocol.difference import Change, ProtocolDiff, protocol_diff
from AnnotationQACore.protocol.handbook_html import handbook_html
from AnnotationQACore.protocol.handbook_markdown import handbook_markdown
from AnnotationQACore.protocol.loading import load_protocol, load_shipped, protocol_text, shipped_protocols
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.reference import reference_markdown
from AnnotationQACore.protocol.schema import schema_text
from AnnotationQACore.protocol.validation import find_advice

__all__ = ["add_arguments", "run"]

_FILE = "a protocol file (JSON), or the name of a shipped protocol"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="name everything that is wrong with a protocol")
    check.add_argument("file", metavar="FILE", help=_FILE)
    show = actions.add_parser("show", help="write the handbook for readers")
    show.add_argument("file", metavar="FILE", help=_FILE)
    show.add_argument("--format", choices=["html", "markdown"], help="default: by the suffix of -o, else markdown")
    show.add_argument("-o", "--output", type=Path, metavar="OUT", help="file to write (default: standard output)")
    new = actions.add_parser("new", help="start a protocol of your own from a shipped one")
    new.add_argument("--from", dest="source", required=True, metavar="NAME", help="a shipped protocol")
    new.add_argument("-o", "--output", type=Path, metavar="OUT", help="file to write (default: NAME.json)")
    actions.add_parser("list", help="list the shipped protocols")
    schema = actions.add_parser("schema", help="print the JSON Schema that editors complete protocols by")
    schema.add_argument("-o", "--output", type=Path, metavar="OUT", help="file to write (default: standard output)")
    reference = actions.add_parser("reference", help="print the reference of every field of a protocol (Markdown)")
    reference.add_argument("-o", "--output", type=Path, metavar="OUT", help="file to write (default: standard output)")
    diff = actions.add_parser("diff", help="say what a new version changes, and what is to be read again")
    diff.add_argument("old", metavar="A", help=_FILE)
    diff.add_argument("new", metavar="B", help=_FILE)


def run(arguments: argparse.Namespace) -> int:
    """Carry out one action."""
    actions = {
        "check": _check,
        "show": _show,
        "new": _new,
        "list": _list,
        "schema": _schema,
        "reference": _reference,
        "diff": _diff,
    }
    return actions[arguments.action](arguments)


def _load(name: str) -> Protocol:
    if not Path(name).exists() and name in shipped_protocols():
        return load_shipped(name)
    return load_protocol(name)


def _check(arguments: argparse.Namespace) -> int:
    try:
        protocol = _load(arguments.file)
    except InvalidProtocol as invalid:
        for problem in invalid.problems:
            say(f"{arguments.file}: {problem}")
        return 2
    for advice in find_advice(protocol):
        print(f"{arguments.file}: advice: {advice}")
    print(f"{arguments.file}: valid; {protocol.title}, version {protocol.version}, {len(protocol.items)} items")
    print(f"hash {protocol.hash}")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    require_place(arguments.output, Path(arguments.file))
    suffix = arguments.output.suffix.lower() if arguments.output else ""
    form = arguments.format or ("html" if suffix in {".html", ".htm"} else "markdown")
    protocol = _load(arguments.file)
    _deliver(handbook_html(protocol) if form == "html" else handbook_markdown(protocol), arguments.output)
    return 0


def _new(arguments: argparse.Namespace) -> int:
    protocol = load_shipped(arguments.source)
    target = arguments.output or Path(f"{arguments.source}.json")
    require_place(target)
    if target.exists():
        raise DestinationError(f"{target}: exists already; name another file with -o, or remove it first.")
    write_text(target, protocol_text(protocol))
    print(f"{target}: written. Give it an ID and title of its own, then: annotation-qa protocol check {target}")
    return 0


def _list(_: argparse.Namespace) -> int:
    width = max(map(len, shipped_protocols()))
    for name in shipped_protocols():
        protocol = load_shipped(name)
        print(f"{name:{width}}  {protocol.version}  {protocol.title}")
    return 0


def _schema(arguments: argparse.Namespace) -> int:
    require_place(arguments.output)
    _deliver(schema_text(), arguments.output)
    return 0


def _reference(arguments: argparse.Namespace) -> int:
    require_place(arguments.output)
    _deliver(reference_markdown(), arguments.output)
    return 0


def _diff(arguments: argparse.Namespace) -> int:
    old, new = _load(arguments.old), _load(arguments.new)
    diff = protocol_diff(old, new)
    print(f"{old.title} {old.version} -> {new.title} {new.version}")
    if old.hash == new.hash:
        print("The two are the same protocol.")
        return 0
    if old.id != new.id:
        print(f"Note: the IDs differ ('{old.id}', '{new.id}'): these are two protocols, not two versions of one.")
    if old.version == new.version:
        print(f"Note: both say version {new.version}; give the new one a version of its own.")
    _print_changes(diff)
    _print_consequences(diff)
    return 0


_VERDICTS = {
    "added": "added",
    "removed": "removed",
    "meaning": "meaning changed",
    "checks": "checked or judged differently",
    "presentation": "only presentation changed",
}


def _print_changes(diff: ProtocolDiff) -> None:
    for change in diff.general:
        print(f"protocol: {_words(change)}")
    for item in diff.items:
        print(f"{item.item}: {_VERDICTS[item.verdict]}")
        for change in item.changes:
            print(f"  {_words(change)}")


def _print_consequences(diff: ProtocolDiff) -> None:
    print()
    if not diff.read_again and not diff.recompute:
        print("No reading has to be done again.")
    for item, reason in diff.read_again.items():
        print(f"read again: {item} ({reason})")
    for name in diff.recompute:
        print(f"computed again: {name}")


def _words(change: Change) -> str:
    return f"{change.path} [{change.weight}]: {_short(change.old)} -> {_short(change.new)}"


def _short(value: object) -> str:
    shown = "nothing" if value is None or value == [] else repr(value)
    return shown if len(shown) <= 100 else f"{shown[:97]}..."


def _deliver(text: str, output: Path | None) -> None:
    if output is None or output == STANDARD_OUTPUT:
        sys.stdout.write(text)
    else:
        write_text(output, text)
        print(f"{output}: written.")
