"""What went on over the hours: queue, people inside, passages, lockers."""

from collections.abc import Callable, Sequence

from firmware.report.drawing import LEFT, RIGHT, Picture, Scale, Sheet, nice_step, time_axis, value_axis
from firmware.report.figures import QUARTER_MS, Bank, Curve, Figures, Stretch
from firmware.report.words import Words
from hal.clock import Millis


def top_of(curve: Curve) -> tuple[int, Millis]:
    """The highest value, and when it was first reached."""
    at, most = max(curve, key=lambda point: point[1], default=(0, 0))
    return most, at


def held_ms(curve: Curve, holds: Callable[[int], bool], until_ms: Millis) -> Millis:
    """How long the curve's value was such."""
    ends = [at for at, _ in curve[1:]] + [until_ms]
    return sum(max(0, end - at) for (at, value), end in zip(curve, ends, strict=True) if holds(value))


def _steps(curve: Curve, x: Scale, y: Scale, until_ms: float) -> list[tuple[float, float]]:
    """The corners of a curve that holds its value until it changes; what lies before the axis only sets its height."""
    corners: list[tuple[float, float]] = []
    for at, value in curve:
        px, py = x.within(at), y.within(value)
        if corners:
            corners.append((px, corners[-1][1]))
        corners.append((px, py))
    corners.append((x.within(until_ms), corners[-1][1]))
    return corners


def _area(sheet: Sheet, corners: list[tuple[float, float]], base: float, style: str) -> None:
    sheet.path([(corners[0][0], base), *corners, (corners[-1][0], base)], style, closed=True)


def _shade(sheet: Sheet, stretches: Sequence[Stretch], x: Scale, top: float, bottom: float, style: str) -> bool:
    """Mark the times in which something was so; whether any of it is on the axis."""
    shown = False
    for one in stretches:
        left, right = x.within(one.begin.utc_ms), x.within(one.end.utc_ms if one.end else x.high)
        if one.begin.utc_ms <= x.high and (one.end is None or one.end.utc_ms >= x.low):
            sheet.box(left, top, max(right - left, 1.5), bottom - top, style)
            shown = True
    return shown


def _whole(value: float) -> str:
    return str(round(value))


def queue(figures: Figures, words: Words) -> Picture:
    """Numbers that wait, over the day."""
    question = words.say("q_queue")
    most, at = top_of(figures.waiting)
    if not most:
        return Picture(question, words.say("a_queue_none"))
    answer = words.say("a_queue", n=most, at=words.clock(at))
    sheet = Sheet(166, answer)
    top, bottom = 24, 146
    begin, end = figures.axis_ms
    x, y = Scale(begin, end, LEFT, RIGHT), Scale(0, max(4, most * 1.08), bottom, top)
    value_axis(sheet, y, LEFT, RIGHT, _whole, nice_step(y.high, 5, (1, 2, 5)), words.say("y_queue"))
    time_axis(sheet, x, top, bottom, words.clock, "")
    corners = _steps(figures.waiting, x, y, figures.end_ms)
    _area(sheet, corners, bottom, "area")
    sheet.path(corners, "curve")
    return Picture(question, answer, sheet.svg)


def inside(figures: Figures, words: Words) -> Picture:
    """Persons inside against the places there are, and when the count was not to be trusted."""
    question = words.say("q_inside")
    most, at = top_of(figures.inside)
    places = max((value for _, value in figures.capacity), default=0)
    full_ms, full_at = _full(figures)
    if full_ms:
        total, first = words.span(full_ms), words.clock(full_at)
        answer = words.say("a_inside_full", total=total, n=most, capacity=places, at=first)
    elif most > 0 and places:
        answer = words.say("a_inside_of", n=most, capacity=places, at=words.clock(at))
    elif most > 0:
        answer = words.say("a_inside", n=most, at=words.clock(at))
    else:
        answer = words.say("a_inside_none")
    least = min((value for _, value in figures.inside), default=0)
    if most <= 0 and not least and not figures.of("count"):
        return Picture(question, answer)
    sheet = Sheet(206, answer)
    top, bottom = 46, 186
    begin, end = figures.axis_ms
    x, y = Scale(begin, end, LEFT, RIGHT), Scale(min(0, least), max(4, most, places) * 1.08, bottom, top)
    doubted = _shade(sheet, figures.of("count"), x, top, bottom, "doubt")
    away = _shade(sheet, figures.of("away"), x, top, bottom, "away")
    value_axis(sheet, y, LEFT, RIGHT, _whole, nice_step(y.high, 6, (1, 2, 5)), words.say("y_inside"))
    time_axis(sheet, x, top, bottom, words.clock, "")
    corners = _steps(figures.inside, x, y, figures.end_ms)
    _area(sheet, corners, y(0), "area")
    sheet.path(corners, "curve")
    if figures.capacity:
        limit = _steps(figures.capacity, x, y, end)
        sheet.path(limit, "promise")
        sheet.text(RIGHT, limit[-1][1] - 4, words.say("capacity", n=figures.capacity[-1][1]), "promised", "end")
    entries = [("doubt", words.say("key_suspect"))] * doubted + [("away", words.say("key_away"))] * away
    sheet.key(entries, LEFT, 16)
    return Picture(question, answer, sheet.svg)


