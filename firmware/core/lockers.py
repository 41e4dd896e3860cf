"""Lockers: a tap opens one's own, or the least used free one; only a seen door is a door that opened.

One authorisation is worth one opening. A lock that was pulsed and not seen open is pulsed again, few times and not for
long, then it is jammed. A door that moves without our pulse is forced, and frozen until a guard resolves it. A door
that cannot be read is `unknown`: it is opened all the same, and said so.
"""

from typing import TypedDict

from firmware.core import facts as f
from firmware.core.cards import COLLECTED_TASKS, claimant, refuse
from firmware.core.decision import Answer, Refused, Steps, known, raise_task, resolve_tasks
from firmware.core.inputs import DoorSeen, InspectLocker, ReleaseLocker, ServiceLocker
from firmware.core.overrides import two_people
from firmware.core.site import Reader, Site
from firmware.core.state import Hall, Locker, Opening, Visit


def tapped(hall: Hall, site: Site, now: int, reader: Reader, card: str) -> Steps:
    """A card at a bank's reader: open its own locker, give it one, or say why not."""
    visit = yield from claimant(hall, site, now, reader, card)
    if visit is None:
        return
    owned = hall.lockers_of(visit.visit)
    here = [locker for locker in owned if locker.bank == reader.bank]
    reason = _refusal(hall, site, visit, owned, here)
    if not reason and not here:
        chosen = least_used(hall, reader.bank)
        if chosen is not None:
            yield f.LockerAssigned(bank=chosen.bank, locker=chosen.locker, card=card, visit=visit.visit)
            yield _pulse(chosen, "deposit", 1, card, visit.visit)
            return
        reason = "full"
    if reason:
        locker = next(iter(here or owned), None)
        yield from refuse(
            hall, site, now,
            f.LockerRefused(
                card=card, visit=visit.visit, reader=reader.name, bank=reader.bank or None,
                locker=locker.locker if locker else None, reason=reason,
            ),
        )  # fmt: skip
        return
    if visit.inside and visit.search == "passed":  # allowed by the site, and then the search is asked again
        yield f.SearchRefused(visit=visit.visit, card=card, reason="bag_fetched", actor="system")
    yield _pulse(here[0], "collect" if visit.out else "reopen", 1, card, visit.visit)


def _refusal(hall: Hall, site: Site, visit: Visit, owned: list[Locker], here: list[Locker]) -> str:
    """Why this visit's tap at this bank opens nothing; `""` if it may."""
    if visit.inside and not (owned and site.reopen_while_inside):
        return "inside"
    if any(grant.visit == visit.visit for _, grant in hall.grants_in()):
        return "granted"  # they are on their way in: no bag may be fetched in between
    if here:
        if here[0].fault in ("forced", "out_of_service"):
            return "frozen"
        if here[0].door == "open":
            return "already_open"
        if here[0].opening is not None:
            return "opening"
        return ""
    if owned and (visit.out or visit.inside or len(owned) >= site.lockers_per_card):
        return "other_bank"
    if visit.out and visit.search == "needed":
        return "no_locker"  # collected, or released by a guard: whatever they come for, the counter knows
    if hall.mode != "open":
        return hall.mode
    if visit.search == "refused":
        return "search_refused"
    if visit.search == "needed" and site.search_before_locker:
        return "search_needed"
    return ""


def least_used(hall: Hall, bank: str) -> Locker | None:
    """The free locker of this bank that was given out least often, and longest ago."""
    free = (locker for locker in hall.lockers.values() if locker.bank == bank and locker.free)
    return min(free, key=lambda locker: (locker.uses, locker.used_at, locker.locker), default=None)


class _About(TypedDict):
    bank: str
    locker: int
    card: str | None
    visit: str | None


def _about(locker: Locker) -> _About:
    """Which locker, and whose: what every fact about it names."""
    return {"bank": locker.bank, "locker": locker.locker, "card": locker.card or None, "visit": locker.visit or None}


