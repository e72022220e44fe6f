"""What a test and the handlers of its server tell each other while a handler is busy: gates and a diary.

A gate is a FIFO. A handler that passes it (`pass_gate(name)` of SOURCE) is stuck in a system call, until the test opens
it. The diary is a file to which handlers append lines (`note(text)`).
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["SOURCE", "WAIT_S", "Diary", "Gate", "wait_for_another", "wait_until"]

WAIT_S = 30.0

SOURCE = """
import ctypes
import os

def note(text):
    diary = os.open("diary", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(diary, (str(text) + "\\n").encode())
    os.close(diary)

def pass_gate(name):
    with open(name) as gate:
        gate.read()

# Inside of C with the GIL held: nothing interrupts it.
def pass_gate_with_gil(name):
    gate = os.open(name, os.O_RDONLY)
    ctypes.PyDLL(None).read(gate, ctypes.create_string_buffer(1), ctypes.c_size_t(1))
    os.close(gate)
"""
"""What an app's source begins with."""


def wait_until(true: Callable[[], bool], what: str, timeout_s: float = WAIT_S) -> None:
    """Returns once it is true; fails where it does not become so in time."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.002)


def wait_for_another[T](ask: Callable[[], T | None], than: T | None, what: str) -> T:
    """Asks until it gives something else than that and None; returns it."""
    found: T | None = None

    def is_another() -> bool:
        nonlocal found
        found = ask()
        return found not in (than, None)

    wait_until(is_another, what)
    assert found is not None
    return found


class Gate:
    """Closed until open() is called, for the handlers that have come to it; then closed again for the next."""

    def __init__(self, folder: Path, name: str = "gate") -> None:
        self.name = name
        self._path = folder / name
        os.mkfifo(self._path)
        self._writer: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self.open()

    def wait_for_somebody(self) -> None:
        """Returns when a handler is stuck at it."""

        def is_there() -> bool:
            try:
                self._writer = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
            return self._writer is not None

        assert self._writer is None, "somebody is there already"
        wait_until(is_there, f"a handler comes to {self.name}")

    def open(self) -> None:
        """Lets whoever is there go on."""
        assert self._writer is not None, "nobody is there"
        os.close(self._writer)
        self._writer = None


class Diary:
    """The lines that handlers have noted."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "diary"

    def lines(self) -> list[str]:
        """All of them, oldest first."""
        return self._path.read_text().splitlines() if self._path.exists() else []

    def wait_for(self, line: str, times: int = 1) -> None:
        """Returns once that line has been noted so often."""
        wait_until(lambda: self.lines().count(line) >= times, f"{line!r} in {self.lines()}")
