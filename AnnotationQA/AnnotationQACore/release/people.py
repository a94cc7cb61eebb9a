"""What people are called in a release."""

from __future__ import annotations

from collections.abc import Mapping

from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.state import Role

__all__ = ["member_names"]


def member_names(project: Project, coded: bool) -> Mapping[str, str]:
    """Name in the release of everybody who read, reviewed or led; `coded` hides who they are.

    Readers and models are numbered as `selection.select_cases` does; others by the weightiest of their roles.
    """
    state = project.state
    read = {reading.reader for reading in state.all_readings()}
    people = sorted(reader for reader in read if ":" not in reader)
    models = sorted(reader for reader in read if reader.startswith("model:"))
    others = sorted(set(state.members) - set(people) - set(models))
    if not coded:
        return {member: member.replace(":", "-") for member in (*people, *models, *others)}
    names = {reader: f"reader{place}" for place, reader in enumerate(people, start=1)}
    names |= {reader: f"model{place}" for place, reader in enumerate(models, start=1)}
    for role in (Role.ADJUDICATOR, Role.REVIEWER, Role.LEAD, Role.READER):
        own = [member for member in others if member not in names and role in state.members[member].roles]
        names |= {member: f"{role.value}{place}" for place, member in enumerate(own, start=1)}
    return names | {member: "member" for member in others if member not in names}
