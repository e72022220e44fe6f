"""Thousands of clients that are slow on purpose, in every way there is, beside some that are not."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

import pytest

from tests.e2e.gate import wait_until
from tests.e2e.serving import INSTRUMENTED, STRATEGIES, Server
from tests.e2e.wire import Wire, request

APP = """
from fasterapi import App, PlainTextResponse, Request

app = App()

@app.get("/")
def home():
    return "home"

@app.get("/large", response_class=PlainTextResponse)
def large():
    return "x" * 300_000

@app.post("/size")
async def size(request: Request):
    return len(await request.body())
"""

OPTIONS = (
    *("--strategy", STRATEGIES[0], "--workers", "2"),
    *("--header-timeout-s", "1", "--keep-alive-timeout-s", "1", "--write-stall-timeout-s", "1"),
    *("--body-grace-s", "0.5", "--body-min-rate-bytes-s", "1000"),
)
EACH = 100 if INSTRUMENTED else 500

# What each kind sends at first, and then again and again.
KINDS = {
    "head": (b"GET / HTTP/1.1\r\nhost: a\r\n", b"x"),
    "body": (b"POST /size HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n", b"x"),
    "reader": (request("/large"), b""),
    "busy_reader": (request("/large"), b"G"),
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    app = tmp_path / "app.py"
    app.write_text(dedent(APP))
    with Server(app, *OPTIONS, cwd=tmp_path) as running:
        yield running


class Slow:
    """A client that sends byte by byte, or takes nothing of its answer."""

    def __init__(self, server: Server, kind: str) -> None:
        first, self.trickle = KINDS[kind]
        self.socket = socket.socket()
        if "reader" in kind:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", server.port))
        self.socket.sendall(first)
        self.socket.setblocking(False)
        self._reads = "reader" not in kind

    def is_cut_off(self) -> bool:
        """Sends a little more, and says whether the server is done with it."""
        try:
            self.socket.send(self.trickle)
            # A reader that took something would not be one that takes nothing.
            return self._reads and self.socket.recv(4096) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True


def test_slow_clients_are_cut_off_and_cost_the_others_nothing(server: Server) -> None:
    with ExitStack() as stack:
        slow = []
        for kind in KINDS:
            for _ in range(EACH):
                slow.append(Slow(server, kind))
                stack.callback(slow[-1].socket.close)
        # Those that read nothing learn of their end only by sending.
        left = [client for client in slow if client.trickle]
        deadline = time.monotonic() + 60
        answers = 0
        healthy = stack.enter_context(Wire(server))
        while left:
            assert time.monotonic() < deadline, f"{len(left)} slow clients are still served"
            for _ in range(10):
                reply = healthy.ask()
                assert (reply.status, reply.json) == (200, "home")
                answers += 1
            left = [client for client in left if not client.is_cut_off()]
        assert answers > 0
        wait_until(lambda: open_connections(server) <= 1, "only the healthy client's connection is left")


def open_connections(server: Server) -> int:
    """Connections to clients that the server's process holds."""
    held = {
        link.readlink().name
        for link in Path(f"/proc/{server.process.pid}/fd").iterdir()
        if str(link.readlink()).startswith("socket:")
    }
    inodes = {f"socket:[{line.split()[9]}]" for line in established(server.port)}
    return len(held & inodes)


def established(port: int) -> list[str]:
    """The lines of /proc/net/tcp about the server's ends of connections, those in the middle of closing included."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return [line for line in lines if line.split()[1].endswith(f":{port:04X}") and line.split()[3] != "0A"]
