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

REFUSALS_MOST = 500
"""Refusals that are remembered at a time, so that a flood of foreign cards does not grow without bound."""


def new_hall(site: Site) -> Hall:
    """The hall of a journal that says nothing yet: doors unknown, lockers nobody's, nobody inside, session closed."""
    hall = Hall()
    fit_to_site(hall, site)
    return hall


def fit_to_site(hall: Hall, site: Site) -> None:
    """Give the hall the lockers and lanes that the site has. A locker that is gone stays while it is owned."""
    if not hall.capacity_ordered:
        hall.capacity = site.capacity
    for number, bank in site.lockers.items():
        hall.lockers.setdefault(number, Locker(number, bank, door="unknown")).bank = bank
    for lane in site.lanes:
        hall.lanes.setdefault(lane, Lane(lane))
    for number in [n for n, locker in hall.lockers.items() if n not in site.lockers and not locker.visit]:
        del hall.lockers[number]
    for name in [name for name in hall.lanes if name not in site.lanes]:
        del hall.lanes[name]


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
            _visit(hall, fact, at, site)
        case f.SearchPassed() | f.SearchRefused():
            _search(hall, fact)
        case f.CardRefused() | f.LockerRefused():
            _refused(hall, fact, at, site)
        case f.CardEnrolled() | f.CardIssued() | f.CardReturned() | f.CardLost() | f.CardQuarantined():
            _card(hall, fact, at)
        case f.CardCleared() | f.CardRetired():
            _card(hall, fact, at)
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
            hall.capacity, hall.capacity_ordered = fact.capacity, True
        case f.EmergencyRaised():
            hall.emergency = hall.fire_active = True
            for lane in hall.lanes.values():
                lane.grants.clear()
                lane.late = None
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
    hall.refusals.pop(refusal_key(fact), None)
    while len(hall.refusals) >= REFUSALS_MOST:
        del hall.refusals[next(iter(hall.refusals))]
    hall.refusals[refusal_key(fact)] = at


SessionFact = f.HallBooted | f.HallOpened | f.HallClosing | f.HallClosed | f.HallModeChanged
TicketFact = (
    f.TicketIssued | f.TicketCalled | f.TicketRecalled | f.TicketParked | f.TicketServed | f.TicketMissed
    | f.TicketTransferred
)  # fmt: skip
VisitFact = f.VisitBound | f.VisitStarted | f.VisitWarned | f.VisitOverstayed | f.VisitEnded
CardFact = (
    f.CardEnrolled | f.CardIssued | f.CardReturned | f.CardLost | f.CardQuarantined | f.CardCleared | f.CardRetired
)
CountFact = f.HallRecountRecorded | f.HallCountConfirmed | f.HallOccupancySuspect


def _session(hall: Hall, fact: SessionFact, at: int) -> None:
    match fact:
        case f.HallBooted():
            hall.boot_at = fact.epoch_ms
            hall.unwritten = Unwritten()
            hall.clock_synced = fact.trusted
            hall.degraded = False
            for locker in hall.lockers.values():
                if locker.opening is None and locker.door == "closed":
                    locker.purpose = ""  # what it was opened for is over: a door found open now was forced
                locker.opening = None
                if locker.collected_at is not None:
                    locker.collected_at = at
            for lane in hall.lanes.values():
                lane.grants.clear()
                lane.late, lane.spent_at, lane.spent_direction = None, None, ""
            if fact.off_ms == 0 and fact.gap_s != 0 and not fact.format:
                for visit in hall.visits.values():
                    visit.untimed = visit.untimed or visit.inside > 0
        case f.HallOpened():
            hall.session, hall.day, hall.opened_by = "open", fact.day, fact.actor
            if fact.day > hall.numbered_day:
                _new_day(hall, fact.day)
            elif not fact.day:  # perhaps a new day: numbers go on, and what is over is forgotten
                hall.tickets = {name: ticket for name, ticket in hall.tickets.items() if ticket.state != "served"}
                _forget_visits(hall)
        case f.HallClosing():
            hall.session = "closing"
        case f.HallClosed():
            hall.session = "closed"
        case f.HallModeChanged():  # pragma: no branch
            hall.mode_told = fact.mode  # type: ignore[assignment]


def _new_day(hall: Hall, day: str) -> None:
    """Ticket numbers begin again. People inside, their visits, cards and lockers stay what they are."""
    hall.numbered_day = day
    for table in (hall.tickets, hall.issued, hall.calls, hall.serving):
        table.clear()
    hall.last_calls.clear()
    hall.priority_run = hall.jumps = 0
    _forget_visits(hall)
    hall.bookings = {code: booking for code, booking in hall.bookings.items() if booking.date >= day}
    for booking in hall.bookings.values():
        booking.ticket = booking.visit = ""  # numbers of another day


def _forget_visits(hall: Hall) -> None:
    owners = {locker.visit for locker in hall.lockers.values()}
    hall.visits_ended = {name: visit for name, visit in hall.visits_ended.items() if name in owners}


def _ticket(hall: Hall, fact: TicketFact, at: int, site: Site) -> None:
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
        case f.TicketTransferred():  # pragma: no branch
            _leave_counter(hall, ticket)
            ticket.state, ticket.counter = "waiting", fact.counter


def _leave_counter(hall: Hall, ticket: Ticket) -> None:
    for counter in [c for c, called in hall.serving.items() if called == ticket.ticket]:
        del hall.serving[counter]


