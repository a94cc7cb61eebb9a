"""COCO (https://cocodataset.org/#format-data): pictures of slices, and what was drawn on them, pixel by pixel.

Coordinates are (column, row), (0, 0) being the top left corner of the top left pixel.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from AnnotationQACore import atomic
from AnnotationQACore.errors import InputError
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.protocol.items import Box, Landmarks, Polygon
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.release.exporters.arrays import file_name
from AnnotationQACore.release.exporters.checks import probability_problems
from AnnotationQACore.release.exporters.coco_annotations import case_annotations, left_out
from AnnotationQACore.release.exporters.journal import Written, case_by_case, finish, whole_folder
from AnnotationQACore.release.exporters.pictures import case_pictures, labeled_numbers, picture_problems
from AnnotationQACore.release.exporters.png_bytes import png_bytes
from AnnotationQACore.release.exporting import Dataset, ReleaseCase
from AnnotationQACore.release.label_table import LabelTable, label_table
from AnnotationQACore.release.options import ExportOptions
from AnnotationQACore.release.preparation import Form

__all__ = ["CocoExporter", "categories_of"]


class CocoExporter:
    """Writes ``images/CASE/ROLE_0001.png`` and ``annotations/SPLIT_READING.json``."""

    name = "coco"

    def describe(self) -> str:
        """What it writes."""
        return (
            "COCO: PNG pictures of slices or frames, and for each split and reading a JSON file with masks "
            "(run-length), boxes, polygons and keypoints; instances and overlapping structures stay apart."
        )

    def check(self, dataset: Dataset, options: ExportOptions) -> list[str]:
        """What keeps the dataset from being written."""
        problems = [*picture_problems(dataset, options), *probability_problems(dataset, "COCO")]
        if options.pictures.bits == 16:
            problems.append("export options: pictures.bits: readers of COCO take 8 bits; give 8.")
        return problems

    def write(
        self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress = silent
    ) -> tuple[str, ...]:
        """Write the dataset; see `exporting.Exporter`."""
        for problem in probability_problems(dataset, "COCO"):
            raise InputError(problem)
        table = label_table(dataset.protocol, options.labels)
        categories = categories_of(dataset.protocol, table)
        numbers = {category["item"]: category["id"] for category in categories}

        def write(case: ReleaseCase) -> Written:
            made = case_pictures(case, dataset.protocol, options, table, Form(layered=True, segments=True))
            found = {
                one.reading.name: list(case_annotations(one, made, dataset.protocol, table, numbers))
                for one in made.readings
            }
            drawn = {(entry["role"], entry["number"]) for entries in found.values() for entry in entries}
            wanted = None
            if options.pictures.only_labeled:
                first = next(iter(made.pictures))
                wanted = drawn | {(first, number) for number in labeled_numbers(made.readings)}
            place = folder / "images" / case.id
            make_folder(place.parent)
            images = []
            with whole_folder(place) as temporary:
                for role, pictures in made.pictures.items():
                    for picture in pictures:
                        if wanted is not None and (role, picture.number) not in wanted:
                            continue
                        name = f"{file_name(role)}_{picture.number + 1:04d}.png"
                        (temporary / name).write_bytes(png_bytes(picture.pixels))
                        rows, columns = picture.pixels.shape[:2]
                        images.append(
                            {
                                "file_name": f"{case.id}/{name}",
                                "width": columns,
                                "height": rows,
                                "series": role,
                                "number": picture.number,
                            }
                        )
            files = tuple(f"images/{image['file_name']}" for image in images)
            lost = {one.reading.name: list(left_out(one, found[one.reading.name], numbers)) for one in made.readings}
            return Written(files, {"images": images, "annotations": found, "left_out": lost})

        written = case_by_case(self.name, dataset, folder, options, progress, write)
        return finish(folder, *_write_lists(dataset, folder, categories, written), written=written)


def categories_of(protocol: Protocol, table: LabelTable) -> list[dict[str, Any]]:
    """Categories: labels with their values; then boxes, polygons and landmarks with theirs, or the next free number."""
    categories: list[dict[str, Any]] = [
        {"id": label.value, "name": label.item.title, "supercategory": "segmentation", "item": label.id}
        for label in table.labels
    ]
    used = {category["id"] for category in categories}
    for item in protocol.items:
        if not isinstance(item, Box | Polygon | Landmarks):
            continue
        wanted = None if isinstance(item, Landmarks) else item.label_value
        number = wanted if wanted is not None and wanted not in used else max(used, default=0) + 1
        used.add(number)
        category: dict[str, Any] = {"id": number, "name": item.title, "supercategory": item.kind, "item": item.id}
        if isinstance(item, Landmarks):
            category |= {"keypoints": [point.id for point in item.points], "skeleton": []}
        categories.append(category)
    return categories


def _write_lists(
    dataset: Dataset, folder: Path, categories: list[dict[str, Any]], written: Mapping[str, Written]
) -> Iterator[Path]:
    """One file for each split and reading; images on which nothing was drawn are in it too."""
    make_folder(folder / "annotations")
    cases: dict[tuple[str, str], list[ReleaseCase]] = defaultdict(list)
    for case in dataset.cases:
        for reading in case.readings:
            cases[dataset.split_of(case), reading.name].append(case)
    for (split, name), members in sorted(cases.items()):
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        lost: list[str] = []
        for case in members:
            notes = written[case.id].notes
            lost += [f"case {case.id}: {line}" for line in notes["left_out"][name]]
            known = {}
            for image in notes["images"]:
                known[image["series"], image["number"]] = len(images) + 1
                images.append({"id": len(images) + 1, **image, "case": case.id, "patient": case.patient})
            for found in notes["annotations"][name]:
                entry = {key: value for key, value in found.items() if key not in ("role", "number")}
                image_id = known[found["role"], found["number"]]
                annotations.append({"id": len(annotations) + 1, "image_id": image_id, **entry})
        document = {
            "info": {
                "description": dataset.description or dataset.name,
                "version": dataset.version,
                "contributor": name,
                "protocol": dataset.protocol.hash,
                "left_out": lost,
            },
            "licenses": [{"id": 1, "name": dataset.licence, "url": ""}] if dataset.licence else [],
            "images": images,
            "categories": categories,
            "annotations": annotations,
        }
        path = folder / "annotations" / f"{split}_{file_name(name)}.json"
        atomic.write_text(path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")
        yield path