def _full(figures: Figures) -> tuple[Millis, Millis]:
    """For how long no place was left, and since when first."""
    points = sorted({at for at, _ in figures.inside} | {at for at, _ in figures.capacity})
    total, first = 0, 0
    ends = [*points[1:], max(figures.end_ms, points[-1])] if points else []
    count, places, rest_in, rest_cap = 0, 0, list(figures.inside), list(figures.capacity)
    for at, end in zip(points, ends, strict=True):
        while rest_in and rest_in[0][0] <= at:
            count = rest_in.pop(0)[1]
        while rest_cap and rest_cap[0][0] <= at:
            places = rest_cap.pop(0)[1]
        if places and count >= places:
            total, first = total + end - at, first or at
    return total, first


def flow(figures: Figures, words: Words) -> Picture:
    """Persons through the arm in each quarter of an hour: in upwards, out downwards."""
    question = words.say("q_flow")
    came = sum(one.came for one in figures.quarters.values())
    left = sum(one.left for one in figures.quarters.values())
    if not figures.quarters:
        return Picture(question, words.say("a_flow_none"))
    busiest = max(figures.quarters, key=lambda at: figures.quarters[at].came + figures.quarters[at].left)
    answer = words.say("a_flow", came=came, left=left, at=words.clock(busiest))
    sheet = Sheet(226, answer)
    top, bottom = 46, 206
    most_in = max(one.came for one in figures.quarters.values())
    most_out = max(one.left for one in figures.quarters.values())
    begin, end = figures.axis_ms
    x = Scale(begin, end, LEFT, RIGHT)
    y = Scale(-max(most_out, 2) * 1.08, max(most_in, 2) * 1.08, bottom, top)
    step = nice_step(y.high - y.low, 7, (1, 2, 5))
    value_axis(sheet, y, LEFT, RIGHT, lambda value: _whole(abs(value)), step, words.say("y_flow"))
    time_axis(sheet, x, top, bottom, words.clock, "")
    width = max(1.0, x(begin + QUARTER_MS) - x(begin) - 1.5)
    odd = False
    for at, one in figures.quarters.items():
        px, hint = x.within(at) + 0.75, words.clock(at)
        for persons, strange, way, style in (
            (one.came, one.odd_in, 1, "flow-in"),
            (one.left, one.odd_out, -1, "flow-out"),
        ):
            tall, tip = abs(y(persons) - y(0)), abs(y(strange) - y(0))
            base = y(0) - tall if way > 0 else y(0)
            sheet.box(px, base, width, tall, style, f"{hint}: {persons}")
            if strange:
                sheet.box(px, base if way > 0 else y(0) + tall - tip, width, tip, "odd", f"{hint}: {strange}")
                odd = True
    sheet.line(LEFT, y(0), RIGHT, y(0), "axis")
    entries = [("flow-in", words.say("key_in")), ("flow-out", words.say("key_out"))]
    sheet.key(entries + [("odd", words.say("key_odd"))] * odd, LEFT, 16)
    return Picture(question, answer, sheet.svg)


def lockers(figures: Figures, words: Words, name: str, bank: Bank) -> Picture:
    """Lockers of a bank that are somebody's, and on top of them those that are nobody's and broken."""
    question = words.say("q_lockers") + (f" ({name})" if len(figures.banks) > 1 else "")
    points = sorted({at for at, _ in bank.owned} | {at for at, _ in bank.out})
    taken = [(at, _value(bank.owned, at) + _value(bank.out, at)) for at in points]
    most, at = top_of(bank.owned)
    full_ms = held_ms(taken, lambda used: used >= bank.lockers, figures.end_ms) if most else 0
    if full_ms:
        answer = words.say("a_lockers_full", bank=name, total=words.span(full_ms))
    elif most:
        answer = words.say("a_lockers", n=most, all=bank.lockers, at=words.clock(at))
    else:
        answer = words.say("a_lockers_none")
    broken = top_of(bank.out)[0]
    if not most and not broken:
        return Picture(question, answer)
    sheet = Sheet(186, answer)
    top, bottom = 46, 166
    begin, end = figures.axis_ms
    x, y = Scale(begin, end, LEFT, RIGHT), Scale(0, bank.lockers * 1.08, bottom, top)
    value_axis(sheet, y, LEFT, RIGHT, _whole, nice_step(y.high, 5, (1, 2, 5)), words.say("y_lockers", bank=name))
    time_axis(sheet, x, top, bottom, words.clock, "")
    if broken:
        _area(sheet, _steps(taken, x, y, figures.end_ms), bottom, "broken-area")
    corners = _steps(bank.owned, x, y, figures.end_ms)
    _area(sheet, corners, bottom, "area")
    sheet.path(corners, "curve")
    sheet.line(LEFT, y(bank.lockers), RIGHT, y(bank.lockers), "promise")
    sheet.text(RIGHT, y(bank.lockers) - 4, words.say("lockers_all", n=bank.lockers), "promised", "end")
    entries = [("area", words.say("key_owned"))] + [("broken-area", words.say("key_out_of_service"))] * bool(broken)
    sheet.key(entries, LEFT, 16)
    return Picture(question, answer, sheet.svg)


def _value(curve: Curve, at_ms: Millis) -> int:
    return next((value for at, value in reversed(curve) if at <= at_ms), 0)
