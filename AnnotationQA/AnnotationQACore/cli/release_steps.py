"""Arguments of the steps of `release`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

from AnnotationQACore.cli.numbers import count, days, number, seed
from AnnotationQACore.cli.project_arguments import add_actor, add_project
from AnnotationQACore.release.choices import FORMATS, STRATA, WEIGHTS

__all__ = ["add_steps"]

Steps: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_steps(steps: Steps) -> None:
    """Declare every step and its arguments."""
    _add_accept(steps)
    _add_split(steps)
    _add_looking(steps)
    _add_making(steps)
    _add_verify(steps)
    _add_rounds(steps)


def _add_accept(steps: Steps) -> None:
    parser = steps.add_parser(
        "accept",
        help="accept the readings of one reader, or a consensus, as the reference standard",
        description="Accept readings as the reference standard of their cases; a reviewer does. Cases that have one "
        "are left as they are, unless they are named. What needs a look is adjudicated in Slicer.",
    )
    add_project(parser)
    parser.add_argument("--reader", required=True, metavar="NAME", help="such as anna or consensus:majority")
    parser.add_argument("--reason", required=True, help="recorded with each decision")
    parser.add_argument("--cases", nargs="+", metavar="CASE", help="default: all that have no reference standard")
    parser.add_argument("--agreed", action="store_true", help="only where the readers agree on every item")
    add_actor(parser)


def _add_split(steps: Steps) -> None:
    parser = steps.add_parser(
        "split",
        help="place cases in train, validation and test, or in folds",
        description="Place cases in parts, by patient; duplicates stay together. What was placed stays; run it again "
        "with the same name after cases were added.",
    )
    add_project(parser)
    parser.add_argument("--name", default="main", help="of the split (default: main)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--parts", nargs="+", metavar="PART=SHARE", help="such as train=0.7 validation=0.1 test=0.2")
    how.add_argument("--folds", type=int, metavar="K", help="k-fold: fold-0, fold-1...")
    parser.add_argument(
        "--test", type=number, default=0.0, metavar="SHARE", help="with --folds: a part outside the folds"
    )
    parser.add_argument("--seed", type=seed, required=True, help="the same seed gives the same split")
    parser.add_argument("--by", nargs="+", default=[], choices=["site", "scanner"], help="keep these together too")
    parser.add_argument(
        "--balance",
        nargs="*",
        default=["findings", "modality"],
        choices=list(STRATA),
        metavar="WHAT",
        help=f"any of {', '.join(STRATA)} (default: findings modality)",
    )
    parser.add_argument("--dry-run", action="store_true", help="show the split, and record nothing")
    _add_images(parser)
    add_actor(parser)


def _add_looking(steps: Steps) -> None:
    sheet = steps.add_parser("sheet", help="start a release sheet: licence, ethics, limits and what else people say")
    add_project(sheet)
    sheet.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    look = steps.add_parser("look", help="write a page of all texts and thumbnails that a person must look at")
    add_project(look)
    look.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FOLDER", help="as confidential as the images"
    )
    _add_request(look)
    sign = steps.add_parser(
        "sign-off",
        help="say that you looked at texts or thumbnails and they identify nobody",
        description="Record that you looked at what the page of 'release look' shows. Only hashes are recorded.",
    )
    add_project(sign)
    sign.add_argument("--texts", action="store_true", help="all texts of the page")
    sign.add_argument("--thumbnails", action="store_true", help="all thumbnails of the page")
    sign.add_argument("--different", nargs=2, metavar="CASE", help="two cases that look alike and are of two patients")
    sign.add_argument("--reason", default="", help="why, such as who looked and how")
    _add_request(sign)
    add_actor(sign)


def _add_making(steps: Steps) -> None:
    check = steps.add_parser(
        "check",
        help="say everything that stands in the way of a release; or prove the split of a received one",
        description="Of a project: do all checks of the gate, and write nothing. Of a received release: show by the "
        "fingerprints in it that no patient and no duplicate is in two parts. Exit code 1 when something is wrong.",
    )
    check.add_argument("project", metavar="PROJECT|RELEASE", type=Path)
    _add_request(check)
    make = steps.add_parser(
        "make",
        help="check, write, sign and record a release",
        description="The folder is there whole and signed, or not at all. After an interruption run the same command.",
    )
    add_project(make)
    make.add_argument("output", metavar="FOLDER", type=Path, help="new or empty")
    _add_request(make)
    add_actor(make)
    card = steps.add_parser("card", help="write the card of a release that is not made yet, to look at it")
    add_project(card)
    card.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="for README.md and card.html")
    _add_request(card)


def _add_verify(steps: Steps) -> None:
    parser = steps.add_parser(
        "verify",
        help="check a received release with nothing but its manifest and the public key of the study",
        description="Tell whether anything was changed, added, removed or renamed since the release was signed.",
    )
    parser.add_argument("folder", metavar="FOLDER", type=Path)
    parser.add_argument(
        "--key",
        nargs="+",
        required=True,
        metavar="KEY|FILE",
        help="public keys in base64 that the study gave you, or files with one on each line; never from the release",
    )


def _add_rounds(steps: Steps) -> None:
    redo = steps.add_parser("redo", help="list the readings that a new version of the protocol asks for again")
    add_project(redo)
    redo.add_argument("--send-back", action="store_true", help="send them back to their readers (a reviewer does)")
    redo.add_argument("--json", type=Path, metavar="FILE", help="also as JSON; - for the standard output")
    add_actor(redo)
    drift = steps.add_parser("drift", help="score a model against the reference standard over time")
    add_project(drift)
    drift.add_argument("model", metavar="MODEL", help="reader, such as model:unet")
    drift.add_argument("--by", choices=["predicted", "decided"], default="predicted", help="which time counts")
    drift.add_argument("--json", type=Path, metavar="FILE", help="also as JSON; - for the standard output")
    rank = steps.add_parser("rank", help="rank the cases for the next round")
    add_project(rank)
    rank.add_argument(
        "--weights", nargs="+", default=[], metavar="REASON=WEIGHT", help=f"of {', '.join(WEIGHTS)} (default: 1 each)"
    )
    rank.add_argument("--decided", action="store_true", help="also cases with a reference standard")
    rank.add_argument("--top", type=count, default=20, metavar="N", help="how many are shown (default: 20)")
    rank.add_argument("--json", type=Path, metavar="FILE", help="all of them; - for the standard output")
    again = steps.add_parser("rereads", help="plan what readers read again every quarter, without knowing it")
    add_project(again)
    again.add_argument("--readers", nargs="+", metavar="NAME", help="default: all readers of the project with a key")
    again.add_argument("--per-quarter", type=count, default=5, metavar="N", help="cases for each reader (default: 5)")
    again.add_argument("--quarters", type=count, default=4, metavar="N", help="how many quarters (default: 4)")
    again.add_argument("--washout", type=days, default=90, metavar="DAYS", help="least time between (default: 90)")
    again.add_argument("--seed", type=seed, required=True, help="the same seed gives the same plan")
    again.add_argument("--dry-run", action="store_true", help="show how many, and record nothing")
    add_actor(again)


def _add_images(parser: argparse.ArgumentParser) -> None:
    """Where images and facts of cases are."""
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="DICOM images that are not where they were added")
    parser.add_argument(
        "--facts", type=Path, metavar="FILE", help="CSV with the columns case, site, scanner, sex, age_years"
    )


def _add_request(parser: argparse.ArgumentParser) -> None:
    """What is to be released."""
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="release sheet; see annotation-qa release sheet")
    parser.add_argument("--name", default="", help="of the release (default: dataset-VERSION by the sheet)")
    parser.add_argument("--formats", nargs="+", default=[], metavar="FORMAT", help=f"any of {', '.join(FORMATS)}")
    parser.add_argument("--options", type=Path, metavar="FILE", help="export options (JSON)")
    parser.add_argument("--filters", type=Path, metavar="FILE", help="filters of cases (JSON)")
    parser.add_argument(
        "--readings",
        nargs="+",
        default=["reference"],
        metavar="WHOSE",
        help="reference, readers, models, probability, or the ID of a reader or consensus (default: reference)",
    )
    parser.add_argument("--names", action="store_true", help="name readers in place of reader1, reader2...")
    parser.add_argument("--split", default="", metavar="NAME", help="split of the ledger (default: its only one)")
    parser.add_argument(
        "--deidentification", nargs="+", type=Path, default=[], metavar="REPORT", help="report.json of deidentify-study"
    )
    _add_images(parser)
