"""Many keep-alive connections that have been answered once and now say nothing."""

from __future__ import annotations

import contextlib
import resource
import socket
from collections.abc import Iterator

__all__ = ["descriptors_available", "idle_connections", "open_connections", "raise_descriptor_limit"]

RESERVED = 200  # descriptors that this program and a server need for everything else


def raise_descriptor_limit() -> None:
    """Raises the soft limit of open descriptors to the hard one; servers started afterwards inherit it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def descriptors_available() -> int:
    """How many connections one process can hold under its limit."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] - RESERVED


@contextlib.contextmanager
def idle_connections(port: int, path: str, count: int) -> Iterator[list[socket.socket]]:
    """Opens `count` connections, has each answered one request for `path`, and closes them after the block.

    Raises OSError where the server refuses or ends one.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    connections: list[socket.socket] = []
    try:
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
            connections.append(connection)
            connection.sendall(request)
            if not connection.recv(65536).startswith(b"HTTP/1.1 200"):
                raise OSError("the server did not answer one of the connections with 200")
        yield connections
    finally:
        for connection in connections:
            connection.close()


def open_connections(connections: list[socket.socket]) -> int:
    """How many of them the server still holds open."""
    return sum(map(is_open, connections))


def is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        while connection.recv(65536):  # what was left of the answer
            continue
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
