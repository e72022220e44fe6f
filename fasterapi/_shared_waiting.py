"""Waiting for shared objects in an event loop, without threads and without blocking it.

Each loop that waits has one bell: a socket that whoever changes a shared object rings, in whatever interpreter or
process. What only one can have, such as a lock, wakes the tasks one after the other, in the order in which they came;
what is there for everybody, such as a message, wakes them all.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import Callable

from fasterapi import _engine

__all__ = ["until"]

# Whoever dies between a change and its ring, or with a lock, leaves the others asleep: so they look by themselves,
# the first of those who want what one can have this often, and the others every tenth time.
LOOK_AGAIN_AFTER_S = 0.1
LOOKS_PER_LOOK_OF_ALL = 10

_ANYWHERE = 0


class _Line:
    """Who waits at one place, the first in front."""

    def __init__(self, *, suits_all: bool) -> None:
        self._suits_all = suits_all
        self._futures: deque[asyncio.Future[None]] = deque()

    def __bool__(self) -> bool:
        return bool(self._futures)

    @property
    def suits_all(self) -> bool:
        return self._suits_all

    def join(self, future: asyncio.Future[None], *, in_front: bool) -> None:
        if in_front:
            self._futures.appendleft(future)
        else:
            self._futures.append(future)

    def leave(self, future: asyncio.Future[None]) -> None:
        if future in self._futures:
            self._futures.remove(future)

    def wake(self) -> None:
        """Let the first look, or all of them."""
        while self._futures:
            future = self._futures.popleft()
            if not future.done():
                future.set_result(None)
                if not self._suits_all:
                    return


class _Listener:
    """The bell of one loop, and who waits for it where."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._bell = _engine.SharedBell()
        # The loop holds this object as the reader's callback, so it must not be held in turn.
        self._loop = weakref.ref(loop)
        self._lines: dict[int, _Line] = {}
        self._looks = 0
        self._next_look: asyncio.TimerHandle | None = None
        loop.add_reader(self._bell.fileno(), self._on_ring)

    def join(self, place: int, *, suits_all: bool, in_front: bool) -> asyncio.Future[None]:
        """A future that is done once something may have changed there."""
        loop = self._loop()
        assert loop is not None
        future: asyncio.Future[None] = loop.create_future()
        line = self._lines.get(place)
        if line is None:
            line = self._lines[place] = _Line(suits_all=suits_all)
        line.join(future, in_front=in_front)
        self._bell.hang(place)
        if self._next_look is None:
            self._next_look = loop.call_later(LOOK_AGAIN_AFTER_S, self._look_again)
        return future

    def leave(self, place: int, future: asyncio.Future[None]) -> None:
        """The future is wanted no more. The next one may look: there may be more, or this one was woken in vain."""
        line = self._lines.get(place)
        if line is None:
            return
        line.leave(future)
        if not line.suits_all:
            line.wake()
        if not line:
            del self._lines[place]

    def _on_ring(self) -> None:
        places = self._bell.answer()
        for place in list(self._lines) if _ANYWHERE in places else places:
            self._wake(place)

    def _look_again(self) -> None:
        self._next_look = None
        loop = self._loop()
        if not self._lines or loop is None:
            return
        self._looks += 1
        for place, line in list(self._lines.items()):
            if not line.suits_all or self._looks % LOOKS_PER_LOOK_OF_ALL == 0:
                self._wake(place)
        self._next_look = loop.call_later(LOOK_AGAIN_AFTER_S, self._look_again)

    def _wake(self, place: int) -> None:
        line = self._lines.get(place)
        if line is None:
            return
        # Hung before anybody looks: what changes after the look rings again.
        self._bell.hang(place)
        line.wake()
        if not line:
            del self._lines[place]


_listeners: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Listener] = weakref.WeakKeyDictionary()


def _listener() -> _Listener:
    loop = asyncio.get_running_loop()
    listener = _listeners.get(loop)
    if listener is None:
        listener = _listeners[loop] = _Listener(loop)
    return listener


async def until(attempt: Callable[[], bool], place: int, *, suits_all: bool = False) -> None:
    """Wait until `attempt()` is true, which is tried now and after each change at that place.

    Nothing is awaited between the attempt that succeeds and the return: a task that is cancelled has taken nothing.
    `suits_all` tells that what is there is there for everybody.
    """
    if attempt():
        return
    listener = _listener()
    in_front = False
    while True:
        future = listener.join(place, suits_all=suits_all, in_front=in_front)
        try:
            # What changed before the bell was hung has not rung.
            done = attempt()
            if not done:
                await future
                done = attempt()
        except BaseException:
            listener.leave(place, future)
            raise
        if done:
            listener.leave(place, future)
            return
        in_front = True
