"""Wrappers around PySide6 objects that offer the names and kinds of PythonQt.

Every class of the table becomes a Python class whose attributes are descriptors made from the table: what is not in
the table is an ordinary AttributeError. A wrapper holds one PySide6 object, its native, and a native knows its wrapper.
"""

import enum
import inspect
from collections.abc import Callable
from functools import partial
from pathlib import PurePath
from typing import Any

import shiboken6
from PySide6 import QtCore

from pythonqt.enums import EnumValue
from pythonqt.signals import SignalOf, connect_signature, disconnect_signature
from pythonqt.table import Names

__all__ = ["CLASSES", "OVERRIDES", "NotInStandIn", "Wrapper", "make_class", "native_of", "unwrap", "wrap"]

CLASSES: dict[str, type["Wrapper"]] = {}
"""The class of wrappers for each name of a Qt class."""

OVERRIDES: dict[tuple[str, str], Callable[..., Any]] = {}
"""(class, method) to a function that is used instead of PySide6's; its first argument is a native, or None."""


class NotInStandIn(NotImplementedError):
    """Slicer has it, the stand-in under the tests does not."""


class WrapperType(type):
    """Class of the classes of wrappers; its instances are made by hand in `make_class`."""

    _native: Any = None
    _names: Names

    def __setattr__(cls, name: str, value: Any) -> None:
        if name in cls.__dict__ and isinstance(cls.__dict__[name], (_Method, _Property, _Signal)):
            raise AttributeError(f"{cls.__name__}.{name} belongs to Qt and cannot be replaced")
        super().__setattr__(name, value)


class Wrapper(metaclass=WrapperType):
    """Base of all classes that `qt`, `ctk` and `slicer.q*` offer."""

    _native: Any

    def __init__(self, *arguments: Any) -> None:
        cls = type(self)
        if cls._native is None:
            raise NotInStandIn(f"{cls.__name__} is in Slicer, but has no stand-in yet: see Testing/Widgets/README.md")
        native = _native_class_for(cls)(*(unwrap(argument) for argument in arguments))
        _tie(self, native)

    def __setattr__(self, name: str, value: Any) -> None:
        cls = type(self)
        if CLASSES.get(cls.__name__) is cls and not hasattr(cls, name):
            raise AttributeError(
                f"{cls.__name__} has no attribute named '{name}', and PythonQt adds none to objects of Qt"
            )
        super().__setattr__(name, value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Wrapper) and bool(self._native == other._native)

    def __hash__(self) -> int:
        return hash(self._native) if isinstance(self._native, QtCore.QObject) else id(self._native)

    def __bool__(self) -> bool:
        return bool(shiboken6.isValid(self._native))

    def __repr__(self) -> str:
        return f"{type(self).__name__} ({type(self._native).__module__} at {id(self._native):#x})"

    def __add__(self, other: Any) -> Any:
        return wrap(self._native + unwrap(other))

    def __sub__(self, other: Any) -> Any:
        return wrap(self._native - unwrap(other))

    def __mul__(self, other: Any) -> Any:
        return wrap(self._native * unwrap(other))

    def __truediv__(self, other: Any) -> Any:
        return wrap(self._native / unwrap(other))


def native_of(wrapper: Any) -> Any:
    """The PySide6 object inside a wrapper, for tests that need QtTest."""
    return wrapper._native


def wrap(value: Any) -> Any:
    """A value of PySide6 as PythonQt would give it."""
    if isinstance(value, enum.Enum):
        return EnumValue(value)
    if isinstance(value, (list, tuple)):
        return tuple(wrap(item) for item in value)
    if isinstance(value, Wrapper) or not isinstance(value, shiboken6.Object):
        return value
    if type(value).__name__ == "QOverrideCursorGuard":  # PySide6's own: in C++ setOverrideCursor returns nothing
        return None
    existing = getattr(value, "_wrapper", None)
    if existing is not None:
        return existing
    for native_class in type(value).__mro__:
        wrapper_class = CLASSES.get(native_class.__name__)
        if wrapper_class is not None:
            wrapper = wrapper_class.__new__(wrapper_class)
            _tie(wrapper, value)
            return wrapper
    raise NotInStandIn(f"{type(value).__name__} is not in the cut of the table: add it to pythonqt/table.py")


def unwrap(value: Any) -> Any:
    """A value that code of a panel hands over, as PySide6 wants it."""
    if isinstance(value, Wrapper):
        return value._native
    if isinstance(value, EnumValue):
        return value.native
    if isinstance(value, WrapperType):
        return value._native
    if isinstance(value, (list, tuple)):
        return type(value)(unwrap(item) for item in value)
    if isinstance(value, PurePath):
        raise TypeError(f"PythonQt takes no pathlib.Path, only str: {type(value).__name__}")
    if inspect.isroutine(value) or inspect.isfunction(value):
        return lambda *arguments: unwrap(value(*(wrap(argument) for argument in arguments)))
    return value


def make_class(name: str, names: Names, native: Any, bases: tuple[type, ...] = ()) -> type[Wrapper]:
    """Make the class of wrappers for a class of the table and put it into `CLASSES`."""
    attributes: dict[str, Any] = {"_native": native, "_names": names, "__doc__": f"Stand-in of {name}."}
    for constant in names.constants:
        attributes[constant] = _Constant(native, constant)
    for method in names.methods:
        attributes[method] = _Method(name, method)
    for signal in names.signals:
        attributes[signal] = _Signal(signal)
    for prop in names.properties:
        attributes[prop] = _Property(prop)
    if "objectName" in names.properties:
        attributes["name"] = _Property("objectName")  # PythonQt's own short form
    attributes |= {
        method: function
        for method, function in _OF_EVERY_OBJECT.items()
        if method in names.methods or method == "className"
    }
    made = WrapperType(name, bases or (Wrapper,), attributes)
    CLASSES[name] = made
    return made


