"""The model in words that readers understand: what handbooks and differences say."""

from __future__ import annotations

from collections.abc import Iterator

from AnnotationQACore.protocol.conditions import AllOf, AnyOf, Comparison, Condition
from AnnotationQACore.protocol.design import Agreement
from AnnotationQACore.protocol.imaging import SeriesRole, WindowPreset
from AnnotationQACore.protocol.items import (
    Box,
    Classification,
    DrawnItem,
    Item,
    Landmarks,
    Measurement,
    Polygon,
    Rating,
    Segmentation,
    TextAnswer,
)
from AnnotationQACore.protocol.limits import Inside, LandmarkLimits, Limit, MeasurementLimits, RegionLimits
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.statistics import STATISTICS

__all__ = [
    "agreement_words",
    "condition_words",
    "design_words",
    "kind_words",
    "limit_words",
    "scope_words",
    "series_words",
    "title_of",
    "window_words",
]


def title_of(protocol: Protocol, item_id: str | None) -> str:
    """Title of an item, or its ID when there is no such item."""
    return next((item.title for item in protocol.items if item.id == item_id), item_id or "")


def kind_words(item: Item, protocol: Protocol) -> str:
    """What a reader does: "outline", "one choice", "computed from ..."."""
    match item:
        case Classification():
            return {"single": "one choice", "multiple": "any number of choices", "presence": "presence"}[item.selection]
        case Rating():
            return f"rating on {len(item.levels)} levels" + (" (no order)" if item.scale == "nominal" else "")
        case TextAnswer():
            return "free text"
        case Segmentation(composed=True):
            parts = [other.title for other in protocol.items if other.parent == item.id]
            return f"computed: {', '.join(parts)} together"
        case Segmentation():
            words = "segmentation"
        case Box():
            words = f"{item.dimensions}D box"
        case Polygon():
            words = "closed polygon" if item.closed else "open polyline"
        case Landmarks():
            words = f"{len(item.points)} landmarks"
        case Measurement():
            sources = ", ".join(title_of(protocol, name) for name in item.derived_from)
            unit = f", {item.unit}" if item.unit else ""
            name = item.quantity.replace("_", " ")
            words = f"{name}{unit}; computed from {sources}" if item.derived else f"{name}{unit}"
    return f"{words}, one for each" if isinstance(item, DrawnItem) and item.instances else words


def scope_words(item: Item, protocol: Protocol) -> str:
    """What an item is asked about."""
    if item.scope.level == "instance":
        return f"for each {title_of(protocol, item.scope.of)}"
    role = next((role.title for role in protocol.imaging.series if role.id == item.scope.of), None)
    where = f" of {role}" if role else ""
    return f"once per {item.scope.level}{where}"


def condition_words(condition: Condition | None, protocol: Protocol) -> str:
    """A condition as a sentence without a full stop; empty when there is none."""
    match condition:
        case AllOf():
            return " and ".join(_bracketed(part, protocol) for part in condition.all)
        case AnyOf():
            return " or ".join(_bracketed(part, protocol) for part in condition.any)
        case Comparison():
            return _comparison_words(condition, protocol)
    return ""


def limit_words(item: Item, protocol: Protocol) -> list[str]:
    """Every plausibility limit of an item as a phrase."""
    limits = getattr(item, "limits", None)
    match limits:
        case RegionLimits():
            return list(_region_words(limits, _intensity_unit(item, protocol), protocol))
        case LandmarkLimits():
            return list(_landmark_words(limits, protocol))
        case MeasurementLimits():
            unit = item.unit if isinstance(item, Measurement) else ""
            return list(_measurement_words(limits, unit, protocol))
    return []


def agreement_words(agreement: Agreement, unit: str = "") -> str:
    """When readers agree, as a phrase."""
    facts = STATISTICS[agreement.statistic]
    sign = "≥" if facts.better == "larger" else "≤"
    words = f"{facts.title} {sign} {agreement.threshold:g}"
    if agreement.tolerance_mm is not None:
        words += f", tolerance {agreement.tolerance_mm:g} mm"
    if facts.of_one_case:
        return f"{words}; a case that reaches it is accepted automatically"
    if agreement.case_tolerance is None:
        return f"{words} over all cases"
    unit = "level" if unit == "levels" and agreement.case_tolerance == 1 else unit
    same = "identical answers" if agreement.case_tolerance == 0 else f"up to {agreement.case_tolerance:g} {unit} apart"
    return f"{words} over all cases; a case is accepted automatically with {' '.join(same.split())}"


def series_words(role: SeriesRole) -> str:
    """What a series must be, as a phrase."""
    special = {"any": "", "none": ", without contrast", "post_contrast": ", after contrast"}
    phase = special.get(role.contrast_phase, f", {role.contrast_phase.replace('_', ' ')} phase")
    thickness = f", slices up to {role.max_slice_thickness_mm:g} mm" if role.max_slice_thickness_mm else ""
    return f"{' or '.join(role.modalities)}{phase}{thickness}{'' if role.required else ', optional'}"


def window_words(window: WindowPreset) -> str:
    """A window preset as a phrase."""
    if window.percentiles is not None:
        return f"percentiles {window.percentiles[0]:g} to {window.percentiles[1]:g}"
    return f"centre {window.center:g}, width {window.width:g}" + (", inverted" if window.inverted else "")


