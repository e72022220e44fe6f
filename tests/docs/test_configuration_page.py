"""docs/configuration.md lists the options as they are; `python -m tools.configuration_page` writes them anew."""

from __future__ import annotations

import pytest

from fasterapi.config import OPTIONS
from tools.configuration_page import PAGE, quantity, render, table


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text()
    assert page == render(page), "run: .venv/bin/python -m tools.configuration_page"


def test_every_option_has_its_row() -> None:
    rows = table().splitlines()[2:]
    assert len(rows) == len(OPTIONS)
    for row, option in zip(rows, OPTIONS, strict=True):
        for name in (option.name, option.flag, option.variable, option.app_argument or ""):
            assert name in row
        assert option.help in row


def test_sizes_are_shown_with_their_unit() -> None:
    (body,) = (option for option in OPTIONS if option.name == "body_max_bytes")
    (port,) = (option for option in OPTIONS if option.name == "port")
    assert quantity(body, 16 * 1024 * 1024) == "16 MiB"
    assert quantity(body, 1000) == "1000"
    assert quantity(port, 8192) == "8192"


def test_a_page_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        render("# Configuration\n")
