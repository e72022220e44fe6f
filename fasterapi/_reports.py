"""What `fasterapi routes` and `fasterapi doctor` print, for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TextIO

from fasterapi._trial import Trial, supports_own_gil

__all__ = ["doctor_json", "doctor_text", "routes_json", "write_table"]


def write_table(stream: TextIO, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """The rows under a heading; drawn with rich on a terminal, in plain columns elsewhere."""
    if stream.isatty():
        from rich.console import Console
        from rich.table import Table

        table = Table(*columns, box=None, header_style="bold")
        for row in rows:
            table.add_row(*(cell.replace("[", "\\[") for cell in row))
        Console(file=stream).print(table)
        return
    widths = [max(len(row[place]) for row in (columns, *rows)) for place in range(len(columns))]
    for row in (columns, *rows):
        stream.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n")


def routes_json(trial: Trial) -> str:
    """The routes as a JSON array of objects with `methods`, `path` and `handler`."""
    routes = [{"methods": methods.split(","), "path": path, "handler": name} for methods, path, name in trial.routes]
    return json.dumps(routes, indent=2)


def doctor_json(target: str, trial: Trial) -> str:
    """The diagnosis as one JSON object."""
    report: dict[str, Any] = {
        "app": target,
        "loads": not trial.error,
        "strategy": trial.fitting_strategy or None,
        "reason": trial.reason or None,
        "refusals": [
            {
                "package": refusal.package,
                "module": refusal.module,
                "chain": list(refusal.chain),
                "message": refusal.message,
                "needed": not trial.own_gil,
            }
            for refusal in trial.refusals
        ],
        "error": trial.error or None,
        "routes": len(trial.routes),
    }
    return json.dumps(report, indent=2)


def doctor_text(target: str, trial: Trial) -> str:
    """The diagnosis for people, ending in a line break."""
    if trial.error:
        return f"{target} does not load:\n\n{trial.output}{trial.error}"
    lines = [f"{target} loads; it has {len(trial.routes)} route{'' if len(trial.routes) == 1 else 's'}.", ""]
    if trial.own_gil:
        lines.append(
            "strategy: auto (pinned workers and a pool). "
            "Every package that the app needs loads in an interpreter of its own."
        )
    elif trial.parallel_threads:
        lines.append("strategy: threads. This Python has no GIL, and every package of the app does without one.")
    else:
        lines.append(f"strategy: processes. {trial.reason}.")
    for refusal in trial.refusals:
        lines += ["", f"{refusal.package} refuses{' (the app does without it)' if trial.own_gil else ''}:"]
        lines += [f"  {'  ' * depth}{'→ ' if depth else ''}{module}" for depth, module in enumerate(refusal.chain)]
        lines.append(f"  {refusal.message}")
    if not trial.own_gil and supports_own_gil():
        lines += ["", "With processes each worker is a process of its own: everything works, memory is not shared."]
    return "\n".join(lines) + "\n"
