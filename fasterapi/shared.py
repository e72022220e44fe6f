"""State that all interpreters and worker processes of a server share, found by name.

The same name is the same object everywhere: in every worker, whatever the strategy, and in the executors' interpreters.

>>> from fasterapi import shared
>>> hits = shared.Counter("hits")
>>> hits.add()
1

Objects live as long as the server, or the script that made them. They take no part in any interpreter's memory: values
are copied in and out, and a worker's death at any moment leaves them whole.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

from fasterapi import _engine

__all__ = [
    "MISSING",
    "Channel",
    "Counter",
    "Dict",
    "Event",
    "Lock",
    "MemoryUsage",
    "Queue",
    "Subscription",
    "memory_usage",
]


class _Missing:
    """The type of MISSING."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"

    def __reduce__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""What `Dict.compare_and_set` expects of a key that is not there; no plain value is equal to it."""


class MemoryUsage(tuple[int, int]):
    """How much shared memory is taken, and how much may be: bytes, in steps of 16 KiB."""

    __slots__ = ()

    @property
    def used_bytes(self) -> int:
        """What the objects have taken."""
        return self[0]

    @property
    def max_bytes(self) -> int:
        """The bound `shared_memory_max_bytes`."""
        return self[1]


def memory_usage() -> MemoryUsage:
    """How much shared memory is taken, and its bound.

    >>> from fasterapi import shared
    >>> shared.memory_usage().max_bytes
    268435456
    """
    return MemoryUsage(_engine.shared_memory_usage())


class Counter(_engine.SharedCounter):
    """An int64 that all workers add to; it never wraps around.

    `initial` is its value when it is made. Raises ValueError where it was made with another one already, TypeError
    where the name belongs to another kind of object, MemoryError where shared memory is full.

    >>> from fasterapi import shared
    >>> orders = shared.Counter("orders")
    >>> orders.add(), orders.add(10), orders.value
    (1, 11, 11)
    """

    __slots__ = ()


class Dict(_engine.SharedDict):
    """Plain values by key, which all workers read and write.

    Keys are None, bool, int, float, str, bytes and tuples of these; values lists and dicts, too. They are copied in and
    out: to change a list, store it anew (see `update`). Keys that are equal are one key: 1, 1.0 and True are
    all 1.

    `max_items` bounds the number of entries: up to 1024 exactly, by dropping the entry that was used longest ago; a
    larger dict is made of 16 parts with a sixteenth of the bound each, and drops the oldest of a part that is full.
    `ttl_s` is how many seconds an entry is kept; `float("inf")` for an entry that is always kept.

    Raises ValueError where the dict was made with other options already, TypeError where the name belongs to another
    kind of object, or a key or value is not plain, MemoryError where shared memory is full.

    >>> from fasterapi import shared
    >>> sessions = shared.Dict("sessions", max_items=10_000, ttl_s=3600)
    >>> sessions["u1"] = {"name": "Ada", "visits": 1}
    >>> sessions["u1"]["name"]
    'Ada'
    """

    __slots__ = ()

    def compare_and_set(self, key: Any, expected: Any, new: Any, /, *, ttl_s: float | None = None) -> bool:
        """Store `new` where the value equals `expected` (MISSING: where there is none); whether it did.

        >>> from fasterapi import shared
        >>> jobs = shared.Dict("jobs")
        >>> jobs["j1"] = "waiting"
        >>> jobs.compare_and_set("j1", "waiting", "running"), jobs.compare_and_set("j1", "waiting", "running")
        (True, False)
        """
        while True:
            value, version = self._read(key, MISSING)
            if value is MISSING or expected is MISSING:
                if value is not expected:
                    return False
            elif value != expected:
                return False
            if self._write(key, new, version, ttl_s):
                return True

    def update(
        self, key: Any, function: Callable[[Any], Any], /, default: Any = None, *, ttl_s: float | None = None
    ) -> Any:
        """Store `function(value)` in place of the value, or of `default` where there is none; returns what was stored.

        No lock is held while `function` runs: where somebody else changed the value meanwhile, it is called again with
        that one. So it should have no other effect than its result.

        >>> from fasterapi import shared
        >>> carts = shared.Dict("carts")
        >>> carts.update("u1", lambda items: [*items, "apple"], default=[])
        ['apple']
        """
        while True:
            value, version = self._read(key, default)
            new = function(value)
            if self._write(key, new, version, ttl_s):
                return new


async def _until(attempt: Callable[[], bool], place: int, *, suits_all: bool = False) -> None:
    # Whoever does not wait in an event loop does without asyncio.
    from fasterapi._shared_waiting import until

    await until(attempt, place, suits_all=suits_all)


class _Patience:
    """How long a blocking call may still wait; None is for ever."""

    __slots__ = ("_deadline",)

    def __init__(self, timeout_s: float | None) -> None:
        self._deadline = None if timeout_s is None else time.monotonic() + timeout_s

    @property
    def left_s(self) -> float:
        return 1.0 if self._deadline is None else max(0.0, self._deadline - time.monotonic())


class Lock(_engine.SharedLock):
    """One at a time, among all workers.

    It belongs to the thread or, with `async with`, the task that has acquired it, and is not re-entrant: acquiring it
    again there raises RuntimeError. The death of a process that holds it releases it: whoever waits has it within a
    tenth of a second, and `recovered` tells that what it guards may be half done. Any thread of the holder's process
    may release it.

    >>> from fasterapi import shared
    >>> with shared.Lock("migration") as lock:
    ...     lock.recovered
    False
    """

    __slots__ = ("recovered",)

    recovered: bool
    """Whether the last acquisition, through this object, took the lock from a process that had died with it."""

    def __new__(cls, name: str) -> Self:
        """Find the lock of that name, or make it."""
        made = super().__new__(cls, name)
        made.recovered = False
        return made

    def acquire(self, timeout_s: float | None = None) -> bool:
        """Wait for it and take it; False where that takes longer than `timeout_s` seconds. 0 does not wait."""
        holder = threading.get_ident()
        patience = _Patience(timeout_s)
        while True:
            left_s = patience.left_s
            if self._try(holder, left_s):
                return True
            if left_s == 0:
                return False

    async def acquire_async(self) -> None:
        """Wait for it in an event loop, for as long as `asyncio.timeout` allows.

        >>> from fasterapi import shared
        >>> async def once():
        ...     async with shared.Lock("report"):
        ...         return "done"
        """
        from asyncio import current_task

        holder = id(current_task())
        await _until(lambda: self._try(holder, 0), self._freed)

    def _try(self, holder: int, wait_s: float) -> bool:
        taken = self._acquire(holder, wait_s)
        if taken is False:
            return False
        self.recovered = taken is None
        return True

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    async def __aenter__(self) -> Self:
        await self.acquire_async()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


class Event(_engine.SharedEvent):
    """Something that has happened or not, and that all workers can wait for.

    >>> from fasterapi import shared
    >>> ready = shared.Event("ready")
    >>> ready.wait(timeout_s=0)
    False
    >>> ready.set()
    >>> ready.wait()
    True
    """

    __slots__ = ()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it is set; False where that takes longer than `timeout_s` seconds."""
        patience = _Patience(timeout_s)
        while True:
            left_s = patience.left_s
            if self._wait(left_s):
                return True
            if left_s == 0:
                return False

    async def wait_async(self) -> None:
        """Wait in an event loop until it is set.

        >>> from fasterapi import shared
        >>> async def when_ready():
        ...     await shared.Event("ready").wait_async()
        """
        await _until(self.is_set, self._happened, suits_all=True)


