"""What the guards' page shows: a pure function of the hall and of how its devices are.

Only what the page needs and cannot tell by itself: clocks run in the browser, so times are moments of hall time in ms,
and what is as it should be is left out. A card goes by its printed number; nobody's name or UID is known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from firmware.api.next_steps import ALARMS, NEXT_STEPS
from firmware.api.whereabouts import whereabouts
from firmware.controller import Controller
from firmware.core.site import Site
from firmware.core.state import Grant, Hall, Lane, Locker, Task, Visit
from firmware.daemon import ON_RESERVE, Daemon
from firmware.panel import Panel
from hal.seen import Health

TASKS_SHOWN = 100
"""More than these are told as a number: nobody reads further."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What is no device of the hall, and may be in trouble as well: disk, broker, clock; and where devices are
    plugged in."""

    disk: str = ""
    """What is the matter with it; empty while all is well."""
    writing: bool = True
    """What becomes true is written down, and into no last reserve."""
    waiting: int = 0
    """Facts that wait to be written."""
    lost: int = 0
    """Facts that found no room while nothing could be written."""
    broker: bool = True
    synced: bool = True
    cables: Mapping[str, str] = field(default_factory=dict, compare=False)


def beside(daemon: Daemon, cables: Mapping[str, str]) -> Beside:
    """As it is at this moment."""
    ledger, telemetry = daemon.controller.ledger, daemon.telemetry
    return Beside(
        disk=ledger.trouble or (ON_RESERVE if ledger.on_reserve else ""),
        writing=not (ledger.dead or ledger.on_reserve),
        waiting=ledger.waiting,
        lost=ledger.lost,
        broker=bool(telemetry and telemetry.connected),
        synced=daemon.controller.hall.clock_synced,
        cables=cables,
    )


def guard(controller: Controller, beside: Beside) -> Mapping[str, Any]:
    """The position of the guards' page. The feed adds the present moment."""
    hall, site = controller.hall, controller.site
    told: dict[str, Any] = {
        "site": site.site,
        "hall": site.hall,
        "simulated": controller.ledger.journal.origin.simulated,
        "session": hall.session,
        "visit_ms": site.visit_ms,
        "warn_ms": site.warn_ms,
        "two_people": list(site.reasons_two_people),
        **count(hall),
        "visits": visits(hall),
        "lockers": lockers(hall),
        "lanes": [lane(hall, one, controller.panel) for one in hall.lanes.values()],
        **tasks(hall),
        "devices": devices(controller.panel, site, beside),
    }
    return told


# -- the count


def count(hall: Hall) -> dict[str, Any]:
    """How many are inside, how far to trust that, and which mode holds."""
    told: dict[str, Any] = {
        "mode": hall.mode, "emergency": hall.emergency, "fire": hall.fire_active, "lockdown": hall.lockdown,
        "degraded": hall.degraded, "inside": hall.inside, "capacity": hall.capacity, "reserved": hall.reserved,
        "unattributed": hall.unattributed, "waiting": hall.waiting, "confirmed_at": hall.confirmed_at,
    }  # fmt: skip
    if hall.suspect:
        told["suspect"] = {"reason": hall.suspect.reason, "at": hall.suspect.at}
        if hall.suspect.gap_s is not None:
            told["suspect"]["gap_s"] = hall.suspect.gap_s
    return told


# -- visits


def visits(hall: Hall) -> list[dict[str, Any]]:
    """Every visit that has not ended."""
    owned: dict[str, list[Locker]] = {}
    for locker in hall.lockers.values():
        if locker.visit:
            owned.setdefault(locker.visit, []).append(locker)
    return [_visit(hall, visit, owned.get(visit.visit, [])) for visit in hall.visits.values() if visit.ended_at is None]


def _visit(hall: Hall, visit: Visit, owned: list[Locker]) -> dict[str, Any]:
    at_locker = any(one.opening or one.door == "open" for one in owned)
    told: dict[str, Any] = {
        "visit": visit.visit, "adults": visit.adults, "children": visit.children, "carried": visit.carried,
        "stage": whereabouts(visit, deposited=bool(owned), at_locker=at_locker),
    }  # fmt: skip
    if visit.ticket:
        told["ticket"] = visit.ticket
    if card := hall.cards.get(visit.card):
        told["card"] = card.number
        if card.state != "issued":
            told["card_state"] = card.state
    if owned:
        told["lockers"] = [one.locker for one in owned]
    if visit.persons_inside:
        told |= {"inside": visit.persons_inside, "since": visit.started_at}
        if visit.overstays:
            told["overstays"] = visit.overstays
    elif visit.left_at is not None:
        told["left_at"] = visit.left_at
    if visit.search == "refused":
        told["search"] = "refused"
    if visit.untimed:
        told["untimed"] = True
    return told


# -- lockers


def state_of(locker: Locker) -> str:
    """The one word that matters most about a locker."""
    if locker.fault:
        return locker.fault
    if locker.door == "unknown":
        return "unknown"
    if locker.door == "open":
        return "left_open" if locker.left_open_told else "open"
    if locker.opening:
        return "opening"
    if locker.visit:
        return "overdue" if locker.overdue else "owned"
    return "content" if locker.content else "free"


def lockers(hall: Hall) -> list[dict[str, Any]]:
    """Every locker: of one that is nobody's and whole, only that it is free."""
    raised = {task.locker: task.at for task in hall.tasks.values() if task.locker is not None}
    return [_locker(hall, one, raised.get(one.locker)) for one in hall.lockers.values()]


