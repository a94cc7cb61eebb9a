"""List the rules of where devices write text into pixels, or check a list of one's own; nothing is written.

A list is given to 'run --device-rules FILE'. Exit code 2 and one line that names the place when it does not hold.
"""

import argparse
from pathlib import Path

from DeidentifyStudyCore.cli.main import CLEAN
from DeidentifyStudyCore.counting import count_of
from DeidentifyStudyCore.pixels.device_rules import DeviceRule, load_device_rules, shipped_device_rules

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE", help="list to check (default: the shipped one)")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    rules = load_device_rules(arguments.file) if arguments.file else shipped_device_rules()
    for rule in rules:
        _show(rule)
    print(count_of(len(rules), "rule"))
    return CLEAN


def _show(rule: DeviceRule) -> None:
    match = ", ".join(f"{key} {value}" for key, value in {**rule.texts, **rule.sizes}.items())
    boxes = "; ".join(
        f"row {_number(row)}, column {_number(column)}, {_number(height)} x {_number(width)}"
        for row, column, height, width in rule.boxes
    )
    print(f"{rule.name}\n    where  {match}\n    fills  {boxes}\n    known  {rule.source}")


def _number(value: float) -> str:
    return f"{value:g} of the frame" if isinstance(value, float) else str(value)
