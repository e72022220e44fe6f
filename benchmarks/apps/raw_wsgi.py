"""The workloads as a bare WSGI application: no framework, no routing beyond a dictionary, no validation."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]

TEXT = b"x" * 10240


def def_json(environ: Environ) -> bytes:
    return json.dumps({"message": "Hello, World!"}).encode()


def item(environ: Environ) -> bytes:
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    return json.dumps(json.loads(body)).encode()


def text(environ: Environ) -> bytes:
    return TEXT


def worker(environ: Environ) -> bytes:
    return json.dumps({"worker": str(os.getpid())}).encode()


ROUTES: dict[str, Callable[[Environ], bytes]] = {
    "/def-json": def_json,
    "/item": item,
    "/text": text,
    "/worker": worker,
}


def app(environ: Environ, start_response: StartResponse) -> list[bytes]:
    path = environ["PATH_INFO"]
    body = ROUTES[path](environ)
    media = "text/plain; charset=utf-8" if path == "/text" else "application/json"
    start_response("200 OK", [("content-type", media), ("content-length", str(len(body)))])
    return [body]
