from __future__ import annotations

from tests.tidy.build_rules import sources_not_built
from tests.tidy.source_tree import source


def test_catches_a_source_that_nothing_builds() -> None:
    lists = source("src/core/CMakeLists.txt", "fasterapi_library(core SOURCES arena.cc inner/b.cc) # dead.cc\n")
    built = [source("src/core/arena.cc", ""), source("src/core/inner/b.cc", "")]
    assert sources_not_built([lists, *built]) == []
    assert sources_not_built([lists, source("src/core/dead.cc", "")])
    assert sources_not_built([lists, source("src/net/arena.cc", "")])
