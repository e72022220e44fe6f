"""How a server starts, what it says when it cannot, and how it stops."""

import os
import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import STRATEGIES_AND_DEFAULT, Server
from tests.e2e.wire import Wire, request

STRATEGIES = STRATEGIES_AND_DEFAULT

APP = """
import asyncio
import time
from fasterapi import App

app = App()

@app.get("/")
def hello():
    return "hello"

@app.get("/later/{milliseconds}")
async def later(milliseconds: int):
    await asyncio.sleep(milliseconds / 1000)
    return milliseconds

@app.get("/block/{milliseconds}")
def block(milliseconds: int):
    print("blocking", flush=True)
    time.sleep(milliseconds / 1000)
    return milliseconds
"""


def ended(serve_failed: Server, status: int, *expected: str) -> str:
    """The log of a server that was expected to end by itself."""
    assert serve_failed.wait(60) == status, serve_failed.log
    for text in expected:
        assert text in serve_failed.log
    return serve_failed.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_an_idle_server_stops_at_once(serve: Serve, number: signal.Signals) -> None:
    with serve(APP, "--workers", "2") as server, ExitStack() as stack:
        wires = [stack.enter_context(Wire(server)) for _ in range(10)]
        for wire in wires:
            assert wire.ask().json == "hello"
        started = time.monotonic()
        server.signal(number)
        assert all(wire.at_end() for wire in wires)
        assert server.wait() == 0
        assert time.monotonic() - started < 5


def test_requests_in_flight_are_finished(serve: Serve) -> None:
    with serve(APP, "--workers", "1") as server, Wire(server) as first, Wire(server) as second:
        first.send(request("/later/700"))
        second.send(request("/later/400"))
        with Wire(server) as third:
            assert third.ask().status == 200
        server.signal(signal.SIGTERM)
        assert (second.receive().json, first.receive().json) == (400, 700)
        assert first.at_end()
        assert second.at_end()
        assert server.wait() == 0


def test_a_signal_to_every_process_at_once_is_one_wish(serve: Serve) -> None:
    with serve(APP, "--workers", "1") as server, Wire(server) as wire:
        wire.send(request("/later/700"))
        with Wire(server) as other:
            assert other.ask().status == 200
        parent = server.process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        for process in (parent, *map(int, children)):
            os.kill(process, signal.SIGTERM)
        assert wire.receive().json == 700
        assert server.wait() == 0


def test_an_answer_given_while_stopping_closes_its_connection(serve: Serve) -> None:
    with serve(APP, "--workers", "1") as server, Wire(server) as wire:
        wire.send(request("/later/500"))
        with Wire(server) as other:
            assert other.ask().status == 200
        server.signal(signal.SIGTERM)
        reply = wire.receive()
        assert (reply.status, (reply.header("connection") or "").lower()) == (200, "close")
        assert server.wait() == 0


def test_the_grace_period_ends(serve: Serve) -> None:
    with serve(APP, "--workers", "1", "--grace-period-s", "0.5") as server, Wire(server) as wire:
        wire.send(request("/later/60000"))
        with Wire(server) as other:
            assert other.ask().status == 200
        started = time.monotonic()
        server.signal(signal.SIGTERM)
        server.wait(20)
        assert time.monotonic() - started < 15


def test_a_second_signal_stops_now(serve: Serve) -> None:
    with serve(APP, "--workers", "1", "--grace-period-s", "60") as server, Wire(server) as wire:
        wire.send(request("/later/60000"))
        with Wire(server) as other:
            assert other.ask().status == 200
        server.signal(signal.SIGINT)
        started = time.monotonic()
        # Signals that come together are one, as when a terminal sends them to the whole group.
        while server.process.poll() is None and time.monotonic() - started < 20:
            time.sleep(0.3)
            server.signal(signal.SIGINT)
        server.wait(1)


def test_a_blocked_handler_does_not_outlast_the_grace_period(serve: Serve) -> None:
    with serve(APP, "--workers", "1", "--grace-period-s", "0.5") as server, Wire(server) as wire:
        wire.send(request("/block/30000"))
        server.wait_for_log("blocking")
        server.signal(signal.SIGTERM)
        server.wait(20)


