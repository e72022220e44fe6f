"""Where our answer is meant to differ from FastAPI's. Each one is a row of docs/differences.md, by its key.

A rule looks at one request and both answers. It says None when it has nothing to do with them; otherwise what is
wrong with our answer in its light, which is nothing when the difference is just the intended one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.e2e.differential.cases import Case
from tests.e2e.differential.exchange import Answer

type Rule = Callable[[Case, Answer, Answer], list[str] | None]

IGNORED_HEADERS = frozenset({"date", "server", "connection", "keep-alive", "transfer-encoding"})
_EXPIRES = re.compile(r"expires=[A-Z][a-z]{2}, [^;]+", re.IGNORECASE)
_REQUEST_ID = re.compile(r"[0-9a-f]{8,}")


def compare(theirs: Answer, ours: Answer) -> list[str]:
    """Everything about our answer that is not as in theirs."""
    problems = []
    if ours.status != theirs.status:
        problems.append(f"status {ours.status}, not {theirs.status}")
    if ours.body != theirs.body:
        problems.append("other body")
    names = dict.fromkeys([name for name, _ in (*theirs.headers, *ours.headers)])
    for name in names.keys() - IGNORED_HEADERS:
        if _header(ours, name) != _header(theirs, name) and not (name == "content-length" and "other body" in problems):
            problems.append(f"{name}: {_header(ours, name)}, not {_header(theirs, name)}")
    return problems


def judge(case: Case, theirs: Answer, ours: Answer) -> list[str]:
    """What is wrong with our answer, intended differences aside."""
    rule = rule_for(case, theirs, ours)
    verdict = None if rule is None else RULES[rule](case, theirs, ours)
    return compare(theirs, ours) if verdict is None else verdict


def rule_for(case: Case, theirs: Answer, ours: Answer) -> str | None:
    """The name of the first rule that has something to say."""
    return next((name for name, rule in RULES.items() if rule(case, theirs, ours) is not None), None)


def _header(answer: Answer, name: str) -> str | None:
    value = answer.header(name)
    return value if value is None or name != "set-cookie" else _EXPIRES.sub("expires=(a date)", value)


def _without(answer: Answer, *names: str) -> Answer:
    return Answer(answer.status, tuple(pair for pair in answer.headers if pair[0] not in names), answer.body)


def _json(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError:
        return None


def _allowed(answer: Answer) -> set[str]:
    return {method.strip() for method in (answer.header("allow") or "").split(",")}


def union_allow(case: Case, theirs: Answer, ours: Answer) -> list[str] | None:
    if theirs.status != 405 or ours.status != 405:
        return None
    problems = compare(_without(theirs, "allow"), _without(ours, "allow"))
    if not _allowed(theirs) <= _allowed(ours):
        problems.append(f"allow: {_allowed(ours)} lacks some of {_allowed(theirs)}")
    if "GET" in _allowed(ours) and "HEAD" not in _allowed(ours):
        problems.append("allow: has GET and lacks HEAD")
    return problems


def automatic_head(case: Case, theirs: Answer, ours: Answer) -> list[str] | None:
    if case.method != "HEAD" or theirs.status != 405 or "GET" not in _allowed(theirs):
        return None
    problems = [] if ours.body == b"" else ["a HEAD response with a body"]
    if ours.status == 405:
        problems.append("no automatic HEAD")
    return problems


def server_errors(case: Case, theirs: Answer, ours: Answer) -> list[str] | None:
    if theirs.status < 500 or ours.status != theirs.status or case.method == "HEAD":
        return None
    body = _json(ours)
    if not isinstance(body, dict) or not _REQUEST_ID.fullmatch(str(body.pop("request_id", ""))):
        return ["no request_id in the body"]
    changed = ("content-length", "content-type")
    problems = compare(_without(theirs, *changed), _without(Answer(ours.status, ours.headers, theirs.body), *changed))
    if body != (_json(theirs) or {"detail": "Internal Server Error"}):
        problems.append(f"body {body}")
    if ours.header("content-type") != "application/json":
        problems.append(f"content-type: {ours.header('content-type')}")
    return problems


def bodiless_content_type(case: Case, theirs: Answer, ours: Answer) -> list[str] | None:
    if theirs.status not in (204, 304) or theirs.header("content-type") is None:
        return None
    return compare(_without(theirs, "content-type"), ours)


def non_finite_input(case: Case, theirs: Answer, ours: Answer) -> list[str] | None:
    if theirs.status != 500 or ours.status != 422 or case.body not in (b"NaN", b"Infinity", b"1E400"):
        return None
    errors = _json(ours)["detail"]
    return [] if [error["input"] for error in errors] == [None] else [f"body {errors}"]


def ascii_digits(case: Case, theirs: Answer, ours: Answer) -> list[str] | None:
    if "/decimal" not in case.target or "%D9" not in case.target or theirs.status != 200:
        return None
    return [] if _error_types(ours) == ["decimal_parsing"] else [f"status {ours.status}"]


def _error_types(answer: Answer) -> list[str]:
    return [error["type"] for error in _json(answer)["detail"]] if answer.status == 422 else []


RULES: dict[str, Rule] = {
    "union-allow": union_allow,
    "automatic-head": automatic_head,
    "server-errors": server_errors,
    "bodiless-content-type": bodiless_content_type,
    "non-finite-input": non_finite_input,
    "ascii-digits": ascii_digits,
}
