"""Shows a header to Doxygen: prints it with its plain `//` contracts as documentation comments.

A comment above declarations belongs to all of them up to the next empty line, as a reader takes it. What follows code
on its line belongs to what stands before it. Used as INPUT_FILTER of docs/cpp/Doxyfile.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

__all__ = ["as_documentation", "main"]

WHOLE = re.compile(r"^(\s*)//(?!/)(.*)$")
TRAILING = re.compile(r"^(?P<code>.*\S)(?P<gap>\s+)// (?P<text>.*)$")
FOR_LINTERS = re.compile(r"\s*//\s*NOLINT.*$|\s*NOLINT(?:BEGIN|END|NEXTLINE)?\(.*?\)\s*$")
NOT_DECLARED = re.compile(r"=\s*delete;|^\s*(?:friend|using enum)\b")


def as_documentation(text: str) -> str:
    """The header with its contracts as Doxygen reads them; as many lines as before, or a few more."""
    lines = [line for line in map(_without_linters, text.splitlines()) if not NOT_DECLARED.search(line)]
    shown: list[str] = []
    for is_empty, run in groupby(_comments(lines), key=lambda line: not line.strip()):
        paragraph = list(run)
        shown.extend(paragraph if is_empty else _grouped(paragraph))
    return "\n".join(shown) + "\n"


def _without_linters(line: str) -> str:
    return FOR_LINTERS.sub("", line)


def _comments(lines: Iterable[str]) -> Iterator[str]:
    trails = False  # the line before ended with a comment, which may go on
    for line in lines:
        if whole := WHOLE.match(line):
            indent, said = whole[1], whole[2]
            if said.startswith(" ----"):
                yield ""
            elif trails and len(indent) > 16:
                yield f"{indent}///<{said}"
            else:
                trails = False
                yield f"{indent}///{said}"
        elif trailing := TRAILING.match(line):
            trails = True
            yield f"{trailing['code']}{trailing['gap']}///< {trailing['text']}"
        else:
            trails = False
            yield line


def _grouped(paragraph: list[str]) -> list[str]:
    """Puts what one comment stands above into a group, which Doxygen documents as one."""
    indent = _indent(paragraph[0])
    own = len(paragraph)
    while own > 0 and len(_indent(paragraph[own - 1])) < len(indent):
        own -= 1  # the end of the class
    code = [line.split("//")[0] for line in paragraph[:own]]
    balanced = sum(line.count("{") - line.count("}") for line in code) == 0
    declared = sum(line.rstrip().endswith((";", "}")) for line in code)
    if not paragraph[0].lstrip().startswith("///") or not balanced or declared < 2:
        return paragraph
    return [f"{indent}///@{{", *paragraph[:own], f"{indent}///@}}", *paragraph[own:]]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def main(arguments: list[str]) -> int:
    """Prints each file that is named."""
    for name in arguments:
        sys.stdout.write(as_documentation(Path(name).read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
