"""What a profile decided, as the report says it to people."""

from typing import Any

from DeidentifyStudyCore.dicom.standard import method_codes
from DeidentifyStudyCore.profile import OPTIONS

__all__ = ["choices_of"]

_ACTIONS = {"K": "kept", "C": "cleaned", "X": "removed", "Z": "emptied", "D": "replaced by a dummy"}


def choices_of(profile: dict[str, Any]) -> list[tuple[str, str]]:
    """Rows of a table: every choice of a profile (its JSON) in words."""
    named = [f"{method_codes()[OPTIONS[option]]} ({OPTIONS[option]})" for option in profile["options"]]
    rows = [
        ("Profile", f"{profile['name']} {profile['version']}: {profile['description']}"),
        ("Profile SHA-256", profile["sha256"]),
        ("Options asked for", "; ".join(named) or "none"),
        ("Dates", _dates(profile)),
        ("New patient IDs", profile["patient_id"]),
        ("Images that are likely to show text", _burned_in(profile)),
        ("Encapsulated documents", _documents(profile)),
    ]
    if profile["attributes"]:
        said = "; ".join(f"{tag} {_ACTIONS[action]}" for tag, action in profile["attributes"].items())
        rows.append(("Attributes treated otherwise", said))
    return rows


def _dates(profile: dict[str, Any]) -> str:
    if "retain_longitudinal_full_dates" in profile["options"]:
        return "kept"
    if "retain_longitudinal_modified_dates" in profile["options"]:
        low, high = profile["shift_days"]
        return f"moved by {low} to {high} days, by the same secret number for all dates of a patient"
    return "removed, emptied or replaced by a dummy"


def _burned_in(profile: dict[str, Any]) -> str:
    searched = "clean_pixel_data" in profile["options"]
    which = "all images" if profile["pixel_search"] == "all" else "those at risk"
    first = f"{which} were searched for text" if searched else "not searched for text"
    if profile["burned_in_risk"] == "quarantine":
        return f"{first}; written only after a person's decision where the kind of risk asks for one"
    return f"{first}; written without a person's decision: the profile accepts the risk"


def _documents(profile: dict[str, Any]) -> str:
    replaced = profile["encapsulated_documents"] == "replace"
    return "replaced by an empty document" if replaced else "not written"
