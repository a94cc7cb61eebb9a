"""Signals as PythonQt connects them."""

import inspect
import types
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore

__all__ = ["SignalOf", "connect_signature", "disconnect_signature"]


class SignalOf:
    """Signal of an object: ``button.clicked.connect(f)``; calling it emits it."""

    def __init__(self, native: Any, name: str, wrap: Callable[[Any], Any], unwrap: Callable[[Any], Any]) -> None:
        self._native = native
        self._name = name
        self._wrap = wrap
        self._unwrap = unwrap

    def connect(self, receiver: Callable[..., Any]) -> bool:
        """Connect a callable to the first signal of this name."""
        return connect_signature(self._native, _first_signature(self._native, self._name), receiver, self._wrap)

    def disconnect(self, receiver: Callable[..., Any]) -> bool:
        """Undo `connect`."""
        return disconnect_signature(self._native, _first_signature(self._native, self._name), receiver)

    def __call__(self, *arguments: Any) -> None:
        getattr(self._native, self._name).emit(*(self._unwrap(argument) for argument in arguments))


def connect_signature(native: Any, signature: str, receiver: Any, wrap: Callable[[Any], Any]) -> bool:
    """Connect ``"clicked()"`` to a callable, or to ``(native, "slot()")``.

    Raises
    ------
    ValueError
        The object has no such signal. PythonQt would return False, which nobody looks at.
    """
    existing = _existing_signature(native, signature)
    if isinstance(receiver, tuple):
        target, slot = receiver
        return bool(QtCore.QObject.connect(native, QtCore.SIGNAL(existing), target, QtCore.SLOT(slot)))
    if not callable(receiver):
        raise TypeError(f"{signature}: the receiver cannot be called")
    passed = _positional_count(receiver)
    wanted = _types(signature)

    def deliver(*arguments: Any) -> None:
        count = len(wanted) if passed is None else min(len(wanted), passed)
        receiver(*(wrap(argument) for argument in arguments[:count]))

    connections = native.__dict__.setdefault("_connections", [])
    connections.append((existing, receiver, deliver))
    QtCore.QObject.connect(native, QtCore.SIGNAL(existing), deliver)
    return True


def disconnect_signature(native: Any, signature: str, receiver: Any) -> bool:
    """Undo `connect_signature`; False when there was no such connection."""
    existing = _existing_signature(native, signature)
    connections = native.__dict__.get("_connections", [])
    for index, (name, connected, deliver) in enumerate(connections):
        if name == existing and connected == receiver:
            QtCore.QObject.disconnect(native, QtCore.SIGNAL(existing), deliver)
            del connections[index]
            return True
    return False


def _signatures(native: Any, name: str) -> list[str]:
    meta = native.metaObject()
    methods = (meta.method(index) for index in range(meta.methodCount()))
    return [
        bytes(method.methodSignature()).decode()
        for method in methods
        if method.methodType() == QtCore.QMetaMethod.MethodType.Signal and bytes(method.name()).decode() == name
    ]


def _first_signature(native: Any, name: str) -> str:
    found = _signatures(native, name)
    if not found:
        raise NotImplementedError(f"{type(native).__name__}.{name} is in Slicer, but not in the stand-in")
    return found[0]


def _existing_signature(native: Any, signature: str) -> str:
    """The signature as Qt has it; classes of the stand-in may name a type otherwise, so there the count decides."""
    normalized = bytes(QtCore.QMetaObject.normalizedSignature(signature)).decode()
    found = _signatures(native, normalized.split("(")[0])
    if normalized in found:
        return normalized
    if not type(native).__module__.startswith("PySide6"):
        for candidate in found:
            if len(_types(candidate)) == len(_types(normalized)):
                return candidate
    raise ValueError(f"{type(native).__name__} has no signal {signature}; it has {', '.join(found) or 'none so named'}")


def _types(signature: str) -> list[str]:
    inside = signature.partition("(")[2].rstrip(")")
    return [part for part in inside.split(",") if part]


def _positional_count(receiver: Callable[..., Any]) -> int | None:
    """How many arguments PythonQt passes to a function; None for other callables, which get all."""
    function = receiver.__func__ if isinstance(receiver, types.MethodType) else receiver
    if not isinstance(function, types.FunctionType):
        return None
    if function.__code__.co_flags & inspect.CO_VARARGS:
        return None
    return function.__code__.co_argcount - isinstance(receiver, types.MethodType)