class Queue(_engine.SharedQueue):
    """First in, first out, among all workers. Items are plain values, as in `Dict`.

    It holds at most `max_items`, and `max_bytes` of their content (16 MiB). A worker's death loses no item and doubles
    none: an item is taken, or it is still there.

    >>> from fasterapi import shared
    >>> mails = shared.Queue("mails", max_items=1000)
    >>> mails.put({"to": "ada@example.com"})
    >>> mails.get()
    {'to': 'ada@example.com'}
    """

    __slots__ = ()

    def put(self, item: Any, timeout_s: float | None = None) -> None:
        """Wait for room and put the item at the end; queue.Full where that takes longer than `timeout_s` seconds.

        Raises TypeError where it is not plain, ValueError where it is larger than `max_bytes`, MemoryError where
        shared memory is full.
        """
        patience = _Patience(timeout_s)
        while True:
            left_s = patience.left_s
            if self._put(item, left_s):
                return
            if left_s == 0:
                raise queue.Full

    def put_nowait(self, item: Any) -> None:
        """Put the item at the end; queue.Full where there is no room."""
        self.put(item, 0)

    async def put_async(self, item: Any) -> None:
        """Wait for room in an event loop, and put the item at the end."""
        await _until(lambda: self._put(item, 0), self._item_left)

    def get(self, timeout_s: float | None = None) -> Any:
        """Wait for an item and take it; queue.Empty where that takes longer than `timeout_s` seconds."""
        patience = _Patience(timeout_s)
        while True:
            left_s = patience.left_s
            item = self._get(MISSING, left_s)
            if item is not MISSING:
                return item
            if left_s == 0:
                raise queue.Empty

    def get_nowait(self) -> Any:
        """Take the first item; queue.Empty where there is none."""
        return self.get(0)

    async def get_async(self) -> Any:
        """Wait for an item in an event loop, and take it. One who is cancelled has taken nothing.

        >>> from fasterapi import shared
        >>> async def work():
        ...     while True:
        ...         print(await shared.Queue("mails", max_items=1000).get_async())
        """
        taken = MISSING

        def take() -> bool:
            nonlocal taken
            taken = self._get(MISSING, 0)
            return taken is not MISSING

        await _until(take, self._item_came)
        return taken

    def empty(self) -> bool:
        """Whether there is no item now."""
        return self.qsize() == 0

    def full(self) -> bool:
        """Whether there are `max_items` now."""
        return self.qsize() >= self.maxsize


