from __future__ import annotations

import subprocess
import sys

import pytest

import fasterapi
from fasterapi import status
from fasterapi.exceptions import RequestValidationError, reason_phrase


@pytest.mark.parametrize("name", fasterapi.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(fasterapi, name) is not None
    assert name in dir(fasterapi)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Appp"):
        _ = fasterapi.Appp  # type: ignore[attr-defined]
    assert fasterapi.FastAPI is fasterapi.App


def test_importing_the_app_loads_nothing_that_only_the_command_line_needs() -> None:
    code = "import sys, asyncio, json; from fasterapi import App, HTTPException; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    unwanted = {"click", "rich", "pydantic", "http", "email", "urllib.parse", "tomllib", "difflib", "html", "argparse"}
    assert not unwanted & set(loaded)


def test_status_codes_by_name() -> None:
    assert status.HTTP_404_NOT_FOUND == 404
    assert status.HTTP_422_UNPROCESSABLE_ENTITY == status.HTTP_422_UNPROCESSABLE_CONTENT == 422
    assert status.WS_1000_NORMAL_CLOSURE == 1000
    for name in status.__all__:
        assert f"_{getattr(status, name)}_" in name
    assert reason_phrase(418) == "I'm a Teapot"


def test_validation_error_keeps_errors_and_body() -> None:
    error = RequestValidationError([{"type": "missing"}], body={"a": 1})
    assert error.errors() == [{"type": "missing"}]
    assert error.body == {"a": 1}
    assert str(error).startswith("1 validation error:")
