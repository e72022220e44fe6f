"""The main module in interpreters that did not start it: the script is run again there, as `__mp_main__`."""

from __future__ import annotations

import _thread
import os
import sys
from types import CodeType, ModuleType
from typing import Any

__all__ = ["MAIN_NAMES", "MainTarget", "attribute_of_main", "is_main_loading", "main_target"]

MAIN_NAMES = frozenset({"__main__", "__mp_main__"})

type MainTarget = tuple[str, str]
"""The file of the main module, and the name it was started under with `python -m`, or an empty one."""

_lock = _thread.RLock()
_loading = False
_loaded: MainTarget | None = None
_failure: BaseException | None = None


def main_target() -> MainTarget | None:
    """What another interpreter runs to have the main module; None where it has no file (a REPL, a notebook, `-c`)."""
    if _loaded is not None:
        return _loaded
    main = sys.modules["__main__"]
    path = getattr(main, "__file__", None)
    if path is None or not os.path.isfile(path):
        return None
    spec = getattr(main, "__spec__", None)
    return os.path.abspath(path), spec.name if spec is not None else ""


def is_main_loading() -> bool:
    """Whether the main module is being run again at this moment."""
    return _loading


def attribute_of_main(target: MainTarget, qualname: str) -> Any:
    """What the main module calls `qualname`; runs the module, the first time that this is asked for.

    Raises RuntimeError where the script failed, AttributeError where it has no such name.
    """
    value: Any = _main_of(target)
    for step in qualname.split("."):
        value = getattr(value, step)
    return value


def _main_of(target: MainTarget) -> ModuleType:
    global _loading, _loaded, _failure
    with _lock:
        present = main_target()
        if present is not None and present[0] == target[0]:
            return sys.modules["__main__"]
        if _failure is not None:
            raise RuntimeError(f"{target[0]} failed when it was run again in this interpreter") from _failure
        bare = sys.modules["__main__"]
        _loading, _loaded = True, target
        try:
            return _run(target, bare)
        except BaseException as error:
            if _reached_server(error):
                return sys.modules["__main__"]
            _loaded, _failure = None, error
            sys.modules["__main__"] = bare
            sys.modules.pop("__mp_main__", None)
            raise RuntimeError(f"{target[0]} failed when it was run again in this interpreter: {error!r}") from error
        finally:
            _loading = False


def _reached_server(error: BaseException) -> bool:
    """Whether a script that serves an app came to `app.run()`: what it had to declare, it has declared."""
    loader = sys.modules.get("fasterapi._loader")
    return loader is not None and isinstance(error, loader.AlreadyServing)


def _run(target: MainTarget, bare: ModuleType) -> ModuleType:
    path, name = target
    module = ModuleType("__mp_main__")
    # What the executor's `shared` put there stays.
    vars(module).update({key: value for key, value in vars(bare).items() if not key.startswith("__")})
    module.__file__ = path
    code: CodeType
    if name:
        module.__package__ = name.removesuffix(".__main__").rpartition(".")[0]
        if name.endswith(".__main__"):
            module.__package__ = name.removesuffix(".__main__")
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    # Pickles and dataclasses look their module up by name, under either.
    sys.modules["__main__"] = sys.modules["__mp_main__"] = module
    exec(code, module.__dict__)
    return module
