"""Cards: from stock to a visit and back. A card is a claim, not an identity; a lost one opens nothing any more.

    stock -> issued -> stock, and lost, quarantined, retired

A card that comes back while a locker is still its own is quarantined until that locker is released, so that the next
visitor's card never opens the last one's locker.
"""

from collections.abc import Generator
from dataclasses import replace

from firmware.core import facts as f
from firmware.core.decision import Answer, Refused, Steps, known, raise_task, resolve_tasks
from firmware.core.evolve import refusal_key
from firmware.core.inputs import ClearCard, EnrolCard, IssueCard, LoseCard, QuarantineCard, RetireCard, ReturnCard
from firmware.core.signage import tell
from firmware.core.site import Reader, Site
from firmware.core.state import Card, Hall, Locker, Visit
from firmware.core.visits import ended, live_visit

ALARMS = {"lost": "lost_card_used", "quarantined": "quarantined_card_used"}
"""Card states whose use is a guard's business -> the reason of the task."""

COLLECTED_TASKS = {"not_collected", "content_left", "still_owned"}
"""Tasks about a locker that are done once it is nobody's any more."""

SAME_MOMENT_MS = 100
"""Readers are asked ten times a second: two that see one card within this time saw it at the same moment."""

REPEATS_MOST = 500
"""Refused cards whose repeats are counted at a time: a flood of foreign cards must not grow without bound."""


def find(hall: Hall, name: str) -> Card:
    """A card by its hash or by its printed number."""
    by_number = (card for card in hall.cards.values() if card.number == name and card.state != "retired")
    return known(hall.cards.get(name) or next(by_number, None), "unknown_card", f"no card {name!r} is enrolled")


def refuse(hall: Hall, site: Site, now: int, fact: f.CardRefused | f.LockerRefused | f.GateRefused) -> Steps:
    """Refuse a tap. The same card for the same reason is told at intervals, with a count; the sign answers each."""
    key = refusal_key(fact)
    told = hall.refusals.get(key)
    repeats = hall.unwritten.repeats
    if told is not None and now - told < site.repeat_ms:
        repeats[key] = repeats.get(key, 0) + 1
        tell(hall, fact, now, site)
        return
    if len(repeats) > REPEATS_MOST:
        repeats.clear()
    yield replace(fact, count=1 + repeats.pop(key, 0))


def trouble_with(hall: Hall, card: str) -> str:
    """Why this card is no live claim to anything: `""` if it is."""
    held = hall.cards.get(card)
    if held is None:
        return "unknown"
    return "" if held.state == "issued" and hall.visit_of(card) else held.state


def seen_elsewhere(hall: Hall, site: Site, now: int, reader: str, card: str) -> str:
    """The reason to refuse a card that cannot honestly be here too; note where it was tapped if it can."""
    taps = hall.unwritten.taps
    before = taps.get(card)
    for gone in [c for c, (_, at) in taps.items() if now - at >= max(site.far_apart_ms, SAME_MOMENT_MS)]:
        del taps[gone]
    if before is not None and before[0] != reader:
        elapsed_ms = now - before[1]
        if elapsed_ms < SAME_MOMENT_MS:
            return "two_readers"
        if elapsed_ms < site.far_apart_ms and any({reader, before[0]} <= pair for pair in site.far_apart):
            return "far_apart"
    taps[card] = (reader, now)
    return ""


def alarm(hall: Hall, reason: str, card: str, lane: str = "") -> Steps:
    """The task that the use of a dead card, or of one card in two places, raises."""
    if reason in ALARMS and not any((t.reason, t.card) == (ALARMS[reason], card) for t in hall.tasks.values()):
        yield from raise_task(hall, ALARMS[reason], card=card, lane=lane)
    elif reason == "far_apart":
        yield from raise_task(hall, "card_in_two_places", card=card)


def claimant(
    hall: Hall, site: Site, now: int, reader: Reader, card: str
) -> Generator[f.Fact, None, Visit | None]:
    """The visit that this card speaks for, here and now; None when it was refused, and a guard told if need be."""
    visit = hall.visit_of(card)
    reason = trouble_with(hall, card) or seen_elsewhere(hall, site, now, reader.name, card)
    if visit is not None and not reason:
        return visit
    yield from refuse(
        hall, site, now,
        f.CardRefused(card=card, visit=visit.visit if visit else None, reader=reader.name, reason=reason),
    )  # fmt: skip
    yield from alarm(hall, reason, card, reader.lane)
    return None


def enrol(hall: Hall, ask: EnrolCard) -> Answer:
    if ask.card in hall.cards:
        raise Refused("enrolled", f"this card is enrolled as number {hall.cards[ask.card].number}")
    if any(card.number == ask.number and card.state != "retired" for card in hall.cards.values()):
        raise Refused("number_taken", f"another card has number {ask.number}")
    yield f.CardEnrolled(card=ask.card, number=ask.number, actor=ask.actor)
    return {"card": ask.card, "number": ask.number}


