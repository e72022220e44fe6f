"""Handlers that run in the pool: they get what others get, answer as others do, and hold nobody up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

import pytest

from tests.e2e.gate import SOURCE, Diary, Gate, wait_until
from tests.e2e.serving import Server
from tests.e2e.wire import Wire, request
from tests.marks import OWN_GIL

pytestmark = OWN_GIL

APP = (
    SOURCE
    + """
import asyncio
import threading
import time
from contextlib import asynccontextmanager
from fasterapi import App, HTTPException, JSONResponse, PlainTextResponse, Request, RequestTimeout

kept = []
together = threading.Lock()
inside = 0
most = 0

@asynccontextmanager
async def lifespan(app):
    yield {"opened": app.worker.index}
    note(f"closed {app.worker.index}")

app = App(lifespan=lifespan, run="pool")

class Teapot(Exception):
    pass

@app.exception_handler(Teapot)
def teapot(request, exc):
    return JSONResponse({"path": request.path, "seen": request.headers["x-seen"]}, 418)

@app.exception_handler(LookupError)
async def lookup(request, exc):
    await asyncio.sleep(0)
    return PlainTextResponse(f"{request.method} {exc}", 404)

@app.get("/who")
def who():
    return app.worker.index

@app.get("/who-async")
async def who_async():
    return app.worker.index

@app.get("/who-waits")
async def who_waits():
    before = threading.get_ident()
    await asyncio.sleep(0.001)
    async with asyncio.timeout(10):
        await asyncio.sleep(0)
    return [app.worker.index, before == threading.get_ident()]

@app.get("/inline", run="inline")
def inline():
    return app.worker.index

@app.post("/items/{item}")
def items(item: int, body: dict[str, list[str]], request: Request, q: str = "none"):
    return {"item": item, "body": body, "q": q, "seen": request.headers["x-seen"], "state": request.state.opened,
            "client": request.client[0], "port": request.server[1]}

@app.post("/items-async/{item}")
async def items_async(item: int, body: dict[str, list[str]], request: Request, q: str = "none"):
    await asyncio.sleep(0)
    return items(item, body, request, q)

@app.get("/teapot")
def pour():
    raise Teapot

@app.get("/lost")
def lost():
    raise KeyError("it")

@app.get("/lost-async")
async def lost_async():
    await asyncio.sleep(0)
    raise KeyError("it")

@app.get("/refused")
def refused():
    raise HTTPException(409, "no", headers={"x-why": "because"})

@app.get("/broken")
def broken():
    raise ValueError("this is a bug")

@app.get("/no-json")
def no_json():
    return object()

@app.get("/response")
def response():
    return PlainTextResponse("made", 201, headers={"x-made": "here"})

@app.get("/large", response_class=PlainTextResponse)
def large():
    return "x" * 3_000_000

@app.get("/keep")
def keep(request: Request):
    kept.append(request)
    return 1

@app.get("/kept")
def show():
    return [request.headers["x-seen"] for request in kept]

@app.get("/coroutine")
def coroutine():
    return who_waits()

@app.get("/sleep")
def sleep():
    global inside, most
    with together:
        inside += 1
        most = max(most, inside)
    time.sleep(0.2)
    with together:
        inside -= 1
    return most

@app.get("/spin", timeout=0.2)
def spin():
    try:
        while True:
            pass
    except RequestTimeout:
        note("stopped")
        raise

@app.get("/spin-async", timeout=0.2)
async def spin_async():
    try:
        while True:
            pass
    except RequestTimeout:
        note("stopped")
        raise

@app.get("/wait-async", timeout=0.2)
async def wait_async():
    try:
        await asyncio.sleep(1000)
    except asyncio.CancelledError:
        note("cancelled")
        raise

@app.get("/wait-on")
async def wait_on():
    try:
        note("waits")
        await asyncio.sleep(1000)
    except asyncio.CancelledError:
        note("cancelled")
        raise
