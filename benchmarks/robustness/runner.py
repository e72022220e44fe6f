"""`make bench-robustness`: what the server does when something goes wrong, in one table."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.harness import places
from benchmarks.harness.limit import build_program
from benchmarks.harness.machine import commit, describe_machine, missing_tool
from benchmarks.harness.result import Document, read_result, write_result
from benchmarks.robustness.row import Figures, Rounds, Row
from benchmarks.robustness.rows import ROWS
from benchmarks.robustness.scale import SCALES, Scale
from benchmarks.robustness.table import HEAD, missing, table_rows

__all__ = ["main"]

BUSY_LOAD = 0.75  # programs that were running before a case began, a core; above it a star stands in the table


def is_whole(entry: Document) -> bool:
    """Whether it has every figure that its row shows: a row may have come to show more since it was measured."""
    rounds = Rounds.of_json(entry["figures"])
    try:
        return any(row.name == entry["row"] and bool(row.shown(rounds)) for row in ROWS)
    except KeyError:
        return False


class Results:
    """The file of results: read at the start, so that rows can be measured one at a time, and written as each ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            kept = read_result(path)
        except FileNotFoundError:
            kept = {}
        self._rows: dict[tuple[str, str], Document] = {
            (entry["row"], entry["case"]): entry for entry in kept.get("rows", []) if is_whole(entry)
        }
        self._gaps: dict[tuple[str, str], Document] = {
            (gap["row"], gap["case"]): gap for gap in kept.get("not_measured", [])
        }
        self._state: Document = {}

    def has(self, row: Row, case: str, scale: Scale, at: str) -> bool:
        """Whether it was measured at that commit and that scale."""
        kept = self._rows.get((row.name, case))
        return kept is not None and (kept["scale"], kept["commit"]) == (scale.name, at)

    def keep(self, row: Row, case: str, facts: Document) -> None:
        self._gaps.pop((row.name, case), None)
        self._rows[row.name, case] = {"row": row.name, "case": case, **facts}
        self.write()

    def miss(self, row: Row, case: str, reason: str) -> None:
        self._rows.pop((row.name, case), None)
        self._gaps[row.name, case] = {"row": row.name, "case": case, "reason": reason}
        self.write()

    def write(self) -> None:
        write_result(self.path, self.document())

    def document(self) -> Document:
        order = [(row.name, case) for row in ROWS for case in row.cases]
        return {
            "kind": "robustness",
            "machine": describe_machine(),
            "not_measured": [self._gaps[key] for key in order if key in self._gaps],
            "rows": [self._rows[key] for key in order if key in self._rows],
        }


def parse_arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/robustness/run", description=__doc__)
    names = [row.name for row in ROWS]
    parser.add_argument("--only", action="append", choices=names, metavar="ROW", help=f"one of {', '.join(names)}")
    parser.add_argument("--case", action="append", metavar="CASE", help="of those rows; see --list")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_const", const="quick", dest="scale", help="a glance, in minutes")
    size.add_argument("--session", action="store_const", const="session", dest="scale", help="within 25 minutes")
    parser.add_argument("--rounds", type=int, help="in place of those that the size has")
    parser.add_argument("--again", action="store_true", help="also what the file already has at this commit and size")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result goes")
    parser.add_argument("--list", action="store_true", help="list the rows and their cases")
    parser.set_defaults(scale="full")
    return parser.parse_args(words)


def play(row: Row, case: str, scale: Scale, rounds: int, console: Console) -> Document:
    """All rounds of one case."""
    begun, clock = datetime.now(UTC), time.monotonic()
    load_before = os.getloadavg()[0]
    found: list[Figures] = []
    for number in range(1, rounds + 1):
        found.append(row.measure(case, scale))
        console.print(f"  {row.name} {case} {number}/{rounds}: {row.shown(Rounds(found[-1:]))}", highlight=False)
    return {
        "scale": scale.name,
        **commit(),
        "started": begun.isoformat(timespec="seconds"),
        "took_s": round(time.monotonic() - clock, 1),
        "load_before": round(load_before, 2),
        "busy": load_before > BUSY_LOAD * (os.cpu_count() or 1),
        "rounds": rounds,
        "figures": Rounds(found).as_json(),
        "runs": found,
    }


def drawn(result: Document) -> Table:
    table = Table(title="When something goes wrong", title_justify="left", header_style="bold", show_lines=True)
    for name in HEAD:
        table.add_column(name)
    for cells in table_rows(result):
        table.add_row(*(cell.replace("`", "").replace("**", "") for cell in cells))
    return table


def markdown(result: Document) -> str:
    rule = ["---"] * len(HEAD)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (HEAD, rule, *table_rows(result)))


def main(words: list[str]) -> int:
    """Returns the exit status: 1 where nothing could be measured."""
    # SIGTERM unwinds, so that servers and clients of the moment end with this program.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    arguments = parse_arguments(words)
    console = Console(width=None if sys.stdout.isatty() else 160)
    if arguments.list:
        for row in ROWS:
            console.print(
                f"{row.name:12} {row.title}: {', '.join(case for case in row.cases if case)}", highlight=False
            )
        return 0
    if lacking := missing_tool("taskset", packages="util-linux"):
        console.print(f"[red]{lacking}")
        return 1
    for program in ("traffic", "slow"):
        build_program(program)
    scale = SCALES[arguments.scale]
    default = (places.CACHE if scale.name == "quick" else places.RESULTS) / "robustness.json"
    results = Results(arguments.json or default)
    at: Any = commit()["commit"]
    wanted = [
        (row, case)
        for row in ROWS
        if not arguments.only or row.name in arguments.only
        for case in row.cases
        if not arguments.case or case in arguments.case
    ]
    for number, (row, case) in enumerate(wanted, 1):
        if results.has(row, case, scale, at) and not arguments.again:
            continue
        console.print(f"{number}/{len(wanted)} {row.title}{', ' if case else ''}{case}", highlight=False)
        try:
            results.keep(row, case, play(row, case, scale, arguments.rounds or row.rounds(scale), console))
        except Exception as failure:  # noqa: BLE001 - what fails in one row must not cost the others
            reason = str(failure) or repr(failure)
            results.miss(row, case, reason)
            console.print(f"[yellow]  not measured: {escape(reason)}", highlight=False)
    result = results.document()
    console.print(drawn(result))
    for sentence in missing(result):
        console.print(f"[yellow]not measured: {escape(sentence)}", highlight=False)
    results.path.with_suffix(".md").write_text(markdown(result))
    console.print(f"written: {os.path.relpath(results.path)}", highlight=False)
    return 0 if result["rows"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
