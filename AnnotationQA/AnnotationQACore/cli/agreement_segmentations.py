"""Label files of several readers: `annotation-qa agreement A.nrrd B.nii.gz ...`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from AnnotationQACore.agreement.segmentations.segmentation_agreement import (
    LabelAgreement,
    PairAgreement,
    SegmentationAgreement,
)
from AnnotationQACore.agreement.segmentations.segmentations import REFERENCE, compare_segmentations
from AnnotationQACore.cli.console import ConsoleProgress, say
from AnnotationQACore.cli.output import figure, reader_names, rows_as_text
from AnnotationQACore.errors import InputError
from AnnotationQACore.interchange.label_images import read_segmentation
from AnnotationQACore.interchange.labels import default_segment
from AnnotationQACore.segmentation import Segment, Segmentation
from AnnotationQACore.wording import count_of

__all__ = ["compare"]

_NAMED = 20
"""Labels that a message names; a parcellation has hundreds."""


def compare(arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Compare label files; returns the JSON document and the text to show."""
    folder = next((path for path in arguments.files if path.is_dir()), None)
    if folder is not None:
        raise InputError(f"{folder}: is a folder and no project; give the label file of each reader.")
    if len(arguments.files) < 2 and arguments.reference is None:
        raise InputError("agreement: one reader cannot be compared; give two files or more, or a --reference.")
    names = reader_names(arguments.files, arguments.readers)
    paths = dict(zip(names, arguments.files, strict=True))
    everyone = {**paths, **({REFERENCE: arguments.reference} if arguments.reference else {})}
    if len(everyone) < len(paths) + bool(arguments.reference):
        raise InputError("agreement: a reader is called 'reference'; choose another name with --readers.")
    files = _read(everyone)
    readings = _matched(files, arguments.match, arguments.labels)
    _require_labels(arguments.labels or (), readings, _labels_of(_matched(files, arguments.match, None)))
    result = compare_segmentations(
        {name: readings[name] for name in names},
        labels=arguments.labels,
        tolerances_mm=arguments.tolerance,
        definition=arguments.definition,
        reference=readings.get(REFERENCE),
        against_consensus=arguments.consensus,
        resample=arguments.resample,
        progress=ConsoleProgress("comparing"),
    )
    document: dict[str, Any] = dict(result.to_json())
    text = _text(result)
    if arguments.instances:
        from AnnotationQACore.cli.agreement_instances import compare_instances  # half of all that is loaded

        found, instances_text = compare_instances(readings, names, arguments)
        document.update(found)
        text += "\n\n" + instances_text
    return document, text


def _read(paths: Mapping[str, Path]) -> dict[str, Segmentation]:
    progress = ConsoleProgress("reading")
    files = {}
    for done, (name, path) in enumerate(paths.items()):
        progress(done, len(paths), name)
        files[name] = read_segmentation(path)
    progress(len(paths), len(paths))
    return files


def _matched(files: Mapping[str, Segmentation], match: str, labels: Sequence[str] | None) -> dict[str, Segmentation]:
    """Give segments IDs by which they are matched: their own, or their label values.

    A label image without names lists no segments, so that a value which it does not hold is absent, not unread.
    """
    bare = {name: _is_bare(file) for name, file in files.items()}
    if match == "id" or (match == "auto" and not any(bare.values())):
        return dict(files)
    values = {segment.value for file in files.values() for segment in file.segments}
    values |= {int(label) for label in labels or () if label.isdecimal() and int(label) > 0}
    return {name: _by_value(name, file, values if bare[name] else set()) for name, file in files.items()}


def _labels_of(readings: Mapping[str, Segmentation]) -> list[str]:
    """Labels that any of the files has, in their order: values by their size."""
    labels = dict.fromkeys(segment.id for reading in readings.values() for segment in reading.segments)
    return sorted(labels, key=int) if all(map(str.isdecimal, labels)) else list(labels)


def _require_labels(wanted: Sequence[str], readings: Mapping[str, Segmentation], there: Sequence[str]) -> None:
    """Refuse a label that cannot be one, and say of which no file has a voxel: it may be mistyped, or truly absent."""
    comparable = _labels_of(readings)
    refused = next((label for label in wanted if label not in comparable), None)
    if refused is not None:
        raise InputError(f"--labels: no reader has a label '{refused}'; {_in_words(there)}.")
    absent = [label for label in wanted if label not in there]
    if absent:
        plural = "s" if len(absent) > 1 else ""
        say(f"note: --labels: no reader has label{plural} {', '.join(absent)}; {_in_words(there)}.")


def _in_words(labels: Sequence[str]) -> str:
    if not labels:
        return "their files hold no label at all"
    shown = ", ".join(labels[:_NAMED])
    more = len(labels) - _NAMED
    return f"there {'is' if len(labels) == 1 else 'are'} {shown}{f' and {more} more' if more > 0 else ''}"


def _is_bare(file: Segmentation) -> bool:
    return len(file.layers) == 1 and all(segment.id == default_segment(segment.value).id for segment in file.segments)


def _by_value(name: str, file: Segmentation, values: set[int]) -> Segmentation:
    segments: dict[int, Segment] = {}
    for segment in file.segments:
        if segment.value in segments:
            raise InputError(f"{name}: two segments have the label value {segment.value}; compare with --match id.")
        segments[segment.value] = replace(segment, id=str(segment.value))
    for value in sorted(values - set(segments)):
        segments[value] = replace(default_segment(value), id=str(value))
    return Segmentation(file.layers, file.grid, tuple(segments[value] for value in sorted(segments)))


def _text(result: SegmentationAgreement) -> str:
    parts = [f"{count_of(len(result.readers), 'reader')} ({', '.join(result.readers)}); "
             f"definition {result.definition.value}"]  # fmt: skip
    parts += [_label_text(label) for label in result.labels.values()]
    notes = [f"note: {message}" for message in result.messages]
    left_out = [f"note: {name}: {volume:.1f} mm³ lie outside" for name, volume in result.left_out_mm3.items() if volume]
    return "\n\n".join([*parts, *(["\n".join([*notes, *left_out])] if notes or left_out else [])])


def _label_text(label: LabelAgreement) -> str:
    has_name = label.name not in (label.label, f"Label {label.label}")
    title = f"label {label.label}" + (f" ({label.name})" if has_name else "")
    if label.not_read:
        title += f"; not read by {', '.join(label.not_read)}"
    pairs = [*label.pairs, *label.against_reference, *label.against_consensus]
    if not pairs:
        return f"{title}\nread by one alone: nothing to compare"
    tolerances = sorted({tau for pair in pairs if pair.surface for tau in pair.surface.nsd})
    header = ["pair", "Dice", "HD mm", "HD95 mm", "ASSD mm", *(f"NSD {tau:g} mm" for tau in tolerances)]
    rows = [[*header, "a mm³", "b mm³", "state"], *(_pair_row(pair, tolerances) for pair in pairs)]
    return f"{title}\n{rows_as_text(rows)}"


def _pair_row(pair: PairAgreement, tolerances: Sequence[float]) -> list[str]:
    shown = pair.to_json()
    nsd = shown["nsd"] if isinstance(shown["nsd"], dict) else {}
    cells = [shown[name] for name in ("dice", "hd", "hd95", "assd")] + [nsd.get(str(tau)) for tau in tolerances]
    figures = [figure(cell if isinstance(cell, float | str) else None) for cell in cells]
    volumes = (figure(pair.volume_a_mm3, 1), figure(pair.volume_b_mm3, 1))
    return [f"{pair.a} – {pair.b}", *figures, *volumes, pair.state.value]
