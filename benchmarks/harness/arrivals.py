"""When the workers of a server are there: asks until as many different ones have answered."""

from __future__ import annotations

import json
import selectors
import socket
import time

__all__ = ["wait_for_workers"]

REQUEST = b"GET /worker HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
PAUSE_S = 0.01  # between two bursts: the asking must not take the cores that the workers start on


def wait_for_workers(port: int, workers: int, timeout_s: float) -> int:
    """Returns how many different workers answered `/worker`; fewer than `workers` once `timeout_s` has passed.

    It asks in bursts of one connection per worker and lets slow ones wait, so that a listener whose worker is not
    there yet keeps nobody else from answering.
    """
    deadline = time.monotonic() + timeout_s
    seen: set[str] = set()
    waiting: dict[socket.socket, bytes] = {}
    with selectors.DefaultSelector() as selector:
        try:
            while len(seen) < workers and time.monotonic() < deadline:
                if len(waiting) < 8 * workers:
                    for _ in range(workers):
                        ask(port, selector, waiting)
                pause_until = time.monotonic() + PAUSE_S
                while (left := pause_until - time.monotonic()) > 0:
                    for key, _ in selector.select(left):
                        assert isinstance(key.fileobj, socket.socket), "only sockets are registered"
                        hear(key.fileobj, selector, waiting, seen)
        finally:
            for connection in waiting:
                connection.close()
    return len(seen)


def ask(port: int, selector: selectors.BaseSelector, waiting: dict[socket.socket, bytes]) -> None:
    """Sends one request on a connection of its own; none where nothing listens yet."""
    connection = socket.socket()
    try:
        connection.connect(("127.0.0.1", port))
        connection.sendall(REQUEST)
        connection.setblocking(False)
    except OSError:
        connection.close()
        return
    waiting[connection] = b""
    selector.register(connection, selectors.EVENT_READ)


def hear(
    connection: socket.socket, selector: selectors.BaseSelector, waiting: dict[socket.socket, bytes], seen: set[str]
) -> None:
    """Takes what has arrived; the answer is whole when the server closes or its JSON object does."""
    try:
        data = connection.recv(65536)
    except BlockingIOError:
        return
    except OSError:
        data = b""
    waiting[connection] += data
    body = waiting[connection].partition(b"\r\n\r\n")[2]
    whole = body.rstrip().endswith(b"}")
    if data and not whole:
        return
    if whole:
        seen.add(str(json.loads(body)["worker"]))
    selector.unregister(connection)
    del waiting[connection]
    connection.close()
