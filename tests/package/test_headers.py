"""Each public header stands alone, under the compilers and flags of those who use the package, not under ours."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEADERS = sorted(str(path.relative_to(ROOT / "include")) for path in (ROOT / "include").rglob("*.h"))
FLAGS = ["-std=c++20", "-fexceptions", "-frtti", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
STATEMENT_EXPRESSIONS = "-Wno-gnu-statement-expression"  # TRY is one, which -Wpedantic tells clang to mention


def compilers() -> list[str]:
    """The names of the C++ compilers that are here: g++, and the newest clang++."""
    clang = subprocess.run([ROOT / "tools" / "find-clang"], capture_output=True, text=True, check=False).stdout.strip()
    return [name for name in ("g++", clang) if name and shutil.which(name)]


@pytest.mark.parametrize("compiler", compilers(), ids=lambda path: Path(path).name)
@pytest.mark.parametrize("header", HEADERS)
def test_a_public_header_compiles_on_its_own(compiler: str, header: str, tmp_path: Path) -> None:
    source = tmp_path / "alone.cc"
    source.write_text(f'#include "{header}"\n#include "{header}"\n')
    # As system headers our own would be exempt from warnings; CPython's are.
    folders = ["-I", str(ROOT / "include"), "-isystem", sysconfig.get_path("include")]
    own = [STATEMENT_EXPRESSIONS] if "clang" in compiler else []
    built = subprocess.run(
        [compiler, *FLAGS, *own, *folders, str(source)], capture_output=True, text=True, check=False, timeout=120
    )
    assert built.returncode == 0, built.stderr


def test_headers_were_found() -> None:
    assert "fasterapi/version.h" in HEADERS
