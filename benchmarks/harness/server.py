"""The servers that can be measured: the entries of servers.toml."""

from __future__ import annotations

import os
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.harness import places
from benchmarks.harness.workload import Workload

__all__ = ["Environment", "Server", "load_environments", "load_servers"]

PROJECT = "project"


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment of peers. Wheels only, unless `source`: building one takes minutes and a compiler."""

    name: str
    packages: tuple[str, ...]
    source: bool


@dataclass(frozen=True, slots=True)
class Server:
    """One entry. `environment` is "" for a server without Python, "project" for the project's own .venv."""

    name: str
    label: str
    about: str
    environment: str
    command: tuple[str, ...]
    commands: dict[str, tuple[str, ...]]  # by workload, where it is not `command`
    workloads: tuple[str, ...]
    notes: dict[str, str]  # by workload
    memory: bool

    @classmethod
    def of_app(cls, app: Path, *options: str, name: str, label: str) -> Self:
        """The project's own server of one app, which is in no list of servers."""
        words = ("run", str(app), "--port", "{port}", "--workers", "{workers}", *options)
        return cls(
            name=name,
            label=label,
            about="",
            environment=PROJECT,
            command=("{python}", "-m", "fasterapi", *words),
            commands={},
            workloads=(),
            notes={},
            memory=False,
        )

    @property
    def python(self) -> Path:
        """The interpreter of its environment; BENCH_PYTHON names another one for the project's own servers."""
        if self.environment == PROJECT:
            return Path(os.environ.get("BENCH_PYTHON") or Path(sys.prefix) / "bin" / "python")
        return places.ENVIRONMENTS / self.environment / "bin" / "python"

    def command_line(self, *, port: int, workers: int = 1, workload: Workload | None = None) -> list[str]:
        """The words to execute, with every placeholder filled in."""
        words = self.command if workload is None else self.commands.get(workload.name, self.command)
        values = {
            "python": str(self.python),
            "bin": str(self.python.parent),
            "apps": str(places.APPS),
            "limit": str(places.LIMIT),
            "port": str(port),
            "workers": str(workers),
        }
        return [word.format_map(values) for word in words]


def load_servers(path: Path = places.SERVERS) -> dict[str, Server]:
    """Every entry by name, in the order of the file."""
    with path.open("rb") as file:
        document = tomllib.load(file)
    servers = {}
    for name, entry in document["server"].items():
        servers[name] = Server(
            name=name,
            label=entry["label"],
            about=entry.get("about", ""),
            environment=entry.get("environment", ""),
            command=tuple(entry["command"]),
            commands={workload: tuple(words) for workload, words in entry.get("commands", {}).items()},
            workloads=tuple(entry["workloads"]),
            notes=dict(entry.get("notes", {})),
            memory=bool(entry.get("memory", False)),
        )
    return servers


def load_environments(path: Path = places.SERVERS) -> dict[str, Environment]:
    """Every environment by name, with its packages pinned."""
    with path.open("rb") as file:
        document = tomllib.load(file)
    return {
        name: Environment(name, tuple(entry["packages"]), bool(entry.get("source", False)))
        for name, entry in document["environment"].items()
    }