"""
)

POOLS = {
    "auto": ["--strategy", "auto", "--num-pooled-workers", "24", "--num-pooled-interpreters", "1"],
    "pinned": ["--strategy", "pinned", "--num-pooled-workers", "24", "--num-pooled-interpreters", "1"],
}


@pytest.fixture(params=POOLS, scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("app")
    (directory / "app.py").write_text(dedent(APP))
    with Server(directory / "app.py", "--workers", "1", *POOLS[request.param], cwd=directory) as started:
        yield started
    assert Diary(directory).lines().count("closed 0") == 1
    assert Diary(directory).lines().count("closed 1") == 1


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with Wire(server) as made:
        yield made


def directory_of(server: Server) -> Path:
    return Path(str(server.process.args[4])).parent  # type: ignore[index]


def test_handlers_run_beside_the_worker(wire: Wire) -> None:
    assert wire.ask("/inline").json == 0
    assert wire.ask("/who").json == 1
    assert wire.ask("/who-async").json == 1
    assert wire.ask("/who-waits").json == [1, True]
    assert wire.ask("/coroutine").json == [1, True]


@pytest.mark.parametrize("path", ["/items/3?q=%C3%A9", "/items-async/3?q=%C3%A9"])
def test_arguments_and_the_request_arrive(server: Server, wire: Wire, path: str) -> None:
    body = json.dumps({"a": ["b", "ü" * 5000]}).encode()
    headers = ["x-seen: yes", "content-type: application/json"]
    # The next request comes right behind: it must not overwrite what the first one looks at.
    first = request(path, *headers, method="POST", body=body)
    second = request(path, *headers, method="POST", body=b'{"c": []}')
    wire.send(first + second)
    bodies: list[dict[str, list[str]]] = [{"a": ["b", "ü" * 5000]}, {"c": []}]
    for expected in bodies:
        reply = wire.receive("POST")
        assert reply.status == 200
        assert reply.json == {
            "item": 3,
            "body": expected,
            "q": "é",
            "seen": "yes",
            "state": 1,
            "client": "127.0.0.1",
            "port": server.port,
        }


def test_arguments_are_refused_all_the_same(wire: Wire) -> None:
    headers = ["content-type: application/json"]
    reply = wire.ask("/items/x", *headers, method="POST", body=b"[]")
    assert reply.status == 422
    assert [error["loc"] for error in reply.json["detail"]] == [["path", "item"], ["body"]]


def test_exceptions_are_answered_as_elsewhere(server: Server, wire: Wire) -> None:
    teapot = wire.ask("/teapot", "x-seen: yes")
    assert (teapot.status, teapot.json) == (418, {"path": "/teapot", "seen": "yes"})
    for path in ("/lost", "/lost-async"):
        lost = wire.ask(path)
        assert (lost.status, lost.body) == (404, b"GET 'it'")
    refused = wire.ask("/refused")
    assert (refused.status, refused.json, refused.header("x-why")) == (409, {"detail": "no"}, "because")
    broken = wire.ask("/broken")
    assert broken.status == 500
    server.wait_for_log(broken.json["request_id"])
    assert "ValueError: this is a bug" in server.log
    assert wire.ask("/no-json").status == 500


def test_results_of_every_kind(wire: Wire) -> None:
    made = wire.ask("/response")
    assert (made.status, made.body, made.header("x-made")) == (201, b"made", "here")
    assert wire.ask("/large").body == b"x" * 3_000_000
    assert wire.ask("/who", method="HEAD").body == b""


def test_a_kept_request_keeps_what_it_was(wire: Wire) -> None:
    for seen in ("one", "two"):
        assert wire.ask("/keep", f"x-seen: {seen}").status == 200
    assert wire.ask("/kept").json[-2:] == ["one", "two"]


def test_twenty_blocking_handlers_run_at_the_same_time(server: Server) -> None:
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(server)) for _ in range(20)]
        for each in wires:
            each.send(request("/sleep"))
        assert max(each.receive().json for each in wires) >= 10


@pytest.mark.parametrize(
    ("path", "ended"), [("/spin", "stopped"), ("/spin-async", "stopped"), ("/wait-async", "cancelled")]
)
def test_at_the_deadline_the_handler_ends(server: Server, wire: Wire, path: str, ended: str) -> None:
    diary = Diary(directory_of(server))
    before = diary.lines().count(ended)
    late = wire.ask(path)
    assert late.status == 504
    diary.wait_for(ended, before + 1)
    assert wire.ask("/who").json == 1
    assert wire.ask("/who-waits").json == [1, True]
    server.wait_for_log(late.json["request_id"])


def test_a_coroutine_is_cancelled_when_its_client_is_gone(server: Server) -> None:
    diary = Diary(directory_of(server))
    before = diary.lines().count("cancelled")
    with Wire(server) as gone:
        gone.send(request("/wait-on"))
        diary.wait_for("waits")
        gone.end_with_reset()
    diary.wait_for("cancelled", before + 1)


def test_without_room_the_answer_is_503(tmp_path: Path) -> None:
    source = SOURCE + dedent(
        """
        from fasterapi import App
        app = App(run="pool")

        @app.get("/held")
        def held():
            note("held")
            pass_gate("gate")
            return "held"
        """
    )
    (tmp_path / "app.py").write_text(source)
    options = ["--workers", "1", "--num-pooled-workers", "1", "--queue-size", "1"]
    with Gate(tmp_path) as gate, Server(tmp_path / "app.py", *options, cwd=tmp_path) as server, ExitStack() as stack:
        wires = [stack.enter_context(Wire(server)) for _ in range(3)]
        wires[0].send(request("/held"))
        gate.wait_for_somebody()
        wires[1].send(request("/held"))
        # It waits once the next one is refused.
        wait_until(lambda: wires[2].ask("/held").status == 503, "the queue is full")
        refused = wires[2].ask("/held")
        assert (refused.status, refused.header("retry-after")) == (503, "1")
        gate.open()
        assert wires[0].receive().json == "held"
        gate.wait_for_somebody()
        gate.open()
        assert wires[1].receive().json == "held"


def test_stopping_waits_for_what_the_pool_runs(tmp_path: Path) -> None:
    source = SOURCE + dedent(
        """
        from fasterapi import App
        app = App(run="pool")

        @app.get("/held")
        def held():
            pass_gate("gate")
            return "held"
        """
    )
    (tmp_path / "app.py").write_text(source)
    with (
        Gate(tmp_path) as gate,
        Server(tmp_path / "app.py", "--workers", "1", cwd=tmp_path) as server,
        Wire(server) as wire,
        Wire(server) as idle,
    ):
        wire.send(request("/held"))
        gate.wait_for_somebody()
        server.process.terminate()
        assert idle.at_end()
        gate.open()
        assert wire.receive().json == "held"
        assert server.wait() == 0


def test_every_handler_runs_in_the_pool_where_that_is_the_strategy(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(dedent(APP))
    with (
        Server(tmp_path / "app.py", "--workers", "1", "--strategy", "pooled", cwd=tmp_path) as server,
        Wire(server) as wire,
    ):
        for path in ("/inline", "/who", "/who-async"):
            assert wire.ask(path).json in (1, 2)
        assert wire.ask("/nowhere").status == 404


ENDING = (
    SOURCE
    + """
