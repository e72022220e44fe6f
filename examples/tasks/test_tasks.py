"""Tests of the app through its server, the way its clients see it: two workers, one database."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server of its own, on an empty database."""
    database = tmp_path_factory.mktemp("tasks") / "tasks.db"
    server = subprocess.Popen(
        [sys.executable, "-m", "fasterapi", "run", str(Path(__file__).parent), "--port", "0", "--workers", "2"],
        env={**os.environ, "TASKS_DATABASE": str(database)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    try:
        # The stream ends, and so does the loop, when the server cannot start.
        for line in server.stderr:
            if match := re.search(r"Listening on (\S+)", line):
                break
        else:
            pytest.fail("the server did not start")
        with httpx.Client(base_url=match[1], timeout=20) as client:
            yield client
    finally:
        server.terminate()
        assert server.wait(timeout=20) == 0


def test_a_task_lives_from_creation_to_deletion(client: httpx.Client) -> None:
    created = client.post("/tasks", json={"title": "Write tests"})
    assert created.status_code == 201
    task = created.json()
    assert task == {"id": task["id"], "title": "Write tests", "done": False}

    path = f"/tasks/{task['id']}"
    assert client.get(path).json() == task
    changed = client.put(path, json={"title": "Write more tests", "done": True}).json()
    assert changed == {"id": task["id"], "title": "Write more tests", "done": True}
    assert client.get(path).json() == changed

    deleted = client.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    for method in ("GET", "DELETE"):
        missing = client.request(method, path)
        assert missing.status_code == 404
        assert missing.json() == {"detail": f"there is no task {task['id']}"}


def test_tasks_are_listed_in_pages_and_by_state(client: httpx.Client) -> None:
    ids = [client.post("/tasks", json={"title": f"task {n}", "done": n % 2 == 1}).json()["id"] for n in range(6)]
    listed = client.get("/tasks", params={"limit": 100}).json()
    assert [task["id"] for task in listed] == ids
    assert [task["title"] for task in client.get("/tasks", params={"limit": 2, "offset": 1}).json()] == [
        "task 1",
        "task 2",
    ]
    assert [task["id"] for task in client.get("/tasks", params={"done": "true"}).json()] == ids[1::2]


def test_workers_see_each_others_tasks(client: httpx.Client) -> None:
    """A connection stays with its worker, so each request here goes over a new one."""
    title = "seen by all"
    task_id = client.post("/tasks", json={"title": title}, headers={"connection": "close"}).json()["id"]
    for _ in range(8):
        assert httpx.get(f"{client.base_url}/tasks/{task_id}").json()["title"] == title


@pytest.mark.parametrize(
    ("body", "location"),
    [({}, ["body", "title"]), ({"title": 5}, ["body", "title"]), ({"title": "x", "done": "maybe"}, ["body", "done"])],
)
def test_a_task_that_makes_no_sense_is_refused(
    client: httpx.Client, body: dict[str, object], location: list[str]
) -> None:
    answer = client.post("/tasks", json=body)
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["detail"]] == [location]


def test_limits_are_checked(client: httpx.Client) -> None:
    assert client.get("/tasks", params={"limit": 101}).status_code == 422
    assert client.get("/tasks", params={"offset": -1}).status_code == 422
