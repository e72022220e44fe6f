"""What two other HTTP/1.1 parsers, h11 and httptools (llhttp), make of the bytes of one request."""

from __future__ import annotations

from dataclasses import dataclass, field

import h11
import httptools

__all__ = ["Outcome", "parse_with_h11", "parse_with_httptools"]


@dataclass(slots=True)
class Outcome:
    """What a parser made of a request: `complete`, `more` (bytes wanted) or `error`."""

    kind: str = "more"
    method: bytes = b""
    target: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)  # names in lower case
    body: bytes = b""
    consumed: int | None = None  # None: the parser does not tell
    upgrade: bool = False  # the parser stopped after the head
    reason: str = ""


def parse_with_h11(data: bytes) -> Outcome:
    """Reads the first request of `data` with h11, in the part of a server."""
    outcome = Outcome()
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(data)
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                outcome.method, outcome.target = event.method, event.target
                outcome.headers = [(bytes(name), bytes(value)) for name, value in event.headers]
            elif isinstance(event, h11.Data):
                outcome.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                outcome.kind = "complete"
                outcome.consumed = len(data) - len(connection.trailing_data[0])
                return outcome
            elif event is h11.PAUSED:  # after the head of CONNECT or Upgrade
                outcome.kind, outcome.upgrade = "complete", True
                return outcome
            else:
                return outcome
    except h11.RemoteProtocolError as error:
        return Outcome("error", reason=str(error))


class Recorder:
    """httptools' callbacks: keeps the first message."""

    def __init__(self) -> None:
        self.outcome = Outcome()
        self.in_head = True  # trailers come through on_header too
        self.parser = httptools.HttpRequestParser(self)

    def on_url(self, url: bytes) -> None:
        if self.outcome.kind != "complete":
            self.outcome.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_head:
            self.outcome.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.in_head = False
        if self.outcome.kind != "complete":
            self.outcome.method = self.parser.get_method()

    def on_body(self, body: bytes) -> None:
        if self.outcome.kind != "complete":
            self.outcome.body += body

    def on_message_complete(self) -> None:
        self.outcome.kind = "complete"


def parse_with_httptools(data: bytes) -> Outcome:
    """Reads the first request of `data` with httptools. An error after it is not looked at."""
    recorder = Recorder()
    try:
        recorder.parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        recorder.outcome.kind, recorder.outcome.upgrade = "complete", True
    except httptools.HttpParserError as error:
        if recorder.outcome.kind != "complete":
            return Outcome("error", reason=str(error))
    return recorder.outcome
