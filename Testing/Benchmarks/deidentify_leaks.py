"""The leak test with many seeds and profiles.

    python Testing/Benchmarks/deidentify_leaks.py [--seeds 20] [--profile NAME] [--conformance]

For each seed a folder is planted anew (Testing/Core/deidentify/red_team); each profile cleans it; outputs, their names,
reports and journals are searched for every token. Profiles are the shipped ones, no option, each option alone, and all
at once. `--conformance` counts errors that dciodvfy sees in outputs and not in their sources. Exit code 1 when anything
leaked or fewer than 94 % of the objects were produced.
"""

import argparse
import json
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

from DeidentifyStudyCore.cleaning import conformance
from DeidentifyStudyCore.identity.keyfile import Secret
from DeidentifyStudyCore.profile import OPTIONS, Profile, parse_profile, shipped_profiles
from DeidentifyStudyCore.reporting.report import build_report, write_report
from DeidentifyStudyCore.runs.batch import BatchOptions, run_batch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Core" / "deidentify"))

from red_team.files import planted_folder  # the path is known from here on
from red_team.judging import Verdict, judged

PRODUCED = 0.94
FULL, MODIFIED = "retain_longitudinal_full_dates", "retain_longitudinal_modified_dates"
FACES = "clean_recognizable_visual_features"
"""The option whose images of 16x16 pixels cannot be examined, and so are not written."""


def profiles() -> dict[str, Profile]:
    """Every profile that is tried, by its name in the table."""
    empty = {"format": "deidentify-profile/1", "name": "test", "version": "1", "description": "test"}
    contents = {name: profile.as_json() | {"key": "file"} for name, profile in shipped_profiles().items()}
    contents |= {"no option": empty} | {name: empty | {"options": [name]} for name in OPTIONS if name != FACES}
    for left_out, name in ((FULL, "all, modified dates"), (MODIFIED, "all, full dates")):
        contents[name] = empty | {"options": [option for option in OPTIONS if option not in {left_out, FACES}]}
    return {name: parse_profile(json.dumps(content), name) for name, content in contents.items()}


def run(
    source: Path, work: Path, files: dict[str, bytes], plants, profile: Profile, judge: bool
) -> tuple[Verdict, int]:
    """Clean a folder and judge what came out; also the number of new errors of conformance."""
    out, report = work / "out", work / "report"
    outcome = run_batch(source, out, profile, Secret(bytes(32)), BatchOptions(report))
    write_report(build_report(outcome, profile, Secret(bytes(32)), {"checked": 0, "new_errors": []}), report)
    outputs, others = contents(out), contents(report)
    paths = {result.number: outcome.index.files[result.number].path for result in outcome.files}
    reasons = {paths[result.number]: result.reason for result in outcome.files if result.reason}
    errors: list[str] = []
    if judge:
        for result in outcome.files:
            if result.output:
                errors += conformance.new_errors(source / paths[result.number], out / result.output) or []
    for error, count in Counter(errors).most_common(10):
        print(f"    {count} x {error}")
    return judged(files, plants, profile.options, outputs, others, reasons), len(errors)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="how many (default: 3)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default: 1)")
    parser.add_argument("--profile", action="append", help="only these of the table's names")
    parser.add_argument("--conformance", action="store_true", help="judge every object with dciodvfy (slow)")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # pydicom names every invalid value, and all are meant
    chosen = {name: profile for name, profile in profiles().items() if name in (arguments.profile or profiles())}
    bad = planted = produced = objects = leaked = runs = 0
    begin = time.monotonic()
    print(f"{'seed':>4} {'profile':38} {'searched':>8} {'leaks':>6} {'objects':>8} {'produced':>9}  quarantined")
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        files, plants = planted_folder(seed)
        for name, profile in chosen.items():
            with tempfile.TemporaryDirectory() as folder:
                source = Path(folder) / "in"
                for path, content in files.items():
                    (source / path).parent.mkdir(parents=True, exist_ok=True)
                    (source / path).write_bytes(content)
                verdict, errors = run(source, Path(folder), files, plants, profile, arguments.conformance)
            why = ", ".join(f"{count} {reason}" for reason, count in Counter(verdict.reasons).items())
            print(
                f"{seed:>4} {name:38} {verdict.searched:>8} {len(verdict.leaks):>6} {verdict.objects:>8} "
                f"{verdict.produced / verdict.objects:>9.1%}  {why}" + (f"; {errors} new errors" if errors else "")
            )
            for place, token, path in verdict.leaks[:20]:
                print(f"    planted in {place}: {token!r} came out in {path}")
            bad += bool(verdict.leaks) or verdict.produced < PRODUCED * verdict.objects
            planted, leaked, runs = planted + verdict.searched, leaked + len(verdict.leaks), runs + 1
            objects, produced = objects + verdict.objects, produced + verdict.produced
    print(
        f"{runs} runs in {time.monotonic() - begin:.0f} s: {planted} tokens searched, {leaked} leaked; "
        f"{produced} of {objects} objects produced ({produced / max(objects, 1):.1%})"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
