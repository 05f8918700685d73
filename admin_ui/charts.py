"""Bar charts as SVG, drawn on the server: each bar says its figure and leads to its list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 640, 200  # of the drawing, which scales
LEFT, BOTTOM, TOP = 48, 22, 10
_STEPS = (1, 2, 5, 10)
_LABELS = 8  # on the time axis, at most


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its parts from the bottom up, one per series."""

    label: str  # on the axis, if there is room
    values: Sequence[int]
    title: str  # what the pointer shows
    url: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A rectangle."""

    series: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """A bar as it is drawn, and the area one points at."""

    pieces: Sequence[Piece]
    x: float
    width: float
    label: str  # "" where there is no room
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws.  `ticks` are (y, figure); `series` the names in the key."""

    title: Any  # translated lazily
    series: Sequence[Any]
    colours: Sequence[int]
    columns: Sequence[Column]
    ticks: Sequence[tuple[float, str]]
    is_empty: bool
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    base: int = HEIGHT - BOTTOM


def chart(title: Any, series: Sequence[Any], bars: Sequence[Bar], colours: Sequence[int]) -> Chart:
    """Lay a chart out; `colours` has the number of each series' colour."""
    highest = max((sum(bar.values) for bar in bars), default=0)
    step = _step(highest)
    ceiling = max(step, -(-highest // step) * step)
    room = HEIGHT - BOTTOM - TOP
    slot = (WIDTH - LEFT) / max(len(bars), 1)
    labelled = [number for number, bar in enumerate(bars) if bar.label]
    shown = set(labelled[:: -(-len(labelled) // _LABELS) or 1])
    columns = [
        Column(
            _pieces(bar, LEFT + number * slot, slot, room / ceiling, colours),
            round(LEFT + number * slot, 2),
            round(slot, 2),
            bar.label if number in shown else "",
            bar.title,
            bar.url,
        )
        for number, bar in enumerate(bars)
    ]
    ticks = [
        (round(HEIGHT - BOTTOM - value * room / ceiling, 2), _short(value))
        for value in range(0, ceiling + 1, step)
    ]
    return Chart(title, series, colours, columns, ticks, highest == 0)


def _pieces(bar: Bar, x: float, slot: float, scale: float, colours: Sequence[int]) -> list[Piece]:
    gap = min(2.0, slot * 0.2)
    y = float(HEIGHT - BOTTOM)
    pieces = []
    for colour, value in zip(colours, bar.values, strict=True):
        height = value * scale
        y -= height
        if value:
            size = (round(slot - gap, 2), round(height, 2))
            pieces.append(Piece(colour, round(x + gap / 2, 2), round(y, 2), *size))
    return pieces


def _step(highest: int) -> int:
    """Return a round distance between lines, so that there are four or so."""
    rough = max(1, highest / 4)
    power = 10 ** (len(str(int(rough))) - 1)
    return next(int(step * power) for step in _STEPS if step * power >= rough)


def _short(value: int) -> str:
    for size, sign in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:g}{sign}"
    return str(value)
