"""Importing the app for a trial: does it load, and do its packages load in an interpreter with a GIL of its own?

The trial runs in a process of its own, so that whatever importing the app does (threads, output, a crash) stays there.
It imports the app in a sub-interpreter first and, where that fails, in the main interpreter: what fails only in the
first is a matter of packages that refuse, what fails in both is the app's own error.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fasterapi._loader import AppTarget

__all__ = ["Refusal", "Trial", "interpreter_flags", "is_free_threaded", "run_trial", "supports_own_gil"]

TRIAL_TIMEOUT_S = 120.0


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
    `parallel_threads` says that this Python has no GIL, and that the app's packages did not bring it back. With
    `own_gil`, `refusals` are those that the app's own code caught: it does without them. `settings` are those of
    `App(...)`, `routes` its (methods, path, handler), `warnings` what compiling them warned of.
    """

    own_gil: bool
    reason: str = ""
    error: str = ""
    output: str = ""
    refusals: tuple[Refusal, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    routes: tuple[tuple[str, str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    parallel_threads: bool = False

    @property
    def fitting_strategy(self) -> str:
        """What runs where nobody chooses: `auto` itself, or what stands in for it; empty where nothing loads."""
        if self.error:
            return ""
        return "auto" if self.own_gil else "threads" if self.parallel_threads else "processes"


def supports_own_gil() -> bool:
    """Whether this Python runs interpreters with a GIL of their own without crashing: CPython from 3.13 on.

    Not a free-threaded build of it, whose threads need no such thing.
    """
    return sys.implementation.name == "cpython" and sys.version_info >= (3, 13) and not is_free_threaded()


def is_free_threaded() -> bool:
    """Whether this Python is built to run without a GIL; packages may bring the GIL back at run time."""
    return "t" in sys.abiflags


def run_trial(target: AppTarget, *, own_gil: bool = True, meanwhile: Callable[[], None] | None = None) -> Trial:
    """Import the app in a child process; without `own_gil` in its main interpreter only.

    `meanwhile` is called once while the child tries an interpreter with its own GIL, if that is tried.
    """
    if is_free_threaded():
        return _merge(None, _in_child(target, "main"), "this Python has no GIL, so no interpreters with their own")
    if not supports_own_gil():
        version = ".".join(map(str, sys.version_info[:3]))
        plain = _in_child(target, "main")
        return _merge(
            None, plain, f"Python {version} has no dependable interpreters with their own GIL; CPython 3.13 has"
        )
    if not own_gil:
        return _merge(None, _in_child(target, "main"), "not tried")
    isolated = _in_child(target, "own-gil", meanwhile)
    if isolated.loaded:
        return Trial(
            own_gil=True,
            refusals=tuple(failure for failure in isolated.failures if _says_refused(failure.message)),
            settings=isolated.settings,
            routes=isolated.routes,
            warnings=isolated.warnings,
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
    warnings: tuple[str, ...] = ()
    parallel_threads: bool = False


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
    return Trial(
        own_gil=False,
        reason=reason,
        refusals=refusals,
        settings=plain.settings,
        routes=plain.routes,
        warnings=plain.warnings,
        parallel_threads=plain.parallel_threads,
    )


def _in_child(target: AppTarget, mode: str, meanwhile: Callable[[], None] | None = None) -> _Attempt:
    """Run `_trial_child` and collect its report. Files in memory take it and the app's output: no pipe can fill up."""
    with os.fdopen(os.memfd_create("report"), "r+b") as report, os.fdopen(os.memfd_create("output"), "r+b") as output:
        try:
            child = subprocess.Popen(
                [sys.executable, *interpreter_flags(), "-m", "fasterapi._trial_child", mode, str(report.fileno())],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[report.fileno()],
            )
        except OSError as error:
            from fasterapi._threads import explain

            summary = f"the process that tries the app cannot be started: {explain(error)}"
            return _Attempt(error=f"{summary}\n", summary=summary)
        try:
            _tell(child, target.encode())
            if meanwhile is not None:
                meanwhile()
            child.wait(TRIAL_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            late = f"importing the app took more than {TRIAL_TIMEOUT_S:.0f} s"
            return _Attempt(error=f"{late}\n", summary=late, output=_text_of(output))
        except BaseException:
            child.kill()
            child.wait()
            raise
        return _collect(report, child.returncode, output)


def _tell(child: subprocess.Popen[bytes], text: str) -> None:
    """Write all that the child's standard input has to say; a child that is dead already tells by its end."""
    assert child.stdin is not None
    with suppress(BrokenPipeError), child.stdin as stdin:
        stdin.write(text.encode())


def _collect(report: IO[bytes], status: int, output: IO[bytes]) -> _Attempt:
    """Read the report line by line: the child may have died at any of them."""
    attempt = _Attempt()
    report.seek(0)
    loading: list[str] = []
    ended = False
    for line in report:
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
            attempt.warnings = tuple(value["warnings"])
            attempt.parallel_threads = value["parallel_threads"]
    attempt.output = _text_of(output)
    if not ended:
        from signal import Signals

        ending = f"was killed by {Signals(-status).name}" if status < 0 else f"exited with status {status}"
        attempt.summary = f"importing the app {ending}{f' while it loaded {loading[-1]}' if loading else ''}"
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


def _says_refused(message: str) -> bool:
    return "subinterpreter" in message.lower().replace("-", "")


def _text_of(output: IO[bytes]) -> str:
    output.seek(0)
    return output.read().decode("utf-8", "replace")
