"""How facts change the queue, visits and cards. Part of `evolve`: nothing here refuses, or decides."""

from typing import assert_never

from firmware.core import facts as f
from firmware.core.site import Site
from firmware.core.state import Card, Hall, Ticket, Visit

TicketFact = (
    f.TicketIssued | f.TicketCalled | f.TicketRecalled | f.TicketParked | f.TicketServed | f.TicketMissed
    | f.TicketTransferred
)  # fmt: skip
VisitFact = f.VisitBound | f.VisitStarted | f.VisitWarned | f.VisitOverstayed | f.VisitEnded
CardFact = (
    f.CardEnrolled | f.CardIssued | f.CardReturned | f.CardLost | f.CardQuarantined | f.CardCleared | f.CardRetired
)


def fold_ticket(hall: Hall, fact: TicketFact, at: int, site: Site) -> None:
    """The queue: who waits, is called where, and in which place."""
    if isinstance(fact, f.TicketIssued):
        hall.places += 1
        hall.issued[fact.letter] = hall.issued.get(fact.letter, 0) + 1
        hall.tickets[fact.ticket] = Ticket(fact.ticket, fact.letter, hall.places, at, booking=fact.booking or "")
        if fact.booking and fact.booking in hall.bookings:
            hall.bookings[fact.booking].ticket = fact.ticket
        return
    ticket = hall.tickets.get(fact.ticket)
    if ticket is None:
        return
    match fact:
        case f.TicketCalled():
            ticket.state, ticket.counter, ticket.recalls, ticket.called_at = "called", fact.counter, 0, at
            hall.serving[fact.counter] = fact.ticket
            letter = ticket.letter
            hall.calls[letter] = hall.calls.get(letter, 0) + 1
            priority = letter in site.classes and site.classes[letter].priority
            hall.priority_run = hall.priority_run + 1 if priority else 0
            hall.jumps += fact.jumped
            hall.last_calls = [(fact.ticket, fact.counter), *hall.last_calls][:5]
            for missed in sorted(hall.tickets.values(), key=lambda t: t.place):
                late_by = hall.calls[letter] - missed.missed_at_call
                if missed.state == "missed" and missed.letter == letter and late_by > site.late_tolerance:
                    hall.places += 1
                    missed.state, missed.place, missed.counter = "waiting", hall.places, ""
        case f.TicketRecalled():
            ticket.recalls = fact.recalls
            hall.last_calls = [(fact.ticket, fact.counter), *(c for c in hall.last_calls if c[0] != fact.ticket)][:5]
        case f.TicketParked():
            _leave_counter(hall, ticket)
            ticket.state, ticket.counter = "parked", ""
        case f.TicketServed():
            _leave_counter(hall, ticket)
            ticket.state = "served"
        case f.TicketMissed():
            _leave_counter(hall, ticket)
            ticket.state, ticket.missed_at_call = "missed", hall.calls.get(ticket.letter, 0)
        case f.TicketTransferred():
            _leave_counter(hall, ticket)
            ticket.state, ticket.counter = "waiting", fact.counter
        case _:
            assert_never(fact)


def _leave_counter(hall: Hall, ticket: Ticket) -> None:
    for counter in [c for c, called in hall.serving.items() if called == ticket.ticket]:
        del hall.serving[counter]


def fold_visit(hall: Hall, fact: VisitFact, at: int, site: Site) -> None:
    """A visit begins, goes on, and moves to the ended ones."""
    if isinstance(fact, f.VisitBound):
        hall.visits_bound += 1
        visit = Visit(fact.visit, fact.adults, fact.children, fact.carried, at, fact.ticket or "", fact.booking or "")
        if ticket := hall.tickets.get(visit.ticket):
            visit.issued_at, visit.called_at = ticket.issued_at, ticket.called_at
            _leave_counter(hall, ticket)
            ticket.state = "served"  # as the next fact says, unless a power cut takes that
        if booking := hall.bookings.get(visit.booking):
            booking.visit = visit.visit
        hall.visits[visit.visit] = visit
        return
    known = hall.visits.get(fact.visit)
    if known is None:
        return
    match fact:
        case f.VisitStarted():
            known.started_at = at
        case f.VisitWarned():
            known.warned = True
        case f.VisitOverstayed():
            known.overstays = fact.over_ms // site.overstay_repeat_ms + 1
        case f.VisitEnded():
            known.ended_at = at
            hall.unattributed += known.persons_inside  # none, by the rules; were there any, they stay in the count
            known.inside = known.carried_inside = 0
            hall.visits_ended[known.visit] = hall.visits.pop(known.visit)
        case _:
            assert_never(fact)


def fold_search(hall: Hall, fact: f.SearchPassed | f.SearchRefused) -> None:
    """A passed search makes a new start: what was in hand is searched, and lockers stay owned."""
    if visit := hall.visits.get(fact.visit):
        visit.search = "passed" if isinstance(fact, f.SearchPassed) else "refused"
        if visit.search == "passed":
            visit.out = False
            for locker in hall.lockers_of(visit.visit):
                locker.collected_at = None


def fold_card(hall: Hall, fact: CardFact, at: int) -> None:
    """Where a card is."""
    if isinstance(fact, f.CardEnrolled):
        hall.cards[fact.card] = Card(fact.card, fact.number)
        return
    card = hall.cards.get(fact.card)
    if card is None:
        return
    match fact:
        case f.CardIssued():
            card.state, card.visit = "issued", fact.visit
            if visit := hall.visits.get(fact.visit):
                visit.card = fact.card
        case f.CardReturned():
            card.state, card.visit = "stock", ""
            if fact.collected:  # as if the second tap had been given: it frees itself once it may
                for locker in hall.lockers_of(fact.visit or ""):
                    if locker.door == "open" and not locker.fault:
                        locker.purpose = "collect"
                    elif locker.door == "closed" and not locker.opening and not locker.fault:
                        locker.collected_at = at
        case f.CardLost():
            card.state, card.reason = "lost", fact.reason
        case f.CardQuarantined():
            card.state, card.reason = "quarantined", fact.reason
        case f.CardCleared():
            card.state, card.visit, card.reason = "stock", "", ""
        case f.CardRetired():
            card.state, card.visit, card.reason = "retired", "", fact.reason
        case _:
            assert_never(fact)
