"""`fasterapi run --stats`: what the server does, renewed every second on a terminal, a line at a time elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self, TextIO

from fasterapi import _threads
from fasterapi.stats import Figures, RouteStats, Stats

__all__ = ["StatsView", "line", "render"]

TERMINAL_INTERVAL_S = 1.0
LINE_INTERVAL_S = 5.0

_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"
# The frame appears at once where a terminal knows these, and they mean nothing to others.
_BEGIN_FRAME, _END_FRAME = "\x1b[?2026h", "\x1b[?2026l"
_HOME, _CLEAR_LINE, _CLEAR_REST, _CLEAR_ALL = "\x1b[H", "\x1b[K", "\x1b[J", "\x1b[2J"

_WORKER_COLUMNS = (
    ("worker", 6),
    ("pid", 8),
    ("req/s", 9),
    ("p50", 8),
    ("p99", 8),
    ("inline", 7),
    ("pool", 6),
    ("gil p99", 8),
    ("open", 6),
    ("busy", 6),
    ("handed", 7),
    ("ended", 6),
)
_ROUTE_COLUMNS = (("req/s", 9), ("p50", 8), ("p99", 8), ("p99.9", 8), ("pool", 6), ("5xx", 6), ("late", 6))


def render(now: Stats, change: Stats, *, width: int, height: int, colour: bool = False) -> list[str]:
    """The lines of the view, at most `height` of at most `width` characters.

    `now` is the newest reading and `change` what happened since the one before.
    """
    bold, dim, reset = (_BOLD, _DIM, _RESET) if colour else ("", "", "")
    total, rest = _filled(_shown_total(now, change), width), _filled(_shown_rest(now), width)
    lines = [*total, *rest, ""]
    styles = [*[bold] * len(total), *[""] * len(rest), ""]

    def table(heading: str, rows: Sequence[str]) -> None:
        lines.extend([heading, *rows])
        styles.extend([dim, *[""] * len(rows)])

    changed = {worker.index: worker for worker in change.workers}
    workers = [
        _worker_row(worker.index, worker.pid if worker.alive else 0, worker, changed[worker.index], change.uptime_s)
        for worker in now.workers
    ]
    table(_row([name for name, _ in _WORKER_COLUMNS], _WORKER_COLUMNS), workers)
    lines.append("")
    styles.append("")
    routes = [f"{_route_row(route, change.uptime_s)}  {route.name}" for route in change.routes]
    table(_row([name for name, _ in _ROUTE_COLUMNS], _ROUTE_COLUMNS) + "  route", routes)
    cut = [text[:width] for text in lines[:height]]
    return [f"{style}{text}{reset}" if style else text for text, style in zip(cut, styles, strict=False)]


def line(now: Stats, change: Stats) -> str:
    """The same in one line, for a log."""
    return (
        f"stats: {_rate(change.requests, change.uptime_s)} req/s, p50 {_time(change.latency.p50_s)}, "
        f"p99 {_time(change.latency.p99_s)}, pool {_share(change.pooled_share)}, "
        f"gil p99 {_time(change.gil_wait.p99_s)}, {now.connections_open} open, {now.in_flight} busy, "
        f"{now.hand_overs} handed over, {now.interruptions} interrupted, "
        f"{''.join(f'{queued}, ' for queued in _shown_queue(now))}{now.requests_refused} refused, "
        f"{_size(now.memory_bytes)}"
    )


def _filled(facts: Sequence[str], width: int) -> list[str]:
    """As many of them on a line as it has room for."""
    lines = list(facts[:1])
    for fact in facts[1:]:
        longer = f"{lines[-1]}   {fact}"
        if len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(fact)
    return lines


def _shown_total(now: Stats, change: Stats) -> list[str]:
    alive = sum(worker.alive for worker in now.workers)
    return [
        f"{_rate(change.requests, change.uptime_s)} req/s",
        f"p50 {_time(change.latency.p50_s)}",
        f"p99 {_time(change.latency.p99_s)}",
        f"inline {_share(1 - change.pooled_share)}",
        f"pool {_share(change.pooled_share)}",
        f"{alive} worker{'' if alive == 1 else 's'}",
        f"up {_span(now.uptime_s)}",
    ]


def _shown_rest(now: Stats) -> list[str]:
    return [
        f"{_size(now.memory_bytes)} memory",
        f"{now.connections_open} open",
        f"{now.in_flight} busy",
        *_shown_queue(now),
        f"{now.hand_overs} handed over",
        f"{now.interruptions} interrupted",
        f"{now.timeouts} late",
        f"{now.requests_refused} refused",
        "answers " + ("  ".join(f"{name} {count}" for name, count in now.answers.items()) or "none"),
    ]


def _shown_queue(now: Stats) -> list[str]:
    """What waits for the pool, where this process has one."""
    return [] if now.pool is None else [f"{now.pool.queued} queued"]


def _worker_row(index: int, pid: int, now: Figures, change: Figures, seconds: float) -> str:
    cells = (
        str(index),
        str(pid) if pid else "ended",
        _rate(change.requests, seconds),
        _time(change.latency.p50_s),
        _time(change.latency.p99_s),
        _share(1 - change.pooled_share),
        _share(change.pooled_share),
        _time(change.gil_wait.p99_s),
        str(now.connections_open),
        str(now.in_flight),
        str(now.hand_overs),
        str(now.interruptions),
    )
    return _row(cells, _WORKER_COLUMNS)


def _route_row(change: RouteStats, seconds: float) -> str:
    cells = (
        _rate(change.requests, seconds),
        _time(change.latency.p50_s),
        _time(change.latency.p99_s),
        _time(change.latency.p999_s),
        _share(change.pooled_share),
        str(change.errors),
        str(change.timeouts),
    )
    return _row(cells, _ROUTE_COLUMNS)


def _row(cells: Sequence[str], columns: Sequence[tuple[str, int]]) -> str:
    return " ".join(cell.rjust(size) for cell, (_, size) in zip(cells, columns, strict=True))


def _rate(count: int, seconds: float) -> str:
    return f"{count / seconds if seconds > 0 else 0:,.0f}"


def _share(share: float) -> str:
    return f"{share:.0%}"


def _time(seconds: float) -> str:
    if seconds == 0:
        return "-"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def _size(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB"


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


class StatsView:
    """The live view of the server that this process runs: a thread that lasts as long as the `with`.

    On a terminal it takes the whole screen and renews it in place; otherwise it writes a line every few seconds.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._is_terminal = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._colour = self._is_terminal and not os.environ.get("NO_COLOR")
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stats-view", daemon=True)
        self._size: os.terminal_size | None = None

    def __enter__(self) -> Self:
        _threads.start(self._thread)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        from fasterapi import stats

        before = stats.read()
        while not self._ending.wait(TERMINAL_INTERVAL_S if self._is_terminal else LINE_INTERVAL_S):
            now = stats.read()
            try:
                self._show(now, now.since(before))
            except OSError:
                return  # nobody looks any more
            before = now

    def _show(self, now: Stats, change: Stats) -> None:
        if self._is_terminal:
            self._stream.write(self._frame(now, change))
        else:
            self._stream.write(line(now, change) + "\n")
        self._stream.flush()

    def _frame(self, now: Stats, change: Stats) -> str:
        size = shutil.get_terminal_size()
        start = _HOME
        if size != self._size:
            # What was on the screen stays where one scrolls back to.
            start = (_CLEAR_ALL if self._size else "\n" * size.lines) + _HOME
            self._size = size
        lines = render(now, change, width=size.columns, height=size.lines - 1, colour=self._colour)
        return _BEGIN_FRAME + start + "".join(f"{text}{_CLEAR_LINE}\n" for text in lines) + _CLEAR_REST + _END_FRAME
