"""The step `release accept`: makes readings the reference standard of their cases."""

import argparse

from AnnotationQACore.cli.acting import add_actor, add_project, identity_of, open_project
from AnnotationQACore.cli.console import ConsoleProgress
from AnnotationQACore.errors import InputError
from AnnotationQACore.evaluation.case import case_agreement
from AnnotationQACore.evaluation.case_files import case_files
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.reference_standard import reference_standard
from AnnotationQACore.project.state import Action, Role, SubmittedReading

__all__ = ["add_steps"]


def add_steps(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the step."""
    parser = steps.add_parser(
        "accept",
        help="accept the readings of one reader, or a consensus, as the reference standard",
        description="Accept readings as the reference standard of their cases; a reviewer does. Cases that have one "
        "are left as they are, unless they are named. What needs a look is adjudicated in Slicer.",
    )
    add_project(parser)
    parser.add_argument("--reader", required=True, metavar="NAME", help="such as anna or consensus:majority")
    parser.add_argument("--reason", required=True, help="recorded with each decision")
    parser.add_argument("--cases", nargs="+", metavar="CASE", help="default: all that have no reference standard")
    parser.add_argument("--agreed", action="store_true", help="only where the readers agree on every item")
    add_actor(parser)
    parser.set_defaults(act=_accept)


def _accept(arguments: argparse.Namespace) -> int:
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
    print(f"{len(chosen)} readings of {arguments.reader} accepted, {len(left)} not")
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