def _locker(hall: Hall, locker: Locker, raised_at: int | None) -> dict[str, Any]:
    state = state_of(locker)
    told: dict[str, Any] = {"locker": locker.locker, "bank": locker.bank, "state": state}
    if state == "free":
        return told
    told["door"] = locker.door
    if locker.content is not None:
        told["content"] = locker.content
    if locker.visit:
        visit = hall.visits.get(locker.visit) or hall.visits_ended.get(locker.visit)
        told |= {"visit": locker.visit, "owned_at": locker.used_at, "ended": locker.visit not in hall.visits}
        if visit and visit.ticket:
            told["ticket"] = visit.ticket
        if card := hall.cards.get(locker.card):
            told["card"] = card.number
    since = locker.opened_at if locker.opened_at is not None else raised_at
    if state in ("owned", "overdue"):
        since = locker.used_at
    elif locker.opening:
        since = locker.opening.since
    if since is not None:
        told["since"] = since
    if locker.inspected:
        told["inspected"] = True
    return told


# -- the gate


def lane(hall: Hall, one: Lane, panel: Panel) -> dict[str, Any]:
    """A lane: how its arm stands, whose way is open, and whether somebody is in it."""
    told: dict[str, Any] = {"lane": one.lane, "moving": one.lane in hall.unwritten.moving}
    health = panel.health.get(one.lane, Health.OK)
    told["arm"] = _arm(hall, one, well=health is Health.OK) if one.lane in panel.devices.lanes else "absent"
    told["health"] = health.value
    told["grants"] = [_grant(hall, grant) for grant in one.grants]
    return told


def _arm(hall: Hall, one: Lane, *, well: bool) -> str:
    """How the arm stands: of one in trouble nobody knows, for without its cable or its power it is free."""
    if hall.emergency or hall.fire_active:
        return "released"
    if not well:
        return "unknown"
    return f"free_{one.grants[0].direction}" if one.grants else "locked"


def _grant(hall: Hall, grant: Grant) -> dict[str, Any]:
    told: dict[str, Any] = {"direction": grant.direction, "persons": grant.persons, "passed": grant.passed}
    visit = hall.visits.get(grant.visit)
    if visit and visit.ticket:
        told["ticket"] = visit.ticket
    if card := hall.cards.get(grant.card):
        told["card"] = card.number
    if grant.reason:
        told["reason"] = grant.reason
    return told


# -- tasks


def tasks(hall: Hall) -> dict[str, Any]:
    """What waits for a guard: alarms first, then the oldest; and how many more there are."""
    in_order = sorted(hall.tasks.values(), key=lambda task: (task.reason not in ALARMS, task.at))
    told: dict[str, Any] = {"tasks": [_task(hall, task) for task in in_order[:TASKS_SHOWN]]}
    if len(in_order) > TASKS_SHOWN:
        told["more_tasks"] = len(in_order) - TASKS_SHOWN
    return told


def _task(hall: Hall, task: Task) -> dict[str, Any]:
    told: dict[str, Any] = {
        "task": task.task, "reason": task.reason, "at": task.at, "do": NEXT_STEPS.get(task.reason, "")
    }
    if task.reason in ALARMS:
        told["alarm"] = True
    if task.locker is not None:
        told["locker"] = task.locker
    for key in ("bank", "lane", "device"):
        if getattr(task, key):
            told[key] = getattr(task, key)
    whose = task.visit
    if task.card:
        card = hall.cards.get(task.card)
        told["card"] = card.number if card else "?"
        if card and card.state in ("lost", "quarantined"):
            told["card_state"] = card.state
            whose = whose or card.visit
    if whose:
        told["visit"] = whose
        visit = hall.visits.get(whose) or hall.visits_ended.get(whose)
        if visit and visit.ticket:
            told["ticket"] = visit.ticket
    return told


# -- devices


def devices(panel: Panel, site: Site, beside: Beside) -> list[dict[str, Any]]:
    """Every device, what it is, and how it is; of one in trouble also what the technician should look at."""
    kinds = _kinds(panel, site)
    told = []
    for name, health in panel.health.items():
        one: dict[str, Any] = {"device": name, "kind": kinds.get(name, "contact"), "health": health.value}
        if health != "ok":
            one |= {"detail": panel.detail(name), "cable": beside.cables.get(name, "")}
        told.append(one)
    disk: dict[str, Any] = {"device": "disk", "kind": "disk", "health": "ok" if beside.writing else "refused"}
    if beside.disk:
        disk |= {"detail": beside.disk, "waiting": beside.waiting, "lost": beside.lost}
    return [
        *told,
        disk,
        {"device": "broker", "kind": "broker", "health": "ok" if beside.broker else "gone"},
        {"device": "clock", "kind": "clock", "health": "ok" if beside.synced else "refused"},
    ]


def _kinds(panel: Panel, site: Site) -> dict[str, str]:
    wired = panel.devices
    return {
        **dict.fromkeys(wired.lanes, "lane"),
        **dict.fromkeys(wired.banks, "bank"),
        **dict.fromkeys(wired.signs, "sign"),
        **{name: f"reader_{site.readers[name].place.value}" for name in wired.readers if name in site.readers},
        **{name: contact.use.value for name, contact in site.contacts.items()},
    }
