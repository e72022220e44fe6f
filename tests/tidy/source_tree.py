"""The project's own text files, as every rule sees them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

__all__ = ["ROOT", "Source", "cpp_sources", "python_sources", "read_tree", "source"]

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Source:
    """One text file: its path from the root of the project, and what it says."""

    path: PurePosixPath
    text: str

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yields the lines with their numbers, from 1."""
        return enumerate(self.text.splitlines(), start=1)

    def at(self, line: int, finding: str) -> str:
        """Says where a finding is."""
        return f"{self.path}:{line}: {finding}"


def source(path: str, text: str) -> Source:
    """Makes a sample, for the tests of the rules themselves."""
    return Source(PurePosixPath(path), text)


@cache
def read_tree() -> tuple[Source, ...]:
    """Reads every file that git tracks or would track, and that is UTF-8 text."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    sources = []
    for name in sorted(set(filter(None, listing.stdout.decode().split("\0")))):
        path = ROOT / name
        if not path.is_file():
            continue
        content = path.read_bytes()
        if b"\0" in content:
            continue
        try:
            sources.append(source(name, content.decode()))
        except UnicodeDecodeError:
            continue
    return tuple(sources)


def cpp_sources(tree: Iterable[Source]) -> list[Source]:
    """The C++ files of the tree."""
    return [file for file in tree if file.path.suffix in {".h", ".cc"}]


def python_sources(tree: Iterable[Source]) -> list[Source]:
    """The Python files of the tree, stubs excluded."""
    return [file for file in tree if file.path.suffix == ".py"]