def _visit(hall: Hall, fact: VisitFact, at: int, site: Site) -> None:
    if isinstance(fact, f.VisitBound):
        hall.visits_bound += 1
        visit = Visit(fact.visit, fact.adults, fact.children, fact.carried, at, fact.ticket or "", fact.booking or "")
        if ticket := hall.tickets.get(visit.ticket):
            visit.issued_at, visit.called_at = ticket.issued_at, ticket.called_at
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
        case f.VisitEnded():  # pragma: no branch
            known.ended_at = at
            hall.unattributed += known.persons_inside  # none, by the rules; were there any, they stay in the count
            known.inside = known.carried_inside = 0
            hall.visits_ended[known.visit] = hall.visits.pop(known.visit)


def _search(hall: Hall, fact: f.SearchPassed | f.SearchRefused) -> None:
    if visit := hall.visits.get(fact.visit):
        visit.search = "passed" if isinstance(fact, f.SearchPassed) else "refused"
        if visit.search == "passed":
            visit.out = False
            for locker in hall.lockers_of(visit.visit):
                locker.collected_at = None


def _card(hall: Hall, fact: CardFact, at: int) -> None:
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
        case f.CardRetired():  # pragma: no branch
            card.state, card.visit, card.reason = "retired", "", fact.reason


def _locker(hall: Hall, fact: f.LockerFact, at: int) -> None:
    if fact.locker not in hall.lockers:  # the site has it no more; whose it is must not be forgotten
        hall.lockers[fact.locker] = Locker(fact.locker, fact.bank, door="unknown")
    locker = hall.lockers[fact.locker]
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
            locker.content, locker.seen, locker.purpose = fact.content, True, fact.purpose
            if fact.purpose != "inspect":
                locker.inspected = False
        case f.LockerClosed():
            owner = hall.visits.get(locker.visit)
            searched_again = owner is not None and not owner.out
            if locker.visit and locker.purpose == "collect" and not searched_again:
                locker.collected_at = at
            locker.door, locker.content, locker.opened_at, locker.seen = "closed", fact.content, None, True
            locker.opening, locker.purpose = None, ""
        case f.LockerUnreadable():
            locker.door, locker.content = "unknown", None
            if locker.opening:
                locker.opening.blind = True
        case f.LockerReadable():
            locker.door, locker.content, locker.seen = fact.door, fact.content, True
            if locker.opening is None and locker.door == "closed":
                locker.purpose = ""
        case f.LockerUnseen():
            locker.opening = None
            if locker.door == "closed":
                locker.purpose = ""
        case f.LockerKept():
            locker.collected_at = None
        case f.LockerOverdue():
            locker.overdue = True
        case f.LockerReleased():
            locker.card = locker.visit = ""
            locker.collected_at, locker.inspected, locker.overdue = None, False, False
        case f.LockerJammed():
            locker.fault, locker.opening, locker.purpose = "jammed", None, ""
        case f.LockerForced():
            locker.fault, locker.door, locker.opened_at, locker.seen = "forced", "open", None, True
            locker.opening, locker.purpose, locker.collected_at = None, "", None
        case f.LockerLeftOpen():
            locker.left_open_told += 1
        case f.LockerInspected():
            locker.inspected = True
        case f.LockerOutOfService():
            locker.fault, locker.opening = "out_of_service", None
        case f.LockerInService():  # pragma: no branch
            locker.fault = ""


def _gate(hall: Hall, fact: f.GateFact, at: int, site: Site) -> None:
    lane = hall.lanes.setdefault(fact.lane, Lane(fact.lane))  # a lane that the site has no more counted people too
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
            ended = [grant for grant in lane.grants if grant.grant == fact.grant]
            for grant in ended:
                lane.grants.remove(grant)
                lane.late = None if fact.reason == "not_taken" else grant
                if lane.grants:  # the next in turn has its whole window
                    lane.grants[0].until = at + site.passage_ms + site.push_ms
        case f.GatePassed():
            if visit and 0 <= visit.inside + step <= visit.walkers:
                visit.inside += step
                visit.carried_inside += step * fact.carried
                if not visit.inside and step < 0:
                    visit.out, visit.search, visit.left_at = True, "needed", at
            else:
                hall.unattributed += step * (fact.persons + fact.carried)
            _spend(lane, fact, at)
            if lane.grants:
                lane.grants[0].until = at + site.passage_ms + site.push_ms
        case f.GateForced() | f.GateReversed() | f.GateTailgated():  # pragma: no branch
            hall.unattributed += step * fact.persons


def _spend(lane: Lane, fact: f.GatePassed, at: int) -> None:
    """Take one passage from the grant by whose right it was."""
    if lane.late and lane.late.grant == fact.grant:
        lane.late = None
    for grant in [grant for grant in lane.grants if grant.grant == fact.grant]:
        grant.passed += 1
        if grant.unspent <= 0:
            lane.grants.remove(grant)
            lane.spent_at, lane.spent_direction = at, fact.direction


def _count(hall: Hall, fact: CountFact, at: int) -> None:
    match fact:
        case f.HallOccupancySuspect():
            hall.suspect = Suspicion(fact.reason, at, fact.gap_s)
        case f.HallCountConfirmed():
            hall.suspect, hall.confirmed_at = None, at
        case f.HallRecountRecorded():  # pragma: no branch
            hall.suspect, hall.confirmed_at = None, at
            strangers = sum(persons for name, persons in fact.present.items() if name not in hall.visits)
            hall.unattributed = fact.unattributed + strangers
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
