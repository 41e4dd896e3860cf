"""The hall display: what everybody may know, honest waiting times, and nothing but what the sign says, too."""

import json
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from statistics import median
from typing import Any

import pytest

from firmware.api.display import display, public
from firmware.api.estimate import Estimate, Range, estimate
from firmware.core import inputs as i
from firmware.core.decision import Refused
from tests.core.hall_story import CARDS, DAY, MINUTE, SECOND, Story
from tests.rig import Rig


@pytest.fixture
def hall() -> Iterator[Story]:
    """An open hall in which nobody has come yet."""
    story = Story()
    yield story
    story.prove()


def shown(hall: Story) -> dict[str, Any]:
    return public(hall.hall, hall.site, hall.now)


def takes(hall: Story, letters: str) -> None:
    for letter in letters:
        hall.asks(i.IssueTicket(actor="x", letter=letter))


def call(hall: Story, counter: str = "1") -> str:
    return str(hall.asks(i.CallTicket(actor="x", counter=counter))["ticket"])


def serve(hall: Story, counter: str = "1") -> None:
    hall.asks(i.ServeTicket(actor="x", counter=counter))


# -- what is shown


def test_an_empty_hall_says_that_it_is_open_and_free(hall: Story) -> None:
    assert shown(hall) == {
        "mode": "open", "session": "open", "hours": [[480, 660], [780, 900]], "clock": "synced",
        "inside": 0, "capacity": 10, "full": False, "confidence": "exact",
        "waiting": 0, "jumps": 0, "lockers_free": 5, "priority": ["P"],
        "calling": [], "last": [], "next": [], "waits": [], "sign": "BESUK GRATIS",
        "message": {"code": "free", "ticket": "", "counter": "", "urgent": False, "until": 0},
    }  # fmt: skip


def test_who_is_called_where_and_who_is_next(hall: Story) -> None:
    takes(hall, "AAAPPPAAA")
    call(hall, "1")
    call(hall, "2")
    position = shown(hall)
    assert position["calling"] == [{"ticket": "P-001", "counter": "1"}, {"ticket": "P-002", "counter": "2"}]
    assert position["last"] == position["calling"][::-1]
    assert [one["ticket"] for one in position["next"]] == ["A-001", "P-003", "A-002", "A-003", "A-004"]
    assert position["waiting"] == 9


def test_a_transferred_ticket_says_where_it_will_be_called(hall: Story) -> None:
    takes(hall, "AA")
    hall.asks(i.TransferTicket(actor="x", ticket="A-001", counter="2"))
    assert shown(hall)["next"] == [{"ticket": "A-001", "counter": "2"}, {"ticket": "A-002", "counter": ""}]


def test_a_queue_jump_is_counted_in_public(hall: Story) -> None:
    takes(hall, "AA")
    hall.asks(i.CallTicket(actor="x", counter="1", ticket="A-002", reason="ill"))
    assert shown(hall)["jumps"] == 1


def test_a_full_hall_and_a_count_in_doubt_are_said_so(hall: Story) -> None:
    hall.asks(i.SetCapacity(actor="x", capacity=1))
    hall.enters(hall.party())
    assert (shown(hall)["inside"], shown(hall)["full"], shown(hall)["confidence"]) == (1, True, "exact")
    hall.starts(off_ms=5_000)
    assert (shown(hall)["inside"], shown(hall)["confidence"]) == (1, "suspect")


def test_a_call_is_marked_for_as_long_as_it_holds_the_sign(hall: Story) -> None:
    takes(hall, "AA")
    call(hall, "1")
    call(hall, "2")
    assert shown(hall)["message"] == {
        "code": "call", "ticket": "A-001", "counter": "1", "urgent": False, "until": 4 * SECOND
    }  # fmt: skip
    hall.later(4 * SECOND)
    assert (shown(hall)["message"]["ticket"], shown(hall)["message"]["until"]) == ("A-002", 8 * SECOND)
    hall.later(4 * SECOND)
    assert (shown(hall)["message"]["ticket"], shown(hall)["message"]["until"]) == ("A-002", 0)


def test_a_call_that_was_answered_at_once_stands_as_long_as_on_the_sign(hall: Story) -> None:
    takes(hall, "A")
    call(hall)
    hall.later(SECOND)
    serve(hall)
    assert shown(hall)["calling"] == [{"ticket": "A-001", "counter": "1"}]
    hall.later(3 * SECOND)
    assert shown(hall)["calling"] == []


def test_a_notice_of_the_sign_stands_here_too(hall: Story) -> None:
    who = hall.party()
    hall.later(20 * SECOND).taps("lockers", who.card)
    position = shown(hall)
    assert (position["sign"], position["message"]["code"]) == ("LOKER 01 DIBUKA", "locker_opens")
    assert position["message"]["until"] == hall.now + 2 * SECOND


