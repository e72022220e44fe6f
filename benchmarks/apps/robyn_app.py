"""The workloads in Robyn: parameters by hand, an unvalidated echo of the JSON body."""

from __future__ import annotations

import asyncio
import json
import os

from robyn import Request, Response, Robyn

TEXT = "x" * 10240

app = Robyn(__file__)


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


@app.get("/user/:id")
def user(request: Request) -> dict[str, object]:
    return {"id": int(request.path_params["id"]), "q": request.query_params.get("q", None)}


@app.post("/item")
def item(request: Request) -> dict[str, object]:
    value: dict[str, object] = json.loads(request.body)
    return value


@app.get("/text")
def text() -> Response:
    return Response(status_code=200, headers={"content-type": "text/plain; charset=utf-8"}, description=TEXT)


@app.get("/worker")
def worker() -> dict[str, str]:
    return {"worker": str(os.getpid())}


if __name__ == "__main__":
    app.start(host="127.0.0.1", port=int(os.environ["BENCH_PORT"]))
