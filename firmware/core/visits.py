"""The visit: bound at the desk, timed from the first person in to the last one out, ended when the card comes back.

A warning before the end, then one word to the guards every few minutes: overstay is an alarm, never a lock-in. What
happens of itself with time is in `due`.
"""

from firmware.core import facts as f
from firmware.core.decision import Answer, Steps
from firmware.core.inputs import RecordSearch
from firmware.core.site import Site
from firmware.core.state import Hall, Visit


def stages(visit: Visit, hall: Hall) -> dict[str, int]:
    """How long each stage of a visit took, in milliseconds; stages that did not happen are left out."""
    marks = {
        "waited": (visit.issued_at, visit.called_at),
        "counter": (visit.called_at, visit.bound_at),
        "to_entry": (visit.issued_at, visit.started_at),
        "inside": (visit.started_at, visit.left_at),
    }
    return {name: end - start for name, (start, end) in marks.items() if start is not None and end is not None}


def search(hall: Hall, ask: RecordSearch) -> Answer:
    """Body and belongings were checked. A visit that came out needs it again, for its bags have been in hand."""
    from firmware.core.cards import live_visit

    visit = live_visit(hall, ask.visit)
    card = visit.card or None
    if ask.result == "passed":
        yield f.SearchPassed(visit=visit.visit, card=card, actor=ask.actor)
    else:
        yield f.SearchRefused(visit=visit.visit, card=card, reason=ask.reason or "not_stated", actor=ask.actor)
    return {"visit": visit.visit, "search": visit.search}


def deadline(visit: Visit, site: Site) -> int | None:
    """When something next becomes true of this visit by time alone."""
    if visit.started_at is None or not visit.inside:
        return None
    end = visit.started_at + site.visit_ms
    if not visit.warned:
        return end - site.warn_ms
    return end + visit.overstays * site.overstay_repeat_ms


def due(hall: Hall, site: Site, now: int) -> Steps:
    """Warnings and overstays that have come; and the end of visits whose card is lost and whose people are gone."""
    for visit in list(hall.visits.values()):
        if visit.ended_at is not None:
            continue
        at = deadline(visit, site)
        if at is not None and visit.started_at is not None and now >= at:
            left_ms = visit.started_at + site.visit_ms - now
            if not visit.warned:
                yield f.VisitWarned(visit=visit.visit, card=visit.card or None, left_ms=max(0, left_ms))
            else:
                yield f.VisitOverstayed(visit=visit.visit, card=visit.card or None, over_ms=max(0, -left_ms))
        card = hall.cards.get(visit.card)
        if card and card.state == "lost" and not visit.persons_inside and not hall.lockers_of(visit.visit):
            yield f.VisitEnded(visit=visit.visit, card=visit.card, reason="card_lost", stages=stages(visit, hall))
