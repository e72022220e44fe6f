"""Compiles annotations into the engine's types."""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import types
import typing
from typing import Any

from fasterapi import _constraints

__all__ = ["TypeTable", "UnsupportedAnnotation", "is_scalar", "is_scalar_sequence", "is_sequence"]

_SEQUENCES = (list, set, frozenset, tuple)
_SIMPLE = {
    int: "integer",
    float: "real",
    str: "string",
    bool: "boolean",
    bytes: "bytes",
}
_BY_NAME = {
    ("decimal", "Decimal"): "decimal",
    ("_decimal", "Decimal"): "decimal",
    ("_pydecimal", "Decimal"): "decimal",
    ("uuid", "UUID"): "uuid",
    ("datetime", "date"): "date",
    ("datetime", "time"): "time",
    ("datetime", "datetime"): "datetime",
    ("datetime", "timedelta"): "timedelta",
}
_ORDERED = frozenset({"integer", "real", "decimal", "date", "time", "datetime", "timedelta"})
_SIZED = frozenset({"string", "bytes", "list", "set", "frozenset", "tuple", "variadic_tuple", "dict"})
_STRICTABLE = frozenset({*_SIMPLE.values(), *_BY_NAME.values(), *_SIZED, "enumeration", "dataclass", "typed_dict"})


class UnsupportedAnnotation(TypeError):
    """An annotation that the engine cannot check."""


def _is_union(origin: Any) -> bool:
    return origin is typing.Union or origin is types.UnionType


def _is_complex_class(annotation: Any) -> bool:
    if not isinstance(annotation, type):
        return False
    if issubclass(annotation, (str, bytes)):
        return False
    return (
        issubclass(annotation, (*_SEQUENCES, collections.abc.Mapping))
        or annotation is collections.abc.Sequence
        or dataclasses.is_dataclass(annotation)
        or hasattr(annotation, "__pydantic_validator__")
    )


def _aliased(annotation: Any) -> Any:
    """The type behind names given by `type` statements and NewType."""
    while True:
        if isinstance(annotation, typing.TypeAliasType):
            annotation = annotation.__value__
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        else:
            return annotation


def is_scalar(annotation: Any) -> bool:
    """Whether a parameter of this type comes from the query unless something else is said."""
    annotation = _aliased(annotation)
    origin = typing.get_origin(annotation)
    if _is_union(origin):
        return all(is_scalar(arg) for arg in typing.get_args(annotation))
    if origin is typing.Annotated:
        return is_scalar(typing.get_args(annotation)[0])
    return annotation is ... or not (_is_complex_class(annotation) or _is_complex_class(origin))


def is_sequence(annotation: Any) -> bool:
    """Whether a query or header parameter of this type collects every occurrence of its name."""
    annotation = _aliased(annotation)
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return is_sequence(typing.get_args(annotation)[0])
    if _is_union(origin):
        return any(is_sequence(arg) for arg in typing.get_args(annotation))
    return any(
        isinstance(kind, type)
        and not issubclass(kind, (str, bytes))
        and (issubclass(kind, _SEQUENCES) or kind is collections.abc.Sequence)
        for kind in (annotation, origin)
    )


def is_scalar_sequence(annotation: Any) -> bool:
    """Whether a query parameter may have this type although it is no scalar."""
    annotation = _aliased(annotation)
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return is_scalar_sequence(typing.get_args(annotation)[0])
    args = typing.get_args(annotation)
    if _is_union(origin):
        return any(is_scalar_sequence(arg) for arg in args) and all(
            is_scalar_sequence(arg) or is_scalar(arg) for arg in args
        )
    return is_sequence(annotation) and all(is_scalar(arg) for arg in args)


class _Compiled:
    """A type's index in the table, and its name in error locations."""

    __slots__ = ("index", "label")

    def __init__(self, index: int, label: str) -> None:
        self.index = index
        self.label = label


