from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from fasterapi._logging import access_logger, configure, error_logger, log_access, server_logger


@pytest.fixture(autouse=True)
def _restore_loggers() -> Iterator[None]:
    handlers, level, propagate = server_logger.handlers[:], server_logger.level, server_logger.propagate
    access_level = access_logger.level
    yield
    server_logger.handlers[:], server_logger.propagate = handlers, propagate
    server_logger.setLevel(level)
    access_logger.setLevel(access_level)


def _fail() -> None:
    try:
        raise LookupError("lost")
    except LookupError as error:
        error_logger.error("GET / failed", exc_info=error, extra={"request_id": "abc123"})


def test_text_lines_have_level_worker_and_request_id(capfd: pytest.CaptureFixture[str]) -> None:
    configure(level="info", form="text", access_log=False, worker=3)
    server_logger.info("started %s", "now")
    server_logger.debug("hidden")
    _fail()
    lines = capfd.readouterr().err.splitlines()
    assert lines[0].endswith(" INFO [worker 3] started now")
    assert lines[1].endswith(" ERROR [worker 3] GET / failed request_id=abc123")
    assert lines[-1] == "LookupError: lost"
    assert not any("hidden" in line for line in lines)


def test_json_lines_are_objects(capfd: pytest.CaptureFixture[str]) -> None:
    configure(level="warning", form="json", access_log=True, worker=0)
    _fail()
    server_logger.info("hidden")
    log_access("127.0.0.1:1", "GET", "/a?b", "1.1", 200, 12, 0.0015)
    failure, access = (json.loads(line) for line in capfd.readouterr().err.splitlines())
    assert failure["level"] == "error"
    assert failure["logger"] == "fasterapi.error"
    assert failure["request_id"] == "abc123"
    assert failure["exception"].endswith("LookupError: lost")
    assert access["access"] == {
        "client": "127.0.0.1:1",
        "method": "GET",
        "target": "/a?b",
        "status": 200,
        "bytes": 12,
        "milliseconds": 1.5,
    }


def test_access_entries_come_only_when_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    configure(level="debug", form="text", access_log=False)
    log_access("c", "GET", "/", "1.1", 200, 1, 0.001)
    assert capfd.readouterr().err == ""
    configure(level="error", form="text", access_log=True)
    log_access("c", "GET", "/", "1.1", 200, 1, 0.001)
    assert capfd.readouterr().err.endswith('INFO c "GET / HTTP/1.1" 200 1 1.000ms\n')


def test_an_entry_that_cannot_be_encoded_is_written_escaped(capfd: pytest.CaptureFixture[str]) -> None:
    configure(level="info", form="text", access_log=False)
    server_logger.info("\udcff")
    assert capfd.readouterr().err.endswith("\\udcff\n")


def test_loggers_have_the_promised_names() -> None:
    assert [logger.name for logger in (server_logger, error_logger, access_logger)] == [
        "fasterapi",
        "fasterapi.error",
        "fasterapi.access",
    ]
    assert logging.getLogger("fasterapi.error").parent is server_logger
