"""One worker: loads the app in this interpreter, opens its shard and serves until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fasterapi import _engine, _logging
from fasterapi._dispatch import (
    handle_exception,
    handle_status,
    handle_validation_error,
    intercepted_statuses,
    log_timeout,
)
from fasterapi._household import Household, household
from fasterapi._loader import AppTarget, format_user_traceback, load
from fasterapi._loop import WorkerLoop, install_current_task
from fasterapi._place import current_worker
from fasterapi.applications import App, Worker
from fasterapi.exceptions import RequestTimeout
from fasterapi.requests import Request
from fasterapi.responses import Response

if TYPE_CHECKING:
    from fasterapi._engine import Routes

__all__ = ["Orders", "open_pool", "run_pinned", "run_process", "run_thread", "serves_in_main"]

type Announce = Callable[[WorkerLoop, list[tuple[str, str, str]]], None]

# How long threads of the default executor may take to end once the server stops.
EXECUTOR_TIMEOUT_S = 1.0
# Signals this close to the first are the same wish.
SAME_SIGNAL_S = 0.1
# How long one thread keeps a GIL that others of its interpreter wait for, unless the app says another time: CPython's
# 5 ms would be added, again and again, to what comes behind a handler that computes.
SWITCH_INTERVAL_S = 0.001
# How often a worker tells how many requests it has answered, where it is asked to.
REPORT_INTERVAL_S = 1.0

# Whether workers serve in the main interpreter, under the strategies `processes` and `threads`.
serves_in_main = False


def run_pinned(slot: object, index: int, config_json: str, interpreter_id: int) -> str | None:
    """Serve in an own-GIL interpreter on the calling thread. Returns what to tell people if the worker failed.

    Called by the engine; `slot` is its name for this worker.
    """

    def serve() -> None:
        config: dict[str, Any] = json.loads(config_json)
        _adopt_this_thread()
        worker = Worker(
            index=index, count=config["workers"], strategy=config["strategy"], interpreter_id=interpreter_id
        )
        _run(config, worker, _announcement(slot), lambda: _engine.retire_worker(slot))

    return _told(serve)


def run_thread(slot: object, index: int, config_json: str, interpreter_id: int) -> str | None:
    """Serve in the main interpreter on the calling thread, beside others. Returns what to tell people if that failed.

    Called by the engine; `slot` is its name for this worker.
    """

    def serve() -> None:
        config: dict[str, Any] = json.loads(config_json)
        worker = Worker(index=index, count=config["workers"], strategy="threads", interpreter_id=interpreter_id)
        current_worker.set(worker)
        threading.current_thread().name = f"worker-{index}"
        keep = _keep_house if index == 0 else _join_household
        keep(household(), config, worker, _announcement(slot), lambda: _engine.retire_worker(slot))

    return _told(serve)


def open_pool(config_json: str, index: int, interpreter_id: int) -> tuple[WorkerLoop, str] | str:
    """Open the app in a pooled interpreter, whose threads run handlers of other workers' requests.

    Returns the loop that goes on with their coroutines, and the app's routes as JSON; or what to tell people if that
    failed. Called by the engine, on the interpreter's first thread.
    """
    opened: list[tuple[WorkerLoop, str]] = []

    def open_here() -> None:
        from fasterapi._guests import Guests

        config: dict[str, Any] = json.loads(config_json)
        _adopt_this_thread()
        worker = Worker(
            index=index, count=config["workers"], strategy=config["strategy"], interpreter_id=interpreter_id
        )
        _logging.configure(level=config["log_level"], form=config["log_format"], worker=index)
        _bind_engine()
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        app = _enter(load(AppTarget.decode(config["app"])), worker, config)
        routes = _compile(app)
        guests = Guests(
            app,
            routes,
            lambda: _worker_loop(config, app.worker, lambda: None),
            patience_s=config["grace_period_s"],
        )
        opened.append((guests.open(), json.dumps(routes.signature())))

    return _told(open_here) or opened[0]


def _announcement(slot: object) -> Announce:
    return lambda loop, routes: _engine.announce_worker(slot, loop, json.dumps(routes))


def _told(serve: Callable[[], None]) -> str | None:
    """Nothing of the user's may escape into the engine: a failure is told as text."""
    try:
        serve()
    except BaseException as error:  # noqa: BLE001 - as above
        return format_user_traceback(error)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return None


