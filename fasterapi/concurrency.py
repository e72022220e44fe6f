"""Running blocking calls beside the event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable

__all__ = ["iterate_in_threadpool", "run_in_threadpool"]


async def run_in_threadpool[**P, T](func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `func` in a thread of this interpreter's default executor, in a copy of the current context."""
    import asyncio

    return await asyncio.to_thread(func, *args, **kwargs)


async def iterate_in_threadpool[T](iterable: Iterable[T]) -> AsyncIterator[T]:
    """Iterate a blocking iterable, each step in a thread."""
    iterator = iter(iterable)
    end = object()
    while (item := await run_in_threadpool(next, iterator, end)) is not end:
        yield item  # type: ignore[misc]
