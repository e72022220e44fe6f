"""Functions and objects on their way to another interpreter: pickled, and functions without a name by their code.

What can be imported travels as its name, a function of a script as its name in the script, which is run again; any
other function as its code with what it captured.
"""

from __future__ import annotations

import marshal
import pickle
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from io import BytesIO
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType
from typing import Any

from fasterapi import _classes
from fasterapi._main import MAIN_NAMES, attribute_of_main, main_target

__all__ = ["Pickler", "describe", "dumps", "loads", "resolve"]

STABLE_BYTES_MAX = 4096
"""How large a captured text may be for its function to be remembered by the executor."""

HEAP_TYPE = 1 << 9
"""The flag of classes that were made by a class statement, or as one makes them."""

KEPT_NAMES: tuple[str, ...] = ("__name__", "__file__")

type Guards = tuple[Any, ...]
"""What a remembered function relies on: (globals dict, name, value) or (cell, None, value), one after the other."""


def dumps(value: object, protocol: int = 5, *, buffer_callback: Callable[[Any], Any] | None = None) -> bytes:
    """`value` pickled for another interpreter; memoryviews go to `buffer_callback`.

    Raises TypeError, naming what cannot cross and where it is.
    """
    file = BytesIO()
    pickler = Pickler(file, protocol, buffer_callback)
    try:
        pickler.dump(value)
    except Exception as error:
        from fasterapi._refusals import refusal_of

        raise refusal_of(value, error) from error
    return file.getvalue()


loads = pickle.loads


def describe(function: Callable[..., Any]) -> tuple[bytes | tuple[str, str], Guards | None]:
    """How another interpreter finds or makes `function`: module and qualified name, or a pickle.

    The guards say for how long that holds: while each place has that value; None: for this call only.
    """
    if isinstance(function, (FunctionType, BuiltinFunctionType, type)):
        module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
        if isinstance(module, str) and _is_library(module) and _found(module, name) is function:
            return (module, name), ()
    file = BytesIO()
    pickler = Pickler(file, 5, None)
    try:
        pickler.dump(function)
    except Exception as error:
        from fasterapi._refusals import refusal_of

        raise refusal_of(function, error) from error
    stable = pickler.is_stable and isinstance(function, (FunctionType, type))
    return file.getvalue(), tuple(pickler.guards) if stable else None


def resolve(description: bytes | tuple[str, str]) -> Callable[..., Any]:
    """The function that `describe` described, in this interpreter."""
    if isinstance(description, bytes):
        function: Callable[..., Any] = loads(description)
        return function
    return attribute_of_module(*description, None)  # type: ignore[no-any-return]


