"""How a Python module presents itself, and what it must not swallow."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from tests.tidy.source_tree import Source, python_sources

__all__ = ["modules_without_contract", "swallowed_exceptions", "unused_private_modules"]

CATCH_ALL = frozenset({"Exception", "BaseException"})


def modules_without_contract(tree: Iterable[Source]) -> list[str]:
    """Finds modules of the package without a docstring or without `__all__`."""
    found = []
    for file in python_sources(tree):
        if file.path.parts[0] != "fasterapi" or file.path.name == "__main__.py":
            continue
        module = ast.parse(file.text)
        if ast.get_docstring(module) is None:
            found.append(file.at(1, "a module says in a docstring what it is"))
        targets = [
            target
            for node in module.body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        ]
        if not any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            found.append(file.at(1, "a module says in __all__ what it offers"))
    return found


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """Whether a handler is bare, or names Exception or BaseException."""
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in CATCH_ALL for kind in caught)


def does_nothing(body: list[ast.stmt]) -> bool:
    """Whether the statements are only `pass`, `...` or `continue`."""
    return all(
        isinstance(node, ast.Pass | ast.Continue)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in body
    )


def swallowed_exceptions(tree: Iterable[Source]) -> list[str]:
    """Finds handlers that catch everything and do nothing about it, `contextlib.suppress(Exception)` included."""
    found = []
    for file in python_sources(tree):
        for node in ast.walk(ast.parse(file.text)):
            if isinstance(node, ast.ExceptHandler) and catches_everything(node) and does_nothing(node.body):
                found.append(file.at(node.lineno, "swallows every exception"))
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
                names = {argument.id for argument in node.args if isinstance(argument, ast.Name)}
                if names & CATCH_ALL:
                    found.append(file.at(node.lineno, "swallows every exception"))
    return found


def unused_private_modules(tree: Iterable[Source]) -> list[str]:
    """Finds `fasterapi/_x.py` that no other source of the package or the engine names."""
    files = [file for file in tree if file.path.parts[0] in {"fasterapi", "src"} and file.path.suffix != ".pyi"]
    return [
        file.at(1, "nothing uses this module")
        for file in files
        if file.path.suffix == ".py" and file.path.stem.startswith("_") and not file.path.stem.startswith("__")
        if not any(file.path.stem in other.text for other in files if other is not file)
    ]
