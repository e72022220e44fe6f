"""Who may include whom (docs/architecture.md tells why), and how a C++ file begins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from tests.tidy.source_tree import Source, cpp_sources

__all__ = [
    "headers_without_pragma_once",
    "illegal_includes",
    "own_header_not_first",
    "python_header_outside_its_rooms",
    "unused_headers",
]

MAY_INCLUDE: dict[str, frozenset[str]] = {
    "core": frozenset(),
    "net": frozenset({"core"}),
    "http": frozenset({"core"}),
    "json": frozenset({"core"}),
    "python": frozenset({"core", "json", "schema"}),
    "schema": frozenset({"core", "json"}),
    "server": frozenset({"core", "net", "http", "json", "python", "schema"}),
    "shared": frozenset({"core"}),
    "bindings": frozenset({"core", "net", "http", "json", "python", "schema", "server", "shared"}),
}
"""Room of src/ → the other rooms it may include."""

SINGLE_HEADERS: dict[str, frozenset[str]] = {"schema": frozenset({"http/cookie.h", "http/message.h", "http/url.h"})}
"""Room of src/ → headers it may include beyond those."""

PURE_ROOMS = frozenset({"http", "json", "schema"})
"""Rooms that are bytes in, values out: they open no socket and make no system call."""

SYSTEM_HEADERS = re.compile(r"^(sys/|netinet/|arpa/|netdb\.h|unistd\.h|poll\.h|fcntl\.h|pthread\.h|linux/)")

INCLUDE = re.compile(r"""^\s*#\s*include\s*[<"]([^>"]+)[>"]""")


def includes(file: Source) -> Iterator[tuple[int, str]]:
    """Yields line and name of each include."""
    for number, line in file.lines():
        if match := INCLUDE.match(line):
            yield number, match[1]


PUBLIC = "fasterapi/"
"""What the public headers' names begin with: include/fasterapi/<room>/ is the public part of src/<room>/."""


def room_of(path: PurePosixPath) -> str | None:
    """The room that a path under src/ or include/ lies in."""
    if len(path.parts) > 2 and path.parts[0] == "src":
        return path.parts[1]
    return path.parts[2] if len(path.parts) > 3 and path.parts[:2] == ("include", "fasterapi") else None


def included_as(path: PurePosixPath) -> str | None:
    """The name by which a header, or the header of a source, is included."""
    return "/".join(path.parts[1:]) if path.parts[0] in {"src", "include"} else None


def illegal_includes(tree: Iterable[Source]) -> list[str]:
    """Finds includes against the direction of the rooms, and system calls in pure ones."""
    found = []
    for file in cpp_sources(tree):
        room = room_of(file.path)
        if room is None:
            continue
        if room not in MAY_INCLUDE:
            found.append(file.at(1, f"src/{room} has no place in the direction of includes"))
            continue
        for number, name in includes(file):
            if file.path.parts[0] == "include" and "/" in name and not name.startswith(PUBLIC):
                if name.split("/", 1)[0] in MAY_INCLUDE:
                    found.append(file.at(number, f"a public header must not include the private {name}"))
                continue
            name = name.removeprefix(PUBLIC)
            other = name.split("/", 1)[0]
            if other in MAY_INCLUDE and "/" in name:
                allowed = other == room or other in MAY_INCLUDE[room] or name in SINGLE_HEADERS.get(room, ())
                if not allowed:
                    found.append(file.at(number, f"{room} must not include {name}"))
            elif room in PURE_ROOMS and SYSTEM_HEADERS.match(name):
                found.append(file.at(number, f"{room} knows no sockets and no system calls: {name}"))
    return found


def python_header_outside_its_rooms(tree: Iterable[Source]) -> list[str]:
    """Finds CPython's headers outside src/python and src/bindings."""
    return [
        file.at(number, f"{name} belongs to src/python and src/bindings only")
        for file in cpp_sources(tree)
        if room_of(file.path) not in {"python", "bindings"}
        for number, name in includes(file)
        if name in {"Python.h", "structmember.h", "frameobject.h", "datetime.h"}
    ]


def headers_without_pragma_once(tree: Iterable[Source]) -> list[str]:
    """Finds headers whose first line that is neither empty nor a comment is not `#pragma once`."""
    found = []
    for file in cpp_sources(tree):
        if file.path.suffix != ".h":
            continue
        code = (line for _, line in file.lines() if line.strip() and not line.startswith("//"))
        if next(code, "").strip() != "#pragma once":
            found.append(file.at(1, "a header begins with #pragma once"))
    return found


def own_header_not_first(tree: Iterable[Source]) -> list[str]:
    """Finds x.cc and x_test.cc with an x.h, beside them or public, that they do not include before everything else."""
    files = cpp_sources(tree)
    headers = {included_as(file.path) for file in files if file.path.suffix == ".h"}
    found = []
    for file in files:
        if file.path.suffix != ".cc" or file.path.parts[0] != "src":
            continue
        own = included_as(file.path.with_name(file.path.stem.removesuffix("_test") + ".h"))
        expected = own if own in headers else f"{PUBLIC}{own}"
        if expected not in headers:
            continue
        number, first = next(includes(file), (1, ""))
        if first != expected:
            found.append(file.at(number, f'the first include must be "{expected}"'))
    return found


def unused_headers(tree: Iterable[Source]) -> list[str]:
    """Finds headers of src/ that only their own source and test include. Public headers are for others."""
    files = cpp_sources(tree)
    users: dict[str, set[str]] = {}
    for file in files:
        for _, name in includes(file):
            users.setdefault(name, set()).add(str(file.path))
    found = []
    for file in files:
        if file.path.suffix != ".h" or file.path.parts[0] != "src":
            continue
        stem = str(file.path.with_suffix(""))
        others = users.get(str(file.path.relative_to("src")), set()) - {f"{stem}.cc", f"{stem}_test.cc"}
        if not others:
            found.append(file.at(1, "nothing but its own source and test includes this header"))
    return found
