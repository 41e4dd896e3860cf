"""What the hall's books say of the queue and of each visit, for a page that shows newcomers what goes on.

The books are the daemon's: they know what its sensors and officers told it, and may be wrong where the world is not.
"""

from typing import Any

from firmware.api.views import VIEWS
from firmware.api.whereabouts import whereabouts
from firmware.core.site import Site
from firmware.core.state import Hall, Visit
from firmware.daemon import Daemon
from hal.clock import Millis


def books(daemon: Daemon) -> dict[str, Any]:
    """Who is called where; tickets not served yet, visits that have not ended, and the guards' tasks, oldest first;
    how many are inside, which devices are not well, and what is still to be sent."""
    controller = daemon.controller
    hall, site, now = controller.hall, controller.site, controller.now
    told: dict[str, Any] = {
        "serving": {counter: hall.serving.get(counter, "") for counter in site.counters},
        "tickets": VIEWS["tickets"](hall, now),
        "visits": [_visit(hall, site, now, visit) for visit in hall.visits.values() if visit.ended_at is None],
        "tasks": VIEWS["tasks"](hall, now),
        "occupancy": dict(controller.occupancy),
        "devices": {name: health.value for name, health in controller.panel.health.items() if health != "ok"},
    }
    if daemon.telemetry is not None:
        backlog = daemon.telemetry.outbox.backlog(now)
        told["line"] = {
            "connected": daemon.telemetry.connected, "unsent": backlog.unsent, "unacked": backlog.unacked,
        }  # fmt: skip
    return told


def _visit(hall: Hall, site: Site, now: Millis, visit: Visit) -> dict[str, Any]:
    lockers = hall.lockers_of(visit.visit)
    inside = visit.persons_inside > 0 and visit.started_at is not None
    return {
        "visit": visit.visit,
        "ticket": visit.ticket,
        "card": hall.cards[visit.card].number if visit.card in hall.cards else "",
        "party": visit.walkers + visit.carried,
        "inside": visit.persons_inside,
        "lockers": [one.locker for one in lockers],
        "where": whereabouts(visit, deposited=bool(lockers), at_locker=any(one.door == "open" for one in lockers)),
        "inside_s": (now - (visit.started_at or now)) // 1000 if inside else None,
        "left_s": ((visit.started_at or now) + site.visit_ms - now) // 1000 if inside else None,
    }
