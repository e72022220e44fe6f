"""Lock, Event, Queue and Channel: who gets what, when it waits, and what a death leaves behind."""

from __future__ import annotations

import asyncio
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from textwrap import dedent
from typing import Any

import pytest

from fasterapi import _engine, shared

BOUND_S = 30.0


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.nodeid


@contextmanager
def running(*works: Callable[[], object]) -> Iterator[None]:
    """The works on threads, which must end by the end of the `with`, without an exception."""
    failures: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(BOUND_S)
        assert not thread.is_alive(), "it waits for ever"
    assert failures == []


@contextmanager
def child(source: str, name: str) -> Iterator[subprocess.Popen[str]]:
    """A process with our shared memory, killed at the end."""
    memory = _engine.shared_memory_descriptor()
    head = f"""
import asyncio
from fasterapi import _engine
_engine.adopt_shared_memory({memory})
from fasterapi import shared
name = {name!r}
"""
    process = subprocess.Popen(
        [sys.executable, "-c", head + dedent(source)],
        pass_fds=[memory],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=BOUND_S)


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def run_async(work: Any) -> Any:
    return asyncio.run(asyncio.wait_for(work, BOUND_S))


class TestLock:
    def test_is_held_by_one(self, name: str) -> None:
        lock = shared.Lock(name)
        assert lock.acquire()
        assert lock.locked()
        with running(lambda: pytest.fail("taken twice") if shared.Lock(name).acquire(timeout_s=0) else None):
            pass
        with running(lambda: pytest.fail("taken twice") if shared.Lock(name).acquire(timeout_s=0.06) else None):
            pass
        lock.release()
        assert not lock.locked()
        with pytest.raises(RuntimeError, match="not held"):
            lock.release()

    def test_tells_a_deadlock(self, name: str) -> None:
        with shared.Lock(name), pytest.raises(RuntimeError, match="would wait for itself"):
            shared.Lock(name).acquire()
        assert shared.Lock(name).acquire(timeout_s=0)

    def test_lets_threads_in_one_after_the_other(self, name: str) -> None:
        inside: list[int] = []
        most: list[int] = []

        def work() -> None:
            lock = shared.Lock(name)
            for _ in range(300):
                with lock:
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()

        with running(work, work, work):
            pass
        assert len(most) == 900
        assert set(most) == {1}

    def test_lets_tasks_in_one_after_the_other(self, name: str) -> None:
        async def main() -> list[int]:
            inside: list[int] = []
            most: list[int] = []

            async def work() -> None:
                for _ in range(20):
                    async with shared.Lock(name):
                        inside.append(1)
                        await asyncio.sleep(0)
                        most.append(len(inside))
                        inside.pop()

            await asyncio.gather(*(work() for _ in range(20)))
            return most

        assert run_async(main()) == [1] * 400

    def test_tells_a_deadlock_of_a_task(self, name: str) -> None:
        async def main() -> None:
            async with shared.Lock(name):
                with pytest.raises(RuntimeError, match="would wait for itself"):
                    await shared.Lock(name).acquire_async()

        run_async(main())

    def test_a_cancelled_task_does_not_take_it(self, name: str) -> None:
        async def main() -> bool:
            lock = shared.Lock(name)
            await lock.acquire_async()
            waiting = [asyncio.ensure_future(shared.Lock(name).acquire_async()) for _ in range(3)]
            await asyncio.sleep(0)
            lock.release()
            waiting[0].cancel()
            await asyncio.wait({waiting[1]}, timeout=BOUND_S)
            assert waiting[1].done()
            lock.release()
            await asyncio.wait_for(waiting[2], BOUND_S)
            lock.release()
            return lock.locked()

        assert run_async(main()) is False

    def test_is_taken_from_the_dead(self, name: str) -> None:
        lock = shared.Lock(name)
        with child("shared.Lock(name).acquire(); print('held', flush=True); input()", name) as process:
            assert next_line(process) == "held"
            assert not lock.acquire(timeout_s=0)
            waiter = running(lambda: [lock.acquire(), lock.release()])
            with waiter:
                process.send_signal(signal.SIGKILL)
            assert lock.recovered
        with lock:
            assert not lock.recovered

    def test_is_taken_from_the_dead_in_a_loop(self, name: str) -> None:
        async def main(process: subprocess.Popen[str]) -> bool:
            waiting = asyncio.ensure_future(shared.Lock(name).__aenter__())
            await asyncio.sleep(0)
            process.send_signal(signal.SIGKILL)
            lock = await waiting
            lock.release()
            return lock.recovered

        with child("shared.Lock(name).acquire(); print('held', flush=True); input()", name) as process:
            assert next_line(process) == "held"
            assert run_async(main(process)) is True

    def test_passes_between_processes(self, name: str) -> None:
        source = """
        async def main():
            for turn in range(200):
                async with shared.Lock(name):
                    seen = total.value
                    await asyncio.sleep(0)
                    total.set(seen + 1)
        total = shared.Counter(name + " total")
        asyncio.run(main())
        """
        total = shared.Counter(name + " total")
        with child(source, name) as first, child(source, name) as second:
            for _ in range(200):
                with shared.Lock(name):
                    total.set(total.value + 1)
            assert (first.wait(BOUND_S), second.wait(BOUND_S)) == (0, 0)
        assert total.value == 600

    def test_is_pickled_by_name(self, name: str) -> None:
        with shared.Lock(name) as lock:
            copy = pickle.loads(pickle.dumps(lock))
            assert type(copy) is shared.Lock
            assert copy.locked()


