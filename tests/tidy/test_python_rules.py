from __future__ import annotations

import pytest

from tests.tidy.python_rules import modules_without_contract, swallowed_exceptions, unused_private_modules
from tests.tidy.source_tree import source


def test_catches_a_module_without_contract() -> None:
    assert len(modules_without_contract([source("fasterapi/a.py", "x = 1\n")])) == 2
    assert len(modules_without_contract([source("fasterapi/a.py", '"""What."""\nx = 1\n')])) == 1
    assert modules_without_contract([source("fasterapi/a.py", '"""What."""\n__all__ = ["x"]\nx = 1\n')]) == []
    assert modules_without_contract([source("fasterapi/a.py", '"""What."""\n__all__: list[str] = []\n')]) == []


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    f()\nexcept Exception:\n    pass\n",
        "try:\n    f()\nexcept:\n    ...\n",
        "for x in y:\n    try:\n        f()\n    except (ValueError, BaseException) as error:\n        continue\n",
        "with contextlib.suppress(Exception):\n    f()\n",
    ],
)
def test_catches_a_swallowed_exception(code: str) -> None:
    assert swallowed_exceptions([source("a.py", code)])


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    f()\nexcept ValueError:\n    pass\n",
        "try:\n    f()\nexcept Exception:\n    log()\n",
        "with suppress(FileNotFoundError):\n    f()\n",
    ],
)
def test_lets_a_handled_exception_pass(code: str) -> None:
    assert swallowed_exceptions([source("a.py", code)]) == []


def test_catches_an_unused_private_module() -> None:
    module = source("fasterapi/_loop.py", "")
    assert unused_private_modules([module, source("fasterapi/app.py", "")])
    assert unused_private_modules([module, source("fasterapi/app.py", "from fasterapi import _loop\n")]) == []
    assert unused_private_modules([module, source("src/bindings/loop.cc", 'import("fasterapi._loop");\n')]) == []
