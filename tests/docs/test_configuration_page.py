"""The pages list the options and bounds as they are; `python -m tools.configuration_page` writes them anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from fasterapi.config import OPTIONS
from tools.configuration_page import LIMITS_PAGE, PAGE, limits_table, quantity, render, table, unit


@pytest.mark.parametrize("path", [PAGE, LIMITS_PAGE], ids=lambda path: path.name)
def test_the_page_is_up_to_date(path: Path) -> None:
    page = path.read_text()
    assert page == render(page), "run: .venv/bin/python -m tools.configuration_page"


def test_every_option_has_its_row() -> None:
    rows = table().splitlines()[2:]
    assert len(rows) == len(OPTIONS)
    for row, option in zip(rows, OPTIONS, strict=True):
        for name in (option.name, option.flag, option.variable, option.app_argument or ""):
            assert name in row
        assert option.help in row


def test_every_bound_has_its_row_with_what_happens() -> None:
    rows = limits_table().splitlines()[2:]
    bounds = [option for option in OPTIONS if option.reached]
    assert len(bounds) >= 19
    for row, option in zip(rows, bounds, strict=True):
        assert row.startswith(f"| `{option.name}` |")
        assert option.reached is not None
        assert option.reached in row


def test_every_option_named_as_a_bound_says_what_happens() -> None:
    for option in OPTIONS:
        if option.name.startswith("max_") or "_max_" in option.name or option.name.endswith("_timeout_s"):
            assert option.reached, option.name


def test_units_come_from_names() -> None:
    by_name = {option.name: option for option in OPTIONS}
    assert unit(by_name["body_max_bytes"]) == "bytes"
    assert unit(by_name["body_min_rate_bytes_s"]) == "bytes a second"
    assert unit(by_name["header_timeout_s"]) == "seconds"
    assert unit(by_name["max_connections"]) == "count"


def test_sizes_are_shown_with_their_unit() -> None:
    (body,) = (option for option in OPTIONS if option.name == "body_max_bytes")
    (port,) = (option for option in OPTIONS if option.name == "port")
    assert quantity(body, 16 * 1024 * 1024) == "16 MiB"
    assert quantity(body, 1000) == "1000"
    assert quantity(port, 8192) == "8192"


def test_a_page_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        render("# Configuration\n")
