"""A to-do list over HTTP: `fasterapi run examples/tasks`.

Every worker has its own interpreter, and so its own connection to the database: the lifespan opens it.
TASKS_DATABASE names the file (default: tasks.db in the current directory).
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from database import Task, TaskStore

from fasterapi import App, HTTPException, Query, status


@dataclass
class NewTask:
    title: str
    done: bool = False


@asynccontextmanager
async def lifespan(app: App) -> AsyncIterator[None]:
    app.state.tasks = TaskStore(os.environ.get("TASKS_DATABASE", "tasks.db"))
    yield
    app.state.tasks.close()


app = App(title="Tasks", lifespan=lifespan)


def _store() -> TaskStore:
    store: TaskStore = app.state.tasks
    return store


def _missing(task_id: int) -> HTTPException:
    return HTTPException(status.HTTP_404_NOT_FOUND, f"there is no task {task_id}")


@app.post("/tasks", status_code=status.HTTP_201_CREATED)
def create_task(task: NewTask) -> Task:
    return _store().add(task.title, task.done)


@app.get("/tasks")
def list_tasks(
    done: bool | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> list[Task]:
    return _store().all(done=done, limit=limit, offset=offset)


@app.get("/tasks/{task_id}")
def read_task(task_id: int) -> Task:
    task = _store().find(task_id)
    if task is None:
        raise _missing(task_id)
    return task


@app.put("/tasks/{task_id}")
def replace_task(task_id: int, task: NewTask) -> Task:
    replaced = Task(task_id, task.title, task.done)
    if not _store().replace(replaced):
        raise _missing(task_id)
    return replaced


@app.delete("/tasks/{task_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_task(task_id: int) -> None:
    if not _store().remove(task_id):
        raise _missing(task_id)


if __name__ == "__main__":
    app.run()
