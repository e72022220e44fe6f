"""Every core for plain Python: an executor whose workers are interpreters of this process, each with its own GIL.

>>> from fasterapi import SubinterpreterExecutor
>>> with SubinterpreterExecutor() as executor:
...     executor.submit(pow, 2, 10).result()
1024
"""

from __future__ import annotations

# CPython 3.13 crashes when sub-interpreters are the first to import it (gh-136421).
import datetime  # noqa: F401
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import batched, islice
from typing import Any, Self

from fasterapi import _engine
from fasterapi._failures import RemoteError, rebuild
from fasterapi._future import BrokenSubinterpreterPool, Future
from fasterapi._main import is_main_loading, main_target

__all__ = [
    "BrokenSubinterpreterPool",
    "ExecutorStats",
    "Future",
    "Latency",
    "RemoteError",
    "SubinterpreterExecutor",
    "parallel_map",
    "run_in_worker",
]

QUEUE_SIZE = 65536
"""How many calls wait before `submit` does, unless `queue_size` says otherwise."""

CHUNKS_PER_WORKER = 4
"""How many portions `parallel_map` makes for each worker, so that all end at about the same time."""


@dataclass(frozen=True, slots=True)
class Latency:
    """How long something took, in seconds, over `count` times; percentiles are exact to 12.5 %."""

    count: int
    average: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class ExecutorStats:
    """What an executor did since it was made.

    `executed` calls ran to their end, and `failed` of those raised; `timed_out` met their deadline first, `cancelled`
    did not begin, `rejected` were not taken. `queued` wait and `running` run now. `stolen` were run by another worker
    than the one they were given to; `replaced` interpreters were given up because code in them would not end, and
    `stuck` of those have not come back.
    """

    executed: int
    failed: int
    timed_out: int
    cancelled: int
    rejected: int
    stolen: int
    replaced: int
    queued: int
    running: int
    stuck: int
    queue_wait: Latency
    run_time: Latency
    gil_wait: Latency


