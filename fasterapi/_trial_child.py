"""The program of a trial: `python -m fasterapi._trial_child MODE REPORT_FD`, with the app target on standard input.

MODE is "own-gil" (import the app in a sub-interpreter) or "main". What comes of it goes to REPORT_FD, one JSON array of
a kind and a value a line: `loading` (a chain of modules, or none), `failed` (a module), `error`, `loaded`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["ImportRecorder", "report_from_here"]

_OWN_GIL_SCRIPT = "from fasterapi import _trial_child; _trial_child.report_from_here(target, report_fd)"


class ImportRecorder:
    """Tells, for each extension module that an interpreter imports, which modules led there and whether it loaded."""

    def __init__(self, report: Callable[[str, Any], None]) -> None:
        self._report = report

    def install(self) -> None:
        """Watch every extension import of this interpreter from now on; it lasts as long as the interpreter."""
        from importlib.machinery import BuiltinImporter, ExtensionFileLoader

        for step in ("create_module", "exec_module"):
            of_file = getattr(ExtensionFileLoader, step)
            setattr(ExtensionFileLoader, step, lambda loader, spec, load=of_file: self._watch(load, loader, spec))
            of_builtin = getattr(BuiltinImporter, step)
            setattr(BuiltinImporter, step, staticmethod(lambda spec, load=of_builtin: self._watch(load, spec)))

    def _watch(self, load: Callable[..., Any], *arguments: Any) -> Any:
        # The last argument is the module's spec, or the module that was made from it.
        spec = getattr(arguments[-1], "__spec__", None) or arguments[-1]
        name: str = spec.name
        chain = [*_importing_modules(), name]
        self._report("loading", chain)
        try:
            result = load(*arguments)
        except ImportError as error:
            package, message = name.partition(".")[0], str(error).partition("\n")[0]
            self._report("failed", {"module": name, "package": package, "chain": chain, "message": message})
            raise
        self._report("loading", [])
        return result


def _importing_modules() -> list[str]:
    """The names of the modules whose code is running on the stack, outermost first, without the importer's own."""
    names: list[str] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.partition(".")[0] not in ("importlib", "fasterapi") and not frame.f_code.co_filename.startswith(
            "<frozen "
        ):
            names.append(name)
        frame = frame.f_back
    names.reverse()
    return [name for place, name in enumerate(names) if name and name != "__main__" and name not in names[:place]]


def report_from_here(target: str, report_fd: int) -> None:
    """Load the app in this interpreter and write what comes of it to `report_fd`, one JSON array a line."""
    import json
    import warnings

    from fasterapi._loader import AppTarget, format_user_traceback, load

    def report(kind: str, value: Any) -> None:
        data = (json.dumps([kind, value], default=repr) + "\n").encode()
        while data:
            data = data[os.write(report_fd, data) :]

    ImportRecorder(report).install()
    try:
        app = load(AppTarget.decode(target))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            routes = app.compile_routes().signature()
    except BaseException as error:  # noqa: BLE001 - whatever the user's code raises, SystemExit included, is the result
        summary = f"{type(error).__name__}: {error}".partition("\n")[0]
        report("error", {"traceback": format_user_traceback(error), "summary": summary})
    else:
        told = [str(warning.message) for warning in caught]
        parallel = not getattr(sys, "_is_gil_enabled", lambda: True)()
        found = {"settings": app.settings, "routes": routes, "warnings": told, "parallel_threads": parallel}
        report("loaded", found)


def _report_from_own_gil_interpreter(target: str, report_fd: int) -> None:
    # Rule of CPython 3.13: the first import of datetime must be the main interpreter's.
    import datetime  # noqa: F401

    import _interpreters

    interpreter = _interpreters.create(_interpreters.new_config("isolated", allow_daemon_threads=True))
    # Anything that goes wrong in there, short of a crash, is told by the report.
    _interpreters.run_string(interpreter, _OWN_GIL_SCRIPT, {"target": target, "report_fd": report_fd})


def _main(mode: str, report_fd: int) -> None:
    target = sys.stdin.read()
    if mode == "own-gil":
        _report_from_own_gil_interpreter(target, report_fd)
    else:
        report_from_here(target, report_fd)
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that the app started must not keep the trial alive, and no interpreter needs to be torn down for this.
    os._exit(0)


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
