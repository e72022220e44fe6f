from __future__ import annotations

import json
import os
from typing import Any

import pytest

from fasterapi import App, stats
from fasterapi.exceptions import FasterAPIError
from fasterapi.stats import Durations, Stats

NO_DURATIONS: dict[str, Any] = {"total_ns": 0, "counts": {}}
COUNTS = [
    "connections_accepted",
    "connections_closed",
    "connections_refused",
    "requests",
    "handed_out",
    "completed",
    "run_inline",
    "run_pooled",
    "answered_without_handler",
    "bytes_in",
    "bytes_out",
    "queued",
    "settled",
    "hand_overs",
    "timeouts",
    "interruptions",
    "stuck",
    "lines_dropped",
]


def a_route(name: str, requests: int, *, counts: dict[int, int], slowest_ns: int, errors: int = 0) -> dict[str, Any]:
    return {
        "name": name,
        "requests": requests,
        "run_inline": requests,
        "run_pooled": 0,
        "timeouts": 0,
        "slowest_ns": slowest_ns,
        "answers": [0, 0, requests - errors, 0, 0, errors],
        "latency": {"total_ns": sum(end * count for end, count in counts.items()), "counts": counts},
    }


def a_place(worker: int, *routes: dict[str, Any], since_ns: int = 10, live: int = 1, **counts: int) -> dict[str, Any]:
    return {
        "worker": worker,
        "process": os.getpid(),
        "shards": 1,
        "live": live,
        "since_ns": since_ns,
        "counts": {**dict.fromkeys(COUNTS, 0), **counts},
        "turns": NO_DURATIONS,
        "gil_wait": NO_DURATIONS,
        "routes": list(routes),
    }


def read_from(*places: dict[str, Any], now_ns: int = 2_000_000_000) -> Stats:
    return stats._build({"created_ns": 0, "now_ns": now_ns, "creator": os.getpid(), "places": places, "pool": None})


def test_percentiles_are_the_ends_of_buckets_but_no_more_than_the_slowest() -> None:
    times = Durations.of({1000: 90, 2000: 9, 8000: 1}, total_ns=100_000, slowest_ns=7900)
    assert (times.count, times.mean_s) == (100, 1e-6)
    assert (times.p50_s, times.p90_s, times.p99_s, times.p999_s, times.max_s) == (1e-6, 1e-6, 2e-6, 7.9e-6, 7.9e-6)


def test_what_never_happened_took_no_time() -> None:
    assert Durations.of({}, total_ns=0) == Durations()


def test_workers_are_put_together() -> None:
    all_of = read_from(
        a_place(
            0,
            a_route("GET /a (a)", 3, counts={1000: 3}, slowest_ns=900),
            requests=3,
            handed_out=3,
            completed=2,
            run_inline=1,
            run_pooled=1,
            connections_accepted=2,
            connections_closed=1,
            queued=10,
            settled=4,
        ),
        a_place(
            1,
            a_route("GET /a (a)", 1, counts={9000: 1}, slowest_ns=8500, errors=1),
            a_route("", 2, counts={500: 2}, slowest_ns=400),
            requests=3,
        ),
    )
    assert (all_of.requests, all_of.in_flight, all_of.connections_open, all_of.unsent_bytes) == (6, 1, 1, 6)
    assert all_of.answers == {"2xx": 5, "5xx": 1}
    assert all_of.pooled_share == 0.5
    assert all_of.latency.max_s == 8.5e-6
    first, second = all_of.routes
    assert (first.name, first.requests, first.errors, first.latency.count) == ("GET /a (a)", 4, 1, 4)
    assert (second.name, second.requests) == (stats.NO_ROUTE, 2)
    assert [worker.requests for worker in all_of.workers] == [3, 3]
    assert all_of.processes[0].workers == (0, 1)
    assert all_of.memory_bytes > 0


def test_a_replaced_worker_keeps_its_counts() -> None:
    (worker,) = read_from(a_place(0, requests=5, live=0), a_place(0, requests=2, since_ns=1_000_000_000)).workers
    assert (worker.requests, worker.starts, worker.alive, worker.uptime_s) == (7, 2, True, 1.0)


def test_a_difference_has_what_happened_between_and_the_gauges_of_now() -> None:
    before = read_from(
        a_place(0, a_route("GET /a (a)", 2, counts={1000: 2}, slowest_ns=999), requests=2, connections_accepted=5)
    )
    after = read_from(
        a_place(
            0,
            a_route("GET /a (a)", 5, counts={1000: 2, 4000: 3}, slowest_ns=9999),
            requests=5,
            connections_accepted=6,
            connections_closed=2,
        ),
        a_place(1, requests=7),
        now_ns=4_000_000_000,
    )
    change = after.since(before)
    assert (change.uptime_s, change.requests, change.connections_open) == (2.0, 10, 4)
    (route,) = change.routes
    assert (route.requests, route.latency.p50_s, route.latency.max_s) == (3, 4e-6, 4e-6)
    assert [worker.requests for worker in change.workers] == [3, 7]


def test_a_pool_tells_its_queue_and_times() -> None:
    raw = dict.fromkeys(("executed", "rejected", "replaced", "queued", "running", "stuck"), 3)
    raw |= {f"{name}_{share}_ns": 1_500 for name in ("queue_wait", "run_time", "gil_wait") for share in ("p50", "p99")}
    pool = stats.PoolStats.of(raw)
    assert (pool.queued, pool.stuck, pool.queue_wait_p99_s, pool.gil_wait_p50_s) == (3, 3, 1.5e-6, 1.5e-6)


def test_they_are_json() -> None:
    made = read_from(a_place(0, a_route("GET /a (a)", 1, counts={10: 1}, slowest_ns=9))).as_dict()
    assert json.loads(json.dumps(made))["routes"][0]["latency"]["count"] == 1
    assert "_raw" not in made


def test_without_a_server_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    # Whatever other tests of this process have launched.
    monkeypatch.setattr("fasterapi._engine.read_stats", lambda: None)
    with pytest.raises(FasterAPIError, match="no server runs"):
        App().stats()
