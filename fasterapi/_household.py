"""What the workers of one interpreter have in common, under the strategy `threads`: an app, started and ended once."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fasterapi._engine import Routes
    from fasterapi.applications import App

__all__ = ["Household", "begin", "household"]


class Household:
    """The app that several workers serve together. The first worker keeps house: it opens the app, and closes it last.

    `app` is the app where it is loaded already, by a script that called `app.run()`; `workers` is how many there are.
    """

    def __init__(self, workers: int, app: App | None = None) -> None:
        self.app = app
        self._changed = threading.Condition()
        self._opened: tuple[App, Routes] | None = None
        self._closed = False
        self._others = workers - 1
        self._all_gone: asyncio.Future[None] | None = None

    def open(self, app: App, routes: Routes) -> None:
        """The first worker's: the app has started, and the others may serve it."""
        with self._changed:
            self._opened = (app, routes)
            self._changed.notify_all()

    def close(self) -> None:
        """The first worker's: whoever still waits for the app is sent home."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait_until_open(self) -> tuple[App, Routes] | None:
        """The others': blocks until the app has started. None where it did not."""
        with self._changed:
            self._changed.wait_for(lambda: self._opened is not None or self._closed)
            return None if self._closed else self._opened

    def leave(self) -> None:
        """The others': one serves no more."""
        with self._changed:
            self._others -= 1
            if self._others == 0 and self._all_gone is not None:
                self._all_gone.get_loop().call_soon_threadsafe(self._all_gone.set_result, None)

    async def others_left(self) -> None:
        """The first worker's: wait until no other one serves."""
        with self._changed:
            if self._others == 0:
                return
            self._all_gone = asyncio.get_running_loop().create_future()
        await self._all_gone


_household: Household | None = None


def begin(workers: int, app: App | None) -> None:
    """Before the workers of this interpreter start."""
    global _household
    _household = Household(workers, app)


def household() -> Household:
    """That of this interpreter's workers."""
    assert _household is not None
    return _household
