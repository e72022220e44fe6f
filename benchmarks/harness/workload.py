"""What is asked of a server, and the only answer that counts as right."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass

__all__ = ["WORKLOADS", "WORKLOAD_NAMES", "Workload", "add_workload_option", "workload_named"]

HELLO: dict[str, object] = {"message": "Hello, World!"}
ITEM: dict[str, object] = {"name": "Widget", "price": 9.5, "in_stock": True, "tags": ["blue", "small"]}
TEXT = "x" * 10240


@dataclass(frozen=True, slots=True)
class Workload:
    """One request, repeated. `answer` is a JSON value, or the whole body where `media_type` is text/plain."""

    name: str
    title: str
    path: str
    answer: object
    media_type: str = "application/json"
    method: str = "GET"
    body: bytes | None = None

    @property
    def limit_answer(self) -> object:
        """The limit answers constant bytes: the 10 KB text, or the same JSON to everything."""
        return self.answer if self.media_type == "text/plain" else HELLO


WORKLOADS = (
    Workload("def-json", "`def` returning JSON", "/def-json", HELLO),
    Workload("async-json", "`async def` returning JSON, never suspended", "/async-json", HELLO),
    Workload("sleep-json", "`async def` with one `await asyncio.sleep(0)`", "/sleep-json", HELLO),
    Workload("typed", "typed `/user/{id}?q=`", "/user/42?q=hello", {"id": 42, "q": "hello"}),
    Workload("post-json", "POST of JSON, echoed", "/item", ITEM, method="POST", body=json.dumps(ITEM).encode()),
    Workload("text-10k", "10 KB of text", "/text", TEXT, media_type="text/plain"),
)
WORKLOAD_NAMES = [workload.name for workload in WORKLOADS]


def add_workload_option(parser: argparse.ArgumentParser) -> None:
    """`--workload`, repeatable: `workload` is a list of WORKLOAD_NAMES, or None for all of them."""
    named = f"one of {', '.join(WORKLOAD_NAMES)}"
    parser.add_argument("--workload", action="append", choices=WORKLOAD_NAMES, metavar="W", help=named)


def workload_named(name: str) -> Workload:
    """Raises KeyError for a name that no workload has."""
    return {workload.name: workload for workload in WORKLOADS}[name]
