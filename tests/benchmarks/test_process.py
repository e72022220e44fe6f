"""A small server of the standard library stands for all of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks.harness import places
from benchmarks.harness.arrivals import wait_for_workers
from benchmarks.harness.idle import idle_connections, open_connections
from benchmarks.harness.process import ServerFailed, ServerProcess
from benchmarks.harness.procfs import cpu_ns, descendants, listeners, memory_of
from benchmarks.harness.server import Server
from benchmarks.harness.workload import HELLO, Workload

PROGRAM = """
import http.server, json, subprocess, sys

port, status, body = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode()
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""
HELLO_JSON = '{"message": "Hello, World!"}'
WORKLOAD = Workload("hello", "a greeting", "/", HELLO)


@pytest.fixture(autouse=True)
def own_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "LOGS", tmp_path)


def server_of(*words: str) -> Server:
    return Server("stand-in", "stand-in", "", "", words, {}, ("hello",), {}, False)


def answering(status: int = 200, body: str = HELLO_JSON) -> ServerProcess:
    doubled = body.replace("{", "{{").replace("}", "}}")
    program = PROGRAM.replace("{", "{{").replace("}", "}}")
    return ServerProcess(server_of(sys.executable, "-c", program, "{port}", str(status), doubled), cores=None)


def test_the_server_and_its_children_are_gone_after_the_block() -> None:
    with answering() as process:
        process.wait_ready()
        process.check(WORKLOAD, HELLO)
        pids = process.pids
        port = process.port
        assert len(pids) == 2
        assert pids[1:] == descendants(pids[0])
        assert listeners(port) == 1
        assert memory_of(pids).rss > memory_of(pids[:1]).rss >= memory_of(pids[:1]).pss > 0
    assert not any(Path(f"/proc/{pid}").exists() and descendants(os.getpid()).count(pid) for pid in pids)
    assert listeners(port) == 0


def test_cpu_time_is_finer_than_a_tick() -> None:
    with answering() as process:
        process.wait_ready()
        before = process.cpu_times_ns()
        process.check(WORKLOAD, HELLO)
        used = process.cpu_times_ns()[process.pid] - before[process.pid]
        assert 10_000 < used < 1_000_000_000
        assert used % 1_000_000 != 0 or cpu_ns(process.pid) % 1_000_000 != 0


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (503, HELLO_JSON, "with 503"),
        (200, '{"message": "something else"}', "another body"),
        (200, "no json", "did not answer"),
    ],
)
def test_a_wrong_answer_is_refused_with_its_reason(status: int, body: str, reason: str) -> None:
    with answering(status, body) as process:
        process.wait_ready()
        with pytest.raises(ServerFailed, match=reason):
            process.check(WORKLOAD, HELLO)


def test_a_server_that_ends_at_start_is_refused_with_its_last_words() -> None:
    with (
        ServerProcess(server_of(sys.executable, "-c", "raise SystemExit('no such app')"), cores=None) as process,
        pytest.raises(ServerFailed, match="ended at start: no such app"),
    ):
        process.wait_ready()


def test_idle_connections_stay_open_until_the_block_ends() -> None:
    with answering() as process:
        process.wait_ready()
        with idle_connections(process.port, "/", 20) as connections:
            assert open_connections(connections) == 20


def test_a_closed_connection_does_not_count_as_idle() -> None:
    with answering() as process:
        process.wait_ready()
        with idle_connections(process.port, "/", 3) as connections:
            process.stop()
            assert open_connections(connections) == 0


def test_workers_are_counted_by_their_answers() -> None:
    with answering(body='{"worker": "only one"}') as process:
        process.wait_ready()
        assert wait_for_workers(process.port, workers=1, timeout_s=10) == 1
        assert wait_for_workers(process.port, workers=2, timeout_s=0.3) == 1
