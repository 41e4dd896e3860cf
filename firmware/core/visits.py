"""The visit: bound at the desk, timed from the first person in to the last one out, ended when the card comes back.

A warning before the end, then one word to the guards every few minutes: overstay is an alarm, never a lock-in. What
happens of itself with time is in `due`.
"""

from firmware.core import facts as f
from firmware.core.decision import Answer, Refused, Steps, known
from firmware.core.inputs import RecordSearch
from firmware.core.site import Site
from firmware.core.state import Hall, Visit


def live_visit(hall: Hall, name: str) -> Visit:
    """A visit that has not ended."""
    if name in hall.visits_ended:
        raise Refused("visit_ended", f"{name} has ended")
    return known(hall.visits.get(name), "unknown_visit", f"no visit {name!r}")


def ended(visit: Visit, now: int, reason: str = "") -> f.VisitEnded:
    """The end of a visit that ends now."""
    return f.VisitEnded(
        visit=visit.visit, card=visit.card or None, reason=reason or None, stages=stages(visit, now),
        untimed=visit.untimed or None,
    )  # fmt: skip


def stages(visit: Visit, now: int) -> dict[str, int]:
    """How long each stage of a visit took, in milliseconds; stages that did not happen are left out."""
    marks = {
        "waited": (visit.issued_at, visit.called_at),
        "counter": (visit.called_at, visit.bound_at),
        "to_entry": (visit.issued_at, visit.started_at),
        "inside": (visit.started_at, visit.left_at),
        "whole": (visit.issued_at, now),
    }
    return {name: end - start for name, (start, end) in marks.items() if start is not None and end is not None}


def search(hall: Hall, ask: RecordSearch) -> Answer:
    """Body and belongings were checked. A visit that came out needs it again, for its bags have been in hand."""
    visit = live_visit(hall, ask.visit)
    card = visit.card or None
    if ask.result == "passed":
        yield f.SearchPassed(visit=visit.visit, card=card, actor=ask.actor)
    else:
        yield f.SearchRefused(visit=visit.visit, card=card, reason=ask.reason or "not_stated", actor=ask.actor)
    return {"visit": visit.visit, "search": visit.search}


def deadline(visit: Visit, site: Site) -> int | None:
    """When something next becomes true of this visit by time alone."""
    if visit.started_at is None or visit.inside <= 0:
        return None
    end = visit.started_at + site.visit_ms
    if not visit.warned:
        return end - site.warn_ms
    return end + visit.overstays * site.overstay_repeat_ms


def abandoned(hall: Hall, visit: Visit) -> bool:
    """Nobody inside, nothing locked away, and no card out: nothing is left that could end it in the usual way."""
    card = hall.cards.get(visit.card)
    out = card is not None and card.state == "issued"
    return not out and not visit.persons_inside and not hall.lockers_of(visit.visit)


def _card_is_back(hall: Hall, visit: Visit) -> bool:
    """Its card is no longer with it: the visit ends with that, unless a power cut took this half of the decision."""
    card = hall.cards.get(visit.card)
    return card is not None and card.visit != visit.visit and card.state in ("stock", "quarantined", "issued")


def end_abandoned(hall: Hall, now: int, reason: str) -> Steps:
    """When a day closes: visits that were bound and never got a card, or lost theirs and went home."""
    for visit in list(hall.visits.values()):
        if abandoned(hall, visit):
            yield ended(visit, now, reason)


def due(hall: Hall, site: Site, now: int) -> Steps:
    """Warnings and overstays that have come; and the end of visits that came out and whose card is gone.

    Whoever is inside has started: the passage says so, unless a power cut took that half of the decision.
    """
    for visit in list(hall.visits.values()):
        if visit.inside > 0 and visit.started_at is None:
            yield f.VisitStarted(visit=visit.visit, card=visit.card or None)
        at = deadline(visit, site)
        if at is not None and visit.started_at is not None and now >= at:
            left_ms = visit.started_at + site.visit_ms - now
            if not visit.warned:
                yield f.VisitWarned(visit=visit.visit, card=visit.card or None, left_ms=max(0, left_ms))
            else:
                yield f.VisitOverstayed(visit=visit.visit, card=visit.card or None, over_ms=max(0, -left_ms))
        if _card_is_back(hall, visit) and not visit.persons_inside:
            yield ended(visit, now)
        elif visit.out and visit.left_at is not None and abandoned(hall, visit):
            yield ended(visit, now, "card_lost")
