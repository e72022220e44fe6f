"""What every executor of concurrent.futures does, done by interpreters."""

from __future__ import annotations

import gc
import itertools
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import pytest

import fasterapi
from fasterapi.executor import SubinterpreterExecutor
from tests.marks import OWN_GIL
from tests.python import executor_functions as far

pytestmark = OWN_GIL

WAIT_S = 60.0


class Gate:
    """Holds calls of `far.wait_for(gate.there)` until it opens."""

    def __init__(self) -> None:
        self.there, self._here = os.pipe()

    def open(self, count: int = 1) -> None:
        os.write(self._here, b"x" * count)

    def close(self) -> None:
        os.close(self._here)
        os.close(self.there)


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_executor() -> Iterator[SubinterpreterExecutor]:
    with SubinterpreterExecutor(2) as made:
        yield made


@pytest.fixture
def executor(shared_executor: SubinterpreterExecutor) -> SubinterpreterExecutor:
    return shared_executor


@pytest.fixture
def single() -> Iterator[SubinterpreterExecutor]:
    with SubinterpreterExecutor(1) as made:
        yield made


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_submits_with_any_arguments(executor: SubinterpreterExecutor) -> None:
    assert executor.submit(pow, 2, 8).result(WAIT_S) == 256
    names = {"self": 1, "fn": 2, "timeout": 3, "position": 4}
    assert executor.submit(far.arguments, 0, **names).result(WAIT_S) == ((0,), names)
    assert executor.submit(far.arguments).result(WAIT_S) == ((), {})


def test_takes_callables_only(executor: SubinterpreterExecutor) -> None:
    with pytest.raises(TypeError):
        executor.submit()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        executor.submit(3)  # type: ignore[arg-type]


def test_is_an_executor(executor: SubinterpreterExecutor) -> None:
    assert isinstance(executor, futures.Executor)
    assert isinstance(executor.submit(int), futures.Future)
    assert fasterapi.SubinterpreterExecutor is SubinterpreterExecutor


def test_runs_elsewhere(executor: SubinterpreterExecutor) -> None:
    here = far.interpreter_id()
    there = set(executor.call_each(far.interpreter_id))
    assert len(there) == 2
    assert here not in there


def test_raises_what_the_call_raised(executor: SubinterpreterExecutor) -> None:
    future = executor.submit(far.fail, "why")
    with pytest.raises(ValueError, match=r"^why$"):
        future.result(WAIT_S)
    assert isinstance(future.exception(), ValueError)
    assert "raise ValueError(text)" in str(future.exception().__cause__)  # type: ignore[union-attr]


def test_the_remote_traceback_has_its_causes(executor: SubinterpreterExecutor) -> None:
    with pytest.raises(KeyError) as raised:
        executor.submit(far.fail_with_cause).result(WAIT_S)
    assert "ZeroDivisionError" in str(raised.value.__cause__)
    assert "direct cause" in str(raised.value.__cause__)


def test_an_exception_that_cannot_be_brought_is_told_of(executor: SubinterpreterExecutor) -> None:
    with pytest.raises(fasterapi.RemoteError, match="door: closed") as raised:
        executor.submit(far.refuse).result(WAIT_S)
    assert raised.value.type_name.endswith("executor_functions.Refused")
    assert "in refuse" in raised.value.traceback


def test_an_argument_that_cannot_be_made_there_is_the_calls_failure(executor: SubinterpreterExecutor) -> None:
    with pytest.raises(ValueError, match="cannot be made again"):
        executor.submit(far.identity, far.Fragile()).result(WAIT_S)
    assert executor.submit(far.square, 3).result(WAIT_S) == 9


def test_base_exceptions_are_brought_too(executor: SubinterpreterExecutor) -> None:
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        executor.submit(leave).result(WAIT_S)
    assert executor.submit(far.square, 3).result(WAIT_S) == 9


def test_a_module_that_refuses_is_named(executor: SubinterpreterExecutor) -> None:
    def imports() -> None:
        import readline  # noqa: F401

    with pytest.raises(ImportError, match="readline"):
        executor.submit(imports).result(WAIT_S)


def test_runs_coroutines(executor: SubinterpreterExecutor) -> None:
    assert executor.submit(far.run_coroutine).result(WAIT_S) == 42


# ---- map


