"""`benchmarks/soak`: the memory of the server over millions of requests."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.harness import places
from benchmarks.harness.load import LoadFailed, run_load
from benchmarks.harness.measurement import Measurement
from benchmarks.harness.process import ServerFailed, ServerProcess
from benchmarks.harness.procfs import memory_of
from benchmarks.harness.result import Document
from benchmarks.harness.server import load_servers
from benchmarks.harness.workload import WORKLOADS

__all__ = ["Sample", "growth", "main"]

BASE_SHARE = 0.1  # of the requests: what comes before is warming up


@dataclass(frozen=True, slots=True)
class Sample:
    """The server's memory in bytes once it had answered so many requests."""

    requests: int
    rss: int


def growth(samples: list[Sample], requests: int) -> float:
    """Growth of RSS, as a share, from the first sample after a tenth of `requests` to the last.

    Raises ValueError where there are not two such samples.
    """
    counted = [sample for sample in samples if sample.requests >= requests * BASE_SHARE]
    if len(counted) < 2:
        raise ValueError("too few samples after the warm-up: ask for more requests")
    return counted[-1].rss / counted[0].rss - 1


def soak(server: ServerProcess, requests: int, seconds: int, minutes: float, progress: Progress) -> list[Sample]:
    """Loads the server with every workload in turn until `requests` are answered or `minutes` have passed."""
    samples = [Sample(0, memory_of(server.pids).rss)]
    task = progress.add_task("loading", total=requests)
    deadline = time.monotonic() + minutes * 60
    turn = 0
    while samples[-1].requests < requests and time.monotonic() < deadline:
        workload = WORKLOADS[turn % len(WORKLOADS)]
        turn += 1
        load = run_load(server.port, workload, seconds=seconds)
        server.check_alive()
        if load.errors:
            raise ServerFailed(f"{load.errors} of {load.requests} requests of {workload.name} failed")
        samples.append(Sample(samples[-1].requests + load.requests, memory_of(server.pids).rss))
        description = f"{workload.name}, {samples[-1].rss / 1e6:.1f} MB"
        progress.update(task, completed=samples[-1].requests, description=description)
    return samples


def main(words: list[str]) -> int:
    """Returns the exit status: 1 where memory grew by more than --allowed, or the server failed."""
    parser = argparse.ArgumentParser(prog="benchmarks/soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000, help="in all (1,000,000)")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=2, help="of each workload's turn (2)")
    parser.add_argument("--minutes", type=float, default=30, help="after which it stops in any case (30)")
    parser.add_argument("--allowed", type=float, default=0.01, help="growth of RSS after the first tenth (0.01)")
    parser.add_argument("--json", type=Path, default=places.RESULTS / "soak.json", metavar="FILE")
    arguments = parser.parse_args(words)
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    measurement = Measurement("soak")
    server = ServerProcess(load_servers()["ours"], cores=None, workers=arguments.workers)
    try:
        with server, Progress(*columns, console=console) as progress:
            server.wait_ready()
            for workload in WORKLOADS:
                server.check(workload, workload.answer)
            samples = soak(server, arguments.requests, arguments.seconds, arguments.minutes, progress)
        grown = growth(samples, arguments.requests)
    except (ServerFailed, LoadFailed, ValueError) as error:
        console.print(f"[red]FasterAPI: {error}", highlight=False)
        return 1
    last = samples[-1]
    console.print(f"{last.requests:,} requests, RSS {last.rss / 1e6:.1f} MB, grown by {grown:.2%}", highlight=False)
    figures: Document = {
        "summary": {"requests": last.requests, "rss": last.rss, "growth": round(grown, 5)},
        "runs": [asdict(sample) for sample in samples],
    }
    settings = {"requests": arguments.requests, "workers": arguments.workers, "seconds": arguments.seconds}
    measurement.write(arguments.json, console, settings, figures)
    return 0 if grown <= arguments.allowed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
