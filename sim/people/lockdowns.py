"""A lockdown, as guards order it: for some minutes nobody goes in, and whoever wants out goes out."""

import random
from collections.abc import Mapping
from typing import Any

from hal.clock import Millis
from sim.durations import MINUTE
from sim.people.agents import Story, Wait
from sim.people.everybody import People


def lockdowns(people: People, day_ms: Millis) -> Story[None]:
    """Now and then nobody goes in for some minutes; whoever wants out goes out."""
    rng = random.Random(f"lockdowns of {people.seed}")
    begun = people.hall.clock.now()
    for at_ms in sorted(rng.randint(day_ms // 10, day_ms) for _ in range(people.habits.lockdowns)):
        yield Wait(max(0, begun + at_ms - people.hall.clock.now()))
        if people.closing or not people.session or people.alarm:
            continue
        people.did("lockdown")
        people.locked_down = True
        yield from _lock_down(people, on=True)
        yield Wait(rng.randint(*people.habits.locked_down_ms))
        yield from _lock_down(people, on=False)
        people.locked_down = False


def _lock_down(people: People, *, on: bool) -> Story[None]:
    def happened() -> Story[Mapping[str, Any] | None]:
        mode = (yield from people.show("hall", "guard-1"))["mode"]
        known = mode != "emergency"  # which hides a lockdown: one asks once more
        return {} if known and (mode == "lockdown") == on else None

    while True:
        answer = yield from people.order("lockdown", "guard-1", happened, on=on, reason="disturbance")
        if answer["ok"] or answer["error"]["code"] == "no_change":
            return
        yield Wait(MINUTE)
