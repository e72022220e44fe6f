"""The answer to a failed request in debug mode: the traceback, as a page for browsers and as text for others."""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Iterator
from html import escape
from types import FrameType
from typing import TYPE_CHECKING

from fasterapi._loader import format_user_traceback, is_machinery
from fasterapi.responses import HTMLResponse, PlainTextResponse, Response

if TYPE_CHECKING:
    from fasterapi.requests import Request

__all__ = ["html", "text"]

_CONTEXT_LINES = 5
_REPR_MAX_CHARS = 400
_LOCALS_MAX = 50
_CHAIN_MAX = 10
_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})

_STYLE = """
:root{--ink:#1c2128;--dim:#67707c;--line:#dfe3e8;--paper:#fff;--code:#f6f7f9;--bad:#b42318;--mark:#fdecea}
@media(prefers-color-scheme:dark){:root{--ink:#e4e7eb;--dim:#9aa4b0;--line:#353c45;--paper:#16191d;--code:#1f242a;
--bad:#ff8a7a;--mark:#43221f}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:62rem;margin:0 auto;padding:2rem 1rem}
h1{font-size:1.5rem;margin:0;color:var(--bad);overflow-wrap:anywhere}
h2{font-size:1rem;margin:2rem 0 .5rem}
.message{font-size:1.1rem;white-space:pre-wrap;overflow-wrap:anywhere;margin:.25rem 0 1rem}
.dim{color:var(--dim)}
details{border:1px solid var(--line);border-radius:.4rem;margin:.5rem 0;overflow:hidden}
summary{padding:.5rem .75rem;cursor:pointer;overflow-wrap:anywhere}
pre,code,td{font:13px/1.5 ui-monospace,monospace}
pre{margin:0;background:var(--code);padding:.5rem 0;overflow-x:auto}
pre span{display:block;padding:0 .75rem;min-width:max-content}
pre .here{background:var(--mark)}
pre i{display:inline-block;width:3.5em;color:var(--dim);font-style:normal;user-select:none}
table{border-collapse:collapse;width:100%}
td{border-top:1px solid var(--line);padding:.25rem .75rem;vertical-align:top;overflow-wrap:anywhere}
td:first-child{width:1%;white-space:nowrap;color:var(--dim)}
"""


def text(request: Request | None, exc: BaseException, *, route: str, request_id: str) -> Response:
    """The traceback as plain text, for clients that do not ask for HTML."""
    heading = f"500 Internal Server Error\nrequest_id: {request_id}\nroute: {route}\n{_request_line(request)}\n"
    return PlainTextResponse(f"{heading}\n{format_user_traceback(exc)}", status_code=500)


def html(request: Request | None, exc: BaseException, *, route: str, request_id: str) -> Response:
    """The traceback as a page of its own: each frame's code around the line, and its variables."""
    name = escape(_class_name(exc))
    sections = "".join(_exception_section(error, relation) for error, relation in _chain(exc))
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{name}: 500</title><style>{_STYLE}</style></head>
<body><main>
<p class="dim">500 Internal Server Error · {escape(route)} · request_id {escape(request_id)}</p>
{sections}
{_request_section(request)}
<h2>Traceback as text</h2>
<details><summary>Show</summary><pre>{_lines(format_user_traceback(exc))}</pre></details>
<p class="dim">Python {escape(sys.version.split()[0])} · this page is shown because debug is on.</p>
</main></body></html>
"""
    return HTMLResponse(page, status_code=500)


def _chain(exc: BaseException) -> Iterator[tuple[BaseException, str]]:
    """The exception and those before it, with how each led to the one above it."""
    error: BaseException | None = exc
    relation = ""
    seen: set[int] = set()
    while error is not None and id(error) not in seen and len(seen) < _CHAIN_MAX:
        yield error, relation
        seen.add(id(error))
        if error.__cause__ is not None:
            error, relation = error.__cause__, "caused by"
        elif not error.__suppress_context__:
            error, relation = error.__context__, "while handling"
        else:
            error = None


def _exception_section(error: BaseException, relation: str) -> str:
    intro = f'<h2 class="dim">{relation}</h2>' if relation else ""
    frames = [(frame, line) for frame, line in _frames(error) if not is_machinery(frame.f_code.co_filename)]
    shown = "".join(
        _frame_section(frame, line, is_open=place == len(frames)) for place, (frame, line) in enumerate(frames, 1)
    )
    message = escape(_safe_str(error))
    notes = "".join(f'<p class="message dim">{escape(note)}</p>' for note in getattr(error, "__notes__", ()))
    return f'{intro}<h1>{escape(_class_name(error))}</h1><p class="message">{message}</p>{notes}{shown}'


def _frames(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno or 0
        trace = trace.tb_next


def _frame_section(frame: FrameType, line: int, *, is_open: bool) -> str:
    filename = frame.f_code.co_filename
    place = f"{escape(_short(filename))}:{line}"
    code = "".join(
        f'<span class="here"><i>{number}</i>{escape(source)}</span>'
        if number == line
        else f"<span><i>{number}</i>{escape(source)}</span>"
        for number, source in _source_around(frame, line)
    )
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(_safe_repr(value))}</td></tr>"
        for name, value in list(frame.f_locals.items())[:_LOCALS_MAX]
        if not (name.startswith("__") and name.endswith("__"))
    )
    table = f"<table>{rows}</table>" if rows else ""
    where = f'<code>{escape(frame.f_code.co_qualname)}</code> <span class="dim">{place}</span>'
    return f"<details{' open' if is_open else ''}><summary>{where}</summary><pre>{code}</pre>{table}</details>"


def _source_around(frame: FrameType, line: int) -> Iterator[tuple[int, str]]:
    lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)
    first = max(1, line - _CONTEXT_LINES)
    for number in range(first, min(len(lines), line + _CONTEXT_LINES) + 1):
        yield number, lines[number - 1].rstrip("\n")


def _request_section(request: Request | None) -> str:
    if request is None:
        return ""
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{'…' if name in _SECRET_HEADERS else escape(value)}</td></tr>"
        for name, value in request.headers.items()
    )
    return f"<h2>Request</h2><p><code>{escape(_request_line(request))}</code></p><table>{rows}</table>"


def _request_line(request: Request | None) -> str:
    return "" if request is None else f"{request.method} {request.url}"


def _class_name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _safe_str(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 - the user's own __str__ may fail, and the page must come all the same
        return f"<str() raised {type(failure).__name__}>"


def _safe_repr(value: object) -> str:
    try:
        shown = repr(value)
    except Exception as failure:  # noqa: BLE001 - as in _safe_str
        return f"<repr() raised {type(failure).__name__}>"
    return shown if len(shown) <= _REPR_MAX_CHARS else f"{shown[:_REPR_MAX_CHARS]}… ({len(shown)} characters)"


def _short(filename: str) -> str:
    relative = os.path.relpath(filename) if os.path.isabs(filename) else filename
    return filename if relative.startswith("..") else relative


def _lines(shown: str) -> str:
    return "".join(f"<span>{escape(line) or ' '}</span>" for line in shown.splitlines())
