"""What a new version of a protocol changes, and which readings are therefore to be done again."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from typing import Any, Literal

from AnnotationQACore.protocol.conditions import items_in
from AnnotationQACore.protocol.documents import to_document
from AnnotationQACore.protocol.items import Item, Measurement
from AnnotationQACore.protocol.model import Protocol
from AnnotationQACore.protocol.shapes import fields_of
from AnnotationQACore.protocol.terminology import Code

__all__ = ["Change", "ItemChange", "ProtocolDiff", "protocol_diff"]

Verdict = Literal["added", "removed", "meaning", "checks", "presentation"]

_CHECKS = {"agreement", "limits", "required", "synonyms", "label_value", "may_be_absent"}
"""Fields that say how answers are checked and judged, and not what they mean: nothing has to be read again."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs.

    Attributes
    ----------
    path : str
        Place within the item or protocol, such as ``levels[2].definition``.
    old, new : object
        JSON-like values; `None` where there is nothing.
    weight : str
        ``meaning`` when answers mean something else, ``checks`` when they are checked or judged differently,
        ``presentation`` when only looks, help or typography differ.
    """

    path: str
    old: Any
    new: Any
    weight: Literal["meaning", "checks", "presentation"]


@dataclass(frozen=True, slots=True)
class ItemChange:
    """How one item differs.

    Attributes
    ----------
    item : str
        ID of the item.
    verdict : str
        ``added``, ``removed``, or the weightiest of its changes.
    changes : tuple of Change
        What differs; empty for added and removed items.
    """

    item: str
    verdict: Verdict
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class ProtocolDiff:
    """How two protocols differ.

    Attributes
    ----------
    general : tuple of Change
        What differs outside the items; the version and change note are left out.
    items : tuple of ItemChange
        Items that differ: in the order of the new protocol, then the removed ones.
    read_again : dict of str to str
        Items whose answers no longer hold or are missing, with the reason.
    recompute : tuple of str
        Derived items whose sources changed: software computes them again.
    """

    general: tuple[Change, ...]
    items: tuple[ItemChange, ...]
    read_again: dict[str, str]
    recompute: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Whether nothing differs but perhaps version and change note."""
        return not self.general and not self.items


def protocol_diff(old: Protocol, new: Protocol) -> ProtocolDiff:
    """Compare two versions of a protocol.

    A change of images, series or frames changes the meaning of what is drawn on them. Wording that differs only in
    case, punctuation or white space counts as presentation; any other wording of a definition, choice or level counts
    as meaning, because no program can tell whether it is. A code that is added where there was none changes no meaning.
    """
    before = {item.id: item for item in old.items}
    after = {item.id: item for item in new.items}
    changes = [_item_change(before.get(name), item) for name, item in after.items()]
    changes += [ItemChange(name, "removed") for name in before if name not in after]
    present = tuple(change for change in changes if change is not None)
    general = tuple(_general_changes(old, new))
    read_again = _read_again(new, present, general)
    derived = [item.id for item in new.items if _is_derived(item)]
    recompute = tuple(name for name in derived if name in read_again)
    return ProtocolDiff(
        general, present, {name: why for name, why in read_again.items() if name not in derived}, recompute
    )


def _general_changes(old: Protocol, new: Protocol) -> Iterator[Change]:
    for name, field in fields_of(Protocol).items():
        if name not in ("items", "version", "change_note"):
            weight: Any = "meaning" if name == "imaging" else "presentation" if field.presentation else "checks"
            yield from _differences(getattr(old, name), getattr(new, name), name, weight)


def _item_change(old: Item | None, new: Item) -> ItemChange | None:
    if old is None:
        return ItemChange(new.id, "added")
    if type(old) is not type(new):
        return ItemChange(new.id, "meaning", (Change("kind", old.kind, new.kind, "meaning"),))
    found: list[Change] = []
    for name, field in fields_of(type(new)).items():
        weight: Any = "presentation" if field.presentation else "checks" if name in _CHECKS else "meaning"
        found += _differences(getattr(old, name), getattr(new, name), name, weight)
    if not found:
        return None
    weights = {change.weight for change in found}
    verdict: Verdict = next(weight for weight in ("meaning", "checks", "presentation") if weight in weights)
    return ItemChange(new.id, verdict, tuple(found))


