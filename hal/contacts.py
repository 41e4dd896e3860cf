"""Dry contacts: buttons, the fire panel, a side gate's switch.

A contact connects its pin to ground (to 3.3 V, with a pull-down) when it closes. Whether closed or open is the active
state is the wiring's choice: push buttons close, alarm loops open, so that a cut wire is an alarm.

Between two scans anything may happen, so every edge is latched with its time by gpiozero's callback and replayed at the
next poll; besides, each poll reads the level, so that a lost edge costs an instant and not a state. On lgpio one thread
runs the callbacks of all pins and dies of any exception in one of them: a callback here appends to a bounded deque, and
nothing else. The fire contact's alone does more: it frees the arm, at once.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from gpiozero import Factory, GPIOZeroError, InputDevice

from hal.clock import Clock, Millis
from hal.seen import NOTHING_MOVED, ContactChanged, Health, Seen

NEVER: Millis = 1 << 62
"""`due` of a driver that has nothing planned."""

EDGES_MOST = 256
"""Edges that are kept between two polls. A contact that bounces for longer loses the oldest, never its level."""

Pull = Literal["up", "down", "none"]
"""The pin's own resistor. `none`: there is one outside, to the supply; a closed contact pulls the pin low."""


def pin_trouble() -> tuple[type[Exception], ...]:
    """What reading or writing a pin raises when the GPIO chip fails; lgpio's own error class is a bare Exception."""
    lgpio = sys.modules.get("lgpio")
    return (GPIOZeroError, OSError) if lgpio is None else (GPIOZeroError, OSError, lgpio.error)


class Edge(NamedTuple):
    """From this moment on, the level was this."""

    at: Millis
    level: bool


class LatchedInput:
    """A contact's pin: each edge since the last look, in order, and the level besides. True is closed."""

    def __init__(
        self,
        pin: int,
        pin_factory: Factory,
        clock: Clock,
        pull: Pull,
        *,
        heard: Callable[[bool], None] | None = None,
        unreadable: bool | None = None,
    ) -> None:
        """Claim the pin.

        `heard(closed)` is called from gpiozero's thread at each edge; it must not raise. `unreadable` is what a pin
        that cannot be read counts as; None leaves it at its last level.
        """
        self.pin = pin
        self._clock = clock
        self._heard = heard
        self._unreadable = unreadable
        self._high_is_closed = pull == "down"
        self._trouble = pin_trouble()
        self._edges: deque[Edge] = deque(maxlen=EDGES_MOST)
        self._device = InputDevice(
            pin,
            pull_up={"up": True, "down": False, "none": None}[pull],
            active_state=False if pull == "none" else None,
            pin_factory=pin_factory,
        )
        self._pin = self._device.pin
        self._pin.when_changed = self._changed  # before the first look: no edge falls between the two
        self.broken = False
        """The pin could not be read at the last try."""
        self.closed = True
        """The level as last looked at."""
        self.closed = self.read()
        self._at = clock.now()

    def read(self) -> bool:
        """Whether the contact is closed this very moment."""
        try:
            closed = bool(self._pin.state) is self._high_is_closed
        except self._trouble:
            self.broken = True
            return self.closed if self._unreadable is None else self._unreadable
        self.broken = False
        return closed

    def look(self, now: Millis) -> list[Edge]:
        """The changes since the last look; levels alternate and times do not decrease."""
        if not self._edges and self.read() == self.closed:
            return []
        edges: list[Edge] = []
        while self._edges:
            self._take(self._edges.popleft(), edges)
        closed = self.read()
        if closed != self.closed:  # its edge was lost, or is being latched this moment
            self._take(Edge(now, closed), edges)
        return edges

    @property
    def waiting(self) -> bool:
        """Whether edges have been latched that nobody has looked at."""
        return bool(self._edges)

    def close(self) -> None:
        if not self._device.closed:
            self._device.pin.when_changed = None
            self._device.close()

    def _take(self, edge: Edge, edges: list[Edge]) -> None:
        if edge.level != self.closed:
            self.closed = edge.level
            self._at = max(self._at, edge.at)
            edges.append(Edge(self._at, edge.level))

    def _changed(self, _ticks: float, state: int) -> None:
        closed = bool(state) == self._high_is_closed
        if self._heard is not None:
            self._heard(closed)
        self._edges.append(Edge(self._clock.now(), closed))


