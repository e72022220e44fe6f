"""Holding the server's port, and what waits there to be accepted, while its workers come and go."""

from __future__ import annotations

import errno
import socket
from typing import Any, Self

__all__ = ["HeldPort", "PortError"]


class PortError(OSError):
    """The server cannot listen where it was told to; the message is for people."""


class HeldPort:
    """The sockets of one port (SO_REUSEPORT): one that never listens, and one for each worker's place.

    A worker listens on the socket of its place, which stays open here: connections that wait there to be accepted
    outlive the worker, and are accepted by the next one. `host` is numeric and `port` the real one, also where the port
    asked for was 0.
    """

    def __init__(self, holder: socket.socket) -> None:
        self._holder = holder
        self._places: list[socket.socket] = []
        self.host, self.port = holder.getsockname()[:2]

    @classmethod
    def take(cls, host: str, port: int) -> Self:
        """Hold `port` on `host`. Raises PortError where it is taken, not allowed, or the host is not this machine's."""
        family, address = _resolve(host, port)
        try:
            # SO_REUSEPORT would let two servers of one user share a port unawares, so ask without it first.
            if port != 0:
                with _bound(family, address, share=False):
                    pass
            return cls(_bound(family, address, share=True))
        except OSError as error:
            raise PortError(error.errno, _explain(error, host, port)) from error

    def open_places(self, count: int) -> list[int]:
        """The descriptors of `count` sockets, bound and not listening yet; open until the port is given up."""
        address = self._holder.getsockname()
        while len(self._places) < count:
            self._places.append(_bound(self._holder.family, address, share=True))
        return [place.fileno() for place in self._places]

    @property
    def url(self) -> str:
        """Where clients on this machine reach the server."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for sock in (*self._places, self._holder):
            sock.close()


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise PortError(errno.EADDRNOTAVAIL, f"cannot listen on {host!r}: {error}") from error
    family, _, _, _, address = found[0]
    return family, address


def _bound(family: socket.AddressFamily, address: tuple[Any, ...], *, share: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _explain(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is already in use; choose another with --port"
    if error.errno == errno.EACCES:
        return f"port {port} needs privileges that this process does not have; choose one above 1023 with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine; choose another with --host"
    return f"cannot listen on {host} port {port}: {error.strerror}"
