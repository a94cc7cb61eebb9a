"""Which concepts of a protocol have no code of a terminology."""

from __future__ import annotations

from AnnotationQACore.protocol.items import Classification, Item, Rating, Segmentation, TextAnswer

__all__ = ["uncoded"]


def uncoded(item: Item) -> tuple[str, ...]:
    """What of an item has no code: its type, the category of what is segmented, choices, nominal levels."""
    if isinstance(item, TextAnswer):
        return ()
    missing = [] if item.codes.type is not None else ["type"]
    if isinstance(item, Segmentation) and item.codes.category is None:
        missing.append("category")
    if isinstance(item, Classification):
        missing += [f"choice '{choice.id}'" for choice in item.answers if choice.code is None]
    if isinstance(item, Rating) and item.scale == "nominal":
        missing += [f"level {level.value}" for level in item.levels if level.code is None]
    return tuple(missing)