def test_map_keeps_the_order(executor: SubinterpreterExecutor) -> None:
    assert list(executor.map(pow, range(10), range(10))) == list(map(pow, range(10), range(10)))
    assert list(executor.map(pow, range(40), range(40), chunksize=7)) == list(map(pow, range(40), range(40)))
    assert list(executor.map(far.square, [])) == []


@pytest.mark.parametrize("chunksize", [1, 2, 3, 10])
def test_map_gives_what_came_before_the_exception(executor: SubinterpreterExecutor, chunksize: int) -> None:
    results = executor.map(far.divide, [1, 2, 3, 4], [1, 2, 0, 4], chunksize=chunksize)
    assert next(results) == 1
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_map_ends_in_time(executor: SubinterpreterExecutor, gate: Gate) -> None:
    results = executor.map(far.wait_for, [gate.there], timeout=0.01)
    with pytest.raises(TimeoutError):
        next(results)
    gate.open()


def test_map_submits_at_once(executor: SubinterpreterExecutor) -> None:
    taken: list[int] = []
    results = executor.map(far.square, (taken.append(i) or i for i in range(5)))  # type: ignore[func-returns-value]
    assert taken == [0, 1, 2, 3, 4]
    assert list(results) == [0, 1, 4, 9, 16]


def test_map_with_a_buffer_takes_items_as_results_are_taken(executor: SubinterpreterExecutor) -> None:
    taken: list[int] = []
    endless = (taken.append(i) or i for i in itertools.count())  # type: ignore[func-returns-value]
    results = executor.map(far.square, endless, buffersize=3)
    assert taken == [0, 1, 2]
    assert next(results) == 0
    assert len(taken) == 4
    assert list(itertools.islice(results, 10)) == [i * i for i in range(1, 11)]


