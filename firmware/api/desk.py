"""What the officers' page shows: a pure function of the hall. Tickets, visits, cards, lockers go by their numbers."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from firmware.api.whereabouts import whereabouts
from firmware.controller import Controller
from firmware.core.session import unresolved
from firmware.core.site import ReaderPlace, Site
from firmware.core.state import Hall, Locker, Ticket, Visit
from firmware.core.tickets import in_order

TICKETS_MOST = 60
"""Tickets of a kind that are told one by one; beyond that how many there are."""
VISITS_MOST = 300
UNRESOLVED_MOST = 100


def desk(controller: Controller) -> Mapping[str, Any]:
    """The position of the desk. Times are hall time in ms; the feed adds the present one."""
    hall, site, health = controller.hall, controller.site, controller.panel.health
    readers = [reader.name for reader in site.readers.values() if reader.place is ReaderPlace.DESK]
    waiting = {counter: _next(hall, site, counter) for counter in site.counters}
    aside = {state: _aside(hall, state) for state in ("parked", "missed")}
    told = {one.ticket: one for tickets in (*waiting.values(), *aside.values()) for one in tickets}
    return {
        "mode": hall.mode,
        "session": hall.session,
        "inside": hall.inside,
        "capacity": hall.capacity,
        "party_most": site.party_most,
        "recalls_most": site.recalls,
        "classes": [{"letter": one.letter, "priority": one.priority} for one in site.classes.values()],
        "readers": [{"reader": name, "ok": name in health and health[name] == "ok"} for name in readers],
        "counters": [_counter(hall, counter) for counter in site.counters],
        "waiting": sum(ticket.state == "waiting" for ticket in hall.tickets.values()),
        "next": {counter: [one.ticket for one in tickets] for counter, tickets in waiting.items()},
        **{state: [one.ticket for one in tickets] for state, tickets in aside.items()},
        "tickets": {one.ticket: _ticket(one) for one in told.values()},
        "visits": list(_visits(hall, site)),
        "stock": sum(card.state == "stock" for card in hall.cards.values()),
        "unresolved": unresolved(hall)[:UNRESOLVED_MOST] if hall.session == "closing" else [],
    }


def _next(hall: Hall, site: Site, counter: str) -> list[Ticket]:
    """Whom the rules call at this counter, one after the other, if nobody else came or called."""
    waiting = (one for one in hall.tickets.values() if one.state == "waiting" and one.counter in ("", counter))
    return list(islice(in_order(waiting, site, hall.priority_run), TICKETS_MOST))


def _aside(hall: Hall, state: str) -> list[Ticket]:
    """Who was put aside, or did not come: the latest first where they are too many."""
    those = [one for one in hall.tickets.values() if one.state == state]
    return sorted(those, key=lambda one: one.place)[-TICKETS_MOST:]


def _counter(hall: Hall, counter: str) -> dict[str, Any]:
    """A counter, and whoever is called there; what a booking says of the party stands in for what was asked."""
    ticket = hall.tickets.get(hall.serving.get(counter, ""))
    if ticket is None:
        return {"counter": counter, "ticket": ""}
    told: dict[str, Any] = {
        "counter": counter, "ticket": ticket.ticket, "since": ticket.called_at, "recalls": ticket.recalls,
        "booking": ticket.booking,
    }  # fmt: skip
    booked = hall.bookings.get(ticket.booking)
    if booked is not None:
        told |= {"adults": booked.adults, "children": booked.children}
    return told


def _ticket(ticket: Ticket) -> dict[str, Any]:
    return {
        "state": ticket.state, "since": ticket.issued_at, "booked": bool(ticket.booking),
        "counter": ticket.counter if ticket.state == "waiting" else "",
    }  # fmt: skip


def _visits(hall: Hall, site: Site) -> Iterator[dict[str, Any]]:
    owned: dict[str, list[Locker]] = defaultdict(list)
    for locker in hall.lockers.values():
        if locker.visit:
            owned[locker.visit].append(locker)
    for visit in list(hall.visits.values())[-VISITS_MOST:]:  # the latest: they still need the desk
        yield _visit(hall, site, visit, owned.get(visit.visit, []))


def _visit(hall: Hall, site: Site, visit: Visit, owned: list[Locker]) -> dict[str, Any]:
    ticket, card = hall.tickets.get(visit.ticket), hall.cards.get(visit.card)
    return {
        "visit": visit.visit,
        "ticket": visit.ticket,
        "counter": ticket.counter if ticket else "",
        "card": card.number if card else "",
        "card_state": card.state if card and card.visit == visit.visit else "",
        "adults": visit.adults,
        "children": visit.children,
        "carried": visit.carried,
        "search": visit.search,
        "stage": whereabouts(visit, deposited=bool(owned), at_locker=any(one.door == "open" for one in owned)),
        "lockers": [one.locker for one in owned],
        "inside": visit.persons_inside,
        "since": visit.bound_at,
        "until": visit.started_at + site.visit_ms if visit.started_at is not None and visit.inside else None,
    }