def _pulse(
    locker: Locker, purpose: str, attempt: int, card: str, visit: str, actor: str | None = None
) -> f.LockerPulsed:
    return f.LockerPulsed(
        bank=locker.bank, locker=locker.locker, card=card or None, visit=visit or None,
        purpose=purpose, attempt=attempt, door=locker.door, actor=actor,
    )  # fmt: skip


def seen(hall: Hall, now: int, door: DoorSeen) -> Steps:
    """A door sensor tells something new, or tells for the first time since the start."""
    locker = hall.lockers.get(door.locker)
    if locker is None:
        return
    about = _about(locker)
    was_unknown = locker.door == "unknown"
    if door.door == "unknown":
        if not was_unknown:
            yield f.LockerUnreadable(**about)
        return
    if door.door == "open" and locker.door != "open":
        yield from _found_open(hall, locker, door)
    elif door.door == "closed" and (locker.door == "open" or locker.opened_at is not None):
        yield f.LockerClosed(**about, content=door.content)
        yield from resolve_tasks(hall, {"left_open", "found_open"}, "system", locker=locker.locker)
        if not locker.visit and locker.content:
            yield from raise_task(hall, "content_found", locker=locker.locker)
    elif (
        door.door != locker.door
        or (door.content is not None and door.content != locker.content)
        or (door.first and locker.purpose and locker.door == "closed" and not locker.opening)
    ):
        yield f.LockerReadable(**about, door=door.door, content=door.content)
    if was_unknown:
        yield from resolve_tasks(hall, {"door_unreadable"}, "system", locker=locker.locker)


def _found_open(hall: Hall, locker: Locker, door: DoorSeen) -> Steps:
    """A door stands open that was not open when last seen. What opened it decides what that is called."""
    about = _about(locker)
    unwatched = locker.door == "unknown" or door.first
    if locker.opening:
        yield f.LockerOpened(**about, purpose=locker.opening.purpose, content=door.content)
    elif locker.opened_at is not None:  # it was seen to open, and only its sensor failed meanwhile
        yield f.LockerReadable(**about, door="open", content=door.content)
    elif unwatched and locker.purpose:
        yield f.LockerOpened(**about, purpose=locker.purpose, content=door.content)
    elif not locker.seen and not locker.visit:  # a new hall: nobody can say since when
        yield f.LockerOpened(**about, purpose="unwatched", content=door.content)
        yield from raise_task(hall, "found_open", locker=locker.locker)
    else:
        yield f.LockerForced(**about, reason="found_open" if unwatched else "no_pulse")
        yield from raise_task(hall, "forced", locker=locker.locker, visit=locker.visit)


