"""Writes docs/configuration.md's table of options from fasterapi/config.py; `--check` says whether it is up to date."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from fasterapi.config import OPTIONS, Option

__all__ = ["PAGE", "main", "render", "table"]

PAGE = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"

_SPACE = re.compile(r"(?<=<!-- options -->\n).*(?=<!-- end of options -->)", re.DOTALL)
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


def render(page: str) -> str:
    """The page with its table as it must be. Raises ValueError where the page has no place for it."""
    if not _SPACE.search(page):
        raise ValueError("the page has no place for the options: <!-- options --> … <!-- end of options -->")
    return _SPACE.sub(lambda _: table(), page)


def main(arguments: list[str]) -> int:
    """Returns 1 where `--check` finds the page out of date."""
    page = PAGE.read_text()
    rendered = render(page)
    if "--check" in arguments:
        return int(rendered != page)
    PAGE.write_text(rendered)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
