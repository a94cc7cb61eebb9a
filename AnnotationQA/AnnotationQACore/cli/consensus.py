"""Compute one segmentation from those of several readers, or the consensus of all cases of a project."""

from __future__ import annotations

import argparse
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from AnnotationQACore.agreement.segmentations.field_of_view import require_common_view
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.cli.inputs import open_segmentation
from AnnotationQACore.cli.numbers import count, number
from AnnotationQACore.cli.output import reader_names, require_folder_place, require_place, show, write_json
from AnnotationQACore.cli.project_arguments import add_actor
from AnnotationQACore.consensus.decisions import Decisions
from AnnotationQACore.consensus.result import LabelConsensus, ReaderPerformance
from AnnotationQACore.consensus.segmentations import SegmentationConsensus, StructureConsensus, segmentation_consensus
from AnnotationQACore.consensus.shape import shape_based_average
from AnnotationQACore.consensus.simple import simple
from AnnotationQACore.consensus.staple import staple
from AnnotationQACore.consensus.vote import majority, weighted_vote
from AnnotationQACore.errors import DestinationError, InputError
from AnnotationQACore.interchange.derived import software_version
from AnnotationQACore.interchange.label_images import require_written_format, write_segmentation, write_volume
from AnnotationQACore.interchange.placement import joint_grid, placed_on
from AnnotationQACore.project.layout import PROJECT_FILE
from AnnotationQACore.segmentation import Segmentation, Volume

__all__ = ["add_arguments", "run"]

METHODS = ("majority", "weighted", "staple", "simple", "shape")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `annotation-qa consensus`."""
    parser.add_argument(
        "readings", nargs="+", type=Path, metavar="READING", help="segmentation of each reader, or a project"
    )
    parser.add_argument("-o", "--output", type=Path, help="consensus: .seg.nrrd, .nrrd, .nii.gz or .mha")
    parser.add_argument("--method", choices=METHODS, default="majority", help="default: majority")
    parser.add_argument("--json", type=Path, metavar="PERFORMANCE", help="performance of each reader, and parameters")
    parser.add_argument("--readers", nargs="+", metavar="NAME", help="names of the readers; default: the file names")
    parser.add_argument("--segments", nargs="+", metavar="ID", help="only these segments, as --match names them")
    parser.add_argument("--match", choices=("id", "name", "value"), default="id", help="what segments have in common")
    parser.add_argument("--missing", choices=("empty", "unread"), default="empty", help="a reader without the segment")
    parser.add_argument("--margin", type=number, default=5.0, metavar="MM", help="around all labels; default: 5 mm")
    parser.add_argument("--ties", choices=("background", "include", "reader"), default="background", help="of a vote")
    parser.add_argument("--tie-break", metavar="READER", help="whose vote decides ties, with --ties reader")
    parser.add_argument("--weights", nargs="+", type=number, metavar="W", help="of each reader, with --method weighted")
    parser.add_argument("--alpha", type=number, default=1.0, help="of --method simple; default: 1")
    parser.add_argument("--minimum-readers", type=count, default=3, metavar="N", help="of --method simple; default: 3")
    parser.add_argument("--uncertainty", type=Path, metavar="MAP", help="write the entropy of the support in bits")
    parser.add_argument("--probabilities", type=Path, metavar="FOLDER", help="write the support of each segment there")
    add_actor(parser.add_argument_group("projects"))


def run(arguments: argparse.Namespace) -> int:
    """Compute, write and show the consensus."""
    if len(arguments.readings) == 1 and (arguments.readings[0] / PROJECT_FILE).is_file():
        if arguments.method == "weighted" or arguments.output:
            raise InputError("consensus: of a project it goes into its ledger; leave out -o and --method weighted.")
        _refuse_options_of_files(arguments)
        from AnnotationQACore.cli import consensus_project  # loads what compares all kinds of items

        return consensus_project.compute(arguments, arguments.readings[0], arguments.method, _method(arguments, ()))
    if len(arguments.readings) == 1 and not arguments.readings[0].exists():
        raise InputError(f"{arguments.readings[0]}: is no project and no segmentation; check the path.")
    if not arguments.output:
        raise InputError("consensus: say where to write it with -o FILE.")
    _require_places(arguments)
    names = reader_names(arguments.readings, arguments.readers)
    method = _method(arguments, names)
    progress = ConsoleProgress("reading")
    readings: dict[str, Segmentation] = {}
    for done, (name, path) in enumerate(zip(names, arguments.readings, strict=True)):
        progress(done, len(names), name)
        readings[name] = open_segmentation(path)
    progress(len(names), len(names))
    grids = {name: reading.grid for name, reading in readings.items()}
    grid = joint_grid(grids)
    require_common_view(grids)
    result = segmentation_consensus(
        {name: placed_on(reading, grid, (name, names[0])) for name, reading in readings.items()},
        method,
        match=arguments.match,
        missing=arguments.missing,
        only=arguments.segments,
        margin_mm=arguments.margin,
    )
    losses = write_segmentation(arguments.output, result.segmentation)
    if arguments.uncertainty:
        write_volume(arguments.uncertainty, Volume(_uncertainty(result), result.segmentation.grid))
    if arguments.probabilities:
        _write_probabilities(arguments.probabilities, result)
    report = _report(result, names, losses)
    if arguments.json:
        write_json(arguments.json, report)
    show(_table(report), arguments.json)
    return 0


def _require_places(arguments: argparse.Namespace) -> None:
    """Refuse what could not be written in the end."""
    for path in (arguments.output, arguments.uncertainty):
        if path is not None:
            require_written_format(path)
    files = [path for path in (arguments.output, arguments.json, arguments.uncertainty) if path is not None]
    twice = next((path for path in files if sum(path.resolve() == other.resolve() for other in files) > 1), None)
    if twice is not None:
        raise DestinationError(f"{twice}: is named for two results; name a file for each.")
    for path in files:
        require_place(path, *arguments.readings)
    require_folder_place(arguments.probabilities, *arguments.readings)


def _refuse_options_of_files(arguments: argparse.Namespace) -> None:
    """Refuse what would do nothing for a project, whose readings and protocol say it."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    unset = vars(parser.parse_args(["project"]))
    useless = ("json", "readers", "segments", "match", "missing", "margin", "tie_break", "uncertainty", "probabilities")
    given = next((name for name in useless if getattr(arguments, name) != unset[name]), None)
    if given is not None:
        raise InputError(f"consensus: --{given.replace('_', '-')} has no meaning for a project; leave it out.")


