"""From raw runs to the figures that are shown: medians over the rounds, ratios within a round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

__all__ = ["DISTURBED_SHARE", "Figure", "Run", "Summary", "cpu_used_ns", "figure_of", "summarize"]

DISTURBED_SHARE = 0.10  # of the server's core, taken by others while it was measured


@dataclass(frozen=True, slots=True)
class Run:
    """One server under one workload, once. CPU time is of all the server's processes, user and system."""

    round: int
    workload: str
    server: str
    requests: int
    seconds: float
    cpu_ns: int
    p50_us: int
    p99_us: int
    errors: int
    foreign_share: float  # of the server's core: what other processes took of it
    steal_share: float  # of the server's core: what the hypervisor gave to others
    limit_cpu_us: float | None  # the limit's CPU time per request in its run next to this one

    @property
    def cpu_us(self) -> float:
        """CPU time per request."""
        return self.cpu_ns / 1e3 / self.requests

    @property
    def requests_per_s(self) -> float:
        return self.requests / self.seconds

    @property
    def ratio(self) -> float | None:
        """The limit's CPU time per request over this server's: 1 is the limit itself, more is better."""
        return None if self.limit_cpu_us is None else self.limit_cpu_us / self.cpu_us

    @property
    def disturbed(self) -> bool:
        return self.foreign_share + self.steal_share > DISTURBED_SHARE


@dataclass(frozen=True, slots=True)
class Figure:
    """A median with the least and the greatest value that it stands for."""

    median: float
    least: float
    greatest: float


@dataclass(frozen=True, slots=True)
class Summary:
    """One server under one workload over all rounds."""

    workload: str
    server: str
    rounds: int
    disturbed: int  # rounds in which others took more than DISTURBED_SHARE of the server's core
    errors: int
    cpu_us: Figure
    ratio: Figure | None
    requests_per_s: Figure
    p50_us: Figure
    p99_us: Figure

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def cpu_used_ns(before: dict[int, int], after: dict[int, int]) -> int:
    """CPU time between two readings by process id; a process that is only in `after` counts whole.

    Raises ValueError where one has ended in between, since its time can no longer be read.
    """
    ended = before.keys() - after.keys()
    if ended:
        raise ValueError(f"{len(ended)} of its processes ended while it was measured")
    return sum(time - before.get(pid, 0) for pid, time in after.items())


def figure_of(values: Sequence[float]) -> Figure:
    """Raises ValueError for no values."""
    if not values:
        raise ValueError("no values")
    return Figure(round(median(values), 4), round(min(values), 4), round(max(values), 4))


def summarize(runs: Sequence[Run]) -> list[Summary]:
    """One summary per workload and server, workloads and servers in the order in which they first ran."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.workload, run.server), []).append(run)
    return [summarize_group(group) for group in groups.values()]


def summarize_group(runs: Sequence[Run]) -> Summary:
    ratios = [run.ratio for run in runs if run.ratio is not None]
    return Summary(
        workload=runs[0].workload,
        server=runs[0].server,
        rounds=len(runs),
        disturbed=sum(run.disturbed for run in runs),
        errors=sum(run.errors for run in runs),
        cpu_us=figure_of([run.cpu_us for run in runs]),
        ratio=figure_of(ratios) if ratios else None,
        requests_per_s=figure_of([run.requests_per_s for run in runs]),
        p50_us=figure_of([run.p50_us for run in runs]),
        p99_us=figure_of([run.p99_us for run in runs]),
    )
