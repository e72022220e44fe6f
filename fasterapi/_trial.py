"""Importing the app for a trial: does it load, and do its packages load in an interpreter with a GIL of its own?

The trial runs in a process of its own, so that whatever importing the app does (threads, output, a crash) stays there.
It imports the app in a sub-interpreter first and, where that fails, in the main interpreter: what fails only in the
first is a matter of packages that refuse, what fails in both is the app's own error.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from types import FrameType
from typing import IO, Any

from fasterapi._loader import AppTarget, format_user_traceback, load

__all__ = ["ImportRecorder", "Refusal", "Trial", "run_trial", "supports_own_gil"]

TRIAL_TIMEOUT_S = 120.0

_OWN_GIL_SCRIPT = "from fasterapi import _trial; _trial.report_from_here(target, report_fd)"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One extension module that did not load in a sub-interpreter.

    `package` is its top-level package; `chain` are the modules that led there, from the app's own to the extension.
    """

    module: str
    package: str
    chain: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        return f"{self.package} ({' → '.join(self.chain)})"


@dataclass(frozen=True, slots=True)
class Trial:
    """What a trial found.

    `error` is the user's traceback where the app loads nowhere; `output` is what it wrote until then. `own_gil` says
    whether it loads in an interpreter with its own GIL; where not, `reason` says why and `refusals` name the modules.
    With `own_gil`, `refusals` are those that the app's own code caught: it does without them. `settings` are those of
    `App(...)`, `routes` its (methods, path, handler).
    """

    own_gil: bool
    reason: str = ""
    error: str = ""
    output: str = ""
    refusals: tuple[Refusal, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    routes: tuple[tuple[str, str, str], ...] = ()


def supports_own_gil() -> bool:
    """Whether this Python runs interpreters with a GIL of their own without crashing: CPython from 3.13 on."""
    return sys.implementation.name == "cpython" and sys.version_info >= (3, 13)


def run_trial(target: AppTarget, *, own_gil: bool = True) -> Trial:
    """Import the app in a child process; without `own_gil` in its main interpreter only."""
    if not supports_own_gil():
        version = ".".join(map(str, sys.version_info[:3]))
        plain = _in_child(target, "main")
        return _merge(
            None, plain, f"Python {version} has no dependable interpreters with their own GIL; CPython 3.13 has"
        )
    if not own_gil:
        return _merge(None, _in_child(target, "main"), "not tried")
    isolated = _in_child(target, "own-gil")
    if isolated.loaded:
        return Trial(
            own_gil=True,
            refusals=tuple(failure for failure in isolated.failures if _says_refused(failure.message)),
            settings=isolated.settings,
            routes=isolated.routes,
        )
    return _merge(isolated, _in_child(target, "main"), "")


@dataclass(slots=True)
class _Attempt:
    """What one child reported of importing the app in one interpreter."""

    loaded: bool = False
    error: str = ""
    summary: str = ""
    output: str = ""
    failures: list[Refusal] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    routes: tuple[tuple[str, str, str], ...] = ()


def _merge(isolated: _Attempt | None, plain: _Attempt, reason: str) -> Trial:
    if not plain.loaded:
        return Trial(own_gil=False, error=plain.error, output=plain.output)
    refusals: tuple[Refusal, ...] = ()
    if isolated is not None:
        # What fails in the main interpreter too is missing for other reasons, and the app does without it.
        elsewhere = {failure.module for failure in plain.failures}
        refusals = tuple(failure for failure in isolated.failures if failure.module not in elsewhere)
        named = ", ".join(dict.fromkeys(refusal.package for refusal in refusals))
        verb = "does" if "," not in named else "do"
        reason = f"{named} {verb} not load in a sub-interpreter" if named else isolated.summary
    return Trial(own_gil=False, reason=reason, refusals=refusals, settings=plain.settings, routes=plain.routes)


def _in_child(target: AppTarget, mode: str) -> _Attempt:
    """Run this module as a program and collect its report, line by line: it may die at any of them."""
    read_fd, write_fd = os.pipe()
    with tempfile.TemporaryFile() as output, os.fdopen(read_fd, "rb") as reports:
        try:
            child = subprocess.Popen(
                [sys.executable, *interpreter_flags(), "-m", "fasterapi._trial", mode, str(write_fd)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[write_fd],
            )
        finally:
            os.close(write_fd)
        try:
            child.communicate(target.encode().encode(), timeout=TRIAL_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            return _Attempt(
                error=f"importing the app took more than {TRIAL_TIMEOUT_S:.0f} s\n", output=_text_of(output)
            )
        except BaseException:
            child.kill()
            child.wait()
            raise
        return _collect(reports, child.returncode, output)


def _collect(reports: IO[bytes], status: int, output: IO[bytes]) -> _Attempt:
    attempt = _Attempt()
    loading: list[str] = []
    ended = False
    for line in reports:
        kind, value = json.loads(line)
        if kind == "loading":
            loading = value
        elif kind == "failed":
            attempt.failures.append(Refusal(value["module"], value["package"], tuple(value["chain"]), value["message"]))
        elif kind == "error":
            attempt.error, attempt.summary = value["traceback"], value["summary"]
            ended = True
        elif kind == "loaded":
            attempt.loaded = ended = True
            attempt.settings = value["settings"]
            attempt.routes = tuple((methods, path, handler) for methods, path, handler in value["routes"])
    attempt.output = _text_of(output)
    if not ended:
        ending = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"exited with status {status}"
        attempt.summary = f"importing the app {ending}"
        attempt.error = f"{attempt.output}{attempt.summary}\n"
        attempt.output = ""
        if loading:
            attempt.failures.append(
                Refusal(loading[-1], loading[-1].partition(".")[0], tuple(loading), attempt.summary)
            )
    return attempt


def interpreter_flags() -> list[str]:
    """The options of this interpreter that another one must be started with to behave alike."""
    from subprocess import _args_from_interpreter_flags  # type: ignore[attr-defined]

    flags: list[str] = _args_from_interpreter_flags()
    return flags


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
            failure = Refusal(name, name.partition(".")[0], tuple(chain), str(error).partition("\n")[0])
            self._report("failed", asdict(failure))
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

    def report(kind: str, value: Any) -> None:
        data = (json.dumps([kind, value], default=repr) + "\n").encode()
        while data:
            data = data[os.write(report_fd, data) :]

    ImportRecorder(report).install()
    try:
        app = load(AppTarget.decode(target))
        routes = app.compile_routes().signature()
    except BaseException as error:  # noqa: BLE001 - whatever the user's code raises, SystemExit included, is the result
        summary = f"{type(error).__name__}: {error}".partition("\n")[0]
        report("error", {"traceback": format_user_traceback(error), "summary": summary})
    else:
        report("loaded", {"settings": app.settings, "routes": routes})


def _report_from_own_gil_interpreter(target: str, report_fd: int) -> None:
    # Rule of CPython 3.13: the first import of datetime must be the main interpreter's.
    import datetime  # noqa: F401

    import _interpreters

    interpreter = _interpreters.create(_interpreters.new_config("isolated", allow_daemon_threads=True))
    # Anything that goes wrong in there, short of a crash, is told by the report.
    _interpreters.run_string(interpreter, _OWN_GIL_SCRIPT, {"target": target, "report_fd": report_fd})


def _says_refused(message: str) -> bool:
    return "subinterpreter" in message.lower().replace("-", "")


def _text_of(output: IO[bytes]) -> str:
    output.seek(0)
    return output.read().decode("utf-8", "replace")


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