def test_an_emergency_takes_the_whole_screen_as_it_takes_the_sign(hall: Story) -> None:
    takes(hall, "A")
    call(hall)
    hall.contact("fire")
    assert shown(hall)["message"] == {"code": "emergency", "ticket": "", "counter": "", "urgent": True, "until": 0}


def test_it_tells_of_nobody_who_they_are() -> None:
    rig = Rig()
    rig.open_day()
    visit, uid = rig.admit(adults=2)
    rig.tap("lockers", uid)
    rig.until(lambda: bool(rig.core.lockers[1].visit))
    text = json.dumps(display(rig.daemon.controller))
    card = rig.core.visits[visit].card
    assert not [secret for secret in (visit, uid, uid.lower(), card) if secret in text]
    assert json.loads(text)["simulated"] is True


# -- how long it may take


def steady(
    hall: Story, *, turns: int, turn_ms: int = 2 * MINUTE, counters: Sequence[str] = ("1",), letter: str = "A"
) -> None:
    """So many turns of the same length, in which everybody had to wait."""
    takes(hall, letter * (turns + 1) * len(counters))
    for turn in range(turns + 1):
        if turn:
            hall.later(turn_ms)
        for counter in counters:
            if turn:
                serve(hall, counter)
            call(hall, counter)


def guess(hall: Story) -> Estimate:
    return estimate(hall.hall, hall.site, hall.now)


@pytest.mark.parametrize(
    ("counters", "ahead", "range_"),
    [
        (("1",), 0, Range(0, 5)),
        (("1",), 4, Range(5, 10)),  # nine minutes
        (("1",), 10, Range(15, 25)),  # 21
        (("1", "2"), 10, Range(5, 15)),  # half of it
        (("1",), 28, Range(50, 70)),  # 57, and more than an hour is told in tens
    ],
)
def test_a_steady_queue(hall: Story, counters: Sequence[str], ahead: int, range_: Range) -> None:
    steady(hall, turns=10, counters=counters)
    takes(hall, "A" * ahead)
    assert guess(hall).waits["A"] == range_


def test_uneven_turns_make_a_wider_range(hall: Story) -> None:
    takes(hall, "A" * 30)
    call(hall)
    for turn in range(10):
        hall.later((1, 3)[turn % 2] * MINUTE)
        serve(hall)
        call(hall)
    uneven = guess(hall).waits["A"]
    assert uneven.shortest < 35 < 45 < uneven.longest  # 19 ahead: 39 minutes


def test_whom_the_rules_prefer_waits_less_and_makes_others_wait_more(hall: Story) -> None:
    steady(hall, turns=6)
    takes(hall, "A" * 8)
    alone = guess(hall).waits["A"]
    takes(hall, "PPP")
    waits = guess(hall).waits
    assert waits["P"].longest <= alone.longest
    assert waits["A"].longest > alone.longest


def test_a_counter_that_is_free_calls_at_once(hall: Story) -> None:
    steady(hall, turns=5)
    serve(hall)
    assert guess(hall).waits == {"A": Range(0, 5), "P": Range(0, 5)}


def unknown_yet(hall: Story) -> None:
    steady(hall, turns=4)


def nobody_had_to_wait(hall: Story) -> None:
    for _ in range(10):
        takes(hall, "A")
        call(hall)
        hall.later(2 * MINUTE)
        serve(hall)


def long_ago(hall: Story) -> None:
    steady(hall, turns=8)
    hall.later(40 * MINUTE)


def standing_still(hall: Story) -> None:
    steady(hall, turns=8)
    hall.later(7 * MINUTE)


def closed(hall: Story) -> None:
    steady(hall, turns=8)
    hall.asks(i.CloseSession(actor="x"))


def stopped(hall: Story) -> None:
    steady(hall, turns=8)
    hall.asks(i.SetLockdown(actor="x", on=True, reason="search"))


@pytest.mark.parametrize("state", [unknown_yet, nobody_had_to_wait, long_ago, standing_still, closed, stopped])
def test_what_is_not_known_is_not_said(hall: Story, state: Any) -> None:
    state(hall)
    assert guess(hall).waits == {}


def test_it_says_until_when_it_may_be_shown_if_nothing_happens(hall: Story) -> None:
    steady(hall, turns=8)
    until = guess(hall).until
    assert {wait["until"] for wait in shown(hall)["waits"]} == {until}
    hall.later(until - hall.now - 1)
    assert guess(hall).waits
    hall.later(1)
    assert not guess(hall).waits


