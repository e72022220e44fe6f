"""What the clients and the handlers have noted of each request, and whether both agree."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Accounts", "settle"]

# What became of a request for its client, beside statuses: see load/traffic.h.
LOST, ABANDONED, HUNG, WRONG = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class Accounts:
    """How often each thing happened. Only the first block may be other than nothing."""

    sent: int
    answered: int
    closed: int  # without an answer
    abandoned: int  # by the client

    hung: int  # neither answered nor closed
    wrong: int  # answered as another, or not as HTTP
    twice_told: int  # of which a client has two ends
    twice_handled: int
    unhandled: int  # answered 200, and no handler has seen it
    turned_away: int  # answered 503, and handled all the same
    unknown: int  # handled, and no client has sent it

    @property
    def faults(self) -> int:
        return (
            self.hung
            + self.wrong
            + self.twice_told
            + self.twice_handled
            + self.unhandled
            + self.turned_away
            + self.unknown
        )


def numbers(path: Path) -> array[int]:
    found = array("Q")
    data = path.read_bytes() if path.exists() else b""
    found.frombytes(data[: len(data) // 8 * 8])
    return found


def settle(outcomes: Iterable[Path], handled: Path) -> Accounts:
    """`outcomes` are what clients wrote, `handled` is what all handlers wrote together."""
    ends: dict[int, int] = {}
    twice_told = 0
    for path in outcomes:
        told = numbers(path)
        for id, became in zip(told[::2], told[1::2], strict=True):
            twice_told += id in ends
            ends[id] = became
    times = Counter(numbers(handled))
    kinds = Counter(ends.values())
    return Accounts(
        sent=len(ends),
        answered=sum(count for became, count in kinds.items() if became >= 200),
        closed=kinds[LOST],
        abandoned=kinds[ABANDONED],
        hung=kinds[HUNG],
        wrong=kinds[WRONG],
        twice_told=twice_told,
        twice_handled=sum(count > 1 for count in times.values()),
        unhandled=sum(became == 200 and id not in times for id, became in ends.items()),
        turned_away=sum(became == 503 and id in times for id, became in ends.items()),
        unknown=sum(id not in ends for id in times),
    )
