"""The configured bounds of heads and bodies: what is within them is served, what is past them refused at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.h1_requests import APP
from tests.conformance.raw_client import Connection
from tests.e2e.serving import Server

BODY_MAX_BYTES = 18 << 20
LIMITS = {
    "FASTERAPI_REQUEST_LINE_MAX_BYTES": "64",
    "FASTERAPI_HEADER_MAX_BYTES": "256",
    "FASTERAPI_HEADER_MAX_COUNT": "5",
    "FASTERAPI_BODY_MAX_BYTES": str(BODY_MAX_BYTES),
}
CHUNKED = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def limited_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("limits")
    app = folder / "app.py"
    app.write_text(APP)
    with Server(app, "--workers", "1", cwd=folder, env=LIMITS) as server:
        yield server.port


def status_of(port: int, data: bytes) -> int:
    """The status of the response to `data`, which need not be a whole request."""
    with Connection(port) as connection:
        connection.send(data)
        response = connection.read_response()
        assert response is not None
        return response.status


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /?" + b"a" * 47 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        (b"GET /?" + b"a" * 48 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET /?" + b"a" * 58, 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 240 + b"\r\n\r\n", 200),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 241 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 244, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\nC:\r\nD:\r\n\r\n", 200),
        (b"GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\nC:\r\nD:\r\nE", 431),
        (b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (BODY_MAX_BYTES + 1), 413),
        (CHUNKED + b"%x\r\n" % (BODY_MAX_BYTES + 1), 413),
        (CHUNKED + b"1\r\na\r\n%x\r\n" % BODY_MAX_BYTES, 413),
    ],
)
def test_head_and_announced_body(limited_port: int, data: bytes, status: int) -> None:
    assert status_of(limited_port, data) == status


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_of_exactly_the_bound(limited_port: int, framing: str) -> None:
    body = bytes(range(256)) * (BODY_MAX_BYTES // 256)
    with Connection(limited_port) as connection:
        if framing == "chunked":
            connection.send(CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        else:
            connection.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        response = connection.read_response()
        assert response is not None
        assert response.status == 200
        assert response.body == body
