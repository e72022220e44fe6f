"""Which worker the running code belongs to."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fasterapi.applications import Worker

__all__ = ["current_worker"]

# Set where several workers share an interpreter, in the context of each one's thread; else there is nothing to tell.
current_worker: ContextVar[Worker] = ContextVar("current_worker")
