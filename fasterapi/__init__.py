"""A C++ web server for Python: FastAPI-style handlers on every core of one process.

>>> from fasterapi import App
>>> app = App()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fasterapi import shared, status
    from fasterapi.applications import App, FastAPI
    from fasterapi.exceptions import HTTPException, RequestTimeout
    from fasterapi.executor import RemoteError, SubinterpreterExecutor, parallel_map, run_in_worker
    from fasterapi.param_functions import Body, Cookie, Header, Path, Query
    from fasterapi.requests import Request
    from fasterapi.responses import (
        HTMLResponse,
        JSONResponse,
        PlainTextResponse,
        RedirectResponse,
        Response,
    )
    from fasterapi.routing import APIRouter

__all__ = [
    "APIRouter",
    "App",
    "Body",
    "Cookie",
    "FastAPI",
    "HTMLResponse",
    "HTTPException",
    "Header",
    "JSONResponse",
    "Path",
    "PlainTextResponse",
    "Query",
    "RedirectResponse",
    "RemoteError",
    "Request",
    "RequestTimeout",
    "Response",
    "SubinterpreterExecutor",
    "parallel_map",
    "run_in_worker",
    "shared",
    "status",
]

__version__ = "0.1.0"

_HOMES = {
    "APIRouter": "routing",
    "App": "applications",
    "Body": "param_functions",
    "Cookie": "param_functions",
    "FastAPI": "applications",
    "HTMLResponse": "responses",
    "HTTPException": "exceptions",
    "Header": "param_functions",
    "JSONResponse": "responses",
    "Path": "param_functions",
    "PlainTextResponse": "responses",
    "Query": "param_functions",
    "RedirectResponse": "responses",
    "RemoteError": "executor",
    "Request": "requests",
    "RequestTimeout": "exceptions",
    "Response": "responses",
    "SubinterpreterExecutor": "executor",
    "parallel_map": "executor",
    "run_in_worker": "executor",
    "shared": "shared",
    "status": "status",
}


def __getattr__(name: str) -> Any:
    # Every worker imports this package when it starts, so it loads what the app asks for and no more.
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f"{__name__}.{home}")
    value = module if name == home else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
