from __future__ import annotations

import pytest

from tests.tidy.link_rules import broken_links
from tests.tidy.source_tree import source

OTHER = source("docs/tutorial.md", "# Tutorial\n\n## `async def` and you\n")


@pytest.mark.parametrize(
    "link", ["docs/nothing.md", "docs/tutorial.md#nothing", "../LICENSE", "#nothing", "docs/tutorial"]
)
def test_catches_a_link_that_leads_nowhere(link: str) -> None:
    assert broken_links([OTHER, source("README.md", f"# Read\n\nSee [this]({link}).\n")])
    assert broken_links([OTHER, source("README.md", f'# Read\n\n<img src="{link}">\n')])


@pytest.mark.parametrize(
    "link",
    ["docs/tutorial.md", "docs/", "docs/tutorial.md#async-def-and-you", "#read", "https://example.org", "mailto:a@b.c"],
)
def test_lets_a_good_link_pass(link: str) -> None:
    assert broken_links([OTHER, source("README.md", f"# Read\n\nSee [this]({link}).\n")]) == []


def test_reads_no_links_in_code() -> None:
    assert broken_links([source("README.md", "```\n[a](b)\n```\n")]) == []