def design_words(protocol: Protocol) -> list[tuple[str, str]]:
    """How the cases are read, as rows of a name and a phrase."""
    design, blinding = protocol.design, protocol.design.blinding
    hidden = [
        name
        for name, is_hidden in (
            ("other readings", blinding.other_readings),
            ("patient identity", blinding.patient_identity),
            ("clinical information", blinding.clinical_information),
            ("prior studies", blinding.prior_studies),
            ("results of models", blinding.model_results),
        )
        if is_hidden
    ]
    rows = [
        ("Readers per case", str(design.readers_per_case)),
        ("Who reads", design.reader_qualification),
        ("Training", design.training),
        ("Hidden from readers", ", ".join(hidden)),
        ("Order of cases", {"random": "random, another for each reader", "fixed": "the same for all"}[design.order]),
        ("Repeats", f"{design.repeat_fraction:.0%} of the cases" if design.repeat_fraction else ""),
        ("Washout", f"{design.washout_days} days" if design.washout_days else ""),
        ("Cases with known answer", f"{design.gold_fraction:.0%}" if design.gold_fraction else ""),
        ("May start from", ", ".join(source.replace("_", " ") for source in design.start_from)),
        ("Disagreement is settled by", {"none": "nobody"}.get(design.adjudication, design.adjudication)),
        ("Reviewers give a reason", "always" if design.reason_required else ""),
    ]
    return [(name, words) for name, words in rows if words]


_SIGNS = {
    "equals": "is",
    "not_equals": "is not",
    "one_of": "is",
    "contains": "includes",
    "greater_than": "is above",
    "at_least": "is at least",
    "less_than": "is below",
    "at_most": "is at most",
    "answered": "is answered",
    "not_answered": "is not answered",
}


def _comparison_words(comparison: Comparison, protocol: Protocol) -> str:
    target = next((item for item in protocol.items if item.id == comparison.item), None)
    values = comparison.value if isinstance(comparison.value, tuple) else (comparison.value,)
    titles: dict[object, str] = {}
    if isinstance(target, Classification):
        titles = {choice.id: choice.title for choice in target.answers}
    elif isinstance(target, Rating):
        titles = {level.value: f"{level.value} ({level.title})" for level in target.levels}
    shown = " or ".join(str(titles.get(value, value)).lower() for value in values if value is not None)
    return f"{title_of(protocol, comparison.item)} {_SIGNS[comparison.operator]} {shown}".rstrip()


def _bracketed(condition: Condition, protocol: Protocol) -> str:
    words = condition_words(condition, protocol)
    return words if isinstance(condition, Comparison) else f"({words})"


def _region_words(limits: RegionLimits, intensity_unit: str, protocol: Protocol) -> Iterator[str]:
    yield from _limit("number", limits.count)
    yield from _limit("volume", limits.volume_ml, "ml")
    yield from _limit("area", limits.area_mm2, "mm²")
    yield from _limit("longest diameter", limits.longest_diameter_mm, "mm")
    yield from _limit("mean intensity", limits.mean_intensity, intensity_unit)
    yield from _inside(limits.inside, protocol)
    if limits.max_components is not None:
        yield "in one piece" if limits.max_components == 1 else f"in at most {limits.max_components} pieces"
    if limits.empty_when is not None:
        yield f"nothing drawn when {condition_words(limits.empty_when, protocol)}"


def _intensity_unit(item: Item, protocol: Protocol) -> str:
    series = getattr(item, "series", None) or protocol.imaging.reference_series
    modalities = next(role.modalities for role in protocol.imaging.series if role.id == series)
    return "HU" if set(modalities) == {"CT"} else "SUV" if set(modalities) == {"PT"} else ""


def _landmark_words(limits: LandmarkLimits, protocol: Protocol) -> Iterator[str]:
    yield from _limit("distance between neighbours", limits.neighbour_distance_mm, "mm")
    if limits.direction is not None:
        yield f"each point further {limits.direction.removeprefix('to_')} than the one before"
    yield from _inside(limits.inside, protocol)


def _measurement_words(limits: MeasurementLimits, unit: str, protocol: Protocol) -> Iterator[str]:
    yield from _limit("value", limits.value, unit)
    yield from _limit("short axis", limits.short_axis, "mm")
    yield from _limit("number", limits.count)
    yield from _inside(limits.inside, protocol)


def _limit(name: str, limit: Limit | None, unit: str = "") -> Iterator[str]:
    if limit is None:
        return
    if limit.min is None:
        words = f"{name} at most {limit.max:g} {unit}"
    elif limit.max is None:
        words = f"{name} at least {limit.min:g} {unit}"
    else:
        words = f"{name} {limit.min:g} to {limit.max:g} {unit}"
    yield words.rstrip() + _must(limit.severity)


def _inside(inside: Inside | None, protocol: Protocol) -> Iterator[str]:
    if inside is not None:
        margin = f", up to {inside.margin_mm:g} mm beyond" if inside.margin_mm else ""
        yield f"inside {title_of(protocol, inside.item)}{margin}{_must(inside.severity)}"


def _must(severity: str) -> str:
    return " (must)" if severity == "error" else ""
