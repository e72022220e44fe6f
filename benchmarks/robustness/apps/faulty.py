"""Handlers that note each request in a file before they do anything else, whatever becomes of them then."""

from __future__ import annotations

import asyncio
import os
import time

from fasterapi import App

DEADLINE_S = 0.3

app = App()
handled = os.open(os.environ["BENCH_HANDLED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def note(id: int) -> None:
    os.write(handled, id.to_bytes(8, "little"))


@app.get("/fast/{id}")
def fast(id: int) -> int:
    note(id)
    return id


@app.get("/later/{id}")
async def later(id: int) -> int:
    note(id)
    await asyncio.sleep((id % 32) / 1000)
    return id


@app.get("/wait/{id}", run="pool")
def wait(id: int) -> int:
    note(id)
    time.sleep((id % 32) / 1000)
    return id


@app.get("/stall/{id}", run="inline")
def stall(id: int) -> int:
    note(id)
    time.sleep(0.05 + (id % 8) / 40)
    return id


@app.get("/endless/{id}", run="inline", timeout=DEADLINE_S)
def endless(id: int) -> None:
    note(id)
    while True:
        pass


@app.get("/endless-later/{id}", timeout=DEADLINE_S)
async def endless_later(id: int) -> None:
    note(id)
    while True:
        await asyncio.sleep(0)


@app.get("/endless-pooled/{id}", run="pool", timeout=DEADLINE_S)
def endless_pooled(id: int) -> None:
    note(id)
    while True:
        pass


@app.get("/suspended/{id}", timeout=DEADLINE_S)
async def suspended(id: int) -> None:
    note(id)
    await asyncio.Event().wait()


@app.get("/raises/{id}")
def raises(id: int) -> None:
    note(id)
    raise RuntimeError(f"request {id} has no luck")


@app.get("/process")
async def process() -> int:
    return os.getpid()
