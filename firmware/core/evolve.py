"""How facts change the hall. Evolving never refuses: what is in the journal has happened, however odd it looks.

A fact may name things this hall does not know (a site was rebuilt, a locker was taken away); then it changes what it
can and leaves the rest alone.
"""

from firmware.core import facts as f
from firmware.core import signage
from firmware.core.site import Site
from firmware.core.state import (
    Booking,
    Card,
    Grant,
    Hall,
    Lane,
    Locker,
    Opening,
    Suspicion,
    Task,
    Ticket,
    Unwritten,
    Visit,
)


def new_hall(site: Site) -> Hall:
    """The hall of a journal that says nothing yet: lockers closed and free, nobody inside, session closed."""
    hall = Hall(capacity=site.capacity)
    fit_to_site(hall, site)
    return hall


def fit_to_site(hall: Hall, site: Site) -> None:
    """Give the hall the lockers and lanes that the site has. A locker that is gone stays while it is owned."""
    for number, bank in site.lockers.items():
        hall.lockers.setdefault(number, Locker(number, bank, door="unknown")).bank = bank
    for lane in site.lanes:
        hall.lanes.setdefault(lane, Lane(lane))
    for number in [n for n, locker in hall.lockers.items() if n not in site.lockers and not locker.visit]:
        del hall.lockers[number]


def evolve(hall: Hall, fact: f.Fact, at: int, site: Site) -> None:
    """Fold one fact, which became true at hall time `at`."""
    match fact:
        case f.HallBooted() | f.HallOpened() | f.HallClosing() | f.HallClosed() | f.HallModeChanged():
            _session(hall, fact, at)
        case f.LockerFact():
            _locker(hall, fact, at)
        case f.GateRefused():
            _refused(hall, fact, at, site)
        case f.GateFact():
            _gate(hall, fact, at, site)
        case f.TicketIssued() | f.TicketCalled() | f.TicketRecalled() | f.TicketParked() | f.TicketServed():
            _ticket(hall, fact, at, site)
        case f.TicketMissed() | f.TicketTransferred():
            _ticket(hall, fact, at, site)
        case f.VisitBound() | f.VisitStarted() | f.VisitWarned() | f.VisitOverstayed() | f.VisitEnded():
            _visit(hall, fact, at)
        case f.SearchPassed() | f.SearchRefused():
            _search(hall, fact)
        case f.CardRefused() | f.LockerRefused():
            _refused(hall, fact, at, site)
        case f.CardEnrolled() | f.CardIssued() | f.CardReturned() | f.CardLost() | f.CardQuarantined():
            _card(hall, fact)
        case f.CardCleared() | f.CardRetired():
            _card(hall, fact)
        case f.HallRecountRecorded() | f.HallCountConfirmed() | f.HallOccupancySuspect():
            _count(hall, fact, at)
        case f.BookingReceived():
            known = hall.bookings.get(fact.code)
            hall.bookings[fact.code] = Booking(
                fact.code, fact.date, fact.session, fact.letter, fact.adults, fact.children, fact.ref or "",
                ticket=known.ticket if known else "", visit=known.visit if known else "",
            )  # fmt: skip
        case f.BookingCancelled():
            hall.bookings.pop(fact.code, None)
        case f.HallLockedDown():
            hall.lockdown = True
        case f.HallLockdownLifted():
            hall.lockdown = False
        case f.HallCapacityChanged():
            hall.capacity = fact.capacity
        case f.EmergencyRaised():
            hall.emergency = hall.fire_active = True
            for lane in hall.lanes.values():
                lane.grants.clear()
        case f.EmergencyCleared():
            hall.fire_active = False
        case f.EmergencyReset():
            hall.emergency = False
        case f.DeviceFell():
            hall.devices[fact.device] = fact.health
        case f.DeviceRose():
            hall.devices.pop(fact.device, None)
        case f.ClockSynced():
            hall.clock_synced = True
        case f.StorageDegraded():
            hall.degraded = True
        case f.StorageRestored():
            hall.degraded = False
        case f.TaskRaised():
            hall.tasks_raised += 1
            hall.tasks[fact.task] = Task(
                fact.task, fact.reason, at, fact.locker, fact.bank or "",
                fact.visit or "", fact.card or "", fact.lane or "", fact.device or "",
            )  # fmt: skip
        case f.TaskResolved():
            hall.tasks.pop(fact.task, None)
    signage.tell(hall, fact, at, site)


def refusal_key(fact: f.CardRefused | f.LockerRefused | f.GateRefused) -> str:
    """The same card refused for the same reason is the same refusal, wherever it taps."""
    return f"{fact.card or fact.reader} {fact.reason}"


