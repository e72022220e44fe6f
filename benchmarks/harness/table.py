"""The figures as one table in the terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from benchmarks.harness.campaign import NotMeasured
from benchmarks.harness.figures import Summary
from benchmarks.harness.server import Server
from benchmarks.harness.workload import WORKLOADS

__all__ = ["figures_table", "not_measured_table", "ranked"]

HIGHLIGHT = {"ours": "bold green", "limit": "dim"}


def ranked(summaries: list[Summary], workload: str) -> list[Summary]:
    """The servers of one workload, the least CPU time per request first."""
    return sorted((s for s in summaries if s.workload == workload), key=lambda s: s.cpu_us.median)


def figures_table(summaries: list[Summary], servers: dict[str, Server]) -> Table:
    table = Table(title="Server CPU time per request, one core", title_justify="left", header_style="bold")
    table.add_column("server", no_wrap=True)
    for name in ("CPU µs/request", "range", "ratio", "requests/s", "p50 ms", "p99 ms", "rounds"):
        table.add_column(name, justify="right", min_width=13 if name == "range" else None)
    for workload in WORKLOADS:
        rows = ranked(summaries, workload.name)
        if not rows:
            continue
        table.add_section()
        table.add_row(Text(workload.title.replace("`", ""), style="bold"))
        for row in rows:
            server = servers[row.server]
            note = server.notes.get(workload.name, "")
            label = f"  {server.label}" + (f" ({note})" if note else "")
            table.add_row(label, *cells(row), style=HIGHLIGHT.get(row.server))
    if any(summary.disturbed for summary in summaries):
        table.caption = "* rounds in which others took more than a tenth of the server's core"
        table.caption_justify = "left"
    return table


def cells(row: Summary) -> list[str]:
    return [
        f"{row.cpu_us.median:.2f}",
        f"{row.cpu_us.least:.2f}-{row.cpu_us.greatest:.2f}",
        f"{row.ratio.median:.2f}" if row.ratio else "",
        f"{row.requests_per_s.median:,.0f}",
        f"{row.p50_us.median / 1e3:.2f}",
        f"{row.p99_us.median / 1e3:.2f}",
        f"{row.rounds}" + (f" ({row.disturbed}*)" if row.disturbed else ""),
    ]


def not_measured_table(refusals: list[NotMeasured], servers: dict[str, Server]) -> Table:
    table = Table(title="Not measured", title_justify="left", header_style="bold")
    table.add_column("server")
    table.add_column("workload")
    table.add_column("reason")
    for refusal in refusals:
        table.add_row(servers[refusal.server].label, refusal.workload or "all", refusal.reason)
    return table
