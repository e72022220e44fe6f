"""Workers that share one interpreter: one app, one set of modules, started once and ended once."""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.gate import SOURCE, Gate
from tests.e2e.serving import Server
from tests.e2e.wire import Wire, request

pytestmark = pytest.mark.parametrize("strategy", ["threads"], indirect=True)

APP = """
import asyncio
import logging
import threading
from contextlib import asynccontextmanager
from fasterapi import App

print("imported", flush=True)
lock = threading.Lock()
count = 0
waiting = 0
log = logging.getLogger("fasterapi.app")


@asynccontextmanager
async def lifespan(app):
    print(f"start on {threading.current_thread().name}", flush=True)
    yield {"loop": id(asyncio.get_running_loop())}
    print(f"end on {threading.current_thread().name}, {waiting} waiting", flush=True)


app = App(lifespan=lifespan)


@app.get("/add")
def add():
    global count
    with lock:
        count += 1
        return {"worker": app.worker.index, "count": count}


@app.get("/log")
async def write():
    log.warning("noted")
    await asyncio.to_thread(log.warning, "noted aside")
    return app.worker.index


@app.get("/wait")
async def wait():
    global waiting
    with lock:
        waiting += 1
    print(f"waiting {waiting}", flush=True)
    try:
        await asyncio.sleep(0.5)
    finally:
        with lock:
            waiting -= 1
    return threading.current_thread().name


@app.get("/who")
async def who():
    return [app.worker.index, threading.current_thread().name]
"""


def _ask(server: Server, target: str) -> object:
    with Wire(server) as wire:
        return wire.ask(target).json


def test_the_workers_count_together(serve: Serve) -> None:
    with serve(APP, "--workers", "3") as server:
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _: _ask(server, "/add"), range(300)))
        assert sorted(answer["count"] for answer in answers) == list(range(1, 301))  # type: ignore[index]
        assert {answer["worker"] for answer in answers} == {0, 1, 2}  # type: ignore[index]
        assert server.log.count("imported") == 1


def test_the_app_ends_after_the_last_request_of_any_worker(serve: Serve) -> None:
    with serve(APP, "--workers", "3") as server, ExitStack() as open_wires:
        wires = [open_wires.enter_context(Wire(server)) for _ in range(6)]
        for at, wire in enumerate(wires, 1):
            wire.send(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
            server.wait_for_log(f"waiting {at}\n")
        assert server.stop() == 0
        served_by = {wire.receive().json for wire in wires}
        assert served_by <= {"worker-0", "worker-1", "worker-2"}
        assert re.findall(r"(?:start|end) on .*", server.log) == ["start on worker-0", "end on worker-0, 0 waiting"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_log_names_the_worker(serve: Serve, form: str) -> None:
    with serve(APP, "--workers", "2", "--log-format", form) as server:
        for _ in range(6):
            index = _ask(server, "/log")
            place = f"[worker {index}] noted aside" if form == "text" else f'"noted aside", "worker": {index}'
            server.wait_for_log(re.escape(place))


def test_a_startup_that_fails_is_told_once(serve: Serve) -> None:
    server = serve(
        """
        from fasterapi import App

        app = App()

        @app.on_event("startup")
        async def start():
            raise RuntimeError("no luck today")
        """,
        "--workers",
        "3",
    )
    assert server.wait(60) == 1
    assert server.log.count("RuntimeError: no luck today") == 1
    assert "Listening" not in server.log


def test_a_script_serves_what_it_has_and_goes_on(tmp_path: Path, strategy: str) -> None:
    source = f"""
        from fasterapi import App

        print("run", flush=True)
        seen = []
        app = App()

        @app.get("/note")
        def note(word: str):
            seen.append(word)

        for turn in range(2):
            app.run(port=0, workers=2, strategy={strategy!r})
            print("seen", seen, flush=True)
        """
    (tmp_path / "script.py").write_text(dedent(source))
    # The trial, in a process of its own, tells what it prints only where it fails.
    script = Server("-", cwd=tmp_path, command=[sys.executable, "script.py"])
    with script as server:
        assert _ask(server, "/note?word=first") is None
        server.process.send_signal(2)
        server.wait_for_log(r"seen \['first'\]")
        match = server.wait_for_log(r"(?s)seen .*Listening on http://[^\s:]+:(\d+)", 60)
        server.port = int(match[1])
        assert _ask(server, "/note?word=second") is None
        assert server.stop() == 0
        assert "seen ['first', 'second']" in server.log
        assert server.log.count("run\n") == 1


def test_threads_of_the_app_see_its_worker(serve: Serve) -> None:
    with serve(APP, "--workers", "2") as server:
        answers = [_ask(server, "/who") for _ in range(20)]
        assert all(name == f"worker-{index}" for index, name in answers)  # type: ignore[misc]


STUCK = (
    SOURCE
    + """
from fasterapi import App

app = App()

@app.get("/stuck", run="inline", timeout=0.1)
def stuck():
    pass_gate("gate")

@app.get("/fine")
async def fine():
    return "fine"
"""
)


def test_a_stuck_worker_is_told_of_and_serves_again(serve: Serve, tmp_path: Path) -> None:
    with Gate(tmp_path) as gate, serve(STUCK, "--workers", "1") as server, Wire(server) as wire:
        wire.send(request("/stuck"))
        gate.wait_for_somebody()
        assert wire.receive().status == 504
        server.wait_for_log("worker 0 is stuck in a handler whose time was up; it serves again when that ends")
        with Wire(server) as other:
            assert other.ask("/nowhere").status == 404
            assert other.ask("/fine").status == 503
        gate.open()
        server.wait_for_log("stuck.*was ended: its time was up")
        with Wire(server) as other:
            assert other.ask("/fine").json == "fine"
        assert server.log.count("is stuck in a handler") == 1