@pytest.mark.parametrize("arguments", [{"chunksize": 0}, {"chunksize": -1}, {"buffersize": 0}])
def test_map_checks_its_arguments(executor: SubinterpreterExecutor, arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        executor.map(far.square, [1], **arguments)  # type: ignore[arg-type]


def test_map_that_is_dropped_cancels_the_rest(single: SubinterpreterExecutor, gate: Gate, tmp_path: Any) -> None:
    path = str(tmp_path / "ran")
    results = single.map(far.wait_and_write, [gate.there] * 50, [path] * 50)
    gate.open()
    next(results)
    results.close()  # type: ignore[attr-defined]
    gate.open(2)
    single.submit(far.identity, None).result(WAIT_S)
    assert os.path.getsize(path) <= 3


# ---- futures


def test_a_future_tells_its_state(single: SubinterpreterExecutor, gate: Gate) -> None:
    future = single.submit(far.wait_for, gate.there)
    waiting = single.submit(far.square, 2)
    until(future.running)
    assert not future.done()
    assert not waiting.running()
    assert not future.cancel()
    assert "running" in repr(future)
    assert "pending" in repr(waiting)
    gate.open()
    assert future.result(WAIT_S) == 1
    assert future.done()
    assert not future.running()
    assert not future.cancelled()
    assert "finished" in repr(future)
    assert waiting.result(WAIT_S) == 4


def test_a_future_that_waits_can_be_cancelled(single: SubinterpreterExecutor, gate: Gate, tmp_path: Any) -> None:
    running = single.submit(far.wait_for, gate.there)
    waiting = single.submit(far.append, str(tmp_path / "ran"))
    until(running.running)
    assert waiting.cancel()
    assert waiting.cancel()
    assert waiting.cancelled()
    assert waiting.done()
    with pytest.raises(futures.CancelledError):
        waiting.result()
    with pytest.raises(futures.CancelledError):
        waiting.exception()
    gate.open()
    assert running.result(WAIT_S) == 1
    single.submit(far.identity, None).result(WAIT_S)
    assert not (tmp_path / "ran").exists()
    until(lambda: single.stats().cancelled == 1)


def test_results_are_waited_for_in_bounds(executor: SubinterpreterExecutor, gate: Gate) -> None:
    future = executor.submit(far.wait_for, gate.there)
    for limit in (0, 0.01, -1):
        with pytest.raises(futures.TimeoutError):
            future.result(limit)
        with pytest.raises(TimeoutError):
            future.exception(timeout=limit)
    gate.open()
    assert future.result(timeout=WAIT_S) == 1
    assert future.exception() is None
    assert future.result(1e300) == 1


def test_the_result_is_the_same_object_each_time(executor: SubinterpreterExecutor) -> None:
    future = executor.submit(far.identity, [1, {2}])
    assert future.result(WAIT_S) is future.result(WAIT_S)


def test_only_the_executor_ends_a_future(executor: SubinterpreterExecutor) -> None:
    future: Any = executor.submit(far.square, 1)
    for act in (future.set_running_or_notify_cancel, lambda: future.set_result(1), lambda: future.set_exception(None)):
        with pytest.raises(futures.InvalidStateError):
            act()
    assert future.result(WAIT_S) == 1


def test_several_threads_wait_for_one_result(executor: SubinterpreterExecutor, gate: Gate) -> None:
    future = executor.submit(far.wait_for, gate.there)
    results: list[int] = []
    threads = [threading.Thread(target=lambda: results.append(future.result(WAIT_S))) for _ in range(8)]
    for thread in threads:
        thread.start()
    gate.open()
    for thread in threads:
        thread.join(WAIT_S)
    assert results == [1] * 8


def test_callbacks_are_called_in_order(executor: SubinterpreterExecutor, gate: Gate) -> None:
    future = executor.submit(far.wait_for, gate.there)
    called: list[tuple[int, Any]] = []
    last = threading.Event()
    for index in range(3):
        future.add_done_callback(lambda done, index=index: called.append((index, done)))  # type: ignore[misc]
    future.add_done_callback(lambda _: last.set())
    gate.open()
    assert last.wait(WAIT_S)
    assert called == [(0, future), (1, future), (2, future)]
    future.add_done_callback(lambda _: called.append((3, None)))
    assert called[-1] == (3, None)


def test_callbacks_that_raise_are_logged(
    executor: SubinterpreterExecutor, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    future = executor.submit(far.wait_for, gate.there)
    last = threading.Event()
    future.add_done_callback(lambda _: far.fail("in a callback"))
    future.add_done_callback(lambda _: last.set())
    gate.open()
    assert last.wait(WAIT_S)
    assert "in a callback" in caplog.text


def test_callbacks_hear_of_cancelling(single: SubinterpreterExecutor, gate: Gate) -> None:
    running = single.submit(far.wait_for, gate.there)
    waiting = single.submit(far.square, 2)
    until(running.running)
    heard: list[bool] = []
    waiting.add_done_callback(lambda future: heard.append(future.cancelled()))
    assert waiting.cancel()
    assert heard == [True]
    gate.open()


def test_callbacks_hear_of_exceptions_and_deadlines(single: SubinterpreterExecutor) -> None:
    kinds: list[type | None] = []
    heard = threading.Semaphore(0)

    def note(future: futures.Future[Any]) -> None:
        kinds.append(type(future.exception()))
        heard.release()

    single.submit(far.fail, "x").add_done_callback(note)
    assert heard.acquire(timeout=WAIT_S)
    single.with_timeout(0.02).submit(far.spin_for, 30).add_done_callback(note)
    assert heard.acquire(timeout=WAIT_S)
    assert kinds == [ValueError, TimeoutError]


def test_a_future_may_be_dropped(executor: SubinterpreterExecutor, tmp_path: Any) -> None:
    path = tmp_path / "ran"
    executor.submit(far.append, str(path))
    until(path.exists)


def test_callbacks_keep_a_future_alive(executor: SubinterpreterExecutor) -> None:
    results: list[Any] = []
    heard = threading.Event()
    executor.submit(far.spin_for, 0.01).add_done_callback(lambda future: (results.append(future.result()), heard.set()))
    gc.collect()
    assert heard.wait(WAIT_S)
    assert len(results) == 1


def test_nothing_of_a_call_is_kept(executor: SubinterpreterExecutor) -> None:
    def captured(value: Any) -> Callable[[], Any]:
        return lambda: value

    argument, held = far.Point(1, 2), far.Point(3, 4)
    gone = weakref.ref(argument), weakref.ref(held)
    future = executor.submit(far.identity, argument)
    other = executor.submit(captured(held))
    future.result(WAIT_S)
    other.result(WAIT_S)
    del argument, held
    gc.collect()
    assert [reference() for reference in gone] == [None, None]


# ---- settings


@pytest.mark.parametrize(
    "settings",
    [
        {"max_workers": 0},
        {"max_workers": -1},
        {"pinned": -1},
        {"pooled": -1},
        {"pinned": 0, "pooled": 0},
        {"max_workers": 2, "pinned": 3},
        {"max_workers": 2, "pooled": 3},
        {"pinned": 0, "pooled": 2, "interpreters": 3},
        {"pinned": 0, "pooled": 2, "interpreters": 0},
        {"queue_size": 0},
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": float("nan")},
        {"shared": {"no name": 1}},
    ],
)
def test_numbers_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        SubinterpreterExecutor(**settings)


def test_initializer_must_be_callable() -> None:
    with pytest.raises(TypeError):
        SubinterpreterExecutor(1, initializer=3)  # type: ignore[arg-type]


def test_pooled_workers_share_interpreters(gate: Gate) -> None:
    with SubinterpreterExecutor(pinned=0, pooled=4, interpreters=2) as executor:
        waiting = [executor.submit(far.wait_for, gate.there) for _ in range(4)]
        for future in waiting:
            until(future.running)
        gate.open(4)
        assert [future.result(WAIT_S) for future in waiting] == [1] * 4
        assert len(set(executor.call_each(far.interpreter_id))) == 2


def test_initializer_runs_in_every_interpreter() -> None:
    with SubinterpreterExecutor(2, initializer=far.set_name, initargs=("mark", [1])) as executor:
        assert executor.call_each(far.get_name, "mark") == [[1], [1]]


def test_initializer_that_fails_breaks_the_executor() -> None:
    with SubinterpreterExecutor(2, initializer=far.fail, initargs=("not today",)) as executor:
        early = [executor_submit_or_none(executor) for _ in range(4)]
        for future in filter(None, early):
            with pytest.raises(futures.BrokenExecutor, match="not today"):
                future.result(WAIT_S)
        until(lambda: executor_submit_or_none(executor) is None)
        with pytest.raises(futures.BrokenExecutor, match="not today"):
            executor.submit(far.square, 1)


def executor_submit_or_none(executor: SubinterpreterExecutor) -> futures.Future[int] | None:
    try:
        return executor.submit(far.square, 1)
    except futures.BrokenExecutor:
        return None


def test_shared_values_are_in_main() -> None:
    def read() -> Any:
        import __main__

        return __main__.table, __main__.limit

    with SubinterpreterExecutor(2, shared={"table": {"a": [1]}, "limit": 3}) as executor:
        assert executor.call_each(read) == [({"a": [1]}, 3)] * 2


def test_submit_waits_for_room(gate: Gate) -> None:
    with SubinterpreterExecutor(1, queue_size=2) as executor:
        first = executor.submit(far.wait_for, gate.there)
        until(first.running)
        waiting = [executor.submit(far.square, i) for i in range(2)]
        more: list[futures.Future[int]] = []
        thread = threading.Thread(target=lambda: more.append(executor.submit(far.square, 2)))
        thread.start()
        assert not waiting[0].done()
        assert not more
        gate.open()
        thread.join(WAIT_S)
        assert [future.result(WAIT_S) for future in (*waiting, *more)] == [0, 1, 4]
        assert executor.stats().rejected == 0


def test_stats_count_every_call(gate: Gate) -> None:
    with SubinterpreterExecutor(1) as executor:
        running = executor.submit(far.wait_for, gate.there)
        until(running.running)
        cancelled = executor.submit(far.square, 1)
        failed = executor.submit(far.fail, "x")
        assert executor.stats().queued == 2
        assert executor.stats().running == 1
        cancelled.cancel()
        gate.open()
        assert isinstance(failed.exception(WAIT_S), ValueError)
        until(lambda: executor.stats().executed == 2)
        stats = executor.stats()
        assert (stats.failed, stats.cancelled, stats.timed_out, stats.queued) == (1, 1, 0, 0)
        assert stats.run_time.count == 2
        assert stats.run_time.p99 >= stats.run_time.p50 > 0


def test_call_each_raises_once_all_have_ended(executor: SubinterpreterExecutor) -> None:
    with pytest.raises(ValueError, match="each"):
        executor.call_each(far.fail, "each")


def test_an_executor_within_an_executor(executor: SubinterpreterExecutor) -> None:
    assert executor.submit(far.nested_square, 7).result(WAIT_S) == 49


def test_shared_objects_are_the_same_everywhere(executor: SubinterpreterExecutor) -> None:
    hits = fasterapi.shared.Counter("hits of the executor's test")

    def add(counter: fasterapi.shared.Counter, times: int) -> None:
        for _ in range(times):
            counter.add(1)

    list(executor.map(add, [hits] * 8, [500] * 8))
    assert hits.value == 4000
