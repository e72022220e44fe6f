"""The rows of the table, in its order."""

from __future__ import annotations

from benchmarks.robustness.crowded import CROWDED
from benchmarks.robustness.fast_path import FAST_PATH
from benchmarks.robustness.faulty import FAULTY
from benchmarks.robustness.growing import GROWING
from benchmarks.robustness.killed import KILLED
from benchmarks.robustness.overloaded import OVERLOADED
from benchmarks.robustness.row import Row
from benchmarks.robustness.signalled import RELOADED, STOPPED
from benchmarks.robustness.stalled import ENDLESS, STALLED, STUCK

__all__ = ["ROWS"]

ROWS: tuple[Row, ...] = (
    STALLED,
    ENDLESS,
    STUCK,
    FAST_PATH,
    CROWDED,
    STOPPED,
    RELOADED,
    KILLED,
    GROWING,
    FAULTY,
    OVERLOADED,
)
