"""What the guards' page shows: a pure function of the hall and of how its devices are."""

from collections.abc import Mapping
from typing import Any

from firmware.api import payloads
from firmware.api.views import VIEWS
from firmware.controller import Controller


def guard(controller: Controller) -> Mapping[str, Any]:
    """The position of the guards' page. Times are hall time in ms; the feed adds the present one."""
    hall, now = controller.hall, controller.now
    return {
        "occupancy": payloads.occupancy(hall),
        "visits": VIEWS["visits"](hall, now),
        "lockers": VIEWS["lockers"](hall, now),
        "tasks": VIEWS["tasks"](hall, now),
        "devices": {name: health.value for name, health in controller.panel.health.items()},
    }