def _refused(hall: Hall, fact: f.CardRefused | f.LockerRefused | f.GateRefused, at: int, site: Site) -> None:
    hall.refusals = {key: told for key, told in hall.refusals.items() if at - told < site.repeat_ms}
    hall.refusals[refusal_key(fact)] = at


def _session(hall: Hall, fact: f.Fact, at: int) -> None:
    match fact:
        case f.HallBooted():
            hall.boot_at = at
            hall.unwritten = Unwritten()
            hall.clock_synced = fact.trusted
            hall.degraded = False
            for locker in hall.lockers.values():
                locker.opening = None
                if locker.collected_at is not None:
                    locker.collected_at = at
            for lane in hall.lanes.values():
                lane.grants.clear()
                lane.spent_at, lane.spent_direction = None, ""
        case f.HallOpened():
            hall.session = "open"
            if fact.day and fact.day != hall.day:
                hall.day = fact.day
                hall.tickets.clear()
                hall.issued.clear()
                hall.calls.clear()
                hall.serving.clear()
                hall.last_calls.clear()
                hall.priority_run = hall.jumps = 0
                for gone in [v.visit for v in hall.visits.values() if v.ended_at is not None]:
                    del hall.visits[gone]
                for old in [b.code for b in hall.bookings.values() if b.date < fact.day]:
                    del hall.bookings[old]
                hall.refusals.clear()
        case f.HallClosing():
            hall.session = "closing"
        case f.HallClosed():
            hall.session = "closed"
        case f.HallModeChanged():
            hall.mode_told = fact.mode  # type: ignore[assignment]


def _ticket(hall: Hall, fact: f.Fact, at: int, site: Site) -> None:
    if isinstance(fact, f.TicketIssued):
        hall.places += 1
        hall.issued[fact.letter] = hall.issued.get(fact.letter, 0) + 1
        hall.tickets[fact.ticket] = Ticket(fact.ticket, fact.letter, hall.places, at, booking=fact.booking or "")
        if fact.booking and fact.booking in hall.bookings:
            hall.bookings[fact.booking].ticket = fact.ticket
        return
    ticket = hall.tickets.get(fact.ticket)  # type: ignore[attr-defined]
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


def _leave_counter(hall: Hall, ticket: Ticket) -> None:
    for counter in [c for c, called in hall.serving.items() if called == ticket.ticket]:
        del hall.serving[counter]


def _visit(hall: Hall, fact: f.Fact, at: int) -> None:
    if isinstance(fact, f.VisitBound):
        hall.visits_bound += 1
        visit = Visit(fact.visit, fact.adults, fact.children, fact.carried, at, fact.ticket or "", fact.booking or "")
        if ticket := hall.tickets.get(visit.ticket):
            visit.issued_at, visit.called_at = ticket.issued_at, ticket.called_at
        if booking := hall.bookings.get(visit.booking):
            booking.visit = visit.visit
        hall.visits[visit.visit] = visit
        return
    known = hall.visits.get(fact.visit)  # type: ignore[attr-defined]
    if known is None:
        return
    match fact:
        case f.VisitStarted():
            known.started_at = at
        case f.VisitWarned():
            known.warned = True
        case f.VisitOverstayed():
            known.overstays += 1
        case f.VisitEnded():
            known.ended_at = at


def _search(hall: Hall, fact: f.SearchPassed | f.SearchRefused) -> None:
    if visit := hall.visits.get(fact.visit):
        visit.search = "passed" if isinstance(fact, f.SearchPassed) else "refused"
        if visit.search == "passed":
            visit.out = False
            for locker in hall.lockers_of(visit.visit):
                locker.collected_at = None


def _card(hall: Hall, fact: f.Fact) -> None:
    if isinstance(fact, f.CardEnrolled):
        hall.cards[fact.card] = Card(fact.card, fact.number)
        return
    card = hall.cards.get(fact.card)  # type: ignore[attr-defined]
    if card is None:
        return
    match fact:
        case f.CardIssued():
            card.state, card.visit = "issued", fact.visit
            if visit := hall.visits.get(fact.visit):
                visit.card = fact.card
        case f.CardReturned():
            card.state, card.visit = "stock", ""
        case f.CardLost():
            card.state, card.reason = "lost", fact.reason
        case f.CardQuarantined():
            card.state, card.reason = "quarantined", fact.reason
        case f.CardCleared():
            card.state, card.visit, card.reason = "stock", "", ""
        case f.CardRetired():
            card.state, card.visit, card.reason = "retired", "", fact.reason


