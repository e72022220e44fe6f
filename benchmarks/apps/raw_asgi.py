"""The workloads as a bare ASGI application: no framework, no routing beyond a dictionary, no validation."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Answer = Callable[[Receive], Awaitable[bytes]]

TEXT = b"x" * 10240
JSON_HEADERS = [(b"content-type", b"application/json")]
TEXT_HEADERS = [(b"content-type", b"text/plain; charset=utf-8")]


async def async_json(receive: Receive) -> bytes:
    return json.dumps({"message": "Hello, World!"}).encode()


async def sleep_json(receive: Receive) -> bytes:
    await asyncio.sleep(0)
    return json.dumps({"message": "Hello, World!"}).encode()


async def item(receive: Receive) -> bytes:
    message = await receive()
    body = bytes(message["body"])  # a memoryview in fastpysgi
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    return json.dumps(json.loads(body)).encode()


async def text(receive: Receive) -> bytes:
    return TEXT


async def worker(receive: Receive) -> bytes:
    return json.dumps({"worker": str(os.getpid())}).encode()


ROUTES: dict[str, Answer] = {
    "/async-json": async_json,
    "/sleep-json": sleep_json,
    "/item": item,
    "/text": text,
    "/worker": worker,
}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        raise RuntimeError("only http is served")
    path = scope["path"]
    body = await ROUTES[path](receive)
    headers = TEXT_HEADERS if path == "/text" else JSON_HEADERS
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
