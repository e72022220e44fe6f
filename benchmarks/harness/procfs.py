"""What the kernel knows of a process: its CPU time, its children, its memory, its listeners."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "CoreTime",
    "Memory",
    "core_time",
    "cpu_ns",
    "descendants",
    "listeners",
    "memory_of",
    "process_tree",
    "started_ticks",
]

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
LISTEN_STATE = "0A"


def stat_fields(pid: int | str) -> list[str]:
    """The fields of /proc/PID/stat from the third, the state, on. Raises OSError where the process is gone."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    # The command's name is the second field; it stands in parentheses and may hold anything.
    return stat[stat.rindex(")") + 2 :].split()


def started_ticks(pid: int) -> int | None:
    """When the process started, in ticks since boot; None where it is gone or only waits to be reaped."""
    try:
        fields = stat_fields(pid)
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def descendants(root: int) -> list[int]:
    """The process ids of the living children of `root`, their children, and so on."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = stat_fields(entry.name)[:2]
        except OSError:
            continue  # it ended between the listing and the reading
        if state != "Z":
            children.setdefault(int(parent), []).append(int(entry.name))
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def process_tree(root: int) -> list[int]:
    """`root` and its descendants."""
    return [root, *descendants(root)]


def cpu_ns(pid: int) -> int:
    """CPU time, user and system, of all threads of `pid`, those that ended included, in nanoseconds.

    It is the process's own CPU clock (clock_getcpuclockid), which the scheduler keeps in nanoseconds; utime and stime
    of /proc/PID/stat are the same figure cut to ticks of 10 ms. Raises OSError for a process that is gone.
    """
    sched_clock = 2
    return time.clock_gettime_ns((~pid << 3) | sched_clock)


@dataclass(frozen=True, slots=True)
class CoreTime:
    """Seconds that one core has been busy, and that the hypervisor has given to others, since the start."""

    busy_s: float
    steal_s: float


def core_time(core: int) -> CoreTime:
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _iowait, irq, softirq, steal = (int(field) for field in fields[:8])
            return CoreTime((user + nice + system + irq + softirq) / TICKS_PER_S, steal / TICKS_PER_S)
    raise ValueError(f"this machine has no core {core}")


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of a process, or of several together. PSS counts a page shared by n processes as 1/n in each."""

    rss: int
    pss: int

    def __add__(self, other: Memory) -> Memory:
        return Memory(self.rss + other.rss, self.pss + other.pss)


def memory_of(pids: list[int]) -> Memory:
    """The memory of these processes together; one that has ended counts as nothing."""
    total = Memory(0, 0)
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        kib = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith(" kB")}
        total += Memory(kib.get("Rss", 0) * 1024, kib.get("Pss", 0) * 1024)
    return total


def listeners(port: int) -> int:
    """How many IPv4 sockets listen on `port`; several where SO_REUSEPORT gives each worker its own."""
    wanted = f"{port:04X}"
    count = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        count += fields[1].endswith(f":{wanted}") and fields[3] == LISTEN_STATE
    return count
