"""Stands in for the engine where the built one is absent or has no requests yet, and makes requests to test with."""

from __future__ import annotations

import json
import sys
from types import ModuleType
from typing import Any

import pytest

import fasterapi


class FakeRequest:
    """The engine's part of a request, made from keyword arguments."""

    def __init__(self, **fields: Any) -> None:
        self.method = fields.get("method", "GET")
        self.path = fields.get("path", "/")
        self.raw_path = self.path.encode()
        self.query_string = fields.get("query_string", b"")
        self.http_version = "1.1"
        self.scheme = fields.get("scheme", "http")
        self.server = fields.get("server", ("127.0.0.1", 8000))
        self._client = fields.get("client", ("127.0.0.1", 40000))
        self.path_params = fields.get("path_params", {})
        self.raw_headers = fields.get("raw_headers", [(b"host", b"example.com")])
        self._body = fields.get("body", b"")

    @property
    def client(self) -> tuple[str, int] | None:
        return self._client


class FakeRoutes:
    def add(self, **route: Any) -> None:
        if "{}" in route["path"]:
            raise ValueError("a path parameter has no name")


def _encode_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


STAND_INS = {"Request": FakeRequest, "Routes": FakeRoutes, "Plan": lambda spec: spec, "encode_json": _encode_json}

try:
    from fasterapi import _engine as engine
except ImportError:
    engine = ModuleType("fasterapi._engine")
    sys.modules["fasterapi._engine"] = fasterapi._engine = engine  # type: ignore[attr-defined]

for name, stand_in in STAND_INS.items():
    if not hasattr(engine, name):
        setattr(engine, name, stand_in)


@pytest.fixture
def make_request() -> Any:
    """Makes a `Request` of which only the given fields differ from a plain GET of /."""
    from fasterapi.requests import Request

    return Request
