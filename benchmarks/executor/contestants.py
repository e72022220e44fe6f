"""One figure of one Python executor: `python -m benchmarks.executor.contestants WHAT BY CORE CORE` prints it.

Times are in nanoseconds, memory in bytes. Exit status 3, with the reason on stderr, where there is no such
executor.
"""

from __future__ import annotations

import concurrent.futures
import gc
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

from benchmarks.executor.calls import count, nothing, size_of
from benchmarks.executor.rows import INTERPRETERS, OURS, PROCESSES, THREADS

__all__ = ["FIGURES", "NOT_AVAILABLE", "main"]

NOT_AVAILABLE = 3  # exit status
BATCHES = 7
LARGE = 64 * 1000 * 1000


class NotAvailable(Exception):
    """Why an executor cannot be measured here."""


def optional(package: str) -> ModuleType:
    """Raises NotAvailable where the package is not installed."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise NotAvailable(str(error)) from error


def part_of(module: ModuleType, name: str, otherwise: str) -> Any:
    """Raises NotAvailable, for the reason `otherwise`."""
    if not hasattr(module, name):
        raise NotAvailable(otherwise)
    return getattr(module, name)


def executor_of(by: str, workers: int) -> Executor:
    """Raises NotAvailable."""
    if by == OURS:
        from fasterapi import SubinterpreterExecutor

        return SubinterpreterExecutor(workers)
    if by == THREADS:
        return ThreadPoolExecutor(workers)
    if by == PROCESSES:
        return ProcessPoolExecutor(workers)
    if by == INTERPRETERS:
        made: Executor = part_of(concurrent.futures, INTERPRETERS, "it came with CPython 3.14")(workers)
        return made
    if by == "loky":
        loky: Executor = part_of(optional("loky"), PROCESSES, "it has changed")(workers)
        return loky
    raise NotAvailable(f"{by} has no such executor")


@contextmanager
def running(by: str, workers: int) -> Iterator[Executor]:
    """The executor with all its workers started and warm."""
    with executor_of(by, workers) as executor:
        for _ in range(3):
            for future in [executor.submit(count, 20_000) for _ in range(workers * 4)]:
                future.result()
        for _ in range(200):
            executor.submit(nothing).result()
        yield executor


def per_call(batch: Callable[[], object], calls: int) -> float:
    """Nanoseconds for one of `calls`, the median over batches."""
    times = []
    for _ in range(BATCHES):
        begin = time.perf_counter_ns()
        batch()
        times.append((time.perf_counter_ns() - begin) / calls)
    return median(times)


def no_op(by: str, workers: int = 2, calls: int = 500) -> float:
    with running(by, workers) as executor:

        def batch() -> None:
            for _ in range(calls):
                executor.submit(nothing).result()

        return per_call(batch, calls)


def burst(by: str, calls: int = 1000) -> float:
    with running(by, 2) as executor:

        def batch() -> None:
            for future in [executor.submit(nothing) for _ in range(calls)]:
                future.result()

        return per_call(batch, calls)


def dispatch(by: str, calls: int = 1000) -> float:
    times = []
    with running(by, 1) as executor:
        for _ in range(BATCHES):
            begin = time.perf_counter_ns()
            futures = [executor.submit(nothing) for _ in range(calls)]
            times.append((time.perf_counter_ns() - begin) / calls)
            for future in futures:
                future.result()
    return median(times)


def round_trip_awake(by: str) -> float:
    return no_op(by, workers=1)


def round_trip_asleep(by: str) -> float:
    times = []
    with running(by, 1) as executor:
        for _ in range(200):
            time.sleep(0.001)
            begin = time.perf_counter_ns()
            executor.submit(nothing).result()
            times.append(time.perf_counter_ns() - begin)
    return median(times)


CHUNKS, CHUNK_STEPS = 32, 200_000


def map_once(by: str, workers: int) -> Callable[[], object]:
    """One run of the CPU-bound map with that many workers, which are warm."""
    if by == "joblib":
        joblib: Any = optional("joblib")
        parallel = joblib.Parallel(n_jobs=workers, backend="loky")
        work = [joblib.delayed(count)(CHUNK_STEPS) for _ in range(CHUNKS)]
        if workers == 1:  # in joblib one worker is the caller
            return lambda: [function(*args, **kwargs) for function, args, kwargs in work]
        parallel(work)
        return lambda: parallel(work)
    executor = executor_of(by, workers)
    list(executor.map(count, [20_000] * workers * 4))  # it ends with this process
    return lambda: list(executor.map(count, [CHUNK_STEPS] * CHUNKS))


def map_times(by: str) -> tuple[float, float]:
    """Nanoseconds with one worker and with two, measured in turn."""
    one, two = map_once(by, 1), map_once(by, 2)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(3):
        for run, into in zip((one, two), times, strict=True):
            begin = time.perf_counter_ns()
            run()
            into.append(time.perf_counter_ns() - begin)
    return median(times[0]), median(times[1])


def map_speed_up(by: str) -> float:
    one, two = map_times(by)
    return one / two


def map_time(by: str) -> float:
    return map_times(by)[1]


def call_with(by: str, data: bytes | memoryview, calls: int) -> float:
    with running(by, 2) as executor:

        def batch() -> None:
            for _ in range(calls):
                if executor.submit(size_of, data).result() != len(data):
                    raise AssertionError("the argument did not arrive")

        try:
            batch()
        except TypeError as error:
            raise NotAvailable(str(error)) from error
        return per_call(batch, calls)


def call_with_small(by: str) -> float:
    return call_with(by, bytes(64), 200)


def call_with_bytes(by: str) -> float:
    return call_with(by, bytes(LARGE), 1)


def call_with_view(by: str) -> float:
    return call_with(by, memoryview(bytearray(LARGE)), 200 if by == OURS else 1)


def share_of_memory(pid: int) -> int:
    """Bytes of a process: its own pages, and its part of those that it shares."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise NotAvailable("the kernel does not tell a process's share of memory")


