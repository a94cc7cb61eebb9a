"""Profiles: which options of PS3.15 are on, and what the house decides where the standard leaves a choice."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from DeidentifyStudyCore.canonical import canonical_hash
from DeidentifyStudyCore.errors import ProfileError

__all__ = ["OPTIONS", "Profile", "load_profile", "parse_profile", "shipped_profiles"]

FORMAT = "deidentify-profile/1"

OPTIONS = MappingProxyType(
    {
        "clean_pixel_data": "113101",
        "clean_recognizable_visual_features": "113102",
        "clean_graphics": "113103",
        "clean_structured_content": "113104",
        "clean_descriptors": "113105",
        "retain_longitudinal_full_dates": "113106",
        "retain_longitudinal_modified_dates": "113107",
        "retain_patient_characteristics": "113108",
        "retain_device_identity": "113109",
        "retain_uids": "113110",
        "retain_safe_private": "113111",
        "retain_institution_identity": "113112",
    }
)
"""Options of PS3.15 Annex E and their codes in CID 7050."""

_ACTIONS = {"K", "C", "X", "Z", "D"}
_DEFAULTS: dict[str, Any] = {
    "options": [],
    "shift_days": [-3650, -365],
    "patient_id": "ANON-{n:05}",
    "key": "file",
    "burned_in_risk": "quarantine",
    "pixel_search": "at-risk",
    "encapsulated_documents": "replace",
    "attributes": {},
}


@dataclass(frozen=True, slots=True)
class Profile:
    """What is kept, cleaned and removed.

    Attributes
    ----------
    options : frozenset of str
        Names from `OPTIONS`.
    shift_days : (int, int)
        Least and greatest offset of a patient's dates, in days, where modified dates are retained.
    patient_id : str
        Template with one field ``{n}``, numbered from 1.
    ephemeral : bool
        The key lives in memory only: nobody can ever re-identify or extend the result.
    burned_in_risk : str
        ``quarantine`` or ``accept``: objects in whose pixels text may be wait for a person where their risk asks for
        one (`risk.Rung`), or are written without one (cleaned first where *clean pixel data* is on).
    pixel_search : str
        ``at-risk`` or ``all``: which objects *clean pixel data* searches for text.
    encapsulated_documents : str
        ``replace`` (by an empty document) or ``quarantine``.
    attributes : mapping of int to str
        Actions (K keep, C clean, X remove, Z empty, D dummy) that override the table for single tags.
    digest : str
        SHA-256 of the profile's content; it is in every report.
    """

    name: str
    version: str
    description: str
    options: frozenset[str]
    shift_days: tuple[int, int]
    patient_id: str
    ephemeral: bool
    burned_in_risk: str
    pixel_search: str
    encapsulated_documents: str
    attributes: Mapping[int, str]
    digest: str

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.as_json(),)

    def as_json(self) -> dict[str, Any]:
        """Return the profile as the JSON it could have been read from, defaults filled in."""
        return {
            "format": FORMAT,
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "options": sorted(self.options),
            "shift_days": list(self.shift_days),
            "patient_id": self.patient_id,
            "key": "ephemeral" if self.ephemeral else "file",
            "burned_in_risk": self.burned_in_risk,
            "pixel_search": self.pixel_search,
            "encapsulated_documents": self.encapsulated_documents,
            "attributes": {f"{tag >> 16:04X},{tag & 0xFFFF:04X}": action for tag, action in self.attributes.items()},
        }

    def method_codes(self) -> list[str]:
        """Codes of CID 7050 that the header work earns; pixel data and faces are claimed only by who cleaned them."""
        claimed = self.options - {"clean_pixel_data", "clean_recognizable_visual_features"}
        return ["113100", *sorted(OPTIONS[option] for option in claimed)]


def shipped_profiles() -> dict[str, Profile]:
    """Profiles that come with the program, by name."""
    folder = files("DeidentifyStudyCore").joinpath("profiles")
    found = {}
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".json"):
            profile = parse_profile(entry.read_text(encoding="utf-8"), f"profile {entry.name}")
            found[profile.name] = profile
    return found


def load_profile(name: str, switched: tuple[str, ...] = ()) -> Profile:
    """Read a profile by the name of a shipped one or the path of a JSON file, and switch options on or off.

    Parameters
    ----------
    switched : tuple of str
        Names of options, to switch on, or followed by ``=on`` or ``=off``; the later counts. The digest of the
        resulting profile is that of its options.

    Raises
    ------
    ProfileError
        There is no such profile or option, or the result is invalid; the message names the path inside the JSON.
    """
    profiles = shipped_profiles()
    if name in profiles:
        profile = profiles[name]
    else:
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            known = ", ".join(profiles)
            raise ProfileError(f"no profile '{name}': name a JSON file or one of {known}.") from None
        profile = parse_profile(text, Path(name).name)
    if not switched:
        return profile
    content = profile.as_json()
    content["options"] = sorted(_switched(profile.options, switched))
    return parse_profile(json.dumps(content), f"profile {profile.name} with --option")


def _switched(options: frozenset[str], switched: tuple[str, ...]) -> set[str]:
    result = set(options)
    for argument in switched:
        option, _, state = argument.partition("=")
        if option not in OPTIONS:
            raise ProfileError(f"--option: no option '{option}'; the options are {', '.join(OPTIONS)}.")
        if state not in {"", "on", "off"}:
            raise ProfileError(f"--option {option}: '{state}' is neither on nor off.")
        if state == "off":
            result.discard(option)
        else:
            result.add(option)
    return result


def parse_profile(text: str, where: str) -> Profile:
    """Validate the JSON of a profile; `where` names it in messages."""
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ProfileError(f"{where}: not JSON ({error}); mend the file.") from None
    if not isinstance(content, dict):
        raise ProfileError(f"{where}: $ must be an object.")
    if content.get("format") != FORMAT:
        raise ProfileError(f"{where}: $.format must be '{FORMAT}'.")
    known = {"format", "name", "version", "description", *_DEFAULTS}
    for key in content:
        if key not in known:
            raise ProfileError(f"{where}: $.{key} is unknown; the keys are {', '.join(sorted(known))}.")
    for key in ("name", "version", "description"):
        if not isinstance(content.get(key), str) or not content[key]:
            raise ProfileError(f"{where}: $.{key} must be a text that is not empty.")
    return _built(_DEFAULTS | content, where)


def _rebuilt(content: dict[str, Any]) -> Profile:
    return _built(content, "profile")


def _built(content: dict[str, Any], where: str) -> Profile:
    profile_content = {
        "name": content["name"],
        "version": content["version"],
        "description": content["description"],
        "options": _options(content["options"], where),
        "shift_days": _shift_days(content["shift_days"], where),
        "patient_id": _template(content["patient_id"], where),
        "ephemeral": _choice(content, "key", ("file", "ephemeral"), where) == "ephemeral",
        "burned_in_risk": _choice(content, "burned_in_risk", ("quarantine", "accept"), where),
        "pixel_search": _choice(content, "pixel_search", ("at-risk", "all"), where),
        "encapsulated_documents": _choice(content, "encapsulated_documents", ("replace", "quarantine"), where),
        "attributes": _attributes(content["attributes"], where),
    }
    digest = canonical_hash(Profile(**profile_content, digest="").as_json())
    return Profile(**profile_content, digest=digest)


def _options(value: Any, where: str) -> frozenset[str]:
    if not isinstance(value, list):
        raise ProfileError(f"{where}: $.options must be a list.")
    for index, option in enumerate(value):
        if option not in OPTIONS:
            raise ProfileError(f"{where}: $.options[{index}] is unknown; the options are {', '.join(OPTIONS)}.")
    options = frozenset(value)
    if {"retain_longitudinal_full_dates", "retain_longitudinal_modified_dates"} <= options:
        raise ProfileError(f"{where}: $.options cannot retain both full and modified dates; choose one.")
    return options


def _shift_days(value: Any, where: str) -> tuple[int, int]:
    if not (isinstance(value, list) and len(value) == 2 and all(type(day) is int for day in value)):
        raise ProfileError(f"{where}: $.shift_days must be two whole numbers.")
    low, high = value
    if not -36500 <= low <= high <= 36500 or high - low < 30:
        raise ProfileError(f"{where}: $.shift_days must span at least 30 days within 100 years.")
    return low, high


def _template(value: Any, where: str) -> str:
    try:
        if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_.-]*\{n(:0?\d{1,2})?\}[A-Za-z0-9_.-]*", value):
            raise ValueError
        if len(value.format(n=999999)) > 32:
            raise ValueError
    except (ValueError, KeyError, IndexError):
        raise ProfileError(
            f"{where}: $.patient_id must be letters, digits, '-', '_', '.' and one {{n}} or {{n:04}}, 32 at most."
        ) from None
    return value


def _choice(content: dict[str, Any], key: str, choices: tuple[str, ...], where: str) -> str:
    if content[key] not in choices:
        raise ProfileError(f"{where}: $.{key} must be one of {', '.join(choices)}.")
    return str(content[key])


def _attributes(value: Any, where: str) -> Mapping[int, str]:
    if not isinstance(value, dict):
        raise ProfileError(f"{where}: $.attributes must be an object of 'gggg,eeee' to K, C, X, Z or D.")
    result = {}
    for key, action in value.items():
        if (
            not re.fullmatch(r"[0-9A-Fa-f]{4},[0-9A-Fa-f]{4}", key)
            or int(key[:4], 16) & 1
            or key[:4] in {"0000", "0002"}
        ):
            raise ProfileError(f"{where}: $.attributes['{key}'] is not a standard tag 'gggg,eeee'.")
        if action not in _ACTIONS:
            raise ProfileError(f"{where}: $.attributes['{key}'] must be one of K, C, X, Z, D.")
        result[int(key[:4] + key[5:], 16)] = action
    return MappingProxyType(result)