def test_threads_of_the_app_do_not_outlast_the_grace_period(serve: Serve, strategy: str) -> None:
    source = """
        import threading

        from fasterapi import App

        threading.Thread(target=threading.Event().wait).start()
        app = App()
    """
    with serve(source, "--workers", "1", "--grace-period-s", "0.2") as server:
        # In the main interpreter they do not keep the end up at all.
        assert server.stop() == (0 if strategy == "threads" else 1)


def test_a_stopped_server_refuses_connections(serve: Serve) -> None:
    with serve(APP, "--workers", "2") as server:
        assert server.stop() == 0
        with pytest.raises(ConnectionRefusedError):
            Wire(server)


def test_the_port_can_be_taken_again_at_once(serve: Serve) -> None:
    with serve(APP, "--workers", "1") as first, Wire(first) as wire:
        assert wire.ask().status == 200
        port = first.port
        assert first.stop() == 0
    with serve(APP, "--workers", "1", "--port", str(port)) as second, Wire(second) as wire:
        assert second.port == port
        assert wire.ask().status == 200


def test_a_taken_port_is_named(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        log = ended(serve(APP, "--port", str(port)), 1, f"port {port} on 127.0.0.1 is already in use")
    assert "Traceback" not in log


def test_an_app_that_cannot_be_imported_shows_the_users_traceback(serve: Serve) -> None:
    log = ended(serve("import nowhere.at_all\n"), 1, "ModuleNotFoundError", "nowhere", "app.py")
    assert "_loader.py" not in log


def test_an_app_with_a_mistake_in_a_route_names_it(serve: Serve) -> None:
    source = """
    from fasterapi import App
    app = App()

    class Unknown: ...

    @app.get("/x/{a}")
    def broken(a: Unknown): ...
    """
    log = serve(source)
    assert log.wait(60) != 0
    assert "broken" in log.log
    assert "/x/{a}" in log.log


def test_mistakes_in_the_configuration_are_told_together(serve: Serve) -> None:
    server = serve(APP, "--workers", "many", env={"FASTERAPI_LOG_LEVEL": "loud", "FASTERAPI_WROKERS": "2"})
    ended(server, 2, "--workers", "FASTERAPI_LOG_LEVEL", "FASTERAPI_WROKERS", "did you mean")


def test_a_file_that_does_not_exist(tmp_path: Path) -> None:
    server = Server(tmp_path / "nowhere.py", cwd=tmp_path)
    assert server.wait(60) != 0
    assert "nowhere.py" in server.log


def test_the_banner_says_what_runs_and_why(serve: Serve, strategy: str) -> None:
    why = (
        "every package of the app loads in an interpreter of its own"
        if strategy == "auto"
        else "asked for by --strategy"
    )
    with serve(APP, "--workers", "2", env={"FASTERAPI_BACKLOG": "100"}) as server:
        for text in ("workers", "2", strategy, why, "backlog", "from FASTERAPI_BACKLOG"):
            assert text in server.log


def test_lifespan_and_events_run_once_per_interpreter(serve: Serve, strategy: str) -> None:
    source = """
    import os
    from contextlib import asynccontextmanager
    from fasterapi import App, Request

    @asynccontextmanager
    async def lifespan(app):
        os.write(1, f"start {app.worker.index} of {app.worker.count} {app.worker.strategy}\\n".encode())
        yield {"number": 7}
        os.write(1, f"stop {app.worker.index}\\n".encode())

    app = App(lifespan=lifespan)

    @app.get("/")
    def number(request: Request):
        return [request.state.number, app.worker.index]
    """
    with serve(source, "--workers", "3") as server:
        with Wire(server) as wire:
            number, index = wire.ask().json
        assert number == 7
        # The pool has two of its own.
        interpreters = range({"threads": 1, "auto": 5}.get(strategy, 3))
        assert index in (range(3) if strategy == "threads" else interpreters)
        assert server.stop() == 0
        lines = server.log.splitlines()
        assert sorted(line[:12] for line in lines if line.startswith("start")) == [
            f"start {i} of 3" for i in interpreters
        ]
        assert sorted(line for line in lines if line.startswith("stop")) == [f"stop {i}" for i in interpreters]


def test_a_startup_that_fails_stops_the_server(serve: Serve) -> None:
    source = """
    from fasterapi import App

    app = App()

    @app.on_event("startup")
    async def start():
        raise RuntimeError("no database today")
    """
    server = serve(source, "--workers", "2")
    assert server.wait(60) == 1
    assert "no database today" in server.log
    assert "Listening" not in server.log
