"""What the workers of one interpreter do for each other."""

from __future__ import annotations

import asyncio
import threading

import pytest

from fasterapi import App
from fasterapi._household import Household, begin, household

_PATIENCE_S = 20.0


def _in_thread(run: object) -> threading.Thread:
    thread = threading.Thread(target=run, daemon=True)  # type: ignore[arg-type]
    thread.start()
    return thread


def test_the_others_wait_for_the_app() -> None:
    home = Household(3)
    app = App()
    routes = app.compile_routes()
    seen: list[object] = []
    waiting = [_in_thread(lambda: seen.append(home.wait_until_open())) for _ in range(2)]
    home.open(app, routes)
    for thread in waiting:
        thread.join(_PATIENCE_S)
    assert seen == [(app, routes)] * 2


def test_the_others_go_home_where_the_app_does_not_start() -> None:
    home = Household(2)
    seen: list[object] = []
    waiting = _in_thread(lambda: seen.append(home.wait_until_open()))
    home.close()
    waiting.join(_PATIENCE_S)
    assert seen == [None]
    assert home.wait_until_open() is None


@pytest.mark.parametrize("early", [0, 1, 2])
def test_the_first_waits_for_all_others(early: int) -> None:
    home = Household(3)
    for _ in range(early):
        home.leave()
    left = 2 - early

    async def keep_house() -> None:
        waiting = asyncio.create_task(home.others_left())
        await asyncio.sleep(0)
        for remaining in range(left, 0, -1):
            assert not waiting.done(), remaining
            _in_thread(home.leave).join(_PATIENCE_S)
        await asyncio.wait_for(waiting, _PATIENCE_S)

    asyncio.run(keep_house())


def test_there_is_one_for_the_workers_to_come() -> None:
    app = App()
    begin(2, app)
    assert household().app is app
    begin(2, None)
    assert household().app is None
