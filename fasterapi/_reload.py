"""Restarting a child process whenever a Python file of the project changes: `fasterapi dev`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["Reloader", "changed_files", "snapshot"]

POLL_INTERVAL_S = 0.25
# How long the old child has to stop before it is killed: a developer waits for it.
STOP_TIMEOUT_S = 3.0
# Bounds what one look at the project costs; a directory tree with more is not all the project's own code.
FILES_MAX = 10_000

_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages"})


def snapshot(directories: Sequence[str]) -> dict[str, int]:
    """The modification times (ns) of the Python files at and below `directories`, by path."""
    times: dict[str, int] = {}
    for path in _python_files(directories):
        try:
            times[path] = os.stat(path).st_mtime_ns
        except FileNotFoundError:
            # Removed since it was listed: then it is no part of the project.
            continue
        if len(times) >= FILES_MAX:
            break
    return times


def changed_files(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    """The paths that were added, removed or written between two snapshots, sorted."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def _python_files(directories: Sequence[str]) -> Iterator[str]:
    for top in directories:
        for directory, inner, files in os.walk(top):
            inner[:] = [name for name in inner if _is_projects_own(directory, name)]
            yield from (os.path.join(directory, name) for name in files if name.endswith(".py"))


def _is_projects_own(directory: str, name: str) -> bool:
    if name.startswith(".") or name in _SKIPPED:
        return False
    return not os.path.exists(os.path.join(directory, name, "pyvenv.cfg"))


class Reloader:
    """Runs `command` until a signal stops it, and starts it anew on each change. Lives on the main thread."""

    def __init__(
        self, command: Sequence[str], directories: Sequence[str], *, say: Callable[[str], None] | None = None
    ) -> None:
        self._command = list(command)
        self._directories = list(directories)
        self._say = say or _say
        self._stopped_by: int | None = None

    def run(self) -> int:
        """Returns the exit status: 0 where a signal stopped it."""
        previous = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            while self._stopped_by is None:
                before = snapshot(self._directories)
                child = subprocess.Popen(self._command, process_group=0)
                changes = self._wait_for_change(child, before)
                self._stop(child)
                if changes:
                    shown = ", ".join(os.path.relpath(path) for path in changes[:3])
                    self._say(f"{shown}{' and more' if len(changes) > 3 else ''} changed: starting again")
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
        return 0

    def _wait_for_change(self, child: subprocess.Popen[bytes], before: Mapping[str, int]) -> list[str]:
        told = False
        while self._stopped_by is None:
            changes = changed_files(before, snapshot(self._directories))
            if changes:
                return changes
            if child.poll() is not None and not told:
                told = True
                self._say("the server has ended; it starts again when a file changes")
            time.sleep(POLL_INTERVAL_S)
        return []

    def _stop(self, child: subprocess.Popen[bytes]) -> None:
        if child.poll() is None:
            child.terminate()
        try:
            child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _on_signal(self, number: int, frame: object) -> None:
        self._stopped_by = number


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()
