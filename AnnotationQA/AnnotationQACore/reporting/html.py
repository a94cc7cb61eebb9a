"""HTML and SVG that cannot be broken by what users wrote: all text is escaped unless it is `Markup`."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

__all__ = ["Markup", "Node", "fragment", "tag"]

_VOID = frozenset({"br", "hr", "img", "link", "meta"})


class Markup(str):
    """Text that is markup already, made by `tag` or `fragment`."""

    __slots__ = ()


Node: TypeAlias = "str | Iterable[Node] | None"
"""What an element can hold: text (escaped), `Markup`, nothing, or several of these."""


def fragment(*nodes: Node) -> Markup:
    """Join nodes; text among them is escaped."""
    return Markup("".join(_written(node) for node in nodes))


def tag(name: str, /, *children: Node, **attributes: str | float | bool | None) -> Markup:
    """Write one element.

    Parameters
    ----------
    name : str
    *children
        Text is escaped; `Markup` is not; None is left out.
    **attributes
        ``class_`` is ``class``, and ``stroke_width`` is ``stroke-width``. None and False are left out, True stands
        without a value, numbers are written short.
    """
    opening = name + "".join(_attribute(key, value) for key, value in attributes.items())
    return Markup(f"<{opening}>" if name in _VOID else f"<{opening}>{fragment(*children)}</{name}>")


def _attribute(key: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f' {name}="{name}"'
    text = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f' {"viewBox" if name == "viewbox" else name}="{escape(text)}"'


def _written(node: Node) -> str:
    if node is None:
        return ""
    if isinstance(node, Markup):
        return node
    if isinstance(node, str):
        return escape(node)
    return "".join(_written(one) for one in node)
