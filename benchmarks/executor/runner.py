"""`make bench-executor`: one table, from medians of interleaved rounds on two cores."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.executor.contestants import FIGURES, NOT_AVAILABLE
from benchmarks.executor.rows import ROWS
from benchmarks.executor.table import HEAD, missing, table_rows
from benchmarks.harness import places
from benchmarks.harness.figures import DISTURBED_SHARE, figure_of
from benchmarks.harness.measurement import Measurement
from benchmarks.harness.procfs import core_time
from benchmarks.harness.result import Document, write_result

__all__ = ["main"]

PROGRAM = places.RELEASE / "benchmarks" / "executor_bench"
TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Step:
    """One contestant in one row."""

    what: str
    by: str


class NotMeasured(Exception):
    """Why a step has no figure."""


def build() -> None:
    """Raises CalledProcessError where the C++ side does not build."""
    command = ["cmake", "--build", str(places.RELEASE), "--target", "executor_bench", "--", "--quiet"]
    subprocess.run(command, check=True)


def native_steps() -> set[Step]:
    listed = subprocess.run([str(PROGRAM), "--list"], capture_output=True, text=True, check=True).stdout
    return {Step(*line.split("\t")) for line in listed.splitlines()}


def interleave(steps: list[Step], rounds: int) -> Iterator[tuple[int, Step]]:
    """Every step once a round, each round beginning somewhere else."""
    for number in range(rounds):
        first = number * len(steps) // rounds
        for step in [*steps[first:], *steps[:first]]:
            yield number + 1, step


def measure(step: Step, native: set[Step], cores: list[int]) -> float:
    """One figure, by a process of its own. Raises NotMeasured."""
    if step in native:
        command = [str(PROGRAM)]
    elif step.what in FIGURES:
        command = [sys.executable, "-m", "benchmarks.executor.contestants"]
    else:
        raise NotMeasured("the C++ side of this build does not have it")
    command += [step.what, step.by, *map(str, cores)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd=places.ROOT)
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"it did not end within {TIMEOUT_S} s") from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        reason = said[-1] if said else "it said nothing"
        raise NotMeasured(reason if done.returncode == NOT_AVAILABLE else f"exit status {done.returncode}: {reason}")
    return float(done.stdout)


def least_disturbed(step: Step, native: set[Step], cores: list[int], tries: int) -> tuple[float, float]:
    """A figure, and the share of the cores that others took meanwhile. Where that was more than a tenth it is measured
    again, at most so often, and the quietest of them counts. Raises NotMeasured."""
    best: tuple[float, float] | None = None
    for _ in range(tries):
        before, own_before, clock = taken_s(cores), children_s(), time.monotonic()
        raw = measure(step, native, cores)
        wall_s = (time.monotonic() - clock) * len(cores)
        foreign = (taken_s(cores) - before - (children_s() - own_before)) / wall_s
        if best is None or foreign < best[1]:
            best = raw, max(0.0, foreign)
        if foreign <= DISTURBED_SHARE:
            break
    assert best is not None
    return best


def taken_s(cores: list[int]) -> float:
    """Seconds that these cores have not been idle: busy, or with the hypervisor."""
    times = [core_time(core) for core in cores]
    return sum(one.busy_s + one.steal_s for one in times)


def children_s() -> float:
    times = os.times()
    return times.children_user + times.children_system


def versions() -> dict[str, str]:
    found = {}
    for package in ("fasterapi", "loky", "joblib"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def summary_of(runs: list[Document]) -> list[Document]:
    groups: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        groups.setdefault((run["what"], run["by"]), []).append(run["raw"])
    return [
        {"what": what, "by": by, "rounds": len(raw), "raw": asdict(figure_of(raw))}
        for (what, by), raw in groups.items()
    ]


def parse_arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/executor/run", description=__doc__)
    names = [row.what for row in ROWS]
    parser.add_argument("--only", action="append", choices=names, metavar="ROW", help=f"one of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tries", type=int, default=3, help="for a figure, until others leave the cores alone (3)")
    parser.add_argument("--cores", type=int, nargs=2, default=sorted(os.sched_getaffinity(0))[:2], metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result goes")
    return parser.parse_args(words)


def drawn(result: Document) -> Table:
    table = Table(title="Executors", title_justify="left", header_style="bold")
    for number, name in enumerate(HEAD):
        table.add_column(name, justify="right" if number in (1, 2) else "left")
    for cells in table_rows(result):
        table.add_row(*(cell.replace("`", "").replace("**", "") for cell in cells))
    return table


def main(words: list[str]) -> int:
    """Returns the exit status: 1 where nothing could be measured."""
    arguments = parse_arguments(words)
    console = Console(width=None if sys.stdout.isatty() else 160)
    if len(arguments.cores) < 2:
        console.print("[red]this needs two cores")
        return 1
    build()
    native = native_steps()
    steps = [
        Step(row.what, by) for row in ROWS if not arguments.only or row.what in arguments.only for by in row.contestants
    ]
    path = arguments.json or (places.CACHE if arguments.only else places.RESULTS) / "executor.json"
    measurement = Measurement("executor")
    settings = {"rounds": arguments.rounds, "tries": arguments.tries, "cores": arguments.cores}
    used = versions()
    runs: list[Document] = []
    gaps: dict[Step, str] = {}

    def save() -> Document:
        result: Document = {
            **measurement.head(settings),
            "versions": used,
            "not_measured": [{**asdict(step), "reason": reason} for step, reason in gaps.items()],
            "summary": summary_of(runs),
            "runs": runs,
        }
        write_result(path, result)
        return result

    with console.status("measuring") as status:
        round_before = 1
        for number, step in interleave(steps, arguments.rounds):
            if number > round_before:
                save()  # so that a run cut short is not lost
                round_before = number
            if step in gaps:
                continue
            status.update(f"round {number} of {arguments.rounds}: {step.what} {step.by}")
            try:
                raw, foreign = least_disturbed(step, native, arguments.cores, arguments.tries)
            except NotMeasured as reason:
                gaps[step] = str(reason)
                continue
            runs.append({"round": number, **asdict(step), "raw": raw, "foreign_share": round(foreign, 3)})
    result = save()
    console.print(drawn(result))
    for sentence in missing(result):
        console.print(f"[yellow]not measured: {sentence}", highlight=False)
    console.print(f"written: {os.path.relpath(path)}", highlight=False)
    return 0 if runs else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
