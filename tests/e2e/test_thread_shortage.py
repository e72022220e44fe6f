"""The system has no threads to give: a server does not start, or goes on; executors say so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.gate import SOURCE, Gate, wait_until
from tests.e2e.serving import PINNED, READY_S, STRATEGIES_AND_DEFAULT, Server
from tests.e2e.thread_shortage import ThreadShortage
from tests.e2e.wire import Wire, request
from tests.marks import OWN_GIL

AUTO = pytest.mark.parametrize("strategy", ["auto"], indirect=True)
PROCESSES = pytest.mark.parametrize("strategy", ["processes"], indirect=True)

APP = (
    SOURCE
    + """
import asyncio
from fasterapi import App

app = App()

@app.get("/worker", run="inline")
def worker():
    return app.worker.index

@app.get("/process", run="inline")
def process():
    return os.getpid()

@app.get("/held", run="inline")
def held(gate: str):
    pass_gate(gate)
    return app.worker.index

@app.get("/endless", run="inline", timeout=0.1)
def endless():
    while True:
        pass

@app.get("/pooled", run="pool")
def pooled():
    return app.worker.interpreter_id

@app.get("/endless-pooled", run="pool", timeout=0.1)
def endless_pooled():
    while True:
        pass

@app.get("/stuck-pooled", run="pool", timeout=0.1)
def stuck_pooled(gate: str):
    pass_gate_with_gil(gate)

@app.get("/endless-coroutine", run="pool", timeout=0.1)
async def endless_coroutine():
    while True:
        pass

@app.get("/coroutine", run="pool")
async def coroutine():
    return app.worker.interpreter_id

@app.get("/ends-loop", run="pool")
async def ends_loop():
    asyncio.get_running_loop().stop()
    return app.worker.interpreter_id

@app.get("/in-thread", run="inline")
async def in_thread():
    return await asyncio.to_thread(abs, -1)
