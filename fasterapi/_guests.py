"""The loop of an interpreter with pooled threads, which runs the coroutines of other workers' requests."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from fasterapi import _threads
from fasterapi._dispatch import intercepted_statuses
from fasterapi._logging import error_logger

if TYPE_CHECKING:
    from fasterapi._engine import Routes
    from fasterapi._loop import WorkerLoop
    from fasterapi.applications import App

__all__ = ["Guests"]

# How long coroutines that were cancelled may take to end.
CANCEL_PATIENCE_S = 1.0
# How long after it was in vain another interpreter is asked for again.
RENEWAL_PAUSE_S = 0.1


class Guests:
    """One interpreter's app and loop, on a thread of its own; `make_loop` is called there.

    The app is started and ended there too, unless it `has_started` elsewhere in this interpreter. Coroutines that have
    not ended with it get `patience_s` for that.
    """

    def __init__(
        self,
        app: App,
        routes: Routes,
        make_loop: Callable[[], AbstractContextManager[WorkerLoop]],
        *,
        patience_s: float,
        has_started: bool = False,
    ) -> None:
        self._app = app
        self._routes = routes
        self._make_loop = make_loop
        self._patience_s = patience_s
        self._has_started = has_started
        self._is_spoiled = False
        self._loop: WorkerLoop | None = None
        self._failure: BaseException | None = None
        self._opened = threading.Event()
        self._stop: asyncio.Future[None] | None = None
        self._thread = threading.Thread(target=self._run, name="guests")

    def open(self) -> WorkerLoop:
        """Start the app and the loop, which is returned. Raises what the app's start raised."""
        _threads.start(self._thread)
        self._opened.wait()
        if self._failure is not None:
            raise self._failure
        assert self._loop is not None
        return self._loop

    def close(self) -> None:
        """Let coroutines end, end the app, and wait for it."""
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(self._stop.set_result, None)
        self._thread.join()

    def _run(self) -> None:
        try:
            with self._make_loop() as loop:
                hosting = loop.create_task(self._host(loop))
                while not hosting.done():
                    self._run_on(loop, hosting)
        except BaseException as error:
            self._failure = error
            if self._opened.is_set():
                raise
        finally:
            self._opened.set()

    def _run_on(self, loop: WorkerLoop, hosting: asyncio.Task[None]) -> None:
        try:
            loop.run_until_complete(hosting)
        except BaseException as error:
            if hosting.done() or not self._opened.is_set():
                raise
            # Code of the app has ended the loop, as SystemExit in a callback does. Those who wait for it need it still.
            if not self._is_spoiled:
                self._is_spoiled = True
                what_follows = "" if self._has_started else " until a fresh interpreter takes its place"
                error_logger.error(
                    "the app has ended the event loop of a pool, which goes on%s", what_follows, exc_info=error
                )
                self._ask_for_renewal(loop)

    def _ask_for_renewal(self, loop: WorkerLoop) -> None:
        if not loop._report_spoiled():
            loop.call_later(RENEWAL_PAUSE_S, self._ask_for_renewal, loop)

    async def _host(self, loop: WorkerLoop) -> None:
        async with nullcontext() if self._has_started else self._app.run_lifespan():
            loop._host_guests(self._app, self._routes, intercepted_statuses(self._app))
            loop._close_guests = self.close
            self._stop = loop.create_future()
            self._loop = loop
            self._opened.set()
            await self._stop
            await self._let_go(loop)

    async def _let_go(self, loop: WorkerLoop) -> None:
        """Wait for coroutines that have begun; cancel, and then answer for, those that do not end."""
        left = loop.create_future()
        loop._on_guests_left = lambda: None if left.done() else left.set_result(None)
        loop._dismiss_guests()
        await asyncio.wait([left], timeout=self._patience_s)
        if loop._cancel_guests():
            await asyncio.wait([left], timeout=CANCEL_PATIENCE_S)
            if dropped := loop._drop_guests():
                error_logger.error("%d coroutines of handlers did not end with their interpreter", dropped)
