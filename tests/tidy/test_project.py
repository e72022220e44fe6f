from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from tests.tidy import build_rules, include_rules, length_rules, link_rules, python_rules, text_rules
from tests.tidy.source_tree import Source, read_tree

RULES: list[Callable[[Iterable[Source]], list[str]]] = [
    getattr(module, name)
    for module in (build_rules, include_rules, length_rules, link_rules, python_rules, text_rules)
    for name in module.__all__
    if callable(getattr(module, name)) and name != "cpp_functions"
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_project_keeps(rule: Callable[[Iterable[Source]], list[str]]) -> None:
    findings = rule(read_tree())
    assert not findings, "\n" + "\n".join(findings)
