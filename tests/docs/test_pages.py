"""The pages are true: their apps run, and their commands print what the pages show."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fasterapi._trial import supports_own_gil
from tests.docs.pages import ROOT, Block, exchanges, pages, read_blocks
from tests.docs.story import Story, shows

_PAGES = {str(page.relative_to(ROOT)): list(read_blocks(page)) for page in pages()}
_PLAYED = {name: blocks for name, blocks in _PAGES.items() if any(block.language == "console" for block in blocks)}


def _named(name: str, block: Block) -> str:
    return f"{name}:{block.line}"


@pytest.mark.skipif(not supports_own_gil(), reason="the pages show what CPython 3.13 and later print")
@pytest.mark.skipif(shutil.which("curl") is None, reason="the pages use curl")
@pytest.mark.parametrize("name", _PLAYED)
def test_a_page_shows_what_happens(name: str, tmp_path: Path) -> None:
    with Story(tmp_path) as story:
        for block in _PLAYED[name]:
            try:
                story.play(block)
            except AssertionError as error:
                raise AssertionError(f"{_named(name, block)}: {error}") from None


@pytest.mark.parametrize("name", [name for name, blocks in _PAGES.items() if blocks])
def test_copies_are_equal_and_python_is_python(name: str) -> None:
    for block in _PAGES[name]:
        if original := block.options.get("same-as"):
            assert block.text == (ROOT / original).read_text(), _named(name, block)
        if block.language == "python":
            compile(block.text, _named(name, block), "exec")


def test_the_tutorial_is_played() -> None:
    assert "docs/tutorial.md" in _PLAYED
    assert len(_PLAYED) >= 3


def test_the_player_tells_apart_what_differs() -> None:
    block = Block("console", {}, "$ one\na …b\n…\nend\n$ two \\\n  more\n", 1)
    one, two = exchanges(block)
    assert (one.command, two.command, two.output) == ("one", "two \\\n  more", [])
    assert shows(one.output, "a xb\nanything\nat all\nend")
    assert shows(one.output, "a b\nend")
    assert not shows(one.output, "a x\nend")
    assert not shows(one.output, "a xb\nending")
    assert shows(["…"], "one\ntwo")
    assert shows([], "")
    assert not shows([], "something")


def test_a_page_that_lies_is_found(tmp_path: Path) -> None:
    with Story(tmp_path) as story:
        story.play(Block("text", {"file": "said.txt"}, "said\n", 1))
        story.play(Block("console", {}, "$ cat said.txt\nsaid\n", 1))
        with pytest.raises(AssertionError, match="but it prints"):
            story.play(Block("console", {}, "$ cat said.txt\nother\n", 1))
