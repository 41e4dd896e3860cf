"""What the hall display shows to everybody: a pure function of the hall. No names, no cards, no visits.

It says what the sign says: the call that holds the sign is marked here for as long, and a notice of the sign stands
here, too. Who is next follows from the rule that will call them.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from firmware.api import payloads
from firmware.api.estimate import estimate
from firmware.controller import Controller
from firmware.core import signage
from firmware.core.site import Site
from firmware.core.state import Hall
from firmware.core.tickets import in_order

NEXT_MOST = 5


def display(controller: Controller) -> Mapping[str, Any]:
    """The position of the display. Times are hall time in ms; the feed adds the present one."""
    return {
        "simulated": controller.occupancy["simulated"],
        **public(controller.hall, controller.site, controller.now),
    }


def public(hall: Hall, site: Site, now: int) -> dict[str, Any]:
    """What everybody may know."""
    occupancy = payloads.occupancy(hall)
    waiting = (ticket for ticket in hall.tickets.values() if ticket.state == "waiting")
    guess = estimate(hall, site, now)
    return {
        "mode": hall.mode,
        "session": hall.session,
        "hours": [[hours.opens_minute, hours.closes_minute] for hours in site.hours],
        "clock": "synced" if hall.clock_synced else "unsynced",
        "inside": hall.inside,
        "capacity": hall.capacity,
        "full": hall.full,
        "confidence": occupancy["confidence"],
        "waiting": hall.waiting,
        "jumps": hall.jumps,
        "lockers_free": occupancy["lockers"]["free"],
        "priority": [letter for letter, kind in site.classes.items() if kind.priority],
        "calling": [{"ticket": ticket, "counter": counter} for counter, ticket in _calling(hall, site, now)],
        "last": [{"ticket": ticket, "counter": counter} for ticket, counter in hall.last_calls],
        "next": [
            {"ticket": ticket.ticket, "counter": ticket.counter}
            for ticket in islice(in_order(waiting, site, hall.priority_run), NEXT_MOST)
        ],
        "waits": [
            {"letter": letter, "shortest": wait.shortest, "longest": wait.longest, "until": guess.until}
            for letter, wait in guess.waits.items()
        ],
        "sign": signage.shown(hall, site, now).text,
        "message": _message(hall, site, now),
    }


def _calling(hall: Hall, site: Site, now: int) -> list[tuple[str, str]]:
    """Counters and whom they have called; and the call that the sign still holds, were it over already."""
    calling = [(counter, hall.serving[counter]) for counter in site.counters if counter in hall.serving]
    held = signage.standing(hall, now)
    if held and held.kind == "call" and hall.serving.get(held.counter) != held.ticket:
        calling.append((held.counter, held.ticket))
    return calling


def _message(hall: Hall, site: Site, now: int) -> dict[str, Any]:
    """What stands on the sign, by its code; `until`: the end of a call or notice that holds it, else 0."""
    shown, held = signage.shown(hall, site, now), signage.standing(hall, now)
    return {
        "code": shown.code,
        "ticket": shown.ticket,
        "counter": shown.counter,
        "urgent": shown.urgent,
        "until": held.end if held and not shown.urgent else 0,
    }
