"""Limits that `Annotated` metadata and parameter declarations put on a type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

__all__ = ["RELATIONS", "collect", "json_text", "needs_pydantic", "number_text", "pattern_spec"]

RELATIONS = ("multiple_of", "le", "lt", "ge", "gt")
"""Limits on ordered values, in the order in which they are checked."""

_NAMES = frozenset(
    {*RELATIONS, "min_length", "max_length", "pattern", "strict", "allow_inf_nan", "max_digits", "decimal_places"}
)


def collect(metadata: Iterable[Any]) -> dict[str, Any]:
    """Gather the limits of `Annotated` metadata by name; of two with the same name the last one stands.

    Understands parameter declarations, objects in the style of annotated_types (attributes named as the limits, or a
    group that yields such objects) and of pydantic's Field (a list of such objects in `metadata`). Everything else is
    skipped, as pydantic does.
    """
    found: dict[str, Any] = {}
    for each in _flatten(metadata):
        options = getattr(each, "options", None)
        if isinstance(options, dict):
            if options.get("discriminator") is not None:
                found["discriminator"] = options["discriminator"]
            found.update((name, options[name]) for name in _NAMES if options.get(name) is not None)
            if options.get("regex") is not None:
                found["pattern"] = options["regex"]
            continue
        if isinstance(each, (str, bytes, int, float, type)):
            continue
        for name in _NAMES:
            value = getattr(each, name, None)
            if value is not None and not callable(value):
                found[name] = value
    return found


def _flatten(metadata: Iterable[Any]) -> Iterator[Any]:
    for each in metadata:
        if getattr(each, "__is_annotated_types_grouped_metadata__", False) is True:
            yield from _flatten(each)
        elif isinstance(getattr(each, "metadata", None), (list, tuple)):
            yield from _flatten(each.metadata)
        else:
            yield each


def needs_pydantic(metadata: Iterable[Any]) -> bool:
    """Whether some metadata is code or a rule that only pydantic can run (validators, predicates, discriminators)."""
    for each in _flatten(metadata):
        if hasattr(each, "__get_pydantic_core_schema__") or hasattr(each, "func"):
            return True
        if getattr(each, "discriminator", None) is not None:
            return True
        if any(getattr(each, name, None) for name in ("strip_whitespace", "to_lower", "to_upper")):
            return True
    return False


def number_text(value: Any) -> str:
    """Write a number as pydantic's messages do: no exponent, no fraction of zero."""
    if isinstance(value, float):
        text = repr(value)
        if "e" in text:
            from decimal import Decimal

            text = format(Decimal(text), "f")
        return text.removesuffix(".0")
    return str(value)


def json_text(value: Any) -> str:
    """Write a limit's value as the `ctx` of an error shows it."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, (int, float)):
        return repr(value)
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pattern_spec(pattern: str | re.Pattern[str]) -> tuple[str, str, str]:
    """Prepare a pattern for the engine: its source for RE2, the message and the `ctx` of a mismatch."""
    source = pattern if isinstance(pattern, str) else pattern.pattern
    compiled = source
    if not isinstance(pattern, str):
        flags = "".join(
            letter
            for letter, flag in (("i", re.IGNORECASE), ("m", re.MULTILINE), ("s", re.DOTALL))
            if pattern.flags & flag
        )
        compiled = f"(?{flags}){source}" if flags else source
    return compiled, f"String should match pattern '{source}'", json_text({"pattern": source})
