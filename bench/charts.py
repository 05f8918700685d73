"""Line charts as SVG: small, readable in light and dark, made without a library."""

from collections.abc import Iterator, Sequence
from html import escape
from math import log10
from typing import NamedTuple

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 40, 50
STEPS = 4  # of the x axis
LABEL_STEP = 14
COLOURS = ("#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed")


class Line(NamedTuple):
    """A named line through points, in the order of x."""

    name: str
    points: Sequence[tuple[float, float]]


def chart(title: str, x_name: str, y_name: str, lines: Sequence[Line]) -> str:
    """Return an SVG with a linear x axis from 0 and a logarithmic y axis over whole decades."""
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points if y > 0]
    low, high = _decades(min(ys), max(ys))
    right = STEPS * _round_up(max(xs) / STEPS)

    def at(x: float, y: float) -> tuple[float, float]:
        along = x / right * (WIDTH - LEFT - RIGHT)
        up = (log10(max(y, 10.0**low)) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)
        return round(LEFT + along, 1), round(HEIGHT - BOTTOM - up, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _text(LEFT, 22, title, 'font-size="14" font-weight="600"'),
        _text(LEFT, HEIGHT - 12, x_name),
        _text(8, TOP - 6, y_name),
    ]
    for decade in range(low, high + 1):
        x, y = at(0, 10.0**decade)
        parts.append(f'<path d="M{x} {y}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 8, y + 4, f"{10.0**decade:g}", 'text-anchor="end"'))
    for step in range(STEPS + 1):
        x, y = at(right * step / STEPS, 10.0**low)
        parts.append(_text(x, y + 18, f"{right * step / STEPS:,.0f}", 'text-anchor="middle"'))
    label_y = float(HEIGHT)
    coloured = zip(COLOURS, lines, strict=False)
    for colour, line in sorted(coloured, key=lambda pair: pair[1].points[-1][1]):
        places = [at(*point) for point in line.points]
        label_y = min(places[-1][1] + 4, label_y - LABEL_STEP)  # upwards, never one on another
        parts += _drawn(line, places, colour, label_y)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _drawn(
    line: Line, places: Sequence[tuple[float, float]], colour: str, label_y: float
) -> Iterator[str]:
    path = "L".join(f"{x} {y}" for x, y in places)
    yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y in places:
        yield f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>'
    yield _text(places[-1][0] + 8, label_y, line.name, f'style="fill:{colour}"')


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x}" y="{y}" fill="#333" {more}>{escape(text)}</text>'


def _round_up(number: float) -> float:
    """Return the next number of one or two digits that is as good to read."""
    unit = 10.0 ** (log10(number) // 1) / 2 if number > 0 else 1.0
    return -(-number // unit) * unit


def _decades(least: float, most: float) -> tuple[int, int]:
    low = int(log10(least) // 1)
    high = int(-(-log10(most) // 1))
    return low, max(high, low + 1)
