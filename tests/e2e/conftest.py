"""The real server, started as its users start it, under each strategy."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from tests.e2e.serving import STRATEGIES, Server

__all__ = ["Serve", "module_serve", "serve", "strategy"]

type Serve = Callable[..., Server]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests that use these run once for each of STRATEGIES: their module's, where it has its own."""
    chosen = {mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")}
    for name in ("strategy", "module_serve"):
        if name in metafunc.fixturenames and name not in chosen:
            metafunc.parametrize(name, getattr(metafunc.module, "STRATEGIES", STRATEGIES), indirect=True)


@pytest.fixture
def strategy(request: pytest.FixtureRequest) -> str:
    """The strategy that this run of the test is about."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def module_serve(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """Like `serve`, for a server that all tests of a module share."""

    def make(source: str, *options: str, env: dict[str, str] | None = None) -> Server:
        directory = tmp_path_factory.mktemp("app")
        app = directory / "app.py"
        app.write_text(dedent(source))
        return Server(app, "--strategy", request.param, *options, cwd=directory, env=env)

    return make


@pytest.fixture
def serve(strategy: str, tmp_path: Path) -> Serve:
    """Makes a server of an app's source text: `with serve(SOURCE, "--workers", "2") as server:`."""

    def make(source: str, *options: str, env: dict[str, str] | None = None) -> Server:
        app = tmp_path / "app.py"
        app.write_text(dedent(source))
        return Server(app, "--strategy", strategy, *options, cwd=tmp_path, env=env)

    return make