import asyncio
import sys
from fasterapi import App

app = App(run="pool")
made = os.urandom(8).hex()

@app.get("/exits")
async def exits():
    asyncio.get_running_loop().call_soon(sys.exit)
    return made

@app.get("/stops")
async def stops():
    asyncio.get_running_loop().stop()
    return made

@app.get("/made")
def tell():
    return made

@app.get("/made-async")
async def tell_later():
    await asyncio.sleep(0)
    return made

async def until_cancelled():
    note("waits")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        note("cancelled")
        raise

@app.get("/waits")
async def waits():
    await until_cancelled()

@app.get("/waits-in-task")
async def waits_in_task():
    async with asyncio.timeout(1000):
        await until_cancelled()

@app.get("/stays")
async def stays():
    note("waits")
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            note("stays")

@app.get("/goes-on")
async def goes_on():
    note("waits")
    while not os.path.exists("go"):
        await asyncio.sleep(0.01)
    return made

@app.get("/stuck", timeout=0.1)
def stuck():
    pass_gate("gate")
"""
)
POOL = ("--workers", "1", "--num-pooled-workers", "2", "--num-pooled-interpreters", "1")


@pytest.mark.parametrize("path", ["/exits", "/stops"])
def test_an_interpreter_whose_loop_was_ended_by_its_app_is_replaced(tmp_path: Path, path: str) -> None:
    (tmp_path / "app.py").write_text(ENDING)
    with (
        Server(tmp_path / "app.py", *POOL, "--strategy", "pooled", cwd=tmp_path) as server,
        Wire(server) as wire,
        Wire(server) as waiting,
    ):
        waiting.send(request("/goes-on"))
        Diary(tmp_path).wait_for("waits")
        spoiled = wire.ask(path).json

        def is_fresh(asked: str) -> bool:
            reply = wire.ask(asked)
            assert reply.status == 200
            return bool(reply.json != spoiled)

        wait_until(lambda: is_fresh("/made-async"), "another interpreter has its place")
        assert is_fresh("/made")
        server.wait_for_log("the app has ended the event loop of a pool")
        server.wait_for_log("pooled interpreter 1 is a fresh one now")
        (tmp_path / "go").touch()
        assert waiting.receive().json == spoiled


@pytest.mark.parametrize("strategy", ["threads", "processes"])
def test_a_pool_in_the_workers_interpreter_goes_on_when_its_loop_is_ended(tmp_path: Path, strategy: str) -> None:
    (tmp_path / "app.py").write_text(ENDING)
    options = ("--workers", "1", "--num-pooled-workers", "2", "--strategy", strategy)
    with Server(tmp_path / "app.py", *options, cwd=tmp_path) as server, Wire(server) as wire:
        for path in ("/exits", "/stops", "/made", "/made-async", "/exits", "/made-async"):
            assert wire.ask(path).status == 200


@pytest.mark.parametrize(
    ("path", "noted", "status"),
    [
        ("/goes-on", None, 200),
        ("/waits", "cancelled", 503),
        ("/waits-in-task", "cancelled", 503),
        ("/stays", "stays", 503),
    ],
)
def test_coroutines_are_answered_whose_interpreter_ends(
    tmp_path: Path, path: str, noted: str | None, status: int
) -> None:
    (tmp_path / "app.py").write_text(ENDING)
    diary = Diary(tmp_path)
    grace = "30" if status == 200 else "0.2"
    options = (*POOL, "--strategy", "pooled", "--grace-period-s", grace)
    with (
        Gate(tmp_path) as gate,
        Server(tmp_path / "app.py", *options, cwd=tmp_path) as server,
        Wire(server) as stuck,
        Wire(server) as waiting,
    ):
        waiting.send(request(path))
        diary.wait_for("waits")
        stuck.send(request("/stuck"))
        gate.wait_for_somebody()
        assert stuck.receive().status == 504
        server.wait_for_log("pooled interpreter 1 is a fresh one now")
        # The interpreter that was given up is to end, now that its code has come back.
        gate.open()
        if status == 200:
            (tmp_path / "go").touch()
        assert waiting.receive().status == status
        if noted is not None:
            diary.wait_for(noted)
        assert stuck.ask("/made").status == 200


@pytest.mark.parametrize(("line", "interval_s"), [("", 0.001), ("sys.setswitchinterval(0.002)", 0.002)])
@pytest.mark.parametrize("strategy", ["auto", "threads", "processes"])
def test_threads_give_up_a_shared_gil_soon_unless_the_app_says_when(
    tmp_path: Path, strategy: str, line: str, interval_s: float
) -> None:
    (tmp_path / "app.py").write_text(
        dedent(
            f"""
            import sys
            from fasterapi import App

            app = App(run="pool")
            {line}

            @app.get("/interval")
            def interval():
                return sys.getswitchinterval()
            """
        )
    )
    options = ("--workers", "1", "--strategy", strategy)
    with Server(tmp_path / "app.py", *options, cwd=tmp_path) as server, Wire(server) as wire:
        assert wire.ask("/interval").json == pytest.approx(interval_s)