class Pickler(pickle.Pickler):
    """Pickles what pickle can, and functions that have no name which another interpreter could look up."""

    def __init__(self, file: BytesIO, protocol: int, buffer_callback: Callable[[Any], Any] | None) -> None:
        super().__init__(file, protocol, buffer_callback=buffer_callback)
        self._takes_buffers = buffer_callback is not None
        self._namespaces: dict[int, dict[str, Any]] = {}
        self._hollow: dict[int, _HollowCell] = {}
        self._kept: list[Any] = []  # objects whose address stands for them in the dicts above
        self._target = main_target()
        self.guards: list[Any] = []
        self.is_stable = True

    def reducer_override(self, value: Any) -> Any:
        """How functions, classes, modules and memoryviews are pickled; all else in its own way."""
        if isinstance(value, FunctionType):
            named = self._reference(value, value.__code__.co_filename)
            return self._by_code(value) if named is None else named
        if isinstance(value, type):
            named = self._reference(value, None)
            return self._class_by_value(value) if named is None else named
        if isinstance(value, CodeType):
            return marshal.loads, (marshal.dumps(value),)
        if isinstance(value, ModuleType):
            return import_modules, (value.__name__,)
        if isinstance(value, memoryview) and self._takes_buffers:
            return memoryview, (pickle.PickleBuffer(value),)
        if callable(value) and getattr(value, "__module__", None) in MAIN_NAMES and hasattr(value, "__qualname__"):
            named = self._reference(value, None)
            return NotImplemented if named is None else named
        part = _classes.part_by_value(value)
        return NotImplemented if part is None else part

    def _class_by_value(self, kind: type) -> Any:
        if not kind.__flags__ & HEAP_TYPE or _is_library(kind.__module__):
            return NotImplemented
        reduced = _classes.class_by_value(kind)
        if reduced is None:
            raise pickle.PicklingError(f"no other interpreter finds the class {kind.__qualname__}")
        return reduced

    def _reference(self, value: Any, filename: str | None) -> Any:
        """The name under which another interpreter finds a function or class; None where there is none."""
        module, name = value.__module__, value.__qualname__
        if not isinstance(module, str) or _found(module, name) is not value:
            return None
        if module in MAIN_NAMES:
            if self._target is None or (filename is not None and not _same_file(filename, self._target[0])):
                return None
            return attribute_of_main, (self._target, name)
        if _is_library(module):
            return NotImplemented
        origin = getattr(sys.modules[module], "__file__", None)
        if origin is None and getattr(sys.modules[module], "__spec__", None) is None:
            return None
        return attribute_of_module, (module, name, origin)

    def _by_code(self, function: FunctionType) -> Any:
        code = function.__code__
        namespace = self._namespaces.get(id(function.__globals__))
        if namespace is None:
            namespace = {key: function.__globals__[key] for key in KEPT_NAMES if key in function.__globals__}
            self._namespaces[id(function.__globals__)] = namespace
        cells = tuple(self._hollow_of(cell) for cell in function.__closure__ or ())
        contents = [(hollow, cell.cell_contents) for hollow, cell in self._filled(function, cells)]
        named = {name: function.__globals__[name] for name in global_names(code) if name in function.__globals__}
        self._watch(function, named)
        state = {
            "name": function.__name__,
            "qualname": function.__qualname__,
            "module": function.__module__,
            "defaults": function.__defaults__,
            "kwdefaults": function.__kwdefaults__,
            "attributes": {**function.__dict__},
            "globals": named,
            "cells": contents,
            "imports": _submodules(named.values(), code),
        }
        return make_function, (marshal.dumps(code), namespace, cells), state, None, None, fill_function

    def _hollow_of(self, cell: CellType) -> _HollowCell:
        hollow = self._hollow.get(id(cell))
        if hollow is None:
            hollow = self._hollow[id(cell)] = _HollowCell()
            self._kept.append(cell)
        return hollow

    @staticmethod
    def _filled(function: FunctionType, cells: Sequence[_HollowCell]) -> Iterable[tuple[_HollowCell, CellType]]:
        for hollow, cell in zip(cells, function.__closure__ or (), strict=True):
            try:
                cell.cell_contents  # noqa: B018
            except ValueError:  # nothing was assigned yet
                continue
            yield hollow, cell

    def _watch(self, function: FunctionType, named: dict[str, Any]) -> None:
        """Note what the function's pickle relies on, for as long as it might be used again."""
        for name, value in named.items():
            self.guards += (function.__globals__, name, value)
            self.is_stable = self.is_stable and _is_constant(value)
        for cell in function.__closure__ or ():
            try:
                value = cell.cell_contents
            except ValueError:
                self.is_stable = False
                continue
            self.guards += (cell, None, value)
            self.is_stable = self.is_stable and _is_constant(value)
        held = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values(), *vars(function).values())
        self.is_stable = self.is_stable and all(map(_is_constant, held))


class _HollowCell:
    """Stands for a cell in a pickle, where it is made empty and filled once everything exists that it may hold."""

    def __reduce__(self) -> Any:
        return make_cell, ()


def make_cell() -> CellType:
    """An empty cell of a closure."""
    return CellType()


