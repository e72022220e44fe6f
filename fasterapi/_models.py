"""Parameters that pydantic checks: models, and types that only pydantic understands.

Nothing here imports pydantic unless the app has done so.
"""

from __future__ import annotations

import math
import sys
import typing
from collections.abc import Iterable
from typing import Any

__all__ = ["ModelParameter", "is_model", "pydantic_in_use"]

_LIMITS = (
    "gt",
    "ge",
    "lt",
    "le",
    "multiple_of",
    "min_length",
    "max_length",
    "pattern",
    "strict",
    "allow_inf_nan",
    "max_digits",
    "decimal_places",
    "discriminator",
)


def pydantic_in_use() -> bool:
    """Whether the app has imported pydantic: only then is anything left to it."""
    return "pydantic" in sys.modules


def is_model(annotation: Any) -> bool:
    """Whether values of the annotation are, or hold, pydantic models."""
    if isinstance(annotation, type) and hasattr(annotation, "__pydantic_validator__"):
        return True
    return any(is_model(arg) for arg in typing.get_args(annotation))


class ModelParameter:
    """Checks one parameter's values by pydantic. The engine calls it with what it read from the request.

    Args:
        annotation: the parameter's type, `Annotated` included.
        limits: limits declared on the parameter (`ge`, `pattern`…).
        location: where the parameter is, as the first steps of error locations.
    """

    __slots__ = ("_adapter", "_location", "_refused")

    def __init__(self, annotation: Any, limits: dict[str, Any], location: tuple[str, ...]) -> None:
        import pydantic
        from pydantic_core import ValidationError

        inner, metadata = annotation, ()
        if typing.get_origin(annotation) is typing.Annotated:
            inner, *rest = typing.get_args(annotation)
            metadata = tuple(each for each in rest if not type(each).__module__.startswith("fasterapi."))
        chosen = {name: limits[name] for name in _LIMITS if limits.get(name) is not None}
        described: Any = typing.Annotated[(inner, *metadata, pydantic.Field(**chosen))]
        self._adapter: Any = pydantic.TypeAdapter(described)
        self._location = location
        self._refused: type[Any] = ValidationError

    def __call__(self, value: Any) -> tuple[bool, Any]:
        """Give (True, the checked value) or (False, the JSON of the errors, joined by commas)."""
        try:
            return True, self._adapter.validate_python(value, from_attributes=True)
        except self._refused as error:
            return False, _entries(error.errors(include_url=False), self._location)


def _entries(errors: Iterable[dict[str, Any]], location: tuple[str, ...]) -> bytes:
    import json

    from fasterapi.encoders import jsonable_encoder

    entries = jsonable_encoder([{**each, "loc": location + each.get("loc", ())} for each in errors])
    text = json.dumps(_finite(entries), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text[1:-1].encode("utf-8", "backslashreplace")


def _finite(value: Any) -> Any:
    """The value with null for NaN and the infinities, which JSON has no words for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return value