class TestEvent:
    def test_wakes_threads(self, name: str) -> None:
        event = shared.Event(name)
        assert not event.wait(timeout_s=0)
        assert not event.wait(timeout_s=0.06)
        with running(*[lambda: shared.Event(name).wait()] * 3):
            event.set()
        assert event.is_set()
        assert event.wait()
        event.clear()
        assert not event.is_set()

    def test_wakes_every_task(self, name: str) -> None:
        async def main() -> None:
            waiting = [asyncio.ensure_future(shared.Event(name).wait_async()) for _ in range(50)]
            await asyncio.sleep(0)
            assert not any(task.done() for task in waiting)
            with running(shared.Event(name).set):
                await asyncio.gather(*waiting)
            await shared.Event(name).wait_async()

        run_async(main())

    def test_wakes_other_processes(self, name: str) -> None:
        in_loop = "print('here', flush=True); asyncio.run(shared.Event(name).wait_async()); print('awake', flush=True)"
        blocking = "print('here', flush=True); shared.Event(name).wait(); print('awake', flush=True)"
        with child(in_loop, name) as first, child(blocking, name) as second:
            assert (next_line(first), next_line(second)) == ("here", "here")
            shared.Event(name).set()
            assert (next_line(first), next_line(second)) == ("awake", "awake")

    def test_wait_is_interrupted_by_signals(self, name: str) -> None:
        source = """
        try:
            print('here', flush=True)
            shared.Event(name).wait()
        except KeyboardInterrupt:
            print('interrupted', flush=True)
        """
        with child(source, name) as process:
            assert next_line(process) == "here"
            process.send_signal(signal.SIGINT)
            assert next_line(process) == "interrupted"


class TestQueue:
    def test_gives_items_in_order(self, name: str) -> None:
        items = shared.Queue(name, max_items=3)
        assert items.empty()
        for item in [1, "two", None]:
            items.put(item)
        assert (items.qsize(), items.full(), items.maxsize) == (3, True, 3)
        with pytest.raises(queue.Full):
            items.put_nowait(4)
        with pytest.raises(queue.Full):
            items.put(4, timeout_s=0.06)
        assert [items.get(), items.get_nowait(), items.get()] == [1, "two", None]
        with pytest.raises(queue.Empty):
            items.get_nowait()
        with pytest.raises(queue.Empty):
            items.get(timeout_s=0.06)

    def test_refuses_what_never_fits(self, name: str) -> None:
        items = shared.Queue(name, max_items=3, max_bytes=100)
        with pytest.raises(ValueError, match="larger than Queue"):
            items.put(bytes(200))
        with pytest.raises(TypeError, match="set is none of"):
            items.put({1})
        with pytest.raises(ValueError, match="made with other options"):
            shared.Queue(name, max_items=3)
        with pytest.raises(ValueError, match="at least 1"):
            shared.Queue(name, max_items=0)
        assert pickle.loads(pickle.dumps(items)).qsize() == 0

    def test_threads_and_tasks_lose_and_double_nothing(self, name: str) -> None:
        taken: list[int] = []
        items = shared.Queue(name, max_items=5)

        async def take_all() -> None:
            async def take() -> None:
                for _ in range(50):
                    taken.append(await shared.Queue(name, max_items=5).get_async())

            await asyncio.gather(*(take() for _ in range(10)))

        async def put_all() -> None:
            await asyncio.gather(*(shared.Queue(name, max_items=5).put_async(item) for item in range(500)))

        with running(
            lambda: run_async(take_all()),
            lambda: run_async(put_all()),
            lambda: [items.put(item) for item in range(500, 1000)],
            lambda: taken.extend([items.get() for _ in range(500)]),
        ):
            pass
        assert sorted(taken) == list(range(1000))

    def test_a_cancelled_task_takes_nothing(self, name: str) -> None:
        async def main() -> list[int]:
            items = shared.Queue(name, max_items=10)
            taken = []
            for item in range(20):
                waiting = [asyncio.ensure_future(items.get_async()) for _ in range(3)]
                await asyncio.sleep(0)
                items.put(item)
                await asyncio.sleep(0)
                waiting[item % 3].cancel()
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=BOUND_S)
                await asyncio.wait({waiting[item % 3]}, timeout=BOUND_S)
                others = [task for task in waiting if not task.cancelled()]
                done, rest = await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED, timeout=BOUND_S)
                taken += [task.result() for task in done]
                for task in rest:
                    task.cancel()
                await asyncio.gather(*rest, return_exceptions=True)
            return taken

        assert run_async(main()) == list(range(20))

    def test_a_killed_process_took_an_item_or_left_it(self, name: str) -> None:
        source = """
        import itertools
        items, seen = shared.Queue(name, max_items=50), shared.Dict(name + " seen")
        print("here", flush=True)
        for turn in itertools.count():
            items.put(("x" * (turn % 500), turn))
            text, number = items.get()
            assert text == "x" * (number % 500)
            seen.add("turns")
        """
        items, seen = shared.Queue(name, max_items=50), shared.Dict(name + " seen")
        for round_number in range(6):
            with child(source, name) as process:
                assert next_line(process) == "here"
                begun = seen.get("turns", 0)
                while seen.get("turns", 0) < begun + 200 * round_number + 50:
                    pass
                process.send_signal(signal.SIGKILL)
            assert items.qsize() <= 1
            for _ in range(items.qsize()):
                text, number = items.get()
                assert text == "x" * (number % 500)
            assert items.empty()


