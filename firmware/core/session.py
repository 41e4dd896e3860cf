"""The day: sessions and hours, the mode and its announcement, lockdown, capacity, and what is unresolved at closing."""

from firmware.core import facts as f
from firmware.core.decision import Answer, Refused, Steps, raise_task, resolve_tasks
from firmware.core.inputs import CloseSession, MinuteStruck, OpenSession, SetCapacity, SetLockdown
from firmware.core.site import Site
from firmware.core.state import Hall
from firmware.core.visits import end_abandoned


def open_(hall: Hall, ask: OpenSession, now: int) -> Answer:
    if hall.session == "open":
        raise Refused("is_open", "the session is open")
    yield from _open(hall, ask.day, ask.actor, now)
    return {"day": hall.day}


def _open(hall: Hall, day: str, actor: str, now: int) -> Steps:
    if day > hall.numbered_day:
        yield from end_abandoned(hall, now, "day_over")
    yield f.HallOpened(day=day, actor=actor)
    yield from resolve_tasks(hall, {"unresolved"}, actor)


def close(hall: Hall, ask: CloseSession, now: int) -> Answer:
    """Closed to newcomers at once; closed for good when all is resolved, or with an exception that somebody signs."""
    if hall.session == "closed":
        raise Refused("is_closed", "the session is closed")
    if hall.session == "open":
        yield from _closing(hall, ask.actor)
    left = unresolved(hall)
    if left and ask.exception:
        yield f.OverrideUsed(action="close", reason=ask.exception, actor=ask.actor)
        yield from _closed(hall, now, f.HallClosed(actor=ask.actor, exception=ask.exception, unresolved=tuple(left)))
    return {"unresolved": left}


def _closing(hall: Hall, actor: str) -> Steps:
    """Whoever gathers cards, lockers and people before closing has one task, until all is resolved."""
    yield f.HallClosing(actor=actor)
    if unresolved(hall):
        yield from raise_task(hall, "unresolved")


def _closed(hall: Hall, now: int, closed: f.HallClosed) -> Steps:
    yield from end_abandoned(hall, now, "day_over")
    yield closed
    yield from resolve_tasks(hall, {"unresolved"}, closed.actor or "system")


def unresolved(hall: Hall) -> list[str]:
    """What stands in the way of closing: `card 012`, `locker 14`, `4 inside`."""
    cards = sorted(c.number for c in hall.cards.values() if c.state == "issued")
    lockers = sorted(locker.locker for locker in hall.lockers.values() if locker.visit)
    return [
        *(f"card {number}" for number in cards),
        *(f"locker {number}" for number in lockers),
        *([f"{hall.inside} inside"] if hall.inside else []),
    ]


def set_capacity(hall: Hall, ask: SetCapacity) -> Answer:
    if not 0 <= ask.capacity <= 10_000:
        raise Refused("bad_arguments", f"a capacity of {ask.capacity} is not allowed: 0 to 10000")
    yield f.HallCapacityChanged(capacity=ask.capacity, actor=ask.actor)
    return {"capacity": hall.capacity}


def set_lockdown(hall: Hall, ask: SetLockdown) -> Answer:
    if hall.lockdown == ask.on:
        raise Refused("no_change", f"lockdown is {'on' if ask.on else 'off'} already")
    yield f.OverrideUsed(action="lockdown" if ask.on else "lift_lockdown", reason=ask.reason, actor=ask.actor)
    if ask.on:
        yield f.HallLockedDown(reason=ask.reason, actor=ask.actor)
    else:
        yield f.HallLockdownLifted(reason=ask.reason, actor=ask.actor)
    return {"mode": hall.mode}


def hours(hall: Hall, site: Site, struck: MinuteStruck, now: int) -> Steps:
    """The schedule acts at its moments, and makes up for those it missed; only while the wall clock can be believed.

    Within a window it opens once a day: whoever closed since then meant it, until the next window begins. What it
    opened itself it closes when its hours are over; what an officer opened, only at the minute of a closing.
    """
    its_own = hall.opened_by == "schedule"
    new_day = hall.day != struck.day
    window = next((w for w in site.hours if w.opens_minute <= struck.minute < w.closes_minute), None)
    if window is not None:
        may_open = hall.session != "open" or (its_own and new_day)
        if may_open and (new_day or struck.minute == window.opens_minute):
            yield from _open(hall, struck.day, "schedule", now)
    elif hall.session == "open" and (its_own or any(struck.minute == w.closes_minute for w in site.hours)):
        yield from _closing(hall, "schedule")


def due(hall: Hall, now: int) -> Steps:
    """What follows from the state alone: the mode is announced, and a closing ends when all is resolved."""
    if hall.session == "closing" and not unresolved(hall):
        yield from _closed(hall, now, f.HallClosed())
    if hall.mode != hall.mode_told:
        yield f.HallModeChanged(mode=hall.mode, previous=hall.mode_told)
