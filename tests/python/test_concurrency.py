from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

from fasterapi.concurrency import iterate_in_threadpool, run_in_threadpool

_word: ContextVar[str] = ContextVar("word")


def test_a_blocking_call_runs_in_a_thread_with_the_callers_context() -> None:
    async def main() -> tuple[str, bool]:
        _word.set("heard")

        def blocking(suffix: str, *, mark: str) -> tuple[str, bool]:
            return _word.get() + suffix + mark, threading.current_thread() is threading.main_thread()

        return await run_in_threadpool(blocking, " there", mark="!")

    assert asyncio.run(main()) == ("heard there!", False)


def test_a_blocking_iterable_is_walked_in_threads() -> None:
    async def main() -> list[int | None]:
        return [item async for item in iterate_in_threadpool(iter([1, None, 3]))]

    assert asyncio.run(main()) == [1, None, 3]
