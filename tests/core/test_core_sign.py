"""The sign: nothing overwrites a call, news for one person does not wait behind older news for the same one."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from firmware.core import facts as f
from firmware.core import inputs as i
from firmware.core.evolve import new_hall
from firmware.core.signage import REFUSALS, TEXTS, next_change, tell
from firmware.core.signage import shown as said
from firmware.texts import LANGUAGES, sign_texts
from tests.core.hall_story import SECOND, SITE, Story


def shown(hall: Story, seconds: int) -> list[str]:
    """What stands on the sign at the beginning of each second."""
    texts = []
    for _ in range(seconds):
        texts.append(hall.sign)
        hall.later(SECOND)
    return texts


def call(hall: Story, *counters: str) -> None:
    for counter in counters:
        hall.asks(i.IssueTicket(actor="x", letter="A"))
        hall.asks(i.CallTicket(actor="x", counter=counter))


def test_calls_of_one_moment_each_hold_the_sign(hall: Story) -> None:
    call(hall, "1", "2")
    assert shown(hall, 9) == ["A-001 LOKET 1"] * 4 + ["A-002 LOKET 2"] * 4 + ["A-002 LOKET 2"]
    assert hall.outputs.signs["hall"].ticket == "A-002"


def test_what_concerns_a_locker_comes_between_the_calls(hall: Story) -> None:
    one, two = hall.party(), hall.party()
    hall.later(20 * SECOND)
    call(hall, "1", "2")
    hall.taps("lockers", one.card, after=1).taps("lockers", two.card, after=1).door(1, "open").door(2, "open")
    assert shown(hall, 12) == (
        ["A-003 LOKET 1"] * 4 + ["LOKER 01 DIBUKA"] * 2 + ["A-004 LOKET 2"] * 4 + ["LOKER 02 DIBUKA"] * 2
    )


def test_newer_news_for_the_same_visitor_does_not_wait(hall: Story) -> None:
    who = hall.party(search=None)
    hall.later(20 * SECOND).taps("lockers", who.card)
    assert hall.sign == "PERIKSA DULU"
    hall.asks(i.RecordSearch(actor="x", visit=who.visit, result="passed"))
    hall.taps("lockers", who.card)
    assert hall.sign == "LOKER 01 DIBUKA"


def test_older_news_that_waits_for_the_same_visitor_is_dropped(hall: Story) -> None:
    who = hall.party(search=None)
    hall.later(20 * SECOND)
    call(hall, "1")
    hall.taps("lockers", who.card, after=1)
    hall.asks(i.RecordSearch(actor="x", visit=who.visit, result="passed"))
    hall.taps("lockers", who.card)
    assert [*dict.fromkeys(shown(hall, 7))] == ["A-002 LOKET 1", "LOKER 01 DIBUKA"]


def test_the_same_news_again_does_not_start_over(hall: Story) -> None:
    hall.later(20 * SECOND)
    for _ in range(20):
        hall.taps("entry", "foreign", after=100)
    assert len(hall.hall.unwritten.sign) <= 2
    assert shown(hall, 3)[-1] == "BESUK GRATIS"


def test_a_flood_of_notices_never_delays_a_call_by_more_than_one(hall: Story) -> None:
    hall.later(20 * SECOND)
    for n in range(100):
        hall.taps("entry", f"foreign-{n}", after=10)
    call(hall, "1")
    assert "A-001 LOKET 1" in shown(hall, 3)
    assert "A-001 LOKET 1" in shown(hall, 1)
    hall.later(10 * SECOND)
    assert hall.sign == "A-001 LOKET 1"  # the rest was too late to be of use


@pytest.mark.parametrize("over", ["serve", "miss", "park", "transfer"])
def test_a_call_that_is_over_before_it_was_shown_is_not_shown(hall: Story, over: str) -> None:
    call(hall, "1", "2")
    match over:
        case "serve":
            hall.asks(i.ServeTicket(actor="x", counter="2"))
        case "miss":
            hall.asks(i.MissTicket(actor="x", counter="2"))
        case "park":
            hall.asks(i.ParkTicket(actor="x", ticket="A-002"))
        case _:
            hall.asks(i.TransferTicket(actor="x", ticket="A-002", counter="1"))
    assert set(shown(hall, 8)) == {"A-001 LOKET 1"}


def test_a_call_that_is_being_shown_is_shown_to_its_end(hall: Story) -> None:
    call(hall, "1", "2")
    hall.later(SECOND)
    hall.asks(i.ServeTicket(actor="x", counter="1"))
    assert shown(hall, 3) == ["A-001 LOKET 1"] * 3


def test_a_recall_is_shown_again(hall: Story) -> None:
    call(hall, "1", "2")
    hall.later(10 * SECOND)
    hall.asks(i.RecallTicket(actor="x", counter="1"))
    hall.asks(i.RecallTicket(actor="x", counter="1"))
    assert shown(hall, 5) == ["A-001 LOKET 1"] * 5
    assert hall.hall.last_calls[0] == ("A-001", "1")


def test_a_recall_of_what_stands_there_holds_it_for_as_long_again(hall: Story) -> None:
    call(hall, "1", "2")
    hall.later(SECOND)
    hall.asks(i.RecallTicket(actor="x", counter="1"))
    assert shown(hall, 11) == ["A-001 LOKET 1"] * 3 + ["A-002 LOKET 2"] * 4 + ["A-001 LOKET 1"] * 4


def test_at_rest_it_says_that_a_visit_is_free(hall: Story) -> None:
    assert hall.sign == "BESUK GRATIS"
    assert next_change(hall.hall, hall.now) is None
    hall.asks(i.CloseSession(actor="x"))
    assert hall.sign == "TUTUP - GRATIS"


def test_it_says_when_it_changes(hall: Story) -> None:
    call(hall, "1", "2")
    assert [next_change(hall.hall, at) for at in (0, 4_000, 8_000)] == [4_000, 8_000, None]


def test_without_a_locker_to_name_it_sends_people_to_the_counter(story: Callable[..., Story]) -> None:
    hall = story(deposit_for_entry=True)
    who = hall.party()
    hall.later(10 * SECOND).taps("entry", who.card)
    assert hall.sign == "KE LOKET"


# -- what it says, as a table: every state, every message, both languages


def quiet(hall: Story) -> None:
    """An open hall in which nothing has happened yet."""


def called(hall: Story) -> None:
    call(hall, "1")


def call_is_over(hall: Story) -> None:
    call(hall, "1")
    hall.later(SECOND)
    hall.asks(i.ServeTicket(actor="x", counter="1"))
    hall.later(3 * SECOND)


def call_stands(hall: Story) -> None:
    call(hall, "1")
    hall.later(3_600 * SECOND)


def newer_call_is_over(hall: Story) -> None:
    call(hall, "1", "2")
    hall.later(8 * SECOND)
    hall.asks(i.ServeTicket(actor="x", counter="2"))


def recalled(hall: Story) -> None:
    call(hall, "1", "2")
    hall.later(8 * SECOND)
    hall.asks(i.RecallTicket(actor="x", counter="1"))


def closing(hall: Story) -> None:
    hall.enters(hall.party())
    hall.later(20 * SECOND)
    hall.asks(i.CloseSession(actor="x"))
    assert hall.hall.session == "closing"


def closed(hall: Story) -> None:
    hall.asks(i.CloseSession(actor="x"))
    assert hall.hall.session == "closed"


def lockdown(hall: Story) -> None:
    hall.asks(i.SetLockdown(actor="x", on=True, reason="search"))


def degraded(hall: Story) -> None:
    hall.happens(i.StorageFailed("no space"))


def fire(hall: Story) -> None:
    hall.contact("fire")


def fire_is_out(hall: Story) -> None:
    hall.contact("fire").contact("fire", False)


def full(hall: Story) -> None:
    hall.asks(i.SetCapacity(actor="x", capacity=0))


def places_are_granted(hall: Story) -> None:
    who = hall.party()
    hall.asks(i.SetCapacity(actor="x", capacity=1))
    hall.taps("entry", who.card, after=20 * SECOND).later(3 * SECOND)


def both(*states: Callable[[Story], None]) -> Callable[[Story], None]:
    def state(hall: Story) -> None:
        for one in states:
            one(hall)

    state.__name__ = "_and_".join(one.__name__ for one in states)
    return state


STATES = [
    (quiet, "BESUK GRATIS", "VISITS ARE FREE"),
    (called, "A-001 LOKET 1", "A-001 COUNTER 1"),
    (call_stands, "A-001 LOKET 1", "A-001 COUNTER 1"),
    (call_is_over, "BESUK GRATIS", "VISITS ARE FREE"),
    (newer_call_is_over, "A-001 LOKET 1", "A-001 COUNTER 1"),
    (recalled, "A-001 LOKET 1", "A-001 COUNTER 1"),
    (full, "PENUH", "FULL"),
    (places_are_granted, "PENUH", "FULL"),
    (both(full, called), "A-001 LOKET 1", "A-001 COUNTER 1"),
    (both(call_stands, full), "PENUH", "FULL"),
    (closing, "TUTUP - GRATIS", "CLOSED - FREE"),
    (closed, "TUTUP - GRATIS", "CLOSED - FREE"),
    (both(called, closed), "A-001 LOKET 1", "A-001 COUNTER 1"),
    (both(call_stands, closed), "TUTUP - GRATIS", "CLOSED - FREE"),
    (both(closed, full), "TUTUP - GRATIS", "CLOSED - FREE"),
    (degraded, "KE LOKET - GRATIS", "ASK COUNTER-FREE"),
    (both(closed, degraded), "KE LOKET - GRATIS", "ASK COUNTER-FREE"),
    (lockdown, "TUNGGU PETUGAS", "WAIT FOR STAFF"),
    (both(closed, degraded, lockdown), "TUNGGU PETUGAS", "WAIT FOR STAFF"),
    (fire, "<<< KELUAR >>>", "<<< EXIT >>>"),
    (fire_is_out, "<<< KELUAR >>>", "<<< EXIT >>>"),
    (both(closed, degraded, lockdown, full, fire), "<<< KELUAR >>>", "<<< EXIT >>>"),
    (both(called, fire), "<<< KELUAR >>>", "<<< EXIT >>>"),
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("state", "indonesian", "english"), STATES, ids=lambda one: getattr(one, "__name__", ""))
def test_what_it_says_in_every_state(
    story: Callable[..., Story], state: Callable[[Story], None], indonesian: str, english: str, language: str
) -> None:
    hall = story(sign_texts=sign_texts(language))
    state(hall)
    assert hall.sign == {"id": indonesian, "en": english}[language]
    assert hall.outputs.signs["hall"].urgent == (state.__name__.endswith(("fire", "fire_is_out")))


def gate(reason: str) -> f.Fact:
    return f.GateRefused(lane="main", reader="entry", direction="in", persons=1, card="c", visit="V", reason=reason)


def locker(reason: str, number: int | None = 3) -> f.Fact:
    return f.LockerRefused(card="c", visit="V", reader="lockers", bank="A", locker=number, reason=reason)


def opens(purpose: str, attempt: int = 1) -> f.Fact:
    return f.LockerPulsed(bank="A", locker=3, card="c", purpose=purpose, attempt=attempt, door="closed")


def jammed(purpose: str) -> f.Fact:
    return f.LockerJammed(bank="A", locker=3, card="c", purpose=purpose)


NOTICES = [
    (opens("deposit"), "LOKER 03 DIBUKA", "LOCKER 03 OPENS"),
    (opens("reopen"), "LOKER 03 DIBUKA", "LOCKER 03 OPENS"),
    (opens("collect"), "LOKER 03 DIBUKA", "LOCKER 03 OPENS"),
    (opens("collect", attempt=2), "BESUK GRATIS", "VISITS ARE FREE"),  # the same opening, tried again
    (opens("inspect"), "BESUK GRATIS", "VISITS ARE FREE"),  # a guard's, of no interest to visitors
    (opens("release"), "BESUK GRATIS", "VISITS ARE FREE"),
    (jammed("deposit"), "LOKER 03 RUSAK TEMPEL LAGI", "LOCKER 03 BROKEN TAP AGAIN"),
    (jammed("collect"), "LOKER 03 PANGGIL PETUGAS", "LOCKER 03 CALL STAFF"),
    (f.LockerLeftOpen(bank="A", locker=3, card="c", open_ms=30_000), "TUTUP LOKER 03", "SHUT LOCKER 03"),
    (locker("frozen"), "LOKER 03 PANGGIL PETUGAS", "LOCKER 03 CALL STAFF"),
    (locker("other_bank"), "LOKER ANDA 03", "YOUR LOCKER 03"),
    (locker("opening"), "LOKER 03 DIBUKA", "LOCKER 03 OPENS"),
    (locker("already_open"), "LOKER 03 TERBUKA", "LOCKER 03 IS OPEN"),
    (locker("search_needed"), "PERIKSA DULU", "SEARCH FIRST"),
    (locker("search_refused"), "KE LOKET", "TO THE COUNTER"),
    (locker("no_locker"), "KE LOKET", "TO THE COUNTER"),
    (locker("inside"), "MASIH DI DALAM", "STILL INSIDE"),
    (locker("full", None), "PENUH", "FULL"),
    (locker("degraded", None), "KE LOKET", "TO THE COUNTER"),
    (gate("locker_open"), "TUTUP LOKER 03", "SHUT LOCKER 03"),
    (gate("deposit_needed"), "LOKER ANDA 03", "YOUR LOCKER 03"),
    (gate("full"), "PENUH", "FULL"),
    (gate("wait"), "TUNGGU", "WAIT"),
    (gate("granted_elsewhere"), "TUNGGU", "WAIT"),
    (gate("granted"), "SILAKAN MASUK", "PLEASE ENTER"),
    (gate("closed"), "TUTUP - GRATIS", "CLOSED - FREE"),
    (gate("lockdown"), "TUNGGU PETUGAS", "WAIT FOR STAFF"),
    (gate("emergency"), "<<< KELUAR >>>", "<<< EXIT >>>"),
    (gate("anything_else"), "KE LOKET", "TO THE COUNTER"),
    (f.CardRefused(reader="entry", reason="two_cards"), "SATU KARTU", "ONE CARD ONLY"),
    (f.CardRefused(card="c", reader="entry", reason="lost"), "KE LOKET", "TO THE COUNTER"),
    (f.GateGranted(lane="main", direction="in", persons=2, card="c", grant=1), "SILAKAN MASUK", "PLEASE ENTER"),
    (f.GateGranted(lane="main", direction="out", persons=2, grant=1), "SILAKAN KELUAR", "PLEASE LEAVE"),
]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("fact", "indonesian", "english"), NOTICES, ids=lambda one: getattr(one, "reason", ""))
def test_what_it_tells_of_whatever_happens(fact: f.Fact, indonesian: str, english: str, language: str) -> None:
    """At once, for two seconds; then it says again what it said."""
    site = replace(SITE, sign_texts=sign_texts(language))
    hall = new_hall(site)
    hall.session, hall.lockers[3].visit = "open", "V"
    tell(hall, fact, 1_000, site)
    assert said(hall, site, 1_000).text == {"id": indonesian, "en": english}[language]
    assert said(hall, site, 3_000).code == "free"


def test_an_inspected_locker_says_so_when_its_owner_opens_it() -> None:
    hall = new_hall(SITE)
    hall.lockers[3].inspected = True
    tell(hall, opens("collect"), 0, SITE)
    assert said(hall, SITE, 0).text == "LOKER 03 DIPERIKSA PETUGAS"


def test_the_tables_leave_no_message_out() -> None:
    texts = {indonesian for _, indonesian, _ in [*STATES, *NOTICES]}
    gaps = {"ticket": "A-001", "counter": "1", "locker": 3}
    told = {code: text.format(**gaps) for code, text in sign_texts("id").items()}
    assert {code for code, text in told.items() if text not in texts} == {"locker_inspected"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_exists_in_every_language_and_fits_two_pages(language: str) -> None:
    texts = sign_texts(language)
    assert set(REFUSALS.values()) <= set(texts)
    for code, text in texts.items():
        assert re.findall(r"{.*?}", text) == re.findall(r"{.*?}", TEXTS[code])
        assert text.isascii()
        assert len(text.format(ticket="A-1000", counter="12", locker=144)) <= 32
    assert language == "en" or not set(texts.values()) & set(TEXTS.values()), "not translated"
