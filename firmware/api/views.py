"""What may be looked at: the hall as plain JSON for people who ask (`besuk desk show`), without changing anything."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import ValidationError

from firmware.api import payloads
from firmware.api.actions import SHOW
from firmware.api.arguments import Form, Locker, Name, as_shown, mistakes
from firmware.api.next_steps import NEXT_STEPS
from firmware.core.decision import Refused
from firmware.core.state import Hall

ABOUT = ("locker", "bank", "visit", "card", "lane", "device")
"""What a task may be about."""

View = Callable[[Hall, int], Any]


def _hall(hall: Hall, now: int) -> dict[str, Any]:
    return payloads.occupancy(hall) | {
        "session": hall.session,
        "day": hall.day,
        "reserved": hall.reserved,
        "unattributed": hall.unattributed,
        "queue_jumps": hall.jumps,
        "serving": dict(hall.serving),
        "fire_active": hall.fire_active,
        "devices": dict(hall.devices),
    }


def _tickets(hall: Hall, now: int) -> list[dict[str, Any]]:
    return [
        {"ticket": t.ticket, "state": t.state, "counter": t.counter, "waiting_s": (now - t.issued_at) // 1000}
        for t in sorted(hall.tickets.values(), key=lambda ticket: ticket.place)
        if t.state != "served"
    ]


def _visits(hall: Hall, now: int) -> list[dict[str, Any]]:
    cards = hall.cards
    return [
        {
            "visit": v.visit, "ticket": v.ticket, "card": cards[v.card].number if v.card in cards else "",
            "party": v.walkers + v.carried, "inside": v.persons_inside, "search": v.search,
            "lockers": [locker.locker for locker in hall.lockers_of(v.visit)],
            "inside_s": (now - v.started_at) // 1000 if v.started_at is not None and v.inside else 0,
            "overstays": v.overstays,
        }
        for v in hall.visits.values() if v.ended_at is None
    ]  # fmt: skip


def _cards(hall: Hall, now: int) -> list[dict[str, Any]]:
    return [
        {"number": card.number, "card": card.card, "state": card.state, "visit": card.visit, "reason": card.reason}
        for card in hall.cards.values()
    ]


def _lockers(hall: Hall, now: int) -> list[dict[str, Any]]:
    return [
        {
            "locker": one.locker, "bank": one.bank, "visit": one.visit, "door": one.door, "fault": one.fault,
            "content": "unknown" if one.content is None else one.content, "uses": one.uses,
        }
        for one in hall.lockers.values()
    ]  # fmt: skip


def _tasks(hall: Hall, now: int) -> list[dict[str, Any]]:
    tasks = []
    for task in hall.tasks.values():
        told = {key: getattr(task, key) for key in ABOUT if getattr(task, key)}
        told["do"] = NEXT_STEPS.get(task.reason, "")
        tasks.append({"task": task.task, "reason": task.reason, "since_s": (now - task.at) // 1000, **told})
    return tasks


VIEWS: Mapping[str, View] = {
    "hall": _hall,
    "tickets": _tickets,
    "visits": _visits,
    "cards": _cards,
    "lockers": _lockers,
    "tasks": _tasks,
}
"""What `show` can be asked for."""

CHOOSE: Mapping[str, tuple[str, ...]] = {
    "tickets": ("ticket", "state", "counter"),
    "visits": ("visit", "ticket", "card"),
    "cards": ("card", "state", "visit"),
    "lockers": ("locker", "bank", "visit"),
    "tasks": ("task", "reason", "locker", "visit", "card"),
}
"""By what the rows of a view can be chosen. A card goes by its printed number, or by its hash."""


class Show(Form):
    """Look, without doing anything; the other arguments choose among the rows."""

    name = SHOW
    what: Literal["hall", "tickets", "visits", "cards", "lockers", "tasks"] = "hall"
    ticket: Name | None = None
    counter: Name | None = None
    visit: Name | None = None
    card: Name | None = None
    locker: Locker | None = None
    bank: Name | None = None
    task: Name | None = None
    state: Name | None = None
    reason: Name | None = None


def look(arguments: Mapping[str, Any], hall: Hall, now: int) -> dict[str, Any]:
    """`{what: rows}`, or `{"hall": ..}`. Raises Refused for what cannot be asked."""
    try:
        asked = Show.model_validate(arguments)
    except ValidationError as error:
        raise Refused("bad_arguments", mistakes(Show, error)) from None
    keys = CHOOSE.get(asked.what, ())
    wanted = {key: value for key, value in asked if key != "what" and value is not None}
    for key, value in wanted.items():
        if key not in keys:
            choice = f"these go by {', '.join(keys)}" if keys else "it is shown as a whole"
            raise Refused("bad_arguments", f"{key}={as_shown(value)} does not go with what={asked.what}; {choice}")
    rows = VIEWS[asked.what](hall, now)
    if wanted:
        rows = [row for row in rows if all(_fits(row, key, value) for key, value in wanted.items())]
    return {asked.what: rows}


def _fits(row: Mapping[str, Any], key: str, value: Any) -> bool:
    return row.get(key) == value or (key == "card" and row.get("number") == value)
