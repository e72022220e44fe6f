"""What the server says of itself when it starts: where, how many, which strategy and why, and what is not default."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from typing import TextIO

from fasterapi.config import ResolvedConfig

__all__ = ["listening_line", "render", "wants_colour"]

_BOLD, _DIM, _GREEN, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[0m"

_TOLD_ABOVE = frozenset({"workers", "strategy", "pin_to_cores"})


def render(
    resolved: ResolvedConfig,
    *,
    app: str,
    workers: int,
    strategy: str,
    reason: str,
    notes: Sequence[str] = (),
    colour: bool,
) -> str:
    """The lines above "Listening on …", ending in a line break.

    `workers` and `strategy` are those that really run, `reason` is why that strategy; `notes` are things to know.
    """
    from fasterapi import __version__

    bold, dim, reset = (_BOLD, _DIM, _RESET) if colour else ("", "", "")
    config, sources = resolved.config, resolved.sources

    def origin(name: str) -> str:
        return f"  {dim}from {sources[name]}{reset}" if name in sources else ""

    count = f"{workers} (one for each usable CPU)" if config.workers == 0 else f"{workers}"
    pinning = f", each on a core of its own{origin('pin_to_cores')}" if config.pin_to_cores else ""
    rows = [
        ("app", app),
        ("workers", f"{count}{origin('workers')}{pinning}"),
        ("strategy", f"{strategy}: {reason}"),
        ("python", f"{platform.python_implementation()} {platform.python_version()}"),
        *((name, f"{_shown(getattr(config, name))}{origin(name)}") for name in sources if name not in _TOLD_ABOVE),
        *(("note", note) for note in notes),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"{bold}FasterAPI {__version__}{reset}"]
    lines += [f"  {dim}{name:<{width}}{reset}  {value}" for name, value in rows]
    return "\n".join(lines) + "\n"


def listening_line(url: str, *, colour: bool) -> str:
    """The line that says that every worker answers; programs may wait for it and read the address from it."""
    shown = f"{_GREEN}{url}{_RESET}" if colour else url
    return f"Listening on {shown}\n"


def wants_colour(stream: TextIO) -> bool:
    """Whether `stream` is a terminal that should get colours (NO_COLOR turns them off)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "(none)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value != "" else "(none)"
