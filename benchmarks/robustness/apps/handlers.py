"""Handlers that behave, and handlers that do not. Every answer to `{id}` is that id."""

from __future__ import annotations

import asyncio
import os
import re
import threading
import time

from fasterapi import App, Request
from fasterapi.responses import PlainTextResponse

DEADLINE_S = 0.5
LARGE = "x" * (128 * 1024)

app = App()


@app.get("/fast/{id}")
def fast(id: int) -> int:
    return id


@app.get("/fast")
def fast_without_id() -> str:
    return "fast"


@app.get("/sometimes/{id}")
def sometimes(id: int, pause_s: float = 0) -> int:
    """Fast, until it is asked to sleep."""
    if pause_s > 0:
        time.sleep(pause_s)
    return id


@app.get("/sometimes-spins/{id}")
def sometimes_spins(id: int, forever: bool = False) -> int:
    while forever:
        pass
    return id


@app.get("/endless/sync-inline", run="inline", timeout=DEADLINE_S)
def endless_inline() -> None:
    while True:
        pass


@app.get("/endless/sync-pool", run="pool", timeout=DEADLINE_S)
def endless_pooled() -> None:
    while True:
        pass


@app.get("/endless/async", timeout=DEADLINE_S)
async def endless_async() -> None:
    while True:
        pass


@app.get("/suspended", timeout=DEADLINE_S)
async def suspended() -> None:
    await asyncio.Event().wait()


@app.get("/stuck/regex", run="inline", timeout=DEADLINE_S)
def stuck_regex(size: int) -> bool:
    """Takes time that doubles with each character, inside C."""
    return re.match("(a+)+$", "a" * size + "b") is not None


@app.get("/stuck/power", run="pool", timeout=DEADLINE_S)
def stuck_power(size: int) -> int:
    power: int = 3**size
    return power.bit_length()


@app.get("/wait/{id}", run="pool")
def wait(id: int, pause_s: float = 0.01) -> int:
    time.sleep(pause_s)
    return id


@app.get("/later/{id}")
async def later(id: int, pause_s: float = 0.001) -> int:
    await asyncio.sleep(pause_s)
    return id


@app.get("/large")
def large() -> PlainTextResponse:
    return PlainTextResponse(LARGE)


@app.post("/body")
async def body(request: Request) -> int:
    return len(await request.body())


@app.get("/who")
async def who() -> dict[str, int]:
    """Which worker this is: its loop's place."""
    worker = app.worker
    return {
        "process": os.getpid(),
        "thread": threading.get_native_id(),
        "interpreter": worker.interpreter_id,
        "index": worker.index,
    }
