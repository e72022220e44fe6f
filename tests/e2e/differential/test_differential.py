"""The same text under FastAPI on uvicorn and under ours: the same requests get the same answers."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.differential.cases import Case, all_cases
from tests.e2e.differential.differences import RULES, judge, rule_for
from tests.e2e.differential.exchange import Answer, Client
from tests.e2e.differential.model_cases import model_cases
from tests.e2e.serving import STRATEGIES, Server

HERE = Path(__file__).parent
APP = HERE / "app"
MODELS_APP = HERE / "models_app"
SHOWN_PROBLEMS = 40

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("fastapi", "uvicorn")),
    reason="fastapi and uvicorn are not installed: there is nothing to compare with",
)

type Answers = dict[Case, Answer]


def result_names() -> list[str]:
    """The values that the app's handlers return, as its text names them."""
    block = (APP / "results.py").read_text().partition("VALUES = {\n")[2].partition("\n}\n")[0]
    return re.findall(r'^    "(\w+)":', block, re.MULTILINE)


def grouped(cases: Iterable[Case]) -> dict[str, list[Case]]:
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[case.group].append(case)
    return groups


CASES = grouped(all_cases(result_names()))
MODEL_CASES = grouped(model_cases())


def ask_all(client: Client, groups: dict[str, list[Case]]) -> Answers:
    return {case: client.ask(case) for cases in groups.values() for case in cases}


@contextmanager
def their_server(app: Path) -> Iterator[Client]:
    """The app as it is written, under FastAPI."""
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    command = [sys.executable, str(HERE / "peer.py")]
    with subprocess.Popen(command, cwd=app, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        client = Client(int(process.stdout.readline()))
        try:
            yield client
        finally:
            client.close()
            process.terminate()
            process.wait(30)


@contextmanager
def our_server(app: Path, folder: Path, strategy: str) -> Iterator[Client]:
    """The same text with the other package's name, under our server."""
    shutil.copytree(app, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    for source in folder.glob("*.py"):
        source.write_text(re.sub(r"\bfastapi\b", "fasterapi", source.read_text()))
    options = ("--strategy", strategy, "--workers", "2", "--log-level", "critical")
    with Server(folder / "main.py", *options, cwd=folder) as server:
        client = Client(server.port)
        yield client
        client.close()


@pytest.fixture(scope="module")
def theirs() -> Answers:
    with their_server(APP) as client:
        return ask_all(client, CASES)


@pytest.fixture(scope="module", params=STRATEGIES)
def ours(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    with our_server(APP, tmp_path_factory.mktemp("app"), request.param) as client:
        return ask_all(client, CASES)


@pytest.fixture(scope="module")
def model_answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Answers, Answers]:
    """Theirs and ours; pydantic does not load in interpreters of their own."""
    folder = tmp_path_factory.mktemp("models")
    with their_server(MODELS_APP) as theirs, our_server(MODELS_APP, folder, "processes") as ours:
        return ask_all(theirs, MODEL_CASES), ask_all(ours, MODEL_CASES)


def assert_same(cases: list[Case], theirs: Answers, ours: Answers) -> None:
    problems = [
        f"{case}\n  {'; '.join(found)}\n  theirs: {theirs[case]}\n  ours:   {ours[case]}"
        for case in cases
        if (found := judge(case, theirs[case], ours[case]))
    ]
    shown = "\n".join(problems[:SHOWN_PROBLEMS])
    assert not problems, f"{len(problems)} of {len(cases)} differ\n{shown}"


@pytest.mark.parametrize("group", sorted(CASES))
def test_answers_are_the_same(group: str, theirs: Answers, ours: Answers) -> None:
    assert_same(CASES[group], theirs, ours)


@pytest.mark.parametrize("group", sorted(MODEL_CASES))
def test_answers_about_models_are_the_same(group: str, model_answers: tuple[Answers, Answers]) -> None:
    assert_same(MODEL_CASES[group], *model_answers)


def test_every_intended_difference_occurs(theirs: Answers, ours: Answers) -> None:
    assert {rule_for(case, theirs[case], ours[case]) for case in theirs} - {None} == set(RULES)


def test_every_intended_difference_is_documented() -> None:
    text = (HERE.parents[2] / "docs" / "differences.md").read_text()
    assert set(re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE)) == set(RULES)
