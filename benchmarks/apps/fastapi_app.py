"""The workloads in FastAPI."""

from __future__ import annotations

import asyncio
import os

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

TEXT = "x" * 10240

app = FastAPI()


class Item(BaseModel):
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
async def user(id: int, q: str | None = None) -> dict[str, int | str | None]:
    return {"id": id, "q": q}


@app.post("/item")
async def item(item: Item) -> Item:
    return item


@app.get("/text", response_class=PlainTextResponse)
async def text() -> str:
    return TEXT


@app.get("/worker")
async def worker() -> dict[str, str]:
    return {"worker": str(os.getpid())}
