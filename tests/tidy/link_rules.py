"""Links of the documents lead somewhere."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from tests.tidy.source_tree import Source

__all__ = ["broken_links"]

LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|(?:src|href)=\"([^\"]+)\"")
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.DOTALL | re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The anchors that a Markdown document's headings get."""
    headings = re.findall(r"^#{1,6}\s+(.+?)\s*#*$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading).lower()).replace(" ", "-") for heading in headings}


def broken_links(tree: Iterable[Source]) -> list[str]:
    """Finds relative links to a file, folder or heading that is not there."""
    files = {str(file.path): file for file in tree}
    folders = {str(parent) for file in files.values() for parent in file.path.parents}
    found = []
    for file in files.values():
        if file.path.suffix != ".md":
            continue
        prose = FENCE.sub(lambda match: "\n" * match[0].count("\n"), file.text)
        for match in LINK.finditer(prose):
            link = match[1] or match[2]
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = posixpath.normpath(file.path.parent / name) if name else str(file.path)
            line = prose.count("\n", 0, match.start()) + 1
            if target not in files and target not in folders:
                found.append(file.at(line, f"leads nowhere: {link}"))
            elif anchor and target in files and anchor not in anchors(files[target].text):
                found.append(file.at(line, f"no such heading: {link}"))
    return found
