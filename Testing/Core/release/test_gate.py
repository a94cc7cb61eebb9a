"""The gate names everything that is wrong, each in one line with its remedy, and lets a clean dataset pass."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydicom
import pytest

from AnnotationQACore.errors import InputError
from AnnotationQACore.project.cases import Case
from AnnotationQACore.project.state import Action
from AnnotationQACore.release.duplicates import pair_hash
from AnnotationQACore.release.gate.checking import check_gate
from AnnotationQACore.release.gate.deidentification import read_deidentification_report
from AnnotationQACore.release.gate.problems import GateReport
from AnnotationQACore.release.gate.texts import TextScreen, check_names
from AnnotationQACore.release.looking import to_look_at, write_look_page
from AnnotationQACore.release.request import gather

ONE_LINE = re.compile(r"[^\n]+: [^\n]+; [^\n]+\.")


def checked(study: Any, screen: TextScreen, exporters: Any, **changes: Any) -> GateReport:
    project, request = study.as_("lead"), study.request(**changes)
    report = check_gate(project, request, gather(project, request), exporters, screen)
    assert all(ONE_LINE.fullmatch(str(problem)) for problem in report.problems)
    return report


def problems_of(report: GateReport, check: str) -> list[str]:
    (found,) = [one for one in report.checks if one.name.startswith(check)]
    return [str(problem) for problem in found.problems]


def test_a_clean_dataset_passes_every_check(ready_study: Any, screen: Any, exporters: Any) -> None:
    report = checked(ready_study, screen, exporters)
    assert report.is_open, [str(problem) for problem in report.problems]
    assert len(report.checks) == 14
    assert all(line.startswith(("passed", "         note")) for line in report.lines())


def test_all_problems_are_named_at_once(study: Any, screen: Any, exporters: Any) -> None:
    report = checked(study, screen, exporters, reports=(), formats=("labels", "papyrus"))
    refused = {check.name for check in report.checks if check.problems}
    assert {"images carry a de-identification report", "thumbnails were signed off"} < refused
    assert "format 'papyrus': is unknown; choose from labels." in map(str, report.problems)


def test_a_changed_ledger_is_refused(ready_study: Any, screen: Any, exporters: Any) -> None:
    (path,) = (ready_study.folder / "ledger").glob("rita.*.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"reason":"alike"', b'"reason":"alikf"', 1))
    assert problems_of(checked(ready_study, screen, exporters), "the ledger")


def test_a_case_without_reference_standard_is_named_until_it_is_excluded(
    ready_study: Any, screen: Any, exporters: Any
) -> None:
    ready_study.as_("rita").decide("case-3", Action.SEND_BACK, ["case-3/ben/round-1/revision-1"])
    (problem,) = problems_of(checked(ready_study, screen, exporters), "every case has a reference")
    assert problem == "case case-3: no reference standard; accept or adjudicate it, or exclude it with a reason."
    ready_study.as_("lead").exclude_case("case-3", "motion artefact")
    report = checked(ready_study, screen, exporters)
    assert report.is_open, [str(one) for one in report.problems]
    assert any("motion artefact" in note for check in report.checks for note in check.notes)


def test_a_reference_standard_of_a_former_meaning_is_refused(ready_study: Any, screen: Any, exporters: Any) -> None:
    def change(document: dict[str, Any]) -> None:
        document["version"] = "2.0.0"
        document["items"][1]["definition"] = "Three or more."

    ready_study.adopt(change)
    problems = problems_of(checked(ready_study, screen, exporters), "every reference standard follows")
    assert len(problems) == 7
    assert "nodule" in problems[0]


@pytest.mark.parametrize("placeholder", ["ANONYMOUS", "unknown", "  ", "0000", "n/a", "?"])
def test_a_patient_identifier_that_stands_for_nobody(
    ready_study: Any, screen: Any, exporters: Any, placeholder: str
) -> None:
    project, request = ready_study.as_("lead"), ready_study.request()
    gathered = gather(project, request)
    first = replace(gathered.dataset.cases[0], patient=placeholder)
    dataset = replace(gathered.dataset, cases=(first, *gathered.dataset.cases[1:]))
    report = check_gate(project, request, replace(gathered, dataset=dataset), exporters, screen)
    (problem,) = problems_of(report, "every case has a patient")
    assert problem == "case 'case-1': its patient identifier stands for nobody; give each patient a pseudonym."


def test_a_case_without_patient_cannot_even_be_added() -> None:
    with pytest.raises(InputError, match="case 'x': has no patient; give a pseudonym"):
        Case("x", "")


def test_one_changed_bit_of_an_image_is_no_longer_in_the_report(ready_study: Any, screen: Any, exporters: Any) -> None:
    path = sorted((ready_study.folder / "images" / "case-5").iterdir())[2]
    dataset = pydicom.dcmread(path)
    dataset.StudyDescription = "Smith"
    dataset.save_as(path)
    (problem,) = problems_of(checked(ready_study, screen, exporters), "images carry")
    assert problem.startswith("case 'case-5', series 'ct': 1 of 5 files are in no de-identification report; ")
    assert "Smith" not in problem


def test_an_image_that_was_never_deidentified_is_refused(ready_study: Any, screen: Any, exporters: Any) -> None:
    assert len(problems_of(checked(ready_study, screen, exporters, reports=()), "images carry")) == 7


def test_a_changed_report_is_not_believed(study: Any) -> None:
    report = json.loads(study.report.read_text())
    report["files"][0]["output_header_sha256"] = "0" * 64
    study.report.write_text(json.dumps(report))
    with pytest.raises(InputError, match="was changed after it was signed"):
        read_deidentification_report(study.report)
    study.report.write_text("{}")
    with pytest.raises(InputError, match=r"is no report of deidentify-study; name its report\.json"):
        read_deidentification_report(study.report)


def test_retained_text_and_thumbnails_wait_for_a_person(study: Any, screen: Any, exporters: Any) -> None:
    before = checked(study, screen, exporters)
    retained = problems_of(before, "retained text")
    assert len(retained) == 3
    assert all(": was looked at by nobody yet; look at it and sign it off" in problem for problem in retained)
    assert len(problems_of(before, "thumbnails")) == 7
    study.sign_off(screen)
    after = checked(study, screen, exporters)
    assert not problems_of(after, "retained text")
    assert not problems_of(after, "thumbnails")


def test_a_new_image_has_to_be_looked_at_again(ready_study: Any, screen: Any, exporters: Any) -> None:
    path = sorted((ready_study.folder / "images" / "case-2").iterdir())[0]
    dataset = pydicom.dcmread(path)
    dataset.PixelData = bytes(len(dataset.PixelData))
    dataset.save_as(path)
    (problem,) = problems_of(checked(ready_study, screen, exporters), "thumbnails")
    assert problem.startswith("case 'case-2': 1 of 1 images not signed off; look at the thumbnails")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("nodule in the left lung", ""),
        ("seen on 3 March 2021", "holds a date, number, address or identifier"),
        ("call 030 1234567", "holds a date, number, address or identifier"),
        ("as in the case of Mr Zimmermann", "holds words that are not of the field, and could be a name"),
    ],
)
def test_free_text_answers_are_screened(ready_study: Any, screen: Any, exporters: Any, text: str, verdict: str) -> None:
    ready_study.as_("rita").decide("case-4", Action.SEND_BACK, ["case-4/anna/round-1/revision-1"])
    reading = ready_study.read("case-4", "anna", revision=2, text=text)
    ready_study.as_("rita").decide("case-4", Action.ACCEPT, [reading])
    problems = problems_of(checked(ready_study, screen, exporters), "free text")
    assert len(problems) == bool(verdict)
    assert all(f"case 'case-4', reading 'reference', item 'comment': {verdict}; " in problem for problem in problems)
    assert not any(word in problem for problem in problems for word in ("Zimmermann", "2021", "1234567"))
    ready_study.sign_off(screen)
    assert not problems_of(checked(ready_study, screen, exporters), "free text")


def test_the_reason_of_an_exclusion_is_screened(ready_study: Any, screen: Any, exporters: Any) -> None:
    ready_study.as_("lead").exclude_case("case-7", "withdrew consent on 2024-05-17")
    (problem,) = problems_of(checked(ready_study, screen, exporters), "free text")
    assert problem.startswith("case 'case-7', why it is left out: holds a date, number, address or identifier; ")


@pytest.mark.parametrize("name", ["scan_2024-05-17.nii.gz", "a/MRN1234567/b.nii.gz", "doe@clinic.org.png"])
def test_names_that_look_like_identifiers_are_refused(screen: TextScreen, name: str) -> None:
    check = check_names("file names", [("file 1", name, "rename it")], screen)
    assert [str(problem) for problem in check.problems] == [
        "file 1: looks like a date, number, address or identifier; rename it."
    ]


@pytest.mark.parametrize(
    "name",
    ["case-1_0000.nii.gz", "sub-01/anat/sub-01_desc-lung_mask.nii.gz", "ct.zarr/0/c/0/0/1", "LIDC-IDRI-0001.png"],
)
def test_names_as_the_formats_have_them_pass(screen: TextScreen, name: str) -> None:
    assert not check_names("file names", [("file 1", name, "rename it")], screen).problems


def test_what_is_segmented_must_be_coded_and_other_items_may_be_excused(
    ready_study: Any, screen: Any, exporters: Any
) -> None:
    def change(document: dict[str, Any]) -> None:
        document["version"] = "1.0.1"
        del document["items"][0]["codes"]["type"]
        del document["items"][2]["codes"]

    ready_study.adopt(change)
    lung, quality = problems_of(checked(ready_study, screen, exporters), "codes")
    assert lung.startswith("item 'lung': has no code for type; add one to the protocol")
    assert quality.endswith("or say in the release sheet (concepts_without_code) why there is none.")
    sheet = replace(ready_study.request().sheet, concepts_without_code="Quality is a scale of our own.")
    assert problems_of(checked(ready_study, screen, exporters, sheet=sheet), "codes") == [lung]


def test_a_case_in_no_part_is_named(ready_study: Any, screen: Any, exporters: Any) -> None:
    lead = ready_study.as_("lead")
    lead.assign_split("half", {"train": 0.5, "test": 0.5}, {"case-1": "train"}, 1)
    problems = problems_of(checked(ready_study, screen, exporters, split="half"), "no patient")
    assert "case 'case-3': is in no part of the split 'half'; place the new cases" in " ".join(problems)


def test_a_duplicate_in_two_parts_is_refused_until_somebody_says_it_is_none(
    ready_study: Any, screen: Any, exporters: Any
) -> None:
    for path in sorted((ready_study.folder / "images" / "case-7").iterdir()):
        path.unlink()
    for path in sorted((ready_study.folder / "images" / "case-3").iterdir()):
        (ready_study.folder / "images" / "case-7" / path.name).write_bytes(path.read_bytes())
    (problem,) = problems_of(checked(ready_study, screen, exporters), "no patient")
    assert problem.startswith(
        "cases 'case-3' and 'case-7': said to be of two patients, have the same voxels, and are in "
    )
    ready_study.as_("lead").sign_off("pair", [pair_hash("case-3", "case-7")], "a phantom scanned for both")
    assert not problems_of(checked(ready_study, screen, exporters), "no patient")


def test_an_empty_release_sheet_is_refused_field_by_field(ready_study: Any, screen: Any, exporters: Any) -> None:
    sheet = replace(ready_study.request().sheet, licence="", ethics="", limitations=())
    problems = problems_of(checked(ready_study, screen, exporters, sheet=sheet), "the release sheet")
    assert [problem.split(":")[0] for problem in problems] == [
        "release sheet, field 'licence'", "release sheet, field 'ethics'", "release sheet, field 'limitations'"
    ]  # fmt: skip


def test_images_that_are_not_at_hand_are_named(ready_study: Any, screen: Any, exporters: Any) -> None:
    for path in (ready_study.folder / "images" / "case-6").iterdir():
        path.unlink()
    (problem,) = problems_of(checked(ready_study, screen, exporters), "thumbnails")
    assert problem == (
        "case 'case-6': its images are not at hand; name their folder with --images, or exclude the case."
    )


def test_the_page_shows_what_waits_and_is_for_its_owner_only(study: Any, screen: Any, tmp_path: Path) -> None:
    project, request = study.as_("lead"), study.request()
    found = to_look_at(project, request, gather(project, request), screen)
    path = write_look_page(tmp_path / "look", found)
    page = path.read_text()
    assert page.count("<figcaption>case-") == 7
    assert page.count("data:image/png;base64,") == 7 * 4
    assert all(one.text in page for one in found.texts if one.text.isalnum())
    assert path.stat().st_mode & 0o077 == 0


def test_a_reader_who_said_nothing_wrong_needs_no_sign_off(study: Any, screen: Any) -> None:
    project, request = study.as_("lead"), study.request(reports=())
    assert not to_look_at(project, request, gather(project, request), screen).texts


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("case c1: is 4D; choose a volume.", "format labels, case c1: is 4D; choose a volume."),
        ("the dataset has no cases; widen it.", "format labels: the dataset has no cases; widen it."),
        ("broken.", "format labels: broken; mend it, or leave the case out."),
    ],
)
def test_what_a_format_says_is_repeated_whole(
    ready_study: Any, screen: Any, exporters: Any, monkeypatch: pytest.MonkeyPatch, line: str, problem: str
) -> None:
    monkeypatch.setattr(type(exporters["labels"]), "check", lambda *_: [line])
    (found,) = problems_of(checked(ready_study, screen, exporters), "every format")
    assert found == problem


def test_a_long_number_in_an_identifier_is_refused_until_it_is_signed_off(
    ready_study: Any, screen: Any, exporters: Any
) -> None:
    project, request = ready_study.as_("lead"), ready_study.request()
    gathered = gather(project, request)
    first = replace(gathered.dataset.cases[0], patient="study-000123")
    gathered = replace(gathered, dataset=replace(gathered.dataset, cases=(first, *gathered.dataset.cases[1:])))
    (problem,) = problems_of(check_gate(project, request, gathered, exporters, screen), "identifiers")
    assert problem.startswith("patient of case number 1: looks like a date, number, address or identifier; ")
    assert "000123" not in problem
    found = to_look_at(project, request, gathered, screen)
    assert [one.text for one in found.texts] == ["study-000123"]
    project.sign_off("text", found.text_hashes(), "numbered by a random list")
    assert not problems_of(check_gate(project, request, gathered, exporters, screen), "identifiers")
    names = [("file 1", "a/study-000123_0000.nii.gz", "rename it")]
    assert check_names("file names", names, screen).problems
    assert not check_names("file names", names, screen, frozenset(["study-000123"])).problems
