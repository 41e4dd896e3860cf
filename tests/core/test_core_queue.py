"""The queue: one sequence, priority without starving anybody, and nobody ever away."""

from collections.abc import Callable

import pytest

from firmware.core import facts as f
from firmware.core import inputs as i
from firmware.core import tickets
from firmware.core.decide import take
from firmware.core.evolve import evolve
from tests.core.hall_story import DAY, Party, Story

Begin = Callable[..., Story]


def take_numbers(hall: Story, letters: str) -> list[str]:
    got = [hall.asks(i.IssueTicket(actor="button", letter=letter))["ticket"] for letter in letters]
    hall.forget()
    return got


def call(hall: Story, counter: str = "1", ticket: str = "", reason: str = "") -> str:
    ask = i.CallTicket(actor="desk-1", counter=counter, ticket=ticket, reason=reason)
    return str(hall.asks(ask)["ticket"])


def serve(hall: Story, counter: str = "1") -> None:
    hall.asks(i.ServeTicket(actor="desk-1", counter=counter))


def call_all(hall: Story, counter: str = "1") -> list[str]:
    """Call and serve until nobody waits."""
    order = []
    while tickets.next_in_order(hall.hall, hall.site, counter):
        order.append(call(hall, counter))
        serve(hall, counter)
    return order


def booking(code: str = "B1", date: str = DAY, letter: str = "A") -> i.PutBooking:
    return i.PutBooking(
        actor="central", code=code, date=date, session="morning", letter=letter, adults=2, children=1, ref="x"
    )


# -- numbers


def test_one_sequence_per_class_for_booked_and_walk_in_alike(hall: Story) -> None:
    hall.asks(booking())
    hall.contact("ticket").contact("ticket", False)
    hall.asks(i.IssueTicket(actor="kiosk", booking="B1"))
    hall.asks(i.IssueTicket(actor="desk-1", letter="P"))
    hall.said(
        "booking.received code=B1",
        "ticket.issued ticket=A-001 actor=ticket",
        "ticket.issued ticket=A-002 booking=B1",
        "ticket.issued ticket=P-001 letter=P",
    )


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (i.IssueTicket(actor="x", letter="Z"), "unknown_class"),
        (i.IssueTicket(actor="x", booking="B9"), "unknown_booking"),
        (i.IssueTicket(actor="x", booking="late"), "other_day"),
        (i.IssueTicket(actor="x", booking="used"), "has_ticket"),
        (i.IssueTicket(actor="x", booking="bound"), "has_ticket"),
        (booking("used"), "has_ticket"),
        (booking(letter="Z"), "unknown_class"),
        (booking(date="2026-11-20"), "other_day"),
        (i.PutBooking(actor="x", code="B", date=DAY, session="", letter="A", adults=0, children=0), "bad_arguments"),
        (i.CancelBooking(actor="x", code="B9"), "unknown_booking"),
        (i.CallTicket(actor="x", counter="9"), "unknown_counter"),
        (i.CallTicket(actor="x", counter="2"), "queue_empty"),
        (i.CallTicket(actor="x", counter="1", ticket="A-999"), "counter_busy"),
        (i.CallTicket(actor="x", counter="2", ticket="A-999"), "unknown_ticket"),
        (i.CallTicket(actor="x", counter="2", ticket="A-001"), "not_waiting"),
        (i.RecallTicket(actor="x", counter="2"), "nobody_called"),
        (i.RecallTicket(actor="x", counter="9"), "unknown_counter"),
        (i.ParkTicket(actor="x", ticket="A-001"), "not_waiting"),
        (i.TransferTicket(actor="x", ticket="A-001", counter="2"), "not_waiting"),
        (i.TransferTicket(actor="x", ticket="A-001", counter="9"), "unknown_counter"),
        (i.BindVisit(actor="x", adults=1), "bad_arguments"),
        (i.BindVisit(actor="x", booking="B9", adults=1), "unknown_booking"),
        (i.BindVisit(actor="x", booking="late", adults=1), "no_ticket"),
        (i.BindVisit(actor="x", booking="bound", adults=1), "booking_used"),
        (i.BindVisit(actor="x", booking="used", ticket="A-003", adults=1), "bad_arguments"),
        (i.BindVisit(actor="x", ticket="A-001", adults=1), "not_called"),
        (i.BindVisit(actor="x", ticket="A-003", adults=0), "bad_arguments"),
        (i.BindVisit(actor="x", ticket="A-003", adults=1, children=-1), "bad_arguments"),
        (i.BindVisit(actor="x", ticket="A-003", adults=1, carried=-1), "bad_arguments"),
        (i.BindVisit(actor="x", ticket="A-003", adults=3, children=2, carried=1), "party_too_large"),
    ],
)
def test_refused_with_a_code(hall: Story, ask: i.Request, code: str) -> None:
    """A-001 was served with booking `bound`, `used` has A-002, A-003 is called at counter 1, nobody else waits."""
    for name in ("used", "bound"):
        hall.asks(booking(name))
    hall.asks(booking("late", "2026-11-22"))
    hall.asks(i.IssueTicket(actor="x", letter="A"))
    hall.asks(i.IssueTicket(actor="x", booking="used"))
    take_numbers(hall, "A")
    call(hall)
    hall.asks(i.BindVisit(actor="x", ticket="A-001", booking="bound", adults=1))
    call(hall)
    serve(hall)
    call(hall)
    hall.refuses(ask, code)


