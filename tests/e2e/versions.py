"""An app that has versions, and clients that account for each of their requests while its workers come and go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.e2e.serving import Server
from tests.e2e.wire import Wire, request

__all__ = ["Clients", "Count", "app_of", "ask", "until", "versions"]

APP = """
import asyncio
import os
from fasterapi import App

app = App()

@app.get("/version")
def version():
    return VERSION

@app.get("/worker")
def worker():
    return [app.worker.index, app.worker.interpreter_id, os.getpid()]

@app.get("/later/{milliseconds}")
async def later(milliseconds: int):
    await asyncio.sleep(milliseconds / 1000)
    return VERSION
"""


def app_of(version: int) -> str:
    """The app's text, of another length for each version: byte code is looked up by time in seconds, and length."""
    return f"VERSION = {version}{' ' * version}\n{APP}"


def until(is_so: Callable[[], bool], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to be in time"
        time.sleep(0.02)


def ask(server: Server, target: str) -> object:
    with Wire(server) as wire:
        return wire.ask(target).json


def versions(server: Server) -> set[object]:
    """What new connections meet; workers of before may accept one at the very moment at which the new ones do."""
    return {ask(server, "/version") for _ in range(10)}


@dataclass
class Count:
    """What one client met: each request is answered, or lost."""

    answered: int = 0
    lost: int = 0
    refused: int = 0


class Clients:
    """Threads that send one request after the other over connections that they keep, until told to stop."""

    def __init__(self, server: Server, count: int = 8) -> None:
        self._server = server
        self._stop = threading.Event()
        self.counts = [Count() for _ in range(count)]
        self._pool = ThreadPoolExecutor(count)
        self._running = [self._pool.submit(self._run, each) for each in self.counts]

    def _run(self, count: Count) -> None:
        text = request("/version")
        while not self._stop.is_set():
            try:
                wire = Wire(self._server)
            except OSError:
                count.refused += 1
                continue
            with wire:
                self._use(wire, text, count)

    def _use(self, wire: Wire, text: bytes, count: Count) -> None:
        while not self._stop.is_set():
            try:
                wire.send(text)
                reply = wire.receive()
            except OSError:
                count.lost += 1
                return
            assert reply.status == 200
            count.answered += 1
            if (reply.header("connection") or "").lower() == "close":
                return

    @property
    def answered(self) -> int:
        return sum(each.answered for each in self.counts)

    def wait_for_answers(self, count: int) -> None:
        """Until so many more requests are answered."""
        wanted = self.answered + count
        until(lambda: self.answered >= wanted)

    def stop(self) -> Count:
        self._stop.set()
        for each in self._running:
            each.result(30)
        self._pool.shutdown()
        return Count(*(sum(getattr(each, name) for each in self.counts) for name in ("answered", "lost", "refused")))
