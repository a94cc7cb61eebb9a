"""Show what would happen to each element of a file and why. Values are shown only with --values: they identify the
patient."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from DeidentifyStudyCore.cleaning.explain import explain_file
from DeidentifyStudyCore.cli.console import add_key_arguments, add_option_argument, secret_of
from DeidentifyStudyCore.cli.main import CLEAN, SOME_QUARANTINED
from DeidentifyStudyCore.errors import InputError, MalformedFile, Quarantined
from DeidentifyStudyCore.identity.keyfile import ephemeral_secret
from DeidentifyStudyCore.profile import load_profile
from DeidentifyStudyCore.quarantine import REASONS

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a DICOM file; it is only read")
    parser.add_argument(
        "--profile", default="hipaa-safe-harbor", metavar="NAME", help="profile (default: hipaa-safe-harbor)"
    )
    add_option_argument(parser)
    parser.add_argument("--values", action="store_true", help="show values before and after")
    parser.add_argument("--json", action="store_true", help="one JSON object for each element")
    add_key_arguments(parser, required=False)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    if arguments.file.is_dir():
        raise InputError("that is a folder; name a DICOM file in it, or see 'deidentify-study index'.")
    if not arguments.file.is_file():
        raise InputError("there is no such file; name a DICOM file.")
    profile = load_profile(arguments.profile, tuple(arguments.option))
    secret = secret_of(arguments) if arguments.key else ephemeral_secret()
    try:
        rows = explain_file(arguments.file, profile, secret)
    except (Quarantined, MalformedFile) as error:
        print(f"would not be written: {error.reason} ({REASONS[error.reason]})")
        return SOME_QUARANTINED
    for row in rows:
        if arguments.json:
            content = asdict(row)
            if not arguments.values:
                del content["before"], content["after"]
            print(json.dumps(content, ensure_ascii=False))
            continue
        depth = row.path.count("/") + 1 if row.path else 0
        values = f"  [{row.before}] -> [{row.after}]" if arguments.values else ""
        print(
            f"{'  ' * depth}({row.tag}) {row.vr} {row.name or 'private or unknown'}: {row.action} ({row.why}){values}"
        )
    return CLEAN