def _differences(old: Any, new: Any, path: str, weight: Any) -> Iterator[Change]:
    if old == new:
        return
    if is_dataclass(old) and type(old) is type(new):
        for name, field in fields_of(type(new)).items():
            below = "presentation" if field.presentation else weight
            yield from _differences(getattr(old, name), getattr(new, name), f"{path}.{name}", below)
    elif isinstance(old, tuple) and isinstance(new, tuple):
        yield from _list_differences(old, new, path, weight)
    elif old is None and isinstance(new, Code):
        yield Change(path, None, to_document(new), _less(weight))
    else:
        if isinstance(old, str) and isinstance(new, str) and _letters(old) == _letters(new):
            weight = "presentation"
        yield Change(path, to_document(old), to_document(new), weight)


def _list_differences(old: tuple[Any, ...], new: tuple[Any, ...], path: str, weight: Any) -> Iterator[Change]:
    before, after = _keyed(old), _keyed(new)
    for key in dict.fromkeys([*before, *after]):
        where = f"{path}[{key}]"
        if key in before and key in after:
            yield from _differences(before[key], after[key], where, weight)
        else:
            added = key not in before and isinstance(after[key], Code)
            yield Change(
                where, to_document(before.get(key)), to_document(after.get(key)), _less(weight) if added else weight
            )
    if list(before) != list(after) and set(before) == set(after):
        yield Change(path, list(before), list(after), weight if path.startswith("points") else "presentation")


def _less(weight: Any) -> Any:
    """Weight of a code where there was none: it names what readers meant before."""
    return "checks" if weight == "meaning" else weight


def _keyed(entries: tuple[Any, ...]) -> dict[Any, Any]:
    """Entries by what identifies them: their ID or value, or their place."""
    names = [getattr(entry, "id", getattr(entry, "value", None)) for entry in entries]
    unique = None not in names and len(set(names)) == len(names)
    return dict(zip(names if unique else range(len(entries)), entries, strict=True))


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).casefold()


def _read_again(new: Protocol, changes: tuple[ItemChange, ...], general: tuple[Change, ...]) -> dict[str, str]:
    reasons: dict[str, str] = {}
    if any(change.weight == "meaning" for change in general):
        reasons = {item.id: "the images of a case changed" for item in new.items}
    for change in changes:
        if change.verdict == "added":
            reasons[change.item] = "it is new" if new.item(change.item).required else "it is new, and optional"
        elif change.verdict == "meaning":
            fields = dict.fromkeys(
                re.split(r"[.\[]", each.path)[0] for each in change.changes if each.weight == "meaning"
            )
            reasons[change.item] = f"its meaning changed ({', '.join(fields)})"
        elif any(each.path == "required" and each.new is not False for each in change.changes):
            reasons[change.item] = "it is required now: readings without it are incomplete"
    moved = True
    while moved:
        moved = False
        for item in new.items:
            cause = next((name for name in _leans_on(item, new) if name in reasons), None)
            if item.id not in reasons and cause is not None:
                reasons[item.id] = f"it depends on '{cause}'"
                moved = True
    return {item.id: reasons[item.id] for item in new.items if item.id in reasons}


def _leans_on(item: Item, protocol: Protocol) -> list[str]:
    names = [item.scope.of] if item.scope.level == "instance" and item.scope.of else []
    names += [comparison.item for comparison in items_in(item.when)]
    names += item.derived_from if isinstance(item, Measurement) else ()
    if getattr(item, "composed", False):
        names += [other.id for other in protocol.items if other.parent == item.id]
    return names


def _is_derived(item: Item) -> bool:
    return (isinstance(item, Measurement) and item.derived) or bool(getattr(item, "composed", False))
