"""What the server did since it started: requests, latencies, how full it is, and where handlers ran.

Every worker counts for itself, in memory that all processes of the server see; the counts are put together when they
are asked for. They go on when a worker is replaced. Numbers that belong together may be a few requests apart.

>>> import fasterapi.stats
>>> fasterapi.stats.Durations.of({1000: 98, 9000: 2}, total_ns=116_000, slowest_ns=8500).p99_s
8.5e-06
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from fasterapi.exceptions import FasterAPIError

__all__ = ["Durations", "Figures", "PoolStats", "ProcessStats", "RouteStats", "Stats", "WorkerStats", "read"]

# The name under which requests are counted that found no route.
NO_ROUTE = "(no route)"

_CLASSES = ("other", "1xx", "2xx", "3xx", "4xx", "5xx")


@dataclass(frozen=True, slots=True)
class Durations:
    """How long something took, in seconds; 0 where it never happened. Percentiles are exact to 12.5 %."""

    count: int = 0
    mean_s: float = 0.0
    p50_s: float = 0.0
    p90_s: float = 0.0
    p99_s: float = 0.0
    p999_s: float = 0.0
    max_s: float = 0.0

    @classmethod
    def of(cls, buckets: Mapping[int, int], *, total_ns: int, slowest_ns: int | None = None) -> Self:
        """From counts by the upper end of their bucket in ns. `slowest_ns` is the longest, where that is known."""
        count = sum(buckets.values())
        if count == 0:
            return cls()
        ends = sorted(buckets)
        longest = ends[-1] if slowest_ns is None else min(slowest_ns, ends[-1])

        def percentile(share: float) -> float:
            seen = 0
            for end in ends:
                seen += buckets[end]
                if seen >= share * count:
                    return min(end, longest) / 1e9
            return longest / 1e9

        return cls(
            count=count,
            mean_s=total_ns / count / 1e9,
            p50_s=percentile(0.5),
            p90_s=percentile(0.9),
            p99_s=percentile(0.99),
            p999_s=percentile(0.999),
            max_s=longest / 1e9,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one worker did, or several together.

    `latency` is the time from the turn in which a request's head was complete to its answer; `turns` that of the event
    loop's turns, callbacks included, and `gil_wait` that of taking the GIL back after waiting for I/O, both of every
    eighth turn. `requests_refused` were answered 503 because a bound was reached or their worker was stuck. `in_flight`
    are requests whose handlers have not ended, those included that were answered with 504 or whose client is gone.
    """

    connections_open: int
    connections_accepted: int
    connections_refused: int
    requests: int
    requests_refused: int
    in_flight: int
    answers: Mapping[str, int]
    answered_without_handler: int
    run_inline: int
    run_pooled: int
    hand_overs: int
    timeouts: int
    interruptions: int
    stuck: int
    log_lines_dropped: int
    bytes_in: int
    bytes_out: int
    unsent_bytes: int
    latency: Durations
    turns: Durations
    gil_wait: Durations

    @property
    def pooled_share(self) -> float:
        """Of the requests that had a handler, those that ran in the pool: 0 to 1."""
        handled = self.run_inline + self.run_pooled
        return self.run_pooled / handled if handled else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStats(Figures):
    """One worker. `starts` counts how often it was started; `uptime_s` is that of the last time, 0 if it has ended."""

    index: int
    pid: int
    alive: bool
    starts: int
    uptime_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteStats:
    """One route of all workers together, by its methods, path and handler. `errors` are answers with 5xx."""

    name: str
    requests: int
    errors: int
    timeouts: int
    run_inline: int
    run_pooled: int
    answers: Mapping[str, int]
    latency: Durations

    @property
    def pooled_share(self) -> float:
        """Of the requests that had a handler, those that ran in the pool: 0 to 1."""
        handled = self.run_inline + self.run_pooled
        return self.run_pooled / handled if handled else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStats:
    """One process of the server: the workers that it has now, and its resident memory in bytes (0: unknown).

    `workers` is empty for the supervisor of the strategy `processes`, which serves nothing itself.
    """

    pid: int
    workers: tuple[int, ...]
    requests: int
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStats:
    """The pooled workers of the process that asked, since it started; times in seconds.

    `queued` calls wait and `running` ones run now; `executed` ended; `rejected` found the queue full. `replaced`
    interpreters had code in them that would not end; of those `stuck` it has not ended yet.
    """

    queued: int
    running: int
    executed: int
    rejected: int
    replaced: int
    stuck: int
    queue_wait_p50_s: float
    queue_wait_p99_s: float
    run_time_p50_s: float
    run_time_p99_s: float
    gil_wait_p50_s: float
    gil_wait_p99_s: float

    @classmethod
    def of(cls, raw: Mapping[str, int]) -> Self:
        """From what the engine says."""
        counts = {name: raw[name] for name in ("queued", "running", "executed", "rejected", "replaced", "stuck")}
        times = {f"{name[:-3]}_s": value / 1e9 for name, value in raw.items() if name.endswith("_ns")}
        return cls(**counts, **times)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats(Figures):
    """The whole server: its figures, and those of each worker, route and process.

    `pid` is the process that asked, `pool` its pooled workers (None where it has none), and `moves` the last handlers
    that were moved between its workers and its pool, and why.
    """

    pid: int
    uptime_s: float
    memory_bytes: int
    workers: tuple[WorkerStats, ...]
    routes: tuple[RouteStats, ...]
    processes: tuple[ProcessStats, ...]
    pool: PoolStats | None
    moves: tuple[str, ...]
    _raw: Mapping[str, Any] = field(repr=False, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """The figures as dicts, lists and numbers: what a handler may return as JSON."""
        raw = asdict(self)
        del raw["_raw"]
        return raw

    def since(self, earlier: Stats) -> Stats:
        """What happened between two readings. Gauges (open, in flight, unsent, memory) are those of this one."""
        places = {_key(place): place for place in earlier._raw["places"]}
        changes = [_difference(place, places.get(_key(place))) for place in self._raw["places"]]
        return _build({**self._raw, "created_ns": earlier._raw["now_ns"], "places": changes})


def read() -> Stats:
    """The figures of the server that this process belongs to. Raises FasterAPIError where it belongs to none."""
    from fasterapi import _engine

    raw = _engine.read_stats()
    if raw is None:
        raise FasterAPIError("no server runs in this process")
    return _build({**raw, "moves": [text for text, _ in _engine.read_moves()]})


def _build(raw: Mapping[str, Any]) -> Stats:
    now_ns = raw["now_ns"]
    by_worker: dict[int, list[Mapping[str, Any]]] = {}
    for place in raw["places"]:
        by_worker.setdefault(place["worker"], []).append(place)
    processes = tuple(_processes(raw))
    return Stats(
        pid=os.getpid(),
        uptime_s=(now_ns - raw["created_ns"]) / 1e9,
        memory_bytes=sum(process.memory_bytes for process in processes),
        workers=tuple(_worker(index, by_worker[index], now_ns) for index in sorted(by_worker)),
        routes=tuple(_routes(raw["places"])),
        processes=processes,
        pool=None if raw["pool"] is None else PoolStats.of(raw["pool"]),
        moves=tuple(raw.get("moves", ())),
        _raw=raw,
        **_figures(raw["places"]),
    )


def _worker(index: int, places: list[Mapping[str, Any]], now_ns: int) -> WorkerStats:
    last = max(places, key=lambda place: (place["live"], place["since_ns"]))
    return WorkerStats(
        index=index,
        pid=last["process"],
        alive=bool(last["live"]),
        starts=sum(place["shards"] for place in places),
        uptime_s=(now_ns - last["since_ns"]) / 1e9 if last["live"] else 0.0,
        **_figures(places),
    )


def _figures(places: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    places = list(places)
    counts: Counter[str] = Counter()
    for place in places:
        counts.update(place["counts"])
    routes = [route for place in places for route in place["routes"]]
    return {
        "connections_open": _gauge(places, "connections_accepted", "connections_closed"),
        "connections_accepted": counts["connections_accepted"],
        "connections_refused": counts["connections_refused"],
        "requests": counts["requests"],
        "requests_refused": counts["requests_refused"],
        "in_flight": _gauge(places, "handed_out", "completed"),
        "answers": _answers(routes),
        "answered_without_handler": counts["answered_without_handler"],
        "run_inline": counts["run_inline"],
        "run_pooled": counts["run_pooled"],
        "hand_overs": counts["hand_overs"],
        "timeouts": counts["timeouts"],
        "interruptions": counts["interruptions"],
        "stuck": counts["stuck"],
        "log_lines_dropped": counts["lines_dropped"],
        "bytes_in": counts["bytes_in"],
        "bytes_out": counts["bytes_out"],
        "unsent_bytes": _gauge(places, "queued", "settled"),
        "latency": _latency(routes),
        "turns": _durations([place["turns"] for place in places]),
        "gil_wait": _durations([place["gil_wait"] for place in places]),
    }


def _gauge(places: Iterable[Mapping[str, Any]], began: str, ended: str) -> int:
    """What began and has not ended; of a change between two readings, as it was at the second."""
    values = [place.get("gauges", place["counts"]) for place in places]
    return max(0, sum(int(value[began]) - int(value[ended]) for value in values))


def _answers(items: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    sums = [0] * len(_CLASSES)
    for item in items:
        sums = [mine + more for mine, more in zip(sums, item["answers"], strict=True)]
    return {name: count for name, count in zip(_CLASSES, sums, strict=True) if count}


def _durations(recorded: Iterable[Mapping[str, Any]], slowest_ns: int | None = None) -> Durations:
    buckets: Counter[int] = Counter()
    total_ns = 0
    for one in recorded:
        buckets.update(one["counts"])
        total_ns += one["total_ns"]
    return Durations.of(buckets, total_ns=total_ns, slowest_ns=slowest_ns)


def _latency(routes: list[Mapping[str, Any]]) -> Durations:
    slowest = max((route["slowest_ns"] for route in routes), default=0)
    return _durations([route["latency"] for route in routes], slowest)


def _routes(places: Iterable[Mapping[str, Any]]) -> list[RouteStats]:
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for place in places:
        for route in place["routes"]:
            by_name.setdefault(route["name"] or NO_ROUTE, []).append(route)
    made = [
        RouteStats(
            name=name,
            requests=sum(one["requests"] for one in all_of),
            errors=_answers(all_of).get("5xx", 0),
            timeouts=sum(one["timeouts"] for one in all_of),
            run_inline=sum(one["run_inline"] for one in all_of),
            run_pooled=sum(one["run_pooled"] for one in all_of),
            answers=_answers(all_of),
            latency=_latency(all_of),
        )
        for name, all_of in by_name.items()
    ]
    return sorted((route for route in made if route.requests), key=lambda route: (-route.requests, route.name))


def _processes(raw: Mapping[str, Any]) -> Iterable[ProcessStats]:
    workers: dict[int, list[Mapping[str, Any]]] = {raw["creator"]: []}
    for place in raw["places"]:
        workers.setdefault(place["process"], [])
        if place["live"]:
            workers[place["process"]].append(place)
    for pid, places in sorted(workers.items()):
        memory_bytes = _memory_of(pid)
        if not places and not memory_bytes:
            continue  # one that has ended
        yield ProcessStats(
            pid=pid,
            workers=tuple(sorted(place["worker"] for place in places)),
            requests=sum(place["counts"]["requests"] for place in places),
            memory_bytes=memory_bytes,
        )


def _memory_of(pid: int) -> int:
    """Resident memory in bytes; 0 where the process has ended."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            pages = int(file.read().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _key(place: Mapping[str, Any]) -> tuple[int, int, int]:
    return place["worker"], place["process"], place["since_ns"]


def _difference(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """A place's counts less what they were; `gauges` keeps those of now."""
    if before is None:
        return {**now, "gauges": now["counts"]}
    routes = {route["name"]: route for route in before["routes"]}
    return {
        **now,
        "gauges": now["counts"],
        "counts": _less(now["counts"], before["counts"]),
        "turns": _less_durations(now["turns"], before["turns"]),
        "gil_wait": _less_durations(now["gil_wait"], before["gil_wait"]),
        "routes": [_less_route(route, routes.get(route["name"])) for route in now["routes"]],
    }


def _less_route(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if before is None:
        return now
    sums = ("requests", "run_inline", "run_pooled", "timeouts")
    latency = _less_durations(now["latency"], before["latency"])
    return {
        **now,
        **{name: now[name] - before[name] for name in sums},
        # Of this time only the bucket of the slowest is known.
        "slowest_ns": min(now["slowest_ns"], max(latency["counts"], default=0)),
        "answers": [mine - less for mine, less in zip(now["answers"], before["answers"], strict=True)],
        "latency": latency,
    }


def _less_durations(now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    counts = _less(now["counts"], before["counts"])
    return {
        "total_ns": now["total_ns"] - before["total_ns"],
        "counts": {end: count for end, count in counts.items() if count > 0},
    }


def _less[Key](now: Mapping[Key, int], before: Mapping[Key, int]) -> dict[Key, int]:
    return {key: value - before.get(key, 0) for key, value in now.items()}
