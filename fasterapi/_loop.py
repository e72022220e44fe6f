"""A worker's asyncio loop: asyncio's own, with the engine's shard as selector and the engine's scheduling."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fasterapi import _engine

__all__ = ["WorkerLoop", "install_current_task"]

type EventKeys = list[tuple[selectors.SelectorKey, int]]

_ADD, _MODIFY, _REMOVE = 0, 1, 2


class ShardSelector(selectors._BaseSelectorImpl):
    """The descriptors that asyncio watches, registered with the shard's poller.

    `select` is never called: a turn of the loop is a turn of the shard, which reports what became ready.
    """

    _fd_to_key: dict[int, selectors.SelectorKey]

    def __init__(self, watch: Callable[[int, int, int], None]) -> None:
        super().__init__()
        self._watch = watch

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key: selectors.SelectorKey = super().register(fileobj, events, data)
        try:
            self._watch(_ADD, key.fd, events)
        except BaseException:
            super().unregister(fileobj)
            raise
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key: selectors.SelectorKey = super().unregister(fileobj)
        try:
            self._watch(_REMOVE, key.fd, 0)
        except OSError:
            # The descriptor was closed before it was unregistered: the kernel has forgotten it already.
            return key
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key: selectors.SelectorKey = self.get_key(fileobj)
        if events != key.events:
            self._watch(_MODIFY, key.fd, events)
        key = key._replace(events=events, data=data)
        self._fd_to_key[key.fd] = key
        return key

    def select(self, timeout: float | None = None) -> EventKeys:
        raise NotImplementedError("the worker's loop runs the shard instead")

    def keys_of(self, ready: list[tuple[int, int]]) -> EventKeys:
        """The registered keys of ready (descriptor, events) pairs, with the events they wait for."""
        found = ((self._fd_to_key.get(fd), events) for fd, events in ready)
        return [(key, events & key.events) for key, events in found if key is not None and events & key.events]


class WorkerLoop(_engine.LoopBase, asyncio.SelectorEventLoop):
    """The event loop of one worker. `settings` is the server's configuration as plain values."""

    if TYPE_CHECKING:
        # asyncio's own, which its type stubs leave out.
        _selector: ShardSelector

        _closed: bool

        def _write_to_self(self) -> None: ...
        def _process_events(self, event_list: EventKeys) -> None: ...

    def __init__(self, settings: Mapping[str, Any]) -> None:
        # What could not be opened whole is closed.
        self._closed = True
        self._open_shard(settings)
        self._drained: asyncio.Future[None] | None = None
        # Called by the engine where this loop runs coroutines of the pool's calls: when the interpreter ends, and when
        # they have ended after _dismiss_guests().
        self._close_guests: Callable[[], None] = lambda: None
        self._on_guests_left: Callable[[], None] = lambda: None
        try:
            asyncio.SelectorEventLoop.__init__(self, ShardSelector(self._watch))
        except BaseException:
            self._closed = True
            raise

    def _add_callback(self, handle: asyncio.Handle) -> None:
        if not handle._cancelled:
            self._push_ready(handle)

    def _process_ready(self, ready: list[tuple[int, int]]) -> None:
        self._process_events(self._selector.keys_of(ready))

    async def drained(self) -> None:
        """Wait until a stop was requested and every request is answered."""
        if self._drained is None:
            self._drained = self.create_future()
        await self._drained

    def _on_drained(self) -> None:
        if self._drained is None:
            self._drained = self.create_future()
        if not self._drained.done():
            self._drained.set_result(None)

    def close(self) -> None:
        if not self.is_closed():
            super().close()
            self._close_shard()


def install_current_task() -> None:
    """Let `asyncio.current_task()` know requests, which have a Task only once somebody asks for it."""
    current_task: Any = _engine.current_task
    asyncio.current_task = current_task
    asyncio.tasks.current_task = current_task
