"""The rows of the table: what is measured, what is asked of it, and beside whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["OURS", "ROWS", "Bound", "Medians", "Row"]

OURS = "ours"

Medians = Mapping[tuple[str, str], float]
"""(what, by) → the median of the raw figures: nanoseconds, bytes, or a plain number."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What is asked of a row. `met` may raise KeyError where a figure that it needs is missing."""

    text: str
    met: Callable[[Medians], bool]


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `scale` divides the raw figures, so that they come out in `unit`."""

    what: str
    title: str
    unit: str
    scale: float
    peers: tuple[str, ...]
    bound: Bound | None = None

    @property
    def contestants(self) -> tuple[str, ...]:
        return (OURS, *self.peers)


def below(what: str, raw: float, text: str) -> Bound:
    return Bound(text, lambda medians: medians[what, OURS] < raw)


def at_least(what: str, raw: float, text: str) -> Bound:
    return Bound(text, lambda medians: medians[what, OURS] >= raw)


def times_as_fast(what: str, factor: float, peer: str) -> Bound:
    return Bound(f"{factor:g}x {peer}", lambda medians: medians[what, peer] >= factor * medians[what, OURS])


def like(what: str, other: str, factor: float, text: str) -> Bound:
    """At most `factor` times our own figure in another row."""
    return Bound(text, lambda medians: medians[what, OURS] <= factor * medians[other, OURS])


US, MS, MB = 1e3, 1e6, 1e6

THREADS = "ThreadPoolExecutor"
PROCESSES = "ProcessPoolExecutor"
INTERPRETERS = "InterpreterPoolExecutor"
BOOST_SPSC, BOOST_MPMC, LOCKED = "boost::lockfree::spsc_queue", "boost::lockfree::queue", "mutex queue"

ROWS: tuple[Row, ...] = (
    Row(
        "spsc-stream",
        "`spsc_queue`: push and pop, one way across two cores",
        "ns",
        1,
        (BOOST_SPSC, LOCKED),
        below("spsc-stream", 50, "< 50 ns"),
    ),
    Row("spsc-one-way", "the same with one value at a time, until it is seen", "ns", 1, (BOOST_SPSC, LOCKED)),
    Row(
        "spsc-same-thread",
        "`spsc_queue`: push and pop on one thread",
        "ns",
        1,
        (BOOST_SPSC, LOCKED),
        below("spsc-same-thread", 5, "< 5 ns"),
    ),
    Row(
        "mpmc-2x2",
        "`mpmc_queue`: push and pop, 2x2 threads",
        "ns",
        1,
        (BOOST_MPMC, LOCKED),
        below("mpmc-2x2", 100, "< 100 ns"),
    ),
    Row("coroutine-switch", "coroutine switch", "ns", 1, (), below("coroutine-switch", 20, "< 20 ns")),
    Row("coroutine-call", "making a coroutine and awaiting it", "ns", 1, ()),
    Row("future-same-thread", "promise, result and future on one thread", "ns", 1, ("std::future",)),
    Row("future-round-trip", "promise to a thread that is awake, result back", "µs", US, ("std::future",)),
    Row(
        "dispatch",
        "`submit`, not counting the wait for the result",
        "µs",
        US,
        (THREADS, INTERPRETERS),
        below("dispatch", 1 * US, "< 1 µs"),
    ),
    Row(
        "attach",
        "attach to an uncontended interpreter",
        "µs",
        US,
        ("PyGILState", "PyGILState, thread state kept"),
        below("attach", 0.2 * US, "< 0.2 µs"),
    ),
    Row(
        "round-trip-awake",
        "no-op round trip, worker awake",
        "µs",
        US,
        (THREADS, INTERPRETERS),
        below("round-trip-awake", 2 * US, "< 2 µs"),
    ),
    Row(
        "round-trip-asleep",
        "no-op round trip, worker asleep",
        "µs",
        US,
        (THREADS, INTERPRETERS),
        below("round-trip-asleep", 10 * US, "< 10 µs"),
    ),
    Row(
        "python-no-op",
        "Python: no-op `submit().result()`, 2 workers",
        "µs",
        US,
        (THREADS, PROCESSES, INTERPRETERS, "loky"),
        times_as_fast("python-no-op", 2, THREADS),
    ),
    Row(
        "python-burst",
        "Python: 1,000 no-op calls submitted at once, each",
        "µs",
        US,
        (THREADS, PROCESSES, INTERPRETERS, "loky"),
    ),
    Row(
        "python-map",
        "Python: CPU-bound `map`, 2 workers against one",
        "x",
        1,
        (PROCESSES, "joblib"),
        at_least("python-map", 1.9, "≥ 1.9x"),
    ),
    Row("python-map-time", "Python: the same `map` with 2 workers", "ms", MS, (PROCESSES, "joblib")),
    Row("python-small", "Python: call with 64 bytes", "µs", US, (PROCESSES,)),
    Row(
        "python-view",
        "Python: call with a `memoryview` of 64 MB",
        "µs",
        US,
        (PROCESSES,),
        like("python-view", "python-small", 2, "as with 64 bytes"),
    ),
    Row(
        "python-bytes",
        "Python: call with 64 MB of `bytes`",
        "µs",
        US,
        (PROCESSES,),
        like("python-bytes", "python-small", 2, "as with 64 bytes"),
    ),
    Row(
        "memory",
        "memory of one more bare interpreter",
        "MB",
        MB,
        ("a process",),
        below("memory", 3 * MB, "≤ 3 MB"),
    ),
    Row("memory-worker", "Python: memory of one more worker", "MB", MB, (PROCESSES, "loky")),
)
"""In the order of the table."""