@pytest.mark.parametrize(
    ("closing", "mode"),
    [
        (i.CloseSession(actor="x"), "closed"),
        (i.SetLockdown(actor="x", on=True, reason="riot"), "lockdown"),
        (i.ContactChanged("fire", True), "emergency"),
    ],
)
def test_no_numbers_while_the_hall_takes_nobody(hall: Story, closing: i.Input, mode: str) -> None:
    hall.happens(closing).forget()
    assert hall.hall.mode == mode
    hall.refuses(i.IssueTicket(actor="x", letter="A"), "not_open")
    hall.contact("ticket").silent()


def test_numbers_go_on_while_nothing_can_be_written_but_not_in_a_closed_hall(hall: Story) -> None:
    hall.happens(i.StorageFailed("EIO"))
    assert take_numbers(hall, "A") == ["A-001"]
    hall.asks(i.CloseSession(actor="x"))
    hall.refuses(i.IssueTicket(actor="x", letter="A"), "not_open")


def test_numbers_begin_again_with_the_first_opening_of_a_day_and_never_twice_in_one(hall: Story) -> None:
    take_numbers(hall, "AA")
    tomorrow = "2026-11-22"
    for day, following in [(DAY, "A-003"), (tomorrow, "A-001"), (DAY, "A-002"), (tomorrow, "A-003"), ("", "A-004")]:
        hall.asks(i.CloseSession(actor="x"))
        hall.asks(i.OpenSession(actor="x", day=day))
        assert take_numbers(hall, "A") == [following]


def test_a_stuck_button_ends_somewhere(hall: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "TICKETS_MOST", 3)
    monkeypatch.setattr(tickets, "BOOKINGS_MOST", 1)
    hall.asks(booking())
    take_numbers(hall, "AAA")
    hall.refuses(i.IssueTicket(actor="x", letter="A"), "queue_full").refuses(booking("B2"), "too_many_bookings")
    hall.contact("ticket").silent()


# -- order


@pytest.mark.parametrize(
    ("taken", "called"),
    [
        ("AAA", "A1 A2 A3"),
        ("AP", "P1 A1"),
        ("APPPP", "P1 P2 A1 P3 P4"),
        ("AAPPPPP", "P1 P2 A1 P3 P4 A2 P5"),
        ("PPP", "P1 P2 P3"),
    ],
)
def test_priority_first_but_never_three_in_a_row_while_a_regular_waits(hall: Story, taken: str, called: str) -> None:
    take_numbers(hall, taken)
    assert [f"{t[0]}{int(t[2:])}" for t in call_all(hall)] == called.split()


@pytest.mark.parametrize("called_before", range(4))
@pytest.mark.parametrize("taken", ["AAPPPPA", "PPPPP", "AAA", "PAPAPAPPPP", ""])
def test_who_is_next_can_be_told_before_they_are_called(hall: Story, taken: str, called_before: int) -> None:
    take_numbers(hall, "PPP" + taken)
    for _ in range(called_before):
        call(hall)
        serve(hall)
    waiting = [ticket for ticket in hall.hall.tickets.values() if ticket.state == "waiting"]
    told = [ticket.ticket for ticket in tickets.in_order(waiting, hall.site, hall.hall.priority_run)]
    assert told == call_all(hall)


