"""The gate: a tap asks, the arm frees one passage a person, and the passage sensor counts.

Entry is granted to the whole of a party that is still outside, or to nobody. An exit is never refused: not for time, an
unknown card, or a missing match; then a guard looks at the face. What passes without a grant is counted by what the
sensors saw, and flagged. Places are reserved while a grant is in flight.
"""


from firmware.core import facts as f
from firmware.core.cards import alarm, claimant, refuse, seen_elsewhere, trouble_with
from firmware.core.count import suspect
from firmware.core.decision import Steps, raise_task
from firmware.core.inputs import PassageSeen
from firmware.core.site import Contact, Reader, Site
from firmware.core.state import Grant, Hall, Lane, Visit

WAYS_OUT_MOST = 20
"""Ways out without a visit that stand behind each other in a lane: a flood of foreign cards must not grow further."""


def entry_tapped(hall: Hall, site: Site, now: int, reader: Reader, card: str) -> Steps:
    """A card at an entry: a grant for all of its party who are outside, or the reason why not."""
    visit = yield from claimant(hall, site, now, reader, card)
    if visit is None:
        return
    outside = visit.walkers - visit.inside
    infants = visit.carried - visit.carried_inside
    reason = _refusal(hall, site, hall.lanes[reader.lane], visit, outside + infants)
    if reason:
        yield from refuse(
            hall, site, now,
            f.GateRefused(
                lane=reader.lane, direction="in", persons=outside, card=card, visit=visit.visit,
                reason=reason, reader=reader.name,
            ),
        )  # fmt: skip
        return
    yield f.GateGranted(
        lane=reader.lane, direction="in", persons=outside, card=card, visit=visit.visit,
        grant=hall.grants + 1, carried=infants,
    )  # fmt: skip


def _refusal(hall: Hall, site: Site, lane: Lane, visit: Visit, persons: int) -> str:
    """Why this visit may not enter now; `""` if it may."""
    if hall.mode != "open":
        return hall.mode
    if visit.walkers <= visit.inside:
        return "inside"
    if visit.search != "passed":
        return "search_refused" if visit.search == "refused" else "search_needed"
    owned = hall.lockers_of(visit.visit)
    if site.locker_shut_for_entry and any(locker.door == "open" or locker.opening for locker in owned):
        return "locker_open"
    if site.deposit_for_entry and not owned:
        return "deposit_needed"
    if any(grant.visit == visit.visit and other is not lane for other, grant in hall.grants_in()):
        return "granted_elsewhere"
    if any(grant.visit == visit.visit for grant in lane.grants if grant.direction == "in"):
        return "granted"
    if lane.grants:
        return "wait"
    if hall.inside + hall.reserved + persons > hall.capacity:
        return "full"
    return ""


def exit_tapped(hall: Hall, site: Site, now: int, reader: Reader, card: str) -> Steps:
    """A card at an exit: served at once, whatever it is. What does not add up is a guard's task."""
    lane = hall.lanes[reader.lane]
    reason = trouble_with(hall, card) or seen_elsewhere(hall, site, now, reader.name, card)
    visit = hall.visit_of(card)
    yield from _end_what_is_shut(hall, site, now, lane)
    if visit is not None and reason in ("", "two_readers", "far_apart") and visit.inside > 0:
        if any((one.direction, one.visit) == ("out", visit.visit) for one in lane.grants):
            return
        carried = visit.carried_inside
        yield from _let_out(hall, lane, persons=visit.inside, card=card, visit=visit.visit, carried=carried)
    else:
        if any((one.direction, one.card) == ("out", card) for one in lane.grants):
            return
        yield from _let_out(hall, lane, persons=1, card=card, reason=reason or "unmatched_exit")
        yield from raise_task(hall, "unmatched_exit", card=card, lane=lane.lane, visit=visit.visit if visit else "")
    yield from alarm(hall, reason, card, lane.lane)


def _end_what_is_shut(hall: Hall, site: Site, now: int, lane: Lane) -> Steps:
    """The way out before which the arm has locked again ends as soon as anybody asks for one: that a push in its last
    moment may still show keeps nobody waiting."""
    first = next((grant for grant in lane.grants if grant.direction == "out"), None)
    if first and lane.lane not in hall.unwritten.moving and now >= window_end(hall, site, lane) - site.push_ms:
        yield expired(lane, first, "not_taken")


def exit_collided(hall: Hall, site: Site, now: int, reader: Reader) -> Steps:
    """Two cards at an exit: one passage, and an alarm."""
    lane = hall.lanes[reader.lane]
    yield from _end_what_is_shut(hall, site, now, lane)
    if not any(grant.reason == "two_cards" for grant in lane.grants):
        yield from _let_out(hall, lane, persons=1, reason="two_cards")
    yield from raise_task(hall, "two_cards_at_exit", lane=lane.lane)


def exit_button(hall: Hall, site: Site, now: int, contact: Contact) -> Steps:
    """The guard lets one person out who has no card."""
    lane = hall.lanes[contact.lane]
    yield from _end_what_is_shut(hall, site, now, lane)
    yield from _let_out(hall, lane, persons=1, reason="exit_button")


