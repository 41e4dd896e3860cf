"""How facts change the hall. Evolving never refuses: what is in the journal has happened, however odd it looks.

A fact may name things this hall does not know (a site was rebuilt, a locker was taken away); then it changes what it
can and leaves the rest alone.
"""

from typing import assert_never

from firmware.core import evolve_doors, evolve_people, signage
from firmware.core import facts as f
from firmware.core.site import Site
from firmware.core.state import (
    Booking,
    Hall,
    Lane,
    Locker,
    Suspicion,
    Task,
    Unwritten,
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
            evolve_doors.fold_locker(hall, fact, at)
        case f.GateRefused():
            _refused(hall, fact, at, site)
        case f.GateFact():
            evolve_doors.fold_gate(hall, fact, at, site)
        case f.TicketIssued() | f.TicketCalled() | f.TicketRecalled() | f.TicketParked() | f.TicketServed():
            evolve_people.fold_ticket(hall, fact, at, site)
        case f.TicketMissed() | f.TicketTransferred():
            evolve_people.fold_ticket(hall, fact, at, site)
        case f.VisitBound() | f.VisitStarted() | f.VisitWarned() | f.VisitOverstayed() | f.VisitEnded():
            evolve_people.fold_visit(hall, fact, at, site)
        case f.SearchPassed() | f.SearchRefused():
            evolve_people.fold_search(hall, fact)
        case f.CardRefused() | f.LockerRefused():
            _refused(hall, fact, at, site)
        case f.CardEnrolled() | f.CardIssued() | f.CardReturned() | f.CardLost() | f.CardQuarantined():
            evolve_people.fold_card(hall, fact, at)
        case f.CardCleared() | f.CardRetired():
            evolve_people.fold_card(hall, fact, at)
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
            hall.emergency = True
            hall.fire_active = fact.reason == "fire"
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
        case f.ClockLost():
            hall.clock_synced = False
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
CountFact = f.HallRecountRecorded | f.HallCountConfirmed | f.HallOccupancySuspect


def _session(hall: Hall, fact: SessionFact, at: int) -> None:
    match fact:
        case f.HallBooted():
            hall.boot_at = fact.epoch_ms
            hall.unwritten = Unwritten()
            hall.clock_synced = fact.trusted
            hall.degraded = False
            for locker in hall.lockers.values():
                locker.opening = None  # its purpose stands until the door is looked at: it may have opened since
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
        case f.HallModeChanged():
            hall.mode_told = fact.mode  # type: ignore[assignment]
        case _:
            assert_never(fact)


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


def _count(hall: Hall, fact: CountFact, at: int) -> None:
    match fact:
        case f.HallOccupancySuspect():
            hall.suspect = Suspicion(fact.reason, at, fact.gap_s)
        case f.HallCountConfirmed():
            hall.suspect, hall.confirmed_at = None, at
        case f.HallRecountRecorded():
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
        case _:
            assert_never(fact)
