"""The fields of dataclasses and TypedDicts."""

from __future__ import annotations

import dataclasses
import sys
import typing
from collections.abc import Callable, Iterator
from typing import Any

from fasterapi import _constraints

__all__ = ["Field", "fields_of", "is_immutable"]

_MISSING = object()


class Field:
    """One field: what it is called, what it may be, and what stands when it is not sent."""

    __slots__ = ("annotation", "constraints", "default", "factory", "key", "name", "required")

    def __init__(
        self,
        name: str,
        key: str,
        annotation: Any,
        constraints: dict[str, Any],
        *,
        required: bool = True,
        default: Any = _MISSING,
        factory: Callable[[], Any] | None = None,
    ) -> None:
        self.name = name
        self.key = key
        self.annotation = annotation
        self.constraints = constraints
        self.required = required
        self.default = default
        self.factory = factory

    def spec(self) -> dict[str, Any]:
        """Give what the engine reads about the field, but for its type."""
        made: dict[str, Any] = {"name": self.name, "key": self.key, "required": self.required}
        if self.default is not _MISSING:
            made["default"] = self.default
            made["copied"] = not is_immutable(self.default)
        if self.factory is not None:
            made["factory"] = self.factory
        made["unhashable_default"] = self.factory in (list, dict, set) or type(self.default).__hash__ is None
        return made


def is_immutable(value: Any) -> bool:
    """Whether one object can be the default of every request."""
    if isinstance(value, (tuple, frozenset)):
        return all(is_immutable(item) for item in value)
    import enum

    if value is None or isinstance(value, (str, bytes, int, float, complex, enum.Enum, type)):
        return True
    return type(value).__module__ in ("datetime", "decimal", "_decimal", "uuid")


def fields_of(cls: type, annotation: Any) -> Iterator[Field]:
    """Give the fields of a dataclass or TypedDict, in order.

    Raises:
        TypeError: for a field that cannot be filled from a request, or an annotation that cannot be resolved.
    """
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise TypeError(f"{cls.__qualname__}: {error}") from error
    args = typing.get_args(annotation)
    replaced = dict(zip(getattr(cls, "__parameters__", ()), args, strict=False)) if args else {}
    hints = {name: _substitute(hint, replaced) for name, hint in hints.items()}
    return _typed_dict_fields(cls, hints) if typing.is_typeddict(cls) else _dataclass_fields(cls, hints)


def _substitute(hint: Any, replaced: dict[Any, Any]) -> Any:
    if not replaced:
        return hint
    if hint in replaced:
        return replaced[hint]
    parameters = getattr(hint, "__parameters__", ())
    return hint[tuple(replaced.get(each, each) for each in parameters)] if parameters else hint


def _typed_dict_fields(cls: Any, hints: dict[str, Any]) -> Iterator[Field]:
    for name, hint in hints.items():
        annotation = hint
        required = name in cls.__required_keys__
        while typing.get_origin(annotation) in _qualifiers():
            required = {typing.Required: True, typing.NotRequired: False}.get(typing.get_origin(annotation), required)
            annotation = typing.get_args(annotation)[0]
        yield Field(name, name, annotation, {}, required=required)


def _qualifiers() -> tuple[Any, ...]:
    read_only = getattr(typing, "ReadOnly", None)
    return (typing.Required, typing.NotRequired) + ((read_only,) if read_only is not None else ())


def _dataclass_fields(cls: Any, hints: dict[str, Any]) -> Iterator[Field]:
    for name, hint in hints.items():
        if isinstance(hint, dataclasses.InitVar) or hint is dataclasses.InitVar:
            raise TypeError(f"{cls.__qualname__}.{name}: an InitVar cannot be filled from a request")
    for field in dataclasses.fields(cls):
        hint = hints[field.name]
        key = field.name
        default: Any = field.default if field.default is not dataclasses.MISSING else _MISSING
        factory = field.default_factory if field.default_factory is not dataclasses.MISSING else None
        constraints: dict[str, Any] = {}
        if _is_field_info(default):
            constraints = _constraints.collect([default])
            key, default, factory = _read_field_info(default, key)
        for item in typing.get_args(hint)[1:] if typing.get_origin(hint) is typing.Annotated else ():
            alias = getattr(item, "validation_alias", None) or getattr(item, "alias", None)
            if isinstance(alias, str):
                key = alias
        if not field.init:
            if default is _MISSING and factory is None:
                continue
            raise TypeError(f"{cls.__qualname__}.{field.name}: init=False fields with a default are not supported")
        required = default is _MISSING and factory is None
        yield Field(field.name, key, hint, constraints, required=required, default=default, factory=factory)


def _is_field_info(value: Any) -> bool:
    return type(value).__name__ == "FieldInfo" and type(value).__module__ == "pydantic.fields"


def _read_field_info(info: Any, name: str) -> tuple[str, Any, Any]:
    undefined = getattr(sys.modules.get("pydantic_core"), "PydanticUndefined", ...)
    default = _MISSING if info.default is ... or info.default is undefined else info.default
    alias = info.validation_alias or info.alias
    return alias if isinstance(alias, str) else name, default, info.default_factory
