"""Engine objects that several threads of one interpreter use at once: with a GIL in turns, without one truly so."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from fasterapi import shared
from fasterapi._engine import encode_json
from fasterapi._loop import WorkerLoop
from fasterapi.config import ServerConfig

THREADS = 4
ROUNDS = 2_000
_PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def _quick_switches() -> Any:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def _at_once(*runs: Callable[[], object]) -> list[Any]:
    """What they return, each on a thread of its own; they begin together. Raises what one of them raises."""
    gate = threading.Barrier(len(runs))

    def run(one: Callable[[], object]) -> object:
        gate.wait(_PATIENCE_S)
        return one()

    with ThreadPoolExecutor(len(runs)) as pool:
        return [each.result(_PATIENCE_S) for each in [pool.submit(run, one) for one in runs]]


def _loop() -> WorkerLoop:
    return WorkerLoop(ServerConfig().plain())


def test_callbacks_from_other_threads_all_run_once_and_in_their_threads_order() -> None:
    loop = _loop()
    ran: list[tuple[int, int]] = []
    left = THREADS * ROUNDS

    def take(thread: int, number: int) -> None:
        nonlocal left
        ran.append((thread, number))
        left -= 1
        if left == 0:
            loop.stop()

    def send(thread: int) -> None:
        for number in range(ROUNDS):
            loop.call_soon_threadsafe(take, thread, number)

    watchdog = threading.Timer(_PATIENCE_S, loop.call_soon_threadsafe, [loop.stop])
    senders = [threading.Thread(target=send, args=(thread,)) for thread in range(THREADS)]
    watchdog.start()
    for sender in senders:
        sender.start()
    loop.run_forever()
    watchdog.cancel()
    for sender in senders:
        sender.join()
    loop.close()
    for thread in range(THREADS):
        assert [number for whose, number in ran if whose == thread] == list(range(ROUNDS))
    assert len(ran) == THREADS * ROUNDS


def test_a_callback_from_the_loops_own_thread_keeps_its_place() -> None:
    loop = _loop()
    ran: list[str] = []
    loop.call_soon(ran.append, "first")
    loop.call_soon_threadsafe(ran.append, "second")
    loop.call_soon(ran.append, "third")
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    assert ran == ["first", "second", "third"]


def test_a_closed_loop_takes_no_callback_of_another_thread() -> None:
    loop = _loop()

    class Held:
        pass

    held = Held()
    before = sys.getrefcount(held)
    thread = threading.Thread(target=lambda: loop.call_soon_threadsafe(repr, held))
    thread.start()
    thread.join()
    loop.close()
    refused: list[BaseException] = []

    def ask() -> None:
        try:
            loop.call_soon_threadsafe(repr, held)
        except RuntimeError as error:
            refused.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert [str(error) for error in refused] == ["Event loop is closed"]
    refused.clear()
    assert sys.getrefcount(held) == before


def test_callbacks_that_others_cancel_run_or_do_not() -> None:
    loop = _loop()
    ran: set[int] = set()
    handles: list[Any] = []
    sent = threading.Event()

    def send() -> None:
        for number in range(THREADS * ROUNDS):
            handles.append(loop.call_soon_threadsafe(ran.add, number))
            repr(handles[-1])
        sent.set()

    def cancel() -> None:
        at = 0
        while not sent.is_set() or at < len(handles):
            if at < len(handles):
                handles[at].cancel()
                at += 1
        loop.call_soon_threadsafe(loop.stop)

    threads = [threading.Thread(target=send), threading.Thread(target=cancel)]
    for thread in threads:
        thread.start()
    loop.run_forever()
    for thread in threads:
        thread.join()
    loop.close()
    assert all(handle.cancelled() and handle._callback is None for handle in handles)
    assert ran <= set(range(THREADS * ROUNDS))


def test_containers_that_change_are_encoded_whole() -> None:
    row: dict[str, Any] = {"items": list(range(50)), "by": {str(n): [n] for n in range(50)}}
    stop = threading.Event()

    def change() -> None:
        for n in range(ROUNDS * 10):
            row["items"].append(n)
            row["items"].pop(0)
            row["by"][str(n % 50)] = [n, "x" * (n % 7)]
            if stop.is_set():
                break

    def encode() -> int:
        for _ in range(ROUNDS):
            read = json.loads(encode_json(row))
            assert 49 <= len(read["items"]) <= 51
            assert len(read["by"]) == 50
        return ROUNDS

    def encode_and_stop() -> int:
        try:
            return encode()
        finally:
            stop.set()

    assert _at_once(encode_and_stop, encode, change)[:2] == [ROUNDS, ROUNDS]


def test_containers_that_change_are_kept_whole() -> None:
    kept = shared.Dict(f"by-threads-{uuid4().hex}")
    value: dict[str, Any] = {"items": list(range(20)), "by": {str(n): n for n in range(20)}}

    def change() -> None:
        for n in range(ROUNDS * 5):
            value["items"].append(n)
            value["items"].pop(0)
            value["by"][str(n % 20)] = n
            if n % 100 == 0:
                value["by"][f"more-{n % 300}"] = n
                value["by"].pop(f"more-{n % 300}")

    def keep(key: str) -> None:
        for _ in range(ROUNDS // 4):
            kept[key] = value
            read = kept[key]
            assert 19 <= len(read["items"]) <= 21
            assert len(read["by"]) in (20, 21)

    _at_once(change, lambda: keep("a"), lambda: keep("b"))


def test_shared_objects_count_every_thread() -> None:
    name = uuid4().hex
    counter, table, lock = shared.Counter(f"c-{name}"), shared.Dict(f"d-{name}"), shared.Lock(f"l-{name}")
    plain = [0]

    def add() -> None:
        for n in range(ROUNDS // 2):
            counter.add(1)
            table.add("sum", 1)
            table[f"key-{n % 7}"] = (n, str(n))
            with lock:
                plain[0] += 1

    _at_once(*[add] * THREADS)
    total = THREADS * (ROUNDS // 2)
    assert (counter.value, table["sum"], plain[0]) == (total, total, total)


def test_a_subscription_gives_each_message_to_one_of_its_threads() -> None:
    channel = shared.Channel(f"ch-{uuid4().hex}")
    with channel.subscribe() as subscription:
        for number in range(ROUNDS // 4):
            channel.publish(number)

        def read() -> list[int]:
            taken: list[int] = []
            while (message := subscription._get(None, 0)) is not None:
                taken.append(message)
            return taken

        taken = _at_once(read, read, read)
        assert all(part == sorted(part) for part in taken)
        assert sorted(number for part in taken for number in part) == list(range(ROUNDS // 4))
