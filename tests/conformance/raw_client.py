"""A client that sends any bytes, and reads responses strictly."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

__all__ = ["Connection", "MalformedResponse", "Response"]

TIMEOUT_S = 20.0

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-9][0-9]{2}) [\t\x20-\x7e\x80-\xff]*")
FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): *([\t\x20-\x7e\x80-\xff]*)")


class MalformedResponse(Exception):
    """What came back is not HTTP/1.1."""


@dataclass(slots=True)
class Response:
    """One final response."""

    status: int
    fields: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Connection:
    """One connection to 127.0.0.1. Every wait is bounded by TIMEOUT_S."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Sends all of it; a server that has closed already is not an error: its answer tells why."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(data)

    def end(self) -> None:
        """Ends the client's direction."""
        with suppress(OSError):  # the server has closed: ENOTCONN
            self._socket.shutdown(socket.SHUT_WR)

    def read_response(self, *, to_head: bool = False) -> Response | None:
        """The next final response; None when the server closes in place of one. Interim responses are passed over."""
        while True:
            head = self._read_through(b"\r\n\r\n")
            if head is None:
                return None
            response = parse_head(head)
            if response.status >= 200:
                break
        if not to_head and response.status not in (204, 304):
            response.body = self._read_body(response)
        return response

    def read_end(self) -> bytes:
        """Everything up to the end of the connection."""
        while self._receive():
            pass
        rest, self._received = self._received, b""
        return rest

    def _read_body(self, response: Response) -> bytes:
        if response.fields.get("transfer-encoding") == "chunked":
            return self._read_chunks()
        length = response.fields.get("content-length")
        if length is None:
            return self.read_end()
        if not length.isdigit():
            raise MalformedResponse(f"content-length: {length}")
        return self._read_exactly(int(length))

    def _read_chunks(self) -> bytes:
        body = b""
        while True:
            line = self._read_through(b"\r\n")
            if line is None or not re.fullmatch(rb"[0-9a-fA-F]{1,16}\r\n", line):
                raise MalformedResponse(f"chunk size {line!r}")
            size = int(line, 16)
            body += self._read_exactly(size)
            if self._read_exactly(2) != b"\r\n":
                raise MalformedResponse("no line end after a chunk")
            if size == 0:
                return body

    def _read_through(self, end: bytes) -> bytes | None:
        while end not in self._received:
            if not self._receive():
                if self._received:
                    raise MalformedResponse(f"cut short: {self._received!r}")
                return None
        at = self._received.index(end) + len(end)
        taken, self._received = self._received[:at], self._received[at:]
        return taken

    def _read_exactly(self, count: int) -> bytes:
        while len(self._received) < count:
            if not self._receive():
                raise MalformedResponse(f"cut short: {count} bytes expected, not {self._received!r}")
        taken, self._received = self._received[:count], self._received[count:]
        return taken

    def _receive(self) -> bool:
        if self._ended:
            return False
        try:
            data = self._socket.recv(65536)
        except ConnectionResetError:  # the server closed while bytes of ours were under way
            data = b""
        self._received += data
        self._ended = not data
        return not self._ended


def parse_head(head: bytes) -> Response:
    """Reads a status line and fields, by the grammar alone."""
    first, *lines = head[: -len(b"\r\n\r\n")].split(b"\r\n")
    status = STATUS_LINE.fullmatch(first)
    if status is None:
        raise MalformedResponse(f"status line {first!r}")
    response = Response(int(status[1]))
    for line in lines:
        match = FIELD_LINE.fullmatch(line)
        if match is None:
            raise MalformedResponse(f"field line {line!r}")
        name = match[1].decode().lower()
        if name in ("content-length", "transfer-encoding", "date", "connection") and name in response.fields:
            raise MalformedResponse(f"{name} is given twice")
        response.fields[name] = match[2].decode("latin-1")
    if "content-length" in response.fields and "transfer-encoding" in response.fields:
        raise MalformedResponse("two framings")
    return response