def family_memory() -> int:
    """Bytes of this process and of all its descendants."""
    family, todo = [], [os.getpid()]
    while todo:
        pid = todo.pop()
        family.append(pid)
        for task in Path(f"/proc/{pid}/task").iterdir():
            todo += map(int, (task / "children").read_text().split())
    return sum(map(share_of_memory, family))


def memory_of_worker(by: str) -> float:
    """Of one among eight, beside the one of an executor that has but one."""
    figures = []
    for workers in (1, 9):
        with executor_of(by, workers) as executor:
            for future in [executor.submit(count, 100_000) for _ in range(workers * 8)]:
                future.result()
            gc.collect()
            figures.append(family_memory())
    return (figures[1] - figures[0]) / 8


def memory_of_process(_: str) -> float:
    """Of a Python that has imported nothing, beside others of its kind."""
    command = [sys.executable, "-I", "-S", "-c", "print(flush=True); input()"]
    started = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(4)]
    try:
        for process in started:
            assert process.stdout is not None
            process.stdout.readline()
        return median(share_of_memory(process.pid) for process in started)
    finally:
        for process in started:
            process.communicate(b"\n", timeout=10)


FIGURES: dict[str, Callable[[str], float]] = {
    "dispatch": dispatch,
    "round-trip-awake": round_trip_awake,
    "round-trip-asleep": round_trip_asleep,
    "python-no-op": no_op,
    "python-burst": burst,
    "python-map": map_speed_up,
    "python-map-time": map_time,
    "python-small": call_with_small,
    "python-bytes": call_with_bytes,
    "python-view": call_with_view,
    "memory": memory_of_process,
    "memory-worker": memory_of_worker,
}
"""By the name of the row."""


def main(words: list[str]) -> int:
    """Returns the exit status."""
    what, by, *cores = words
    os.sched_setaffinity(0, set(map(int, cores)))
    try:
        print(f"{FIGURES[what](by):.3f}", flush=True)
    except NotAvailable as error:
        print(error, file=sys.stderr)
        return NOT_AVAILABLE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
