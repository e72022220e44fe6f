"""The loop of an interpreter with pooled threads, which runs the coroutines of other workers' requests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from fasterapi._dispatch import intercepted_statuses

if TYPE_CHECKING:
    from fasterapi._engine import Routes
    from fasterapi._loop import WorkerLoop
    from fasterapi.applications import App

__all__ = ["Guests"]


class Guests:
    """One interpreter's app and loop, on a thread of its own; `make_loop` is called there.

    The app is started and ended there too, unless it `has_started` elsewhere in this interpreter.
    """

    def __init__(
        self,
        app: App,
        routes: Routes,
        make_loop: Callable[[], AbstractContextManager[WorkerLoop]],
        *,
        has_started: bool = False,
    ) -> None:
        self._app = app
        self._routes = routes
        self._make_loop = make_loop
        self._has_started = has_started
        self._loop: WorkerLoop | None = None
        self._failure: BaseException | None = None
        self._opened = threading.Event()
        self._stop: asyncio.Future[None] | None = None
        self._thread = threading.Thread(target=self._run, name="guests")

    def open(self) -> WorkerLoop:
        """Start the app and the loop, which is returned. Raises what the app's start raised."""
        self._thread.start()
        self._opened.wait()
        if self._failure is not None:
            raise self._failure
        assert self._loop is not None
        return self._loop

    def close(self) -> None:
        """Let coroutines end, end the app, and wait for it."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set_result, None)
        self._thread.join()

    def _run(self) -> None:
        try:
            with self._make_loop() as loop:
                loop.run_until_complete(self._host(loop))
        except BaseException as error:
            self._failure = error
            if self._opened.is_set():
                raise
        finally:
            self._opened.set()

    async def _host(self, loop: WorkerLoop) -> None:
        async with nullcontext() if self._has_started else self._app.run_lifespan():
            loop._host_guests(self._app, self._routes, intercepted_statuses(self._app))
            loop._close_guests = self.close
            self._stop = loop.create_future()
            self._loop = loop
            self._opened.set()
            await self._stop
