"""What the hall display shows to everybody: a pure function of the hall. No names, no cards, no visits."""

from collections.abc import Mapping
from typing import Any

from firmware.api import payloads
from firmware.controller import Controller


def display(controller: Controller) -> Mapping[str, Any]:
    """The position of the display. Times are hall time in ms; the feed adds the present one."""
    hall, site = controller.hall, controller.site
    occupancy = payloads.occupancy(hall)
    return {
        "mode": hall.mode,
        "session": hall.session,
        "inside": hall.inside,
        "capacity": hall.capacity,
        "confidence": occupancy["confidence"],
        "waiting": hall.waiting,
        "lockers_free": occupancy["lockers"]["free"],
        "calling": [
            {"ticket": hall.serving[counter], "counter": counter}
            for counter in site.counters
            if counter in hall.serving
        ],
        "last": [{"ticket": ticket, "counter": counter} for ticket, counter in hall.last_calls],
        "sign": controller.sign.text if controller.sign else "",
    }
