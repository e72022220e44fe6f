from __future__ import annotations

import pytest

from tests.tidy.source_tree import source
from tests.tidy.text_rules import (
    banned_names,
    foreign_places,
    leftover_marks,
    swallowed_or_open_cpp,
    threads_that_cannot_fail,
)


@pytest.mark.parametrize("mark", ["TO" + "DO", "FIX" + "ME", "XX" + "X"])
def test_catches_a_leftover_mark(mark: str) -> None:
    assert leftover_marks([source("src/core/a.cc", f"\n// {mark}: later\n")]) == [
        f"src/core/a.cc:2: {mark}: finish it, or open an issue"
    ]


def test_lets_words_that_only_contain_a_mark_pass() -> None:
    assert leftover_marks([source("a.py", "TO" + "DOS = 1\nTo" + "do = 2\n")]) == []


@pytest.mark.parametrize(
    "text",
    [
        "/wor" + "k/main",
        "x=/ro" + "ot/.pyenv",
        "/ho" + "me/someone/app",
        "https://py" + "pi.org/simple",
        "npm" + "js.org",
    ],
)
def test_catches_a_foreign_place(text: str) -> None:
    assert foreign_places([source("docs/a.md", f"see {text}\n")])


@pytest.mark.parametrize("text", ["/srv/app", "a/work/b", "benchmarks/work/x", "/usr/bin/python3", "~/root/x"])
def test_lets_an_ordinary_path_pass(text: str) -> None:
    assert foreign_places([source("docs/a.md", f"see {text}\n")]) == []


@pytest.mark.parametrize(
    "path",
    ["src/core/utils.h", "fasterapi/helpers/x.py", "src/common/a.h", "router_v2.cc", "x/router_old.py", "a_misc.py"],
)
def test_catches_a_name_that_says_nothing(path: str) -> None:
    assert banned_names([source(path, "")])


@pytest.mark.parametrize("path", ["src/http/h1/head_parser.h", "tests/conftest.py", ".ci/run", "docs/new.md"])
def test_lets_a_noun_pass(path: str) -> None:
    assert banned_names([source(path, "")]) == []


@pytest.mark.parametrize("line", ["using namespace std;", "} catch (...) {", "auto s = PyGILState_Ensure();"])
def test_catches_what_the_engine_never_does(line: str) -> None:
    assert swallowed_or_open_cpp([source("src/core/a.cc", f"{line}\n")])
    assert swallowed_or_open_cpp([source("src/core/a.cc", f"// {line}\n")]) == []


@pytest.mark.parametrize("line", ["std::thread worker;", "std::async(work)", "pthread_create(&made, nullptr, run, x);"])
def test_catches_a_thread_that_cannot_fail(line: str) -> None:
    assert threads_that_cannot_fail([source("src/net/a.cc", f"{line}\n")])
    assert threads_that_cannot_fail([source("src/net/a_test.cc", f"{line}\n")]) == []


@pytest.mark.parametrize("line", ["std::thread::id who;", "std::this_thread::yield();", "// unlike a std::thread"])
def test_lets_what_starts_no_thread_pass(line: str) -> None:
    assert threads_that_cannot_fail([source("src/net/a.cc", f"{line}\n")]) == []
