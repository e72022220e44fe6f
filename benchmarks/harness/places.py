"""Where things are in this repository."""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "APPS",
    "BENCHMARKS",
    "CACHE",
    "ENVIRONMENTS",
    "EVENTS",
    "LIMIT",
    "LOAD_SCRIPT",
    "LOGS",
    "RELEASE",
    "RESULTS",
    "ROOT",
    "SERVERS",
    "SLOW",
    "TRAFFIC",
]

BENCHMARKS = Path(__file__).resolve().parents[1]
ROOT = BENCHMARKS.parent
APPS = BENCHMARKS / "apps"
SERVERS = BENCHMARKS / "servers.toml"
LOAD_SCRIPT = BENCHMARKS / "load" / "report.lua"
RESULTS = BENCHMARKS / "results"

CACHE = ROOT / ".cache" / "bench"
LOGS = CACHE / "logs"
ENVIRONMENTS = ROOT / ".cache" / "bench-venv"

RELEASE = ROOT / "build" / "release"
LIMIT = RELEASE / "benchmarks" / "limit"
EVENTS = RELEASE / "benchmarks" / "events"
TRAFFIC = RELEASE / "benchmarks" / "traffic"
SLOW = RELEASE / "benchmarks" / "slow"