def test_an_empty_queue_is_said_so(hall: Story) -> None:
    hall.refuses(i.CallTicket(actor="x", counter="1"), "queue_empty")


def test_out_of_order_needs_a_reason_and_counts_in_public(hall: Story) -> None:
    take_numbers(hall, "AA")
    hall.refuses(i.CallTicket(actor="x", counter="1", ticket="A-002"), "reason_needed")
    call(hall, ticket="A-002", reason="fainted")
    hall.said(
        "override.used action=call reason=fainted ticket=A-002 actor=desk-1",
        "ticket.called ticket=A-002 counter=1 jumped=True reason=fainted",
    )
    assert hall.hall.jumps == 1
    hall.refuses(i.CallTicket(actor="x", counter="1"), "counter_busy")


def test_the_next_by_name_is_no_jump(hall: Story) -> None:
    take_numbers(hall, "AA")
    call(hall, ticket="A-001")
    hall.said("ticket.called ticket=A-001 jumped=False")


# -- those who do not come


def test_recalled_three_times_then_missed(hall: Story) -> None:
    take_numbers(hall, "A")
    call(hall)
    for _ in range(3):
        hall.asks(i.RecallTicket(actor="x", counter="1"))
    hall.refuses(i.RecallTicket(actor="x", counter="1"), "recalled_enough")
    hall.asks(i.MissTicket(actor="x", counter="1"))
    hall.said(
        "ticket.called",
        "ticket.recalled recalls=1",
        "ticket.recalled recalls=2",
        "ticket.recalled recalls=3",
        "ticket.missed ticket=A-001 counter=1",
    )
    assert hall.hall.waiting == 0


def test_missed_is_called_by_name_within_five_numbers(hall: Story) -> None:
    take_numbers(hall, "A" * 8)
    call(hall)
    hall.asks(i.MissTicket(actor="x", counter="1"))
    for _ in range(5):
        call(hall)
        serve(hall)
    hall.forget()
    call(hall, ticket="A-001")
    hall.said("ticket.called ticket=A-001 jumped=False")


def test_missed_longer_stands_at_the_end_of_its_class_and_is_never_away(hall: Story) -> None:
    take_numbers(hall, "A" * 8)
    call(hall)
    hall.asks(i.MissTicket(actor="x", counter="1"))
    for _ in range(6):
        call(hall)
        serve(hall)
    hall.refuses(i.CallTicket(actor="x", counter="1", ticket="A-001"), "reason_needed")
    assert call_all(hall) == ["A-008", "A-001"]


def test_parked_returns_to_its_old_place_by_name(hall: Story) -> None:
    take_numbers(hall, "AAA")
    call(hall)
    hall.asks(i.ParkTicket(actor="x", ticket="A-001"))
    assert (call(hall), hall.hall.waiting) == ("A-002", 3)
    serve(hall)
    hall.forget()
    call(hall, ticket="A-001")
    hall.said("ticket.called ticket=A-001 jumped=False")


def test_transferred_keeps_its_place_at_its_new_counter_alone(hall: Story) -> None:
    take_numbers(hall, "AAA")
    call(hall)
    hall.asks(i.TransferTicket(actor="x", ticket="A-001", counter="2"))
    hall.mentioned("ticket.transferred ticket=A-001 counter=2")
    assert call(hall, "1") == "A-002"
    assert call(hall, "2") == "A-001"


def test_a_transferred_regular_holds_up_no_priority_elsewhere_and_is_next_at_its_own(hall: Story) -> None:
    take_numbers(hall, "A")
    hall.asks(i.TransferTicket(actor="x", ticket="A-001", counter="2"))
    take_numbers(hall, "PPPP")
    order = []
    for _ in range(3):
        order.append(call(hall, "1"))
        serve(hall, "1")
    assert order == ["P-001", "P-002", "P-003"]
    assert call(hall, "2") == "A-001"


# -- bookings


