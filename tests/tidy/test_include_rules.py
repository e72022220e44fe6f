from __future__ import annotations

import pytest

from tests.tidy.include_rules import (
    headers_without_pragma_once,
    illegal_includes,
    own_header_not_first,
    python_header_outside_its_rooms,
    unused_headers,
)
from tests.tidy.source_tree import source


@pytest.mark.parametrize(
    ("path", "include"),
    [
        ("src/core/arena.cc", '"net/socket.h"'),
        ("src/http/h1/head_parser.cc", '"net/socket.h"'),
        ("src/http/h1/head_parser.cc", '"json/writer.h"'),
        ("src/http/router.cc", "<sys/socket.h>"),
        ("src/schema/plan.h", '"http/h1/head_parser.h"'),
        ("src/schema/plan.h", '"python/ref.h"'),
        ("src/python/executor.cc", '"server/shard.h"'),
        ("src/server/shard.cc", '"bindings/module_state.h"'),
        ("src/python/ref.h", '"bindings/module_state.h"'),
        ("src/json/writer.cc", "<unistd.h>"),
        ("src/attic/thing.cc", '"core/arena.h"'),
    ],
)
def test_catches_an_include_against_the_direction(path: str, include: str) -> None:
    findings = illegal_includes([source(path, f"#include <vector>\n#  include {include}\n")])
    assert len(findings) == 1
    assert path in findings[0]


@pytest.mark.parametrize(
    ("path", "include"),
    [
        ("src/net/socket.cc", '"core/result.h"'),
        ("src/net/socket.cc", "<sys/socket.h>"),
        ("src/http/h1/head_parser.cc", '"http/message.h"'),
        ("src/schema/plan.h", '"http/message.h"'),
        ("src/schema/plan.h", '"http/url.h"'),
        ("src/server/shard.cc", '"schema/plan.h"'),
        ("src/server/server.cc", '"fasterapi/python/executor.h"'),
        ("src/bindings/plan.cc", '"python/ref.h"'),
        ("src/json/reader.cc", "<simdjson.h>"),
    ],
)
def test_lets_an_include_along_the_direction_pass(path: str, include: str) -> None:
    assert illegal_includes([source(path, f"#include {include}\n")]) == []


@pytest.mark.parametrize("path", ["src/server/shard.cc", "src/http/url.h", "tests/fuzz/url_fuzz.cc"])
def test_catches_python_outside_its_rooms(path: str) -> None:
    assert python_header_outside_its_rooms([source(path, "#include <Python.h>\n")])


def test_lets_python_in_its_rooms_pass() -> None:
    tree = [source("src/python/ref.h", "#include <Python.h>\n"), source("src/bindings/x.cc", '#include "Python.h"\n')]
    assert python_header_outside_its_rooms(tree) == []


def test_catches_a_header_without_pragma_once() -> None:
    assert headers_without_pragma_once([source("src/core/a.h", "#include <vector>\n#pragma once\n")])
    assert headers_without_pragma_once([source("src/core/a.h", "")])
    assert headers_without_pragma_once([source("src/core/a.h", "// Why.\n\n#pragma once\n")]) == []


@pytest.mark.parametrize("name", ["a.cc", "a_test.cc"])
def test_catches_a_source_that_starts_with_another_header(name: str) -> None:
    header = source("src/core/a.h", "#pragma once\n")
    late = source(f"src/core/{name}", '#include <vector>\n#include "core/a.h"\n')
    first = source(f"src/core/{name}", '// Why.\n#include "core/a.h"\n#include <vector>\n')
    assert own_header_not_first([header, late])
    assert own_header_not_first([header, first]) == []


def test_catches_a_header_that_only_its_own_files_include() -> None:
    header = source("src/core/a.h", "#pragma once\n")
    own = [source("src/core/a.cc", '#include "core/a.h"\n'), source("src/core/a_test.cc", '#include "core/a.h"\n')]
    user = source("src/net/b.cc", '#include "core/a.h"\n')
    assert unused_headers([header, *own])
    assert unused_headers([header, *own, user]) == []
