"""The workloads in BlackSheep: typed path and query parameters, an unvalidated echo of the JSON body."""

from __future__ import annotations

import asyncio
import os

from blacksheep import Application, Request, Response, json, text

TEXT = "x" * 10240

app = Application()


@app.router.get("/def-json")
def def_json() -> Response:
    return json({"message": "Hello, World!"})


@app.router.get("/async-json")
async def async_json() -> Response:
    return json({"message": "Hello, World!"})


@app.router.get("/sleep-json")
async def sleep_json() -> Response:
    await asyncio.sleep(0)
    return json({"message": "Hello, World!"})


@app.router.get("/user/{id}")
async def user(id: int, q: str | None = None) -> Response:
    return json({"id": id, "q": q})


@app.router.post("/item")
async def item(request: Request) -> Response:
    return json(await request.json())


@app.router.get("/text")
async def plain() -> Response:
    return text(TEXT)


@app.router.get("/worker")
async def worker() -> Response:
    return json({"worker": str(os.getpid())})
