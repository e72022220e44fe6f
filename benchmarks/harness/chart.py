"""The chart: one panel of bars per workload, as SVG that is readable on light and on dark pages."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

__all__ = ["Bar", "Panel", "draw_chart"]

WIDTH = 900
MARGIN = 24
COLUMN_GAP = 36
HEADER_HEIGHT = 64
TITLE_HEIGHT = 30
ROW_HEIGHT = 22
BAR_HEIGHT = 14
PANEL_GAP = 22
LABEL_WIDTH = 168
VALUE_WIDTH = 62

STYLE = """
  text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #24292f; }
  .title { font-size: 17px; font-weight: 600; }
  .panel { font-size: 13px; font-weight: 600; }
  .quiet { fill: #57606a; }
  .page { fill: #ffffff; }
  .peer { fill: #9fb1c7; }
  .limit { fill: none; stroke: #57606a; stroke-dasharray: 3 2; }
  .ours { fill: #d9480f; }
  .value-ours { font-weight: 600; fill: #b83a08; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #9aa4af; }
    .page { fill: #0d1117; }
    .peer { fill: #51657f; }
    .limit { stroke: #9aa4af; }
    .ours { fill: #ff8c4b; }
    .value-ours { fill: #ffa470; }
  }
"""


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    value: float
    kind: str  # "ours", "limit" or "peer"


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    bars: tuple[Bar, ...]

    @property
    def height(self) -> int:
        return TITLE_HEIGHT + ROW_HEIGHT * len(self.bars)


def draw_chart(title: str, subtitle: str, panels: list[Panel]) -> str:
    """An SVG document: two columns of panels, every panel with its own linear scale from zero."""
    column_width = (WIDTH - 2 * MARGIN - COLUMN_GAP) // 2
    heights = [HEADER_HEIGHT, HEADER_HEIGHT]
    body = []
    for panel in panels:
        column = 0 if heights[0] <= heights[1] else 1
        left = MARGIN + column * (column_width + COLUMN_GAP)
        body += draw_panel(panel, left, heights[column], column_width)
        heights[column] += panel.height + PANEL_GAP
    height = max(heights) + MARGIN - PANEL_GAP
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(title)}">',
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}" rx="8"/>',
        f'<text class="title" x="{MARGIN}" y="32">{escape(title)}</text>',
        f'<text class="quiet" x="{MARGIN}" y="51">{escape(subtitle)}</text>',
        *body,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def draw_panel(panel: Panel, left: int, top: int, width: int) -> list[str]:
    greatest = max((bar.value for bar in panel.bars), default=1.0)
    room = width - LABEL_WIDTH - VALUE_WIDTH
    lines = [f'<text class="panel" x="{left}" y="{top + 18}">{escape(panel.title)}</text>']
    for row, bar in enumerate(panel.bars):
        y = top + TITLE_HEIGHT + row * ROW_HEIGHT
        length = max(1.0, bar.value / greatest * room)
        x = left + LABEL_WIDTH
        number = "value-ours" if bar.kind == "ours" else "quiet"
        lines += [
            f'<text x="{x - 8}" y="{y + 11}" text-anchor="end">{escape(bar.label)}</text>',
            f'<rect class="{bar.kind}" x="{x}" y="{y}" width="{length:.1f}" height="{BAR_HEIGHT}" rx="2"/>',
            f'<text class="{number}" x="{x + length + 6:.1f}" y="{y + 11}">{bar.value:.1f}</text>',
        ]
    return lines
