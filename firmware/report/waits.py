"""How long visitors waited: against the promise, step by step, and stage by stage."""

from collections.abc import Callable, Iterator, Sequence

from firmware.report.drawing import (
    DURATION_STEPS,
    HALF_LETTER,
    HOUR_MS,
    LEFT,
    MINUTE_MS,
    RIGHT,
    Picture,
    Scale,
    Sheet,
    nice_step,
    time_axis,
    value_axis,
)
from firmware.report.figures import PROMISE_MS, STAGES, STEPS, Figures, Quantiles, VisitTimes, within
from firmware.report.words import Words
from hal.clock import Millis

SLOTS_MOST = 20
"""Bars of the histogram beside the visits."""
DOTS_MANY = 400
"""From so many visits on, their dots are smaller."""
TELLING = 3
"""So many visits in an hour say something of that hour."""


def promise(figures: Figures, words: Words) -> Picture:
    """Each visit a dot: when it took its number, and how long until it sat. Beside it, how many took how long."""
    seated, told = figures.seated, words.span(PROMISE_MS)
    question = words.say("q_promise", promise=told)
    hours = by_hour(seated, lambda visit: visit.to_seat)
    if len(figures.visits) == len(seated) == 1:
        answer = words.say("a_promise_one", took=words.span(within(seated[0].to_seat or 0)))
    elif figures.kept() == len(figures.visits):
        answer = words.say("a_promise_all", n=len(seated))
    else:
        kept = by_hour(figures.visits, lambda visit: visit.to_seat is not None and visit.to_seat <= PROMISE_MS)
        telling = {hour: values for hour, values in kept.items() if len(values) >= TELLING}
        share = words.share(figures.kept(), len(figures.visits))
        answer = words.say("a_promise", share=share)
        if len(telling) > 1:
            worst = min(telling, key=lambda hour: sum(telling[hour]) / len(telling[hour]))
            since, until = words.clock(worst), words.clock(worst + HOUR_MS)
            least = words.share(sum(telling[worst]), len(telling[worst]))
            answer += words.say("a_promise_worst", hour=since, until=until, least=least, telling=TELLING)
    sheet = Sheet(268, answer)
    top, bottom, split = 34, 236, 560
    most = max(2 * PROMISE_MS, *(visit.to_seat or 0 for visit in seated))
    step = nice_step(most, 8, DURATION_STEPS)
    begin, end = figures.axis_ms
    x = Scale(min(begin, *(visit.at.utc_ms for visit in seated)), end, LEFT, split - 24)
    y = Scale(0, most * 1.03, bottom, top)
    value_axis(sheet, y, LEFT, RIGHT, words.short, step, words.say("y_to_seat"))
    time_axis(sheet, x, top, bottom, words.clock, words.say("x_ticket"))
    size = 1.9 if len(seated) > DOTS_MANY else 2.8
    for visit in seated:
        took = visit.to_seat or 0
        hint = f"{visit.ticket} {words.clock(*visit.at)}: {words.span(within(took))}"
        sheet.dot(x.within(visit.at.utc_ms), y(took), size, "kept" if took <= PROMISE_MS else "broken", hint)
    for hour, values in hours.items():
        if len(values) >= TELLING:
            level = y(median(values))
            sheet.line(x.within(hour), level, x.within(hour + HOUR_MS), level, "median")
    _histogram(sheet, words, seated, y, split, step)
    sheet.line(LEFT, y(PROMISE_MS), RIGHT, y(PROMISE_MS), "promise")
    sheet.text(LEFT + 4, y(PROMISE_MS) - 4, words.say("promise_line", promise=words.short(PROMISE_MS)), "promised")
    entries = [("kept", words.say("in_time")), ("broken", words.say("late"))]
    right = split - 24
    for style, text in reversed(entries):
        right -= int(2 * HALF_LETTER * len(text)) + 22
        sheet.dot(right + 8, top - 13, 2.8, style)
        sheet.text(right + 15, top - 9, text, "soft")
    if any(len(values) >= TELLING for values in hours.values()):
        right -= int(2 * HALF_LETTER * len(words.say("median_hour"))) + 30
        sheet.line(right, top - 13, right + 16, top - 13, "median")
        sheet.text(right + 21, top - 9, words.say("median_hour"), "soft")
    return Picture(question, answer, sheet.svg)