def _method(arguments: argparse.Namespace, names: Sequence[str]) -> Callable[[Decisions], LabelConsensus]:
    if (arguments.method == "weighted") != (arguments.weights is not None):
        raise InputError("consensus: --weights and --method weighted go together; give both or neither.")
    if arguments.tie_break is not None and arguments.tie_break not in names:
        raise InputError(f"consensus: the tie-break reader '{arguments.tie_break}' is none of {', '.join(names)}.")
    if (arguments.ties != "background" or arguments.tie_break) and arguments.method not in ("majority", "weighted"):
        raise InputError(f"consensus: --ties is for a vote; method {arguments.method} has its own rule for ties.")
    if arguments.method == "weighted":
        if len(arguments.weights) != len(names):
            raise InputError(
                f"consensus: {len(arguments.weights)} weights for {len(names)} readers; give one for each."
            )
        weights = dict(zip(names, arguments.weights, strict=True))
        return lambda decisions: weighted_vote(
            decisions,
            {name: weights[name] for name in decisions.readers},
            arguments.ties,
            arguments.tie_break if arguments.tie_break in decisions.readers else None,
        )
    if arguments.method == "majority":
        return functools.partial(majority, ties=arguments.ties, tie_break_reader=arguments.tie_break)
    if arguments.method == "simple":
        return functools.partial(simple, alpha=arguments.alpha, minimum_readers=arguments.minimum_readers)
    return staple if arguments.method == "staple" else shape_based_average


def _uncertainty(result: SegmentationConsensus) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Entropy in bits on the whole image; of structures decided on their own the largest at each voxel."""
    image = np.zeros(result.segmentation.grid.shape, dtype=np.float32)
    for structure in result.structures:
        part = image[structure.result.decisions.region]
        np.maximum(part, structure.result.uncertainty(), out=part)
    return image


def _write_probabilities(folder: Path, result: SegmentationConsensus) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DestinationError(f"{folder}: cannot be made; choose a folder you may write to.") from error
    for structure in result.structures:
        decisions = structure.result.decisions
        for label, segment in structure.segments.items():
            image = np.zeros(result.segmentation.grid.shape, dtype=np.float32)
            if label in decisions.labels:
                image[decisions.region] = structure.result.probability(label)
            name = "".join(character if character.isalnum() or character in "-_" else "_" for character in segment.id)
            write_volume(folder / f"{name}.nii.gz", Volume(image, result.segmentation.grid))


def _report(result: SegmentationConsensus, names: Sequence[str], losses: Sequence[str]) -> dict[str, Any]:
    segmentation = result.segmentation
    by_id: dict[str, dict[str, Any]] = {}
    for structure in result.structures:
        for segment, row in structure.performance():
            by_id.setdefault(segment.id, {})[row.reader] = _performance(row)
    segments = {}
    for segment in segmentation.segments:
        voxels = int(np.count_nonzero(segmentation.layers[segment.layer] == segment.value))
        segments[segment.id] = {
            "name": segment.name,
            "voxels": voxels,
            "volume_mm3": voxels * segmentation.grid.voxel_volume,
            "performance": by_id.get(segment.id, {}),
        }
    return {
        "method": result.structures[0].result.method,
        "version": software_version(),
        "readers": list(names),
        "segments": segments,
        "decided_together": [_structure(structure) for structure in result.structures],
        "warnings": [*result.warnings, *losses],
    }


def _structure(structure: StructureConsensus) -> dict[str, Any]:
    result = structure.result
    return {
        "segments": [segment.id for segment in structure.segments.values()],
        "readers": list(result.decisions.readers),
        "support": result.support_kind,
        "parameters": _plain(result.parameters, {0: "background", **{n: s.id for n, s in structure.segments.items()}}),
    }


def _performance(row: ReaderPerformance) -> dict[str, float | None]:
    values = {
        "sensitivity": row.sensitivity,
        "specificity": row.specificity,
        "precision": row.precision,
        "dice": row.dice,
        "weight": row.weight,
    }
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def _plain(value: object, names: Mapping[int, str]) -> Any:
    """JSON without NaN, and with segments called by their ID where they are keys."""
    if isinstance(value, Mapping):
        return {names.get(key, str(key)) if isinstance(key, int) else key: _plain(v, names) for key, v in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf" if value > 0 else "-inf"
    return [_plain(item, names) for item in value] if isinstance(value, list) else value


def _table(report: Mapping[str, Any]) -> str:
    lines = [f"Consensus by {report['method']} of {', '.join(report['readers'])}"]
    for ident, segment in report["segments"].items():
        lines.append(f"{segment['name']} ({ident}): {segment['voxels']} voxels, {segment['volume_mm3']:.1f} mm³")
        for reader, row in segment["performance"].items():
            values = [f"{name} {'undefined' if row[name] is None else format(row[name], '.4f')}" for name in row]
            lines.append(f"  {reader}: {', '.join(values)}")
    lines += [f"note: {warning}" for warning in report["warnings"]]
    return "\n".join(lines)
