"""How executors end: at every point of their life, by deadlines, and with the program."""

from __future__ import annotations

import gc
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent import futures
from pathlib import Path

import pytest

from fasterapi.executor import SubinterpreterExecutor
from tests.marks import OWN_GIL
from tests.python import executor_functions as far

pytestmark = OWN_GIL

WAIT_S = 60.0


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def run_script(source: str, directory: Path) -> subprocess.CompletedProcess[str]:
    (directory / "program.py").write_text(textwrap.dedent(source))
    return subprocess.run([sys.executable, "program.py"], capture_output=True, text=True, cwd=directory, timeout=WAIT_S)


def test_nothing_is_taken_after_shutdown() -> None:
    executor = SubinterpreterExecutor(1)
    executor.shutdown()
    executor.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(far.square, 1)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.map(far.square, [1])


def test_leaving_the_block_runs_what_waits() -> None:
    with SubinterpreterExecutor(2) as executor:
        calls = [executor.submit(far.square, i) for i in range(500)]
    assert [call.result(0) for call in calls] == [i * i for i in range(500)]


def test_shutdown_without_waiting_runs_what_waits() -> None:
    executor = SubinterpreterExecutor(1)
    calls = [executor.submit(far.square, i) for i in range(100)]
    executor.shutdown(wait=False)
    assert [call.result(WAIT_S) for call in calls] == [i * i for i in range(100)]


def test_shutdown_cancels_on_request() -> None:
    there, here = os.pipe()
    executor = SubinterpreterExecutor(1)
    running = executor.submit(far.wait_for, there)
    waiting = [executor.submit(far.square, i) for i in range(50)]
    until(running.running)
    executor.shutdown(wait=False, cancel_futures=True)
    assert all(call.cancelled() for call in waiting)
    assert not running.done()
    os.write(here, b"x")
    assert running.result(WAIT_S) == 1
    executor.shutdown()
    os.close(there)
    os.close(here)


def test_dropping_the_executor_runs_what_waits() -> None:
    executor = SubinterpreterExecutor(1)
    calls = [executor.submit(far.square, i) for i in range(100)]
    del executor
    gc.collect()
    assert [call.result(WAIT_S) for call in calls] == [i * i for i in range(100)]


@pytest.mark.parametrize("count", [0, 1, 5, 50])
@pytest.mark.parametrize("cancel", [False, True])
def test_shutdown_at_once(count: int, cancel: bool) -> None:
    executor = SubinterpreterExecutor(2)
    calls = [executor.submit(far.square, i) for i in range(count)]
    executor.shutdown(cancel_futures=cancel)
    assert all(call.done() for call in calls)
    if not cancel:
        assert [call.result(0) for call in calls] == [i * i for i in range(count)]


def test_a_deadline_ends_the_call_and_interrupts_its_code() -> None:
    with SubinterpreterExecutor(1, timeout=0.05) as executor:
        late = executor.submit(far.spin_for, WAIT_S)
        with pytest.raises(TimeoutError, match="time limit"):
            late.result(WAIT_S)
        assert executor.with_timeout(None).submit(far.square, 3).result(WAIT_S) == 9
        assert executor.stats().timed_out == 1


def test_a_call_that_waits_too_long_is_not_begun(tmp_path: Path) -> None:
    there, here = os.pipe()
    with SubinterpreterExecutor(1) as executor:
        held = executor.submit(far.wait_for, there)
        late = executor.with_timeout(0.02).submit(far.append, str(tmp_path / "ran"))
        assert isinstance(late.exception(WAIT_S), TimeoutError)
        os.write(here, b"x")
        assert held.result(WAIT_S) == 1
    assert not (tmp_path / "ran").exists()
    os.close(there)
    os.close(here)


def test_code_that_swallows_the_interruption_is_interrupted_still() -> None:
    with SubinterpreterExecutor(1) as executor:
        with pytest.raises(TimeoutError):
            executor.with_timeout(0.05).submit(far.swallow, 3).result(WAIT_S)
        assert executor.submit(far.square, 3).result(WAIT_S) == 9


def test_views_end_together() -> None:
    executor = SubinterpreterExecutor(1)
    view = executor.with_timeout(30)
    assert view.submit(far.square, 3).result(WAIT_S) == 9
    view.shutdown()
    with pytest.raises(RuntimeError):
        executor.submit(far.square, 3)


def test_an_interrupt_ends_waiting_for_a_result() -> None:
    there, here = os.pipe()
    with SubinterpreterExecutor(1) as executor:
        held = executor.submit(far.wait_for, there)
        until(held.running)
        timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            held.result(WAIT_S)
        timer.join()
        os.write(here, b"x")
        assert held.result(WAIT_S) == 1
    os.close(there)
    os.close(here)


