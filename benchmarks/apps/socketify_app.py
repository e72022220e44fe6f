"""The workloads in socketify: parameters by hand, an unvalidated echo of the JSON body."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from socketify import App

TEXT = "x" * 10240

app = App()


def answer(response: Any, value: object) -> None:
    response.write_header("content-type", "application/json")
    response.end(json.dumps(value))


def def_json(response: Any, request: Any) -> None:
    answer(response, {"message": "Hello, World!"})


async def async_json(response: Any, request: Any) -> None:
    answer(response, {"message": "Hello, World!"})


async def sleep_json(response: Any, request: Any) -> None:
    await asyncio.sleep(0)
    response.cork(lambda response: answer(response, {"message": "Hello, World!"}))


def user(response: Any, request: Any) -> None:
    answer(response, {"id": int(request.get_parameter(0)), "q": request.get_query("q")})


def item(response: Any, request: Any) -> None:
    received = bytearray()

    def take(response: Any, chunk: bytes | None, is_end: bool) -> None:
        received.extend(chunk or b"")
        if is_end:
            answer(response, json.loads(received))

    response.on_aborted(lambda response: None)
    response.on_data(take)


def text(response: Any, request: Any) -> None:
    response.write_header("content-type", "text/plain; charset=utf-8")
    response.end(TEXT)


app.get("/def-json", def_json)
app.get("/async-json", async_json)
app.get("/sleep-json", sleep_json)
app.get("/user/:id", user)
app.post("/item", item)
app.get("/text", text)
app.listen(int(sys.argv[1]))
app.run()
