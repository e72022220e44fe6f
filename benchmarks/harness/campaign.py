"""The order in which servers are measured, and one measurement."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from benchmarks.harness.figures import Run, cpu_used_ns
from benchmarks.harness.load import Load, LoadFailed, run_load
from benchmarks.harness.process import ServerFailed, ServerProcess
from benchmarks.harness.procfs import core_time
from benchmarks.harness.server import Server
from benchmarks.harness.workload import Workload

__all__ = ["Campaign", "NotMeasured", "Settings", "Step", "condense", "interleave"]

LIMIT = "limit"
OURS = "ours"
ERRORS_SHARE_MAX = 0.001


@dataclass(frozen=True, slots=True)
class Settings:
    rounds: int = 5
    seconds: int = 3  # of every measured run
    warm_up_s: int = 1  # of load before it; none for the limit, which has nothing to warm
    connections: int = 64
    server_core: int = 1
    load_core: int = 0
    limit_age_s: float = 10.0  # the limit is measured again once its last figure is older than this


@dataclass(frozen=True, slots=True)
class Step:
    """One measurement to make."""

    round: int
    workload: Workload
    server: Server


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """A server that is shown without figures, and why. `workload` is "" where it holds for all of them."""

    server: str
    workload: str
    reason: str


def interleave(servers: list[Server], workloads: list[Workload], rounds: int) -> list[Step]:
    """Round-robin over the servers, so that a slow moment of the machine meets each of them alike.

    Each round starts with another server, so that none always runs behind the same neighbour. The limit is not
    among the steps: Campaign measures it beside them.
    """
    steps = []
    for number in range(1, rounds + 1):
        for workload in workloads:
            able = [server for server in servers if workload.name in server.workloads and server.name != LIMIT]
            turn = (number - 1) % len(able) if able else 0
            steps += [Step(number, workload, server) for server in able[turn:] + able[:turn]]
    return steps


def condense(refusals: list[NotMeasured], servers: dict[str, Server]) -> list[NotMeasured]:
    """The same list, with one entry for a server that failed at several workloads for one reason."""
    groups: dict[tuple[str, str], list[str]] = {}
    for refusal in refusals:
        groups.setdefault((refusal.server, refusal.reason), []).append(refusal.workload)
    condensed = []
    for (server, reason), workloads in groups.items():
        whole = "" in workloads or set(workloads) == set(servers[server].workloads)
        condensed.append(NotMeasured(server, "" if whole else ", ".join(workloads), reason))
    return condensed


@dataclass(slots=True)
class Campaign:
    """Measures step after step; owned by one thread."""

    settings: Settings
    limit: Server | None
    runs: list[Run] = field(default_factory=list)
    not_measured: list[NotMeasured] = field(default_factory=list)
    _limit_run: Run | None = None
    _limit_at_s: float = 0.0

    def measure_all(self, steps: list[Step]) -> Iterator[tuple[Step, Run | NotMeasured]]:
        """Yields each step with its outcome; both are also kept in `runs` and `not_measured`."""
        given_up: set[tuple[str, str]] = set()
        for step in steps:
            key = (step.server.name, step.workload.name)
            if key in given_up:
                continue
            outcome = self.measure(step)
            if isinstance(outcome, NotMeasured):
                given_up.add(key)
            yield step, outcome

    def measure(self, step: Step) -> Run | NotMeasured:
        try:
            limit_run = self.fresh_limit(step) if self.limit else None
            run = self.run_once(step)
        except (ServerFailed, LoadFailed, ValueError) as error:
            refusal = NotMeasured(step.server.name, step.workload.name, str(error))
            self.not_measured.append(refusal)
            return refusal
        run = replace(run, limit_cpu_us=limit_run.cpu_us if limit_run else None)
        self.runs.append(run)
        return run

    def fresh_limit(self, step: Step) -> Run:
        """The limit's run that `step` is compared with: made just before ours, at most limit_age_s before a peer's."""
        assert self.limit is not None, "there is no limit to measure"
        last = self._limit_run
        same = last is not None and (last.workload, last.round) == (step.workload.name, step.round)
        old = time.monotonic() - self._limit_at_s > self.settings.limit_age_s
        if last is None or not same or old or step.server.name == OURS:
            last = self.run_once(Step(step.round, step.workload, self.limit))
            self.runs.append(last)
            self._limit_run = last
            self._limit_at_s = time.monotonic()
        return last

    def run_once(self, step: Step) -> Run:
        """Starts the server, checks its answer, warms it, measures it, ends it."""
        settings, workload, server = self.settings, step.workload, step.server
        is_limit = server.name == LIMIT
        with ServerProcess(server, cores=(settings.server_core,), workload=workload) as process:
            process.wait_ready()
            process.check(workload, workload.limit_answer if is_limit else workload.answer)
            if settings.warm_up_s and not is_limit:
                self.load(process, workload, settings.warm_up_s)
            core_before, before = core_time(settings.server_core), process.cpu_times_ns()
            started = time.monotonic()
            load = self.load(process, workload, settings.seconds)
            wall_s = time.monotonic() - started
            process.check_alive()
            after, core_after = process.cpu_times_ns(), core_time(settings.server_core)
        if load.errors > load.requests * ERRORS_SHARE_MAX:
            raise ServerFailed(f"{load.errors} of {load.requests} requests failed under load")
        if not load.requests:
            raise ServerFailed("no request was answered under load")
        used_ns = cpu_used_ns(before, after)
        busy_s = core_after.busy_s - core_before.busy_s
        return Run(
            round=step.round,
            workload=workload.name,
            server=server.name,
            requests=load.requests,
            seconds=load.seconds,
            cpu_ns=used_ns,
            p50_us=load.p50_us,
            p99_us=load.p99_us,
            errors=load.errors,
            foreign_share=round(max(0.0, busy_s - used_ns / 1e9) / wall_s, 3),
            steal_share=round((core_after.steal_s - core_before.steal_s) / wall_s, 3),
            limit_cpu_us=None,
        )

    def load(self, process: ServerProcess, workload: Workload, seconds: int) -> Load:
        return run_load(
            process.port,
            workload,
            seconds=seconds,
            connections=self.settings.connections,
            core=self.settings.load_core,
        )