class Channel(_engine.SharedChannel):
    """Messages to everybody, in all workers, who has subscribed. Messages are plain values, as in `Dict`.

    `publish` never waits. A channel keeps its last `max_messages` (1024), and at most `max_bytes` of them (16 MiB): a
    subscriber that is slower misses the oldest, and `missed` tells how many.

    >>> from fasterapi import shared
    >>> news = shared.Channel("news")
    >>> with news.subscribe() as messages:
    ...     news.publish("hello")
    ...     messages.get()
    1
    'hello'
    """

    __slots__ = ()

    def subscribe(self) -> Subscription:
        """What is published from now on."""
        return Subscription(self)


class Subscription(_engine.SharedSubscription):
    """The messages that one subscriber has not read yet, oldest first. Ends with its `with` or `async with`.

    >>> from fasterapi import shared
    >>> async def follow():
    ...     async with shared.Channel("news").subscribe() as messages:
    ...         async for message in messages:
    ...             print(message, messages.missed)
    """

    __slots__ = ()

    def get(self, timeout_s: float | None = None) -> Any:
        """Wait for the next message; queue.Empty where that takes longer than `timeout_s` seconds.

        Raises ValueError where the subscription is closed.
        """
        patience = _Patience(timeout_s)
        while True:
            left_s = patience.left_s
            message = self._get(MISSING, left_s)
            if message is not MISSING:
                return message
            if left_s == 0:
                raise queue.Empty

    def get_nowait(self) -> Any:
        """The next message; queue.Empty where there is none."""
        return self.get(0)

    async def get_async(self) -> Any:
        """Wait for the next message in an event loop."""
        message = MISSING

        def read() -> bool:
            nonlocal message
            message = self._get(MISSING, 0)
            return message is not MISSING

        await _until(read, self._message_came, suits_all=True)
        return message

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        if self.closed:
            raise StopIteration
        return self.get()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        if self.closed:
            raise StopAsyncIteration
        return await self.get_async()


def _bound_by_environment() -> None:
    # The server has set the bound by now, or its workers have its memory: this is for scripts.
    asked = os.environ.get("FASTERAPI_SHARED_MEMORY_MAX_BYTES")
    if asked is not None:
        from fasterapi.config import check_value

        _engine.bound_shared_memory(check_value("shared_memory_max_bytes", asked))


_bound_by_environment()
