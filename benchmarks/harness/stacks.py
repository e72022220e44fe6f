"""Which part of a request a sampled stack belongs to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

__all__ = ["AREAS", "REST", "area_of", "count_areas", "stacks_of"]

Frame = tuple[str, str]  # symbol, program or library

FRAME = re.compile(r"^\s+[0-9a-f]+ (?P<symbol>.*) \((?P<object>.*)\)$")
KERNEL = "[kernel.kallsyms]"

SYSTEM_CALLS = (
    ("kernel: send", re.compile(r"__(x64_)?sys_(sendto|sendmsg|writev?)$")),
    ("kernel: recv", re.compile(r"__(x64_)?sys_(recvfrom|recvmsg|readv?)$")),
    ("kernel: epoll", re.compile(r"(sys|do)_epoll_\w+$")),
)
"""Where a stack holds one of these, its sample is of that system call."""

SYMBOLS = (
    ("calls of the kernel", re.compile(r"^(__)?(libc_)?(send|recv|epoll_wait)$|asynccancel|^syscall$")),
    ("routing", re.compile(r"http::router|routes::")),
    ("answer encoded", re.compile(r"encode|json::write|json::format|write_head|send_answer|reply|replies")),
    ("arguments checked", re.compile(r"schema::|json::|plan\b|build_arguments|python::convert")),
    ("request parsed", re.compile(r"http::")),
    ("connections and the loop", re.compile(r"(server|net|core)::")),
    ("calls into Python", re.compile(r"(bindings|python)::")),
)
"""The innermost function decides, the first that fits."""

PYTHON = "Python: the handler, its arguments and its result"
REST = "C library and the rest"
AREAS = (
    *(name for name, _ in SYSTEM_CALLS),
    "kernel: everything else",
    "calls of the kernel",
    "connections and the loop",
    "request parsed",
    "routing",
    "arguments checked",
    "calls into Python",
    PYTHON,
    "answer encoded",
    REST,
)
"""Every area, in the order in which a request meets them."""


def stacks_of(lines: Iterable[str]) -> Iterator[list[Frame]]:
    """The stacks in the output of `perf script -F comm,ip,sym,dso`, innermost frame first."""
    stack: list[Frame] = []
    for line in lines:
        if match := FRAME.match(line):
            stack.append((match["symbol"], match["object"]))
        elif stack:
            yield stack
            stack = []
    if stack:
        yield stack


def area_of(stack: list[Frame]) -> str:
    """The area of one sample. Raises IndexError for an empty stack."""
    symbol, program = stack[0]
    if program == KERNEL:
        for name, call in SYSTEM_CALLS:
            if any(call.search(frame) for frame, _ in stack):
                return name
        return "kernel: everything else"
    if "libpython" in program or program.rsplit("/", 1)[-1].startswith("python"):
        return PYTHON
    for name, pattern in SYMBOLS:
        if pattern.search(symbol):
            return name
    return REST


def count_areas(lines: Iterable[str]) -> Counter[str]:
    return Counter(area_of(stack) for stack in stacks_of(lines))
