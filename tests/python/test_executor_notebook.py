"""The executor in a notebook's kernel; needs ipykernel and nbclient."""

from __future__ import annotations

import textwrap

import pytest

from tests.marks import OWN_GIL

pytestmark = OWN_GIL

CELLS = [
    """
    from dataclasses import dataclass
    from fasterapi import SubinterpreterExecutor, parallel_map

    executor = SubinterpreterExecutor(2)
    factor = 3

    @dataclass
    class Point:
        x: int

    def inner(x): return x * factor
    def outer(x): return inner(x) + 1

    print(executor.submit(outer, 2).result(), list(executor.map(lambda x: outer(x), range(3))))
    """,
    """
    def inner(x): return x * 100

    print(executor.submit(outer, 2).result())
    """,
    """
    print(executor.submit(lambda point: Point(point.x + 1), Point(1)).result(), parallel_map(outer, [1, 2], workers=1))
    """,
    """
    import asyncio
    print(await asyncio.wrap_future(executor.submit(outer, 1)))
    executor.shutdown()
    """,
]


def test_cells_send_functions_and_classes() -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    cells = [nbformat.v4.new_code_cell(textwrap.dedent(cell)) for cell in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    said = ["".join(output.get("text", "") for output in cell.outputs if output.name == "stdout") for cell in cells]
    assert said == ["7 [1, 4, 7]\n", "201\n", "Point(x=2) [101, 201]\n", "101\n"]
