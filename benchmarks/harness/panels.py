"""The chart's panels from a result."""

from __future__ import annotations

from benchmarks.harness.chart import Bar, Panel
from benchmarks.harness.result import Document
from benchmarks.harness.server import Server
from benchmarks.harness.workload import WORKLOADS

__all__ = ["panels_of"]


def panels_of(document: Document, servers: dict[str, Server]) -> list[Panel]:
    """One panel per measured workload, the least CPU time first."""
    panels = []
    for workload in WORKLOADS:
        rows = [row for row in document["summary"] if row["workload"] == workload.name]
        rows.sort(key=lambda row: row["cpu_us"]["median"])
        bars = tuple(
            Bar(
                servers[row["server"]].label,
                row["cpu_us"]["median"],
                row["server"] if row["server"] in ("ours", "limit") else "peer",
            )
            for row in rows
        )
        if bars:
            panels.append(Panel(workload.title.replace("`", ""), bars))
    return panels