def make_function(code: bytes, namespace: dict[str, Any], cells: tuple[CellType, ...]) -> FunctionType:
    """A function of this interpreter that `fill_function` completes."""
    namespace.setdefault("__builtins__", __builtins__)
    return FunctionType(marshal.loads(code), namespace, closure=cells or None)


def fill_function(function: FunctionType, state: dict[str, Any]) -> None:
    """Give a function what it was captured with."""
    for name in state["imports"]:
        import_modules(name)
    function.__name__, function.__qualname__ = state["name"], state["qualname"]
    function.__module__ = state["module"]
    function.__defaults__, function.__kwdefaults__ = state["defaults"], state["kwdefaults"]
    function.__dict__.update(state["attributes"])
    function.__globals__.update(state["globals"])
    for cell, contents in state["cells"]:
        cell.cell_contents = contents


def import_modules(name: str) -> ModuleType:
    """Import a module by its dotted name, and return the one that the last part names."""
    __import__(name)
    return sys.modules[name]


def attribute_of_module(module: str, qualname: str, origin: str | None) -> Any:
    """What a module has under a dotted name. `origin` is its file, where `sys.path` does not lead there."""
    try:
        value: Any = import_modules(module)
    except ModuleNotFoundError as error:
        if origin is None or error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        value = _import_from(origin, module)
    for step in qualname.split("."):
        value = getattr(value, step)
    return value


def _import_from(origin: str, module: str) -> ModuleType:
    import os

    path = origin.removesuffix("/__init__.py").removesuffix(".py")
    for _ in module.split("."):
        path = os.path.dirname(path)
    sys.path.append(path)
    return import_modules(module)


@lru_cache(maxsize=512)
def global_names(code: CodeType) -> tuple[str, ...]:
    """The names that a function's code, and that of the functions in it, looks up among its globals."""
    from dis import get_instructions

    names = {one.argval for one in get_instructions(code) if one.opname in {"LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL"}}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names.update(global_names(constant))
    return tuple(sorted(names))


def attribute_names(code: CodeType) -> set[str]:
    """The names that a function's code, and that of the functions in it, uses in any way."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= attribute_names(constant)
    return names


def _submodules(values: Iterable[Any], code: CodeType) -> list[str]:
    """The modules below those among `values` that the code comes to by attributes, and which it needs imported."""
    packages = [value.__name__ for value in values if isinstance(value, ModuleType) and hasattr(value, "__path__")]
    if not packages:
        return []
    names = attribute_names(code)
    return [
        loaded
        for package in packages
        for loaded in tuple(sys.modules)
        if loaded.startswith(f"{package}.") and names.issuperset(loaded.removeprefix(f"{package}.").split("."))
    ]


def _found(module: str, qualname: str) -> Any:
    """What this interpreter finds under that name; None where there is nothing."""
    value: Any = sys.modules.get("__main__" if module in MAIN_NAMES else module)
    for step in qualname.split("."):
        value = getattr(value, step, None)
    return value


@lru_cache(maxsize=256)
def _is_library(module: str) -> bool:
    """Whether every interpreter finds a module by its name alone: of the standard library, or of this package."""
    top = module.partition(".")[0]
    return top in sys.stdlib_module_names or top == "fasterapi"


@lru_cache(maxsize=256)
def _same_file(left: str, right: str) -> bool:
    import os

    return os.path.abspath(left) == os.path.abspath(right)


def _is_constant(value: Any) -> bool:
    """Whether its identity tells that a value is what it was, and keeping it costs little."""
    if isinstance(value, (str, bytes)):
        return len(value) <= STABLE_BYTES_MAX
    if isinstance(value, tuple):
        return len(value) <= 16 and all(map(_is_constant, value))
    # Functions have guards of their own.
    return value is None or isinstance(value, (bool, int, float, type, ModuleType, FunctionType, BuiltinFunctionType))
