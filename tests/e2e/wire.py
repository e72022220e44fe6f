"""A client that sends the bytes it is told to and reads what comes back, nothing more."""

from __future__ import annotations

import json
import socket
import struct
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.e2e.serving import Server

__all__ = ["Reply", "Wire", "request"]

TIMEOUT_S = 20.0
_BODILESS = (204, 304)


@dataclass(frozen=True)
class Reply:
    """One response; header names are lower-case."""

    version: str
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


def request(
    target: str = "/", *headers: str, method: str = "GET", body: bytes | None = None, version: str = "1.1"
) -> bytes:
    """The bytes of a request; `headers` are whole lines."""
    lines = [f"{method} {target} HTTP/{version}", "Host: app.example", *headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


class Wire:
    """One connection. Every read has a bound and fails after it."""

    def __init__(self, server: Server, timeout_s: float = TIMEOUT_S, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout_s)
        self.socket.connect(("127.0.0.1", server.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.socket.close()

    def end_with_reset(self) -> None:
        """Let the connection end with a reset when it is closed."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def send(self, *parts: bytes) -> None:
        """Send each part on its own."""
        for part in parts:
            self.socket.sendall(part)

    def ask(self, *args: Any, **options: Any) -> Reply:
        """Send one request and read its answer."""
        self.send(request(*args, **options))
        return self.receive(options.get("method", "GET"))

    def receive(self, method: str = "GET") -> Reply:
        """The final response to a request of that method."""
        while (reply := self.receive_any(method)).status < 200:
            continue
        return reply

    def receive_any(self, method: str = "GET") -> Reply:
        """The next response, also an interim one."""
        head = self._until(b"\r\n\r\n").decode("latin-1")
        status_line, *lines = head.split("\r\n")[:-2]
        version, status, reason = status_line.split(" ", 2)
        headers = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
        reply = Reply(version, int(status), reason, headers, b"")
        bodiless = method == "HEAD" or reply.status < 200 or reply.status in _BODILESS
        return reply if bodiless else Reply(version, int(status), reason, headers, self._body(reply))

    def at_end(self) -> bool:
        """Whether the server closes the connection, in time, without saying anything more."""
        try:
            return self._received == b"" and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def seconds_until_cut_off(self, trickle: bytes, within_s: float, *, reading: bool = True) -> float:
        """How long the server bears a client that sends `trickle` twenty times a second; fails after `within_s`."""
        started = time.monotonic()
        self.socket.settimeout(0.05)
        while (passed := time.monotonic() - started) < within_s:
            try:
                self.socket.sendall(trickle)
                if not reading:
                    time.sleep(0.05)
                elif self.socket.recv(1 << 16) == b"":
                    return passed
            except TimeoutError:
                continue
            except OSError:
                return passed
        raise AssertionError(f"still connected after {within_s} s")

    def _body(self, reply: Reply) -> bytes:
        if reply.header("transfer-encoding") == "chunked":
            body = b""
            while size := int(self._until(b"\r\n"), 16):
                body += self._exactly(size)
                assert self._exactly(2) == b"\r\n"
            assert self._until(b"\r\n") == b"\r\n"
            return body
        length = reply.header("content-length")
        if length is not None:
            return self._exactly(int(length))
        return self._rest()

    def _until(self, end: bytes) -> bytes:
        while end not in self._received:
            self._more()
        found, _, rest = self._received.partition(end)
        self._received = rest
        return found + end

    def _exactly(self, size: int) -> bytes:
        parts, have = [self._received], len(self._received)
        while have < size:
            part = self.socket.recv(1 << 16)
            if not part:
                raise ConnectionError(f"closed after {have} of {size} bytes")
            parts.append(part)
            have += len(part)
        joined = b"".join(parts)
        self._received = joined[size:]
        return joined[:size]

    def _rest(self) -> bytes:
        parts = [self._received]
        while part := self.socket.recv(1 << 16):
            parts.append(part)
        self._received = b""
        return b"".join(parts)

    def _more(self) -> None:
        part = self.socket.recv(1 << 16)
        if not part:
            raise ConnectionError(f"closed after {self._received!r}")
        self._received += part
