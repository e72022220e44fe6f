"""No dead files: what is in the tree is built."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tests.tidy.source_tree import Source

__all__ = ["sources_not_built"]


def sources_not_built(tree: Iterable[Source]) -> list[str]:
    """Finds C++ sources that no CMakeLists.txt of their folder or of one above it names."""
    files = tuple(tree)
    named: set[str] = set()
    for file in files:
        if file.path.name == "CMakeLists.txt":
            code = re.sub(r"#[^\n]*", "", file.text)
            named.update(str(file.path.parent / word) for word in re.findall(r"[\w./-]+\.cc\b", code))
    return [
        file.at(1, "no CMakeLists.txt builds this file")
        for file in files
        if file.path.suffix == ".cc" and str(file.path) not in named
    ]