def test_the_end_of_the_program_waits_for_calls(tmp_path: Path) -> None:
    done = run_script(
        """
        import time
        from fasterapi import SubinterpreterExecutor

        def work():
            time.sleep(0.2)
            print("done", flush=True)

        if __name__ == "__main__":
            executor = SubinterpreterExecutor(1)
            executor.submit(work)
            executor.submit(work).add_done_callback(lambda future: print("heard"))
        """,
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["done", "done", "heard"]


def test_callbacks_at_the_end_cannot_submit(tmp_path: Path) -> None:
    done = run_script(
        """
        import time
        from fasterapi import SubinterpreterExecutor

        def again(future):
            try:
                executor.submit(time.sleep, 0)
            except RuntimeError as error:
                print(error)

        if __name__ == "__main__":
            executor = SubinterpreterExecutor(1)
            executor.submit(time.sleep, 0.3).add_done_callback(again)
        """,
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "cannot schedule new futures after interpreter shutdown\n"


def test_a_program_that_raises_still_ends(tmp_path: Path) -> None:
    done = run_script(
        """
        from fasterapi import SubinterpreterExecutor

        if __name__ == "__main__":
            executor = SubinterpreterExecutor(2)
            executor.map(pow, range(1000), range(1000))
            raise SystemExit(7)
        """,
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (7, "")


@pytest.mark.parametrize("work", ["while True: pass", "time.sleep(600)"], ids=["python", "c"])
def test_a_second_interrupt_ends_calls_that_would_not(work: str, tmp_path: Path) -> None:
    source = f"""
        import signal, time
        from fasterapi import SubinterpreterExecutor

        def work():
            print("begun", flush=True)
            {work}

        if __name__ == "__main__":
            signal.signal(signal.SIGINT, signal.default_int_handler)
            executor = SubinterpreterExecutor(1)
            try:
                executor.submit(work).result()
            finally:
                print("interrupted", flush=True)
    """
    (tmp_path / "program.py").write_text(textwrap.dedent(source))
    program = subprocess.Popen(
        [sys.executable, "program.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=tmp_path,
    )
    assert program.stdout is not None
    with program:
        assert program.stdout.readline() == "begun\n"
        program.send_signal(signal.SIGINT)
        assert program.stdout.readline() == "interrupted\n"
        until(lambda: ends_when_interrupted(program))
        assert program.returncode in (1, 130, -signal.SIGINT)


def ends_when_interrupted(program: subprocess.Popen[str]) -> bool:
    """Interrupts once more: the program may have been on its way to where it waits for its calls."""
    program.send_signal(signal.SIGINT)
    try:
        program.wait(0.25)
    except subprocess.TimeoutExpired:
        return False
    return True


@pytest.mark.parametrize("seed", range(4))
def test_every_call_ends_exactly_once(seed: int, tmp_path: Path) -> None:
    """Calls that are cancelled, late, failing, or shut down upon: each has one outcome, and ran at most once."""
    chance = random.Random(seed)
    path = tmp_path / "ran"
    executor = SubinterpreterExecutor(pinned=1, pooled=2, interpreters=1)
    view = executor.with_timeout(0.005)
    heard: list[futures.Future[object]] = []
    calls: list[futures.Future[object]] = []
    appended = []
    told = 0
    for _ in range(600):
        kind = chance.random()
        call: futures.Future[object]
        if kind < 0.6:
            call = executor.submit(far.append, str(path))
            appended.append(call)
        elif kind < 0.75:
            call = executor.submit(far.fail, "x")
        elif kind < 0.8:
            call = view.submit(far.spin_for, 0.002 if kind < 0.78 else 0.05)
        else:
            call = executor.submit(far.square, 2)
        calls.append(call)
        if chance.random() < 0.3:
            told += 1
            call.add_done_callback(heard.append)
        if chance.random() < 0.2:
            calls[chance.randrange(len(calls))].cancel()
    executor.shutdown(cancel_futures=chance.random() < 0.5)
    assert all(call.done() for call in calls)
    ran = [call for call in appended if not call.cancelled()]
    assert (path.stat().st_size if path.exists() else 0) == len(ran)
    until(lambda: len(heard) == told)
    assert len(set(heard)) == told
    stats = executor.stats()
    cancelled = sum(call.cancelled() for call in calls)
    late = [call for call in calls if not call.cancelled() and isinstance(call.exception(), TimeoutError)]
    # One that was cancelled and whose time ran out before a worker came to it counts as late there.
    assert stats.cancelled <= cancelled
    assert stats.cancelled + stats.timed_out >= cancelled + len(late)
    assert len(calls) - cancelled - len(late) <= stats.executed <= len(calls) - cancelled
    assert stats.queued == stats.running == 0


def resident_kib() -> int:
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def test_memory_is_bounded() -> None:
    """100,000 calls after a warm-up leave the process as large as it was."""
    with SubinterpreterExecutor(2) as executor:

        def run(count: int) -> None:
            for _ in range(count // 500):
                calls = [executor.submit(far.identity, (i, "text", [i])) for i in range(500)]
                calls[-1].add_done_callback(lambda _: None)
                for call in calls:
                    call.result(WAIT_S)

        run(20_000)
        gc.collect()
        before = resident_kib()
        run(100_000)
        gc.collect()
        assert resident_kib() - before < 4096
