"""What the officers' page shows: a pure function of the hall."""

from collections.abc import Mapping
from typing import Any

from firmware.api.views import VIEWS
from firmware.controller import Controller


def desk(controller: Controller) -> Mapping[str, Any]:
    """The position of the desk. Times are hall time in ms; the feed adds the present one."""
    hall, site, now = controller.hall, controller.site, controller.now
    return {
        "mode": hall.mode,
        "session": hall.session,
        "serving": {counter: hall.serving.get(counter, "") for counter in site.counters},
        "tickets": VIEWS["tickets"](hall, now),
        "visits": VIEWS["visits"](hall, now),
    }
