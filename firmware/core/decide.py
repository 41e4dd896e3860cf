"""Which rule owns an input, and what follows by itself. The table of contents of the rules.

`take` drives one input through its rule: each fact is folded as it is decided, and what follows from the new state is
folded behind it, until nothing more follows. `next_deadline` tells when something becomes true by time alone.
"""

from collections.abc import Generator
from typing import assert_never

from firmware.core import cards, count, emergency, gate, health, inputs, lockers, session, tickets, visits
from firmware.core import facts as f
from firmware.core.decision import Refused, Result, Steps, raise_task
from firmware.core.evolve import evolve
from firmware.core.inputs import Input, Request, ResolveTask
from firmware.core.site import ContactUse, ReaderPlace, Site
from firmware.core.state import Hall, Locker

Rule = Generator[f.Fact, None, Result | None]


def take(
    hall: Hall, site: Site, happened: Input, now: int, *, settle: bool = True
) -> tuple[list[f.Fact], Result | None]:
    """Decide one input and fold what it makes true; the facts, in order, and the answer to a request.

    Several inputs of one moment are taken with `settle=False`, and `follow` is called behind the last of them: what
    was seen by then counts before what ends by time. Raises `Refused` for a request that the rules do not allow; the
    hall is then as it was.
    """
    facts: list[f.Fact] = []
    answer = _fold(hall, site, decide(hall, site, happened, now), now, facts)
    if settle:
        follow(hall, site, now, facts)
    return facts, answer


def follow(hall: Hall, site: Site, now: int, facts: list[f.Fact]) -> None:
    """Fold what follows from the state and the time, until nothing more does."""
    while True:
        before = len(facts)
        _fold(hall, site, due(hall, site, now), now, facts)
        if len(facts) == before:
            return


def _fold(hall: Hall, site: Site, rule: Rule, now: int, facts: list[f.Fact]) -> Result | None:
    told = len(facts)
    try:
        while True:
            fact = next(rule)
            evolve(hall, fact, now, site)
            facts.append(fact)
    except StopIteration as done:
        answer: Result | None = done.value
        return answer
    except Refused:
        assert len(facts) == told, "a rule refuses before its first fact"
        raise


def decide(hall: Hall, site: Site, happened: Input, now: int) -> Rule:
    """The rule that owns this input."""
    match happened:
        case inputs.CardTapped():
            return _tapped(hall, site, happened, now)
        case inputs.CardsCollided():
            return _collided(hall, site, happened, now)
        case inputs.DoorSeen():
            return lockers.seen(hall, now, happened)
        case inputs.PassageSeen():
            return gate.passed(hall, site, now, happened)
        case inputs.ArmMoving():
            return _arm_moving(hall, happened)
        case inputs.ContactChanged():
            return _contact(hall, site, happened, now)
        case inputs.HealthSeen():
            return health.seen(hall, site, happened)
        case inputs.Started():
            return health.started(hall, happened)
        case inputs.MinuteStruck():
            return session.hours(hall, site, happened, now)
        case inputs.ClockSynced():
            return _one(f.ClockSynced()) if not hall.clock_synced else _one()
        case inputs.ClockLost():
            return _one(f.ClockLost()) if hall.clock_synced else _one()
        case inputs.EmergencyRemembered():
            return emergency.remembered(hall)
        case inputs.ClockStepped():
            return _one(f.ClockStepped(by_ms=happened.by_ms))
        case inputs.StorageFailed():
            return health.storage_failed(hall, happened)
        case inputs.StorageBack():
            return health.storage_back(hall, happened)
        case Request():
            return _asked(hall, site, happened, now)
        case _:
            assert_never(happened)


