"""One run of a benchmark: what its result says beside the figures, and where that is written."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.harness.machine import commit, describe_machine
from benchmarks.harness.result import Document, write_result

__all__ = ["Measurement"]


class Measurement:
    """Begins when it is made."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._started = datetime.now(UTC)
        self._clock = time.monotonic()
        self._commit = commit()
        self._machine = describe_machine()

    def head(self, settings: Document) -> Document:
        """What every result begins with: when it was measured, at which commit, on which machine."""
        return {
            "kind": self._kind,
            "started": self._started.isoformat(timespec="seconds"),
            "took_s": round(time.monotonic() - self._clock, 1),
            **self._commit,
            "machine": self._machine,
            "settings": settings,
        }

    def write(self, path: Path, console: Console, settings: Document, figures: Document) -> None:
        """Replaces the result at `path`, and says so."""
        write_result(path, {**self.head(settings), **figures})
        console.print(f"written: {os.path.relpath(path)}", highlight=False)
