"""Writes the tables of docs/configuration.md and docs/limits.md from fasterapi/config.py.

`--check` says whether they are up to date.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from fasterapi.config import OPTIONS, Option

__all__ = ["LIMITS_PAGE", "PAGE", "limits_table", "main", "render", "table"]

_DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = _DOCS / "configuration.md"
LIMITS_PAGE = _DOCS / "limits.md"

_UNITS = {"bytes_s": "bytes a second", "bytes": "bytes", "s": "seconds"}
_BINARY_UNITS = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def quantity(option: Option, number: float) -> str:
    """A number as people read it: sizes with their unit where that is a whole number of them."""
    if option.name.endswith("_bytes"):
        for size, unit in _BINARY_UNITS:
            if number and number % size == 0:
                return f"{number / size:g} {unit}"
    return f"{number:.15g}"


def shown_default(option: Option) -> str:
    """The default as it is written in a configuration."""
    default = option.default
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, (int, float)):
        return quantity(option, default)
    return f"`{default}`" if default else "none"


def values(option: Option) -> str:
    """Which values the option takes."""
    if option.choices:
        return ", ".join(f"`{choice}`" for choice in option.choices)
    if option.kind is bool:
        return "yes or no"
    if option.low is not None and option.high is not None:
        return f"{quantity(option, option.low)} to {quantity(option, option.high)}"
    return "names" if option.kind is tuple else "text"


def table() -> str:
    """The table of options in Markdown, in the order of their declaration."""
    rows = ["| key, flag, variable, argument | meaning | default | values |", "|---|---|---|---|"]
    for option in OPTIONS:
        names = [option.name, option.flag, option.variable]
        if option.app_argument:
            names.append(f"App({option.app_argument}=…)")
        cell = "<br>".join(f"`{name}`" for name in names)
        rows.append(f"| {cell} | {option.help} | {shown_default(option)} | {values(option)} |")
    return "\n".join(rows) + "\n"


def unit(option: Option) -> str:
    """What the option's number counts."""
    return next((words for suffix, words in _UNITS.items() if option.name.endswith(f"_{suffix}")), "count")


def limits_table() -> str:
    """The table of those options that are bounds, in Markdown, in the order of their declaration."""
    rows = ["| option | bounds | default | unit | when it is reached |", "|---|---|---|---|---|"]
    for option in OPTIONS:
        if option.reached:
            cells = [f"`{option.name}`", option.help, shown_default(option), unit(option), option.reached]
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


_TABLES: dict[str, Callable[[], str]] = {"options": table, "limits": limits_table}


def render(page: str) -> str:
    """The page with its tables as they must be. Raises ValueError where the page has no place for one."""
    found = 0
    for name, rows in _TABLES.items():
        if space := re.search(rf"(?<=<!-- {name} -->\n).*(?=<!-- end of {name} -->)", page, re.DOTALL):
            page = page[: space.start()] + rows() + page[space.end() :]
            found += 1
    if not found:
        raise ValueError("the page has no place for the options: <!-- options --> … <!-- end of options -->")
    return page


def main(arguments: list[str]) -> int:
    """Returns 1 where `--check` finds a page out of date."""
    status = 0
    for path in (PAGE, LIMITS_PAGE):
        page = path.read_text()
        rendered = render(page)
        if "--check" not in arguments:
            path.write_text(rendered)
        elif rendered != page:
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
