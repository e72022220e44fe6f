"""A deadline interrupts the code of the app, and never what the engine does once that has ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.gate import SOURCE, Diary, Gate, wait_until
from tests.e2e.serving import STRATEGIES_AND_DEFAULT, Server
from tests.e2e.wire import Wire, request

# Each has a pool here; `pinned` with one is `auto`.
STRATEGIES = tuple(name for name in STRATEGIES_AND_DEFAULT if name != "pinned")
OPTIONS = ("--workers", "1", "--num-pooled-workers", "3")

# Enough for a handler to have begun, and to have ended, on a busy machine.
DEADLINE_S = 0.5

APP = (
    SOURCE
    + f"""
import asyncio
import logging
from fasterapi import App, JSONResponse, RequestTimeout

DEADLINE_S = {DEADLINE_S}
"""
    + """
app = App()

class AtTheGate(logging.Handler):
    def emit(self, record):
        note("begins to log")
        pass_gate("gate")
        note("has logged " + record.getMessage())

gated = AtTheGate()
gated.addFilter(lambda record: "gated" in record.getMessage())
logging.getLogger("fasterapi.error").addHandler(gated)

class Endless(Exception):
    pass

class Kept(Exception):
    pass

@app.exception_handler(Endless)
def never_ends(request, exc):
    note("handles")
    while True:  # stuck in the app's exception handler
        pass  # stuck in the app's exception handler

class Slow(JSONResponse):
    def render(self, content):
        note("renders")
        while True:  # stuck in the app's response
            pass  # stuck in the app's response

def add(path, body, response_class=JSONResponse):
    async def coroutine():
        await asyncio.sleep(0)
        body()

    for where in ("inline", "pool"):
        options = {"run": where, "timeout": DEADLINE_S, "response_class": response_class}
        app.get(f"/{path}-{where}", **options)(body)
        app.get(f"/{path}-{where}-async", **options)(coroutine)

def spin():
    while True:  # stuck in spin
        pass  # stuck in spin

def fail():
    raise ValueError("this is a bug")

def fail_endlessly():
    raise Endless

add("gated-late", spin)
add("gated-broken", fail)
add("endless", fail_endlessly)
add("slow", lambda: None, Slow)

@app.get("/waits", run="pool", timeout=0.1)
async def waits():
    await asyncio.Event().wait()

@app.get("/fine")
def fine():
    return "fine"
"""
)

PLACES = ("inline", "pool", "inline-async", "pool-async")


def let_interruptions_come(server: Server) -> None:
    """Returns when a deadline that has passed is long enough ago for code to have been interrupted several times."""
    with Wire(server) as other:
        for _ in range(3):
            assert other.ask("/waits").status == 504


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ["late", "broken"])
def test_what_is_logged_after_a_handler_is_logged_whole(serve: Serve, kind: str, place: str, tmp_path: Path) -> None:
    diary = Diary(tmp_path)
    path = f"/gated-{kind}-{place}"
    said = "was ended: its time was up" if kind == "late" else "failed"
    with Gate(tmp_path) as gate, serve(APP, *OPTIONS) as server, Wire(server) as wire:
        wire.send(request(path))
        gate.wait_for_somebody()
        assert wire.receive().status == 504
        let_interruptions_come(server)
        gate.open()
        server.wait_for_log(f"GET {path} .*{said}")
        server.wait_for_log("# stuck in spin\n" if kind == "late" else "ValueError: this is a bug\n")
        assert wire.ask("/fine").json == "fine"
        server.stop()
        assert [line.partition(" GET ")[0] for line in diary.lines()] == ["begins to log", "has logged"]
        assert "RequestTimeout" not in server.log or kind == "late"
        assert "ignored" not in server.log


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("path", "noted", "where"), [("endless", "handles", "exception handler"), ("slow", "renders", "response")]
)
def test_code_of_the_app_that_runs_after_a_handler_is_ended(
    serve: Serve, path: str, noted: str, where: str, place: str, tmp_path: Path
) -> None:
    diary = Diary(tmp_path)
    with serve(APP, *OPTIONS) as server, Wire(server) as wire:

        def has_run_twice() -> bool:
            assert wire.ask(f"/{path}-{place}").status == 504
            return diary.lines().count(noted) >= 2

        # On a busy machine the deadline may pass before that code has begun.
        wait_until(has_run_twice, "the app's code has run twice")
        server.wait_for_log(f"GET /{path}-{place} .*was ended: its time was up")
        server.wait_for_log(f"# stuck in the app's {where}\n")
        assert wire.ask("/fine").json == "fine"
        assert "ignored" not in server.log
