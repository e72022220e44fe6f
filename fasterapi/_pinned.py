"""The strategies `pinned` and `threads` as the main thread sees them: it starts the engine's workers and waits."""

from __future__ import annotations

# CPython 3.13 crashes when sub-interpreters are the first to import it (gh-136421).
import datetime  # noqa: F401
import json
import logging
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

from fasterapi import _engine, _logging
from fasterapi._loader import check_routes
from fasterapi._logging import server_logger

if TYPE_CHECKING:
    from fasterapi.applications import App

__all__ = ["Workers"]


_EVENTS = {
    "stuck": (logging.ERROR, "worker {0} is stuck in a handler whose time was up; a fresh interpreter takes its place"),
    "stuck_among_others": (
        logging.ERROR,
        "worker {0} is stuck in a handler whose time was up; it serves again when that ends, since no fresh interpreter"
        " can take its place under threads",
    ),
    "replaced": (logging.INFO, "worker {0} has a fresh interpreter"),
    "not_replaced": (logging.ERROR, "worker {0} has no fresh interpreter yet:\n{1}"),
    "pool_replaced": (logging.INFO, "pooled interpreter {0} is a fresh one now"),
    "pool_not_replaced": (logging.ERROR, "pooled interpreter {0} is not there, which is tried again:\n{1}"),
    "reloading": (logging.INFO, "SIGHUP: loading the app anew"),
    "reloaded": (logging.INFO, "the app is loaded anew"),
    "reload_failed": (logging.ERROR, "the app could not be loaded anew, and goes on as it was:\n{1}"),
    "cannot_reload": (
        logging.ERROR,
        "SIGHUP: an app whose workers share one interpreter cannot be loaded anew; restart the server, or use another"
        " strategy than threads",
    ),
}


def _tell(what: str, worker: int, text: str) -> None:
    level, form = _EVENTS[what]
    server_logger.log(level, "%s", form.format(worker, text.rstrip("\n")))


class Workers:
    """The worker threads of one server. Leaving the `with` ends those that were prepared and not used."""

    def __init__(self) -> None:
        self._threads: _engine.PinnedWorkers | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers that were prepared and not used."""
        if self._threads is not None:
            self._threads.close()
            self._threads = None

    def prepare(self, expected: int) -> None:
        """Start making as many workers as there will probably be; `serve` corrects it."""
        self._threads = _engine.PinnedWorkers(expected, sys.path)

    def prepare_threads(self, count: int, app: App | None) -> None:
        """Start that many threads in this interpreter instead; `app` is theirs where it is loaded here already."""
        from fasterapi import _household

        self.close()
        _household.begin(count, app)
        self._threads = _engine.PinnedWorkers(count, sys.path, in_main=True)

    def serve(self, config: Mapping[str, Any], *, on_ready: Callable[[], None]) -> int:
        """Serve until a signal stops the server; returns the exit status.

        `config` holds ServerConfig's fields as plain values, and `app`, an encoded AppTarget. `on_ready` is called once
        all workers listen. Raises RouteMismatch where workers declared different routes.
        """

        def all_serving(routes: list[str]) -> None:
            first, *others = [[tuple(route) for route in json.loads(text)] for text in routes]
            for index, declared in enumerate(others, start=1):
                check_routes(first, declared, worker_index=index)
            on_ready()

        if self._threads is None:
            self.prepare(config["workers"])
        assert self._threads is not None
        return self._threads.serve(
            count=config["workers"],
            pin_to_cores=config["pin_to_cores"],
            grace_period_s=config["grace_period_s"],
            config=json.dumps(dict(config)),
            on_ready=all_serving,
            on_event=_tell,
            pooled_workers=0 if config["strategy"] == "threads" else config["num_pooled_workers"],
            pooled_interpreters=config["num_pooled_interpreters"],
            queue_size=config["queue_size"],
            **_logging.of_moves(config),
        )
