"""What the pages show as it changes: positions made by the scan's thread, once for all who look.

A position is made only when somebody looks at it and the hall is certain, that is while no commit is under way, and
has changed: its tables, a device's health, what the sign says, who is in an arm, what is beside the hall. Times are
told as hall time together with the present one, so a page lets its clocks run by itself and needs no message for that.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from firmware.controller import Controller
from hal.clock import Millis
from services.stream import Stream

log = logging.getLogger("besuk.pages")

LEAST_MS: Millis = 200
"""Between two positions of a topic."""

View = Callable[[], Mapping[str, Any]]


class Feed:
    """Looks at the hall after each round."""

    def __init__(
        self,
        stream: Stream,
        views: Callable[[Controller], Mapping[str, View]],
        beside: Callable[[], object] = lambda: None,
    ) -> None:
        """`views` gives, for a controller, what makes the position of each topic of the stream. `beside` is another
        value when something has changed that is no part of the hall."""
        self._stream = stream
        self._make = views
        self._beside = beside
        self._besides: object = None
        self._controller: Controller | None = None
        self._views: Mapping[str, View] = {}
        self._seen: tuple[object, ...] = ()
        self._changed = False
        self._broken: set[str] = set()
        self._next: Millis = 0

    def watch(self, controller: Controller) -> None:
        """The hall that runs now."""
        self._controller, self._views = controller, self._make(controller)
        self._seen, self._changed, self._next = (), True, 0

    def look(self, now: Millis) -> None:
        """Called by the scan's thread after each round, at `now` of the daemon's clock."""
        controller, stream = self._controller, self._stream
        if controller is None or not controller.certain:
            return
        seen = (controller.occupancy, controller.panel.health, controller.sign)
        if len(self._seen) != len(seen) or any(a is not b for a, b in zip(self._seen, seen, strict=True)):
            self._seen = seen
            self._change(now)
        besides = (frozenset(controller.hall.unwritten.moving), self._beside())
        if besides != self._besides:
            self._besides = besides
            self._change(now)
        due = self._changed and now >= self._next
        for topic, view in self._views.items():
            if (due and stream.wanted(topic)) or stream.missing(topic):
                self._put(topic, view)
        if due:
            self._changed, self._next = False, now + LEAST_MS

    def pause(self) -> None:
        """Called by the scan's thread when it has nothing to do for a while: browsers are told now."""
        self._stream.pause()

    def _change(self, now: Millis) -> None:
        """A round in which something happened has had enough to do: the next one tells of it."""
        if not self._changed:
            self._changed, self._next = True, max(self._next, now + 1)

    def _put(self, topic: str, view: View) -> None:
        """A page that cannot be made is told of once, and stays as it was: it says itself that it is old. The hall goes
        on, for a mistake in what is shown must not free the arm."""
        try:
            position = view()
        except Exception:  # whatever it is, it belongs to a page
            if topic not in self._broken:
                log.exception("the page %s cannot be made", topic)
            self._broken.add(topic)
            return
        self._broken.discard(topic)
        self._stream.put(topic, position)