def _histogram(sheet: Sheet, words: Words, seated: Sequence[VisitTimes], y: Scale, left: float, step: float) -> None:
    """Lying bars that share the dots' axis."""
    width = next(step / part for part in (8, 4, 2, 1) if y.high / (step / part) <= SLOTS_MOST)
    slots: dict[int, int] = {}
    for visit in seated:  # a visit of exactly the promise has kept it
        slot = max(0, -(-(visit.to_seat or 0) // int(width)) - 1)
        slots[slot] = slots.get(slot, 0) + 1
    x = Scale(0, max(slots.values()), left, RIGHT - 26)
    for slot, count in sorted(slots.items()):
        begin, end = slot * width, (slot + 1) * width
        style = "kept-bar" if end <= PROMISE_MS else "broken-bar" if begin >= PROMISE_MS else "both-bar"
        upper, lower = y.within(end), y(begin)
        hint = f"{words.short(begin)} - {words.short(end)}: {count}"
        sheet.box(left, upper + 0.75, x(count) - left, lower - upper - 1.5, style, hint)
        if lower - upper >= 9.5:
            sheet.text(x(count) + 4, (upper + lower) / 2 + 4, str(count), "tick")
    sheet.line(left, y.start, left, y.stop, "axis")
    sheet.text(RIGHT, y.start + 14, words.say("visits_axis"), "soft", "end")


def by_hour(
    visits: Sequence[VisitTimes], value: Callable[[VisitTimes], Millis | None]
) -> dict[Millis, list[Millis]]:
    """Hour in which the number was taken -> values; all of Indonesia is whole hours from UTC."""
    hours: dict[Millis, list[Millis]] = {}
    for visit in sorted(visits, key=lambda one: one.at.utc_ms):
        took = value(visit)
        if took is not None:
            hours.setdefault(visit.at.utc_ms // HOUR_MS * HOUR_MS, []).append(took)
    return hours


def median(values: Sequence[Millis]) -> Millis:
    return Quantiles.of(values).median


def minutes(figures: Figures, words: Words) -> Iterator[Picture]:
    """Stacked columns: what the average wait was made of, hour by hour."""
    timed = [visit for visit in figures.visits if visit.steps]
    if not timed:
        return
    sums = {step: sum(visit.steps[step] for visit in timed) for step in STEPS}
    longest = max(STEPS, key=lambda step: sums[step])
    share = words.share(sums[longest], sum(sums.values()))
    answer = words.say("a_minutes", step=words.say(f"step_{longest}"), share=share)
    sheet = Sheet(212, answer)
    top, bottom = 46, 182
    groups: dict[Millis, list[VisitTimes]] = {}
    for visit in timed:
        groups.setdefault(visit.at.utc_ms // HOUR_MS * HOUR_MS, []).append(visit)
    means = {
        hour: [sum(visit.steps[step] for visit in group) / len(group) for step in STEPS]
        for hour, group in groups.items()
    }
    y = Scale(0, max(1.1 * PROMISE_MS, *(1.05 * sum(parts) for parts in means.values())), bottom, top)
    begin, end = min(min(groups), figures.axis_ms[0] // HOUR_MS * HOUR_MS), figures.axis_ms[1]
    x = Scale(begin, -(-end // HOUR_MS) * HOUR_MS, LEFT, RIGHT)
    value_axis(sheet, y, LEFT, RIGHT, words.short, nice_step(y.high, 7, DURATION_STEPS), words.say("y_mean"))
    time_axis(sheet, x, top, bottom, words.clock, words.say("x_ticket"))
    width = min(64.0, x(begin + HOUR_MS) - x(begin) - 8)
    for hour, parts in means.items():
        left, level = (x(hour) + x(hour + HOUR_MS) - width) / 2, 0.0
        for step, part in zip(STEPS, parts, strict=True):
            hint = f"{words.clock(hour)} {words.say(f'step_{step}')}: {words.span(part)}"
            sheet.box(left, y(level + part), width, y(level) - y(level + part), f"step-{step}", hint)
            level += part
        sheet.text(left + width / 2, y(level) - 4, f"n={len(groups[hour])}", "tick", "middle")
    line = words.say("promise_line", promise=words.short(PROMISE_MS))
    sheet.line(LEFT, y(PROMISE_MS), RIGHT, y(PROMISE_MS), "promise")
    sheet.text(RIGHT, y(PROMISE_MS) - 4, line, "promised", "end")
    sheet.key([(f"step-{step}", words.say(f"step_{step}")) for step in STEPS], LEFT, 16)
    yield Picture(words.say("q_minutes"), answer, sheet.svg)


def stages(figures: Figures, words: Words) -> Iterator[Picture]:
    """A row for each stage: where half of the visits lie, and eight of ten, and the longest; the numbers beside it."""
    known = {name: Quantiles.of(values) for name in STAGES if (values := figures.stage(name))}
    if not known:
        return
    seat, whole = known.get("to_entry"), known.get("whole")
    answer = words.say("q_stages")
    if seat and whole:
        answer = words.say("a_stages", to_entry=words.span(within(seat.median)), whole=words.span(within(whole.median)))
    elif seat:
        answer = words.say("a_stages_open", to_entry=words.span(within(seat.median)))
    sheet = Sheet(46 + 30 * len(known), answer)
    left, right, top, bottom = 206, 478, 28, 28 + 30 * len(known)
    most = max(10 * MINUTE_MS, *(one.most for one in known.values()))
    x = Scale(1_000, most * 1.25, left, right, logarithmic=True)
    for at in (1_000, 10_000, MINUTE_MS, 10 * MINUTE_MS, HOUR_MS, 10 * HOUR_MS):
        if at <= x.high:
            sheet.line(x(at), top, x(at), bottom, "grid")
            sheet.text(x(at), bottom + 14, words.short(at), "tick", "middle")
    sheet.line(x(PROMISE_MS), top, x(PROMISE_MS), bottom, "promise")
    sheet.text(x(PROMISE_MS), top - 5, words.say("promise_line", promise=words.short(PROMISE_MS)), "promised", "middle")
    columns = ((right + 78, "median"), (right + 154, "p90"), (right + 228, "most"))
    for column, name in columns:
        sheet.text(column, top - 5, words.say(name), "soft", "end")
    for row, (name, one) in enumerate(known.items()):
        y = top + 30 * row + 15
        sheet.text(left - 10, y + 4, words.say(f"stage_{name}"), "label", "end")
        sheet.line(x.within(one.p10), y, x.within(one.p90), y, "whisker")
        sheet.box(x.within(one.p25), y - 6, max(2.0, x.within(one.p75) - x.within(one.p25)), 12, "half")
        sheet.line(x.within(one.median), y - 8, x.within(one.median), y + 8, "median")
        sheet.dot(x.within(one.most), y, 3, "broken")
        for column, value in columns:
            sheet.text(column, y + 4, words.short(within(getattr(one, value))), "label", "end")
        sheet.line(14, y + 15, RIGHT, y + 15, "grid")
    yield Picture(words.say("q_stages"), answer, sheet.svg, words.say("stages_key"))