def _asked(hall: Hall, site: Site, ask: Request, now: int) -> Rule:
    match ask:
        case inputs.IssueTicket():
            return tickets.issue_asked(hall, site, ask)
        case inputs.CallTicket():
            return tickets.call(hall, site, ask)
        case inputs.RecallTicket():
            return tickets.recall(hall, site, ask)
        case inputs.ServeTicket():
            return tickets.serve(hall, site, ask)
        case inputs.ParkTicket():
            return tickets.park(hall, ask)
        case inputs.MissTicket():
            return tickets.miss(hall, site, ask)
        case inputs.TransferTicket():
            return tickets.transfer(hall, site, ask)
        case inputs.PutBooking():
            return tickets.put_booking(hall, site, ask)
        case inputs.CancelBooking():
            return tickets.cancel_booking(hall, ask)
        case inputs.BindVisit():
            return tickets.bind(hall, site, ask)
        case inputs.RecordSearch():
            return visits.search(hall, ask)
        case inputs.EnrolCard():
            return cards.enrol(hall, ask)
        case inputs.RetireCard():
            return cards.retire(hall, ask)
        case inputs.IssueCard():
            return cards.issue(hall, ask)
        case inputs.ReturnCard():
            return cards.take_back(hall, ask, now)
        case inputs.LoseCard():
            return cards.lose(hall, ask)
        case inputs.QuarantineCard():
            return cards.quarantine(hall, ask)
        case inputs.ClearCard():
            return cards.clear(hall, ask, now)
        case inputs.OpenSession():
            return session.open_(hall, ask, now)
        case inputs.CloseSession():
            return session.close(hall, ask, now)
        case inputs.SetCapacity():
            return session.set_capacity(hall, ask)
        case inputs.SetLockdown():
            return session.set_lockdown(hall, ask)
        case inputs.Recount():
            return count.recount(hall, ask)
        case inputs.ConfirmCount():
            return count.confirm(hall, ask)
        case inputs.InspectLocker():
            return lockers.inspect(hall, site, ask)
        case inputs.ReleaseLocker():
            return lockers.release(hall, site, ask)
        case inputs.ServiceLocker():
            return lockers.service(hall, ask)
        case inputs.ResetEmergency():
            return emergency.reset(hall, ask.actor)
        case inputs.ResolveTask():
            return _resolve(hall, ask)
        case _:
            raise AssertionError(f"no rule owns {type(ask).__name__}")


def _tapped(hall: Hall, site: Site, tap: inputs.CardTapped, now: int) -> Steps:
    reader = site.readers[tap.reader]
    match reader.place:
        case ReaderPlace.LOCKER:
            yield from lockers.tapped(hall, site, now, reader, tap.card)
        case ReaderPlace.ENTRY:
            yield from gate.entry_tapped(hall, site, now, reader, tap.card)
        case ReaderPlace.EXIT:
            yield from gate.exit_tapped(hall, site, now, reader, tap.card)
        case ReaderPlace.DESK:
            pass  # the officer's next action says what this card is for
        case _:
            assert_never(reader.place)


def _collided(hall: Hall, site: Site, seen: inputs.CardsCollided, now: int) -> Steps:
    reader = site.readers[seen.reader]
    if reader.place is ReaderPlace.EXIT:
        yield from gate.exit_collided(hall, site, now, reader)
    elif reader.place is not ReaderPlace.DESK:
        yield from cards.refuse(hall, site, now, f.CardRefused(reader=reader.name, reason="two_cards"))


def _arm_moving(hall: Hall, seen: inputs.ArmMoving) -> Steps:
    """Noted without a fact: an arm in motion only holds off the end of a window."""
    moving = hall.unwritten.moving
    if seen.moving:
        moving.add(seen.lane)
    else:
        moving.discard(seen.lane)
    yield from ()