class Orders:
    """What the supervisor tells a worker process, and what that reports to it on `report_fd`, a JSON object a line.

    obey() is called by another thread than the loop's.
    """

    def __init__(self, config: Mapping[str, Any], report_fd: int) -> None:
        self._config = config
        self._report_fd = report_fd
        self._loop: WorkerLoop | None = None

    def begin(self, loop: WorkerLoop, routes: list[tuple[str, str, str]]) -> None:
        """The worker accepts connections from now on."""
        self._loop = loop
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _stop, loop, number, self._config["grace_period_s"])
        loop._report_stuck_to(self._report_fd)
        self.report({"routes": routes})
        if self._config["recycle_after_requests"]:
            # The count goes on from that of the worker before.
            self._report_requests(loop, loop._request_count())

    def obey(self, order: Mapping[str, Any]) -> None:
        """Carry out one order. Before begin() there is none that could be."""
        loop, config = self._loop, self._config
        if loop is None:
            return
        match order["order"]:
            case "stop":
                # The signal does the rest, once the loop has time for it.
                loop._request_stop()
            case "drain":
                loop._request_drain()
                self.report({"draining": True})
                loop.call_soon_threadsafe(loop.call_later, config["grace_period_s"], _end_late)
            case "lend":
                loop._add_listener(order["slot"], config["listener_fds"][order["slot"]], config["backlog"])
            case "take_back":
                loop._remove_listener(order["slot"])

    def report(self, entry: Mapping[str, Any]) -> None:
        """Tell the supervisor something."""
        data = json.dumps(entry).encode() + b"\n"
        while data:
            data = data[os.write(self._report_fd, data) :]

    def _report_requests(self, loop: WorkerLoop, before: int) -> None:
        self.report({"requests": loop._request_count() - before})
        loop.call_later(REPORT_INTERVAL_S, self._report_requests, loop, before)


