"""The sign: nothing overwrites a call, news for one person does not wait behind older news for the same one."""

import re
from collections.abc import Callable

import pytest

from firmware.core import inputs as i
from firmware.core.signage import REFUSALS, TEXTS, next_change
from firmware.texts import LANGUAGES, sign_texts
from tests.core.hall_story import SECOND, Story


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


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_exists_in_every_language_and_fits_two_pages(language: str) -> None:
    texts = sign_texts(language)
    assert set(REFUSALS.values()) <= set(texts)
    for code, text in texts.items():
        assert re.findall(r"{.*?}", text) == re.findall(r"{.*?}", TEXTS[code])
        assert text.isascii()
        assert len(text.format(ticket="A-1000", counter="12", locker=144)) <= 32
    assert language == "en" or not set(texts.values()) & set(TEXTS.values()), "not translated"
