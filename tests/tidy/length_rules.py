"""How long a file and a function may be."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from tests.tidy.source_tree import Source, cpp_sources, python_sources

__all__ = ["FILE_LINES_MAX", "FUNCTION_LINES_MAX", "cpp_functions", "long_files", "long_functions"]

FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70

CODE_SUFFIXES = frozenset({".h", ".cc", ".py", ".pyi", ".cmake", ".sh", ".md", ".toml", ".txt", ""})

# Comments, literals and preprocessor lines: nothing in them opens or closes a function.
NOT_CODE = re.compile(
    r"""//[^\n]*
      | /\*.*?\*/
      | R"(?P<mark>[^()\s]{0,16})\(.*?\)(?P=mark)"
      | "(?:\\.|[^"\\\n])*"
      | (?<![0-9a-zA-Z])'(?:\\.|[^'\\\n])+'
      | ^[ \t]*\#(?:\\\n|[^\n])*""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
SCOPE = re.compile(r"^(?:\[\[[^\]]*\]\]\s*)*(?:inline\s+)?(?:namespace|class|struct|union|enum|extern)\b")
ACCESS = re.compile(r"^(?:public|private|protected)\s*:\s*")
CONTROL = re.compile(r"^(?:if|for|while|switch|else|do)\b")


def without_template(header: str) -> str:
    """Drops leading `template <…>` clauses."""
    while header.startswith("template"):
        depth = 0
        for index, character in enumerate(header):
            depth += (character == "<") - (character == ">")
            if character == ">" and depth == 0:
                header = header[index + 1 :].lstrip()
                break
        else:
            break
    return header


def opens_function(header: str) -> bool:
    """Whether a brace after these words, outside any function, opens a function's body."""
    header = without_template(ACCESS.sub("", " ".join(header.split())))
    if "(" not in header or header.endswith(("=", ",", "(", "return")) or CONTROL.match(header):
        return False
    return not (SCOPE.match(header) and not header.endswith(")"))


def cpp_functions(text: str) -> Iterator[tuple[int, int, str]]:
    """Yields first line, number of lines and the signature of each function of a C++ file."""
    code = NOT_CODE.sub(lambda match: "\n" * match[0].count("\n"), text)
    line = 1
    depth = 0
    function_depth: int | None = None
    header = ""
    header_line = 1
    signature = ""
    for character in code:
        if character == "\n":
            line += 1
        if character == "{":
            if function_depth is None and opens_function(header):
                function_depth, signature = depth, " ".join(header.split())
                started = header_line
            depth += 1
            header = ""
        elif character == "}":
            depth -= 1
            if function_depth == depth:
                yield started, line - started + 1, signature
                function_depth = None
            header = ""
        elif character == ";":
            header = ""
        else:
            if not header.strip():
                header_line = line
            header += character


def python_functions(text: str) -> Iterator[tuple[int, int, str]]:
    """Yields first line, number of lines and the name of each function; its docstring does not count."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if ast.get_docstring(node) is not None:
                lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
            yield node.lineno, lines, node.name


def long_files(tree: Iterable[Source]) -> list[str]:
    """Finds files past the limit; licence texts are as long as they are."""
    return [
        file.at(1, f"{file.text.count(chr(10))} lines; more than {FILE_LINES_MAX}: look for the second noun")
        for file in tree
        if file.path.suffix in CODE_SUFFIXES and file.path.name != "LICENSE" and file.text.count("\n") > FILE_LINES_MAX
    ]


def long_functions(tree: Iterable[Source]) -> list[str]:
    """Finds functions past the limit."""
    files = tuple(tree)
    readers = [(file, cpp_functions) for file in cpp_sources(files)]
    readers += [(file, python_functions) for file in python_sources(files)]
    return [
        file.at(number, f"{lines} lines in one function, more than {FUNCTION_LINES_MAX}: {name}")
        for file, functions in readers
        for number, lines, name in functions(file.text)
        if lines > FUNCTION_LINES_MAX
    ]
