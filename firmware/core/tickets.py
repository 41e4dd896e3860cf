"""The queue: one sequence per class and day, for booked and walk-in alike, in the order of issue.

Priority goes first, yet after so many priority calls in a row a waiting regular ticket comes, so that nobody starves.
A transferred ticket keeps its place and waits for its new counter alone. A missed one may be called by name while few
numbers have passed; after that it stands at the end of its class by itself, and is never away.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from firmware.core import facts as f
from firmware.core.decision import Answer, Refused, known
from firmware.core.inputs import (
    BindVisit,
    CallTicket,
    CancelBooking,
    IssueTicket,
    MissTicket,
    ParkTicket,
    PutBooking,
    RecallTicket,
    ServeTicket,
    TransferTicket,
)
from firmware.core.site import Site
from firmware.core.state import Hall, Ticket

TICKETS_MOST = 5_000
"""Tickets of a class in a day: four times the busiest day that is known, so that a stuck button ends somewhere."""

BOOKINGS_MOST = 10_000
"""Bookings that are kept at a time."""


def issue(hall: Hall, site: Site, letter: str, booking: str, actor: str) -> Answer:
    """The next number of a class, for the button or the counter."""
    if hall.session != "open" or hall.mode not in ("open", "degraded"):
        raise Refused("not_open", f"no tickets are given in mode {hall.mode}")
    if booking:
        booked = known(hall.bookings.get(booking), "unknown_booking", f"no booking {booking}")
        if booked.ticket or booked.visit:
            used = f"ticket {booked.ticket}" if booked.ticket else f"visit {booked.visit}"
            raise Refused("has_ticket", f"booking {booking} has {used} already")
        if hall.day and booked.date != hall.day:  # without a clock, the officer's word counts
            raise Refused("other_day", f"booking {booking} is for {booked.date}")
        letter = booked.letter
    if letter not in site.classes:
        raise Refused("unknown_class", f"no class {letter!r}; there are {', '.join(site.classes)}")
    if hall.issued.get(letter, 0) >= TICKETS_MOST:
        raise Refused("queue_full", f"{TICKETS_MOST} tickets of class {letter} were issued today")
    ticket = f"{letter}-{hall.issued.get(letter, 0) + 1:03d}"
    yield f.TicketIssued(ticket=ticket, letter=letter, booking=booking or None, actor=actor)
    return {"ticket": ticket}


def issue_asked(hall: Hall, site: Site, ask: IssueTicket) -> Answer:
    return (yield from issue(hall, site, ask.letter, ask.booking, ask.actor))


def in_order(waiting: Iterable[Ticket], site: Site, priority_run: int) -> Iterator[Ticket]:
    """Those who wait, as the rules call them after so many priority calls in a row, if nobody else comes."""
    by_place = sorted(waiting, key=lambda ticket: ticket.place)
    priority = deque(ticket for ticket in by_place if site.prefers(ticket.letter))
    regular = deque(ticket for ticket in by_place if not site.prefers(ticket.letter))
    while priority or regular:
        if regular and (not priority or priority_run >= site.priority_in_a_row):
            priority_run = 0
            yield regular.popleft()
        else:
            priority_run += 1
            yield priority.popleft()


def next_in_order(hall: Hall, site: Site, counter: str) -> Ticket | None:
    """Whom the rules call next at this counter."""
    waiting = (t for t in hall.tickets.values() if t.state == "waiting" and t.counter in ("", counter))
    return next(in_order(waiting, site, hall.priority_run), None)


def call(hall: Hall, site: Site, ask: CallTicket) -> Answer:
    _counter(site, ask.counter)
    if ask.counter in hall.serving:
        busy = hall.serving[ask.counter]
        raise Refused("counter_busy", f"counter {ask.counter} has {busy}: serve, park, miss or transfer it first")
    due = next_in_order(hall, site, ask.counter)
    if not ask.ticket:
        ticket = known(due, "queue_empty", "nobody is waiting")
        jumped = False
    else:
        ticket = _ticket(hall, ask.ticket)
        if ticket.state not in ("waiting", "parked", "missed"):
            raise Refused("not_waiting", f"{ticket.ticket} is {ticket.state}")
        in_turn = ticket is due or ticket.state in ("parked", "missed")
        jumped = not in_turn
        if jumped and not ask.reason:
            raise Refused("reason_needed", f"{ticket.ticket} is not the next: give a reason; it counts as a queue jump")
    if jumped:
        yield f.OverrideUsed(action="call", reason=ask.reason, actor=ask.actor, ticket=ticket.ticket)
    yield f.TicketCalled(
        ticket=ticket.ticket, counter=ask.counter, actor=ask.actor, reason=ask.reason or None, jumped=jumped
    )
    return {"ticket": ticket.ticket}


def recall(hall: Hall, site: Site, ask: RecallTicket) -> Answer:
    ticket = _called_at(hall, site, ask.counter)
    if ticket.recalls >= site.recalls:
        raise Refused("recalled_enough", f"{ticket.ticket} was recalled {ticket.recalls} times: miss it")
    yield f.TicketRecalled(
        ticket=ticket.ticket, counter=ask.counter, actor=ask.actor, recalls=ticket.recalls + 1
    )
    return {"ticket": ticket.ticket, "recalls": ticket.recalls}


def serve(hall: Hall, site: Site, ask: ServeTicket) -> Answer:
    ticket = _called_at(hall, site, ask.counter)
    yield f.TicketServed(ticket=ticket.ticket, counter=ask.counter, actor=ask.actor)
    return {"ticket": ticket.ticket}


def miss(hall: Hall, site: Site, ask: MissTicket) -> Answer:
    ticket = _called_at(hall, site, ask.counter)
    yield f.TicketMissed(ticket=ticket.ticket, counter=ask.counter, actor=ask.actor)
    return {"ticket": ticket.ticket}


def park(hall: Hall, ask: ParkTicket) -> Answer:
    ticket = _ticket(hall, ask.ticket)
    if ticket.state not in ("waiting", "called"):
        raise Refused("not_waiting", f"{ticket.ticket} is {ticket.state}")
    yield f.TicketParked(ticket=ticket.ticket, actor=ask.actor)
    return {"ticket": ticket.ticket}


def transfer(hall: Hall, site: Site, ask: TransferTicket) -> Answer:
    _counter(site, ask.counter)
    ticket = _ticket(hall, ask.ticket)
    if ticket.state not in ("waiting", "called", "parked"):
        raise Refused("not_waiting", f"{ticket.ticket} is {ticket.state}")
    yield f.TicketTransferred(ticket=ticket.ticket, counter=ask.counter, actor=ask.actor)
    return {"ticket": ticket.ticket, "counter": ask.counter}


def put_booking(hall: Hall, site: Site, ask: PutBooking) -> Answer:
    if ask.letter not in site.classes:
        raise Refused("unknown_class", f"no class {ask.letter!r}; there are {', '.join(site.classes)}")
    if hall.day and ask.date < hall.day:
        raise Refused("other_day", f"{ask.date} is over")
    if ask.adults < 1 or ask.children < 0:
        raise Refused("bad_arguments", "a booking is for at least one adult, and for no fewer than no children")
    if len(hall.bookings) >= BOOKINGS_MOST and ask.code not in hall.bookings:
        raise Refused("too_many_bookings", f"{BOOKINGS_MOST} bookings are kept already")
    known_booking = hall.bookings.get(ask.code)
    if known_booking and known_booking.ticket:
        raise Refused("has_ticket", f"booking {ask.code} has ticket {known_booking.ticket} already")
    yield f.BookingReceived(
        code=ask.code, date=ask.date, session=ask.session, letter=ask.letter,
        adults=ask.adults, children=ask.children, ref=ask.ref or None, actor=ask.actor,
    )  # fmt: skip
    return {"code": ask.code}


def cancel_booking(hall: Hall, ask: CancelBooking) -> Answer:
    known(hall.bookings.get(ask.code), "unknown_booking", f"no booking {ask.code}")
    yield f.BookingCancelled(code=ask.code, actor=ask.actor)
    return {"code": ask.code}


def bind(hall: Hall, site: Site, ask: BindVisit) -> Answer:
    """The counter's visitor becomes a visit: who comes, and with whom. The ticket is served with that."""
    number, code = ask.ticket, ask.booking
    if code:
        booked = known(hall.bookings.get(code), "unknown_booking", f"no booking {code}")
        if booked.visit:
            raise Refused("booking_used", f"booking {code} is visit {booked.visit} already")
        if number and booked.ticket not in ("", number):
            raise Refused("bad_arguments", f"booking {code} has ticket {booked.ticket}, not {number}")
        number = number or booked.ticket
        if not number:
            raise Refused("no_ticket", f"booking {code} has no ticket yet: give it one, so that nobody jumps the queue")
    if not number:
        raise Refused("bad_arguments", "name a ticket or a booking")
    ticket = _ticket(hall, number)
    if ticket.state != "called":
        raise Refused("not_called", f"{ticket.ticket} is {ticket.state}: call it first")
    if ask.adults < 1:
        raise Refused("bad_arguments", "a party has at least one adult")
    if ask.children < 0 or ask.carried < 0:
        raise Refused("bad_arguments", "children and carried infants cannot be fewer than none")
    if ask.adults + ask.children + ask.carried > site.party_most:
        raise Refused("party_too_large", f"at most {site.party_most} persons visit together")
    visit = f"V-{hall.visits_bound + 1:06d}"
    counter = ticket.counter
    yield f.VisitBound(
        visit=visit, ticket=ticket.ticket, booking=code or ticket.booking or None,
        adults=ask.adults, children=ask.children, carried=ask.carried, actor=ask.actor,
    )  # fmt: skip
    yield f.TicketServed(ticket=ticket.ticket, counter=counter, visit=visit, actor=ask.actor)
    return {"visit": visit}


def _counter(site: Site, counter: str) -> None:
    if counter not in site.counters:
        raise Refused("unknown_counter", f"no counter {counter!r}; there are {', '.join(site.counters)}")


def _ticket(hall: Hall, ticket: str) -> Ticket:
    return known(hall.tickets.get(ticket), "unknown_ticket", f"no ticket {ticket!r} today")


def _called_at(hall: Hall, site: Site, counter: str) -> Ticket:
    _counter(site, counter)
    return _ticket(hall, known(hall.serving.get(counter), "nobody_called", f"nobody is called at counter {counter}"))
