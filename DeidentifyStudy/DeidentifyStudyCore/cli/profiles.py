"""List the profiles, or print what one keeps and removes: the rules say it themselves."""

import argparse
import json

from DeidentifyStudyCore.cli.main import CLEAN
from DeidentifyStudyCore.errors import InputError
from DeidentifyStudyCore.profile import load_profile, shipped_profiles
from DeidentifyStudyCore.reporting.profile_page import overview_page, profile_page

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("name", nargs="?", help="profile: shipped, or a JSON file")
    parser.add_argument("--markdown", action="store_true", help="print the page of the documentation")
    parser.add_argument("--json", action="store_true", help="print the profile's JSON with all defaults")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    if arguments.json and not arguments.name:
        raise InputError("name the profile whose JSON is wanted, as in 'profiles hipaa-safe-harbor --json'.")
    if arguments.json:
        print(json.dumps(load_profile(arguments.name).as_json(), indent=1))
    elif arguments.name:
        print(profile_page(load_profile(arguments.name)), end="")
    elif arguments.markdown:
        print(overview_page(), end="")
    else:
        for profile in shipped_profiles().values():
            print(f"{profile.name} {profile.version}: {profile.description}")
    return CLEAN
