"""What a reader must know of where the figures come from: machine, kernel, interpreter, commit."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

from benchmarks.harness import places

__all__ = ["commit", "describe_machine", "missing_tool"]


def describe_machine() -> dict[str, object]:
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "virtual": "hypervisor" in Path("/proc/cpuinfo").read_text(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "wrk": wrk_version(),
    }


def missing_tool(*tools: str, packages: str) -> str | None:
    """What to tell where one of these programs is not installed; None where all are. `packages` are Debian's."""
    for tool in tools:
        if shutil.which(tool) is None:
            return f"{tool} is not installed (on Debian: apt-get install {packages})"
    return None


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def wrk_version() -> str:
    done = subprocess.run(["wrk", "--version"], capture_output=True, text=True, timeout=10, check=False)
    words = (done.stdout + done.stderr).split()
    return words[1] if len(words) > 1 else "unknown"


def commit() -> dict[str, object]:
    """The commit that is checked out, and whether files that it tracks differ from it (results left out)."""
    head = git("rev-parse", "--short=12", "HEAD")
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!benchmarks/results")
    return {"commit": head or "unknown", "modified": bool(changed)}


def git(*words: str) -> str:
    command = ["git", "-C", str(places.ROOT), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
