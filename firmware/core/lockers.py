"""Lockers: a tap opens one's own, or the least used free one; only a seen door is a door that opened.

One authorisation is worth one opening. A lock that was pulsed and not seen open is pulsed again, few times and not for
long, then it is jammed. A door that moves without our pulse is forced, and frozen until a guard resolves it. A door
that cannot be read is `unknown`: it is opened all the same, and said so.
"""

from typing import TypedDict

from firmware.core import facts as f
from firmware.core.cards import alarm, refuse, seen_elsewhere, trouble_with
from firmware.core.decision import Answer, Refused, Steps, known, raise_task, resolve_tasks
from firmware.core.inputs import DoorSeen, InspectLocker, ReleaseLocker, ServiceLocker
from firmware.core.overrides import two_people
from firmware.core.site import Reader, Site
from firmware.core.state import Hall, Locker, Visit


def tapped(hall: Hall, site: Site, now: int, reader: Reader, card: str) -> Steps:
    """A card at a bank's reader: open its own locker, give it one, or say why not."""
    visit = hall.visit_of(card)
    reason = trouble_with(hall, card) or seen_elsewhere(hall, site, now, reader.name, card)
    if reason or visit is None:
        yield from refuse(
            hall, site, now,
            f.CardRefused(card=card, visit=visit.visit if visit else None, reader=reader.name, reason=reason),
        )  # fmt: skip
        yield from alarm(hall, reason, card)
        return
    owned = hall.lockers_of(visit.visit)
    here = [locker for locker in owned if locker.bank == reader.bank]
    reason = _refusal(hall, site, visit, owned, here)
    if not reason and not here and len(owned) < site.lockers_per_card:
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
    if here:
        if here[0].fault in ("forced", "out_of_service"):
            return "frozen"
        if here[0].door == "open":
            return "already_open"
        if here[0].opening is not None:
            return "opening"
        return ""
    if owned:
        return "other_bank"
    if hall.mode != "open":
        return hall.mode
    if visit.search == "refused":
        return "search_refused"
    if visit.search == "needed" and (site.search_before_locker or visit.out):
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
    if door.door == "unknown":
        if locker.door != "unknown" or locker.opening:
            yield f.LockerUnreadable(**about)
    elif door.door == "open" and locker.door != "open":
        unwatched = locker.door == "unknown" or (door.first and locker.purpose)
        if locker.opening is not None or unwatched:
            purpose = locker.opening.purpose if locker.opening else locker.purpose or "unwatched"
            yield f.LockerOpened(**about, purpose=purpose, content=door.content)
            if purpose == "unwatched":
                yield from raise_task(hall, "found_open", locker=locker.locker, visit=locker.visit)
        else:
            yield f.LockerForced(**about, reason="found_open" if door.first else "no_pulse")
            yield from raise_task(hall, "forced", locker=locker.locker, visit=locker.visit)
    elif door.door == "closed" and locker.door == "open":
        yield f.LockerClosed(**about, content=door.content)
        yield from resolve_tasks(hall, {"left_open", "found_open"}, "system", locker=locker.locker)
        if not locker.visit and locker.content:
            yield from raise_task(hall, "content_found", locker=locker.locker)
    elif door.door != locker.door or (door.content is not None and door.content != locker.content):
        yield f.LockerReadable(**about, door=door.door, content=door.content)


