"""The access log: what its lines say, and that nobody has to read them for the server to go on."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import Server
from tests.e2e.wire import Wire, request

APP = """
import asyncio
from fasterapi import App, HTTPException, Request

app = App()

@app.get("/items/{name}")
def item(name: str):
    return name

@app.get("/later")
async def later():
    await asyncio.sleep(0.01)
    return 1

@app.get("/fail")
def fail():
    raise RuntimeError("as asked")

@app.get("/slow", timeout=0.1)
async def slow():
    await asyncio.sleep(60)

def endless():
    while True:
        pass

app.get("/endless-inline", run="inline", timeout=0.1)(endless)
app.get("/endless-pooled", run="pool", timeout=0.1)(endless)

@app.get("/own")
def own(request: Request):
    return {"id": request.request_id, "trace": request.traceparent}

@app.get("/dropped")
def dropped():
    return app.stats().log_lines_dropped
"""

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def lines_of(server: Server) -> list[dict[str, Any]]:
    entries = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    return [entry for entry in entries if entry.get("logger") == "fasterapi.access"]


def test_a_line_says_what_became_of_a_request(serve: Serve) -> None:
    with serve(APP, "--workers", "1", "--log-format", "json", "--access-log") as server, Wire(server) as wire:
        wire.ask("/items/a?b=c", "X-Request-ID: mine-1", f"Traceparent: {TRACE}")
        wire.ask("/later", "X-Request-ID: mine-2")
        wire.ask("/nowhere", "X-Request-ID: bad id")
        wire.ask("/slow")
        server.wait_for_log('"timeout":true')
        assert server.stop() == 0
        first, second, third, fourth = lines_of(server)
    assert (first["method"], first["target"], first["route"]) == ("GET", "/items/a?b=c", "GET /items/{name} (item)")
    assert (first["status"], first["bytes"], first["worker"]) == (200, 3, 0)
    assert (first["request_id"], first["traceparent"]) == ("mine-1", TRACE)
    assert first["placement"] in ("inline", "pool")
    assert first["client"].startswith("127.0.0.1:")
    assert first["elapsed_ms"] > 0
    # Also of a request whose handler was suspended.
    assert (second["target"], second["request_id"], second["elapsed_ms"] >= 9) == ("/later", "mine-2", True)
    assert (third["status"], third["route"], third["placement"]) == (404, "-", "engine")
    assert len(third["request_id"]) == 16
    assert (fourth["status"], fourth["timeout"], fourth["target"]) == (504, True, "/slow")


def test_a_failure_has_one_id_everywhere(serve: Serve) -> None:
    with serve(APP, "--workers", "1", "--log-format", "json", "--access-log") as server, Wire(server) as wire:
        answer = wire.ask("/fail", "X-Request-ID: the-one", f"Traceparent: {TRACE}")
        assert answer.json["request_id"] == "the-one"
        server.wait_for_log('"status":500')
        assert server.stop() == 0
        entries = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
        (failure,) = [entry for entry in entries if entry.get("level") == "error"]
    assert (failure["request_id"], failure["traceparent"]) == ("the-one", TRACE)
    assert lines_of(server)[0]["request_id"] == "the-one"


def test_a_request_that_is_refused_for_its_head_has_its_name(serve: Serve) -> None:
    too_large = request("/items/a", "Content-Length: 99999999", f"Traceparent: {TRACE}", "X-Request-ID: large")
    unread = request("/nowhere", "Content-Length: 5", f"Traceparent: {TRACE}", "X-Request-ID: unread")
    with serve(APP, "--workers", "1", "--log-format", "json", "--access-log", "--send-request-id") as server:
        for message, status, name in ((too_large, 413, "large"), (unread, 404, "unread")):
            with Wire(server) as wire:
                wire.send(message)
                answer = wire.receive()
                assert (answer.status, answer.header("x-request-id")) == (status, name)
        assert server.stop() == 0
        first, second = lines_of(server)
    assert (first["method"], first["target"], first["request_id"]) == ("GET", "/items/a", "large")
    assert (second["method"], second["target"], second["request_id"]) == ("GET", "/nowhere", "unread")
    assert first["traceparent"] == second["traceparent"] == TRACE


@pytest.mark.parametrize("path", ["/slow", "/endless-inline", "/endless-pooled"])
def test_a_late_request_is_found_by_its_trace_whoever_logs_it(serve: Serve, path: str) -> None:
    with serve(APP, "--workers", "1", "--log-format", "json") as server, Wire(server) as wire:
        assert wire.ask(path, "X-Request-ID: late-one", f"Traceparent: {TRACE}").status == 504
        server.wait_for_log("was ended: its time was up")
        assert server.stop() == 0
        entries = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
        errors = [entry for entry in entries if entry.get("level") == "error"]
    assert [(entry["request_id"], entry["traceparent"]) for entry in errors] == [("late-one", TRACE)] * 2


def test_text_lines_have_the_same_facts(serve: Serve) -> None:
    with serve(APP, "--workers", "1", "--access-log") as server, Wire(server) as wire:
        wire.ask("/items/a", "X-Request-ID: mine-1")
        server.wait_for_log(
            r'INFO 127\.0\.0\.1:\d+ "GET /items/a HTTP/1\.1" 200 3 [\d.]+ ms worker=0 (inline|pool) request_id=mine-1\n'
        )


def test_answers_name_the_request_where_that_is_wanted(serve: Serve) -> None:
    with serve(APP, "--workers", "1", "--send-request-id") as server, Wire(server) as wire:
        assert wire.ask("/own", "X-Request-ID: mine").header("x-request-id") == "mine"
        made = wire.ask("/own")
        assert made.header("x-request-id") == made.json["id"]
        assert wire.ask("/nowhere", "X-Request-ID: mine").header("x-request-id") == "mine"
        assert wire.ask("/later", "X-Request-ID: mine").header("x-request-id") == "mine"


def test_without_that_answers_do_not_name_the_request(serve: Serve) -> None:
    with serve(APP, "--workers", "1") as server, Wire(server) as wire:
        answer = wire.ask("/own", "X-Request-ID: mine", f"Traceparent: {TRACE}")
        assert answer.header("x-request-id") is None
        assert answer.json == {"id": "mine", "trace": TRACE}
        assert wire.ask("/own", "Traceparent: 00-not-a-trace").json["trace"] is None


def test_nobody_has_to_read_it(tmp_path: Path, strategy: str) -> None:
    app = tmp_path / "app.py"
    app.write_text(APP)
    command = [sys.executable, "-m", "fasterapi", "run", str(app), "--port", "0", "--workers", "1"]
    command += ["--strategy", strategy, "--access-log", "--log-format", "json"]
    reading, writing = os.pipe()
    try:
        # Standard output is a pipe that nobody reads yet; the log of the server itself goes elsewhere.
        with open(tmp_path / "log", "wb") as log:
            process = subprocess.Popen(command, stdout=writing, stderr=log, stdin=subprocess.DEVNULL)
    finally:
        os.close(writing)
    try:
        port = _port_of(tmp_path / "log")
        asked, dropped = _ask_until_lines_are_dropped(port)
        # Now it is read: what was kept comes, then how many were not.
        lines: list[dict[str, Any]] = []
        with os.fdopen(reading, "rb") as stream:
            for line in stream:
                lines.append(json.loads(line))
                if "dropped" in lines[-1].get("message", ""):
                    break
        told = int(lines[-1]["message"].split()[0])
        assert dropped > 0
        assert told >= dropped
        assert len(lines) - 1 + told <= asked
        # The lines of one turn are kept or dropped together: behind many that found no room, a few may find it.
        kept = [int(line["request_id"].removeprefix("n")) for line in lines[:-1]]
        assert kept[:1000] == list(range(1000))
        assert kept == sorted(set(kept))
    finally:
        process.terminate()
        assert process.wait(30) == 0


def _port_of(log: Path) -> int:
    deadline = time.monotonic() + 60
    while "Listening on" not in (text := log.read_text()):
        assert time.monotonic() < deadline, text
        time.sleep(0.05)
    return int(text.partition("Listening on http://127.0.0.1:")[2].partition('"')[0])


def _ask_until_lines_are_dropped(port: int) -> tuple[int, int]:
    """How many requests were sent, and how many of their lines were dropped."""

    class Here:
        pass

    here: Any = Here()
    here.port = port
    asked = 0
    with Wire(here) as wire:
        while True:
            batch = b"".join(
                b"GET /items/a HTTP/1.1\r\nhost: x\r\nx-request-id: n%d\r\n\r\n" % i for i in range(asked, asked + 50)
            )
            wire.send(batch)
            for _ in range(50):
                assert wire.receive().status == 200
            asked += 50
            dropped = wire.ask("/dropped", f"X-Request-ID: n{asked}").json
            asked += 1
            if dropped:
                return asked, dropped
            assert asked < 100_000
