"""No request that hides in another one's body is answered, unless the framing leaves no doubt that it is its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import batched

from tests.conformance.raw_client import Connection, MalformedResponse
from tests.conformance.smuggling import Attempt, attempts

ATTEMPTS_MIN = 1_768
CONNECTIONS_AT_ONCE = 50
REFUSALS = (400, 501)


def finding(connection: Connection, attempt: Attempt) -> str | None:
    """What is wrong with what comes back; None when nothing is."""
    responses = []
    while (response := connection.read_response()) is not None:
        responses.append(response)
    if not responses:
        return "no answer"
    poison_answers = sum(response.body == b'{"poison":true}' for response in responses)
    if poison_answers != attempt.poison_answers:
        return f"the hidden request was answered {poison_answers} times, not {attempt.poison_answers}"
    first = responses[0]
    if attempt.echo is None:
        if first.status not in REFUSALS or len(responses) > 1:
            return f"answered {[response.status for response in responses]}, not refused"
    elif (first.status, first.body) != (200, attempt.echo):
        return f"answered {first.status} {first.body!r}, not {attempt.echo!r}"
    return None


def findings(port: int, batch: Sequence[Attempt]) -> list[str]:
    found = []
    with ExitStack() as stack:
        connections = [stack.enter_context(Connection(port)) for _ in batch]
        for connection, attempt in zip(connections, batch, strict=True):
            connection.send(attempt.data)
            connection.end()
        for connection, attempt in zip(connections, batch, strict=True):
            try:
                what = finding(connection, attempt)
            except MalformedResponse as error:
                what = f"answered no HTTP: {error}"
            if what is not None:
                found.append(f"{what}: {attempt.data!r}")
    return found


def test_nothing_is_smuggled(port: int) -> None:
    distinct = {attempt.data: attempt for attempt in attempts()}
    assert len(distinct) >= ATTEMPTS_MIN
    found = [what for batch in batched(distinct.values(), CONNECTIONS_AT_ONCE) for what in findings(port, batch)]
    assert not found, f"{len(found)} of {len(distinct)}:\n" + "\n".join(found[:20])
