"""The `pinned` strategy as the main interpreter sees it: it starts the engine's worker threads and waits."""

from __future__ import annotations

# CPython 3.13 crashes when sub-interpreters are the first to import it (gh-136421).
import datetime  # noqa: F401
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from fasterapi import _engine
from fasterapi._loader import check_routes

__all__ = ["serve"]


def serve(config: Mapping[str, Any], *, on_ready: Callable[[], None]) -> int:
    """Serve until a signal stops the server; returns the exit status.

    `config` holds ServerConfig's fields as plain values, and `app`, an encoded AppTarget. `on_ready` is called once all
    workers listen. Raises RouteMismatch where workers declared different routes.
    """

    def all_serving(routes: list[str]) -> None:
        first, *others = [[tuple(route) for route in json.loads(text)] for text in routes]
        for index, declared in enumerate(others, start=1):
            check_routes(first, declared, worker_index=index)
        on_ready()

    return _engine.serve_pinned(
        workers=config["workers"],
        pin_to_cores=config["pin_to_cores"],
        grace_period_s=config["grace_period_s"],
        config=json.dumps(dict(config)),
        python_path=sys.path,
        on_ready=all_serving,
    )