def _contact(hall: Hall, site: Site, seen: inputs.ContactChanged, now: int) -> Rule:
    contact = site.contacts[seen.contact]
    if contact.use is ContactUse.FIRE:
        yield from emergency.contact(hall, seen.active)
    elif seen.active:
        try:
            match contact.use:
                case ContactUse.FIRE_RESET:
                    yield from emergency.reset(hall, contact.name)
                case ContactUse.TICKET:
                    yield from tickets.issue(hall, site, contact.ticket_class, "", contact.name)
                case ContactUse.EXIT_BUTTON:
                    yield from gate.exit_button(hall, site, now, contact)
                case ContactUse.SIDE_GATE:
                    direction: inputs.Direction = "in" if contact.direction == "in" else "out"
                    yield from gate.passed(hall, site, now, inputs.PassageSeen(contact.lane, direction))
                case _:
                    assert_never(contact.use)
        except Refused:
            return None  # a button has nobody to tell; the sign shows the mode
    return None


def _resolve(hall: Hall, ask: ResolveTask) -> Rule:
    task = hall.tasks.get(ask.task)
    if task is None:
        raise Refused("unknown_task", f"no open task {ask.task!r}")
    locker = hall.lockers.get(task.locker or 0)
    yield f.TaskResolved(task=task.task, reason=ask.reason, actor=ask.actor)
    if task.reason == "forced" and locker and locker.fault == "forced":
        yield f.LockerInService(
            bank=locker.bank, locker=locker.locker, card=locker.card or None, visit=locker.visit or None,
            reason=ask.reason, actor=ask.actor,
        )  # fmt: skip
    return {"task": ask.task}


def _one(*facts: f.Fact) -> Steps:
    yield from facts


def due(hall: Hall, site: Site, now: int) -> Steps:
    """All that is true by time, or follows from the state."""
    yield from lockers.due(hall, site, now)
    yield from gate.due(hall, site, now)
    yield from visits.due(hall, site, now)
    yield from count.due(hall)
    yield from _settled_cards(hall)
    yield from _still_owned(hall, site, now)
    yield from session.due(hall, now)


def _settled_cards(hall: Hall) -> Steps:
    """A card that owns a locker is never stock: it is kept back, and cleared once the locker is released. A locker
    whose visit has a new card goes with it, also when a power cut kept no more than the card's issue."""
    for locker in [locker for locker in hall.lockers.values() if locker.visit]:
        visit = hall.visits.get(locker.visit)
        if visit is not None and visit.card != locker.card:
            yield from cards.lockers_follow(hall, visit)
        held = hall.cards.get(locker.card)
        if held is not None and held.state == "stock":
            yield f.CardQuarantined(card=held.card, visit=locker.visit, reason="owns_locker")
    for card in [c for c in hall.cards.values() if c.state == "quarantined" and c.reason == "owns_locker"]:
        if not hall.lockers_on(card.card):
            yield f.CardCleared(card=card.card, reason="locker_released")


def _still_owned(hall: Hall, site: Site, now: int) -> Steps:
    """A locker whose visit ended long ago is a guard's task, never an opening."""
    for locker in list(hall.lockers.values()):
        moment = _overdue_at(hall, site, locker)
        if moment is not None and now >= moment:
            yield f.LockerOverdue(
                bank=locker.bank, locker=locker.locker, card=locker.card or None, visit=locker.visit
            )
            yield from raise_task(hall, "still_owned", locker=locker.locker, visit=locker.visit, card=locker.card)


def _overdue_at(hall: Hall, site: Site, locker: Locker) -> int | None:
    """When this locker's still being owned becomes a task; None if its visit goes on, or it was told."""
    visit = hall.visits_ended.get(locker.visit) if locker.visit else None
    if visit is None or visit.ended_at is None or locker.overdue:
        return None
    return visit.ended_at + site.still_owned_ms


def next_deadline(hall: Hall, site: Site) -> int | None:
    """When something next becomes true by time alone; None when nothing is pending."""
    moments = [lockers.deadline(hall, site, locker) for locker in hall.lockers.values()]
    moments += [_overdue_at(hall, site, locker) for locker in hall.lockers.values()]
    moments += [gate.deadline(hall, site, lane) for lane in hall.lanes.values()]
    moments += [visits.deadline(visit, site) for visit in hall.visits.values()]
    return min((moment for moment in moments if moment is not None), default=None)
