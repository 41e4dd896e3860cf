"""How facts change lockers and the gate. Part of `evolve`: nothing here refuses, or decides."""

from firmware.core import facts as f
from firmware.core.site import Site
from firmware.core.state import Grant, Hall, Lane, Locker, Opening


def still_to_empty(locker: Locker) -> bool:
    """Whether a door that is found shut was to be opened for guards by an earlier start, whose pulse may never have
    come, and nobody can tell what lies behind it: it is not given out until it has been opened."""
    return locker.purpose == "release" and locker.content is None


def fold_locker(hall: Hall, fact: f.LockerFact, at: int) -> None:
    """A door, and whose it is."""
    if fact.locker not in hall.lockers:  # the site has it no more; whose it is must not be forgotten
        hall.lockers[fact.locker] = Locker(fact.locker, fact.bank, door="unknown")
    locker = hall.lockers[fact.locker]
    match fact:
        case f.LockerAssigned():
            if locker.visit != fact.visit:
                locker.uses += 1
                locker.used_at = at
            locker.card, locker.visit = fact.card or "", fact.visit or ""
        case f.LockerPulsed():
            hall.pulses += 1
            since = locker.opening.since if locker.opening and fact.attempt > 1 else at
            blind = fact.door == "unknown"
            locker.opening = Opening(fact.purpose, since, fact.attempt, at, hall.pulses, blind, locker.doubted)
            locker.purpose, locker.collected_at = fact.purpose, None
        case f.LockerOpened():
            locker.opening, locker.door, locker.opened_at, locker.left_open_told = None, "open", at, 0
            locker.content, locker.seen, locker.purpose = fact.content, True, fact.purpose
            locker.doubted = False
            if fact.purpose != "inspect":
                locker.inspected = False
        case f.LockerClosed():
            owner = hall.visits.get(locker.visit)
            searched_again = owner is not None and not owner.out
            if locker.visit and locker.purpose == "collect" and not searched_again:
                locker.collected_at = at
            locker.door, locker.content, locker.opened_at, locker.seen = "closed", fact.content, None, True
            locker.opening, locker.purpose, locker.doubted = None, "", False
        case f.LockerUnreadable():
            locker.door, locker.content = "unknown", None
            if locker.opening:
                locker.opening.blind = True
        case f.LockerReadable():
            brought, taken = fact.content and not locker.content, locker.content and fact.content is False
            if locker.opening and (brought or taken):
                locker.opening.stirred = True
            locker.door, locker.content, locker.seen = fact.door, fact.content, True
            if locker.opening is None and locker.door == "closed" and not still_to_empty(locker):
                locker.purpose = ""
        case f.LockerUnseen():
            locker.doubted = locker.doubted or (locker.opening is not None and locker.opening.stirred)
            locker.opening = None
            if locker.door == "closed":
                locker.purpose = ""
        case f.LockerKept():
            locker.collected_at = None
        case f.LockerOverdue():
            locker.overdue = True
        case f.LockerReleased():
            locker.card = locker.visit = ""
            locker.collected_at, locker.inspected, locker.overdue = None, False, False
        case f.LockerJammed():
            locker.fault, locker.opening, locker.purpose = "jammed", None, ""
        case f.LockerForced():
            locker.fault, locker.door, locker.opened_at, locker.seen = "forced", "open", None, True
            locker.opening, locker.purpose, locker.collected_at, locker.doubted = None, "", None, False
        case f.LockerLeftOpen():
            locker.left_open_told += 1
        case f.LockerInspected():
            locker.inspected = True
        case f.LockerOutOfService():
            locker.fault, locker.opening, locker.purpose = "out_of_service", None, ""
        case f.LockerInService():
            locker.fault, locker.doubted = "", False
        case _:
            raise AssertionError(f"nothing folds {type(fact).__name__}")


def fold_gate(hall: Hall, fact: f.GateFact, at: int, site: Site) -> None:
    """Rights of way, and the people who use them."""
    lane = hall.lanes.setdefault(fact.lane, Lane(fact.lane))  # a lane that the site has no more counted people too
    step = 1 if fact.direction == "in" else -1
    visit = hall.visits.get(fact.visit or "")
    match fact:
        case f.GateGranted():
            lane.late = lane.late if fact.direction == "out" else None
            hall.grants = max(hall.grants, fact.grant)
            lane.grants.append(
                Grant(
                    fact.grant, "in" if fact.direction == "in" else "out", fact.persons, fact.card or "",
                    fact.visit or "", fact.carried, fact.reason or "", until=at + site.passage_ms + site.push_ms,
                )
            )
        case f.GateExpired():
            ended = [grant for grant in lane.grants if grant.grant == fact.grant]
            for grant in ended:
                lane.grants.remove(grant)
                lane.late = None if fact.reason == "not_taken" else grant
                if lane.grants:  # the next in turn has its whole window
                    lane.grants[0].until = at + site.passage_ms + site.push_ms
        case f.GatePassed():
            if visit and 0 <= visit.inside + step <= visit.walkers:
                visit.inside += step
                visit.carried_inside += step * fact.carried
                if not visit.inside and step < 0:
                    visit.out, visit.search, visit.left_at = True, "needed", at
            else:
                hall.unattributed += step * (fact.persons + fact.carried)
            _spend(lane, fact, at)
            if lane.grants:
                lane.grants[0].until = at + site.passage_ms + site.push_ms
        case f.GateForced() | f.GateReversed() | f.GateTailgated():
            hall.unattributed += step * fact.persons
        case _:
            raise AssertionError(f"nothing folds {type(fact).__name__}")


def _spend(lane: Lane, fact: f.GatePassed, at: int) -> None:
    """Take one passage from the grant by whose right it was."""
    if lane.late and lane.late.grant == fact.grant:
        lane.late = None
    for grant in [grant for grant in lane.grants if grant.grant == fact.grant]:
        grant.passed += 1
        if grant.unspent <= 0:
            lane.grants.remove(grant)
            lane.spent_at, lane.spent_direction = at, fact.direction