def _let_out(
    hall: Hall, lane: Lane, *, persons: int, card: str = "", visit: str = "", carried: int = 0, reason: str = ""
) -> Steps:
    """A way out, at once: what was granted inwards here and is not spent ends; other ways out come first."""
    for grant in [g for g in lane.grants if g.direction == "in"]:
        yield expired(lane, grant, "exit_first")
    if hall.emergency:
        return  # the arm is free: there is nothing to grant
    if not visit and sum(not grant.visit for grant in lane.grants) >= WAYS_OUT_MOST:
        return  # so many may pass already
    yield f.GateGranted(
        lane=lane.lane, direction="out", persons=persons, card=card or None, visit=visit or None,
        reason=reason or None, grant=hall.grants + 1, carried=carried,
    )  # fmt: skip


def expired(lane: Lane, grant: Grant, reason: str) -> f.GateExpired:
    """The end of a right of way with some of it unspent."""
    return f.GateExpired(
        lane=lane.lane, direction=grant.direction, persons=grant.unspent, card=grant.card or None,
        visit=grant.visit or None, reason=reason, grant=grant.grant,
    )  # fmt: skip


def passed(hall: Hall, site: Site, now: int, passage: PassageSeen) -> Steps:
    """One person went through. Whose right of way that was, if anybody's, decides what it is called."""
    lane = hall.lanes[passage.lane]
    grant = lane.grants[0] if lane.grants else None
    if hall.emergency or hall.fire_active:
        yield f.GatePassed(lane=lane.lane, direction=passage.direction, persons=1, reason="emergency")
    elif grant and grant.direction == passage.direction:
        yield from _passed_by_right(hall, lane, grant)
    elif lane.late and lane.late.direction == passage.direction and now <= lane.late.until:
        yield from _passed_by_right(hall, lane, lane.late)
    elif grant:
        yield f.GateReversed(
            lane=lane.lane, direction=passage.direction, persons=1, card=grant.card or None, visit=grant.visit or None
        )
        yield from raise_task(hall, "reversed", lane=lane.lane)
    elif lane.spent_direction == passage.direction and now - (lane.spent_at or 0) <= site.settle_ms:
        yield f.GateTailgated(lane=lane.lane, direction=passage.direction, persons=1)
        yield from raise_task(hall, "tailgated", lane=lane.lane)
    else:
        yield f.GateForced(lane=lane.lane, direction=passage.direction, persons=1)
        yield from raise_task(hall, "gate_forced", lane=lane.lane)


def _passed_by_right(hall: Hall, lane: Lane, grant: Grant) -> Steps:
    visit = hall.visits.get(grant.visit)
    if visit and visit.inside == (visit.walkers if grant.direction == "in" else 0):
        # its party was complete already: a recount, or another lane, was quicker
        yield f.GatePassed(
            lane=lane.lane, direction=grant.direction, persons=1, card=grant.card, reason="surplus", grant=grant.grant
        )
        yield from suspect(hall, "surplus", lane=lane.lane)
        return
    carried = 0
    if visit and grant.direction == "in":
        carried = grant.carried if grant.passed == 0 else 0
    elif visit and visit.inside == 1:
        carried = visit.carried_inside
    yield f.GatePassed(
        lane=lane.lane, direction=grant.direction, persons=1, card=grant.card or None, visit=grant.visit or None,
        reason=grant.reason or None, carried=carried, grant=grant.grant,
    )  # fmt: skip
    if visit and grant.direction == "in" and visit.started_at is None:
        yield f.VisitStarted(visit=visit.visit, card=visit.card or None)


def window_end(hall: Hall, site: Site, lane: Lane) -> int:
    """When the window of the first right of way at this lane ends. The arm opens once the decision is durable, and when
    whoever was in it has left: what a slow disk and slow people take of the time is given back."""
    freed_at = hall.unwritten.freed.get(lane.lane)
    until = lane.grants[0].until
    return until if freed_at is None else max(until, freed_at + site.passage_ms + site.push_ms)


def deadline(hall: Hall, site: Site, lane: Lane) -> int | None:
    """When the right of way at this lane ends by time; not while somebody is in the arm."""
    return window_end(hall, site, lane) if lane.grants and lane.lane not in hall.unwritten.moving else None


def due(hall: Hall, site: Site, now: int) -> Steps:
    """The grant whose window ended without a passage, the whole of it; and entries that may not go on."""
    for lane in hall.lanes.values():
        until = deadline(hall, site, lane)
        if until is not None and now >= until:
            yield expired(lane, lane.grants[0], "not_taken")
        for grant in [grant for grant in lane.grants if grant.direction == "in"]:
            card = hall.cards.get(grant.card)
            if hall.lockdown:
                yield expired(lane, grant, "lockdown")
            elif card is not None and card.state != "issued":
                yield expired(lane, grant, "card_blocked")
