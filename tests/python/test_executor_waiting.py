"""concurrent.futures.wait and as_completed, and asyncio, over futures of interpreters."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from concurrent import futures

import pytest

from fasterapi.executor import SubinterpreterExecutor, parallel_map, run_in_worker
from tests.marks import OWN_GIL
from tests.python import executor_functions as far

pytestmark = OWN_GIL

WAIT_S = 60.0


@pytest.fixture(scope="module")
def executor() -> Iterator[SubinterpreterExecutor]:
    with SubinterpreterExecutor(2) as made:
        yield made


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The end that calls wait at, and the end that lets one of them go with each byte."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_wait_for_all(executor: SubinterpreterExecutor) -> None:
    calls = [executor.submit(far.square, i) for i in range(20)]
    done, not_done = futures.wait(calls, WAIT_S)
    assert done == set(calls)
    assert not not_done


def test_wait_for_the_first(executor: SubinterpreterExecutor, pipe: tuple[int, int]) -> None:
    held, quick = executor.submit(far.wait_for, pipe[0]), executor.submit(far.square, 2)
    assert futures.wait([held, quick], WAIT_S, futures.FIRST_COMPLETED) == ({quick}, {held})
    os.write(pipe[1], b"x")
    assert futures.wait([held, quick], WAIT_S).not_done == set()


def test_wait_for_the_first_exception(executor: SubinterpreterExecutor, pipe: tuple[int, int]) -> None:
    held, failing = executor.submit(far.wait_for, pipe[0]), executor.submit(far.fail, "x")
    done, not_done = futures.wait([held, failing], WAIT_S, futures.FIRST_EXCEPTION)
    assert (done, not_done) == ({failing}, {held})
    os.write(pipe[1], b"x")
    held.result(WAIT_S)


def test_wait_no_longer_than_told(executor: SubinterpreterExecutor, pipe: tuple[int, int]) -> None:
    held = executor.submit(far.wait_for, pipe[0])
    assert futures.wait([held], 0.01) == (set(), {held})
    os.write(pipe[1], b"x")
    assert futures.wait([held], WAIT_S) == ({held}, set())


def test_wait_counts_cancelled_futures(pipe: tuple[int, int]) -> None:
    with SubinterpreterExecutor(1) as executor:
        held, waiting, late = (executor.submit(far.wait_for, pipe[0]) for _ in range(3))
        while not held.running():
            assert not futures.wait([held], 0.005).done
        assert waiting.cancel()
        assert futures.wait([held, waiting], WAIT_S, futures.FIRST_COMPLETED).done == {waiting}
        assert futures.wait([late], 0.001).done == set()
        assert late.cancel()
        assert futures.wait([late], 0).done == {late}
        os.write(pipe[1], b"x")


def test_as_completed_gives_each_once(executor: SubinterpreterExecutor) -> None:
    calls = [executor.submit(far.square, i) for i in range(200)]
    seen = list(futures.as_completed([*calls, *calls], WAIT_S))
    assert len(seen) == 200
    assert set(seen) == set(calls)
    assert sorted(future.result() for future in seen) == [i * i for i in range(200)]


def test_as_completed_in_the_order_of_their_end(executor: SubinterpreterExecutor, pipe: tuple[int, int]) -> None:
    held, quick = executor.submit(far.wait_for, pipe[0]), executor.submit(far.square, 2)
    completed = futures.as_completed([held, quick], WAIT_S)
    assert next(completed) is quick
    os.write(pipe[1], b"x")
    assert next(completed) is held


def test_as_completed_no_longer_than_told(executor: SubinterpreterExecutor, pipe: tuple[int, int]) -> None:
    held = executor.submit(far.wait_for, pipe[0])
    with pytest.raises(futures.TimeoutError):
        list(futures.as_completed([held], 0))
    os.write(pipe[1], b"x")
    assert list(futures.as_completed([held], WAIT_S)) == [held]


def test_among_futures_of_threads(executor: SubinterpreterExecutor) -> None:
    with futures.ThreadPoolExecutor(1) as threads:
        calls = [threads.submit(far.square, 1), executor.submit(far.square, 2)]
        assert futures.wait(calls, WAIT_S).done == set(calls)
        assert set(futures.as_completed(calls)) == set(calls)


# ---- asyncio


def test_awaited_in_asyncio(executor: SubinterpreterExecutor) -> None:
    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        first = await loop.run_in_executor(executor, far.square, 3)
        second = await asyncio.wrap_future(executor.submit(far.square, 4))
        rest = await asyncio.gather(*(asyncio.wrap_future(executor.submit(far.square, i)) for i in range(100)))
        return [first, second, *rest]

    assert asyncio.run(main()) == [9, 16, *(i * i for i in range(100))]


def test_exceptions_reach_asyncio(executor: SubinterpreterExecutor) -> None:
    async def main() -> None:
        await asyncio.get_running_loop().run_in_executor(executor, far.fail, "awaited")

    with pytest.raises(ValueError, match="awaited"):
        asyncio.run(main())


def test_cancelling_reaches_the_executor(pipe: tuple[int, int]) -> None:
    async def main(executor: SubinterpreterExecutor) -> futures.Future[int]:
        held = executor.submit(far.wait_for, pipe[0])
        while not held.running():
            await asyncio.sleep(0.001)
        waiting = executor.submit(far.square, 1)
        awaited = asyncio.wrap_future(waiting)
        awaited.cancel()
        with pytest.raises(asyncio.CancelledError):
            await awaited
        return waiting

    with SubinterpreterExecutor(1) as executor:
        waiting = asyncio.run(main(executor))
        assert waiting.cancelled()
        os.write(pipe[1], b"x")


def test_run_in_worker_leaves_the_loop_free() -> None:
    async def main() -> tuple[int, int]:
        turns = 0
        call = asyncio.ensure_future(run_in_worker(far.spin_for, 0.1))
        while not call.done():
            await asyncio.sleep(0)
            turns += 1
        return turns, await run_in_worker(far.square, 5)

    turns, square = asyncio.run(main())
    assert turns > 2
    assert square == 25


def test_parallel_map_is_map() -> None:
    assert parallel_map(far.square, range(100), workers=2) == [i * i for i in range(100)]
    assert parallel_map(far.square, (i for i in range(5)), workers=2, progress=False) == [0, 1, 4, 9, 16]
    assert parallel_map(far.square, [], workers=1) == []
    with pytest.raises(ValueError, match="-1"):
        parallel_map(int, ["1", "2", "x-1"], workers=1)
