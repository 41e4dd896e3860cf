"""SVG by hand: a sheet with a time axis, a value axis, and the few marks that the pictures need.

Coordinates are CSS pixels of a sheet 720 wide, which fills an A4 page between its margins. Colours and patterns are
classes of the page's style sheet, so that one place decides how a fault looks on paper that knows black alone.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

from hal.clock import Millis

WIDTH = 720
LEFT, RIGHT = 58, WIDTH - 14
"""Where the axes of most pictures begin and end."""
MINUTE_MS: Millis = 60_000
HOUR_MS: Millis = 60 * MINUTE_MS
HALF_LETTER = 3.1
"""Half the width of an average letter at the size of the labels."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A question, its answer, and what shows it."""

    question: str
    answer: str
    svg: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from `low` to `high` on pixels from `start` to `stop`, evenly; or evenly in their logarithms."""

    low: float
    high: float
    start: float
    stop: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        if self.logarithmic:
            value, low, high = (math.log(max(one, 1)) for one in (value, self.low, self.high))
        else:
            low, high = self.low, self.high
        share = (value - low) / (high - low) if high > low else 0.0
        return self.start + share * (self.stop - self.start)

    def within(self, value: float) -> float:
        """The pixel of a value, or of the end of the scale beyond which it lies."""
        return self(min(max(value, self.low), self.high))


@dataclass(slots=True)
class Sheet:
    """A picture in the making."""

    height: float
    about: str
    """What it shows, for those who cannot see it."""
    _marks: list[str] = field(default_factory=list)

    def line(self, x1: float, y1: float, x2: float, y2: float, style: str) -> None:
        self._marks.append(f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def box(self, x: float, y: float, width: float, height: float, style: str, hint: str = "") -> None:
        self._mark(
            f'rect class="{style}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"',
            "rect", hint,
        )  # fmt: skip

    def dot(self, x: float, y: float, radius: float, style: str, hint: str = "") -> None:
        self._mark(f'circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"', "circle", hint)

    def path(self, points: Sequence[tuple[float, float]], style: str, *, closed: bool = False) -> None:
        told = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        kind = "polygon" if closed else "polyline"
        self._marks.append(f'<{kind} class="{style}" points="{told}"/>')

    def text(self, x: float, y: float, text: str, style: str = "", anchor: str = "start") -> None:
        self._marks.append(
            f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def _mark(self, opening: str, kind: str, hint: str) -> None:
        self._marks.append(f"<{opening}><title>{escape(hint)}</title></{kind}>" if hint else f"<{opening}/>")

    def key(self, entries: Sequence[tuple[str, str]], x: float, y: float) -> None:
        """What each fill stands for, one beside the other."""
        for style, text in entries:
            self.box(x, y - 8, 14, 9, style)
            self.text(x + 19, y, text, "soft")
            x += 19 + 2 * HALF_LETTER * len(text) + 18

    @property
    def svg(self) -> str:
        marks = "\n".join(self._marks)
        return (
            f'<svg viewBox="0 0 {WIDTH} {self.height:.0f}" role="img" aria-label="{escape(self.about)}" '
            f'xmlns="http://www.w3.org/2000/svg">\n{marks}\n</svg>'
        )


def time_axis(
    sheet: Sheet, scale: Scale, top: float, bottom: float, clock: Callable[[float], str], label: str
) -> None:
    """Full hours, as many as have room, and what they are at the end."""
    hours = max(1.0, (scale.high - scale.low) / HOUR_MS)
    room = (scale.stop - scale.start) / hours
    step = next((step for step in (0.25, 0.5, 1, 2, 3, 6) if room * step >= 46), 12) * HOUR_MS
    at = math.ceil(scale.low / step) * step
    while at <= scale.high + 1:
        x = scale(at)
        sheet.line(x, top, x, bottom, "grid")
        sheet.text(x, bottom + 14, clock(at), "tick", "middle")
        at += step
    sheet.line(scale.start, bottom, scale.stop, bottom, "axis")
    if label:
        sheet.text(scale.stop, bottom + 27, label, "soft", "end")


def value_axis(
    sheet: Sheet, scale: Scale, left: float, right: float, told: Callable[[float], str], step: float, label: str
) -> None:
    """Horizontal lines at whole steps; the label stands above the axis, as it is read."""
    at = math.ceil(scale.low / step) * step
    while at <= scale.high + step / 1000:
        y = scale(at)
        sheet.line(left, y, right, y, "axis" if at == 0 else "grid")
        sheet.text(left - 6, y + 4, told(at), "tick", "end")
        at += step
    sheet.text(left, scale.stop - 9, label, "soft")


def nice_step(most: float, lines: int, steps: Sequence[float] = ()) -> float:
    """A round step that gives at most `lines` lines up to `most`; one of `steps` if one is long enough."""
    for step in steps:
        if most / step <= lines:
            return step
    base = 10.0 ** math.floor(math.log10(max(most / lines, 1)))
    return next(base * part for part in (1, 2, 5, 10) if most / (base * part) <= lines)


DURATION_STEPS = [
    seconds * 1000.0 for seconds in (10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600)
]
"""Steps of a duration axis, in milliseconds."""
