"""A study from the first act to the decision."""

from dataclasses import replace

import pytest

from AnnotationQACore.errors import ProjectError
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.state import Action, CaseStatus, TaskStatus
from AnnotationQACore.project.verification import verify


def test_from_assignment_to_decision(study) -> None:
    anna = study.as_("anna")
    assert [item.case for item in anna.worklist("anna")] == ["case-1", "case-2", "case-3"]
    anna.start_reading("case-1")
    first = [study.submit("anna"), study.submit("ben")]
    rita = study.as_("rita")
    assert rita.state.case_status("case-1") == CaseStatus.TO_REVIEW
    rita.decide("case-1", Action.SEND_BACK, first[:1], comments=[{"text": "look at slice 12 again"}])
    item = study.as_("anna").worklist("anna")[0]
    assert (item.case, item.status, item.revision) == ("case-1", TaskStatus.SENT_BACK, 2)
    assert item.comments[0]["text"] == "look at slice 12 again"
    assert study.as_("ben").worklist("ben")[0].case == "case-2"

    second = study.submit("anna", revision=2)
    assert study.as_("adam").state.case_status("case-1") == CaseStatus.TO_REVIEW
    study.as_("adam").decide("case-1", Action.ADJUDICATE, [second], reason="agrees with biopsy")
    state = Project.open(study.folder).state
    assert state.case_status("case-1") == CaseStatus.DECIDED
    assert [r.id for r in state.latest_readings("case-1")] == [second, first[1]]
    result = verify(study.folder)
    assert result.is_sound, [str(f) for f in result.findings]
    assert not result.notes


def test_a_reading_for_another_protocol_version_is_refused_and_nothing_is_written(study) -> None:
    reading = study.reading("anna")
    lead = study.as_("lead")
    protocol = lead.protocol()
    lead.adopt_protocol(replace(protocol, version="2.0.0", change_note="Means something else."))
    anna = study.as_("anna")
    before = {path: path.read_bytes() for path in study.folder.rglob("*") if path.is_file()}
    with pytest.raises(ProjectError, match=r"was made under protocol \w+, but \w+ is in force"):
        anna.submit_reading(reading)
    assert {path: path.read_bytes() for path in study.folder.rglob("*") if path.is_file()} == before
