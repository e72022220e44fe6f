"""Every raw request of the table, whole and split in two at every byte."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import batched

import pytest

from tests.conformance.h1_requests import CASES, Case
from tests.conformance.raw_client import Connection

SPLITS_MAX = 400
"""Longer requests are split at as many places, evenly."""

CONNECTIONS_AT_ONCE = 50

LAST_REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def check(connection: Connection, case: Case) -> None:
    """Reads what a case must be answered, and that nothing else comes."""
    responses = []
    for index in range(len(case.statuses)):
        response = connection.read_response(to_head=case.head_first and index == 0)
        assert response is not None, f"closed after {index} of {len(case.statuses)} responses"
        responses.append(response)
    assert tuple(response.status for response in responses) == case.statuses
    if case.bodies is not None:
        assert tuple(response.body for response in responses) == case.bodies
    for response in responses:
        assert "date" in response.fields
    said_close = bool(responses) and responses[-1].fields.get("connection") == "close"
    if not case.closes and not (case.may_close and said_close):
        connection.send(LAST_REQUEST)
        last = connection.read_response()
        assert last is not None, "closed although the connection persists"
        assert (last.status, last.body) == (200, b'{"ok":true}')
    elif responses and not case.half_closes:
        assert said_close
    assert connection.read_end() == b""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_whole(port: int, case: Case) -> None:
    with Connection(port) as connection:
        connection.send(case.data)
        if case.half_closes:
            connection.end()
        check(connection, case)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_split(port: int, case: Case) -> None:
    step = 1 + len(case.data) // SPLITS_MAX
    # The first pieces go out on many connections before the second ones: the server has read the first meanwhile.
    for cuts in batched(range(1, len(case.data), step), CONNECTIONS_AT_ONCE):
        with ExitStack() as stack:
            connections = [stack.enter_context(Connection(port)) for _ in cuts]
            for connection, cut in zip(connections, cuts, strict=True):
                connection.send(case.data[:cut])
            for connection, cut in zip(connections, cuts, strict=True):
                connection.send(case.data[cut:])
                if case.half_closes:
                    connection.end()
            for connection in connections:
                check(connection, case)
