"""The virtual environments of the peers: one each, so that the packages of one never change another's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from benchmarks.harness import places
from benchmarks.harness.campaign import NotMeasured
from benchmarks.harness.server import PROJECT, Environment, Server, load_environments

__all__ = ["base_python", "install", "installed_versions", "prepare"]

INSTALL_TIMEOUT_S = 300


def base_python() -> Path:
    """The interpreter that the project's own environment was made from: peers run on the same CPython."""
    return Path(getattr(sys, "_base_executable", sys.executable))


def install(environment: Environment) -> str | None:
    """Makes the environment with exactly its packages installed; does nothing where that is already so.

    Returns None, or the reason why it could not be installed.
    """
    folder = places.ENVIRONMENTS / environment.name
    stamp = folder / "installed.json"
    wanted = json.dumps({"python": sys.version, "packages": environment.packages})
    if stamp.exists() and stamp.read_text() == wanted:
        return None
    make = [str(base_python()), "-m", "venv", "--clear", str(folder)]
    wheels = [] if environment.source else ["--only-binary", ":all:"]
    get = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in (make, [*get, *wheels, *environment.packages]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            return f"its installation did not end within {INSTALL_TIMEOUT_S} s"
        if done.returncode != 0:
            return install_failure(done.stderr)
    stamp.write_text(wanted)
    return None


def prepare(servers: list[Server], console: Console) -> tuple[list[Server], list[NotMeasured]]:
    """Installs what these servers need; returns those that can be started, and the others with the reason."""
    environments = load_environments()
    reasons: dict[str, str | None] = {"": None, PROJECT: None}
    able, refused = [], []
    for server in servers:
        name = server.environment
        if name not in reasons:
            with console.status(f"installing {', '.join(environments[name].packages)}"):
                reasons[name] = install(environments[name])
        reason = reasons[name]
        if reason is not None:
            refused.append(NotMeasured(server.name, "", f"not installed: {reason}"))
        elif not server.command:
            refused.append(NotMeasured(server.name, "", "it installs, but there is no application for it here"))
        else:
            able.append(server)
    return able, refused


def install_failure(stderr: str) -> str:
    """The line of pip's output that says why."""
    lines = [line.removeprefix("ERROR: ").strip() for line in stderr.splitlines() if line.startswith("ERROR: ")]
    for line in lines:
        if line.startswith("No matching distribution"):
            version = ".".join(map(str, sys.version_info[:2]))
            return f"no distribution for CPython {version}"
    return lines[-1] if lines else "pip failed without saying why"


def installed_versions(python: Path) -> dict[str, str]:
    """Version by package of the environment that `python` belongs to, pip itself left out."""
    script = (
        "import importlib.metadata as m, json;"
        "print(json.dumps({d.metadata['Name'].lower(): d.version for d in m.distributions()}))"
    )
    done = subprocess.run([str(python), "-c", script], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        return {}
    versions: dict[str, str] = json.loads(done.stdout)
    return {name: versions[name] for name in sorted(versions) if name != "pip"}