class TestChannel:
    def test_reaches_every_subscriber(self, name: str) -> None:
        channel = shared.Channel(name)
        assert channel.publish("nobody hears") == 0
        with channel.subscribe() as first, shared.Channel(name).subscribe() as second:
            assert channel.publish({"n": 1}) == 2
            assert channel.subscribers == 2
            assert (first.get(), second.get()) == ({"n": 1}, {"n": 1})
            with pytest.raises(queue.Empty):
                first.get_nowait()
            with pytest.raises(queue.Empty):
                first.get(timeout_s=0.06)
        assert channel.publish("nobody hears") == 0
        assert first.closed
        assert list(first) == []
        with pytest.raises(ValueError, match="closed"):
            first.get()

    def test_tells_the_slow_what_they_missed(self, name: str) -> None:
        channel = shared.Channel(name, max_messages=3)
        with channel.subscribe() as messages:
            for number in range(10):
                channel.publish(number)
            assert [messages.get() for _ in range(3)] == [7, 8, 9]
            assert messages.missed == 7

    def test_wakes_threads_and_tasks(self, name: str) -> None:
        heard: list[list[int]] = []
        ready = threading.Barrier(3)

        def listen() -> None:
            with shared.Channel(name).subscribe() as messages:
                ready.wait(BOUND_S)
                heard.append([message for _, message in zip(range(30), messages, strict=False)])

        async def listen_async() -> None:
            async def one() -> list[int]:
                async with shared.Channel(name).subscribe() as messages:
                    subscribed.append(1)
                    return [await messages.get_async() for _ in range(30)]

            subscribed: list[int] = []
            tasks = [asyncio.ensure_future(one()) for _ in range(20)]
            while len(subscribed) < 20:
                await asyncio.sleep(0)
            ready.wait(BOUND_S)
            heard.extend(await asyncio.gather(*tasks))

        with running(listen, lambda: run_async(listen_async())):
            ready.wait(BOUND_S)
            counts = [shared.Channel(name).publish(number) for number in range(30)]
        assert heard == [list(range(30))] * 21
        assert counts == [21] * 30

    def test_reaches_other_processes_and_forgets_the_dead(self, name: str) -> None:
        source = """
        async def main():
            async with shared.Channel(name).subscribe() as messages:
                print("here", flush=True)
                async for message in messages:
                    print(message, flush=True)
        asyncio.run(main())
        """
        channel = shared.Channel(name)
        with child(source, name) as first, child(source, name) as second:
            assert (next_line(first), next_line(second)) == ("here", "here")
            assert channel.publish("one") == 2
            assert (next_line(first), next_line(second)) == ("one", "one")
            first.kill()
            first.wait(BOUND_S)
            deadline = time.monotonic() + BOUND_S
            while channel.subscribers != 1:
                assert time.monotonic() < deadline
            assert channel.publish("two") == 1
            assert next_line(second) == "two"

    def test_an_abandoned_subscription_ends(self, name: str) -> None:
        channel = shared.Channel(name)
        channel.subscribe()
        assert channel.subscribers == 0
        with pytest.raises(TypeError):
            shared.Subscription(shared.Event(name + " event"))  # type: ignore[arg-type]


def test_loops_that_come_and_go_leave_no_bells_behind(name: str) -> None:
    async def wait_for_it() -> None:
        with running(shared.Event(name).set):
            await shared.Event(name).wait_async()
        shared.Event(name).clear()

    for _ in range(600):  # more than max_bells
        run_async(wait_for_it())
