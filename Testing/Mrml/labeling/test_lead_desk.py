"""The lead's corner gives what the command line gives, and makes cases of the studies of a DICOM database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from labeling_study import EVERYTHING, LabelingStudy

from AnnotationQACore.errors import InputError
from AnnotationQACore.progress import silent
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.protocol.model import Protocol
from AnnotationQALib.logic.database_cases import cases_of_studies, list_studies, roles_of_series
from AnnotationQALib.logic.display_names import shown_names
from AnnotationQALib.logic.lead_desk import Plan, assign, case_of_name, plan, read_cases, reader_rows


class Studies:
    """A database of one patient with two studies, as CTK gives it."""

    def __init__(self, folder: Path, series: dict[str, tuple[str, str]]) -> None:
        self.series = series
        self.files = {}
        for uid in series:
            path = folder / f"{uid}.dcm"
            path.write_bytes(uid.encode())
            self.files[uid] = [str(path)]

    def patients(self) -> list[str]:
        return ["1"]

    def studiesForPatient(self, patient: str) -> list[str]:
        return ["9.2", "9.1"]

    def seriesForStudy(self, study: str) -> list[str]:
        return list(self.series)

    def filesForSeries(self, series: str) -> list[str]:
        return self.files[series]

    def fieldForPatient(self, field: str, patient: str) -> str:
        return {"PatientID": "MRN-7391846"}[field]

    def fieldForStudy(self, field: str, study: str) -> str:
        return {"StudyDate": {"9.1": "20240101", "9.2": "20240601"}[study], "StudyDescription": "Chest"}[field]

    def fieldForSeries(self, field: str, series: str) -> str:
        modality, description = self.series[series]
        return {"Modality": modality, "SeriesDescription": description}[field]


def test_cases_are_read_planned_and_assigned(studies: Callable[..., LabelingStudy], everything: Protocol) -> None:
    study = studies(everything, ["case-1"])
    lead = study.as_("lead")
    images = study.folder.parent / "more"
    (images / "case-8" / "ct").mkdir(parents=True)
    (images / "case-8" / "ct" / "image.nrrd").write_bytes(b"voxels")
    (added,) = read_cases(images, study.folder, silent)
    assert (added.id, added.series[0].role, len(added.series[0].sha256)) == ("case-8", "ct", 64)
    lead.add_cases([added])
    wanted = Plan(1, 0.0, 0, (), 7)
    planned = plan(lead, wanted)
    assert planned == plan(lead, wanted)
    assert [assignment.case for assignment in planned] == ["case-8"]
    assert assign(lead, wanted) == {"anna": 1}
    assert ("anna", 0, 2, 0) in reader_rows(lead)


def test_studies_of_a_database_become_cases_without_names(tmp_path: Path) -> None:
    database = Studies(tmp_path, {"1.1": ("CT", "CT lung"), "1.2": ("CT", "Scout"), "1.3": ("SR", "Dose")})
    found = list_studies(database, "project")
    assert [(study.date, study.time_point) for study in found] == [("20240101", "1"), ("20240601", "2")]
    assert len({study.patient for study in found}) == 1
    assert len({study.case for study in found}) == 2
    assert not any("7391846" in value for study in found for value in (study.patient, study.case))
    assert list_studies(database, "another")[0].patient != found[0].patient
    case = cases_of_studies(found[:1], EVERYTHING, silent)[0]
    (series,) = case.series
    assert (series.role, series.uid, series.location, series.files) == ("ct", "1.1", "", 1)
    assert len(series.sha256) == 64


def test_roles_that_share_a_modality_are_told_apart_by_words(tmp_path: Path) -> None:
    protocol = load_shipped("brain_tumour_mr")
    roles = [role for role in protocol.imaging.series if "MR" in role.modalities]
    assert len(roles) > 1
    words = {role.id: f"AX {role.description_hints[0]} 3mm" for role in roles}
    named = {f"1.{n}": ("MR", text) for n, text in enumerate(reversed(words.values()))}
    study = list_studies(Studies(tmp_path, named), "project")[0]
    assert {role: series.description for role, series in roles_of_series(study, protocol).items()} == words
    unnamed = replace(study, series=tuple(replace(series, description="axial") for series in study.series))
    with pytest.raises(InputError, match="cannot be told from the others"):
        roles_of_series(unnamed, protocol)
    with pytest.raises(InputError, match="is missing"):
        roles_of_series(replace(study, series=()), protocol)


def test_the_lead_finds_the_case_that_a_reader_speaks_of(studies: Callable[..., Any]) -> None:
    lead = studies(EVERYTHING, ["case-1", "case-2"]).as_("lead")
    name = shown_names(lead.state, lead.id, "anna")["case-2", 1]
    assert case_of_name(lead, f" {name.lower()} ") == (("anna", "case-2", 1),)
    assert case_of_name(lead, "?") == ()
