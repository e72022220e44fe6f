"""Classes that no other interpreter can import, on their way there: those of a REPL, a notebook, or inside functions.

A class is made once in each interpreter that it comes to, and stays the same class however often it comes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import GetSetDescriptorType, MappingProxyType, MemberDescriptorType
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

__all__ = ["class_by_value", "part_by_value"]

# Made anew by the interpreter, or of no use in another one.
LEFT_OUT = frozenset(
    {"__dict__", "__weakref__", "__module__", "__qualname__", "__slots__", "_abc_impl", "__subclasshook__"}
)

_ids: WeakKeyDictionary[type, str] = WeakKeyDictionary()
_classes: WeakValueDictionary[str, type] = WeakValueDictionary()
_unfilled: set[str] = set()


def class_by_value(kind: type) -> Any:
    """How a class is pickled with all that is in it; None where that is not possible (enumerations)."""
    metaclass = type(kind)
    if metaclass.__module__ == "enum":
        return None
    number = _ids.get(kind)
    if number is None:
        number = _ids[kind] = os.urandom(16).hex()
        _classes[number] = kind
    frame: dict[str, Any] = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    if "__slots__" in vars(kind):
        frame["__slots__"] = kind.__slots__  # type: ignore[attr-defined]
    content = {name: value for name, value in vars(kind).items() if name not in LEFT_OUT and not _is_layout(value)}
    return make_class, (number, metaclass, kind.__name__, kind.__bases__, frame), content, None, None, fill_class


def part_by_value(value: Any) -> Any:
    """How those parts of classes are pickled that pickle refuses, or would make copies of; None for other values."""
    match value:
        case staticmethod() | classmethod():
            return type(value), (value.__func__,)
        case property():
            return property, (value.fget, value.fset, value.fdel, value.__doc__)
        case MappingProxyType():
            return read_only, (dict(value),)
    if type(value).__module__ == "dataclasses":
        import dataclasses

        for name in ("MISSING", "KW_ONLY", "_FIELD", "_FIELD_CLASSVAR", "_FIELD_INITVAR", "_HAS_DEFAULT_FACTORY"):
            if value is getattr(dataclasses, name, None):
                return mark_of_dataclasses, (name,)
    return None


def make_class(
    number: str, metaclass: Callable[..., type], name: str, bases: tuple[type, ...], frame: dict[str, Any]
) -> type:
    """The class with that number, empty if it is new here."""
    known = _classes.get(number)
    if known is not None:
        return known
    made = metaclass(name, bases, frame)
    _classes[number] = made
    _ids[made] = number
    _unfilled.add(number)
    return made


def fill_class(made: type, content: dict[str, Any]) -> None:
    """Give a class its attributes, unless it has come here before."""
    number = _ids[made]
    if number not in _unfilled:
        return
    _unfilled.discard(number)
    for name, value in content.items():
        setattr(made, name, value)
    abstract = content.get("__abstractmethods__")
    if abstract is not None:
        made.__abstractmethods__ = abstract  # type: ignore[attr-defined]


def read_only(content: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    """A mapping that cannot be written to: its type has no name to be pickled by."""
    return MappingProxyType(content)


def mark_of_dataclasses(name: str) -> Any:
    """One of the objects by whose identity dataclasses tell things apart."""
    import dataclasses

    return getattr(dataclasses, name)


def _is_layout(value: Any) -> bool:
    """Whether an attribute belongs to how the class's objects lie in memory."""
    return isinstance(value, (MemberDescriptorType, GetSetDescriptorType))