class TypeTable:
    """The types of one plan. `specs` is what the engine reads; an annotation becomes an index into it."""

    def __init__(self) -> None:
        self.specs: list[dict[str, Any]] = []
        self._classes: dict[type, _Compiled] = {}

    def add(self, annotation: Any, constraints: dict[str, Any] | None = None) -> int:
        """Compile an annotation; `constraints` are limits on its outermost value.

        Raises:
            UnsupportedAnnotation: for a type or a limit that the engine cannot check.
        """
        size, classes = len(self.specs), dict(self._classes)
        try:
            return self._compile(annotation, constraints or {}).index
        except TypeError:
            del self.specs[size:]
            self._classes = classes
            raise

    def add_foreign(self, validator: Any) -> int:
        """Add a type whose values Python code checks: `validator(value)` gives (True, checked) or (False, errors)."""
        return self._append({"kind": "foreign", "validator": validator}, "foreign").index

    def _append(self, spec: dict[str, Any], label: str) -> _Compiled:
        self.specs.append(spec)
        return _Compiled(len(self.specs) - 1, label)

    def _compile(self, annotation: Any, constraints: dict[str, Any]) -> _Compiled:
        annotation = _aliased(annotation)
        origin = typing.get_origin(annotation)
        if origin is typing.Annotated:
            inner, *metadata = typing.get_args(annotation)
            if _constraints.needs_pydantic(metadata):
                raise UnsupportedAnnotation(f"{annotation} holds validators that only pydantic can run")
            return self._compile(inner, _constraints.collect(metadata) | constraints)
        if isinstance(origin, typing.TypeAliasType):
            return self._compile(origin.__value__[typing.get_args(annotation)], constraints)
        if _is_union(origin):
            return self._union(annotation, constraints)
        if origin is typing.Literal:
            return self._limited(self._literal(annotation), constraints)
        if origin is not None:
            return self._limited(self._container(origin, typing.get_args(annotation), annotation), constraints)
        return self._plain(annotation, constraints)

    def _plain(self, annotation: Any, constraints: dict[str, Any]) -> _Compiled:
        if annotation is None or annotation is type(None):
            return self._limited(self._append({"kind": "none"}, "none"), constraints)
        if annotation is Any or annotation is object:
            return self._limited(self._append({"kind": "any"}, "any"), constraints)
        if isinstance(annotation, typing.TypeVar):
            return self._compile(annotation.__bound__ or Any, constraints)
        if isinstance(annotation, type):
            kind = _SIMPLE.get(annotation) or _BY_NAME.get((annotation.__module__, annotation.__name__))
            if kind is not None:
                return self._limited(self._append({"kind": kind, "class": annotation}, kind_label(kind)), constraints)
            if issubclass(annotation, enum.Enum):
                return self._limited(self._enumeration(annotation), constraints)
            if annotation in _SEQUENCES or annotation is dict:
                return self._limited(self._container(annotation, (), annotation), constraints)
            if typing.is_typeddict(annotation):
                return self._limited(self._record(annotation, annotation), constraints)
            if dataclasses.is_dataclass(annotation) and not hasattr(annotation, "__pydantic_validator__"):
                return self._limited(self._record(annotation, annotation), constraints)
        has_fields = "__annotations__" in getattr(annotation, "__dict__", ())
        hint = "; make it a dataclass or a TypedDict" if has_fields else ""
        raise UnsupportedAnnotation(f"the engine cannot check values of the type {_show(annotation)}{hint}")

    def _container(self, origin: Any, args: tuple[Any, ...], annotation: Any) -> _Compiled:
        if origin in (list, set, frozenset):
            item = self._compile(args[0] if args else Any, {})
            return self._append({"kind": origin.__name__, "item": item.index}, f"{origin.__name__}[{item.label}]")
        if origin is tuple:
            return self._tuple(args, annotation)
        if origin is dict:
            key = self._compile(args[0] if args else Any, {})
            item = self._compile(args[1] if args else Any, {})
            spec = {"kind": "dict", "key": key.index, "item": item.index}
            return self._append(spec, f"dict[{key.label},{item.label}]")
        if isinstance(origin, type) and (dataclasses.is_dataclass(origin) or typing.is_typeddict(origin)):
            return self._record(origin, annotation)
        raise UnsupportedAnnotation(f"the engine cannot check values of the type {_show(annotation)}")

    def _tuple(self, args: tuple[Any, ...], annotation: Any) -> _Compiled:
        if annotation is tuple or annotation is typing.Tuple:  # noqa: UP006
            args = (Any, ...)
        if len(args) == 2 and args[1] is ...:
            item = self._compile(args[0], {})
            return self._append({"kind": "variadic_tuple", "item": item.index}, f"tuple[{item.label}, ...]")
        members = [self._compile(arg, {}) for arg in args]
        label = ", ".join(member.label for member in members)
        return self._append({"kind": "tuple", "members": [member.index for member in members]}, f"tuple[{label}]")

    def _union(self, annotation: Any, constraints: dict[str, Any]) -> _Compiled:
        args = typing.get_args(annotation)
        choices = [arg for arg in args if arg is not type(None)]
        if len(choices) == 1:
            item = self._compile(choices[0], constraints)
        else:
            if constraints:
                raise UnsupportedAnnotation(
                    f"{', '.join(constraints)}: limits belong to the members of {annotation}, not to the union"
                )
            members = [self._compile(choice, {}) for choice in choices]
            labels = [member.label for member in members]
            spec = {"kind": "union", "members": [member.index for member in members], "labels": labels}
            item = self._append(spec, f"union[{','.join(labels)}]")
        if len(choices) == len(args):
            return item
        return self._append({"kind": "nullable", "item": item.index}, f"nullable[{item.label}]")

    def _literal(self, annotation: Any) -> _Compiled:
        values = list(dict.fromkeys((type(value), value) for value in _literal_values(annotation)))
        choices: list[tuple[Any, Any]] = []
        for _, value in values:
            if not isinstance(value, enum.Enum):
                choices.append((_comparable(value, annotation), value))
            elif isinstance(value, (str, int)):
                choices.append((_comparable(value.value, annotation), value))
        reprs = [repr(value) for _, value in values]
        spec = {"kind": "literal", "choices": choices, "expected": _alternatives(reprs)}
        return self._append(spec, f"literal[{','.join(reprs)}]")

    def _enumeration(self, annotation: type[enum.Enum]) -> _Compiled:
        if issubclass(annotation, enum.Flag):
            raise UnsupportedAnnotation(f"{annotation.__name__} is a Flag, whose combinations the engine cannot check")
        if "_missing_" in {name for base in annotation.__mro__[:-2] for name in vars(base)} - set(vars(enum.Enum)):
            raise UnsupportedAnnotation(f"{annotation.__name__}._missing_ cannot run in the engine")
        members = list(annotation)
        if not members:
            raise UnsupportedAnnotation(f"the enum {annotation.__name__} has no members")
        mixed = next((base for base in (str, int, float) if issubclass(annotation, base)), None)
        spec = {
            "kind": "enumeration",
            "class_name": annotation.__qualname__,
            "choices": [
                (_comparable(member.value, annotation), member) for member in members if _is_json_scalar(member.value)
            ],
            "expected": _alternatives([repr(member.value) for member in members]),
        }
        if mixed is not None:
            spec["mixed"] = mixed.__name__
        prefix = f"{mixed.__name__}-" if mixed is not None else ""
        return self._append(spec, f"{prefix}enum[{annotation.__name__}]")

    def _record(self, cls: type, annotation: Any) -> _Compiled:
        known = self._classes.get(cls) if annotation is cls else None
        if known is not None:
            return known
        if hasattr(cls, "__pydantic_config__"):
            raise UnsupportedAnnotation(f"{cls.__qualname__} has a __pydantic_config__")
        from fasterapi import _records

        is_dict = typing.is_typeddict(cls)
        spec: dict[str, Any] = {
            "kind": "typed_dict" if is_dict else "dataclass",
            "class_name": cls.__name__,
            "unhashable": is_dict or cls.__hash__ is None,
        }
        compiled = self._append(spec, cls.__name__)
        if annotation is cls:
            self._classes[cls] = compiled
        if not is_dict:
            spec["class"] = cls
        fields = []
        for field in _records.fields_of(cls, annotation):
            entry = field.spec()
            entry["type"] = self._compile(field.annotation, field.constraints).index
            fields.append(entry)
        spec["fields"] = fields
        return compiled

    def _limited(self, compiled: _Compiled, constraints: dict[str, Any]) -> _Compiled:
        """Put limits on a type that was just added."""
        if not constraints:
            return compiled
        spec = self.specs[compiled.index]
        kind = spec["kind"]
        rest = dict(constraints)
        if rest.pop("strict", None):
            if kind not in _STRICTABLE:
                raise UnsupportedAnnotation(f"strict does not fit {compiled.label}")
            spec["strict"] = True
        self._take_bounds(spec, kind, rest)
        if kind in _SIZED:
            for name in ("min_length", "max_length"):
                if name in rest:
                    spec[name] = rest.pop(name)
        if kind == "string" and "pattern" in rest:
            spec["pattern"] = _constraints.pattern_spec(rest.pop("pattern"))
        if kind in ("real", "decimal") and "allow_inf_nan" in rest:
            spec["allow_inf_nan"] = rest.pop("allow_inf_nan")
        if kind == "decimal":
            for name in ("max_digits", "decimal_places"):
                if name in rest:
                    spec[name] = rest.pop(name)
        if rest:
            raise UnsupportedAnnotation(f"{', '.join(rest)} cannot be applied to {compiled.label}")
        constrained = {"integer": "int", "real": "float", "string": "str", "bytes": "bytes"}.get(kind)
        if constrained is not None and constraints.keys() - {"strict"}:
            return _Compiled(compiled.index, f"constrained-{constrained}")
        return compiled

    def _take_bounds(self, spec: dict[str, Any], kind: str, rest: dict[str, Any]) -> None:
        if kind not in _ORDERED:
            return
        bounds = []
        for relation in _constraints.RELATIONS:
            if relation in rest and not (relation == "multiple_of" and kind in ("date", "time", "datetime")):
                bounds.append(_bound(relation, rest.pop(relation), kind))
        if bounds:
            spec["bounds"] = bounds


