"""The page: figures in sentences, then pictures, then lists. One file, nothing from outside, no script."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from firmware.core.site import Site
from firmware.report.drawing import Picture
from firmware.report.figures import PROMISE_MS, Figures, Quantiles, Stretch, lasted_ms, within
from firmware.report.fold import figures_of
from firmware.report.pictures import pictures
from firmware.report.words import Words
from hal.clock import Millis

STYLE = Path(__file__).with_name("pages") / "report.css"
ODDITIES = {
    "gate": "odd_passages",
    "locker.forced": "forced",
    "locker.jammed": "jammed",
    "clock.stepped": "stepped",
}
ROWS_MOST = 60
"""Rows of a list; a page is for reading, the journal for the rest."""


def write_report(
    events: Iterable[Mapping[str, Any]], site: Site, *, day: str | None = None, language: str = "",
    damage: str = "",
) -> str:  # fmt: skip
    """A day as one HTML page.

    `events` as `firmware.audit.events` gives them, gone through twice; `site` for its capacity, lockers and language,
    which `language` (`id` or `en`) overrules; `damage` tells what is wrong with the journal they come from. Raises
    NoSuchDayError when nothing was recorded on that day, UnknownFactError for a newer version's journal, ValueError
    for a language that is not spoken.
    """
    figures = figures_of(events, site, day)
    return page(figures, Words(language or site.language, figures.midnight_ms), damage)


def page(figures: Figures, words: Words, damage: str = "") -> str:
    """The figures of a day as a page."""
    site, hall = figures.source.split("/")[-2:]
    name = f"{words.say('title')} {figures.day} {hall}, {site}"
    parts = [
        "<header>",
        f"<h1>{_text(words.say('title'))}</h1>",
        f'<p class="where"><strong>{_text(words.date(figures.day))}</strong> · {_text(hall)}, {_text(site)} · '
        f'<span class="free">{_text(words.say("free"))}</span>{_simulated(figures, words)}</p>',
        *([f'<p class="stamp bad">{_text(words.say("damaged", damage=damage))}</p>'] if damage else []),
        "</header>",
        *_lead(figures, words),
        '<div class="both">',
        *_list(words.say("wrong"), _wrong(figures, words), words.say("nothing_wrong")),
        *_list(words.say("unresolved"), _unresolved(figures, words), words.say("nothing_unresolved")),
        "</div>",
        *(_figure(picture) for picture in pictures(figures, words)),
        *_tasks(figures, words),
        *_overrides(figures, words),
        *_source(figures, words),
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="{words.language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{_text(name)}</title>\n<style>\n{STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n{_PATTERNS}"
        "\n<main>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"
    )


_PATTERNS = """<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>
<pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="5" height="5" fill="#fff"/><rect width="1.6" height="5" fill="#555"/></pattern>
<pattern id="hatch-warm" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">
<rect width="5" height="5" fill="#f2c48d"/><rect width="2" height="5" fill="#9a5b00"/></pattern>
</defs></svg>"""


def _simulated(figures: Figures, words: Words) -> str:
    return f' <span class="stamp">{_text(words.say("simulated"))}</span>' if figures.simulated else ""


def _text(text: str) -> str:
    return escape(text, quote=False)


def _figure(picture: Picture) -> str:
    note = f"\n<figcaption>{_text(picture.note)}</figcaption>" if picture.note else ""
    question = f'<p class="question">{_text(picture.question)}</p>'
    return f"<figure>\n{question}\n<h2>{_text(picture.answer)}</h2>\n{picture.svg}{note}\n</figure>"


def _list(title: str, sentences: Iterable[str], none: str) -> Iterator[str]:
    told = list(sentences)
    yield f"<section>\n<h2>{_text(title)}</h2>"
    if told:
        yield "<ul>\n" + "\n".join(f"<li>{_text(one)}</li>" for one in told) + "\n</ul>"
    else:
        yield f"<p>{_text(none)}</p>"
    yield "</section>"


# -- the figures, in sentences


def _lead(figures: Figures, words: Words) -> Iterator[str]:
    seated = [visit.to_seat for visit in figures.seated if visit.to_seat is not None]
    promise = words.span(PROMISE_MS)
    sentences = []
    if not figures.visits:
        sentences.append(words.say("nobody"))
    else:
        persons = words.say("people", n=figures.persons) if words.language == "en" else str(figures.persons)
        sentences.append(words.say("came", n=len(figures.visits), persons=persons))
    if seated:
        times = Quantiles.of(seated)
        share = words.share(figures.kept(), len(figures.visits))
        tiles = (
            (str(len(figures.visits)), words.say("tile_visits", n=len(figures.visits))),
            (share, words.say("tile_kept", promise=promise)),
            (words.short(within(times.median)), words.say("tile_median")),
            (words.short(within(times.most)), words.say("tile_longest")),
        )
        boxes = "".join(f"<div><b>{_text(value)}</b><span>{_text(what)}</span></div>" for value, what in tiles)
        yield f'<div class="tiles">{boxes}</div>'
        sentences.append(words.say("kept", kept=figures.kept(), n=len(figures.visits), promise=promise, share=share))
        if len(seated) > 1:
            median, p90 = words.span(within(times.median)), words.span(within(times.p90))
            sentences.append(words.say("waits", median=median, p90=p90))
            slowest = max(figures.seated, key=lambda visit: visit.to_seat or 0)
            at = words.clock(*slowest.at)
            sentences.append(words.say("longest", most=words.span(within(times.most)), ticket=slowest.ticket, at=at))
    if numbers := figures.tickets.total():
        classes = ", ".join(f"{letter} {count}" for letter, count in sorted(figures.tickets.items()))
        sentences.append(words.say("tickets", n=numbers, classes=classes))
        without = numbers - len(figures.visits) - figures.left.waiting
        sentences += [words.say("unused", n=without)] if without > 0 else []
        sentences += [words.say("missed", n=figures.missed)] if figures.missed else []
        sentences.append(words.say("jumped", n=figures.jumps) if figures.jumps else words.say("in_turn"))
    yield f'<p class="lead">{_text(" ".join(sentences))}</p>'


def _wrong(figures: Figures, words: Words) -> Iterator[str]:
    def total(stretches: Sequence[Stretch]) -> str:
        return words.span(lasted_ms(stretches, figures.end_ms))

    for mode in ("emergency", "lockdown"):
        if found := [one for one in figures.of("mode") if one.what == mode]:
            yield words.say(mode, n=_spells(figures.of("mode"), mode), total=total(found))
    if found := figures.of("storage"):
        yield words.say("storage", n=len(found), total=total(found))
    if starts := figures.starts:
        yield words.say("restarts", n=len(starts), total=words.span(sum(one.away_ms or 0 for one in starts)))
        if unknown := sum(one.away_ms is None for one in starts):
            yield words.say("unknown_gaps", n=unknown)
    if found := figures.of("count"):
        yield words.say("suspect", total=total(found))
    if found := figures.of("clock"):
        yield words.say("clock", total=total(found))
    devices: dict[str, dict[str, list[Stretch]]] = {}
    for one in figures.of("device"):
        devices.setdefault(one.what, {}).setdefault(one.detail, []).append(one)
    for device, troubles in devices.items():
        told = [
            words.say("trouble", health=words.say(f"health_{health}"), total=total(found))
            for health, found in troubles.items()
        ]
        yield words.say("device", device=device, troubles=", ".join(told))
    kinds = Counter("gate" if one.what.startswith("gate.") else one.what for one in figures.oddities)
    for kind, key in ODDITIES.items():
        if kinds[kind]:
            yield words.say(key, n=kinds[kind])
    if figures.overstays:
        yield words.say("overstays", n=figures.overstays)
    if turned := sum(visit.ended and visit.to_seat is None for visit in figures.visits):
        yield words.say("turned_back", n=turned)
    if untimed := sum(visit.untimed for visit in figures.visits):
        yield words.say("untimed", n=untimed)
    if figures.refused:
        reasons = ", ".join(f"{words.reason(code)} {count}" for code, count in figures.refused.most_common())
        yield words.say("refusals", n=figures.refused.total(), reasons=reasons)
    if figures.exception:
        yield words.say("exception", reason=words.reason(figures.exception))


def _spells(modes: Sequence[Stretch], mode: str) -> int:
    """How often the hall came into a mode. A lockdown that an emergency hides for a while goes on behind it."""
    count, on = 0, False
    for one in modes:
        count += one.what == mode and not on
        on = one.what == mode or (on and one.what == "emergency")
    return count


def _unresolved(figures: Figures, words: Words) -> Iterator[str]:
    left = figures.left
    if left.inside:
        yield words.say("still_inside", n=left.inside)
    if left.suspect:
        yield words.say("still_suspect", reason=words.reason(left.suspect))
    if left.lockers:
        yield words.say("still_lockers", n=len(left.lockers), which=_some([str(one) for one in left.lockers]))
    if left.cards:
        yield words.say("still_cards", n=len(left.cards), which=_some(left.cards))
    if left.waiting:
        yield words.say("still_waiting", n=left.waiting)
    if left.tasks:
        which = _some([f"{words.reason(code)} {count}" for code, count in left.tasks.most_common()])
        yield words.say("still_tasks", n=left.tasks.total(), which=which)
    for device, health in left.devices.items():
        yield words.say("still_device", device=device, health=words.say(f"health_{health}"))
    if left.session != "closed":
        yield words.say("still_open")
    if left.mode in ("emergency", "lockdown", "degraded"):
        yield words.say("still_mode", mode=words.say(f"mode_{left.mode}"))


def _some(names: Sequence[str], most: int = 20) -> str:
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


# -- the lists


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], words: Words) -> Iterator[str]:
    def cells(row: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{_text(cell)}</{tag}>" for cell in row) + "</tr>"

    yield f"<section>\n<h2>{_text(title)}</h2>\n<table>\n<thead>{cells(columns, 'th')}</thead>\n<tbody>"
    yield from (cells(row, "td") for row in rows[:ROWS_MOST])
    yield "</tbody>\n</table>"
    if len(rows) > ROWS_MOST:
        yield f"<p>{_text(words.say('more_rows', n=len(rows) - ROWS_MOST))}</p>"
    yield "</section>"


def _tasks(figures: Figures, words: Words) -> Iterator[str]:
    by_reason: dict[str, list[Stretch]] = {}
    for one in figures.of("task"):
        by_reason.setdefault(one.what, []).append(one)
    rows = []
    for reason, found in sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0])):
        took: list[Millis] = [one.end.utc_ms - one.begin.utc_ms for one in found if one.end]
        open_still = len(found) - len(took)
        within = words.span(Quantiles.of(took).median) if took else ""
        rows.append((words.reason(reason), str(len(found)), str(open_still or ""), within))
    if rows:
        columns = [words.say(key) for key in ("col_task", "col_raised", "col_open", "col_median")]
        yield from _table(words.say("tasks"), columns, rows, words)


def _overrides(figures: Figures, words: Words) -> Iterator[str]:
    if not figures.overrides:
        yield from _list(words.say("overrides"), (), words.say("no_overrides"))
        return
    columns = [words.say(f"col_{key}") for key in ("time", "action", "about", "reason", "actor")]
    rows = [
        (words.clock(*one.at), words.action(one.action), one.about, words.reason(one.reason), one.by)
        for one in figures.overrides
    ]
    yield from _table(words.say("overrides"), columns, rows, words)


def _source(figures: Figures, words: Words) -> Iterator[str]:
    told = [words.say("made_from", first=figures.first_seq, last=figures.last_seq, journal=figures.journal)]
    if figures.estimated:
        told.append(words.say("estimated", n=figures.estimated, all=figures.events))
    if figures.begins_late:
        told.append(words.say("begins_late"))
    told.append(words.say("no_names"))
    yield f'<section class="source">\n<h2>{_text(words.say("source"))}</h2>\n<p>{_text(" ".join(told))}</p>\n</section>'
