"""The fenced blocks of a Markdown page, as the tests of the documentation read them.

What follows a fence's language says what is done with the block:

- ```` ```console ````: commands after `$ `, each followed by what it prints; they are run (see `story.py`);
- `file=NAME`: the block is written to that file before the commands after it;
- `same-as=PATH`: the block is a copy of a file of the project, and must be equal to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["ROOT", "Block", "Exchange", "exchanges", "pages", "read_blocks"]

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^```(\S*)(.*)\n((?:.*\n)*?)```$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block. `line` is that of its fence, from 1."""

    language: str
    options: dict[str, str]
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """A command of a console block, and what the page says that it prints."""

    command: str
    output: list[str] = field(default_factory=list)


def pages() -> list[Path]:
    """Every page that people read, by its path."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]
    return sorted(found)


def read_blocks(page: Path) -> Iterator[Block]:
    """The blocks in their order."""
    text = page.read_text()
    for match in _FENCE.finditer(text):
        options = dict(word.split("=", 1) for word in match[2].split())
        yield Block(match[1], options, match[3], text.count("\n", 0, match.start()) + 1)


def exchanges(block: Block) -> list[Exchange]:
    """The commands of a console block. A line that ends in a backslash goes on in the next."""
    found: list[Exchange] = []
    continued = False
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(Exchange(line[2:]))
        elif continued:
            found[-1] = Exchange(f"{found[-1].command}\n{line}")
        else:
            found[-1].output.append(line)
            continue
        continued = line.endswith("\\")
    return found
