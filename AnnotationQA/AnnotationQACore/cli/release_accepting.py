"""The step `release accept`: makes readings the reference standard of their cases."""

import argparse

from AnnotationQACore.cli.acting import identity_of, open_project
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.errors import InputError
from AnnotationQACore.evaluation.case import case_agreement
from AnnotationQACore.evaluation.case_files import case_files
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.reference_standard import reference_standard
from AnnotationQACore.project.state import Action, Role, SubmittedReading
from AnnotationQACore.wording import count_of

__all__ = ["accept"]


def accept(arguments: argparse.Namespace) -> int:
    """Make readings the reference standard of their cases."""
    project = open_project(arguments, identity_of(arguments))
    if not arguments.reason.strip():
        raise InputError("--reason: is empty; say why these readings are the reference standard.")
    _require_reviewer(project)
    chosen, left = [], []
    for case in _cases(project, arguments.cases):
        reading = _reading(project, case, arguments.reader)
        if reading is None:
            left.append(f"case {case}: has no reading of {arguments.reader}")
        elif arguments.agreed and (apart := _apart(project, case)):
            left.append(f"case {case}: the readers do not agree on {', '.join(apart)}")
        else:
            chosen.append(reading)
    progress = ConsoleProgress("accepting")
    for done, reading in enumerate(chosen):
        progress(done, len(chosen), reading.case)
        project.decide(reading.case, Action.ACCEPT, [reading.id], reason=arguments.reason.strip())
    progress(len(chosen), len(chosen))
    for line in left:
        print(f"not accepted  {line}")
    print(f"{count_of(len(chosen), 'reading')} of {arguments.reader} accepted, {len(left)} not")
    project.close()
    return 0


def _require_reviewer(project: Project) -> None:
    member = project.identity.member if project.identity is not None else ""
    if not any(project.state.has_role(member, role) for role in (Role.REVIEWER, Role.ADJUDICATOR)):
        raise InputError(
            f"'{member}': accepts no readings without the role of a reviewer; a lead gives it with "
            "annotation-qa member change PROJECT MEMBER --roles."
        )


def _cases(project: Project, wanted: list[str] | None) -> list[str]:
    state = project.state
    if wanted is None:
        return [
            name
            for name, record in state.cases.items()
            if not record.excluded and reference_standard(state, name) is None
        ]
    for name in wanted:
        if name not in state.cases:
            raise InputError(f"--cases: '{name[:100]}' is no case of the project; see annotation-qa status.")
    return list(dict.fromkeys(wanted))


def _reading(project: Project, case: str, reader: str) -> SubmittedReading | None:
    """The newest reading of the first round."""
    own = [one for one in project.state.latest_readings(case) if one.reader == reader and one.round == 1]
    return own[-1] if own else None


def _apart(project: Project, case: str) -> list[str]:
    """Items on which the readers of a case do not agree; all of them where fewer than two read it."""
    protocol = project.protocol()
    judged = [item.id for item in protocol.items if item.agreement is not None]
    files = case_files(project, case)
    if len(files.readings) < 2:
        return judged
    compared = {one.item: one for one in case_agreement(files, protocol).items}
    return [item for item in judged if item in compared and not compared[item].agreed]
