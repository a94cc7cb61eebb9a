"""What is to be released, from the arguments that several steps of `release` have."""

import argparse
import json
from pathlib import Path

from AnnotationQACore.cli.inputs import images_below
from AnnotationQACore.errors import InputError
from AnnotationQACore.project.folder import Project
from AnnotationQACore.release.facts_table import read_facts
from AnnotationQACore.release.filters import Filters, filters_from_json
from AnnotationQACore.release.gate.deidentification import read_deidentification_report
from AnnotationQACore.release.options import ExportOptions, options_from_json
from AnnotationQACore.release.request import ReleaseRequest
from AnnotationQACore.release.selection import Selection
from AnnotationQACore.release.sheet import ReleaseSheet, load_sheet

__all__ = ["request_of"]


def request_of(arguments: argparse.Namespace, project: Project) -> ReleaseRequest:
    """The request that the arguments make."""
    sheet = load_sheet(arguments.sheet) if arguments.sheet else ReleaseSheet(title="Not named", version="0.0.0")
    return ReleaseRequest(
        name=arguments.name or f"dataset-{sheet.version}",
        sheet=sheet,
        formats=tuple(dict.fromkeys(arguments.formats)),
        options=options_from_json(_json(arguments.options)) if arguments.options else ExportOptions(),
        selection=Selection(
            readings=tuple(dict.fromkeys(arguments.readings)),
            coded_readers=not arguments.names,
            filters=filters_from_json(_json(arguments.filters)) if arguments.filters else Filters(),
        ),
        split=arguments.split or _only_split(project),
        reports=tuple(read_deidentification_report(path) for path in arguments.deidentification),
        images=images_below(arguments.images) if arguments.images else {},
        facts=read_facts(arguments.facts) if arguments.facts else {},
    )


def _only_split(project: Project) -> str:
    names = list(project.state.splits)
    if len(names) > 1:
        raise InputError(f"--split: the project has several splits; name one of {', '.join(names)}.")
    return names[0] if names else ""


def _json(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path.") from error
    except ValueError as error:
        raise InputError(f"{path}: is not JSON ({error}); correct it there.") from None
