"""The C++ library as its users have it: installed, found by CMake, linked by programs with flags of their own."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.serving import INSTRUMENTED

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "debug"  # the build of the unit tests, which `make test` has made by now
STEP_S = 600
RUN_S = 60

pytestmark = [
    pytest.mark.skipif(INSTRUMENTED, reason="programs without the sanitizer cannot link an instrumented library"),
    pytest.mark.skipif(
        not sysconfig.get_config_var("Py_ENABLE_SHARED"), reason="embedding needs Python's shared library"
    ),
    pytest.mark.timeout(3 * STEP_S),
]


def run(*command: str | Path, timeout_s: float = STEP_S) -> str:
    """Runs a command to its end and returns its output; fails with it."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    ended = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=timeout_s,
    )
    assert ended.returncode == 0, f"{command}:\n{ended.stdout}"
    return ended.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the library is installed."""
    folder = tmp_path_factory.mktemp("prefix")
    run("cmake", "--preset", "debug")
    run("cmake", "--build", BUILD, "--target", "cpp")
    run("cmake", "--install", BUILD, "--component", "cpp", "--prefix", folder)
    return folder


def build(source: Path, prefix: Path, into: Path, *options: str) -> Path:
    """Configures and builds a project that uses the installed library."""
    python_root = Path(sysconfig.get_config_var("prefix"))
    run(
        "cmake", "-G", "Ninja", "-S", source, "-B", into,
        f"-DCMAKE_PREFIX_PATH={prefix}", f"-DPython_ROOT_DIR={python_root}", *options,
    )  # fmt: skip
    run("cmake", "--build", into)
    return into


@pytest.fixture(scope="module")
def programs(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the programs of examples/embed are built. Its sources see no more of ours than the prefix."""
    source = tmp_path_factory.mktemp("embed") / "source"
    shutil.copytree(ROOT / "examples" / "embed", source)
    return build(source, prefix, source.parent / "build", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")


def test_python_on_every_core(programs: Path) -> None:
    assert re.fullmatch(
        r"1229 primes below 10000, counted by \d+ interpreters\n",
        run(programs / "every_core", "10000", timeout_s=RUN_S),
    )


def test_a_coroutine_awaits_three_calls(programs: Path) -> None:
    def digest(text: str) -> str:
        made = text.encode()
        for _ in range(10_000):
            made = hashlib.sha256(made).digest()
        return made.hex()

    expected = [digest(text) for text in ("one", "two", "three")]
    assert run(programs / "three_at_once", timeout_s=RUN_S).split() == expected


@contextmanager
def serving(program: Path) -> Iterator[str]:
    """Where the server answers; it must end well when it is told to."""
    process = subprocess.Popen([program], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = process.stdout.readline()
        match = re.fullmatch(r"listening on (\S+)\n", told)
        assert match is not None, told
        yield match[1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(RUN_S) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(RUN_S)


def test_a_server_with_routes_in_both_languages(programs: Path) -> None:
    with serving(programs / "two_routes") as url, httpx.Client(base_url=url) as client:
        assert client.get("/hello/Zoë").text == "hello Zoë"
        assert client.get("/summary", params={"numbers": "1,2,6"}).json() == {"mean": 3.0, "median": 2.0}
        missing = client.get("/summary")
        assert (missing.status_code, missing.json()["detail"][0]["loc"]) == (422, ["query", "numbers"])
        assert client.get("/summary", params={"numbers": "x"}).status_code == 500
        assert client.get("/nowhere").status_code == 404


def code_blocks(page: str, language: str) -> list[str]:
    """The blocks of a page that are in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


def test_the_page_shows_a_project_that_runs(prefix: Path, tmp_path: Path) -> None:
    (project,) = code_blocks("docs/cpp/README.md", "cmake")
    (program,) = code_blocks("docs/cpp/README.md", "cpp")
    (tmp_path / "CMakeLists.txt").write_text(project)
    (tmp_path / "mine.cc").write_text(program)
    built = build(tmp_path, prefix, tmp_path / "build")
    assert run(built / "mine", timeout_s=RUN_S) == "1.41421\n"


def test_the_page_on_the_server_shows_code_that_compiles(prefix: Path, tmp_path: Path) -> None:
    (first, handlers, limits) = code_blocks("docs/cpp/server.md", "cpp")
    source = tmp_path / "shown.cc"
    source.write_text(
        f"{first}\nusing namespace fasterapi::server;\nvoid more(class server& srv) {{\n{handlers}\n}}\n"
        f"void bounded() {{\n{limits}\n}}\n"
    )
    python_headers = sysconfig.get_path("include")
    run("g++", "-std=c++20", "-fsyntax-only", "-Wall", "-I", prefix / "include", "-isystem", python_headers, source)


def test_the_part_without_python_needs_none(prefix: Path, tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(
        """
        cmake_minimum_required(VERSION 3.25)
        project(core_only LANGUAGES CXX)
        find_package(fasterapi 0.1 REQUIRED COMPONENTS core)
        add_executable(core_only core_only.cc)
        target_link_libraries(core_only PRIVATE fasterapi::core)
        """
    )
    (tmp_path / "core_only.cc").write_text(
        """
        #include <fasterapi/core/executor.h>
        #include <fasterapi/core/future.h>
        #include <fasterapi/version.h>

        #include <cstdio>
        #include <stdexcept>

        // Typeid, exceptions and a class of one's own: what the library itself is built without.
        class counting final : public fasterapi::core::executor {
         public:
          bool post(fasterapi::core::task work) noexcept override {
            ++posted;
            work();
            return true;
          }
          int posted = 0;
        };

        int main() {
          counting here;
          fasterapi::core::promise<int> made;
          auto doubled = made.get_future().then(here, [](int given) { return 2 * given; });
          made.set(21);
          fasterapi::core::executor& seen = here;
          if (dynamic_cast<counting*>(&seen) == nullptr) return 1;
          try {
            throw std::runtime_error("caught");
          } catch (const std::exception& raised) {
            std::printf("%s %d %d %s\\n", fasterapi::version, doubled.get().take(), here.posted, raised.what());
          }
        }
        """
    )
    built = build(tmp_path, prefix, tmp_path / "build", "-DCMAKE_DISABLE_FIND_PACKAGE_Python=ON")
    assert run(built / "core_only", timeout_s=RUN_S) == "0.1.0 42 1 caught\n"
