"""The workloads in FasterAPI."""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import dataclass

from cpu_work import cpu_work

from fasterapi import App, PlainTextResponse

TEXT = "x" * 10240

app = App()


@dataclass
class Item:
    name: str
    price: float
    in_stock: bool
    tags: list[str]


@app.get("/def-json")
def def_json() -> dict[str, str]:
    return {"message": "Hello, World!"}


@app.get("/async-json")
async def async_json() -> dict[str, str]:
    return {"message": "Hello, World!"}


@app.get("/sleep-json")
async def sleep_json() -> dict[str, str]:
    await asyncio.sleep(0)
    return {"message": "Hello, World!"}


@app.get("/user/{id}")
def user(id: int, q: str | None = None) -> dict[str, int | str | None]:
    return {"id": id, "q": q}


@app.post("/item")
def item(item: Item) -> Item:
    return item


@app.get("/text", response_class=PlainTextResponse)
def text() -> str:
    return TEXT


@app.get("/worker")
def worker() -> dict[str, str]:
    """Which worker answered: one thread per worker under `pinned`, one process per worker under `processes`."""
    return {"worker": f"{os.getpid()}-{threading.get_native_id()}"}


@app.get("/cpu")
def cpu() -> dict[str, int]:
    return cpu_work()
