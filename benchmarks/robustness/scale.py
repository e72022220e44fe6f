"""How much is measured: a glance, what fits into a working session, or all that was asked for."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SCALES", "Scale"]


@dataclass(frozen=True, slots=True)
class Scale:
    """One size of everything. Seconds are of one measured part of a round."""

    name: str
    rounds: int
    seconds: float
    endless_times: int  # handlers that never end, one after the other
    requests: int  # under which signals arrive
    crowd: int  # connections that are kept, or slow
    growth_requests: int  # until memory is read for the last time; the first time is after a tenth
    fault_seconds: float


SCALES = {
    scale.name: scale
    for scale in (
        Scale("quick", 1, 1.5, 4, 50_000, 1_000, 200_000, 10),
        Scale("session", 3, 3, 50, 1_000_000, 10_000, 2_000_000, 90),
        Scale("full", 5, 5, 1_000, 1_000_000, 10_000, 10_000_000, 600),
    )
}
