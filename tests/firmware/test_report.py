"""The report of a day: what the head of a rutan is told, from journals told fact by fact."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from typer.testing import CliRunner

from firmware.commands.report import app
from firmware.core import facts as f
from firmware.core.site import Site
from firmware.report import NoSuchDayError, figures_of, write_report
from firmware.report.figures import Figures, Quantiles, lasted_ms
from firmware.report.texts import ACTIONS, REASONS, TEXT
from firmware.report.words import Words
from tests.firmware.report_story import HOUR, MIDNIGHT_UTC_MS, MINUTE, SITE, Told

ROOT = Path(__file__).parents[2]


def quiet() -> Told:
    return Told().start(7 * HOUR).open(8 * HOUR)


def ordinary() -> Told:
    """Three visits, of which the second waits too long."""
    told = quiet().visit(8.5 * HOUR, seat=90, locker=3, persons=2)
    told.visit(9.5 * HOUR, called=60, bound=90, searched=120, seat=300)
    return told.visit(11 * HOUR, seat=120).close(12 * HOUR)


def read(html: str) -> str:
    """The words of a page, without marks."""
    body = re.sub(r"<style>.*?</style>", "", html, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def english(told: Told, site: Site = SITE, day: str | None = None) -> str:
    return read(write_report(told.events, site, day=day, language="en"))


# -- the figures


def test_the_promise_is_kept_by_whoever_sits_within_two_minutes_and_not_a_moment_later() -> None:
    told = quiet().visit(9 * HOUR, seat=120).visit(10 * HOUR, seat=120.001).close(12 * HOUR)
    assert figures_of(told.events, SITE).kept() == 1


def test_who_gave_up_was_not_seated_in_time() -> None:
    told = quiet().visit(9 * HOUR, seat=100)
    told.at(10 * HOUR, f.TicketIssued(ticket="A-002", letter="A"), f.TicketIssued(ticket="A-003", letter="A"))
    told.at(10.1 * HOUR, f.TicketCalled(ticket="A-002", counter="1", actor="officer-1"))
    told.at(10.2 * HOUR, f.VisitBound(visit="V-2", ticket="A-002", adults=1, children=0, carried=0, actor="officer-1"))
    told.at(10.2 * HOUR, f.TicketServed(ticket="A-002", counter="1", visit="V-2", actor="officer-1"))
    told.at(10.3 * HOUR, f.TicketCalled(ticket="A-003", counter="1", actor="officer-1"))
    told.at(10.4 * HOUR, f.TicketServed(ticket="A-003", counter="1", actor="officer-1"))
    told.at(12 * HOUR, f.VisitEnded(visit="V-2", reason="day_over", stages={"waited": 360_000})).close(12 * HOUR)
    text = english(told)
    assert "1 of 2 visits sat with the family within 2 minutes of taking a number: 50 %." in text
    assert "3 numbers were given out (A 3). 1 of them did not become a visit." in text
    assert "1 visit ended before anybody went in." in text


def test_every_stage_of_a_visit_is_timed_by_hall_time_and_the_way_to_the_seat_step_by_step() -> None:
    first, late, _ = figures_of(ordinary().events, SITE).visits
    assert first.stages == {"waited": 0, "counter": 30_000, "to_entry": 90_000, "inside": 1_200_000, "whole": 1_350_000}
    assert late.steps == {"waited": 60_000, "counter": 30_000, "search": 30_000, "entry": 180_000}


def test_who_is_inside_waits_and_owns_a_locker_is_known_at_every_moment() -> None:
    figures = figures_of(ordinary().events, SITE)
    assert max(value for _, value in figures.inside) == 2
    assert max(value for _, value in figures.waiting) == 1
    bank = figures.banks["A"]
    assert (bank.lockers, max(value for _, value in bank.owned)) == (8, 1)
    assert figures.persons == 4
    assert sum(one.came for one in figures.quarters.values()) == sum(one.left for one in figures.quarters.values()) == 4


def test_a_visit_that_never_ended_counts_for_the_promise_and_is_told_as_unresolved() -> None:
    told = quiet().visit(9 * HOUR, seat=100, goes=False, locker=2, persons=2)
    figures = figures_of(told.events, SITE)
    assert figures.kept() == 1
    assert "whole" not in figures.visits[0].stages
    text = english(told)
    for sentence in (
        "2 people are still counted inside.", "1 locker is still somebody's: 2.", "1 card is not back: 001.",
        "The session is not closed.",
    ):  # fmt: skip
        assert sentence in text


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([7], (1, 7, 7, 7, 7, 7, 7)),
        ([1, 2, 3, 4], (4, 1, 1, 2, 3, 4, 4)),
        (list(range(1, 101)), (100, 10, 25, 50, 75, 90, 100)),
    ],
)
def test_quantiles_are_values_that_occurred(values: list[int], told: tuple[int, ...]) -> None:
    one = Quantiles.of(values)
    assert (one.count, one.p10, one.p25, one.median, one.p75, one.p90, one.most) == told


# -- what went wrong

fault_cases: dict[str, tuple[Callable[[Told], Told], str]] = {
    "fire": (
        lambda told: told.at(9 * HOUR, f.EmergencyRaised(reason="fire")).at(9.1 * HOUR, f.EmergencyCleared())
        .at(9.2 * HOUR, f.EmergencyReset(actor="guard-1")),
        "Emergency once, for 12 minutes",
    ),
    "lockdown": (
        lambda told: told.at(9 * HOUR, f.HallLockedDown(reason="fight", actor="guard-1"))
        .at(9.5 * HOUR, f.HallLockdownLifted(reason="over", actor="guard-1")),
        "Lockdown once, for 30 minutes",
    ),
    "two lockdowns, a fire within the first": (
        lambda told: told.at(9 * HOUR, f.HallLockedDown(reason="fight", actor="guard-1"))
        .at(9.1 * HOUR, f.EmergencyRaised(reason="fire")).at(9.2 * HOUR, f.EmergencyCleared())
        .at(9.3 * HOUR, f.EmergencyReset(actor="guard-1"))
        .at(9.5 * HOUR, f.HallLockdownLifted(reason="over", actor="guard-1"))
        .at(10 * HOUR, f.HallLockedDown(reason="fight", actor="guard-1"))
        .at(10.1 * HOUR, f.HallLockdownLifted(reason="over", actor="guard-1")),
        "Lockdown 2 times, 24 minutes",
    ),
    "storage": (
        lambda told: told.at(9 * HOUR, f.StorageDegraded(reason="full")).at(10 * HOUR, f.StorageRestored(lost=0)),
        "Storage failed once, for 1 hour",
    ),
    "device": (
        lambda told: told.at(9 * HOUR, f.DeviceFell(device="entry", health="gone", detail="no node"))
        .at(9.25 * HOUR, f.DeviceRose(device="entry", was="gone")),
        "Device entry: gone for 15 minutes.",
    ),
    "count": (
        lambda told: told.at(9 * HOUR, f.HallOccupancySuspect(reason="negative", inside=-1))
        .at(9.1 * HOUR, f.HallCountConfirmed(inside=0, actor="guard-1")),
        "could not be trusted for 6 minutes",
    ),
    "forced gate": (
        lambda told: told.at(9 * HOUR, f.GateForced(lane="main", direction="in", persons=1)),
        "1 passage through the arm without a right of way.",
    ),
    "forced locker": (
        lambda told: told.at(9 * HOUR, f.LockerForced(bank="A", locker=1, reason="no_pulse")),
        "1 locker opened by itself or by force.",
    ),
    "overstay": (
        lambda told: told.at(9 * HOUR, f.VisitOverstayed(visit="V-1", over_ms=0))
        .at(9.1 * HOUR, f.VisitOverstayed(visit="V-1", over_ms=300_000)),
        "1 visit went over its time.",
    ),
    "restart": (
        lambda told: told.at(9 * HOUR).start(9 * HOUR + 40_000),
        "The program started again while the hall was at work; at most 40 seconds unwatched.",
    ),
    "refused": (
        lambda told: told.at(9 * HOUR, f.CardRefused(reader="entry", reason="unknown", count=3)),
        "3 taps were refused: unknown card 3.",
    ),
    "exception": (
        lambda told: told.close(12 * HOUR, exception="card_missing", unresolved=("card 7",)),
        "The hall was closed with an exception: card missing.",
    ),
    "jump": (
        lambda told: told.at(
            9 * HOUR, f.OverrideUsed(action="call", reason="elderly", actor="officer-1", ticket="A-002"),
            f.TicketCalled(ticket="A-002", counter="1", actor="officer-1", jumped=True),
        ),
        "1 number was called out of turn",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", fault_cases)
def test_what_went_wrong_is_said_in_a_sentence(case: str) -> None:
    happens, sentence = fault_cases[case]
    told = quiet().visit(8.2 * HOUR)
    assert sentence in english(happens(told))


def test_an_ordinary_day_says_so() -> None:
    text = english(ordinary())
    assert "Nothing that the machine noticed." in text
    assert "every card is back, every locker free, nobody inside" in text
    assert "An ordinary day: nothing out of the ordinary" in text
    assert "Nobody was called out of turn." in text


def test_a_device_that_fell_the_day_before_is_still_down_today() -> None:
    told = quiet().at(9 * HOUR, f.DeviceFell(device="hall", health="silent", detail="")).close(10 * HOUR)
    told.open(32 * HOUR, day="2026-01-06").visit(33 * HOUR).close(34 * HOUR)
    text = english(told)
    assert "Tuesday 6 January 2026" in text
    assert "Device hall: silent for 25 hours." in text
    assert "Device hall is still silent." in text


def test_overlapping_stretches_count_once() -> None:
    told = quiet()
    for task, at in (("T-1", 9.0), ("T-2", 9.1)):
        told.at(at * HOUR, f.TaskRaised(task=task, reason="jammed"))
    for task, at in (("T-1", 9.2), ("T-2", 9.3)):
        told.at(at * HOUR, f.TaskResolved(task=task, reason="done", actor="guard-1"))
    figures = figures_of(told.events, SITE)
    assert lasted_ms(figures.of("task"), figures.end_ms) == 0.3 * HOUR


def test_a_median_a_moment_past_the_promise_is_not_told_as_the_promise() -> None:
    told = quiet()
    for number, seat in enumerate((100, 110, 120.2, 120.3, 130)):
        told.visit((9 + 0.1 * number) * HOUR, seat=seat)
    text = english(told.close(12 * HOUR))
    assert "2 of 5 visits sat with the family within 2 minutes of taking a number: 40 %." in text
    assert "Of those who sat down, half waited at most 2 min 1 s, nine of ten at most 2 min 10 s." in text
    assert "2:01 min median wait" in text
    assert "Half of those who sat down did so within 2 min 1 s" in text


@pytest.mark.parametrize(
    ("hours", "title"),
    [
        ({8: (100, 100, 100, 100), 9: (100, 100, 300), 10: (300, 300)},
         "67 % sat down in time; of hours with at least 3 visits, fewest from 09:00 to 10:00: 67 %"),
        ({8: (100, 100, 100), 10: (300, 300)}, "60 % sat down in time"),
        ({8: (100,), 10: (300,)}, "50 % sat down in time"),
    ],
)  # fmt: skip
def test_the_hour_with_the_fewest_in_time_is_named_among_those_that_tell_something(
    hours: dict[int, tuple[int, ...]], title: str
) -> None:
    told = quiet()
    for hour, seats in hours.items():
        for number, seat in enumerate(seats):
            told.visit((hour + 0.2 * number) * HOUR, seat=seat)
    assert f"<h2>{title}</h2>" in write_report(told.close(14 * HOUR).events, SITE, language="en")


def test_restarts_are_counted_and_added_up_alike_in_words_and_on_the_time_line() -> None:
    """One over an empty, closed hall is neither: a machine is switched off for the night."""
    told = Told().start(5 * HOUR).at(6 * HOUR).start(7 * HOUR).open(8 * HOUR)
    told.start(8.25 * HOUR).at(9 * HOUR, f.ClockSynced()).start(9.5 * HOUR).close(12 * HOUR).start(13 * HOUR)
    html = write_report(told.events, SITE, language="id")
    assert "mulai ulang 2 kali selagi balai bekerja; seluruhnya paling lama 45 menit tanpa pengawasan." in html
    line = html[html.index("Apa yang terjadi kapan?") :]
    assert re.findall(r">(\d+ kali[^<]*)</text>", line) == ["2 kali, 45 mnt"]
    told = quiet().start(8.25 * HOUR)
    told.synced = False
    html = write_report(told.start(9 * HOUR, gap_s=None).close(10 * HOUR).events, SITE, language="en")
    assert "2 times while the hall was at work; altogether at most 15 minutes unwatched." in html
    assert "1 of these is not in that sum: no clock can tell how long it was." in html
    assert ">2 times, 15 min</text>" in html
    idle = Told().start(5 * HOUR).start(7 * HOUR).open(8 * HOUR).close(12 * HOUR)
    assert "An ordinary day: nothing out of the ordinary" in english(idle)
    assert "Nothing that the machine noticed." in english(idle)


# -- days


def test_the_last_day_of_opening_is_shown_unless_another_is_named() -> None:
    told = ordinary().open(32 * HOUR, day="2026-01-06").visit(33 * HOUR).close(34 * HOUR)
    assert len(figures_of(told.events, SITE).visits) == 1
    assert len(figures_of(told.events, SITE, "2026-01-05").visits) == 3


def test_a_day_without_records_names_the_days_that_there_are() -> None:
    with pytest.raises(NoSuchDayError, match=r"nothing was recorded on 2026-01-07; .* 2026-01-05$"):
        figures_of(ordinary().events, SITE, "2026-01-07")


def test_a_hall_that_is_open_at_midnight_still_belongs_to_its_day() -> None:
    told = quiet().visit(23.8 * HOUR, seat=100, stays=3600).close(25 * HOUR)
    assert figures_of(told.events, SITE, "2026-01-05").visits[0].ended


def test_a_day_without_a_visit_is_a_page_too() -> None:
    text = english(quiet().close(12 * HOUR))
    assert "There was no visit on this day." in text
    assert "Nobody was inside" in text
    assert "Nobody waited" in text


# -- clocks


def test_a_clock_that_starts_in_1970_is_put_right_by_its_own_boot() -> None:
    told = Told(synced=False, wrong_ms=-MIDNIGHT_UTC_MS).start(7 * HOUR).open(7.5 * HOUR)
    told.synced, told.wrong_ms = True, 0
    told.at(8 * HOUR, f.ClockSynced()).visit(9 * HOUR).close(12 * HOUR)
    figures = figures_of(told.events, SITE)
    assert figures.day == "2026-01-05"
    assert figures.begin_ms == MIDNIGHT_UTC_MS + 7.5 * HOUR
    assert figures.estimated == 2
    assert "2 of 16 times are estimates (~)" in english(told)


def test_a_clock_that_jumps_for_a_while_moves_nobody_to_another_hour() -> None:
    told = quiet().visit(8.5 * HOUR)
    told.wrong_ms = 12 * HOUR
    told.at(9.5 * HOUR, f.ClockStepped(by_ms=12 * HOUR)).visit(9.6 * HOUR)
    told.wrong_ms = 0
    told.at(10.5 * HOUR, f.ClockStepped(by_ms=-12 * HOUR)).visit(11 * HOUR).close(13 * HOUR)
    visits = figures_of(told.events, SITE).visits
    assert [(one.at.utc_ms - MIDNIGHT_UTC_MS) / HOUR for one in visits] == [8.5, 9.6, 11]
    assert [one.at.exact for one in visits] == [True, False, True]
    assert "The clock jumped 2 times." in english(told)


def test_a_boot_that_never_knew_the_time_follows_the_boot_before_it() -> None:
    told = quiet().visit(8.5 * HOUR)
    told.synced, told.wrong_ms = False, -300 * HOUR
    told.start(9 * HOUR, gap_s=None).visit(9.2 * HOUR).close(10 * HOUR)
    first, second = figures_of(told.events, SITE).visits
    assert first.at.exact
    assert not second.at.exact
    assert first.at.utc_ms < second.at.utc_ms <= MIDNIGHT_UTC_MS + 9.2 * HOUR
    assert second.stages["to_entry"] == 100_000


def test_a_journal_whose_beginning_is_gone_says_so_and_still_times_its_visits() -> None:
    told = ordinary().start(12.1 * HOUR).visit(12.5 * HOUR).close(14 * HOUR)
    events = told.events[4:]
    figures = figures_of(events, SITE)
    assert figures.begins_late
    assert [one.to_seat for one in figures.seated][-1] == 100_000
    assert "what came before is not known" in read(write_report(events, SITE, language="en"))


# -- the page

days: dict[str, Callable[[], Told]] = {
    "empty": lambda: quiet().close(12 * HOUR),
    "one": lambda: quiet().visit(9 * HOUR, locker=1).close(12 * HOUR),
    "ordinary": ordinary,
    "unfinished": lambda: quiet().visit(9 * HOUR, locker=1, goes=False),
    "bad": lambda: fault_cases["device"][0](fault_cases["fire"][0](quiet().visit(8 * HOUR, stays=9))).close(13 * HOUR),
    "below zero": lambda: quiet().at(9 * HOUR, f.GateForced(lane="main", direction="out", persons=2)).close(10 * HOUR),
}


@pytest.mark.parametrize(("kind", "language"), list(product(days, ("id", "en"))))
def test_every_page_is_one_file_without_scripts_and_its_pictures_are_well_formed(kind: str, language: str) -> None:
    html = write_report(days[kind]().events, SITE, language=language)
    assert not re.search(r"<script|src=|https?://(?!www\.w3\.org/2000/svg)|@import|url\((?!#)", html)
    assert f'<html lang="{language}">' in html
    pictures = [svg for svg in re.findall(r"<svg.*?</svg>", html, flags=re.S) if "viewBox" in svg]
    assert pictures
    for svg in pictures:
        sheet = ET.fromstring(svg)
        assert not re.search(r"\bnan\b|\binf\b", svg)
        height = float(sheet.attrib["viewBox"].split()[3])
        for mark in sheet.iter():
            for key, most in (("x", 720), ("x1", 720), ("x2", 720), ("cx", 720), ("y", height), ("cy", height)):
                if key in mark.attrib and "pattern" not in mark.tag:
                    assert -1 <= float(mark.attrib[key]) <= most + 1, ET.tostring(mark)


@pytest.mark.parametrize("kind", days)
def test_no_label_of_a_time_axis_or_value_axis_is_printed_over_another(kind: str) -> None:
    html = write_report(days[kind]().events, SITE, language="id")
    for svg in re.findall(r"<svg viewBox.*?</svg>", html, flags=re.S):
        boxes = []
        for text in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
            if text.attrib["class"] != "tick":
                continue
            width = 5.6 * len(text.text or "")
            x, y = float(text.attrib["x"]), float(text.attrib["y"])
            left = x - {"start": 0.0, "middle": width / 2, "end": width}[text.attrib["text-anchor"]]
            boxes.append((left, y - 8, left + width, y, text.text))
        for number, one in enumerate(boxes):
            for other in boxes[number + 1 :]:
                apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
                assert apart, (one, other)


@pytest.mark.parametrize("language", ["id", "en"])
def test_no_label_begins_left_of_the_sheet(language: str) -> None:
    """7.4 pixels a letter is more than any usual font needs at this size."""
    told = quiet().visit(8.5 * HOUR)
    for number, reason in enumerate(REASONS):
        told.at(9 * HOUR, f.TaskRaised(task=f"T-{number}", reason=reason))
    for device in ("entry", "a-reader-with-quite-a-long-name"):
        told.at(9 * HOUR, f.DeviceFell(device=device, health="gone", detail=""))
    html = write_report(told.close(12 * HOUR).events, SITE, language=language)
    labels = re.findall(r'<text class="label" x="([\d.]+)" y="[\d.]+" text-anchor="end">([^<]*)</text>', html)
    assert any(label.endswith("…") for _, label in labels)
    assert [label for x, label in labels if float(x) < 7.4 * len(label)] == []


def test_what_officers_wrote_cannot_become_markup() -> None:
    told = quiet().at(9 * HOUR, f.OverrideUsed(action="call", reason="x_y", actor="officer-1", ticket="<b>A&1</b>"))
    html = write_report(told.events, SITE, language="en")
    assert "<b>A" not in html
    assert "&lt;b&gt;A&amp;1&lt;/b&gt;" in html


def test_no_card_is_named_in_any_form() -> None:
    told = ordinary()
    html = write_report(told.events, SITE, language="en")
    for event in told.events:
        assert event["data"].get("card", "no such card") not in html


def test_visiting_is_free_on_every_page_and_a_simulation_says_that_it_is_one() -> None:
    html = read(write_report(ordinary().events, SITE, language="id"))
    assert "BESUK GRATIS" in html
    assert "SIMULASI" in html
    assert "Senin, 5 Januari 2026" in html


def test_without_a_known_capacity_the_count_is_told_alone() -> None:
    assert "At most 2 people inside, at 08:31" in english(ordinary(), Site(capacity=0))


# -- words


def test_every_text_and_reason_is_there_in_both_languages_with_the_same_blanks() -> None:
    for key, (indonesian, text) in {**TEXT, **REASONS, **ACTIONS}.items():
        assert indonesian
        assert text, key
        blanks = set(re.findall(r"\{(\w+)\}", indonesian))
        assert blanks == set(re.findall(r"\{(\w+)\}", text)) | ({"n"} & blanks), key


def test_a_reason_that_a_page_offers_is_told_in_its_words_and_what_was_typed_as_typed() -> None:
    assert Words("id", 0).reason("card_not_found") == "kartu tidak ditemukan"
    assert Words("id", 0).reason("late bus") == "late bus"


def test_every_text_is_used() -> None:
    files = [path for path in (ROOT / "firmware/report").glob("*.py") if path.stem != "texts"]
    code = "".join(path.read_text(encoding="utf-8") for path in files)
    composed = ("stage_", "step_", "mode_", "health_", "row_", "odd_", "col_")
    assert [key for key in TEXT if not key.startswith(composed) and not re.search(f"[\"']{key}[\"']", code)] == []


@pytest.mark.parametrize(
    ("ms", "indonesian", "told"),
    [
        (400, "0 detik", "0 seconds"), (1_000, "1 detik", "1 second"), (59_600, "1 menit", "1 minute"),
        (120_000, "2 menit", "2 minutes"), (89_000, "1 menit 29 detik", "1 min 29 s"),
        (3_600_000, "1 jam", "1 hour"), (3_599_600, "1 jam", "1 hour"), (5_400_000, "1 jam 30 menit", "1 h 30 min"),
    ],
)  # fmt: skip
def test_durations_are_written_as_they_are_spoken(ms: int, indonesian: str, told: str) -> None:
    assert Words("id", 0).span(ms) == indonesian
    assert Words("en", 0).span(ms) == told


@pytest.mark.parametrize(
    ("part", "whole", "told"), [(0, 3, "0 %"), (3, 3, "100 %"), (1, 1000, "1 %"), (999, 1000, "99 %")]
)
def test_all_and_none_are_said_of_all_and_none_alone(part: int, whole: int, told: str) -> None:
    assert Words("en", 0).share(part, whole) == told


# -- the command


def journal_in(folder: Path, told: Told) -> Path:
    (folder / "journal").mkdir()
    (folder / "journal" / "000000000001.jsonl").write_bytes(b"".join(line.raw + b"\n" for line in told.lines))
    return folder


def besuk(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def test_the_command_writes_the_page_and_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = journal_in(tmp_path, ordinary())
    monkeypatch.chdir(tmp_path)
    assert besuk("--journal", str(state)) == (0, "besuk-2026-01-05.html\n", "")
    assert "BESUK GRATIS" in (tmp_path / "besuk-2026-01-05.html").read_text(encoding="utf-8")
    code, told, _ = besuk("--journal", str(state), "--out", "-", "--language", "en")
    assert code == 0
    assert told.startswith("<!DOCTYPE html>")
    assert "VISITS ARE FREE" in told


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["--day", "2026-01-07"], 1, "nothing was recorded on 2026-01-07; the hall was opened on 2026-01-05"),
        (["--day", "yesterday"], 2, "--day: 'yesterday' is not allowed; a day such as 2026-11-21"),
        (["--out", "/proc/no/place.html"], 1, "/proc/no/place.html: cannot be written: no such file or directory"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str], code: int, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = journal_in(tmp_path, ordinary())
    monkeypatch.chdir(tmp_path)
    assert besuk("--journal", str(state), *arguments) == (code, "", f"besuk: {line}\n")


def test_a_folder_without_a_journal_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, line = besuk("--journal", str(tmp_path))
    assert code == 1
    assert line == f"besuk: {tmp_path}: there is no journal in it (no NNNNNNNNNNNN.jsonl)\n"


def test_a_damaged_journal_is_reported_up_to_its_damage_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ordinary()
    state = journal_in(tmp_path, told)
    segment = state / "journal" / "000000000001.jsonl"
    hurt = segment.read_bytes().replace(told.lines[20].raw, told.lines[20].raw[:-9] + b"00000000}")
    segment.write_bytes(hurt)
    monkeypatch.chdir(tmp_path)
    code, page, line = besuk("--journal", str(state), "--out", "-", "--language", "en")
    assert code == 0
    assert "line 21: record 21" in line
    assert "THE JOURNAL IS DAMAGED" in page


def test_an_own_configuration_gives_capacity_and_language_and_a_foreign_one_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = ROOT / "config.yaml"
    state = journal_in(tmp_path, ordinary())
    monkeypatch.chdir(tmp_path)
    code, page, line = besuk("--journal", str(state), "--out", "-", "--config", str(config))
    assert (code, line) == (0, "")
    assert "2 dari 60 tempat" in page
    foreign = tmp_path / "foreign.yaml"
    foreign.write_text(config.read_text(encoding="utf-8").replace("hall: kunjungan", "hall: lain"), encoding="utf-8")
    code, page, line = besuk("--journal", str(state), "--out", "-", "--config", str(foreign))
    assert code == 0
    assert "is of rutan-contoh/lain" in line
    assert "dari 60 tempat" not in page


def test_figures_know_their_axis_even_when_nothing_happened() -> None:
    figures = Figures("besuk/v1/a/b", "", False, "2026-01-05", 0, 1, 1, begin_ms=8 * HOUR, end_ms=8 * HOUR + MINUTE)
    assert figures.axis_ms == (8 * HOUR, 9 * HOUR)
