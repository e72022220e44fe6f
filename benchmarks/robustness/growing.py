"""Memory over millions of requests, under every strategy."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress

from benchmarks.harness import places
from benchmarks.harness.process import ServerProcess
from benchmarks.harness.server import Server
from benchmarks.harness.soak import growth, soak
from benchmarks.harness.workload import WORKLOADS
from benchmarks.robustness.row import Figures, Row
from benchmarks.robustness.scale import Scale

__all__ = ["GROWING"]

ALLOWED = 0.01
MINUTES_MAX = 15.0


def measure(strategy: str, scale: Scale) -> Figures:
    server = Server.of_app(places.APPS / "ours.py", "--strategy", strategy, name=f"growing-{strategy}", label=strategy)
    with ServerProcess(server, cores=None) as process, Progress(console=Console(quiet=True)) as progress:
        process.wait_ready()
        for workload in WORKLOADS:
            process.check(workload, workload.answer)
        samples = soak(process, scale.growth_requests, 1, MINUTES_MAX, progress)
    return {
        "requests": samples[-1].requests,
        "rss_mb": samples[-1].rss / 1e6,
        "growth": growth(samples, scale.growth_requests),
    }


GROWING = Row(
    "growing",
    "memory, from a tenth of the requests to all",
    "RSS ≤ +1 %",
    ("pinned", "pooled", "auto", "threads", "processes"),
    measure,
    lambda rounds: (
        f"{rounds.median('growth'):+.2%} of {rounds.median('rss_mb'):.0f} MB over "
        f"{rounds.median('requests'):,.0f} requests"
    ),
    lambda rounds: rounds.median("growth") <= ALLOWED,
    lambda scale: 1,
)
