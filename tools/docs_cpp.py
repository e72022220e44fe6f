"""Builds the reference of the C++ library with Doxygen into build/docs-cpp, and tells what has no contract.

A class, an enum, a macro, a function and a method that takes something must have one. Fields, operators, constructors
and methods without parameters may go by their names, under the contract of their class.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

__all__ = ["faults", "main"]

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "build" / "docs-cpp"

MEMBER = re.compile(
    r"warning: Member (?P<name>.*?) \((?P<kind>\w+)\) of (?:class|struct) (?P<of>\S+) is not documented"
)
NO_PARAMETERS = re.compile(r"^[\w~]+\((?:void)?\)")
OF_NO_INTEREST = re.compile(
    r"Internal inconsistency: scope for class std::"  # our specialisations of the standard library's templates
    r"|unable to resolve reference to '[^']*\.md'"  # pages beyond docs/cpp; tests/tidy checks the links
)


def faults(warnings: Iterable[str]) -> list[str]:
    """Those of Doxygen's warnings that count."""
    telling = (line for line in warnings if line.strip() and not OF_NO_INTEREST.search(line))
    return [line for line in telling if not _goes_by_its_name(line)]


def _goes_by_its_name(warning: str) -> bool:
    member = MEMBER.search(warning)
    if member is None:
        return False
    name, owner = member["name"], member["of"].rsplit("::", 1)[-1]
    if member["kind"] != "function":
        return member["kind"] in {"variable", "typedef"}
    return name.startswith((f"{owner}(", f"~{owner}(", "operator")) or NO_PARAMETERS.match(name) is not None


def main() -> int:
    """Builds the pages; 1 when something public has no contract."""
    if shutil.which("doxygen") is None:
        print("doxygen is not installed", file=sys.stderr)
        return 1
    OUTPUT.mkdir(parents=True, exist_ok=True)
    log = OUTPUT / "warnings.txt"
    log.unlink(missing_ok=True)
    environment = {**os.environ, "PYTHON": sys.executable}
    subprocess.run(["doxygen", "docs/cpp/Doxyfile"], cwd=ROOT, env=environment, check=True)
    found = faults(log.read_text().splitlines()) if log.exists() else []
    print("\n".join([*found, f"{OUTPUT.relative_to(ROOT)}/html/index.html: {len(found)} things without a contract"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
