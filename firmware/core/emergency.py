"""Fire: everybody out, nothing else moves. The arm is free before this module hears of it (see `hal.turnstile`).

The fact follows the actuation. After it, only a journaled reset with the contact at rest puts the arm under control
again; a restart never does. Lockers stay as they are.
"""

from firmware.core import facts as f
from firmware.core.count import suspect
from firmware.core.decision import Answer, Refused, Steps
from firmware.core.gate import expired
from firmware.core.state import Hall


def contact(hall: Hall, active: bool) -> Steps:
    if active and not hall.fire_active:
        standing = [(lane, grant) for lane in hall.lanes.values() for grant in lane.grants]
        yield f.EmergencyRaised(reason="fire")
        for lane, grant in standing:
            yield expired(lane, grant, "emergency")
        if hall.inside:
            yield from suspect(hall, "fire")
    elif not active and hall.fire_active:
        yield f.EmergencyCleared()


def remembered(hall: Hall) -> Steps:
    """It stood when the program ended, and only the journal does not know: a start relocks nothing."""
    if not hall.emergency:
        yield f.EmergencyRaised(reason="remembered")


def reset(hall: Hall, actor: str) -> Answer:
    if not hall.emergency:
        raise Refused("no_emergency", "no emergency stands")
    if hall.fire_active:
        raise Refused("fire_active", "the fire contact is still active: the arm stays free")
    yield f.EmergencyReset(actor=actor)
    if hall.inside and hall.suspect is None:
        yield from suspect(hall, "fire")  # they came in while the arm stood free
    return {"mode": hall.mode}
