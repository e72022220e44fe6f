"""The table of a result: for the terminal and for the documents."""

from __future__ import annotations

from benchmarks.harness.result import Document
from benchmarks.robustness.row import Rounds
from benchmarks.robustness.rows import ROWS

__all__ = ["HEAD", "missing", "table_rows"]

HEAD = ["what happens", "measured", "asked for", "met"]


def table_rows(result: Document) -> list[list[str]]:
    """Cells in the order of HEAD, a line for each case that was measured."""
    measured = {(entry["row"], entry["case"]): entry for entry in result["rows"]}
    lines = []
    for row in ROWS:
        for case in row.cases:
            entry = measured.get((row.name, case))
            if entry is None:
                continue
            rounds = Rounds.of_json(entry["figures"])
            title = f"{row.title}, {case}" if case else row.title
            busy = " *" if entry["busy"] else ""
            lines.append([title, row.shown(rounds) + busy, row.asked, "yes" if row.met(rounds) else "**no**"])
    return lines


def missing(result: Document) -> list[str]:
    """A sentence for each row, or case of one, that has no figures."""
    titles = {row.name: row.title for row in ROWS}
    return [
        f"{titles[gap['row']]}{', ' if gap['case'] else ''}{gap['case']}: {gap['reason']}."
        for gap in result["not_measured"]
        if gap["row"] in titles
    ]