def retire(hall: Hall, ask: RetireCard) -> Answer:
    card = find(hall, ask.card)
    if card.state == "issued":
        raise Refused("issued", f"card {card.number} is issued: take it back first")
    _owns_nothing(hall, card)
    yield f.CardRetired(card=card.card, reason=ask.reason, actor=ask.actor)
    return {"card": card.card, "number": card.number}


def issue(hall: Hall, ask: IssueCard) -> Answer:
    visit = live_visit(hall, ask.visit)
    card = find(hall, ask.card)
    if card.state != "stock":
        raise Refused(f"card_{card.state}", f"card {card.number} is {card.state}")
    if visit.card and hall.cards[visit.card].state == "issued":
        raise Refused("has_card", f"{visit.visit} has card {hall.cards[visit.card].number} already")
    yield f.CardIssued(card=card.card, number=card.number, visit=visit.visit, actor=ask.actor)
    yield from lockers_follow(hall, visit)
    return {"card": card.card, "number": card.number}


def lockers_follow(hall: Hall, visit: Visit) -> Steps:
    """The lockers of a visit go with it from a lost card to the new one."""
    for locker in [locker for locker in hall.lockers_of(visit.visit) if locker.card != visit.card]:
        yield f.LockerAssigned(
            bank=locker.bank, locker=locker.locker, card=visit.card, visit=visit.visit, reason="card_replaced"
        )


def take_back(hall: Hall, ask: ReturnCard, now: int) -> Answer:
    """The card comes back and the visit ends; what is still locked away keeps the card from the next visitor."""
    card = find(hall, ask.card)
    if card.state != "issued":
        raise Refused("not_issued", f"card {card.number} is {card.state}")
    visit = hall.visits.get(card.visit)
    if visit and visit.persons_inside:
        raise Refused("still_inside", f"{visit.persons_inside} of {visit.visit} are counted inside: recount first")
    if visit and any(grant.visit == visit.visit for _, grant in hall.grants_in()):
        raise Refused("still_inside", f"the arm is open for {visit.visit}")
    emptied = [locker for locker in hall.lockers_of(card.visit) if ask.collected and _shut_and_empty(locker)]
    for locker in [] if hall.degraded else emptied:
        yield f.LockerReleased(
            bank=locker.bank, locker=locker.locker, card=card.card, visit=card.visit,
            reason="collected", actor=ask.actor,
        )  # fmt: skip
        yield from resolve_tasks(hall, COLLECTED_TASKS, ask.actor, locker=locker.locker)
    kept = hall.lockers_of(card.visit)
    visit_id = card.visit
    for locker in [locker for locker in kept if locker not in emptied]:
        # Before the card is back: should the power take what follows, guards have a task too many, and not one too few.
        yield from raise_task(hall, "not_collected", locker=locker.locker, visit=visit_id, card=card.card)
    yield f.CardReturned(
        card=card.card, number=card.number, visit=visit_id or None, collected=ask.collected, actor=ask.actor
    )
    if kept:
        yield f.CardQuarantined(card=card.card, visit=visit_id, reason="owns_locker")
    if visit:
        yield ended(visit, now)
    return {"card": card.card, "number": card.number, "lockers": [locker.locker for locker in kept]}


def _shut_and_empty(locker: Locker) -> bool:
    return locker.door == "closed" and not locker.content and not locker.opening and not locker.fault


def lose(hall: Hall, ask: LoseCard) -> Answer:
    visit = live_visit(hall, ask.visit)
    card = hall.cards.get(visit.card)
    if card is None or card.state != "issued":
        raise Refused("no_card", f"{visit.visit} holds no card")
    yield f.CardLost(card=card.card, visit=visit.visit, reason=ask.reason, actor=ask.actor)
    return {"card": card.card, "number": card.number}


def quarantine(hall: Hall, ask: QuarantineCard) -> Answer:
    card = find(hall, ask.card)
    if card.state not in ("issued", "stock", "lost"):
        raise Refused(f"card_{card.state}", f"card {card.number} is {card.state}")
    yield f.CardQuarantined(card=card.card, visit=card.visit or None, reason=ask.reason, actor=ask.actor)
    return {"card": card.card, "number": card.number}


def _owns_nothing(hall: Hall, card: Card) -> None:
    """Raises Refused while a locker hangs on the card."""
    if owned := hall.lockers_on(card.card):
        raise Refused("owns_locker", f"card {card.number} still owns locker {owned[0].locker}: release that first")


def clear(hall: Hall, ask: ClearCard, now: int) -> Answer:
    """A lost card was found, or a quarantined one is in order: back to stock, unless a locker still hangs on it."""
    card = find(hall, ask.card)
    if card.state not in ("lost", "quarantined"):
        raise Refused("not_blocked", f"card {card.number} is {card.state}")
    _owns_nothing(hall, card)
    visit = hall.visits.get(card.visit)
    if visit and visit.card != card.card:
        visit = None  # it goes on with another card
    if visit and visit.persons_inside:
        raise Refused("still_inside", f"{visit.persons_inside} of {visit.visit} are counted inside")
    yield f.CardCleared(card=card.card, reason=ask.reason, actor=ask.actor)
    if visit:
        yield ended(visit, now, "card_cleared")
    return {"card": card.card, "number": card.number}
