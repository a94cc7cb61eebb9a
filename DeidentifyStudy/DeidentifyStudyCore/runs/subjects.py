"""The patients of a run: their pseudonyms, the offset of their dates, and what must not be repeated of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from DeidentifyStudyCore.identity.crosswalk import assign_pseudonyms
from DeidentifyStudyCore.identity.echo import EchoBuilder
from DeidentifyStudyCore.identity.keyfile import Secret, load_crosswalk, save_crosswalk
from DeidentifyStudyCore.identity.pseudonyms import Pseudonyms
from DeidentifyStudyCore.indexing.folder_index import Index
from DeidentifyStudyCore.indexing.index import NO_PATIENT
from DeidentifyStudyCore.profile import Profile
from DeidentifyStudyCore.rules.model import Subject
from DeidentifyStudyCore.rules.text import vocabulary

__all__ = ["pseudonyms_of", "subjects_of"]


def pseudonyms_of(secret: Secret, profile: Profile) -> Pseudonyms:
    """Names, UIDs and offsets that a key gives under a profile."""
    return Pseudonyms.of(secret, profile.shift_days, retain_uids="retain_uids" in profile.options)


def subjects_of(
    index: Index,
    profile: Profile,
    secret: Secret,
    pseudonyms: Pseudonyms,
    key_file: Path | None,
    supplied: Mapping[str, str],
) -> dict[str, Subject]:
    """Assign pseudonyms to the patients of an index, and keep them in the crosswalk of the key.

    Objects that belong to no patient have a subject of their own, without a pseudonym.

    Parameters
    ----------
    key_file : Path or None
        Where the crosswalk lies; None with an ephemeral key.
    supplied : mapping
        Patient ID to pseudonym, from the user's table.
    """
    crosswalk: dict[str, Any] = {}
    if key_file and not secret.ephemeral:
        crosswalk = load_crosswalk(key_file, secret)
    patients = {facts.patient for facts in index.files if facts.patient}
    assigned = assign_pseudonyms(patients - {NO_PATIENT}, profile.patient_id, secret, crosswalk, dict(supplied))
    if key_file and not secret.ephemeral:
        save_crosswalk(key_file, secret, crosswalk)
    return {
        patient: Subject(
            assigned.get(patient, ""),
            pseudonyms.date_offset(patient),
            index.patients.get(patient, EchoBuilder()).built(vocabulary()),
        )
        for patient in patients
    }
