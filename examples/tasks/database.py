"""Where the tasks are kept: one SQLite file, and a connection to it for each interpreter."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from fasterapi import shared

_SCHEMA = """
CREATE TABLE IF NOT EXISTS task (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0
)
"""


@dataclass
class Task:
    id: int
    title: str
    done: bool


class TaskStore:
    """The tasks, through one connection; SQLite's own locks keep the workers out of each other's way.

    Several threads of an interpreter may use it at once: SQLite makes each statement as a whole.
    """

    def __init__(self, path: str) -> None:
        # A worker that finds the file locked waits for up to five seconds.
        # The lifespan opens it on one thread, and handlers use it on others.
        self._connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
        # SQLite does not wait where two connections set the journal's mode at once, so workers do it one by one.
        with shared.Lock("tasks.open"):
            self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(_SCHEMA)

    def close(self) -> None:
        self._connection.close()

    def add(self, title: str, done: bool) -> Task:
        # RETURNING: the connection's last row id may by now be that of another thread's task.
        added = self._connection.execute("INSERT INTO task (title, done) VALUES (?, ?) RETURNING *", (title, done))
        return _task(added.fetchone())

    def find(self, task_id: int) -> Task | None:
        row = self._connection.execute("SELECT id, title, done FROM task WHERE id = ?", (task_id,)).fetchone()
        return None if row is None else _task(row)

    def all(self, *, done: bool | None, limit: int, offset: int) -> list[Task]:
        rows = self._connection.execute(
            "SELECT id, title, done FROM task WHERE ?1 IS NULL OR done = ?1 ORDER BY id LIMIT ?2 OFFSET ?3",
            (done, limit, offset),
        )
        return [_task(row) for row in rows]

    def replace(self, task: Task) -> bool:
        """Write `task` over the one with its id; False where there is none."""
        cursor = self._connection.execute(
            "UPDATE task SET title = ?, done = ? WHERE id = ?", (task.title, task.done, task.id)
        )
        return cursor.rowcount == 1

    def remove(self, task_id: int) -> bool:
        """False where there is no such task."""
        return self._connection.execute("DELETE FROM task WHERE id = ?", (task_id,)).rowcount == 1


def _task(row: tuple[int, str, int]) -> Task:
    task_id, title, done = row
    return Task(task_id, title, bool(done))
