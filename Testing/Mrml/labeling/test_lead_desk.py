"""The lead's corner gives what the command line gives."""

from typing import Any

from AnnotationQACore.protocol.model import Protocol
from AnnotationQALib.logic.lead_desk import add_from_database, add_from_files, assign_cases, plan, reader_progress


def test_cases_are_added_and_assigned(studies: Any, everything: Protocol) -> None:
    study = studies(everything, ["case-1"])
    lead = study.as_("lead")
    images = study.folder.parent / "more"
    (images / "case-8" / "ct").mkdir(parents=True)
    (images / "case-8" / "ct" / "image.nrrd").write_bytes(b"voxels")
    (added,) = add_from_files(lead, images)
    assert (added.id, added.series[0].role, len(added.series[0].sha256)) == ("case-8", "ct", 64)
    add_from_database(lead, "case-9", "patient-9", [("ct", "1.2.3")])
    planned = plan(lead, ["anna"], 7)
    assert planned == plan(lead, ["anna"], 7)
    assert sorted(assignment.case for assignment in planned) == ["case-8", "case-9"]
    assign_cases(lead, planned, 7)
    (row,) = reader_progress(lead.refresh())
    assert (row.reader, row.assigned, row.submitted) == ("anna", 3, 0)
