"""What the fast path costs beside the limit, and beside what it cost before handlers could be handed over."""

from __future__ import annotations

from benchmarks.harness import places
from benchmarks.harness.campaign import LIMIT, OURS, Campaign, NotMeasured, Settings, Step
from benchmarks.harness.limit import build_limit
from benchmarks.harness.result import read_result
from benchmarks.harness.server import load_servers
from benchmarks.harness.workload import WORKLOADS, workload_named
from benchmarks.robustness import row
from benchmarks.robustness.row import Figures, Row
from benchmarks.robustness.scale import Scale

__all__ = ["FAST_PATH", "FLOORS"]

# Ratio to the limit's CPU time per request, at least.
FLOORS = {
    "def-json": 0.80,
    "async-json": 0.72,
    "sleep-json": 0.36,
    "typed": 0.75,
    "post-json": 0.60,
    "text-10k": 0.80,
}


def recorded_us(workload: str) -> float:
    """What `make bench` recorded last. Raises NotMeasured where it has not."""
    for entry in read_result(places.RESULTS / "cpu_per_request.json")["summary"]:
        if (entry["server"], entry["workload"]) == (OURS, workload):
            return float(entry["cpu_us"]["median"])
    raise row.NotMeasured(f"make bench has no figure of {workload}")


def measure(case: str, scale: Scale) -> Figures:
    build_limit()
    servers = load_servers()
    settings = Settings(rounds=1, seconds=max(1, round(scale.seconds)))
    found = Campaign(settings, servers[LIMIT]).measure(Step(1, workload_named(case), servers[OURS]))
    if isinstance(found, NotMeasured):
        raise row.NotMeasured(found.reason)
    assert found.ratio is not None, "the limit is measured beside it"
    return {
        "cpu_us": found.cpu_us,
        "recorded_us": recorded_us(case),
        "ratio": found.ratio,
        "floor": FLOORS[case],
        "foreign": found.foreign_share + found.steal_share,
    }


FAST_PATH = Row(
    "fast-path",
    "CPU time of a request, inline",
    "at or above its floor beside the limit",
    tuple(workload.name for workload in WORKLOADS),
    measure,
    lambda rounds: (
        f"{rounds.median('cpu_us'):.2f} µs (recorded {rounds.median('recorded_us'):.2f}); "
        f"{rounds.median('ratio'):.2f} of the limit (floor {rounds.median('floor'):.2f})"
    ),
    lambda rounds: rounds.median("ratio") >= rounds.median("floor"),
)