def deadline(locker: Locker, site: Site) -> int | None:
    """When something next becomes true of this locker by time alone."""
    moments = []
    if opening := locker.opening:
        moments.append(opening.since + site.not_open_ms)
        if opening.attempts < site.lock_pulses and not opening.blind:
            moments.append(opening.pulsed_at + site.not_open_ms // site.lock_pulses)
    if locker.opened_at is not None and locker.door == "open":
        limits_ms = (site.left_open_ms, site.left_open_task_ms)[locker.left_open_told :]
        moments.extend(locker.opened_at + limit_ms for limit_ms in limits_ms[:1])
    if locker.collected_at is not None and locker.door == "closed":
        moments.append(locker.collected_at + site.collect_again_ms)
    return min(moments, default=None)


def due(hall: Hall, site: Site, now: int) -> Steps:
    """What has come true by time: retries, jams, doors left open, collected lockers that become free."""
    for locker in list(hall.lockers.values()):
        moment = deadline(locker, site)
        if moment is None or now < moment:
            continue
        about = _about(locker)
        if opening := locker.opening:
            if now >= opening.since + site.not_open_ms:
                yield from _not_opened(hall, locker, opening.purpose, opening.blind)
            elif opening.attempts < site.lock_pulses and not opening.blind:
                yield _pulse(locker, opening.purpose, opening.attempts + 1, locker.card, locker.visit)
        elif locker.opened_at is not None and locker.door == "open":
            if locker.left_open_told == 0:
                yield f.LockerLeftOpen(**about, open_ms=now - locker.opened_at)
            else:
                yield f.LockerLeftOpen(**about, open_ms=now - locker.opened_at)
                yield from raise_task(hall, "left_open", locker=locker.locker, visit=locker.visit)
        elif locker.collected_at is not None:
            if locker.content:
                yield f.LockerKept(**about, reason="content_seen")
                yield from raise_task(hall, "content_left", locker=locker.locker, visit=locker.visit)
            else:
                yield f.LockerReleased(**about, reason="collected")


def _not_opened(hall: Hall, locker: Locker, purpose: str, blind: bool) -> Steps:
    """The time for an opening is over. A door that could not be read may well be open: only a guard can tell."""
    about = _about(locker)
    if blind:
        yield f.LockerUnreadable(**about)
        yield from raise_task(hall, "door_unreadable", locker=locker.locker, visit=locker.visit)
        return
    yield f.LockerJammed(**about, purpose=purpose)
    if purpose == "deposit":
        yield f.LockerReleased(**about, reason="jammed")
    yield from raise_task(hall, "jammed", locker=locker.locker, visit=locker.visit)


# -- what guards do


def inspect(hall: Hall, site: Site, ask: InspectLocker) -> Answer:
    """Open for inspection: the owner stays, and is told at the next tap."""
    locker = _locker(hall, ask.locker)
    second = two_people(site, "inspect", ask.actor, ask.second)
    if locker.door == "open" or locker.opening:
        raise Refused("already_open", f"locker {locker.locker} is open")
    yield f.OverrideUsed(action="inspect", reason=ask.reason, actor=ask.actor, second=second, locker=locker.locker)
    yield f.LockerInspected(**_about(locker), reason=ask.reason, actor=ask.actor, second=second)
    yield _pulse(locker, "inspect", 1, locker.card, locker.visit, ask.actor)
    return {"locker": locker.locker}


def release(hall: Hall, site: Site, ask: ReleaseLocker) -> Answer:
    """Open and free: nobody owns it from now on; it is given out again once it was seen closed."""
    locker = _locker(hall, ask.locker)
    second = two_people(site, "release", ask.actor, ask.second)
    if not locker.visit:
        raise Refused("not_owned", f"nobody owns locker {locker.locker}")
    visit = locker.visit
    yield f.OverrideUsed(
        action="release", reason=ask.reason, actor=ask.actor, second=second, locker=locker.locker, visit=visit
    )
    yield f.LockerReleased(**_about(locker), reason=ask.reason, actor=ask.actor)
    yield from resolve_tasks(
        hall, {"not_collected", "content_left", "still_owned"}, ask.actor, locker=locker.locker
    )
    if locker.door != "open" and not locker.opening:
        yield _pulse(locker, "release", 1, "", "", ask.actor)
    return {"locker": locker.locker, "visit": visit}


def service(hall: Hall, ask: ServiceLocker) -> Answer:
    locker = _locker(hall, ask.locker)
    if not ask.into:
        yield f.LockerOutOfService(**_about(locker), reason=ask.reason, actor=ask.actor)
    else:
        if not locker.fault:
            raise Refused("in_service", f"locker {locker.locker} is in service")
        yield f.LockerInService(**_about(locker), reason=ask.reason, actor=ask.actor)
        yield from resolve_tasks(hall, {"forced", "jammed", "door_unreadable"}, ask.actor, locker=locker.locker)
    return {"locker": locker.locker}


def _locker(hall: Hall, number: int) -> Locker:
    return known(hall.lockers.get(number), "unknown_locker", f"no locker {number}")
