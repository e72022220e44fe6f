"""`benchmarks/profile`: where the CPU time of a request goes, by `perf`.

Each workload is measured twice: without `perf`, for the CPU time per request, and with it, for the shares.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.harness import places
from benchmarks.harness.campaign import LIMIT, OURS
from benchmarks.harness.figures import cpu_used_ns
from benchmarks.harness.limit import build_limit
from benchmarks.harness.load import LoadFailed, run_load
from benchmarks.harness.machine import missing_tool
from benchmarks.harness.measurement import Measurement
from benchmarks.harness.process import ServerFailed, ServerProcess
from benchmarks.harness.result import Document
from benchmarks.harness.server import Server, load_servers
from benchmarks.harness.stacks import AREAS, count_areas
from benchmarks.harness.workload import WORKLOAD_NAMES, Workload, add_workload_option, workload_named

__all__ = ["main"]

SAMPLES_PER_S = 5000
SERVER_CORE = 1
LOAD_CORE = 0


@dataclass(frozen=True, slots=True)
class Profile:
    server: str
    workload: str
    cpu_us: float
    samples: Counter[str]

    def area_us(self, area: str) -> float:
        """CPU time per request spent in that area."""
        return self.cpu_us * self.samples[area] / self.samples.total()

    def as_json(self) -> dict[str, object]:
        areas = {area: round(self.area_us(area), 3) for area in AREAS}
        samples = self.samples.total()
        return {
            "server": self.server,
            "workload": self.workload,
            "cpu_us": round(self.cpu_us, 3),
            "samples": samples,
            **areas,
        }


def profile(server: Server, workload: Workload, seconds: int) -> Profile:
    """Raises ServerFailed or LoadFailed."""
    recording = places.CACHE / "perf.data"
    answer = workload.limit_answer if server.name == LIMIT else workload.answer
    with ServerProcess(server, cores=(SERVER_CORE,), workload=workload) as process:
        process.wait_ready()
        process.check(workload, answer)
        run_load(process.port, workload, seconds=1, core=LOAD_CORE)
        before = process.cpu_times_ns()
        load = run_load(process.port, workload, seconds=seconds, core=LOAD_CORE)
        used_ns = cpu_used_ns(before, process.cpu_times_ns())
        command = ["perf", "record", "--quiet", "-g", "-F", str(SAMPLES_PER_S), "-o", str(recording)]
        watcher = subprocess.Popen(
            [*command, "-p", ",".join(map(str, process.pids))],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            run_load(process.port, workload, seconds=seconds, core=LOAD_CORE)
            watcher.terminate()
            said = watcher.communicate(timeout=60)[1]
        finally:
            watcher.kill()
            watcher.wait()
    script = ["perf", "script", "-i", str(recording), "-F", "comm,ip,sym,dso"]
    done = subprocess.run(script, capture_output=True, text=True, errors="replace", timeout=300, check=False)
    samples = count_areas(done.stdout.splitlines())
    if not samples:
        raise ServerFailed(f"perf took no samples: {(said or done.stderr).strip()[-300:]}")
    return Profile(server.name, workload.name, used_ns / 1e3 / load.requests, samples)


def profile_table(profiles: list[Profile], servers: dict[str, Server]) -> Table:
    table = Table(title="µs of CPU per request", title_justify="left", header_style="bold")
    table.add_column("")
    for column in profiles:
        table.add_column(f"{servers[column.server].label}\n{column.workload}", justify="right")
    for area in AREAS:
        table.add_row(area, *(f"{column.area_us(area):.2f}" for column in profiles))
    table.add_section()
    table.add_row("together", *(f"{column.cpu_us:.2f}" for column in profiles))
    return table


def main(words: list[str]) -> int:
    """Returns the exit status: 1 where perf is missing or nothing could be measured."""
    servers = load_servers()
    parser = argparse.ArgumentParser(prog="benchmarks/profile", description=__doc__)
    add_workload_option(parser)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args(words)
    console = Console(width=None if sys.stdout.isatty() else 140)
    if missing := missing_tool("perf", packages="linux-perf"):
        console.print(f"[red]{missing}")
        return 1
    build_limit()
    measurement = Measurement("profile")
    wanted = [(servers[LIMIT], workload_named("def-json"))]
    wanted += [(servers[OURS], workload_named(name)) for name in arguments.workload or WORKLOAD_NAMES]
    profiles = []
    with console.status("measuring") as status:
        for server, workload in wanted:
            status.update(f"measuring {server.label}, {workload.name}")
            try:
                profiles.append(profile(server, workload, arguments.seconds))
            except (ServerFailed, LoadFailed) as error:
                console.print(f"[yellow]{server.label}, {workload.name}: {error}", highlight=False)
    if not profiles:
        return 1
    console.print(profile_table(profiles, servers))
    figures: Document = {
        "areas": list(AREAS),
        "summary": [column.as_json() for column in profiles],
    }
    result = arguments.json or (places.CACHE if arguments.workload else places.RESULTS) / "profile.json"
    settings = {"seconds": arguments.seconds, "samples_per_s": SAMPLES_PER_S}
    measurement.write(result, console, settings, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
