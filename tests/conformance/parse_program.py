"""Runs the engine's byte machines, without a server, on many inputs at once."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["parse_all"]

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "debug"


@cache
def program() -> Path:
    """Builds the program where `make test` has not done so already, and returns its path."""
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["cmake", "--preset", "debug"], cwd=ROOT, check=True, capture_output=True, timeout=120)
    build = ["cmake", "--build", str(BUILD), "--target", "fasterapi_parse"]
    subprocess.run(build, check=True, capture_output=True, timeout=600)
    return BUILD / "tests" / "conformance" / "fasterapi_parse"


def parse_all(what: str, inputs: Iterable[bytes]) -> list[Any]:
    """Feeds each input to one machine ("request", "query", "cookies" or "path"); returns what it made of each."""
    records = b"".join(struct.pack("<I", len(each)) + each for each in inputs)
    done = subprocess.run([str(program()), what], input=records, capture_output=True, check=True, timeout=100)
    return [json.loads(line) for line in done.stdout.splitlines()]
