"""`benchmarks/run`: servers side by side, CPU time per request."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.harness import places
from benchmarks.harness.campaign import LIMIT, OURS, Campaign, NotMeasured, Settings, condense, interleave
from benchmarks.harness.chart import draw_chart
from benchmarks.harness.environment import installed_versions, prepare
from benchmarks.harness.figures import Run, summarize
from benchmarks.harness.limit import build_limit, compiler_version
from benchmarks.harness.machine import missing_tool
from benchmarks.harness.measurement import Measurement
from benchmarks.harness.panels import panels_of
from benchmarks.harness.result import Document, write_result
from benchmarks.harness.server import Server, load_servers
from benchmarks.harness.table import figures_table, not_measured_table
from benchmarks.harness.workload import WORKLOADS, Workload, add_workload_option

__all__ = ["main"]


def parse_arguments(words: list[str], servers: dict[str, Server]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/run", description="Server CPU time per request, side by side.")
    parser.add_argument("--only", action="append", choices=sorted(servers), metavar="NAME", help="a server; repeatable")
    add_workload_option(parser)
    parser.add_argument("--rounds", type=int, help="rounds over all servers (5)")
    parser.add_argument("--seconds", type=int, help="of every measured run (3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result goes")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="where the chart goes")
    parser.add_argument("--server-core", type=int, default=1)
    parser.add_argument("--load-core", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="FasterAPI and the limit only, in less than a minute")
    parser.add_argument("--list", action="store_true", help="list the servers and their workloads")
    return parser.parse_args(words)


def check_tools(settings: Settings) -> str | None:
    """What is missing on this machine, or None."""
    if missing := missing_tool("wrk", "taskset", packages="wrk util-linux"):
        return missing
    cores = os.sched_getaffinity(0)
    if settings.server_core == settings.load_core or not {settings.server_core, settings.load_core} <= cores:
        return f"the server and the load need a core each; usable here: {sorted(cores)}"
    return None


def versions_of(servers: list[Server]) -> dict[str, dict[str, str]]:
    """Installed packages by environment, and the compiler of the limit."""
    pythons = {server.environment: server.python for server in servers if server.environment}
    versions = {name: installed_versions(python) for name, python in pythons.items()}
    return {"limit": {"compiler": compiler_version()}, **versions}


def chosen(arguments: argparse.Namespace, servers: dict[str, Server]) -> tuple[list[Server], list[Workload], Settings]:
    names = [OURS] if arguments.quick and not arguments.only else arguments.only or list(servers)
    wanted = [server for name, server in servers.items() if name in names or name == LIMIT]
    workloads = [w for w in WORKLOADS if not arguments.workload or w.name in arguments.workload]
    settings = Settings(
        rounds=arguments.rounds or (2 if arguments.quick else 5),
        seconds=arguments.seconds or (1 if arguments.quick else 3),
        server_core=arguments.server_core,
        load_core=arguments.load_core,
    )
    return wanted, workloads, settings


def measure(
    campaign: Campaign, servers: list[Server], workloads: list[Workload], console: Console, save: Callable[[], None]
) -> None:
    """Measures everything, showing progress; calls `save` after each round, so that a run cut short is not lost."""
    steps = interleave(servers, workloads, campaign.settings.rounds)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("starting", total=len(steps))
        number = 1
        for step, outcome in campaign.measure_all(steps):
            if step.round > number:
                number = step.round
                save()
            place = f"{step.workload.name} {step.server.name}"
            progress.update(task, description=place, completed=steps.index(step) + 1)
            if isinstance(outcome, NotMeasured):
                progress.console.print(f"[yellow]{place}: {outcome.reason}", highlight=False)
            elif not console.is_terminal:
                progress.console.print(describe(outcome), highlight=False)
        progress.update(task, description="measured", completed=len(steps))
    save()


def describe(run: Run) -> str:
    ratio = f"{run.ratio:.2f}" if run.ratio is not None else "-"
    mark = " *" if run.disturbed else ""
    return f"round {run.round} {run.workload} {run.server}: {run.cpu_us:.2f} µs, ratio {ratio}{mark}"


def write_figures(campaign: Campaign, servers: dict[str, Server], facts: Document, result: Path, chart: Path) -> None:
    """Writes the result and the chart of what has been measured so far."""
    document = {
        **facts,
        "not_measured": [asdict(refusal) for refusal in condense(campaign.not_measured, servers)],
        "summary": [summary.as_json() for summary in summarize(campaign.runs)],
        "runs": [asdict(run) for run in campaign.runs],
    }
    write_result(result, document)
    subtitle = "µs on one core, user and system, all processes of the server; less is better. Linear scales."
    chart.write_text(draw_chart("Server CPU time per request", subtitle, panels_of(document, servers)))


def main(words: list[str]) -> int:
    """Returns the exit status: 1 where something is missing or nothing could be measured."""
    # SIGTERM unwinds, so that the server of the moment is ended with this program.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    console = Console(width=None if sys.stdout.isatty() else 120)
    servers = load_servers()
    arguments = parse_arguments(words, servers)
    if arguments.list:
        for server in servers.values():
            console.print(f"{server.name:16} {server.label:22} {' '.join(server.workloads)}", highlight=False)
        return 0
    wanted, workloads, settings = chosen(arguments, servers)
    missing = check_tools(settings)
    if missing:
        console.print(f"[red]{missing}")
        return 1
    build_limit()
    able, refused = prepare(wanted, console)
    campaign = Campaign(settings, servers[LIMIT], not_measured=refused)
    peers = [server for server in able if server.name != LIMIT]
    whole = not (arguments.only or arguments.workload or arguments.quick)
    result = arguments.json or (places.RESULTS if whole else places.CACHE) / "cpu_per_request.json"
    chart = arguments.svg or result.with_suffix(".svg")
    measurement, versions = Measurement("cpu-per-request"), versions_of(able)

    def save() -> None:
        facts = {**measurement.head(asdict(settings)), "versions": versions}
        write_figures(campaign, servers, facts, result, chart)

    measure(campaign, peers, workloads, console, save)
    console.print(figures_table(summarize(campaign.runs), servers))
    if campaign.not_measured:
        console.print(not_measured_table(condense(campaign.not_measured, servers), servers))
    console.print(f"written: {os.path.relpath(result)} and {os.path.relpath(chart)}", highlight=False)
    return 0 if campaign.runs else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
