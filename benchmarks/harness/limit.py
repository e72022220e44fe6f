"""The programs in C++ that measure, built with the flags of the engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.harness import places

__all__ = ["build_limit", "build_program", "compiler_version"]

BUILD_TIMEOUT_S = 300


def build_limit() -> None:
    """Builds the limit where it is out of date. Raises RuntimeError with what the build said where it fails."""
    build_program("limit")


def build_program(target: str) -> None:
    """Builds a target of benchmarks/CMakeLists.txt. Raises RuntimeError with what the build said where it fails."""
    # The project's environment brings its own cmake and ninja where the system has none.
    environment = {**os.environ, "PATH": f"{Path(sys.prefix) / 'bin'}:{os.environ.get('PATH', '')}"}
    commands = [["cmake", "--build", str(places.RELEASE), "--target", target]]
    if not (places.RELEASE / "build.ninja").exists():
        commands.insert(0, ["cmake", "--preset", "release"])
    for command in commands:
        done = subprocess.run(
            command,
            cwd=places.ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BUILD_TIMEOUT_S,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{target} was not built:\n{done.stdout[-2000:]}")


def compiler_version() -> str:
    """Name and version of the compiler that built them, as CMake found it."""
    names = {}
    for path in places.RELEASE.glob("CMakeFiles/*/CMakeCXXCompiler.cmake"):
        for line in path.read_text().splitlines():
            words = line.removeprefix("set(").rstrip(")").split(maxsplit=1)
            if len(words) == 2:
                names[words[0]] = words[1].strip('"')
    return f"{names.get('CMAKE_CXX_COMPILER_ID', 'unknown')} {names.get('CMAKE_CXX_COMPILER_VERSION', '')}".strip()
