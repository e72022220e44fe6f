"""One app under FastAPI on uvicorn and under ours: the same requests get the same answers."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.differential.cases import Case, all_cases
from tests.e2e.differential.differences import RULES, judge, rule_for
from tests.e2e.differential.exchange import Answer, Client
from tests.e2e.serving import STRATEGIES, Server

HERE = Path(__file__).parent
APP = HERE / "app"
SHOWN_PROBLEMS = 40

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("fastapi", "uvicorn")),
    reason="fastapi and uvicorn are not installed: there is nothing to compare with",
)


def result_names() -> list[str]:
    """The values that the app's handlers return, as its text names them."""
    block = (APP / "results.py").read_text().partition("VALUES = {\n")[2].partition("\n}\n")[0]
    return re.findall(r'^    "(\w+)":', block, re.MULTILINE)


def grouped() -> dict[str, list[Case]]:
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in all_cases(result_names()):
        groups[case.group].append(case)
    return groups


GROUPS = grouped()


@pytest.fixture(scope="module")
def theirs() -> Iterator[Client]:
    """The app as it is written, under FastAPI."""
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    command = [sys.executable, str(HERE / "peer.py")]
    with subprocess.Popen(command, cwd=APP, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        client = Client(int(process.stdout.readline()))
        try:
            yield client
        finally:
            client.close()
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def answers(theirs: Client) -> dict[Case, Answer]:
    """What FastAPI says to every case."""
    return {case: theirs.ask(case) for cases in GROUPS.values() for case in cases}


@pytest.fixture(scope="module", params=STRATEGIES)
def ours(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[Case, Answer]:
    """What our server says to every case, running the same text with the other package's name."""
    folder = tmp_path_factory.mktemp("app")
    shutil.copytree(APP, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    for source in folder.glob("*.py"):
        source.write_text(re.sub(r"\bfastapi\b", "fasterapi", source.read_text()))
    options = ("--strategy", request.param, "--workers", "2", "--log-level", "critical")
    with Server(folder / "main.py", *options, cwd=folder) as server:
        client = Client(server.port)
        answers = {case: client.ask(case) for cases in GROUPS.values() for case in cases}
        client.close()
    return answers


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_answers_are_the_same(group: str, answers: dict[Case, Answer], ours: dict[Case, Answer]) -> None:
    problems = []
    for case in GROUPS[group]:
        expected, got = answers[case], ours[case]
        if found := judge(case, expected, got):
            problems.append(f"{case}\n  {'; '.join(found)}\n  theirs: {expected}\n  ours:   {got}")
    shown = "\n".join(problems[:SHOWN_PROBLEMS])
    assert not problems, f"{len(problems)} of {len(GROUPS[group])} differ\n{shown}"


def test_every_intended_difference_occurs(answers: dict[Case, Answer], ours: dict[Case, Answer]) -> None:
    assert {rule_for(case, answers[case], ours[case]) for case in answers} - {None} == set(RULES)


def test_every_intended_difference_is_documented() -> None:
    text = (HERE.parents[2] / "docs" / "differences.md").read_text()
    assert set(re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE)) == set(RULES)
