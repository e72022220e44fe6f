"""The server that raw requests go to, one for all of them per strategy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.h1_requests import APP
from tests.e2e.serving import STRATEGIES, Server


@pytest.fixture(scope="session", params=STRATEGIES)
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server of APP with one worker."""
    folder = tmp_path_factory.mktemp("conformance")
    app = folder / "app.py"
    app.write_text(APP)
    with Server(app, "--strategy", request.param, "--workers", "1", cwd=folder) as server:
        yield server.port