def kind_label(kind: str) -> str:
    """Name a simple kind as pydantic's error locations do."""
    return {"integer": "int", "real": "float", "string": "str", "boolean": "bool"}.get(kind, kind)


_MESSAGES = {
    "multiple_of": "Input should be a multiple of",
    "le": "Input should be less than or equal to",
    "lt": "Input should be less than",
    "ge": "Input should be greater than or equal to",
    "gt": "Input should be greater than",
}


def _bound(relation: str, limit: Any, kind: str) -> tuple[str, Any, str, str]:
    """Prepare one limit: (relation, comparable value, message, ctx as JSON)."""
    value: Any = limit
    shown: Any = limit
    if kind == "integer":
        if limit != int(limit) or not -(2**63) <= int(limit) < 2**63:
            raise UnsupportedAnnotation(f"{relation}={limit!r} does not fit an int")
        value = shown = int(limit)
    elif kind == "real":
        value = shown = float(limit)
    elif kind == "decimal":
        value, shown = _decimal_limit(relation, limit)
    elif kind == "timedelta":
        value = (limit.days, limit.seconds * 1_000_000 + limit.microseconds)
        shown = _timedelta_text(limit)
    else:
        value = limit.isoformat()
        shown = f"{value[:-6]}Z" if value.endswith("+00:00") else value
    text, json = _shown(shown)
    if relation == "multiple_of" and not value:
        raise UnsupportedAnnotation("multiple_of=0 fits no number")
    return relation, value, f"{_MESSAGES[relation]} {text}", f'{{"{relation}":{json}}}'


