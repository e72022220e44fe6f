"""Says what it is in a value that cannot cross to another interpreter, and where: once pickling has failed."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterable, Iterator
from functools import partial
from io import BytesIO
from types import FunctionType, MethodType
from typing import Any

__all__ = ["refusal_of"]

DEPTH_MAX = 12


def refusal_of(value: object, error: Exception) -> TypeError:
    """The error to raise for `value`, for which pickling raised `error`."""
    path, culprit, reason = _search(value, error, (), set(), _arguments(value) or _parts(value))
    where = f"{' of '.join(reversed(path))}: " if path else ""
    return TypeError(f"{where}{_name(culprit)} cannot cross to another interpreter{_advice(culprit, reason)}")


def _search(
    value: Any, error: Exception, path: tuple[str, ...], seen: set[int], parts: Iterable[tuple[str, Any]]
) -> tuple[tuple[str, ...], Any, Exception]:
    if id(value) in seen or len(path) >= DEPTH_MAX:
        return path, value, error
    seen.add(id(value))
    for step, part in parts:
        failure = _failure_of(part)
        if failure is not None:
            own = _described(value)
            steps = (own, step) if own and not path else (step,)
            return _search(part, failure, (*path, *steps), seen, _parts(part))
    return path, value, error


def _failure_of(value: object) -> Exception | None:
    from fasterapi._functions import Pickler

    try:
        Pickler(BytesIO(), 5, lambda buffer: None).dump(value)
    except Exception as error:  # noqa: BLE001 (whatever it is, the caller is told)
        return error
    return None


def _arguments(value: Any) -> list[tuple[str, Any]]:
    """The arguments of a call, which the engine packs as (positional, by name); nothing for other values."""
    match value:
        case (tuple() as positional, dict() as named) if all(isinstance(name, str) for name in named):
            first = [(f"argument {index}", item) for index, item in enumerate(positional)]
            return first + [(f"argument {name!r}", item) for name, item in named.items()]
    return []


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """What a value holds, with the words for each place."""
    if isinstance(value, FunctionType):
        yield from _parts_of_function(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield f"the key {key!r:.60}", key
            yield f"the item under {key!r:.60}", item
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from ((f"item {index}", item) for index, item in enumerate(value))
    elif isinstance(value, MethodType):
        yield f"the object that {value.__name__} is bound to", value.__self__
    elif isinstance(value, partial):
        yield "the function of the partial", value.func
        yield from ((f"argument {index} of the partial", item) for index, item in enumerate(value.args))
        yield from ((f"argument {name!r} of the partial", item) for name, item in value.keywords.items())
    elif isinstance(value, BaseException):
        yield from ((f"argument {index}", item) for index, item in enumerate(value.args))
    elif not isinstance(value, type) and isinstance(getattr(value, "__dict__", None), dict):
        yield from ((f"attribute {name!r}", item) for name, item in vars(value).items())


def _parts_of_function(function: FunctionType) -> Iterator[tuple[str, Any]]:
    from fasterapi._functions import global_names

    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield f"closure variable {name!r}", cell.cell_contents
        except ValueError:
            continue
    for name in global_names(function.__code__):
        if name in function.__globals__:
            yield f"global variable {name!r}", function.__globals__[name]
    for index, value in enumerate(function.__defaults__ or ()):
        yield f"default {index}", value
    for name, value in (function.__kwdefaults__ or {}).items():
        yield f"the default of {name!r}", value


def _described(value: Any) -> str:
    """A function by name and place; nothing for other values, which the path describes."""
    if not isinstance(value, FunctionType):
        return ""
    code = value.__code__
    return f"{value.__name__} at {os.path.basename(code.co_filename)}:{code.co_firstlineno}"


def _name(value: Any) -> str:
    kind = value if isinstance(value, type) else type(value)
    module = kind.__module__
    name = kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__qualname__}"
    return f"the class {name}" if isinstance(value, type) else name


def _advice(value: Any, reason: Exception) -> str:
    from fasterapi._main import MAIN_NAMES, main_target

    kind = value if isinstance(value, type) else type(value)
    if isinstance(reason, RecursionError):
        return ": it is nested too deeply"
    if kind.__module__ in MAIN_NAMES and isinstance(reason, (pickle.PicklingError, AttributeError)):
        if main_target() is None:
            return ": its class is defined where no other interpreter finds it; put the class in a module and import it"
        return f" ({reason}): define its class at the top level of the script"
    if "<locals>" in kind.__qualname__:
        return ": its class is defined inside a function; define it at the top level of a module"
    return f" ({reason}): make it inside the function that is called, or in the executor's initializer"