def _locker(hall: Hall, fact: f.LockerFact, at: int) -> None:
    locker = hall.lockers.get(fact.locker)
    if locker is None:
        return
    match fact:
        case f.LockerAssigned():
            if locker.visit != fact.visit:
                locker.uses += 1
                locker.used_at = at
            locker.card, locker.visit = fact.card or "", fact.visit or ""
        case f.LockerPulsed():
            hall.pulses += 1
            since = locker.opening.since if locker.opening and fact.attempt > 1 else at
            locker.opening = Opening(fact.purpose, since, fact.attempt, at, hall.pulses, fact.door == "unknown")
            locker.purpose, locker.collected_at = fact.purpose, None
        case f.LockerOpened():
            locker.opening, locker.door, locker.opened_at, locker.left_open_told = None, "open", at, 0
            locker.content = fact.content
            if fact.purpose != "inspect":
                locker.inspected = False
        case f.LockerClosed():
            if locker.visit and locker.purpose == "collect" and locker.door == "open":
                locker.collected_at = at
            locker.door, locker.content, locker.opened_at = "closed", fact.content, None
            locker.opening, locker.purpose = None, ""
        case f.LockerUnreadable():
            locker.door, locker.content, locker.opening, locker.opened_at = "unknown", None, None, None
        case f.LockerReadable():
            locker.door, locker.content = fact.door, fact.content
            if locker.opening is None:
                locker.purpose = ""
        case f.LockerKept():
            locker.collected_at = None
        case f.LockerOverdue():
            locker.overdue = True
        case f.LockerReleased():
            locker.card = locker.visit = ""
            locker.collected_at, locker.inspected, locker.overdue = None, False, False
        case f.LockerJammed():
            locker.fault, locker.opening = "jammed", None
        case f.LockerForced():
            locker.fault, locker.door, locker.opened_at, locker.left_open_told = "forced", "open", at, 0
            locker.opening = None
        case f.LockerLeftOpen():
            locker.left_open_told += 1
        case f.LockerInspected():
            locker.inspected = True
        case f.LockerOutOfService():
            locker.fault, locker.opening = "out_of_service", None
        case f.LockerInService():
            locker.fault = ""


def _gate(hall: Hall, fact: f.GateFact, at: int, site: Site) -> None:
    lane = hall.lanes.get(fact.lane)
    if lane is None:
        return
    step = 1 if fact.direction == "in" else -1
    visit = hall.visits.get(fact.visit or "")
    match fact:
        case f.GateGranted():
            hall.grants = max(hall.grants, fact.grant)
            lane.grants.append(
                Grant(
                    fact.grant, "in" if fact.direction == "in" else "out", fact.persons, fact.card or "",
                    fact.visit or "", fact.carried, fact.reason or "", until=at + site.passage_ms + site.push_ms,
                )
            )
        case f.GateExpired():
            lane.grants = [grant for grant in lane.grants if grant.grant != fact.grant]
        case f.GatePassed():
            for grant in lane.grants:
                if grant.grant == fact.grant:
                    grant.passed += 1
            if visit:
                visit.inside += step
                visit.carried_inside += step * fact.carried
                if visit.inside <= 0 and step < 0:
                    visit.out, visit.search, visit.left_at = True, "needed", at
            else:
                hall.unattributed += step
            if lane.grants and lane.grants[0].unspent <= 0:
                lane.grants.pop(0)
                lane.spent_at, lane.spent_direction = at, fact.direction
            if lane.grants:
                lane.grants[0].until = at + site.passage_ms + site.push_ms
        case f.GateForced() | f.GateReversed() | f.GateTailgated():
            hall.unattributed += step * fact.persons


def _count(hall: Hall, fact: f.Fact, at: int) -> None:
    match fact:
        case f.HallOccupancySuspect():
            hall.suspect = Suspicion(fact.reason, at, fact.gap_s)
        case f.HallCountConfirmed():
            hall.suspect, hall.confirmed_at = None, at
        case f.HallRecountRecorded():
            hall.suspect, hall.confirmed_at = None, at
            hall.unattributed = fact.unattributed
            for visit in hall.visits.values():
                persons = fact.present.get(visit.visit, 0)
                was_inside = visit.persons_inside > 0
                visit.inside = min(persons, visit.walkers)
                visit.carried_inside = persons - visit.inside
                if persons and visit.started_at is None:
                    visit.started_at = at
                if persons:
                    visit.out = False
                elif was_inside:
                    visit.out, visit.search, visit.left_at = True, "needed", at
