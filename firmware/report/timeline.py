"""What was out of the ordinary, on one time line: a row for each thing, a bar while it lasted, a mark at a moment."""

from collections import defaultdict
from dataclasses import dataclass, field

from firmware.report.drawing import WIDTH, Picture, Scale, Sheet, time_axis
from firmware.report.figures import Figures, Stretch, lasted_ms
from firmware.report.times import Moment
from firmware.report.words import Words

LEFT, RIGHT = 200, WIDTH - 118
ROW = 19
ROWS_MOST = 26
LABEL_MOST = 25

STYLES = {
    "away": "away", "storage": "alarm", "clock": "doubt", "count": "doubt", "device": "fallen", "task": "task",
}  # fmt: skip
MODES = {"open": "mode-open", "emergency": "alarm", "lockdown": "locked", "degraded": "fallen"}
"""Modes that are drawn; while the hall is closed, nothing is."""


@dataclass(slots=True)
class Line:
    """One row: what it is about, and when."""

    label: str
    style: str
    stretches: list[Stretch] = field(default_factory=list)
    strikes: list[Moment] = field(default_factory=list)


def timeline(figures: Figures, words: Words) -> Picture:
    """Mode of the hall, what failed and for how long, what guards had to do, and what was overruled."""
    question = words.say("q_line")
    rows = _rows(figures, words)
    happened = sum(len(row.stretches) + len(row.strikes) for row in rows[1:]) + sum(
        one.what in ("emergency", "lockdown") for one in rows[0].stretches
    )
    answer = words.say("a_line", n=happened) if happened else words.say("a_line_none")
    more = rows[ROWS_MOST:]
    rows = rows[:ROWS_MOST]
    top = 26
    bottom = top + ROW * len(rows) + 4
    sheet = Sheet(bottom + 24, answer)
    begin, end = figures.axis_ms
    x = Scale(begin, end, LEFT, RIGHT)
    time_axis(sheet, x, top, bottom, words.clock, "")
    _mode_key(sheet, words, {one.what for one in rows[0].stretches})
    outside = 0
    for number, row in enumerate(rows):
        y = top + ROW * number + 4
        label = row.label if len(row.label) <= LABEL_MOST else row.label[: LABEL_MOST - 1] + "…"
        sheet.text(LEFT - 8, y + 10, label, "label", "end")
        for one in row.stretches:
            outside += not _bar(sheet, words, x, y, one, row.style or MODES[one.what], label)
        for at in row.strikes:
            outside += not _strike(sheet, words, x, y, at, row.label)
        sheet.text(RIGHT + 8, y + 10, _sum(row, words, figures), "tick")
    notes = [words.say("row_more", n=len(more))] * bool(more) + [words.say("outside", n=outside)] * bool(outside)
    return Picture(question, answer, sheet.svg, "; ".join(notes))


def _rows(figures: Figures, words: Words) -> list[Line]:
    modes = [one for one in figures.of("mode") if one.what in MODES]
    rows = [Line(words.say("row_mode"), "", modes)]
    for kind in ("away", "storage", "clock", "count"):
        if found := figures.of(kind):
            rows.append(Line(words.say(f"row_{kind}"), STYLES[kind], found))
    end_ms = figures.end_ms
    grouped: dict[str, dict[str, list[Stretch]]] = {"device": defaultdict(list), "task": defaultdict(list)}
    for one in figures.stretches:
        if one.row in grouped:
            grouped[one.row][one.what].append(one)
    for kind, groups in grouped.items():
        for what, found in sorted(groups.items(), key=lambda item: (-lasted_ms(item[1], end_ms), item[0])):
            label = words.say(f"row_{kind}", device=what, reason=words.reason(what))
            rows.append(Line(label, STYLES[kind], found))
    odd: dict[str, list[Moment]] = defaultdict(list)
    for oddity in figures.oddities:
        odd[oddity.what].append(oddity.at)
    for what, struck in odd.items():
        rows.append(Line(words.say("odd_" + what.replace(".", "_")), "", strikes=struck))
    if figures.overrides:
        rows.append(Line(words.say("row_override"), "", strikes=[one.at for one in figures.overrides]))
    return rows


def _mode_key(sheet: Sheet, words: Words, modes: set[str]) -> None:
    entries = [(style, words.say(f"mode_{mode}")) for mode, style in MODES.items() if mode in modes]
    sheet.key(entries, LEFT, 14)


def _bar(sheet: Sheet, words: Words, x: Scale, y: float, one: Stretch, style: str, label: str) -> bool:
    """Draw a stretch as far as it is on the axis; False when none of it is."""
    end_ms = one.end.utc_ms if one.end else x.high
    if one.begin.utc_ms > x.high or end_ms < x.low:
        return False
    left, right = x.within(one.begin.utc_ms), x.within(end_ms)
    hint = f"{label} {one.detail}: {words.clock(*one.begin)} - {words.clock(*one.end) if one.end else '…'}"
    sheet.box(left, y + 1, max(right - left, 2.0), 12, style, hint)
    return True


def _strike(sheet: Sheet, words: Words, x: Scale, y: float, at: Moment, label: str) -> bool:
    if not x.low <= at.utc_ms <= x.high:
        return False
    px = x(at.utc_ms)
    sheet.path([(px - 4, y + 1), (px + 4, y + 1), (px, y + 12)], "strike", closed=True)
    sheet.box(px - 4, y + 1, 8, 11, "touch", f"{label} {words.clock(*at)}")
    return True


def _sum(row: Line, words: Words, figures: Figures) -> str:
    """How often, and for how long altogether."""
    stretches = [one for one in row.stretches if one.what != "open"]
    times = len(stretches) + len(row.strikes)
    if not times:
        return ""
    total = lasted_ms(stretches, figures.end_ms)
    often = words.say("times", n=times)
    return f"{often}, {words.short(total)}" if total >= 1000 else often
