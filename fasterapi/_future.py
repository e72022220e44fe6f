"""Futures of calls in other interpreters, and the thread that tells of their end."""

from __future__ import annotations

import threading
from concurrent.futures import BrokenExecutor, CancelledError, InvalidStateError
from concurrent.futures import Future as PlainFuture
from typing import Any, Never

from fasterapi import _engine, _threads
from fasterapi._failures import rebuild
from fasterapi._functions import describe

__all__ = ["BrokenSubinterpreterPool", "Future"]


class BrokenSubinterpreterPool(BrokenExecutor):
    """An interpreter of the executor could not be made or prepared: its initializer failed, for example."""


class Future[T](_engine.FutureBase, PlainFuture[T]):
    """A call in another interpreter, and its result in this one.

    Waiting for it costs no lock; what `concurrent.futures` and asyncio need to be told of its end is made once one of
    them asks for it.
    """

    def __repr__(self) -> str:
        if self.cancelled():
            state = "cancelled"
        elif not self.done():
            state = "running" if self.running() else "pending"
        elif self._exception is not None:
            state = f"finished raised {type(self._exception).__name__}"
        else:
            state = f"finished returned {type(self._result).__name__}"
        return f"<{type(self).__name__} at {id(self):#x} state={state}>"

    def set_running_or_notify_cancel(self) -> Never:
        """Not for futures of an executor: raises InvalidStateError."""
        raise InvalidStateError("the executor alone decides what becomes of this future")

    def set_result(self, result: T) -> Never:
        """Not for futures of an executor: raises InvalidStateError."""
        raise InvalidStateError("the executor alone decides what becomes of this future")

    def set_exception(self, exception: BaseException | None) -> Never:
        """Not for futures of an executor: raises InvalidStateError."""
        raise InvalidStateError("the executor alone decides what becomes of this future")

    def _announce(self) -> None:
        """Tell all who asked for it that the call has ended."""
        with self._condition:
            self._mark_announced()
            for waiter in self._waiters:
                if self.cancelled():
                    waiter.add_cancelled(self)
                elif self._exception is not None:
                    waiter.add_exception(self)
                else:
                    waiter.add_result(self)
            self._condition.notify_all()
        self._invoke_callbacks()  # type: ignore[attr-defined]


def _tell_completions() -> None:
    _threads.start(threading.Thread(target=_announce_all, name="fasterapi-completions"))


def _announce_all() -> None:
    while (futures := _engine.take_completed()) is not None:
        for future in futures:
            future._announce()


def _bind() -> None:
    # Typing knows nothing of it: concurrent.futures ends its own threads in this way, before threads are joined.
    register: Any = threading._register_atexit  # type: ignore[attr-defined]
    _engine.bind_executor(
        Future, threading.Condition, describe, rebuild, _tell_completions, CancelledError, BrokenSubinterpreterPool
    )
    register(_engine.end_executors)


_bind()
