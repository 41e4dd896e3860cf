"""Lockers on GPIO: a relay for each lock, a reed switch for each door, a content sensor where one is fitted.

The driver itself ends each pulse, by time, in `poll`; nothing else would. One relay has current at a time, with a rest
between two pulses, because the power supply feeds one solenoid. Relays are driven high: gpiozero claims an output low
first, so with drivers that are active high, and pulled down while nobody drives the pin, no relay moves at start, at
close, or when the daemon dies. Switches and sensors lie between pin and ground, and are debounced. A cut reed wire
reads as a door that moved; that a single contact cannot tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gpiozero import Factory, OutputDevice

from hal.clock import Clock, Millis
from hal.contacts import Debounce, LatchedInput, Pull, pin_trouble
from hal.pulse_queue import PulseQueue
from hal.seen import NOTHING_MOVED, Door, DoorSeen, Health

REST_MS: Millis = 200
"""Between two pulses."""
DEBOUNCE_MS: Millis = 60
"""A door that bounces off its frame makes its reed chatter for about half of this."""


@dataclass(frozen=True, slots=True)
class RelayChannel:
    """GPIO (BCM) numbers of one locker. A content sensor is a closed contact while it sees something."""

    relay: int
    reed: int
    content: int | None = None


class _Switch:
    """A debounced contact; `closed` is None until it has been read, and while it cannot be."""

    def __init__(self, pin: int, pin_factory: Factory, clock: Clock, pull: Pull) -> None:
        self.input = LatchedInput(pin, pin_factory, clock, pull)
        self._debounce = Debounce(self.input.closed, rise_ms=DEBOUNCE_MS, fall_ms=DEBOUNCE_MS)

    def look(self, now: Millis) -> bool | None:
        self._debounce.replay(self.input.look(now), now)
        return None if self.input.broken else self._debounce.level

    def due(self, now: Millis) -> Millis:
        return now if self.input.waiting else self._debounce.due()


class _Locker:
    """One locker's pins, and what has been reported of it."""

    def __init__(self, pins: RelayChannel, pin_factory: Factory, clock: Clock, pull: Pull) -> None:
        self.pins = pins
        self.relay = OutputDevice(pins.relay, pin_factory=pin_factory)
        self.reed = _Switch(pins.reed, pin_factory, clock, pull)
        self.content = None if pins.content is None else _Switch(pins.content, pin_factory, clock, pull)
        self.switches = [switch for switch in (self.reed, self.content) if switch is not None]
        self.reported: tuple[Door, bool | None] | None = None


class RelayLockers:
    """A bank of lockers on relays. Channels count from 1 in the order given; a pulse lasts `pulse_ms`."""

    def __init__(
        self,
        lockers: Sequence[RelayChannel],
        pin_factory: Factory,
        clock: Clock,
        *,
        pull: Pull = "up",
        pulse_ms: Millis = 300,
        shut_closes: bool = True,
    ) -> None:
        """Claim the pins; nothing moves. `shut_closes`: a shut door's switch is a closed contact, else an open one.

        Raises ValueError for a pulse that opens nothing or burns a solenoid.
        """
        if not 50 <= pulse_ms <= 1_000:
            raise ValueError(f"a lock pulse of {pulse_ms} ms: allowed are 50 to 1000 ms")
        self._clock = clock
        self._pulse_ms = pulse_ms
        self._shut_closes = shut_closes
        self._trouble = pin_trouble()
        self._lockers = [_Locker(pins, pin_factory, clock, pull) for pins in lockers]
        self._waiting = PulseQueue()
        self._pulsing: tuple[_Locker, Millis] | None = None
        self._rest_until: Millis = 0
        self._dead: _Locker | None = None
        """The locker whose relay could not be driven."""

    def unlock(self, channel: int) -> None:
        """Pulse this channel's lock once, as soon as the power supply is free. What waits is not queued twice."""
        if not 1 <= channel <= len(self._lockers):
            raise ValueError(f"channel {channel} is not one of 1 to {len(self._lockers)}")
        self._waiting.ask(channel, self._clock.now())

    def poll(self, now: Millis) -> list[DoorSeen]:
        """One scan: end a pulse, begin the next, look. Returns the doors read for the first time, or changed."""
        self._move(now)
        news = []
        for channel, locker in enumerate(self._lockers, start=1):
            reading = self._read(locker, now)
            if reading != locker.reported:
                locker.reported = reading
                news.append(DoorSeen(channel, *reading))
        return news

    def due(self, now: Millis, moved: Millis = NOTHING_MOVED) -> Millis:
        """See `hal.seen.Driver.due`."""
        if self._dead is not None or any(locker.reported is None for locker in self._lockers):
            return now
        due = min(switch.due(now) for locker in self._lockers for switch in locker.switches)
        if self._pulsing is not None:
            due = min(due, self._pulsing[1])
        elif self._waiting:
            due = min(due, self._rest_until)
        return max(now, due)

    @property
    def health(self) -> Health:
        return Health.GONE if self.detail else Health.OK

    @property
    def detail(self) -> str:
        if self._dead is not None:
            return f"the relay on GPIO{self._dead.pins.relay} cannot be driven: the GPIO chip fails"
        broken = (s.input.pin for locker in self._lockers for s in locker.switches if s.input.broken)
        pin = next(broken, None)
        return "" if pin is None else f"GPIO{pin} cannot be read: the GPIO chip fails"

    def close(self) -> None:
        """Every relay at rest, the pins given back."""
        self._waiting.clear()
        self._pulsing = None
        for locker in self._lockers:
            if not locker.relay.closed:
                self._drive(locker, False)
                locker.relay.close()
            for switch in locker.switches:
                switch.input.close()

    def _move(self, now: Millis) -> None:
        if self._pulsing is not None:
            locker, until = self._pulsing
            if now < until or not self._drive(locker, False):
                return  # a relay that cannot be let go is tried again, and no other gets current meanwhile
            self._pulsing = None
            self._rest_until = now + REST_MS
        if self._dead is not None:
            self._drive(self._dead, False)
        channel = self._waiting.take(now) if now >= self._rest_until else None
        if channel is not None:
            locker = self._lockers[channel - 1]
            if self._drive(locker, True):
                self._pulsing = locker, now + self._pulse_ms

    def _drive(self, locker: _Locker, on: bool) -> bool:
        """Switch a locker's relay; False when its pin could not be driven."""
        try:
            locker.relay.value = on
        except self._trouble:
            self._dead = locker
            return False
        if self._dead is locker:
            self._dead = None
        return True

    def _read(self, locker: _Locker, now: Millis) -> tuple[Door, bool | None]:
        contact = locker.reed.look(now)
        door = Door.UNKNOWN if contact is None else Door.CLOSED if contact == self._shut_closes else Door.OPEN
        return door, None if locker.content is None else locker.content.look(now)
