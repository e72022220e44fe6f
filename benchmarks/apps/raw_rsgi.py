"""The workloads as a bare RSGI application: no framework, no routing beyond a dictionary, no validation."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

Answer = Callable[[Any], Awaitable[bytes]]

TEXT = b"x" * 10240
JSON_HEADERS = [("content-type", "application/json")]
TEXT_HEADERS = [("content-type", "text/plain; charset=utf-8")]


async def async_json(protocol: Any) -> bytes:
    return json.dumps({"message": "Hello, World!"}).encode()


async def sleep_json(protocol: Any) -> bytes:
    await asyncio.sleep(0)
    return json.dumps({"message": "Hello, World!"}).encode()


async def item(protocol: Any) -> bytes:
    return json.dumps(json.loads(await protocol())).encode()


async def text(protocol: Any) -> bytes:
    return TEXT


async def worker(protocol: Any) -> bytes:
    return json.dumps({"worker": str(os.getpid())}).encode()


ROUTES: dict[str, Answer] = {
    "/async-json": async_json,
    "/sleep-json": sleep_json,
    "/item": item,
    "/text": text,
    "/worker": worker,
}


async def app(scope: Any, protocol: Any) -> None:
    path = scope.path
    body = await ROUTES[path](protocol)
    protocol.response_bytes(200, TEXT_HEADERS if path == "/text" else JSON_HEADERS, body)
