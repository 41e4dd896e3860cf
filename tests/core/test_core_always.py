"""What must hold whatever happens, in whatever order: random days, told to the rules alone."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware.core import facts as f
from firmware.core import inputs as i
from firmware.core.decision import Refused
from firmware.core.evolve import evolve, fit_to_site, new_hall
from firmware.core.outputs import outputs_for
from tests.core.hall_story import CARDS, SITE, Story

Step = Callable[[Story], object]

READERS = [*SITE.readers]
SOME_CARDS = [*CARDS[:4], "foreign"]
VISITS = [f"V-{n:06d}" for n in range(1, 5)]
TICKETS = ["A-001", "A-002", "A-003", "P-001", "P-002"]


def ask(request: type[i.Request], **options: st.SearchStrategy[Any]) -> st.SearchStrategy[i.Input]:
    return st.builds(request, actor=st.just("desk-1"), **options)


def of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


INPUTS: st.SearchStrategy[i.Input] = st.one_of(
    st.builds(i.CardTapped, st.sampled_from(READERS), st.sampled_from(SOME_CARDS)),
    st.builds(i.CardTapped, of("lockers", "entry", "exit"), of(*CARDS[:2])),
    st.builds(i.CardsCollided, st.sampled_from(READERS)),
    st.builds(i.DoorSeen, of(1, 2, 4), of("open", "closed", "unknown"), of(None, True, False), st.booleans()),
    st.builds(i.DoorSeen, of(1), of("open", "closed"), st.none(), st.just(False)),
    st.builds(i.PassageSeen, of("main", "main", "second"), of("in", "out")),
    st.builds(i.ArmMoving, of("main"), st.booleans()),
    st.builds(i.ContactChanged, st.sampled_from([*SITE.contacts]), st.booleans()),
    st.builds(i.HealthSeen, of("main", "exit", "A", "hall"), of("ok", "silent", "gone"), st.just("cable")),
    st.builds(i.MinuteStruck, of("2026-11-21", "2026-11-22"), of(0, 480, 660, 700, 780, 900, 1000)),
    st.builds(i.ClockStepped, of(-5_000, 5_000)),
    of(i.ClockSynced(), i.StorageFailed("EIO"), i.StorageBack(0), i.StorageBack(3)),
    ask(i.IssueTicket, letter=of("A", "P")),
    ask(i.IssueTicket, booking=of("B1", "B2")),
    ask(i.CallTicket, counter=of("1", "2")),
    ask(i.CallTicket, counter=of("1", "2"), ticket=st.sampled_from(TICKETS), reason=of("", "ill")),
    ask(i.RecallTicket, counter=of("1", "2")),
    ask(i.ServeTicket, counter=of("1", "2")),
    ask(i.MissTicket, counter=of("1", "2")),
    ask(i.ParkTicket, ticket=st.sampled_from(TICKETS)),
    ask(i.TransferTicket, ticket=st.sampled_from(TICKETS), counter=of("1", "2")),
    ask(
        i.PutBooking,
        code=of("B1", "B2"),
        date=of("2026-11-21", "2026-11-22"),
        session=st.just("am"),
        letter=of("A", "P"),
        adults=st.just(2),
        children=st.just(0),
    ),
    ask(i.CancelBooking, code=of("B1")),
    ask(i.BindVisit, ticket=st.sampled_from(TICKETS), adults=of(1, 2), children=of(0, 1), carried=of(0, 1)),
    ask(i.RecordSearch, visit=st.sampled_from(VISITS), result=of("passed", "passed", "refused")),
    ask(i.IssueCard, visit=st.sampled_from(VISITS), card=of(*CARDS[:4])),
    ask(i.ReturnCard, card=of(*CARDS[:4]), collected=st.booleans()),
    ask(i.LoseCard, visit=st.sampled_from(VISITS), reason=st.just("lost")),
    ask(i.QuarantineCard, card=of(*CARDS[:4]), reason=st.just("doubt")),
    ask(i.ClearCard, card=of(*CARDS[:4]), reason=st.just("found")),
    ask(i.RetireCard, card=of(CARDS[3]), reason=st.just("broken")),
    ask(i.OpenSession, day=of("", "2026-11-21", "2026-11-22")),
    ask(i.CloseSession, exception=of("", "tired")),
    ask(i.SetCapacity, capacity=of(0, 2, 4, 10)),
    ask(i.SetLockdown, on=st.booleans(), reason=st.just("riot")),
    ask(
        i.Recount,
        present=st.dictionaries(st.sampled_from(VISITS), st.integers(0, 3), max_size=2),
        unattributed=st.integers(0, 2),
        reason=st.just("ticked"),
    ),
    ask(i.ConfirmCount),
    ask(i.InspectLocker, locker=of(1, 4), reason=st.just("smell"), second=st.just("guard-2")),
    ask(i.ReleaseLocker, locker=of(1, 4), reason=st.just("gone"), second=st.just("guard-2")),
    ask(i.ServiceLocker, locker=of(1, 4), into=st.booleans(), reason=st.just("oil")),
    ask(i.ResetEmergency),
    ask(i.ResolveTask, task=of("T-000001", "T-000002"), reason=st.just("done")),
)


def welcome(hall: Story) -> None:
    """Somebody comes as everybody does, so that random days reach the inner rooms."""
    hall.spare = [card.card for card in hall.hall.cards.values() if card.state == "stock"]
    if hall.spare and hall.hall.mode == "open" and "1" not in hall.hall.serving:
        hall.party(2, carried=1)


STEPS = st.lists(
    st.one_of(
        st.builds(lambda one: lambda hall: attempt(hall, one), INPUTS),
        st.builds(lambda one: lambda hall: attempt(hall, one), INPUTS),
        st.builds(lambda ms: lambda hall: hall.later(ms), of(1, 50, 500, 3_000, 7_000, 31_000, 61_000, 20 * 60_000)),
        st.builds(
            lambda off, trusted: lambda hall: hall.starts(off_ms=off, trusted=trusted),
            of(0, 0, 3_600_000),
            st.booleans(),
        ),
        st.just(welcome),
    ),
    min_size=20,
    max_size=80,
)


def attempt(hall: Story, happened: i.Input) -> None:
    with contextlib.suppress(Refused):
        hall.happens(happened)


def judge(hall: Story) -> None:
    """What the journal must never say, and the hall never be."""
    hall.prove()
    tickets = [fact.ticket for fact, _ in hall.journal if isinstance(fact, f.TicketIssued)]
    opened = {fact.day for fact, _ in hall.journal if isinstance(fact, f.HallOpened)}
    assert len(opened) > 1 or len(tickets) == len(set(tickets))
    again = new_hall(hall.site)
    for fact, at in hall.journal:
        if isinstance(fact, f.GateGranted) and fact.direction == "in":
            asked = fact.persons + fact.carried
            assert again.inside + again.reserved + asked <= again.capacity
            assert again.mode == "open"
        if isinstance(fact, f.LockerAssigned) and fact.reason is None:
            locker = again.lockers[fact.locker]
            assert not locker.visit
            assert locker.door == "closed"
            assert not locker.fault
        if isinstance(fact, f.LockerReleased):
            assert not again.degraded
        evolve(again, fact, at, hall.site)
        outputs_for(again, hall.site, at)  # folding any beginning gives a hall that stands
        owners = [locker.visit for locker in again.lockers.values() if locker.visit]
        assert len(owners) == len(set(owners)), "one locker a card"
        issued = [card.visit for card in again.cards.values() if card.state == "issued"]
        assert len(issued) == len(set(issued))
        assert set(issued) <= set(again.visits)
        reasons = [(t.reason, t.locker, t.visit, t.card, t.lane, t.device) for t in again.tasks.values()]
        assert len(reasons) == len(set(reasons))


@settings(max_examples=120, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_a_random_day_keeps_every_promise(steps: list[Step]) -> None:
    hall = Story()
    for step in steps:
        step(hall)
    judge(hall)


@settings(max_examples=60, derandomize=True)
@given(STEPS, st.integers(0, 200))
def test_a_crash_at_any_record_leaves_a_hall_that_starts(steps: list[Step], cut: int) -> None:
    hall = Story()
    for step in steps:
        step(hall)
    hall.journal = hall.journal[: max(1, len(hall.journal) - cut)]
    hall.hall = hall.refolded()
    hall.starts().later(3_600_000).prove()


@settings(max_examples=60, derandomize=True)
@given(st.lists(of("A", "P", "call-1", "call-2", "move"), max_size=60))
def test_no_third_priority_is_called_while_a_regular_one_could_be(steps: list[str]) -> None:
    hall = Story()
    run = 0
    for step in steps:
        waiting = [t for t in hall.hall.tickets.values() if t.state == "waiting"]
        match step.split("-"):
            case ["call", counter]:
                attempt(hall, i.ServeTicket(actor="x", counter=counter))
                regular = any(t.letter == "A" and t.counter in ("", counter) for t in waiting)
                hall.forget()
                attempt(hall, i.CallTicket(actor="x", counter=counter))
                for called in hall.news:
                    assert isinstance(called, f.TicketCalled)
                    run = run + 1 if called.ticket.startswith("P") else 0
                    assert run <= 2 or not regular
                    first = min(t.place for t in waiting if t.letter == called.ticket[0] and t.counter in ("", counter))
                    assert hall.hall.tickets[called.ticket].place == first
            case ["move"]:
                for ticket in waiting[:1]:
                    hall.asks(i.TransferTicket(actor="x", ticket=ticket.ticket, counter="2"))
            case [letter]:
                hall.asks(i.IssueTicket(actor="x", letter=letter))


@pytest.mark.parametrize("day", ["", "day"])
def test_a_year_of_days_leaves_no_heap(day: str) -> None:
    hall = Story(opened=False)
    for n in range(40):
        hall.asks(i.OpenSession(actor="x", day=day and f"2026-{1 + n // 28:02d}-{1 + n % 28:02d}"))
        for _ in range(5):
            hall.spare = [*CARDS]
            who = hall.party()
            hall.deposits(who)
            hall.enters(who).leaves(who)
            hall.asks(i.ReturnCard(actor="x", card=who.card, collected=True))
        ask_again = hall.asks(i.IssueTicket(actor="x", letter="A"))
        hall.asks(i.CallTicket(actor="x", counter="1", ticket=ask_again["ticket"], reason="last"))
        hall.asks(i.BindVisit(actor="x", ticket=ask_again["ticket"], adults=1))  # and goes home without a card
        hall.asks(i.CloseSession(actor="x"))
        hall.later(12 * 3_600_000)
    assert hall.hall.session == "closed"
    assert len(hall.hall.tickets) + len(hall.hall.visits) + len(hall.hall.visits_ended) < 30
    hall.prove()


def test_a_fold_of_nothing_stands() -> None:
    hall = new_hall(SITE)
    fit_to_site(hall, SITE)
    assert hall == new_hall(SITE)
