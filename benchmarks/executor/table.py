"""The table of a result: for the terminal and for the documents."""

from __future__ import annotations

from benchmarks.executor.rows import OURS, ROWS, Medians, Row
from benchmarks.harness.result import Document

__all__ = ["HEAD", "missing", "table_rows"]

HEAD = ["what", "FasterAPI", "asked for", "met", "beside it"]


def medians_of(result: Document) -> Medians:
    return {(row["what"], row["by"]): row["raw"]["median"] for row in result["summary"]}


def shown(row: Row, raw: float) -> str:
    value = raw / row.scale
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}{'' if row.unit == 'x' else ' '}{row.unit}"


def verdict(row: Row, medians: Medians) -> str:
    if row.bound is None:
        return ""
    try:
        return "yes" if row.bound.met(medians) else "**no**"
    except KeyError:
        return "not measured"


def table_rows(result: Document) -> list[list[str]]:
    """Cells in the order of HEAD, for the rows of which anything was measured."""
    medians = medians_of(result)
    lines = []
    for row in ROWS:
        peers = [f"{by} {shown(row, medians[row.what, by])}" for by in row.peers if (row.what, by) in medians]
        if (row.what, OURS) not in medians and not peers:
            continue
        own = shown(row, medians[row.what, OURS]) if (row.what, OURS) in medians else "not measured"
        bound = row.bound.text if row.bound is not None else ""
        lines.append([row.title, own, bound, verdict(row, medians), "; ".join(peers)])
    return lines


def missing(result: Document) -> list[str]:
    """A sentence for each reason why something could not be measured."""
    reasons: dict[tuple[str, str], list[str]] = {}
    titles = {row.what: row.title for row in ROWS}
    for gap in result["not_measured"]:
        who = "FasterAPI" if gap["by"] == OURS else gap["by"]
        reasons.setdefault((who, gap["reason"]), []).append(titles[gap["what"]])
    return [f"{who}: {reason} ({', '.join(rows)})." for (who, reason), rows in reasons.items()]
