"""DICOM: the images as they are, segmentations as SEG, and measurements, ratings and landmarks as SR."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from AnnotationQACore import atomic
from AnnotationQACore.errors import InputError
from AnnotationQACore.progress import Progress, silent
from AnnotationQACore.project.layout import make_folder
from AnnotationQACore.release.exporters.checks import case_problems, series_problems
from AnnotationQACore.release.exporters.journal import Written, case_by_case, finish, whole_folder
from AnnotationQACore.release.exporting import Dataset, ReleaseCase
from AnnotationQACore.release.label_table import label_table
from AnnotationQACore.release.options import ExportOptions, Labels
from AnnotationQACore.release.preparation import chosen_roles

__all__ = ["DicomExporter"]

_INDEX = "dataset.json"


class DicomExporter:
    """Writes ``SPLIT/CASE/images/ROLE/00001.dcm``, ``SPLIT/CASE/READING-seg.dcm`` and so on, and ``dataset.json``."""

    name = "dicom"

    def describe(self) -> str:
        """What it writes."""
        return (
            "DICOM: images copied byte by byte, readings as Segmentation objects and measurement reports (TID 1500), "
            "and dataset.json, which names every answer that a report cannot hold."
        )

    def check(self, dataset: Dataset, options: ExportOptions) -> list[str]:
        """What keeps the dataset from being written."""
        problems = [*case_problems(dataset), *series_problems(dataset, options), *_option_problems(options)]
        for case in dataset.cases:
            roles = chosen_roles(case, dataset.protocol, options)
            if not roles:
                problems.append(f"case {case.id}: has no images at hand; give them, or export tables.")
            for role in roles:
                image = case.image(role)
                if image is None:
                    problems.append(f"case {case.id}: series '{role}' is not at hand; give its images (series).")
                elif not image.facts.series_uid:
                    problems.append(
                        f"case {case.id}: series '{role}' is no DICOM, and DICOM copies images as they are; "
                        "take the format bids, or leave the series out."
                    )
        return problems

    def write(
        self, dataset: Dataset, folder: Path, options: ExportOptions, progress: Progress = silent
    ) -> tuple[str, ...]:
        """Write the dataset; see `exporting.Exporter`."""
        from AnnotationQACore.release.exporters.dicom_case import write_case  # with highdicom

        for problem in _option_problems(options):
            raise InputError(problem)
        table = label_table(dataset.protocol, Labels(items=options.labels.items))

        def write(case: ReleaseCase) -> Written:
            place = folder / dataset.split_of(case) / case.id
            make_folder(place.parent)
            with whole_folder(place) as temporary:
                lost = list(write_case(temporary, case, dataset, options, table))
            files = tuple(sorted(path.relative_to(folder).as_posix() for path in place.rglob("*.dcm")))
            return Written(files, {"folder": place.relative_to(folder).as_posix(), "not_in_dicom": lost})

        written = case_by_case(self.name, dataset, folder, options, progress, write)
        cases = [
            {"case": case.id, "patient": case.patient, "split": dataset.split_of(case), **written[case.id].notes}
            for case in dataset.cases
        ]
        document = {
            "name": dataset.name,
            "version": dataset.version,
            "description": dataset.description,
            "licence": dataset.licence,
            "protocol": dataset.protocol.hash,
            "cases": cases,
        }
        atomic.write_text(folder / _INDEX, json.dumps(document, ensure_ascii=False, indent=1) + "\n")
        return finish(folder, folder / _INDEX, written=written)


def _option_problems(options: ExportOptions) -> Iterator[str]:
    asked = [name for name in ("orientation", "resampling", "crop", "intensity") if getattr(options, name)]
    asked += [f"labels.{name}" for name in ("merge_into", "values", "consecutive") if getattr(options.labels, name)]
    if asked:
        yield (
            f"export options: {', '.join(asked)}: DICOM holds images as acquired and segments as drawn; "
            "leave that out, or take another format."
        )
