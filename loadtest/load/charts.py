"""Curves as SVG: no script, no file beside it; colours are the page's. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from loadtest.load.figures import Point, Series

WIDTH, WIDE, HEIGHT = 640, 1310, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 10, 24
TICKS = 4
COLOURS = 7
STEPS = (1, 2, 2.5, 5, 10)


def chart(title: str, series: Sequence[Series], *, seconds: float, width: int = WIDTH) -> str:
    """A figure with its title, its curves and a legend that says the highest value of each.

    It shows the first `seconds`, so that all charts of a page have the same width of time.
    """
    across = max(1.0, seconds)
    up = _nice(max((value for each in series for _, value in each.points), default=0))

    def place(point: Point) -> str:
        at, value = point
        x = LEFT + min(at, across) / across * (width - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - value / up * (HEIGHT - TOP - BOTTOM)
        return f"{x:.1f},{y:.1f}"

    curves = "".join(
        f'<polyline class="c{n % COLOURS}" points="{" ".join(map(place, each.points))}"/>'
        for n, each in enumerate(series)
    )
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg viewBox="0 0 {width} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{_grid(up, width)}{_seconds(across, width)}{curves}</svg>{_legend(series)}</figure>"
    )


def _grid(up: float, width: int) -> str:
    lines = []
    for n in range(TICKS + 1):
        y = HEIGHT - BOTTOM - n / TICKS * (HEIGHT - TOP - BOTTOM)
        lines.append(
            f'<line class="grid" x1="{LEFT}" x2="{width - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="y" x="{LEFT - 6}" y="{y + 4:.1f}">{_short(up * n / TICKS)}</text>'
        )
    return "".join(lines)


def _seconds(across: float, width: int) -> str:
    step = _nice(across / 6)
    marks = []
    for n in range(int(across / step) + 1):
        x = LEFT + n * step / across * (width - LEFT - RIGHT)
        marks.append(f'<text class="x" x="{x:.1f}" y="{HEIGHT - 6}">{n * step:g} s</text>')
    return "".join(marks)


def _legend(series: Sequence[Series]) -> str:
    items = "".join(
        f'<li><i class="c{n % COLOURS}"></i>{escape(each.name)} '
        f"<b>{_short(max((value for _, value in each.points), default=0))}</b></li>"
        for n, each in enumerate(series)
    )
    return f"<ul>{items}</ul>"


def _nice(value: float) -> float:
    """The next value that is easy to read."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in STEPS if step * power >= value * 0.999)


def _short(value: float) -> str:
    """1234567 as 1.23M."""
    for size, sign in ((1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / (1e6 if sign == 'M' else 1e3):.3g}{sign}"
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.3g}"
