"""Some milliseconds of plain Python. As a program it is the control: calls per second in a bare process."""

from __future__ import annotations

import sys
import time


def cpu_work() -> dict[str, int]:
    """Integers, a dictionary and method calls; no input or output."""
    counts: dict[int, int] = {}
    total = 0
    for number in range(10_000):
        total = (total * 31 + number) & 0xFFFF_FFFF
        counts[total & 63] = counts.get(total & 63, 0) + 1
    return {"total": total, "buckets": len(counts)}


if __name__ == "__main__":
    seconds = float(sys.argv[1])
    calls, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds:
        cpu_work()
        calls += 1
    print(calls / elapsed)
