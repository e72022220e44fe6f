"""The files that hold the figures: JSON, one raw run per line, so that two results can be compared line by line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["Document", "read_result", "write_result"]

Document = dict[str, Any]


def write_result(path: Path, document: Document) -> None:
    """Replaces `path` at once, so that a reader never sees half a file."""
    members = [f" {json.dumps(name)}: {write_member(value)}" for name, value in document.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text("{\n" + ",\n".join(members) + "\n}\n")
    fresh.replace(path)


def write_member(value: object) -> str:
    if isinstance(value, list):
        return "[\n" + ",\n".join(f"  {json.dumps(item)}" for item in value) + "\n ]" if value else "[]"
    if isinstance(value, dict) and value:
        return "{\n" + ",\n".join(f"  {json.dumps(key)}: {json.dumps(item)}" for key, item in value.items()) + "\n }"
    return json.dumps(value)


def read_result(path: Path) -> Document:
    """Raises FileNotFoundError where it was not measured, ValueError where it is no JSON."""
    document: Document = json.loads(path.read_text())
    return document
