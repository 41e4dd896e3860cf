"""A tripod turnstile on dry contacts, in pulse mode (PERCo TTR/TTD is the documented model).

Outputs, each through a relay or opto-coupler that is driven high: Unlock A, Unlock B, Stop if wired, and the release
relay. A pulse on an unlock input, at least 100 ms, lets one person through that way within the arm's own window.
The release relay is energised in normal running and sits in the arm's fire loop: without current the arm is free both
ways, so that a dead daemon and a power cut free it as a fire does. Where a guard with a key stands, the relay's other
side may be wired instead: then current frees the arm, and a dead daemon holds it. Outputs are active-high otherwise,
because gpiozero claims a pin low first: nothing twitches at the start, and a pin that nobody drives is at rest.

What the arm's contacts say is `hal.arm_contacts`.

Fire: `latch` may be called from any thread at any moment. It sets the latch before it writes; whoever energises an
output looks at the latch again after the write. So whatever the interleaving, the last write is a release.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gpiozero import Factory, OutputDevice

from hal.arm_contacts import ArmContacts
from hal.clock import Clock, Millis
from hal.contacts import NEVER, LatchedInput, Pull, pin_trouble
from hal.seen import NOTHING_MOVED, Health, PassageSeen, Seen, Side

PULSE_LEAST_MS: Millis = 100  # the arm may not see shorter ones
PULSE_GAP_MS: Millis = 100  # rest between two pulses, so that the arm sees two
WINDOW_MS: Millis = 5_000  # the arm's own as it leaves its maker, from the pulse
RECOVERED_MS: Millis = 1_000


@dataclass(frozen=True, slots=True)
class TurnstilePins:
    """GPIO (BCM) numbers of one arm."""

    unlock_a: int
    unlock_b: int
    release: int
    pass_a: int
    pass_b: int
    ready: int
    stop: int | None = None


class Turnstile:
    """The arm: asked for passages one at a time, telling who went through, letting go at once when told to."""

    def __init__(
        self,
        pins: TurnstilePins,
        pin_factory: Factory,
        clock: Clock,
        *,
        pull: Pull = "up",
        pulse_ms: Millis = 200,
        window_ms: Millis = WINDOW_MS,
        fails_free: bool = True,
        fire_active: Callable[[], bool] = lambda: False,
    ) -> None:
        """Claim the pins and pulse nothing: the arm is free until `engage(True)`.

        `window_ms` is the window as it is set on the arm; a passage that was asked for waits as long. `fails_free`:
        without current in the release relay the arm is free, else it is with. `fire_active` is the live level of the
        fire contact; `unlatch` looks at it again.
        """
        if pulse_ms < PULSE_LEAST_MS:
            raise ValueError(f"unlock pulse of {pulse_ms} ms: the arm needs at least {PULSE_LEAST_MS} ms")
        self._clock = clock
        self._pulse_ms = pulse_ms
        self._window_ms = window_ms
        self._fire_active = fire_active
        self._pin_trouble = pin_trouble()
        self._latched = False
        self._engaged = False
        self._dead_output: OutputDevice | None = None

        self._release = OutputDevice(pins.release, active_high=fails_free, pin_factory=pin_factory)
        self._unlock: dict[Side, OutputDevice] = {
            "a": OutputDevice(pins.unlock_a, pin_factory=pin_factory),
            "b": OutputDevice(pins.unlock_b, pin_factory=pin_factory),
        }
        self._stop = None if pins.stop is None else OutputDevice(pins.stop, pin_factory=pin_factory)
        stop = () if self._stop is None else (self._stop,)
        self._outputs = (self._release, *self._unlock.values(), *stop)
        """The release relay comes first: where it goes off, what the others do no longer matters."""
        self._contacts = ArmContacts(
            LatchedInput(pins.pass_a, pin_factory, clock, pull),
            LatchedInput(pins.pass_b, pin_factory, clock, pull),
            LatchedInput(pins.ready, pin_factory, clock, pull),
            clock.now(),
        )

        self._asked: tuple[Side, Millis] | None = None
        self._stop_asked = False
        self._pulsing: tuple[OutputDevice, Millis] | None = None
        self._rest_until: Millis = 0
        self._window: tuple[Side, Millis] | None = None
        """The side that may stand open by a pulse of ours, and until when."""
        self._freed_at: Millis | None = None

        self._health = Health.OK
        self._detail = ""
        self._well_since: Millis | None = None
        """The first poll that found nothing wrong, after one that did."""

    # -- normal running, from the scan's thread

    @property
    def engaged(self) -> bool:
        """Whether the release relay stands for an arm that locks, where passages are asked for."""
        return self._engaged and not self._latched

    @property
    def ready(self) -> bool:
        """The arm's ready contact, debounced, as last polled."""
        return self._contacts.ready

    @property
    def moving(self) -> bool:
        """Whether, as last polled, somebody was in the arm: a passage contact is off its rest, and not merely stuck."""
        return self._contacts.moving

    @property
    def freed_at(self) -> Millis | None:
        """When the latest unlock pulse began, and with it the arm's window; None before the first."""
        return self._freed_at

    def engage(self, on: bool) -> None:
        """Let the release relay put the arm under control; or off it, so that it is free both ways.

        While latched, nothing locks it.
        """
        if on:
            self._energise(self._release)
        else:
            self._rest()
        self._engaged = on and not self._latched

    def pulse(self, side: Side) -> None:
        """Ask for one passage. It is given once the arm is home and ready, and forgotten if that takes a window's time.

        One request at most is pending; a later one takes its place. A free arm needs none, and gets none.
        """
        if self.engaged:
            now = self._clock.now()
            self._asked = (side, now)
            self._move(now)

    def cancel(self) -> None:
        """Take back what was asked for; a window that may stand open is closed by Stop, where that is wired."""
        now = self._clock.now()
        self._asked = None
        self._stop_asked = self._stop is not None and self._window is not None and now < self._window[1]
        self._move(now)

    # -- fire

    @property
    def latched(self) -> bool:
        return self._latched

    def latch(self) -> None:
        """Free the arm now, and keep it free until `unlatch`. From any thread; waits for nothing, raises nothing."""
        self._latched = True
        for output in self._outputs:
            self._write(output, False)

    def unlatch(self) -> None:
        """The reset: from now on `engage(True)` locks again; by itself this locks nothing.

        If the fire contact is active the arm is latched again before this returns: a fire that begins at the moment of
        the reset is not lost.
        """
        self._engaged = False
        self._latched = False
        if self._fire_active():
            self.latch()

    # -- driver

    @property
    def health(self) -> Health:
        return self._health

    @property
    def detail(self) -> str:
        return self._detail

    def poll(self, now: Millis) -> Sequence[Seen]:
        seen = self._contacts.poll(now)
        for one in seen:
            if isinstance(one, PassageSeen) and self._window is not None and one.side == self._window[0]:
                self._window = None  # the passage ended it
        if self._asked or self._pulsing or self._stop_asked or self._latched:
            self._move(now)
        self._assess(now)
        return seen

    def due(self, now: Millis, moved: Millis = NOTHING_MOVED) -> Millis:
        moments = [self._contacts.due(now)]
        if self._pulsing is not None:
            moments.append(self._pulsing[1])
        elif now < self._rest_until:
            moments.append(self._rest_until if self._asked or self._stop_asked else NEVER)
        elif self._stop_asked:
            moments.append(now)
        elif self._asked is not None:
            moments.append(now if self._contacts.at_rest(now) else self._asked[1] + self._window_ms)
        if self._health is not Health.OK and self._well_since is not None:
            moments.append(self._well_since + RECOVERED_MS)
        return max(now, min(moments))

    def close(self) -> None:
        """Everything at rest, the arm free, the pins given back."""
        self._rest()
        self._engaged = False
        for output in self._outputs:
            output.close()
        self._contacts.close()

    def _move(self, now: Millis) -> None:
        """End the pulse whose time is over; give the next one."""
        if self._latched:
            self._rest()  # again: a write may have failed
            return
        if self._pulsing is not None:
            output, until = self._pulsing
            if now < until:
                return
            self._write(output, False)
            self._pulsing = None
            self._rest_until = now + PULSE_GAP_MS
        if now < self._rest_until:
            return
        if self._stop_asked and self._stop is not None:
            self._stop_asked = False
            self._window = None
            self._give(self._stop, now)
        elif self._asked is not None:
            side, asked_at = self._asked
            if now - asked_at >= self._window_ms:
                self._asked = None
            elif self._contacts.at_rest(now):
                self._asked = None
                self._window = (side, now + self._window_ms)
                self._freed_at = now
                self._give(self._unlock[side], now)

    def _give(self, output: OutputDevice, now: Millis) -> None:
        self._pulsing = (output, now + self._pulse_ms)
        self._energise(output)

    def _energise(self, output: OutputDevice) -> None:
        """Drive an output, unless the arm is latched; and not for longer than it takes to see that it has been."""
        if self._latched:
            return
        self._write(output, True)
        if self._latched:
            self._write(output, False)

    def _rest(self) -> None:
        for output in self._outputs:
            self._write(output, False)
        self._asked = self._pulsing = None
        self._stop_asked = False

    def _write(self, output: OutputDevice, on: bool) -> None:
        try:
            output.value = on
        except self._pin_trouble:
            self._dead_output = output
        else:
            if self._dead_output is output:
                self._dead_output = None

    def _fault(self, now: Millis) -> tuple[Health, str] | None:
        if self._dead_output is not None:
            return Health.GONE, "an output of the arm cannot be driven: the GPIO chip fails"
        return self._contacts.fault(now)

    def _assess(self, now: Millis) -> None:
        """A fault is believed when its time is up, health only when it has lasted: a loose wire does not flicker."""
        fault = self._fault(now)
        if fault is not None:
            self._health, self._detail = fault
            self._well_since = None
        elif self._health is not Health.OK:
            self._well_since = now if self._well_since is None else self._well_since
            if now - self._well_since >= RECOVERED_MS:
                self._health, self._detail = Health.OK, ""
