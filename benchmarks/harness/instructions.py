"""`benchmarks/instructions`: the instructions that a request takes outside of the kernel, by `valgrind`.

Times change on a machine that others keep busy; these counts do not. They tell what a change of the code has cost.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import socket
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.harness import places
from benchmarks.harness.machine import missing_tool
from benchmarks.harness.measurement import Measurement
from benchmarks.harness.process import ServerFailed, ServerProcess
from benchmarks.harness.result import Document
from benchmarks.harness.server import Server
from benchmarks.harness.workload import WORKLOAD_NAMES, Workload, add_workload_option, workload_named

__all__ = ["BURST", "Count", "count_in", "main", "request_bytes"]

# Under others, where a handler runs depends on the time it takes: with valgrind, fifty times as long.
STRATEGY = "pinned"
BURST = 16  # requests that come at once on their connection
WARM_UP = 1_000  # requests before those that are counted
REQUESTS = 10_000
START_S = 120.0
STOP_S = 120.0
ANSWER_S = 60.0
REFERENCES = re.compile(r"I\s+refs:\s+([\d,]+)")


@dataclass(frozen=True, slots=True)
class Count:
    """Instructions per request: where each comes alone, and where BURST of them come at once."""

    workload: str
    alone: float
    in_burst: float


def server() -> Server:
    plain = Server.of_app(places.APPS / "ours.py", "--strategy", STRATEGY, name="instructions", label="FasterAPI")
    # The same hashes each time: they decide how far a look-up in a dict has to go.
    valgrind = ("env", "PYTHONHASHSEED=0", "valgrind", "--tool=cachegrind", "--cache-sim=no")
    return replace(plain, command=(*valgrind, "--cachegrind-out-file=/dev/null", *plain.command))


def request_bytes(workload: Workload) -> bytes:
    """The workload's request as it is sent."""
    head = f"{workload.method} {workload.path} HTTP/1.1\r\nHost: localhost\r\n"
    if workload.body is None:
        return f"{head}\r\n".encode()
    return (
        f"{head}Content-Type: application/json\r\nContent-Length: {len(workload.body)}\r\n\r\n".encode() + workload.body
    )


def ask(port: int, workload: Workload, requests: int, burst: int) -> None:
    """Asks so often on one connection, `burst` at a time. Raises ServerFailed for another answer than the first."""
    request = request_bytes(workload)
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S) as connection:
        connection.sendall(request)
        size = len(read_answer(connection))
        for _ in range(requests // burst):
            connection.sendall(request * burst)
            received = read_exactly(connection, size * burst)
            if received.count(b"HTTP/1.1 200") != burst:
                raise ServerFailed(f"answered {workload.path} otherwise than at first: {received[:100]!r}")


def read_answer(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += read_some(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    if length is None or not head.startswith(b"HTTP/1.1 200"):
        raise ServerFailed(f"answered {head[:100]!r}")
    return received + read_exactly(connection, int(length[1]) - len(body))


def read_exactly(connection: socket.socket, size: int) -> bytes:
    parts = []
    while size > 0:
        parts.append(read_some(connection))
        size -= len(parts[-1])
    return b"".join(parts)


def read_some(connection: socket.socket) -> bytes:
    part = connection.recv(1 << 16)
    if not part:
        raise ServerFailed("closed the connection")
    return part


def count_in(log: str) -> int:
    """What valgrind has counted, by what it says at the end. Raises ServerFailed where it says nothing."""
    found = REFERENCES.search(log)
    if found is None:
        raise ServerFailed(f"valgrind has counted nothing: {log.strip()[-200:]}")
    return int(found[1].replace(",", ""))


def executed(workload: Workload, requests: int, burst: int) -> int:
    """Instructions from the server's start to its end, with so many requests in between. Raises ServerFailed."""
    with ServerProcess(server(), cores=None) as process:
        process.wait_ready(START_S)
        ask(process.port, workload, requests, burst)
        os.kill(process.pid, signal.SIGTERM)
        process.wait(STOP_S)
        return count_in(process.log.read_text(errors="replace"))


def measure(workload: Workload, progress: Progress) -> Count:
    """Raises ServerFailed."""
    task = progress.add_task(workload.name, total=4)
    figures = []
    for burst in (1, BURST):
        counted = []
        for requests in (WARM_UP, WARM_UP + REQUESTS):
            counted.append(executed(workload, requests, burst))
            progress.advance(task)
        figures.append((counted[1] - counted[0]) / REQUESTS)
    return Count(workload.name, *figures)


def counts_table(counts: list[Count]) -> Table:
    table = Table(title="Instructions of a request", title_justify="left", header_style="bold")
    table.add_column("request")
    table.add_column("alone", justify="right")
    table.add_column(f"{BURST} at once", justify="right")
    for each in counts:
        table.add_row(each.workload, f"{each.alone:,.0f}", f"{each.in_burst:,.0f}")
    return table


def main(words: list[str]) -> int:
    """Returns the exit status: 1 where valgrind is missing or something could not be counted."""
    parser = argparse.ArgumentParser(prog="benchmarks/instructions", description=__doc__)
    add_workload_option(parser)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args(words)
    console = Console(width=None if sys.stdout.isatty() else 140)
    if missing := missing_tool("valgrind", packages="valgrind"):
        console.print(f"[red]{missing}")
        return 1
    measurement = Measurement("instructions")
    counts, status = [], 0
    with Progress(console=console) as progress:
        for name in arguments.workload or WORKLOAD_NAMES:
            try:
                counts.append(measure(workload_named(name), progress))
            except (ServerFailed, OSError) as error:
                console.print(f"[yellow]{name}: {error}", highlight=False)
                status = 1
    console.print(counts_table(counts))
    figures: Document = {
        "summary": [
            {"workload": each.workload, "alone": round(each.alone), "in_burst": round(each.in_burst)} for each in counts
        ],
    }
    whole = arguments.workload is None and status == 0
    result = arguments.json or (places.RESULTS if whole else places.CACHE) / "instructions.json"
    settings = {"strategy": STRATEGY, "requests": REQUESTS, "warm_up": WARM_UP, "burst": BURST}
    measurement.write(result, console, settings, figures)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