class Debounce:
    """A level that counts once it has stood for a time; replayed from edges, it does not matter when one looks."""

    def __init__(self, level: bool, *, rise_ms: Millis, fall_ms: Millis) -> None:
        self.level = level
        """The level that counts."""
        self._stands_ms = {True: rise_ms, False: fall_ms}
        self._raw = Edge(0, level)

    def edge(self, edge: Edge) -> Edge | None:
        """The next edge of the raw level. Returns the change that had come to count before it, if there was one."""
        settled = self.settle(edge.at)
        self._raw = edge
        return settled

    def settle(self, now: Millis) -> Edge | None:
        """Without a further edge until `now`: the change that has come to count, dated when it began to stand."""
        if self._raw.level != self.level and now - self._raw.at >= self._stands_ms[self._raw.level]:
            self.level = self._raw.level
            return self._raw
        return None

    def due(self) -> Millis:
        """When a change will come to count, should no further edge come."""
        return self._raw.at + self._stands_ms[self._raw.level] if self._raw.level != self.level else NEVER

    def replay(self, edges: Iterable[Edge], now: Millis) -> list[Edge]:
        """The changes that have come to count, with these edges, until `now`."""
        changes = [*map(self.edge, edges), self.settle(now)]
        return [change for change in changes if change is not None]

    @property
    def settling(self) -> bool:
        """Whether a change stands that does not count yet."""
        return self._raw.level != self.level


class Contact:
    """A debounced contact.

    It begins with the level that it finds: a button that is held, or stuck, when the daemon starts is no press. Each
    change is reported with the time at which the new level began to stand, and none that stood for `debounce_ms` is
    lost, however late the poll.
    """

    def __init__(
        self,
        pin: int,
        pin_factory: Factory,
        clock: Clock,
        *,
        normally_closed: bool = False,
        pull: Pull = "up",
        debounce_ms: Millis = 30,
    ) -> None:
        self._rest = normally_closed
        self._input = LatchedInput(pin, pin_factory, clock, pull)
        self._debounce = Debounce(self._input.closed != self._rest, rise_ms=debounce_ms, fall_ms=debounce_ms)

    @property
    def active(self) -> bool:
        """The debounced state, as last polled."""
        return self._debounce.level

    @property
    def health(self) -> Health:
        return Health.GONE if self._input.broken else Health.OK

    @property
    def detail(self) -> str:
        return f"GPIO{self._input.pin} cannot be read: the GPIO chip fails" if self._input.broken else ""

    def poll(self, now: Millis) -> Sequence[Seen]:
        edges = [Edge(at, closed != self._rest) for at, closed in self._input.look(now)]
        if not edges and not self._debounce.settling:
            return []
        return [ContactChanged(active, at) for at, active in self._debounce.replay(edges, now)]

    def due(self, now: Millis, moved: Millis = NOTHING_MOVED) -> Millis:
        return now if self._input.waiting else max(now, self._debounce.due())

    def close(self) -> None:
        self._input.close()


class FireContact:
    """The fire panel's contact: opening it frees the arm from within the edge's callback, before any scan.

    Made before the arm's pins are claimed, it knows from the start whether there is a fire. Nothing is debounced on
    the way to danger: the shortest active edge releases, and is reported, so that the hall knows why the arm is free;
    only the all-clear must stand for `debounce_ms`. A pin that cannot be read counts as active.
    """

    def __init__(
        self,
        pin: int,
        pin_factory: Factory,
        clock: Clock,
        *,
        normally_closed: bool = True,
        pull: Pull = "up",
        debounce_ms: Millis = 30,
    ) -> None:
        self._rest = normally_closed
        self._releases: tuple[Callable[[], None], ...] = ()
        self._debounce = Debounce(False, rise_ms=0, fall_ms=debounce_ms)
        self._input = LatchedInput(pin, pin_factory, clock, pull, heard=self._heard, unreadable=not normally_closed)
        if self.active:
            self._debounce.edge(Edge(clock.now(), True))  # reported by the first poll

    def frees(self, release: Callable[[], None]) -> None:
        """Call `release` at each active edge, from gpiozero's thread, and in each poll that finds the contact active.

        It must not raise, nor wait. When the contact is active already, it is called before this returns.
        """
        self._releases = (*self._releases, release)
        if self.active:
            release()

    @property
    def active(self) -> bool:
        """The level of this very moment, not debounced; True when the pin cannot be read."""
        return self._input.read() != self._rest

    @property
    def health(self) -> Health:
        return Health.GONE if self._input.broken else Health.OK

    @property
    def detail(self) -> str:
        if not self._input.broken:
            return ""
        return f"fire contact: GPIO{self._input.pin} cannot be read, so it counts as active"

    def poll(self, now: Millis) -> Sequence[Seen]:
        edges = [Edge(at, closed != self._rest) for at, closed in self._input.look(now)]
        if self._input.closed != self._rest:
            self._release()
        if not edges and not self._debounce.settling:
            return []
        return [ContactChanged(active, at) for at, active in self._debounce.replay(edges, now)]

    def due(self, now: Millis, moved: Millis = NOTHING_MOVED) -> Millis:
        return now if self._input.waiting else max(now, self._debounce.due())

    def close(self) -> None:
        self._input.close()

    def _heard(self, closed: bool) -> None:
        if closed != self._rest:
            self._release()

    def _release(self) -> None:
        for release in self._releases:
            release()
