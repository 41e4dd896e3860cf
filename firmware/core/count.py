"""The count of people inside, and how far to trust it. It is never clamped, and never silently corrected.

Any gap in watching with people inside makes it suspect, with the reason, until a guard confirms it or counts again.
"""

from firmware.core import facts as f
from firmware.core.decision import Answer, Refused, Steps
from firmware.core.inputs import ConfirmCount, Recount
from firmware.core.state import Hall
from firmware.core.visits import live_visit


def suspect(hall: Hall, reason: str, *, gap_s: int | None = None, lane: str = "") -> Steps:
    """Say that the count may be wrong from here on."""
    yield f.HallOccupancySuspect(reason=reason, inside=hall.inside, gap_s=gap_s, lane=lane or None)


def recount(hall: Hall, ask: Recount) -> Answer:
    """A guard ticked the people on the muster list; the difference is explained, not hidden."""
    for name, persons in ask.present.items():
        visit = live_visit(hall, name)
        most = visit.walkers + visit.carried
        if not 0 <= persons <= most:
            raise Refused("bad_arguments", f"{name} is a party of {most}: {persons} cannot be present")
    if ask.unattributed < 0:
        raise Refused("bad_arguments", "unattributed counts people: it cannot be below 0")
    before, after = hall.inside, sum(ask.present.values()) + ask.unattributed
    yield f.HallRecountRecorded(
        present={name: persons for name, persons in ask.present.items() if persons},
        unattributed=ask.unattributed, before=before, after=after, difference=after - before,
        reason=ask.reason, actor=ask.actor,
    )  # fmt: skip
    return {"before": before, "after": after, "difference": after - before}


def confirm(hall: Hall, ask: ConfirmCount) -> Answer:
    if hall.inside < 0:
        raise Refused("negative", f"a count of {hall.inside} cannot be right: recount")
    yield f.HallCountConfirmed(inside=hall.inside, actor=ask.actor)
    return {"inside": hall.inside}


def may_change_unseen(hall: Hall) -> bool:
    """Whether somebody may come or go while nobody watches an arm, which may stand free then.

    People go out; and during a session they come in as well.
    """
    return bool(hall.inside) or hall.session != "closed"


def due(hall: Hall) -> Steps:
    """A count below zero is wrong by itself, and one that a guard made is good only while every arm is watched."""
    if hall.suspect is not None:
        return
    unwatched = next((lane for lane in hall.lanes if lane in hall.devices), "")
    if hall.inside < 0:
        yield from suspect(hall, "negative")
    elif unwatched and may_change_unseen(hall):
        yield from suspect(hall, "lane_unwatched", lane=unwatched)
