"""Requests to test with, made without a server."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

import pytest

import fasterapi.requests


class FakeRequest:
    """The engine's part of a request, made from keyword arguments; the engine itself makes one only from the wire."""

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
        self.request_id = fields.get("request_id", "0123456789abcdef")
        self.traceparent = fields.get("traceparent")
        self._body = fields.get("body", b"")

    @property
    def client(self) -> tuple[str, int] | None:
        return self._client


@pytest.fixture(scope="session")
def make_request() -> Any:
    """Makes a `Request` of which only the given fields differ from a plain GET of /."""
    engine = ModuleType("fasterapi._engine")
    engine.Request = FakeRequest  # type: ignore[attr-defined]
    spec = spec_from_file_location("requests_over_a_fake", fasterapi.requests.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    real = fasterapi._engine, sys.modules["fasterapi._engine"]
    fasterapi._engine = sys.modules["fasterapi._engine"] = engine
    try:
        spec.loader.exec_module(module)
    finally:
        fasterapi._engine, sys.modules["fasterapi._engine"] = real
    return module.Request