def test_a_booking_serves_once_whatever_way_it_came(hall: Story) -> None:
    hall.asks(booking())
    hall.asks(i.IssueTicket(actor="x", booking="B1"))
    call(hall)
    hall.forget()
    assert hall.asks(i.BindVisit(actor="x", booking="B1", adults=2, children=1)) == {"visit": "V-000001"}
    hall.said(
        "visit.bound visit=V-000001 ticket=A-001 booking=B1 adults=2 children=1 carried=0",
        "ticket.served ticket=A-001 visit=V-000001 counter=1",
    )


def test_a_booking_that_is_sent_again_replaces_the_first(hall: Story) -> None:
    hall.asks(booking())
    hall.asks(booking(letter="P"))
    assert hall.asks(i.IssueTicket(actor="x", booking="B1")) == {"ticket": "P-001"}


def test_a_cancelled_booking_is_gone(hall: Story) -> None:
    hall.asks(booking())
    hall.asks(i.CancelBooking(actor="x", code="B1"))
    hall.refuses(i.IssueTicket(actor="x", booking="B1"), "unknown_booking")


def test_without_a_clock_the_day_of_a_booking_is_not_judged(story: Begin) -> None:
    hall = story(opened=False)
    hall.asks(booking(date="2026-11-25"))
    hall.asks(i.OpenSession(actor="x", day=""))
    assert hall.asks(i.IssueTicket(actor="x", booking="B1")) == {"ticket": "A-001"}


def test_a_booking_kept_for_another_day_forgets_a_number_of_this_one(story: Begin) -> None:
    hall = story(opened=False)
    hall.asks(booking("old", "2026-11-20"))
    hall.asks(booking(date=DAY))
    hall.asks(i.OpenSession(actor="x", day=""))
    hall.asks(i.IssueTicket(actor="x", booking="B1"))
    hall.asks(i.CloseSession(actor="x"))
    hall.asks(i.OpenSession(actor="x", day=DAY))
    assert hall.asks(i.IssueTicket(actor="x", booking="B1")) == {"ticket": "A-001"}
    assert list(hall.hall.bookings) == ["B1"]


def test_the_day_changes_under_people_who_are_inside(hall: Story) -> None:
    who: Party = hall.party()
    locker = hall.deposits(who)
    hall.enters(who)
    hall.asks(i.CloseSession(actor="x", exception="power_cut"))
    hall.asks(i.OpenSession(actor="x", day="2026-11-22"))
    hall.leaves(who).taps("lockers", who.card).mentioned(f"locker.pulsed locker={locker} purpose=collect")


def test_what_is_over_is_forgotten_when_no_clock_can_tell_the_day(hall: Story) -> None:
    take_numbers(hall, "AA")
    call(hall)
    serve(hall)
    hall.asks(i.CloseSession(actor="x"))
    hall.asks(i.OpenSession(actor="x", day=""))
    assert [*hall.hall.tickets] == ["A-002"]


def test_what_is_in_the_journal_has_happened_however_odd_it_looks(hall: Story) -> None:
    """A journal that lost its middle names tickets, visits and cards that nobody knows."""
    for fact in (
        f.TicketMissed(ticket="A-099", counter="1", actor="x"),
        f.VisitWarned(visit="V-9", left_ms=1),
        f.CardCleared(card="none", reason="x"),
        f.SearchPassed(visit="V-9", actor="x"),
        f.VisitBound(visit="V-000001", ticket="A-099", adults=1, children=0, carried=0, actor="x"),
        f.CardIssued(card="card-001", number="001", visit="V-9", actor="x"),
    ):
        hall.journal.append((fact, 0))
        evolve(hall.hall, fact, 0, hall.site)
    hall.forget()
    hall.asks(i.ReturnCard(actor="x", card="card-001", collected=True))
    hall.said("card.returned visit=V-9")


def test_inputs_of_one_moment_are_all_seen_before_anything_ends_by_time(hall: Story) -> None:
    who = hall.party()
    hall.taps("entry", who.card)
    hall.now += hall.site.passage_ms + hall.site.push_ms
    facts, _ = take(hall.hall, hall.site, i.PassageSeen("main", "in"), hall.now, settle=False)
    assert [fact.type_name() for fact in facts] == ["gate.passed", "visit.started"]
    hall.journal += [(fact, hall.now) for fact in facts]
