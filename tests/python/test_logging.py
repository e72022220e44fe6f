from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from fasterapi._logging import configure, error_logger, server_logger, write_unfiltered


@pytest.fixture(autouse=True)
def _restore_loggers() -> Iterator[None]:
    handlers, level, propagate = server_logger.handlers[:], server_logger.level, server_logger.propagate
    yield
    server_logger.handlers[:], server_logger.propagate = handlers, propagate
    server_logger.setLevel(level)


def _fail() -> None:
    try:
        raise LookupError("lost")
    except LookupError as error:
        error_logger.error("GET / failed", exc_info=error, extra={"request_id": "abc123"})


def test_text_lines_have_level_worker_and_request_id(capfd: pytest.CaptureFixture[str]) -> None:
    configure(level="info", form="text", worker=3)
    server_logger.info("started %s", "now")
    server_logger.debug("hidden")
    _fail()
    lines = capfd.readouterr().err.splitlines()
    assert lines[0].endswith(" INFO [worker 3] started now")
    assert lines[1].endswith(" ERROR [worker 3] GET / failed request_id=abc123")
    assert lines[-1] == "LookupError: lost"
    assert not any("hidden" in line for line in lines)


def test_json_lines_are_objects(capfd: pytest.CaptureFixture[str]) -> None:
    configure(level="warning", form="json", worker=0)
    _fail()
    server_logger.info("hidden")
    (failure,) = (json.loads(line) for line in capfd.readouterr().err.splitlines())
    assert failure["level"] == "error"
    assert failure["logger"] == "fasterapi.error"
    assert failure["request_id"] == "abc123"
    assert failure["exception"].endswith("LookupError: lost")
    assert failure["worker"] == 0


def test_an_entry_that_cannot_be_encoded_is_written_escaped(capfd: pytest.CaptureFixture[str]) -> None:
    configure(level="info", form="text")
    server_logger.info("\udcff")
    assert capfd.readouterr().err.endswith("\\udcff\n")


def test_loggers_have_the_promised_names() -> None:
    assert (server_logger.name, error_logger.name) == ("fasterapi", "fasterapi.error")
    assert error_logger.parent is server_logger


def test_what_is_unfiltered_comes_at_any_level(capfd: pytest.CaptureFixture[str]) -> None:
    configure(level="critical", form="text")
    write_unfiltered("heard")
    server_logger.error("not heard")
    assert capfd.readouterr().err.endswith(" INFO heard\n")