"""
)

NO_THREAD = r"the thread [\w-]+ cannot be started: Resource temporarily unavailable"


@pytest.fixture
def shortage(tmp_path_factory: pytest.TempPathFactory) -> ThreadShortage:
    """One that the test begins and ends."""
    return ThreadShortage(tmp_path_factory.mktemp("shortage"))


@pytest.mark.parametrize("strategy", STRATEGIES_AND_DEFAULT, indirect=True)
def test_a_server_starts_with_all_its_threads_or_says_which_it_lacks(serve: Serve, shortage: ThreadShortage) -> None:
    options = ("--workers", "1", "--num-pooled-workers", "2", "--num-pooled-interpreters", "1")
    lacking = set()
    for count in range(20):
        server = serve(APP, *options, env=shortage.with_at_most(count))
        server.wait_for_log(rf"Listening on|{NO_THREAD}", READY_S)
        if "Listening" in server.log:
            break
        assert server.wait() == 1
        assert "Listening" not in server.log
        assert "Traceback" not in server.log
        told = server.wait_for_log(r"the thread ([\w-]+) cannot.*RLIMIT_NPROC.*pids.max")
        lacking.add(told[1])
    else:
        raise AssertionError(f"it lacks {lacking}, and more")
    with server, Wire(server) as wire:
        assert wire.ask("/worker").json == 0
        assert wire.ask("/pooled").status == 200
    assert len(lacking) > 2, "those of a kind fail one after the other, and others fail too"


def on_worker(server: Server, stack: ExitStack, index: int) -> Wire:
    """A connection to that worker."""
    for _ in range(200):
        wire = stack.enter_context(Wire(server))
        if wire.ask("/worker").json == index:
            return wire
    raise AssertionError(f"no connection came to worker {index}")


@OWN_GIL
@PINNED
def test_connections_of_a_busy_worker_wait_where_nobody_can_drive_them(
    serve: Serve, tmp_path: Path, shortage: ThreadShortage
) -> None:
    with (
        Gate(tmp_path, "first") as first,
        Gate(tmp_path, "second") as second,
        serve(APP, "--workers", "2", env=shortage.env) as server,
        ExitStack() as stack,
    ):
        held = [on_worker(server, stack, index) for index in (0, 1)]
        witness = [on_worker(server, stack, index) for index in (0, 1)]
        shortage.begin()
        held[0].send(request("/held?gate=first"))
        first.wait_for_somebody()
        assert witness[0].ask("/nowhere").status == 404, "the spare thread that is there from the start drives it"
        held[1].send(request("/held?gate=second"))
        second.wait_for_somebody()
        witness[1].send(request("/nowhere"))
        server.wait_for_log("no thread can be started .*: 1 handlers keep the other requests of their worker waiting")
        assert witness[0].ask("/nowhere").status == 404
        shortage.end()
        assert witness[1].receive().status == 404
        first.open()
        second.open()
        assert [wire.receive().json for wire in held] == [0, 1]
        assert [wire.ask("/worker").json for wire in witness] == [0, 1]


@OWN_GIL
@PINNED
def test_a_handler_that_nobody_can_interrupt_is_answered_and_ended_later(
    serve: Serve, shortage: ThreadShortage
) -> None:
    with serve(APP, "--workers", "1", env=shortage.env) as server, Wire(server) as wire:
        assert wire.ask("/worker").status == 200
        shortage.begin()
        assert wire.ask("/endless").status == 504
        server.wait_for_log("worker 0 is stuck")
        server.wait_for_log(rf"worker 0 has no fresh interpreter yet:\n{NO_THREAD}")
        assert wire.ask("/nowhere").status == 404
        shortage.end()

        def serves() -> bool:
            with Wire(server) as other:
                return other.ask("/worker").status == 200

        wait_until(serves, "a worker answers again")


NOT_REPLACED = "is not there, which is tried again"


def wait_for_failures(server: Server, wire: Wire) -> None:
    """Returns once it was tried in vain, several times, to replace a pooled interpreter; the server goes on."""
    for times in (1, 2):
        wait_until(lambda times=times: server.log.count(NOT_REPLACED) >= times, f"{times} times {NOT_REPLACED!r}")
        assert wire.ask("/worker").json == 0
    server.wait_for_log(rf"{NOT_REPLACED}:\n{NO_THREAD}.*; 1 such threads are wanted")


@OWN_GIL
@AUTO
def test_a_stuck_pooled_interpreter_is_replaced_later(serve: Serve, tmp_path: Path, shortage: ThreadShortage) -> None:
    options = ("--workers", "1", "--num-pooled-workers", "1")
    with Gate(tmp_path) as gate, serve(APP, *options, env=shortage.env) as server, Wire(server) as wire:
        before = wire.ask("/pooled").json
        shortage.begin()
        wire.send(request("/stuck-pooled?gate=gate"))
        gate.wait_for_somebody()
        assert wire.receive().status == 504
        wait_for_failures(server, wire)
        shortage.end()
        server.wait_for_log(r"pooled interpreter \d is a fresh one now")
        assert wire.ask("/pooled").json not in (None, before)
        gate.open()


@OWN_GIL
@AUTO
@pytest.mark.parametrize(("stuck", "path"), [("/endless-pooled", "/pooled"), ("/endless-coroutine", "/coroutine")])
def test_pooled_code_that_nobody_can_interrupt_is_answered_and_ended_later(
    serve: Serve, stuck: str, path: str, shortage: ThreadShortage
) -> None:
    options = ("--workers", "1", "--num-pooled-workers", "1")
    with serve(APP, *options, env=shortage.env) as server, Wire(server) as wire:
        assert wire.ask(path).status == 200
        shortage.begin()
        assert wire.ask(stuck).status == 504
        wait_for_failures(server, wire)
        shortage.end()
        # It is interrupted, or its interpreter replaced.
        assert wire.ask(path).status == 200


@OWN_GIL
@AUTO
def test_an_interpreter_whose_loop_was_ended_is_replaced_later(serve: Serve, shortage: ThreadShortage) -> None:
    options = ("--workers", "1", "--num-pooled-workers", "1")
    with serve(APP, *options, env=shortage.env) as server, Wire(server) as wire:
        shortage.begin()
        before = wire.ask("/ends-loop").json
        wait_for_failures(server, wire)
        assert wire.ask("/coroutine").json == before, "its loop goes on"
        shortage.end()
        server.wait_for_log(r"pooled interpreter \d is a fresh one now")
        assert wire.ask("/coroutine").json not in (None, before)


def test_a_handler_that_wants_a_thread_fails_alone(serve: Serve, shortage: ThreadShortage) -> None:
    with serve(APP, "--workers", "1", env=shortage.env) as server, Wire(server) as wire:
        shortage.begin()
        assert wire.ask("/in-thread").status == 500
        server.wait_for_log("RuntimeError: can't start new thread")
        assert wire.ask("/worker").json == 0
        shortage.end()
        assert wire.ask("/in-thread").json == 1


@OWN_GIL
@AUTO
def test_a_reload_without_threads_leaves_the_old_workers_serving(serve: Serve, shortage: ThreadShortage) -> None:
    options = ("--workers", "1", "--num-pooled-workers", "1")
    with serve(APP, *options, env=shortage.env) as server, Wire(server) as wire:
        before = wire.ask("/pooled").json
        shortage.begin()
        server.signal(signal.SIGHUP)
        server.wait_for_log(rf"could not be loaded anew, and goes on as it was:\n{NO_THREAD}")
        assert wire.ask("/pooled").json == before
        shortage.end()
        server.signal(signal.SIGHUP)
        server.wait_for_log("the app is loaded anew")


@PROCESSES
def test_a_worker_process_without_threads_is_started_again(serve: Serve, shortage: ThreadShortage) -> None:
    with serve(APP, "--workers", "2", env=shortage.env) as server:
        with Wire(server) as wire:
            before = wire.ask("/process").json
        shortage.begin()
        os.kill(before, signal.SIGKILL)
        server.wait_for_log(rf"cannot start:\n{NO_THREAD}")
        shortage.end()

        def both() -> bool:
            with ExitStack() as stack:
                wires = [stack.enter_context(Wire(server)) for _ in range(8)]
                found = {wire.ask("/worker").json for wire in wires}
            return found == {0, 1}

        wait_until(both, "both workers answer")


def run_script(source: str, shortage: ThreadShortage) -> None:
    """Run a script in which `begin()` and `end()` say when there are no threads; it must end well."""
    beginning = """
        import os
        from pathlib import Path
        file = Path(os.environ["THREAD_SHORTAGE"])
        begin, end = file.touch, file.unlink
    """
    ended = subprocess.run(
        [sys.executable, "-c", dedent(beginning) + dedent(source)],
        env={**os.environ, **shortage.env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "done\n"), ended.stderr


@OWN_GIL
def test_an_executor_has_all_its_threads_or_is_not_made(shortage: ThreadShortage) -> None:
    run_script(
        """
        from fasterapi.executor import BrokenSubinterpreterPool, SubinterpreterExecutor
        begin()
        try:
            SubinterpreterExecutor(2)
        except BrokenSubinterpreterPool as error:
            assert "the thread pinned-0 cannot be started" in str(error), error
        else:
            raise AssertionError
        end()
        with SubinterpreterExecutor(2) as executor:
            assert executor.submit(abs, -1).result() == 1
        print("done")
        """,
        shortage,
    )


@OWN_GIL
def test_an_executor_goes_on_and_ends_without_further_threads(shortage: ThreadShortage) -> None:
    run_script(
        """
        import concurrent.futures
        import time
        from fasterapi.executor import SubinterpreterExecutor

        def refused(function, *arguments):
            try:
                function(*arguments)
            except RuntimeError as error:
                assert "cannot be started: Resource temporarily unavailable" in str(error), error
            else:
                raise AssertionError

        executor = SubinterpreterExecutor(2)
        bounded = SubinterpreterExecutor(1, timeout=30)
        assert executor.submit(abs, -1).result() == 1
        begin()
        assert [executor.submit(abs, -i).result() for i in range(20)] == list(range(20))
        refused(bounded.submit, abs, -1)
        slow = executor.submit(time.sleep, 0.5)
        refused(slow.add_done_callback, print)
        refused(concurrent.futures.wait, [slow])
        end()
        told = []
        slow.add_done_callback(told.append)
        assert concurrent.futures.wait([slow]).done == {slow}
        assert bounded.submit(abs, -1).result() == 1
        begin()
        last = executor.submit(abs, -2)
        executor.shutdown(wait=True)
        assert last.done() and last.result() == 2
        assert told == [slow]
        print("done")
        """,
        shortage,
    )
