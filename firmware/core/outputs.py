"""Where everything that moves should stand now, as a function of the hall. Positions, not commands.

What is momentary ends by time or by what was seen, never by another event that could get lost. A pulse is a position
with a number: it stands until its purpose is over, and the panel moves the lock or the arm once for each number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from firmware.core.signage import SignText, shown
from firmware.core.site import Site
from firmware.core.state import Hall


@dataclass(frozen=True, slots=True)
class ArmPulse:
    """The arm should be freed for one person: the `person`-th of a grant, in one direction."""

    grant: int
    person: int
    direction: Literal["in", "out"]


@dataclass(frozen=True, slots=True)
class Outputs:
    locks: Mapping[int, int]
    """Locker -> number of the pulse that stands; lockers at rest are absent."""
    arms: Mapping[str, ArmPulse]
    """Lane -> the pulse that stands; lanes at rest are absent."""
    released: bool
    """Every arm free in both directions: an emergency stands."""
    signs: Mapping[str, SignText]


def outputs_for(hall: Hall, site: Site, now: int) -> Outputs:
    """The positions at `now`."""
    text = shown(hall, site, now)
    arms = {
        name: ArmPulse(lane.grants[0].grant, lane.grants[0].passed, lane.grants[0].direction)
        for name, lane in hall.lanes.items()
        if lane.grants
    }
    return Outputs(
        locks={locker.locker: locker.opening.pulse for locker in hall.lockers.values() if locker.opening},
        arms=arms,
        released=hall.emergency or hall.fire_active,
        signs=dict.fromkeys(site.signs, text),
    )
