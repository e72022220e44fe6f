"""One request over a plain socket, and what came back: no client library that corrects either side."""

from __future__ import annotations

import http.client
from dataclasses import dataclass

from tests.e2e.differential.cases import Case

HOST = "app.example"
TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Answer:
    """A response; header names are lower-case, in the order they came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The values of a header, joined by commas; None where it is missing."""
        values = [value for key, value in self.headers if key == name]
        return ", ".join(values) if values else None

    def __str__(self) -> str:
        shown = " ".join(f"{name}: {value};" for name, value in self.headers if name not in ("date", "server"))
        body = self.body if len(self.body) <= 600 else self.body[:600] + b"..."
        return f"{self.status} {shown} {body!r}"


class Client:
    """Asks one server, on one connection for as long as the server keeps it."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)

    def ask(self, case: Case) -> Answer:
        try:
            return self._exchange(case)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # The server closed the idle connection after its last answer; on a new one the request must succeed.
            self._connection.close()
            return self._exchange(case)

    def close(self) -> None:
        self._connection.close()

    def _exchange(self, case: Case) -> Answer:
        connection = self._connection
        connection.putrequest(case.method, case.target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", HOST)
        for name, value in case.headers:
            connection.putheader(name, value.encode("latin-1"))
        if case.body is not None:
            connection.putheader("Content-Length", str(len(case.body)))
        connection.endheaders(case.body)
        response = connection.getresponse()
        headers = tuple((name.lower(), value) for name, value in response.getheaders())
        return Answer(response.status, headers, response.read())
