"""Turn any object into what ``json.dumps`` accepts, by FastAPI's rules.

The server does not need this module: results of handlers are encoded by the engine, by the same rules. It is for
code that wants plain data, for example to store it in a document database.
"""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import re
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from types import GeneratorType
from typing import Any
from uuid import UUID

__all__ = ["ENCODERS_BY_TYPE", "decimal_encoder", "isoformat", "jsonable_encoder"]

type Encoder = Callable[[Any], Any]
type Selection = Iterable[Any] | Mapping[Any, Any]

_PYDANTIC_TEXT = (
    ("pydantic_core", "Url"),
    ("pydantic.networks", "AnyUrl"),
    ("pydantic.networks", "NameEmail"),
    ("pydantic.types", "SecretStr"),
    ("pydantic.types", "SecretBytes"),
    ("pydantic.color", "Color"),
    ("pydantic_extra_types.color", "Color"),
)


def isoformat(moment: datetime.date | datetime.time) -> str:
    """The moment in ISO 8601: ``2024-02-29T12:30:00``."""
    return moment.isoformat()


def decimal_encoder(number: Decimal) -> int | float:
    """An ``int`` when the number has no fractional digits, otherwise a ``float``: ``1`` stays 1, ``1.0`` stays 1.0."""
    exponent = number.as_tuple().exponent
    return int(number) if isinstance(exponent, int) and exponent >= 0 else float(number)


ENCODERS_BY_TYPE: dict[type[Any], Encoder] = {
    bytes: lambda value: value.decode(),
    datetime.date: isoformat,
    datetime.datetime: isoformat,
    datetime.time: isoformat,
    datetime.timedelta: lambda value: value.total_seconds(),
    Decimal: decimal_encoder,
    ipaddress.IPv4Address: str,
    ipaddress.IPv4Interface: str,
    ipaddress.IPv4Network: str,
    ipaddress.IPv6Address: str,
    ipaddress.IPv6Interface: str,
    ipaddress.IPv6Network: str,
    re.Pattern: lambda value: value.pattern,
    UUID: str,
}


def jsonable_encoder(
    obj: Any,
    include: Selection | None = None,
    exclude: Selection | None = None,
    by_alias: bool = True,
    exclude_unset: bool = False,
    exclude_defaults: bool = False,
    exclude_none: bool = False,
    custom_encoder: Mapping[Any, Encoder] | None = None,
    sqlalchemy_safe: bool = True,
) -> Any:
    """Plain data for any object: dicts, lists, strings, numbers, booleans and ``None`` only.

    Args:
        obj: The object: built-in containers, dataclasses, pydantic models, dates, UUIDs, paths and so on; anything
            else is taken for the dict that ``dict(obj)`` or ``vars(obj)`` gives.
        include: Of the outermost dict or model, the keys to keep.
        exclude: Of the outermost dict or model, the keys to leave out.
        by_alias: Name the fields of pydantic models by their aliases.
        exclude_unset: Leave out fields of pydantic models that were never set.
        exclude_defaults: Leave out fields of pydantic models that equal their default.
        exclude_none: Leave out every ``None`` of dicts and models.
        custom_encoder: Functions by type that come before all other rules.
        sqlalchemy_safe: Leave out keys that start with ``_sa``, where SQLAlchemy keeps its own state.

    Raises:
        ValueError: There is no way to make plain data of the object.

    Example:
        >>> jsonable_encoder({"at": datetime.date(2024, 2, 29), "who": {UUID(int=7)}})
        {'at': '2024-02-29', 'who': ['00000000-0000-0000-0000-000000000007']}
    """
    walk = _Walk(
        by_alias=by_alias,
        exclude_unset=exclude_unset,
        exclude_defaults=exclude_defaults,
        exclude_none=exclude_none,
        custom=dict(custom_encoder or {}),
        sqlalchemy_safe=sqlalchemy_safe,
    )
    return walk.plain(obj, _selection(include), _selection(exclude))


def _selection(keys: Selection | None) -> Any:
    return keys if keys is None or isinstance(keys, (set, dict)) else set(keys)


def _loaded(module: str, name: str) -> type | None:
    """A class of a module that somebody imported already; otherwise no object of it can exist."""
    found = getattr(sys.modules.get(module), name, None)
    return found if isinstance(found, type) else None


@dataclasses.dataclass(frozen=True, slots=True)
class _Walk:
    """One call's options, which hold at every depth."""

    by_alias: bool
    exclude_unset: bool
    exclude_defaults: bool
    exclude_none: bool
    custom: dict[Any, Encoder]
    sqlalchemy_safe: bool

    def plain(self, obj: Any, include: Any = None, exclude: Any = None) -> Any:
        if self.custom and (encoder := self._custom_encoder(obj)) is not None:
            return encoder(obj)
        model = _loaded("pydantic.main", "BaseModel")
        if model is not None and isinstance(obj, model):
            return self._model(obj, include, exclude)
        if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
            return self.plain(dataclasses.asdict(obj), include, exclude)
        if isinstance(obj, Enum):
            return obj.value
        if isinstance(obj, PurePath):
            return str(obj)
        if obj is None or isinstance(obj, (str, int, float)):
            return obj
        undefined = _loaded("pydantic_core", "PydanticUndefinedType")
        if undefined is not None and isinstance(obj, undefined):
            return None
        if isinstance(obj, dict):
            return self._dict(obj, include, exclude)
        if isinstance(obj, (list, set, frozenset, tuple, deque, GeneratorType)):
            return [self.plain(item, include, exclude) for item in obj]
        encoder = _encoder_by_type(obj)
        return self.plain(_as_dict(obj), include, exclude) if encoder is None else encoder(obj)

    def _custom_encoder(self, obj: Any) -> Encoder | None:
        if type(obj) in self.custom:
            return self.custom[type(obj)]
        return next((encoder for kind, encoder in self.custom.items() if isinstance(obj, kind)), None)

    def _model(self, obj: Any, include: Any, exclude: Any) -> Any:
        dumped = obj.model_dump(
            mode="json",
            include=include,
            exclude=exclude,
            by_alias=self.by_alias,
            exclude_unset=self.exclude_unset,
            exclude_defaults=self.exclude_defaults,
            exclude_none=self.exclude_none,
        )
        return dataclasses.replace(self, by_alias=True, exclude_unset=False, custom={}).plain(dumped)

    def _dict(self, obj: dict[Any, Any], include: Any, exclude: Any) -> dict[Any, Any]:
        encoded = {}
        for key, value in obj.items():
            if self.sqlalchemy_safe and isinstance(key, str) and key.startswith("_sa"):
                continue
            if value is None and self.exclude_none:
                continue
            if (include is not None and key not in include) or (exclude is not None and key in exclude):
                continue
            encoded[self.plain(key)] = self.plain(value)
        return encoded


def _encoder_by_type(obj: Any) -> Encoder | None:
    if type(obj) in ENCODERS_BY_TYPE:
        return ENCODERS_BY_TYPE[type(obj)]
    for kind, encoder in ENCODERS_BY_TYPE.items():
        if isinstance(obj, kind):
            return encoder
    for module, name in _PYDANTIC_TEXT:
        known = _loaded(module, name)
        if known is not None and isinstance(obj, known):
            return str
    return None


def _as_dict(obj: Any) -> dict[Any, Any]:
    try:
        return dict(obj)
    except Exception as no_pairs:  # noqa: BLE001 - the object's own code runs here and may raise anything
        try:
            return dict(vars(obj))
        except TypeError as no_attributes:
            raise ValueError([no_pairs, no_attributes]) from no_attributes
