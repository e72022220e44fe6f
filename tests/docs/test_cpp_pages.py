"""The C++ on the pages compiles with the public headers, and its assertions hold."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, read_blocks

PAGE = ROOT / "docs" / "cpp" / "futures.md"
FLAGS = ["-std=c++20", "-O1", "-foptimize-sibling-calls", "-fno-exceptions", "-fno-rtti", "-Wall", "-Wextra", "-Werror"]
HEADERS = ["awaitable_future", "cancel", "combinators", "coro_task", "future", "spawn", "sync_wait", "timer"]
SOURCES = [
    "awaitable_future",
    "cancel",
    "clock",
    "errc",
    "executor",
    "futex",
    "result",
    "shared_state",
    "thread",
    "timer",
]


def program() -> str:
    """The blocks of the page as one program, which calls each function that takes nothing, or a timer."""
    blocks = [block.text for block in read_blocks(PAGE) if block.language == "cpp"]
    calls = re.findall(r"^void (\w+)\((timer& )?", "\n".join(blocks), re.MULTILINE)
    return "\n".join(
        [
            "#undef NDEBUG",
            *(f'#include "fasterapi/core/{name}.h"' for name in HEADERS),
            "#include <cassert>",
            "#include <cstdlib>",
            "#include <string>",
            "#include <thread>",
            "#include <vector>",
            "namespace fasterapi::core {",
            *blocks,
            "void run_all(timer& clock) {",
            "  static_cast<void>(clock);",
            *(f"  {name}({'clock' if with_timer else ''});" for name, with_timer in calls),
            "}",
            "}  // namespace fasterapi::core",
            "int main() { fasterapi::core::run_all(*fasterapi::core::timer::create().value()); }",
        ]
    )


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")
def test_the_examples_about_futures_do_what_they_say(tmp_path: Path) -> None:
    text = program()
    assert text.count("void ") >= 8
    source = tmp_path / "page.cc"
    source.write_text(text)
    library = [str(ROOT / "src" / "core" / f"{name}.cc") for name in SOURCES]
    folders = ["-I", str(ROOT / "include"), "-I", str(ROOT / "src")]
    launcher = [ccache] if (ccache := shutil.which("ccache")) else []
    objects = []
    for file in [str(source), *library]:
        objects.append(str(tmp_path / f"{Path(file).stem}.o"))
        command = [*launcher, "g++", *FLAGS, *folders, "-c", file, "-o", objects[-1]]
        built = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert built.returncode == 0, built.stderr
    linked = tmp_path / "page"
    subprocess.run(["g++", "-pthread", *objects, "-o", str(linked)], check=True, timeout=120)
    ran = subprocess.run(
        [str(linked)], capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "LC_ALL": "C"}
    )
    assert ran.returncode == 0, ran.stderr
