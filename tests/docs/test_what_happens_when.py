"""docs/what-happens-when.md names the test that proves each of its lines, and that test is there."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "what-happens-when.md"


def test_every_line_names_a_test_that_is_there() -> None:
    rows = [
        line
        for line in PAGE.read_text().splitlines()
        if re.match(r"\| (?!what happens|no thread can be started|-)", line)
    ]
    assert len(rows) > 30
    for row in rows:
        cells = row.strip("| ").split(" | ")
        assert len(cells) == 4, row
        named = re.fullmatch(r"`([^`:]+)::(\w+)`", cells[3])
        assert named is not None, row
        assert re.search(rf"\b{named[2]}\(|, {named[2]}\)", (ROOT / named[1]).read_text()), row