def _decimal_limit(relation: str, limit: Any) -> tuple[str, Any]:
    """Give a limit's digits, and what FastAPI's encoder shows of a Decimal: an int or a float."""
    from decimal import Decimal

    exact = Decimal(str(limit)) if isinstance(limit, float) else Decimal(limit)
    if relation == "multiple_of" and len(exact.normalize().as_tuple().digits) > 18:
        raise UnsupportedAnnotation(f"{relation}={limit!r} has more than 18 digits")
    exponent = exact.as_tuple().exponent
    return str(exact), _Decimal(exact, int(exact) if isinstance(exponent, int) and exponent >= 0 else float(exact))


class _Decimal:
    """A Decimal as messages write it, and as `ctx` does."""

    __slots__ = ("exact", "number")

    def __init__(self, exact: Any, number: int | float) -> None:
        self.exact = exact
        self.number = number

    def __str__(self) -> str:
        return str(self.exact)


def _timedelta_text(limit: Any) -> str:
    """Write a timedelta as pydantic does: "1 day and 2 hours"."""
    parts = (
        (limit.days, "day"),
        (limit.seconds // 3600, "hour"),
        (limit.seconds % 3600 // 60, "minute"),
        (limit.seconds % 60, "second"),
        (limit.microseconds, "microsecond"),
    )
    texts = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts if count]
    return " and ".join(texts) or "0 seconds"


def _shown(limit: Any) -> tuple[str, str]:
    if isinstance(limit, _Decimal):
        return str(limit), _constraints.json_text(limit.number)
    if isinstance(limit, (int, float)):
        return _constraints.number_text(limit), _constraints.json_text(limit)
    return str(limit), _constraints.json_text(str(limit))


def _literal_values(annotation: Any) -> list[Any]:
    found: list[Any] = []
    for arg in typing.get_args(annotation):
        found.extend(_literal_values(arg) if typing.get_origin(arg) is typing.Literal else [arg])
    return found


def _is_json_scalar(value: Any) -> bool:
    """Whether JSON can say the value; members with other values can never be sent."""
    return value is None or isinstance(value, (str, bytes, complex)) or hasattr(value, "__float__")


def _comparable(value: Any, annotation: Any) -> Any:
    """Check that the engine can compare a JSON value with this one."""
    big = type(value) is int and not -(2**63) <= value < 2**63
    if big or not (value is None or isinstance(value, (str, bytes, bool, int, float))):
        raise UnsupportedAnnotation(f"the engine cannot compare with the value {value!r} of {_show(annotation)}")
    return value


def _alternatives(reprs: list[str]) -> str:
    if len(reprs) == 1:
        return reprs[0]
    return f"{', '.join(reprs[:-1])} or {reprs[-1]}"


def _show(annotation: Any) -> str:
    return annotation.__qualname__ if isinstance(annotation, type) else str(annotation)
