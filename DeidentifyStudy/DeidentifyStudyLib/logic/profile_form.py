"""A profile as a person reads it: what each option changes, said by the rules themselves."""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from slicer.i18n import tr as _

from DeidentifyStudyCore.dicom.standard import method_codes
from DeidentifyStudyCore.profile import OPTIONS, Profile, parse_profile
from DeidentifyStudyCore.rules.book import RuleBook

__all__ = [
    "Effect",
    "OptionEffect",
    "edited",
    "effect_of",
    "effects_of",
    "option_in_standard",
    "option_title",
]


@dataclass(frozen=True, slots=True)
class Effect:
    """What happens to one attribute or kind of elements."""

    tag: str
    name: str
    action: str


@dataclass(frozen=True, slots=True)
class OptionEffect:
    """What an option changes in a profile.

    Attributes
    ----------
    with_it, without_it : str
        The most frequent treatment of the attributes that it changes.
    names : tuple of str
        These attributes; none where an option changes pixels only.
    """

    with_it: str
    without_it: str
    names: tuple[str, ...]

    def short(self) -> str:
        """Say what happens to most of them."""
        return self.with_it

    def sentence(self) -> str:
        """Say it in full."""
        if not self.names:
            return self.short()
        few = ", ".join(self.names[:3])
        more = _(" and {count} more").format(count=len(self.names) - 3) if len(self.names) > 3 else ""
        return _("{with_it} (without it: {without_it}). This concerns {names}{more}").format(
            names=few, more=more, with_it=self.with_it, without_it=self.without_it
        )


def option_title(option: str) -> str:
    """Say an option in few words."""
    return {
        "clean_pixel_data": _("Clean burned-in text"),
        "clean_recognizable_visual_features": _("Clean faces"),
        "clean_graphics": _("Clean graphic annotations"),
        "clean_structured_content": _("Clean structured content"),
        "clean_descriptors": _("Clean descriptions"),
        "retain_longitudinal_full_dates": _("Keep full dates"),
        "retain_longitudinal_modified_dates": _("Keep shifted dates"),
        "retain_patient_characteristics": _("Keep patient characteristics"),
        "retain_device_identity": _("Keep device identity"),
        "retain_uids": _("Keep UIDs"),
        "retain_safe_private": _("Keep safe private elements"),
        "retain_institution_identity": _("Keep institution identity"),
    }[option]


def option_in_standard(option: str) -> str:
    """Name and code of an option in the standard."""
    return _("{name} ({code}), PS3.15 Annex E").format(name=method_codes()[OPTIONS[option]], code=OPTIONS[option])


def edited(
    profile: Profile, options: frozenset[str], patient_id: str, burned_in_risk: str, removed: Collection[str] = ()
) -> Profile:
    """Apply a person's choices to a profile; raises `ProfileError`, which names the place, when they do not fit.

    Parameters
    ----------
    removed : collection of str
        Tags (``gggg,eeee``) of attributes that are removed whatever the options say.
    """
    content = profile.as_json()
    changed = content | {"options": sorted(options), "patient_id": patient_id, "burned_in_risk": burned_in_risk}
    changed["attributes"] = content["attributes"] | dict.fromkeys(sorted(removed), "X")
    if changed == content:
        return profile
    changed["version"] = f"{profile.version.removesuffix('+edited')}+edited"
    return parse_profile(json.dumps(changed), profile.name)


def effects_of(profile: Profile) -> list[Effect]:
    """What happens to kinds of elements, then to every attribute of the standard's table."""
    book = RuleBook(profile)
    kinds = [Effect("", kind, rule.describe()) for kind, rule in book.policies()]
    return kinds + [
        Effect(f"({row.tag[:4]},{row.tag[4:]})", row.name, rule.describe())
        for row, rule in sorted(book.table(), key=lambda pair: pair[0].name)
    ]


def effect_of(profile: Profile, option: str) -> OptionEffect:
    """What an option changes, given the other options of the profile."""
    return _effect(tuple(sorted(profile.options - {option})), profile.encapsulated_documents, option)


@lru_cache(maxsize=256)
def _effect(others: tuple[str, ...], documents: str, option: str) -> OptionEffect:
    rival = {
        "retain_longitudinal_full_dates": "retain_longitudinal_modified_dates",
        "retain_longitudinal_modified_dates": "retain_longitudinal_full_dates",
    }.get(option)
    base = [other for other in others if other != rival]
    off, on = (RuleBook(_profile(options, documents)) for options in (base, [*base, option]))
    changes = [
        (row.name, before.describe(), after.describe())
        for (row, before), (_row, after) in zip(off.table(), on.table(), strict=True)
        if before.describe() != after.describe()
    ]
    changes += [
        (kind, before.describe(), after.describe())
        for (kind, before), (_kind, after) in zip(off.policies(), on.policies(), strict=True)
        if before.describe() != after.describe()
    ]
    if not changes:
        return OptionEffect(_of_pixels(option), "", ())
    after = Counter(change[2] for change in changes).most_common(1)[0][0]
    before = Counter(change[1] for change in changes if change[2] == after).most_common(1)[0][0]
    names = tuple(dict.fromkeys(change[0] for change in changes))
    return OptionEffect(after, before, names)


def _of_pixels(option: str) -> str:
    return {
        "clean_pixel_data": _("text in the pixels is searched for and blackened, after a review where asked for"),
        "clean_recognizable_visual_features": _(
            "faces in CT and MR are altered, after a person has confirmed each head; others wait"
        ),
    }.get(option, "")


def _profile(options: list[str], documents: str) -> Profile:
    content = {
        "format": "deidentify-profile/1",
        "name": "form",
        "version": "1",
        "description": "form",
        "options": options,
        "encapsulated_documents": documents,
    }
    return parse_profile(json.dumps(content), "form")
