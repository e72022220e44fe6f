from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks.harness.chart import Bar, Panel, draw_chart
from benchmarks.harness.figures import Run, summarize
from benchmarks.harness.render import render_text
from benchmarks.harness.result import read_result, write_result
from benchmarks.harness.server import load_servers

TEXT = "before\n<!-- figures: cpu-summary -->\nstale\n<!-- end of figures -->\nafter\n"


def write_figures(folder: Path) -> None:
    def run(server: str, cpu_us: float) -> Run:
        return Run(1, "post-json", server, 1000, 1.0, int(cpu_us * 1e6), 100, 900, 0, 0.0, 0.0, 4.0)

    summaries = summarize([run("robyn", 40.0), run("ours", 6.25), run("limit", 4.0)])
    document = {"kind": "cpu-per-request", "summary": [summary.as_json() for summary in summaries]}
    write_result(folder / "cpu_per_request.json", document)


def test_a_block_is_replaced_and_the_rest_kept(tmp_path: Path) -> None:
    write_figures(tmp_path)
    rendered = render_text(TEXT, tmp_path, load_servers(), tmp_path)
    assert rendered.startswith("before\n<!-- figures: cpu-summary -->\n| µs of CPU per request | POST JSON |\n")
    assert rendered.endswith("<!-- end of figures -->\nafter\n")
    assert "stale" not in rendered
    assert render_text(rendered, tmp_path, load_servers(), tmp_path) == rendered


def test_ours_stands_after_the_limit_in_bold_and_unvalidated_is_marked(tmp_path: Path) -> None:
    write_figures(tmp_path)
    lines = render_text(TEXT, tmp_path, load_servers(), tmp_path).splitlines()
    start = lines.index("<!-- figures: cpu-summary -->")
    rows = lines[start + 3 : start + 6]
    assert rows == ["| limit | 4.0 |", "| **FasterAPI** | **6.2** |", "| Robyn | 40.0 ᵘ |"]


def test_the_chart_is_found_from_the_document(tmp_path: Path) -> None:
    write_figures(tmp_path / "results")
    text = TEXT.replace("cpu-summary", "cpu-chart")
    rendered = render_text(text, tmp_path / "results", load_servers(), tmp_path / "docs")
    assert "](../results/cpu_per_request.svg)" in rendered


def test_a_missing_result_is_said(tmp_path: Path) -> None:
    assert "No result is kept of this." in render_text(TEXT, tmp_path, load_servers(), tmp_path)


def test_an_unknown_block_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        render_text(TEXT.replace("cpu-summary", "no-such-block"), tmp_path, load_servers(), tmp_path)


def test_a_result_reads_back_as_it_was_written(tmp_path: Path) -> None:
    document = {"kind": "x", "machine": {"cores": 2}, "runs": [{"round": 1}, {"round": 2}], "nothing": []}
    write_result(tmp_path / "x.json", document)
    assert read_result(tmp_path / "x.json") == document
    assert (tmp_path / "x.json").read_text().count("\n") >= 8


def test_the_chart_is_well_formed_and_its_bars_are_to_scale() -> None:
    panel = Panel("a < b", (Bar("limit", 2.0, "limit"), Bar("FasterAPI", 4.0, "ours"), Bar("p & q", 8.0, "peer")))
    svg = ET.fromstring(draw_chart("CPU", "less is better", [panel, panel]))
    space = {"svg": "http://www.w3.org/2000/svg"}
    widths = [float(bar.attrib["width"]) for bar in svg.findall("svg:rect", space) if bar.get("class") != "page"]
    assert widths[:3] == [pytest.approx(widths[2] / 4, abs=0.1), pytest.approx(widths[2] / 2, abs=0.1), widths[2]]
    assert len(widths) == 6
    style = svg.find("svg:style", space)
    assert style is not None
    assert "prefers-color-scheme: dark" in (style.text or "")