def a_day(hall: Story, seed: int, visitors: int, counters: Sequence[str]) -> list[tuple[Range | None, float]]:
    """Visitors of eight hours, most of them in the morning and after noon; officers take one to four minutes for each,
    and one in twelve does not answer. What each was told when they took their number, and how long they waited."""
    rng = random.Random(seed)
    peaks = [(90, 40), (90, 40), (280, 45), (240, 150)]
    arrivals = deque(sorted(max(1, int(rng.gauss(*rng.choice(peaks)) * MINUTE)) for _ in range(visitors)))
    free_at = dict.fromkeys(counters, 0)
    told: dict[str, Range | None] = {}
    while arrivals or hall.hall.waiting:
        queue = any(ticket.state == "waiting" for ticket in hall.hall.tickets.values())
        moments = [at for counter, at in free_at.items() if queue or counter in hall.hall.serving]
        hall.later(max(0, min([*arrivals][:1] + moments) - hall.now))
        while arrivals and arrivals[0] <= hall.now:
            arrivals.popleft()
            letter = "P" if rng.random() < 0.12 else "A"
            range_ = guess(hall).waits.get(letter)
            told[hall.asks(i.IssueTicket(actor="x", letter=letter))["ticket"]] = range_
        for counter in counters:
            if free_at[counter] > hall.now:
                continue
            if counter in hall.hall.serving:
                serve(hall, counter)
            with suppress(Refused):
                call(hall, counter)
                comes = rng.random() > 1 / 12
                free_at[counter] = hall.now + rng.randrange(MINUTE, 4 * MINUTE) if comes else hall.now + 80 * SECOND
    called = [(ticket, ticket.called_at) for ticket in hall.hall.tickets.values()]
    return [(told[ticket.ticket], (at - ticket.issued_at) / MINUTE) for ticket, at in called if at is not None]


@pytest.mark.parametrize(
    ("seed", "visitors", "counters"), [(1, 160, "1"), (2, 260, "12"), (3, 330, "12"), (4, 420, "123")]
)
def test_of_ten_who_were_told_nine_wait_as_long_as_that(hall: Story, seed: int, visitors: int, counters: str) -> None:
    hall.site = replace(hall.site, counters=tuple(counters))
    waited = a_day(hall, seed, visitors, counters)
    told = [(range_, minutes) for range_, minutes in waited if range_]
    within = sum(range_.shortest <= minutes <= range_.longest for range_, minutes in told)
    assert len(told) >= 0.7 * visitors
    assert max(minutes for _, minutes in told) > 15
    assert within >= 0.9 * len(told)
    assert median(range_.longest - range_.shortest for range_, _ in told) <= 30


# -- the same as the sign


def test_whatever_the_sign_says_can_be_read_here_at_that_moment() -> None:
    """A busy hall by seed: six counters, everything that befalls a ticket, taps between the calls."""
    rng = random.Random(8)
    hall = Story(counters=tuple("123456"))
    asks: list[Callable[[], i.Request]] = [
        *[lambda: i.IssueTicket(actor="x", letter=rng.choice("AAP"))] * 3,
        *[lambda: i.CallTicket(actor="x", counter=rng.choice("123456"))] * 4,
        *[lambda: i.ServeTicket(actor="x", counter=rng.choice("123456"))] * 2,
        lambda: i.RecallTicket(actor="x", counter=rng.choice("123456")),
        lambda: i.MissTicket(actor="x", counter=rng.choice("123456")),
        lambda: i.ParkTicket(actor="x", ticket=rng.choice([*hall.hall.serving.values(), "A-001"])),
        lambda: i.TransferTicket(actor="x", ticket=rng.choice([*hall.hall.serving.values(), "A-001"]), counter="6"),
        lambda: i.SetLockdown(actor="x", on=rng.random() < 0.3, reason="search"),
        lambda: i.OpenSession(actor="x", day=DAY),
    ]
    calls_seen = set()
    for _ in range(1_500):
        with suppress(Refused):
            hall.asks(rng.choice(asks)())
        if rng.random() < 0.2:
            hall.taps(rng.choice(["entry", "lockers"]), rng.choice(CARDS), after=100)
        sign, position = hall.outputs.signs["hall"], shown(hall)
        assert (position["sign"], position["message"]["code"]) == (sign.text, sign.code)
        if sign.ticket:
            assert {"ticket": sign.ticket, "counter": sign.counter} in position["calling"]
            calls_seen.add(sign.ticket)
        hall.later(rng.randrange(1, 1_500))
    assert len(calls_seen) > 100
    hall.prove()


def test_a_ticket_of_a_class_that_the_site_has_no_more_waits_with_the_regular_ones() -> None:
    hall = Story()
    takes(hall, "AP")
    site = replace(hall.site, classes={"A": hall.site.classes["A"]})
    seen = public(hall.hall, site, hall.now)
    assert [one["ticket"] for one in seen["next"]] == ["A-001", "P-001"]
    assert seen["priority"] == []