def deadline(hall: Hall, site: Site, locker: Locker) -> int | None:
    """When something next becomes true of this locker by time alone."""
    if locker.opening is None and locker.opened_at is None and locker.collected_at is None:
        return None
    moments = []
    if opening := locker.opening:
        moments.append(opening.since + site.not_open_ms)
        if _may_try_again(site, opening):
            moments.append(opening.pulsed_at + site.not_open_ms // site.lock_pulses)
    if locker.opened_at is not None and locker.door == "open":
        limits_ms = (site.left_open_ms, site.left_open_task_ms)[locker.left_open_told :]
        moments.extend(locker.opened_at + limit_ms for limit_ms in limits_ms[:1])
    if locker.collected_at is not None and locker.door == "closed" and not hall.degraded:
        moments.append(locker.collected_at + site.collect_again_ms)
    return min(moments, default=None)


def _may_try_again(site: Site, opening: Opening) -> bool:
    """Only a door that surely was shut all the time may be pulsed again: any other may have been open."""
    return opening.attempts < site.lock_pulses and not opening.blind and not opening.stirred


def due(hall: Hall, site: Site, now: int) -> Steps:
    """What has come true by time: retries, jams, doors left open, collected lockers that become free."""
    for locker in list(hall.lockers.values()):
        moment = deadline(hall, site, locker)
        if moment is None or now < moment:
            continue
        about = _about(locker)
        if opening := locker.opening:
            if now >= opening.since + site.not_open_ms:
                yield from _not_opened(hall, locker, opening)
            else:
                yield _pulse(locker, opening.purpose, opening.attempts + 1, locker.card, locker.visit)
        elif locker.opened_at is not None and locker.door == "open":
            yield f.LockerLeftOpen(**about, open_ms=now - locker.opened_at)
            if locker.left_open_told > 1:
                yield from raise_task(hall, "left_open", locker=locker.locker, visit=locker.visit)
        elif locker.content:
            yield f.LockerKept(**about, reason="content_seen")
            yield from raise_task(hall, "content_left", locker=locker.locker, visit=locker.visit)
        else:
            yield f.LockerReleased(**about, reason="collected")
            yield from resolve_tasks(hall, COLLECTED_TASKS, "system", locker=locker.locker)


def _not_opened(hall: Hall, locker: Locker, opening: Opening) -> Steps:
    """The time for an opening is over. A door that may have opened stays its owner's; only a guard can tell."""
    about = _about(locker)
    if opening.blind or opening.stirred:
        yield f.LockerUnseen(**about, purpose=opening.purpose)
        if locker.door == "unknown" or opening.stirred:
            yield from raise_task(hall, "door_unreadable", locker=locker.locker, visit=locker.visit)
        return
    yield f.LockerJammed(**about, purpose=opening.purpose)
    if opening.purpose == "deposit" and not hall.degraded:
        yield f.LockerReleased(**about, reason="jammed")
    yield from raise_task(hall, "jammed", locker=locker.locker, visit=locker.visit)


# -- what guards do


def inspect(hall: Hall, site: Site, ask: InspectLocker) -> Answer:
    """Open for inspection: the owner stays, and is told at the next tap."""
    locker = _locker(hall, ask.locker)
    second = two_people(site, "inspect", ask.actor, ask.second)
    yield f.OverrideUsed(action="inspect", reason=ask.reason, actor=ask.actor, second=second, locker=locker.locker)
    yield f.LockerInspected(**_about(locker), reason=ask.reason, actor=ask.actor, second=second)
    if locker.door != "open" and not locker.opening:
        yield _pulse(locker, "inspect", 1, locker.card, locker.visit, ask.actor)
    return {"locker": locker.locker}


def release(hall: Hall, site: Site, ask: ReleaseLocker) -> Answer:
    """Open and free: nobody owns it from now on; it is given out again once it was seen closed."""
    locker = _locker(hall, ask.locker)
    second = two_people(site, "release", ask.actor, ask.second)
    if hall.degraded:
        raise Refused("degraded", "nothing can be recorded durably at present: whose a locker is stays as it is")
    if not locker.visit:
        raise Refused("not_owned", f"nobody owns locker {locker.locker}")
    visit = locker.visit
    yield f.OverrideUsed(
        action="release", reason=ask.reason, actor=ask.actor, second=second, locker=locker.locker, visit=visit
    )
    if locker.door != "open" and not locker.opening:  # first, so that nothing is freed unopened
        yield _pulse(locker, "release", 1, "", "", ask.actor)
    yield f.LockerReleased(**_about(locker), reason=ask.reason, actor=ask.actor)
    yield from resolve_tasks(hall, COLLECTED_TASKS, ask.actor, locker=locker.locker)
    return {"locker": locker.locker, "visit": visit}


def service(hall: Hall, ask: ServiceLocker) -> Answer:
    locker = _locker(hall, ask.locker)
    if not ask.into:
        if locker.fault == "out_of_service":
            raise Refused("out_of_service", f"locker {locker.locker} is out of service already")
        yield f.LockerOutOfService(**_about(locker), reason=ask.reason, actor=ask.actor)
    else:
        if not locker.fault:
            raise Refused("in_service", f"locker {locker.locker} is in service")
        yield f.LockerInService(**_about(locker), reason=ask.reason, actor=ask.actor)
        yield from resolve_tasks(hall, {"forced", "jammed", "door_unreadable"}, ask.actor, locker=locker.locker)
    return {"locker": locker.locker}


def _locker(hall: Hall, number: int) -> Locker:
    return known(hall.lockers.get(number), "unknown_locker", f"no locker {number}")
