"""`benchmarks/memory`: memory with one worker and with several, per idle connection, and the time to start."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.harness import places
from benchmarks.harness.arrivals import wait_for_workers
from benchmarks.harness.environment import prepare
from benchmarks.harness.figures import figure_of
from benchmarks.harness.idle import descriptors_available, idle_connections, open_connections, raise_descriptor_limit
from benchmarks.harness.load import LoadFailed, run_load
from benchmarks.harness.measurement import Measurement
from benchmarks.harness.process import ServerFailed, ServerProcess
from benchmarks.harness.procfs import memory_of
from benchmarks.harness.result import Document
from benchmarks.harness.server import Server, load_servers
from benchmarks.harness.workload import workload_named

__all__ = ["main"]

START_TIMEOUT_S = 20.0
WARM_UP_S = 2
Row = dict[str, float]


def measure_start(server: Server, workers: int) -> Row:
    """Starts the server; returns the time until its first and its last worker answered, and its memory then and warm.

    Raises ServerFailed where fewer workers than `workers` came.
    """
    workload = workload_named(server.workloads[0])
    with ServerProcess(server, cores=None, workers=workers) as process:
        process.wait_ready()
        first_s = process.age_s()
        came = wait_for_workers(process.port, workers, START_TIMEOUT_S)
        ready_s = process.age_s()
        ready_cpu_s = sum(process.cpu_times_ns().values()) / 1e9
        if came < workers:
            raise ServerFailed(f"{came} of {workers} workers answered within {START_TIMEOUT_S:.0f} s")
        ready = memory_of(process.pids)
        run_load(process.port, workload, seconds=WARM_UP_S)
        warm = memory_of(process.pids)
    return {
        "listening_s": round(first_s, 3),
        "ready_s": round(ready_s, 3),
        "ready_cpu_s": round(ready_cpu_s, 3),  # waiting for a core moves the one above, not this one
        "rss": ready.rss,
        "pss": ready.pss,
        "warm_rss": warm.rss,
        "warm_pss": warm.pss,
    }


def measure_idle(server: Server, count: int) -> Row:
    """Memory per idle keep-alive connection, beyond that of the warm server with one worker."""
    workload = workload_named(server.workloads[0])
    with ServerProcess(server, cores=None, workers=1) as process:
        process.wait_ready()
        run_load(process.port, workload, seconds=WARM_UP_S)
        before = memory_of(process.pids)
        try:
            with idle_connections(process.port, workload.path, count) as connections:
                after = memory_of(process.pids)
                still_open = open_connections(connections)
        except OSError as error:
            raise ServerFailed(f"did not hold {count} idle connections: {error}") from error
    if still_open < count:
        raise ServerFailed(f"closed {count - still_open} of {count} idle connections")
    return {"connections": count, "rss_per_connection": round((after.rss - before.rss) / count, 1)}


def measure_server(server: Server, workers: int, rounds: int, idle: int, console: Console) -> dict[str, object]:
    """All figures of one server; a part that fails is left out and its reason kept."""
    row: dict[str, object] = {"server": server.name}
    reasons: dict[str, str] = {}
    for count in (1, workers):
        key = f"workers_{count}"
        try:
            starts = [measure_start(server, count) for _ in range(rounds)]
        except (ServerFailed, LoadFailed) as error:
            reasons[key] = str(error)
            continue
        row[key] = {name: asdict(figure_of([start[name] for start in starts])) for name in starts[0]}
    try:
        row["idle"] = measure_idle(server, idle)
    except (ServerFailed, LoadFailed) as error:
        reasons["idle"] = str(error)
    for part, reason in reasons.items():
        console.print(f"[yellow]{server.label}, {part}: {reason}", highlight=False)
    return {**row, "not_measured": reasons}


def memory_table(rows: list[dict[str, object]], workers: int, servers: dict[str, Server]) -> Table:
    title = "Memory in MB after some load; PSS in parentheses, which counts shared pages once"
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("server")
    for name in ("1 worker", f"{workers} workers", f"{workers} ready, s", "CPU s", "KB per idle connection"):
        table.add_column(name, justify="right")
    for row in rows:
        label = servers[str(row["server"])].label
        style = "bold green" if row["server"] == "ours" else None
        table.add_row(label, *memory_cells(row, workers), style=style)
    return table


def memory_cells(row: dict[str, object], workers: int) -> list[str]:
    cells = []
    for count in (1, workers):
        figures = row.get(f"workers_{count}")
        if isinstance(figures, dict):
            rss, pss = figures["warm_rss"]["median"], figures["warm_pss"]["median"]
            cells.append(f"{rss / 1e6:.0f} ({pss / 1e6:.0f})")
        else:
            cells.append("-")
    several, idle = row.get(f"workers_{workers}"), row.get("idle")
    for name in ("ready_s", "ready_cpu_s"):
        cells.append(f"{several[name]['median']:.2f}" if isinstance(several, dict) else "-")
    cells.append(f"{idle['rss_per_connection'] / 1024:.1f}" if isinstance(idle, dict) else "-")
    return cells


def main(words: list[str]) -> int:
    """Returns the exit status: 1 where nothing could be measured."""
    servers = load_servers()
    able = [name for name, server in servers.items() if server.memory]
    parser = argparse.ArgumentParser(prog="benchmarks/memory", description=__doc__)
    parser.add_argument("--only", action="append", choices=able, metavar="NAME", help=f"one of {', '.join(able)}")
    parser.add_argument("--workers", type=int, default=8, help="compared with one worker (8)")
    parser.add_argument("--rounds", type=int, default=3, help="starts per server and number of workers (3)")
    parser.add_argument("--idle", type=int, default=10_000, help="idle connections (10,000)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args(words)
    console = Console(width=None if sys.stdout.isatty() else 120)
    raise_descriptor_limit()
    idle = min(arguments.idle, descriptors_available())
    if idle < arguments.idle:
        console.print(f"[yellow]the limit of descriptors allows {idle} idle connections only")
    wanted = [servers[name] for name in arguments.only or able]
    wanted, refused = prepare(wanted, console)
    measurement = Measurement("memory")
    rows = []
    with console.status("measuring") as status:
        for server in wanted:
            status.update(f"measuring {server.label}")
            rows.append(measure_server(server, arguments.workers, arguments.rounds, idle, console))
    console.print(memory_table(rows, arguments.workers, servers))
    figures: Document = {
        "not_measured": [asdict(refusal) for refusal in refused],
        "summary": rows,
    }
    result = arguments.json or (places.CACHE if arguments.only else places.RESULTS) / "memory.json"
    settings = {"workers": arguments.workers, "rounds": arguments.rounds, "idle": idle}
    measurement.write(result, console, settings, figures)
    return 0 if any(len(row) > 2 for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
