"""What no text and no file name of the project says."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tests.tidy.source_tree import Source, cpp_sources

__all__ = ["banned_names", "foreign_places", "leftover_marks", "swallowed_or_open_cpp", "threads_that_cannot_fail"]

# Put together from halves, so that this file keeps its own rules.
MARKS = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
PLACES = re.compile(
    "|".join(
        (
            r"(?<![\w.*~-])/(?:wor" + r"k|ro" + r"ot)/[\w.]",
            r"(?<![\w.*~-])/ho" + r"me/[a-z]",
            r"pypi\." + "org",
            r"pythonhosted\." + "org",
            r"npmjs\." + "(?:org|com)",
            r"(?<!docs\.)crates\." + "io",
            r"proxy\.golang\." + "org",
            r"deb\.debian\." + "org",
            r"repo1?\.maven\." + "(?:apache\\.)?org",
        )
    )
)
BANNED_WORDS = frozenset({"utils", "util", "common", "helpers", "helper", "misc"})
BANNED_ENDINGS = frozenset({"v2", "old", "new"})
CPP_BANNED = (
    (re.compile(r"^\s*using\s+namespace\b"), "no using namespace"),
    (re.compile(r"\bcatch\s*\("), "the engine has no exceptions"),
    (re.compile(r"\bPyGILState_\w+"), "PyGILState does not know sub-interpreters"),
)
THREADS = re.compile(r"\bstd::j?thread\b(?!::)|\bstd::async\b|\bpthread_create\b")
"""What ends the process, or is told to nobody, where the system has no thread to give."""
STARTS_THEM = ("core", "thread.cc")


def leftover_marks(tree: Iterable[Source]) -> list[str]:
    """Finds notes to self: work that is left belongs in an issue."""
    return [
        file.at(number, f"{match[1]}: finish it, or open an issue")
        for file in tree
        for number, line in file.lines()
        if (match := MARKS.search(line))
    ]


def foreign_places(tree: Iterable[Source]) -> list[str]:
    """Finds paths of one machine and host names of package registries."""
    return [
        file.at(number, f"names a place outside the project: {match[0]}")
        for file in tree
        for number, line in file.lines()
        if (match := PLACES.search(line))
    ]


def banned_names(tree: Iterable[Source]) -> list[str]:
    """Finds files and folders whose name says nothing, or says that another one is out of date."""
    found = []
    for file in tree:
        for part in file.path.parts:
            words = re.split(r"[_\-.\s]+", part.lower().split(".", 1)[0] if not part.startswith(".") else part.lower())
            if BANNED_WORDS.intersection(words) or (len(words) > 1 and words[-1] in BANNED_ENDINGS):
                found.append(file.at(1, f"a name that says nothing: {part}"))
    return found


def swallowed_or_open_cpp(tree: Iterable[Source]) -> list[str]:
    """Finds what no C++ file of the engine does."""
    return [
        file.at(number, finding)
        for file in cpp_sources(tree)
        if file.path.parts[0] == "src"
        for number, line in file.lines()
        if not line.lstrip().startswith("//")
        for pattern, finding in CPP_BANNED
        if pattern.search(line)
    ]


def threads_that_cannot_fail(tree: Iterable[Source]) -> list[str]:
    """Finds threads of the engine that are not started by core::thread, which says where there are none."""
    return [
        file.at(number, f"start it with core::thread: {match[0]}")
        for file in cpp_sources(tree)
        if file.path.parts[0] == "src" and not file.path.stem.endswith("_test") and file.path.parts[-2:] != STARTS_THEM
        if file.path.name != "failing_threads.h"
        for number, line in file.lines()
        if not line.lstrip().startswith("//") and (match := THREADS.search(line))
    ]
