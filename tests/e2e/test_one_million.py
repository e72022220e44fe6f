"""examples/one_million.py, with fewer events: what the workers count together is exact under every strategy."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.e2e.serving import Server
from tests.e2e.wire import Wire, request

EVENTS, CONNECTIONS, USERS, VALUES = 20_000, 100, 7_500, 1_000

_EXAMPLE = Path(__file__).parents[2] / "examples" / "one_million.py"


def event(number: int) -> bytes:
    body = json.dumps({"userId": f"user_{number % USERS}", "value": number % VALUES}).encode()
    return request("/event", "Content-Type: application/json", method="POST", body=body)


def send_share(server: Server, connection: int) -> int:
    """One connection's events, in pipelined batches; how many were answered well."""
    numbers = range(connection, EVENTS, CONNECTIONS)
    with Wire(server) as wire:
        answered = 0
        for start in range(0, len(numbers), 50):
            batch = numbers[start : start + 50]
            wire.send(b"".join(event(number) for number in batch))
            answered += sum(wire.receive("POST").status == 200 for _ in batch)
        return answered


def test_every_event_counts_once(strategy: str) -> None:
    with Server(_EXAMPLE, "--strategy", strategy, "--workers", "2") as server:
        with ThreadPoolExecutor(10) as pool:
            answered = pool.map(lambda connection: send_share(server, connection), range(CONNECTIONS))
            assert sum(answered) == EVENTS
        with Wire(server) as wire:
            stats = wire.ask("/stats").json
    total = sum(number % VALUES for number in range(EVENTS))
    assert stats == {"totalRequests": EVENTS, "uniqueUsers": USERS, "sum": total, "average": total / EVENTS}
