"""Several workers: what they share, what they do not, and what one's misfortune means to the others."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from tests.e2e.conftest import Serve
from tests.e2e.serving import Server
from tests.e2e.wire import Wire

APP = """
import os
import threading
from fasterapi import App

app = App()
state = {"count": 0}

@app.get("/who", run="inline")
def who():
    worker = app.worker
    return {
        "index": worker.index,
        "count": worker.count,
        "strategy": worker.strategy,
        "interpreter": worker.interpreter_id,
        "process": os.getpid(),
        "thread": threading.get_native_id(),
        "main": threading.current_thread() is threading.main_thread(),
    }

@app.get("/count")
def count():
    state["count"] += 1
    return {"index": app.worker.index, "count": state["count"]}

@app.get("/spin", run="inline")
def spin():
    total = 0
    for i in range(400_000):
        total += i & 7
    return app.worker.index

@app.get("/crash")
def crash():
    os.abort()
"""


def ask_new(server: Server, target: str) -> object:
    """Each connection is some worker's: the kernel chooses."""
    with Wire(server) as wire:
        return wire.ask(target).json


def workers_of(server: Server, count: int) -> dict[int, dict[str, object]]:
    """What every worker says of itself, by index."""
    found: dict[int, dict[str, object]] = {}
    deadline = time.monotonic() + 30
    while len(found) < count and time.monotonic() < deadline:
        answer = ask_new(server, "/who")
        assert isinstance(answer, dict)
        found[answer["index"]] = answer
    return found


def test_every_worker_serves_and_knows_itself(serve: Serve, strategy: str) -> None:
    with serve(APP, "--workers", "3") as server:
        workers = workers_of(server, 3)
        assert sorted(workers) == [0, 1, 2]
        assert {worker["count"] for worker in workers.values()} == {3}
        assert {worker["strategy"] for worker in workers.values()} == {strategy}
        assert all(worker["main"] == (strategy != "threads") for worker in workers.values())
        processes = {worker["process"] for worker in workers.values()}
        interpreters = {worker["interpreter"] for worker in workers.values()}
        if strategy == "pinned":
            assert processes == {server.process.pid}
            assert len(interpreters) == 3
            assert 0 not in interpreters
            assert len({worker["thread"] for worker in workers.values()}) == 3
        elif strategy == "threads":
            assert processes == {server.process.pid}
            assert interpreters == {0}
            assert len({worker["thread"] for worker in workers.values()}) == 3
        else:
            assert len(processes) == 3
            assert server.process.pid not in processes
            assert interpreters == {0}


def test_a_connection_stays_with_its_worker(serve: Serve) -> None:
    with serve(APP, "--workers", "3") as server, Wire(server) as wire:
        assert len({wire.ask("/who").json["index"] for _ in range(30)}) == 1


def test_modules_are_each_interpreters_own(serve: Serve, strategy: str) -> None:
    with serve(APP, "--workers", "2") as server:
        if strategy == "threads":
            counts = [ask_new(server, "/count")["count"] for _ in range(50)]  # type: ignore[index]
            assert counts == list(range(1, 51))
            return
        seen: dict[int, list[int]] = {0: [], 1: []}
        for _ in range(200):
            answer = ask_new(server, "/count")
            assert isinstance(answer, dict)
            seen[answer["index"]].append(answer["count"])
        for counts in seen.values():
            assert counts == list(range(1, len(counts) + 1))


def test_workers_compute_side_by_side_under_load(serve: Serve) -> None:
    with serve(APP, "--workers", "2") as server, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask_new(server, "/spin"), range(60)))
        assert set(answers) == {0, 1}


def test_a_crash_takes_one_process_or_is_told(serve: Serve, strategy: str) -> None:
    with serve(APP, "--workers", "2", "--log-level", "info") as server:
        before = workers_of(server, 2)
        with Wire(server) as wire:
            victim = wire.ask("/who").json
            wire.send(b"GET /crash HTTP/1.1\r\nHost: a\r\n\r\n")
            assert wire.at_end()
        if strategy != "processes":
            assert server.wait() == -signal.SIGABRT
            return
        survivor = before[1 - victim["index"]]["process"]
        assert os.kill(int(str(survivor)), 0) is None
        deadline = time.monotonic() + 30
        processes: set[object] = set()
        while len(processes) < 2 and time.monotonic() < deadline:
            # A connection that the dying worker's listener had taken in is reset.
            with suppress(ConnectionResetError):
                processes = {worker["process"] for worker in workers_of(server, 2).values()} - {victim["process"]}
        assert survivor in processes
        assert len(processes) == 2
        server.wait_for_log(f"worker {victim['index']}")


def test_workers_end_with_a_supervisor_that_is_killed(serve: Serve, strategy: str) -> None:
    with serve(APP, "--workers", "2") as server:
        processes = {int(str(worker["process"])) for worker in workers_of(server, 2).values()}
        server.signal(signal.SIGKILL)
        assert server.wait(10) == -signal.SIGKILL
        deadline = time.monotonic() + 20
        while processes and time.monotonic() < deadline:
            processes = {process for process in processes if os.path.exists(f"/proc/{process}")}
        assert not processes, strategy


def test_pin_to_cores(serve: Serve) -> None:
    source = """
    import os
    from fasterapi import App

    app = App()

    @app.get("/")
    def cpus():
        return sorted(os.sched_getaffinity(0))
    """
    with serve(source, "--workers", "1", "--pin-to-cores") as server:
        assert len(ask_new(server, "/")) == 1  # type: ignore[arg-type]
