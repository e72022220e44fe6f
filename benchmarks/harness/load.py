"""The load: wrk on its own core, its counters as a value."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass

from benchmarks.harness import places
from benchmarks.harness.workload import Workload

__all__ = ["Load", "LoadFailed", "run_load"]

GRACE_S = 15


class LoadFailed(Exception):
    """wrk did not end well; its text is the reason."""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk counted over one run. Latencies are of a closed loop: they grow with the number of connections."""

    requests: int
    seconds: float
    p50_us: int
    p99_us: int
    errors: int  # refused, broken and timed-out connections, and answers that are not 2xx or 3xx


def run_load(
    port: int, workload: Workload, *, seconds: int, connections: int = 64, core: int | None = None, threads: int = 1
) -> Load:
    """Repeats the workload's request for `seconds` and returns when wrk has ended. Raises LoadFailed."""
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "5s"]
    command += ["-s", str(places.LOAD_SCRIPT), f"http://127.0.0.1:{port}{workload.path}"]
    if core is not None:
        command = ["taskset", "--cpu-list", str(core), *command]
    environment = {
        **os.environ,
        "BENCH_METHOD": workload.method,
        "BENCH_BODY": (workload.body or b"").decode(),
    }
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=seconds + GRACE_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LoadFailed(f"wrk did not end within {GRACE_S} s after its time") from error
    for line in done.stdout.splitlines():
        if line.startswith("BENCH "):
            return read_report(line.removeprefix("BENCH "))
    raise LoadFailed(f"wrk said nothing: {(done.stderr or done.stdout).strip()[-200:]}")


def read_report(line: str) -> Load:
    counters: dict[str, int] = json.loads(line)
    kinds = ("connect_errors", "read_errors", "write_errors", "timeouts", "status_errors")
    return Load(
        requests=counters["requests"],
        seconds=counters["duration_us"] / 1e6,
        p50_us=counters["p50_us"],
        p99_us=counters["p99_us"],
        errors=sum(counters[kind] for kind in kinds),
    )
