"""The same objects in interpreters with their own GIL, and in processes that inherit the memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import dedent

import pytest

from fasterapi import _engine, shared

interpreters = pytest.importorskip("_interpreters")

WORKERS = 3


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.nodeid


def run_in_interpreters(source: str, **values: object) -> None:
    """Runs the source in several interpreters at once, each on a thread of its own; `index` is its number."""
    failures: list[object] = []

    def run(index: int) -> None:
        lines = [f"{key} = {value!r}" for key, value in {**values, "index": index}.items()]
        interpreter = interpreters.create("isolated")
        try:
            problem = interpreters.exec(interpreter, "\n".join([*lines, dedent(source)]))
            if problem is not None:
                failures.append(problem.formatted)
        finally:
            interpreters.destroy(interpreter)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert failures == []


@contextmanager
def child(source: str, **values: object) -> Iterator[subprocess.Popen[str]]:
    """A process with our shared memory, as the supervisor starts its workers."""
    memory = _engine.shared_memory_descriptor()
    lines = [f"{key} = {value!r}" for key, value in values.items()]
    head = f"from fasterapi import _engine\n_engine.adopt_shared_memory({memory})\nfrom fasterapi import shared\n"
    process = subprocess.Popen(
        [sys.executable, "-c", "\n".join([head, *lines, dedent(source)])],
        pass_fds=[memory],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=30)


COUNT = """
from fasterapi import shared
counter = shared.Counter(name)
totals = shared.Dict(name + " totals")
for turn in range(2000):
    counter.add()
    totals.add(turn % 10)
    totals.update("list", lambda items: items if len(items) > 20 else [*items, index], [])
    totals[("own", index)] = {"turn": turn, "text": "x" * (turn % 100)}
    assert totals[("own", index)]["turn"] == turn
"""


def expect_counted(name: str) -> None:
    totals = shared.Dict(name + " totals")
    assert shared.Counter(name).value == WORKERS * 2000
    assert [totals[digit] for digit in range(10)] == [WORKERS * 200] * 10
    assert len(totals["list"]) == 21
    assert all(totals[("own", index)] == {"turn": 1999, "text": "x" * 99} for index in range(WORKERS))


def test_interpreters_count_together(name: str) -> None:
    run_in_interpreters(COUNT, name=name)
    expect_counted(name)


def test_processes_count_together(name: str) -> None:
    children = [child(COUNT, name=name, index=index) for index in range(WORKERS)]
    running = [each.__enter__() for each in children]
    try:
        assert [each.wait(60) for each in running] == [0] * WORKERS
    finally:
        for each in children:
            each.__exit__(None, None, None)
    expect_counted(name)


WORK = """
import asyncio
from fasterapi import shared
jobs, results = shared.Queue(name, max_items=20), shared.Queue(name + " results", max_items=1000)
started, lock, seen = shared.Event(name + " started"), shared.Lock(name + " lock"), shared.Dict(name + " seen")
async def work():
    async with shared.Channel(name + " news").subscribe() as news:
        shared.Counter(name + " ready").add()
        await started.wait_async()
        while (job := await jobs.get_async()) is not None:
            await results.put_async((index, job * 2))
            async with lock:
                total = seen.get("total", 0)
                await asyncio.sleep(0)
                seen["total"] = total + 1
        assert await news.get_async() == "end"
asyncio.run(asyncio.wait_for(work(), 40))
"""


def test_interpreters_work_for_each_other(name: str) -> None:
    jobs, results = shared.Queue(name, max_items=20), shared.Queue(name + " results", max_items=1000)
    everybody = threading.Thread(target=run_in_interpreters, args=(WORK,), kwargs={"name": name})
    everybody.start()
    ready = shared.Counter(name + " ready")
    deadline = time.monotonic() + 30
    while ready.value < WORKERS:
        assert time.monotonic() < deadline
        os.sched_yield()
    shared.Event(name + " started").set()
    for job in range(300):
        jobs.put(job, timeout_s=30)
    assert shared.Channel(name + " news").publish("end") == WORKERS
    for _ in range(WORKERS):
        jobs.put(None, timeout_s=30)
    answers = [results.get(timeout_s=30) for _ in range(300)]
    everybody.join(30)
    assert not everybody.is_alive()
    assert sorted(answer for _, answer in answers) == list(range(0, 600, 2))
    assert shared.Dict(name + " seen")["total"] == 300


ENDLESS = """
import itertools
counter, store, cache = shared.Counter(name), shared.Dict(name + " d"), shared.Dict(name + " c", max_items=50)
print("ready", flush=True)
for turn in itertools.count():
    counter.add()
    store.add("begun")
    store[turn % 200] = "x" * (turn * 37 % 3000)
    cache[turn % 170] = [turn] * (turn % 30)
    store.pop(turn * 7 % 200, None)
    store.add("ended")
"""


def test_a_killed_process_leaves_everything_whole(name: str) -> None:
    counter, store = shared.Counter(name), shared.Dict(name + " d")
    cache = shared.Dict(name + " c", max_items=50)
    for round_number in range(1, 9):
        with child(ENDLESS, name=name) as first, child(ENDLESS, name=name) as second:
            assert first.stdout is not None
            assert second.stdout is not None
            assert (first.stdout.readline(), second.stdout.readline()) == ("ready\n", "ready\n")
            enough = counter.value + 500 * round_number
            while counter.value < enough:
                store.get(1)
            first.send_signal(signal.SIGKILL)
            first.wait(30)
            before = counter.value
            while counter.value < before + 500:  # the other one goes on
                os.sched_yield()
        assert store["ended"] <= store["begun"] <= store["ended"] + 2 * round_number
        assert all(value == "x" * len(value) for key, value in store.items() if isinstance(key, int))
        assert 48 <= len(cache) <= 50  # each may have died after it made room, before it filled it
        assert all(value == value[:1] * len(value) for value in cache.values())


def test_a_process_that_has_memory_already_cannot_take_over_another() -> None:
    with pytest.raises(OSError, match="take over shared memory"):
        _engine.adopt_shared_memory(_engine.shared_memory_descriptor())


def test_what_is_no_shared_memory_is_refused() -> None:
    source = """
    import os, tempfile
    from fasterapi import _engine
    with tempfile.TemporaryFile() as file:
        file.write(bytes(1 << 20))
        file.flush()
        for number in (file.fileno(), os.memfd_create("x"), 987):
            try:
                _engine.adopt_shared_memory(number)
            except OSError as error:
                print(error.strerror.partition(":")[0])
    """
    done = subprocess.run(
        [sys.executable, "-c", dedent(source)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines() == [
        "attach to shared memory of another version",
        "attach to shared memory",
        "look at shared memory",
    ]