class _Constant:
    def __init__(self, native: Any, name: str) -> None:
        self._value = native
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        value = getattr(self._value, self._name, None)
        if value is None:
            raise NotInStandIn(f"{owner.__name__}.{self._name} is in Slicer, but not in the stand-in")
        return value if isinstance(value, type) else wrap(value)


class _Method:
    def __init__(self, class_name: str, name: str) -> None:
        self._class_name = class_name
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        native_class = owner._native if instance is None else _plain_class(type(instance._native))  # type: ignore[attr-defined]
        for klass in getattr(native_class, "__mro__", ()):
            if (klass.__name__, self._name) in OVERRIDES:
                override = OVERRIDES[klass.__name__, self._name]
                return _converting(override if instance is None else partial(override, instance._native), self._name)
        holder = native_class
        if instance is not None:
            native = instance._native
            holder = super(type(native), native) if _is_shell(type(native)) else native
        for name in (self._name, self._name + "_"):  # PySide6 writes raise_ and print_
            function = getattr(holder, name, None)
            if callable(function):
                return _converting(function, self._name)
        raise NotInStandIn(
            f"{owner.__name__}.{self._name}() is in Slicer, but not in the stand-in: see Testing/Widgets/README.md"
        )

    def __set__(self, instance: Any, value: Any) -> None:
        raise AttributeError(f"{self._class_name}.{self._name} is a method; PythonQt does not let it be replaced")


def _converting(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        return wrap(function(*(unwrap(argument) for argument in arguments)))

    call.__name__ = name
    return call


class _Property:
    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            found = inspect.getattr_static(owner._native, self._name, None)  # type: ignore[attr-defined]
            if found is None or (inspect.ismethoddescriptor(found) and not isinstance(found, staticmethod)):
                return self
            return _converting(getattr(owner._native, self._name), self._name)  # QTimer.singleShot is also a function
        native = instance._native
        if isinstance(native, QtCore.QObject) and native.metaObject().indexOfProperty(self._name) >= 0:
            return wrap(native.property(self._name))
        getter = getattr(native, self._name, None)
        if getter is None:
            raise NotInStandIn(f"{owner.__name__}.{self._name} is in Slicer, but not in the stand-in")
        return wrap(getter() if callable(getter) else getter)

    def __set__(self, instance: Any, value: Any) -> None:
        native = instance._native
        index = native.metaObject().indexOfProperty(self._name)
        if index < 0:
            raise NotInStandIn(f"{type(instance).__name__}.{self._name} cannot be set in the stand-in")
        if not native.metaObject().property(index).isWritable():
            raise AttributeError(f"property '{self._name}' of {type(instance).__name__} is not writable")
        if not native.setProperty(self._name, unwrap(value)):
            raise ValueError(f"property '{self._name}' of {type(instance).__name__} does not take {value!r}")


class _Signal:
    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else SignalOf(instance._native, self._name, wrap, unwrap)

    def __set__(self, instance: Any, value: Any) -> None:
        raise AttributeError(f"{self._name} is a signal; PythonQt does not let it be replaced")


def _connect(self: Wrapper, signature: str, receiver: Any, slot: str | None = None) -> bool:
    if isinstance(receiver, Wrapper):
        if slot is None:
            raise TypeError("connect(signal, object, slot): the slot's signature is missing")
        return connect_signature(self._native, signature, (receiver._native, slot), wrap)
    return connect_signature(self._native, signature, receiver, wrap)


def _disconnect(self: Wrapper, signature: str, receiver: Any) -> bool:
    return disconnect_signature(self._native, signature, receiver)


def _class_name(self: Wrapper) -> str:
    return str(self._native.metaObject().className()) if hasattr(self._native, "metaObject") else type(self).__name__


def _delete(self: Wrapper) -> None:
    shiboken6.delete(self._native)


_OF_EVERY_OBJECT: dict[str, Any] = {
    "connect": _connect,
    "disconnect": _disconnect,
    "className": _class_name,
    "delete": _delete,
}


def _tie(wrapper: Wrapper, native: Any) -> None:
    object.__setattr__(wrapper, "_native", native)
    if isinstance(native, QtCore.QObject):
        native._wrapper = wrapper


def _plain_class(native_class: type) -> type:
    """The class below a shell that was made for overridden methods."""
    return native_class.__bases__[0] if _is_shell(native_class) else native_class


def _is_shell(native_class: type) -> bool:
    return "_is_shell" in native_class.__dict__


def _native_class_for(cls: type[Wrapper]) -> Any:
    """The native class; for a Python subclass one that calls its overrides of Qt's virtual methods."""
    overridden = {}
    for klass in cls.__mro__:
        if klass.__name__ in CLASSES and klass is CLASSES[klass.__name__]:
            break
        for name, value in klass.__dict__.items():
            if inspect.isfunction(value) and not name.startswith("__") and hasattr(cls._native, name):
                overridden.setdefault(name, _trampoline(name))
    if not overridden:
        return cls._native
    return type(cls._native.__name__, (cls._native,), overridden | {"_is_shell": True})


def _trampoline(name: str) -> Callable[..., Any]:
    def call(native: Any, *arguments: Any) -> Any:
        wrapper = getattr(native, "_wrapper", None)
        if wrapper is None:  # a virtual method called while the object is being made
            return getattr(_plain_class(type(native)), name)(native, *arguments)
        return unwrap(getattr(wrapper, name)(*(wrap(argument) for argument in arguments)))

    call.__name__ = name
    return call