def run_process(config: Mapping[str, Any], orders: Orders) -> None:
    """Serve in this process's main interpreter until SIGTERM or SIGINT; a second signal ends the process at once."""
    _serve_in_main()
    index = config["worker_index"]
    worker = Worker(index=index, count=config["workers"], strategy="processes", interpreter_id=0)
    if config["pin_to_cores"]:
        cpus = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cpus[index % len(cpus)]})
    # The engine counts what is in flight for each process.
    share = max(1, config["max_in_flight_total"] // config["workers"])

    _run({**config, "max_in_flight_total": share}, worker, orders.begin, lambda: None)


def _run(config: Mapping[str, Any], worker: Worker, announce: Announce, retire: Callable[[], None]) -> None:
    _logging.configure(level=config["log_level"], form=config["log_format"], worker=worker.index)
    _bind_engine()
    with _worker_loop(config, worker, retire) as loop:
        app = _enter(load(AppTarget.decode(config["app"])), worker, config)

        async def serve() -> None:
            routes = _compile(app)
            async with app.run_lifespan():
                with _main_pool(app, routes, worker, config):
                    await _serve(loop, app, routes, config, announce)

        loop.run_until_complete(serve())


def _keep_house(
    home: Household, config: Mapping[str, Any], worker: Worker, announce: Announce, retire: Callable[[], None]
) -> None:
    """The first worker of several in this interpreter: the app starts and ends in its loop."""
    _serve_in_main()
    try:
        _logging.configure(level=config["log_level"], form=config["log_format"])
        _bind_engine()
        with _worker_loop(config, worker, retire) as loop:
            app = _enter(home.app or load(AppTarget.decode(config["app"])), worker, config)

            async def serve() -> None:
                routes = _compile(app)
                async with app.run_lifespan():
                    with _main_pool(app, routes, worker, config):
                        await _serve(loop, app, routes, config, announce, listening=lambda: home.open(app, routes))
                        await home.others_left()

            try:
                loop.run_until_complete(serve())
            finally:
                app.leave_worker()
    finally:
        home.close()


def _join_household(
    home: Household, config: Mapping[str, Any], worker: Worker, announce: Announce, retire: Callable[[], None]
) -> None:
    """Another worker of an interpreter whose first one has started the app."""
    try:
        opened = home.wait_until_open()
        if opened is None:
            return
        app, routes = opened
        with _worker_loop(config, worker, retire) as loop:
            loop.run_until_complete(_serve(loop, app, routes, config, announce))
    finally:
        home.leave()


def _serve_in_main() -> None:
    """What goes for workers in the main interpreter; before the app is loaded."""
    global serves_in_main
    serves_in_main = True
    sys.setswitchinterval(SWITCH_INTERVAL_S)


_engine_is_bound = False


def _bind_engine() -> None:
    """Give the engine what it takes from this package, once in each interpreter."""
    global _engine_is_bound
    if not _engine_is_bound:
        _engine.bind_package(
            Request, Response, handle_exception, handle_status, handle_validation_error, log_timeout, RequestTimeout
        )
        install_current_task()
        _engine_is_bound = True


@contextmanager
def _worker_loop(config: Mapping[str, Any], worker: Worker, retire: Callable[[], None]) -> Iterator[WorkerLoop]:
    """The loop of the worker of this thread."""
    loop = WorkerLoop({**config, "worker_index": worker.index})
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        retire()
        _close(loop)


@contextmanager
def _main_pool(app: App, routes: Routes, worker: Worker, config: Mapping[str, Any]) -> Iterator[None]:
    """Threads of this interpreter that run handlers beside its workers, where those share its GIL with them."""
    if worker.strategy not in ("processes", "threads"):
        yield
        return
    from fasterapi._guests import Guests

    guests = Guests(
        app,
        routes,
        lambda: _worker_loop(config, worker, lambda: None),
        patience_s=config["grace_period_s"],
        has_started=True,
    )
    loop = guests.open()
    try:
        _engine.start_main_pool(
            loop,
            threads=config["num_pooled_workers"],
            queue_size=config["queue_size"],
            **_logging.of_moves(config),
        )
        try:
            yield
        finally:
            _engine.stop_main_pool()
    finally:
        guests.close()


def _enter(app: App, worker: Worker, config: Mapping[str, Any]) -> App:
    app.enter_worker(worker, debug=config["debug"], root_path=config["root_path"], timeout_s=config["timeout_s"])
    # What importing made is there to stay: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    gc.enable()
    return app


def _compile(app: App) -> Routes:
    with warnings.catch_warnings():
        # The launch has told them, once for all workers.
        warnings.simplefilter("ignore")
        return app.compile_routes()


async def _serve(
    loop: WorkerLoop,
    app: App,
    routes: Routes,
    config: Mapping[str, Any],
    announce: Announce,
    listening: Callable[[], None] = lambda: None,
) -> None:
    keeps_requests = bool(app.exception_handlers) or app.debug
    listener = config["listener_fds"][app.worker.index]
    loop._serve(app, routes, intercepted_statuses(app), keeps_requests, listener, config["backlog"])
    listening()
    announce(loop, routes.signature())
    await loop.drained()


def _stop(loop: WorkerLoop, number: int, grace_period_s: float) -> None:
    """First signal: finish what is under way. Another one, unless it is the same wish told twice: end now.

    A service manager may signal the supervisor, which signals this process, and this process itself.
    """

    def take_next(callback: Callable[..., None], *arguments: int) -> None:
        for other in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(other, callback, *arguments)

    take_next(lambda: None)
    loop.call_later(SAME_SIGNAL_S, take_next, _end_now, 128 + number)
    loop.call_later(grace_period_s, _end_now, 1)
    loop._request_stop()


def _end_now(status: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _end_late() -> None:
    _logging.error_logger.error("some requests did not end within the grace period: ending without them")
    _end_now(1)


def _close(loop: WorkerLoop) -> None:
    """What `asyncio.Runner` does at its end, with a bound on waiting for threads."""
    try:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor(EXECUTOR_TIMEOUT_S))
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _adopt_this_thread() -> None:
    """Make the engine's thread this interpreter's main thread in the eyes of `threading`.

    CPython 3.13 names the process's first thread the main one in every interpreter, takes ours for a foreign one, and
    stumbles over its own note of that when the interpreter ends (gh-130522).
    """
    main: Any = threading.main_thread()
    active: Any = threading._active  # type: ignore[attr-defined]
    active.pop(main._ident, None)
    main._ident = threading.get_ident()
    if hasattr(main, "_native_id"):
        main._native_id = threading.get_native_id()
    active[main._ident] = main