class SubinterpreterExecutor(_engine.ExecutorBase, Executor):
    """Runs calls in interpreters of this process that each have a GIL of their own, so that they use every core.

    `max_workers` calls run at once (default: the CPUs this process may use). Of those `pooled` share `interpreters`
    (default: half as many), for calls that mostly wait; the others, `pinned`, have one each.

    `initializer(*initargs)` is called in every interpreter before its first call; when it raises, the executor is
    broken and calls raise BrokenSubinterpreterPool. `shared` names values that are set in the `__main__` of every
    interpreter. `timeout` bounds each call, in seconds from its submission: it ends with TimeoutError, and its code is
    interrupted. When `queue_size` calls wait, `submit` waits as well. `pin_to_cores` gives each interpreter a CPU.

    Raises ValueError for numbers that make no sense, TypeError for values that cannot cross to another interpreter, and
    RuntimeError where Python has no interpreters with their own GIL (before 3.13).
    """

    def __init__(
        self,
        max_workers: int | None = None,
        *,
        pinned: int | None = None,
        pooled: int = 0,
        interpreters: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        shared: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        queue_size: int = QUEUE_SIZE,
        pin_to_cores: bool = False,
    ) -> None:
        _check_place()
        pinned, interpreters = _numbers(max_workers, pinned, pooled, interpreters)
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be callable")
        if not 0 < queue_size < 1 << 24:
            raise ValueError("queue_size must be at least 1, and less than 16,777,216")
        super().__init__(
            pinned=pinned,
            pooled=pooled,
            interpreters=interpreters,
            queue_size=queue_size,
            pin_to_cores=pin_to_cores,
            path=list(sys.path),
            shared=None if shared is None else _names(shared),
            initializer=initializer,
            initargs=tuple(initargs),
            timeout=timeout,
        )

    def map[T](
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[T]:
        """The results of `fn` over the items of `iterables`, taken together as `zip` does, in their order.

        Calls are sent `chunksize` at a time, which is faster for short ones. Without `buffersize` all items are
        submitted at once; with it, so many chunks are under way at most, and items are taken as results are.
        Raises TimeoutError when a result is not there `timeout` seconds after this was called.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be at least 1")
        if buffersize is not None and buffersize < 1:
            raise ValueError("buffersize must be None or at least 1")
        end = None if timeout is None else time.monotonic() + timeout
        calls = zip(*iterables, strict=False)
        chunks = ([*chunk] for chunk in batched(calls, chunksize))
        waiting = deque(self._submit_many(fn, chunk) for chunk in islice(chunks, buffersize))
        return self._results(fn, chunks, waiting, end)

    def _results(
        self, fn: Callable[..., Any], chunks: Iterator[list[Any]], waiting: deque[Future[Any]], end: float | None
    ) -> Iterator[Any]:
        try:
            while waiting:
                future = waiting[0]
                results, failure = future.result(None if end is None else max(0.0, end - time.monotonic()))
                waiting.popleft()
                del future
                waiting.extend(self._submit_many(fn, chunk) for chunk in islice(chunks, 1))
                results.reverse()
                while results:
                    yield results.pop()
                if failure is not None:
                    raise rebuild(failure)
        finally:
            for future in waiting:
                future.cancel()

    def call_each[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> list[T]:
        """Call `fn` once in every interpreter, and return the results in the interpreters' order.

        Raises what the first of them raises, once all have ended.
        """
        futures: list[Future[T]] = [self._submit_at(place, fn, *args, **kwargs) for place in range(self._positions)]
        for future in futures:
            future.exception()
        return [future.result() for future in futures]

    def with_timeout(self, timeout: float | None) -> Self:
        """This executor with another time limit for each call, in seconds. Ending either ends both."""
        view = type(self).__new__(type(self))
        view._share(self, timeout)
        return view

    def stats(self) -> ExecutorStats:
        """What this executor did since it was made."""
        values = self._read_stats()
        values |= {name: Latency(*values[name]) for name in ("queue_wait", "run_time", "gil_wait")}
        return ExecutorStats(**values)


def run_in_worker[**P, T](fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Any:
    """Await `fn(*args, **kwargs)`, for handlers: it runs away from the event loop. Raises what `fn` raises.

    Calls run in an executor with as many workers as CPUs, which is made when it is first needed and is shared by all
    interpreters of the process. Under the strategies `processes` and `threads`, where packages need not support
    interpreters of their own, calls run in threads of the process.

    >>> async def handler(n: int) -> int:
    ...     return await run_in_worker(slow, n)
    """
    from asyncio import to_thread, wrap_future

    if _serves_in_main():
        return to_thread(fn, *args, **kwargs)
    return wrap_future(_own_executor().submit(fn, *args, **kwargs))


def parallel_map[T](
    fn: Callable[..., T], items: Iterable[Any], *, workers: int | None = None, progress: bool = True
) -> list[T]:
    """`[fn(item) for item in items]` on every core, with a progress bar if this is a terminal.

    `workers` is how many calls run at once (default: the CPUs this process may use).
    """
    calls: Sequence[Any] = items if isinstance(items, Sequence) else list(items)
    with SubinterpreterExecutor(workers) as executor:
        chunksize = max(1, len(calls) // (executor._positions * CHUNKS_PER_WORKER))
        results = executor.map(fn, calls, chunksize=chunksize)
        if progress and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import track

            name = getattr(fn, "__name__", "calls")
            return list(track(results, name, len(calls), console=Console(stderr=True)))
        return list(results)


_own: SubinterpreterExecutor | None = None
_own_lock = threading.Lock()


def _own_executor() -> SubinterpreterExecutor:
    global _own
    with _own_lock:
        if _own is None:
            _check_place()
            _own = SubinterpreterExecutor.__new__(SubinterpreterExecutor)
            _own._join_process_pool(list(sys.path))
        return _own


def _serves_in_main() -> bool:
    worker = sys.modules.get("fasterapi._worker")
    return worker is not None and worker.serves_in_main


def _check_place() -> None:
    from fasterapi._trial import supports_own_gil

    if not supports_own_gil():
        raise RuntimeError("interpreters with a GIL of their own need CPython 3.13 or later")
    if is_main_loading():
        target = main_target()
        raise RuntimeError(
            f"{target[0] if target else 'the script'} makes an executor while an executor's worker runs it again "
            'to find its functions: put that under  if __name__ == "__main__":'
        )


def _numbers(max_workers: int | None, pinned: int | None, pooled: int, interpreters: int | None) -> tuple[int, int]:
    if max_workers is not None and max_workers <= 0:
        raise ValueError("max_workers must be greater than 0")
    if pooled < 0 or (pinned is not None and pinned < 0):
        raise ValueError("pinned and pooled must not be negative")
    if pinned is None:
        total = max_workers if max_workers is not None else _engine.usable_cpus() + pooled
        pinned = total - pooled
    if pinned < 0 or (max_workers is not None and pinned + pooled != max_workers):
        raise ValueError(f"max_workers is {max_workers}, and pinned and pooled workers together are another number")
    if pinned + pooled == 0:
        raise ValueError("an executor needs at least one worker")
    if interpreters is None:
        interpreters = (pooled + 1) // 2
    if pooled and not 1 <= interpreters <= pooled:
        raise ValueError("interpreters must be at least 1, and at most as many as there are pooled workers")
    return pinned, interpreters


def _names(shared: Mapping[str, Any]) -> dict[str, Any]:
    for name in shared:
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"shared names values of __main__: {name!r} is not a name")
    return dict(shared)
