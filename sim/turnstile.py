"""A virtual tripod turnstile, as physics: an arm that turns, a lock that holds it at home, contacts that it moves.

Written from the wiring of PERCo TTR/TTD in pulse mode. The arm turns by 120 degrees from home to home. Its lock holds
it at home only: whoever has begun to turn it comes through, whatever happens to the window meanwhile. Either fire
contact of the loop, the panel's or the release relay's, frees both ways for as long as it is open; so does a power cut.
The relay's contact in the loop is the one that current closes, or its other side, as the arm was wired.

The wire's face is a bundle of pins: unlock inputs and Stop are relays that the host energises, contacts connect to
ground when closed. The hand's face is a person who pushes, stands still, turns back or forces, and a technician who
pulls a cable or cuts the power. A pulse that the arm might not see, or one that lasts, is a WireError.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from hal.seen import Side
from sim.clock import Appointment, VirtualClock, WireError
from sim.gpio import VirtualPins

FORCED_DEG = 8
NO_RETURN_DEG = 60  # from here on the mechanism's own spring takes the arm onward
PASS_OPENS_DEG = 67
PASS_CLOSES_DEG = 112
HOME_DEG = 120
MILESTONES_DEG = (0, FORCED_DEG, PASS_OPENS_DEG, PASS_CLOSES_DEG, HOME_DEG)

WINDOW_US = 5_000_000
NOT_HOME_US = 30_000_000
PULSE_LEAST_US = 100_000
PULSE_MOST_US = 3_000_000  # a longer one is no pulse: the host has forgotten it

ArmState = Literal["locked", "free_a", "free_b", "free_both"]
ContactName = Literal["pass_a", "pass_b", "ready"]


@dataclass(frozen=True, slots=True)
class ArmWires:
    """Where the arm's bundle ends: GPIO numbers of the host."""

    unlock_a: int
    unlock_b: int
    release: int
    pass_a: int
    pass_b: int
    ready: int
    stop: int | None = None

    def all(self) -> tuple[int, ...]:
        stop = () if self.stop is None else (self.stop,)
        return (self.unlock_a, self.unlock_b, self.release, self.pass_a, self.pass_b, self.ready, *stop)


@dataclass(slots=True)
class Walker:
    """Somebody at the arm."""

    side: Side
    duration_us: int
    done: Callable[[bool], None]
    force: bool


def _nobody_asks(_passed: bool) -> None:
    """Whoever pushes without waiting for the outcome."""


class VirtualTurnstile:
    """One arm between its wires and its visitors. Angles are degrees from home, in the direction of the push."""

    def __init__(
        self, clock: VirtualClock, pins: VirtualPins, wires: ArmWires, on_change: Callable[[str], None] | None = None,
        *, fails_free: bool = True, on_through: Callable[[Side], None] = lambda side: None,
    ) -> None:  # fmt: skip
        """`on_change(what)` hears each change of the lock and of a contact, for a trace. `on_through(side)` hears that
        somebody is beyond the arm, whatever the contacts show of it.

        `fails_free`: the release relay opens the loop when it has no current, else when it has.
        """
        self._clock = clock
        self._pins = pins
        self._wires = wires
        self._on_change = on_change
        self._fails_free = fails_free
        self._on_through = on_through
        self.passed: dict[Side, int] = {"a": 0, "b": 0}
        """Persons who came through, by direction: the truth, whatever the contacts said."""

        self._power = True
        self._panel_open = False
        self._free = True
        self._windows: dict[Side, Appointment | None] = {"a": None, "b": None}
        self._pulses: dict[Side, tuple[int, Appointment] | None] = {"a": None, "b": None}
        self._plugging = False

        self._walker: Walker | None = None
        self._queue: deque[Walker] = deque()
        self._angle = 0.0
        self._angle_at_us = 0
        self._turning = 0  # 1 onward, -1 back, 0 standing
        self._milestone: Appointment | None = None
        self._held = False
        self._forced = False
        self._not_home = False
        self._not_home_soon: Appointment | None = None
        self._stuck: dict[ContactName, bool] = {}
        self._contacts: dict[ContactName, bool] = {}
        self._state: ArmState = "free_both"

        pins.watch(wires.unlock_a, lambda level: self._unlock_moved("a", level))
        pins.watch(wires.unlock_b, lambda level: self._unlock_moved("b", level))
        pins.watch(wires.release, lambda _: self._loop_moved())
        if wires.stop is not None:
            pins.watch(wires.stop, self._stop_moved)
        self._loop_moved()

    # -- the hand's face

    @property
    def state(self) -> ArmState:
        """Which way somebody could go who began to push now."""
        a, b = (self._free or self._windows[side] is not None for side in ("a", "b"))
        if a and b:
            return "free_both"
        return "free_a" if a else "free_b" if b else "locked"

    @property
    def ready(self) -> bool:
        """What the ready contact says."""
        return self._contacts["ready"]

    @property
    def busy(self) -> bool:
        """Whether somebody is in the arm."""
        return self._walker is not None

    @property
    def angle(self) -> float:
        if self._walker is None:
            return 0.0
        speed = HOME_DEG / self._walker.duration_us
        return self._angle + self._turning * speed * (self._clock.now_us - self._angle_at_us)

    def push(self, direction: Side, duration_ms: int = 1_000, done: Callable[[bool], None] = _nobody_asks) -> None:
        """A person pushes; `done(True)` once through, `done(False)` when the arm did not yield or was turned back.

        Behind somebody who is in the arm already, the next one tries when it is home again.
        """
        self._arrive(Walker(direction, duration_ms * 1_000, done, force=False))

    def force(self, direction: Side, duration_ms: int = 1_500, done: Callable[[bool], None] = _nobody_asks) -> None:
        """A person comes through a locked arm by force."""
        self._arrive(Walker(direction, duration_ms * 1_000, done, force=True))

    def hold(self) -> None:
        """Whoever is in the arm stands still where they are; if nobody is, whoever comes next does, half-way."""
        self._held = True
        self._turn(0)

    def go_on(self) -> None:
        """Whoever stood still walks on, and nobody else stands still."""
        self._held = False
        self._turn(1)

    def turn_back(self) -> bool:
        """Whoever is in the arm goes back; False when it is too late for that, and the arm goes on."""
        if self._walker is None or self.angle >= NO_RETURN_DEG:
            self._turn(1)
            return False
        self._turn(-1)
        return True

    def power(self, on: bool) -> None:
        """Cut the power of the arm, or give it back. All contacts fall open; what was granted is forgotten."""
        self._power = on
        self._loop_moved()

    def panel(self, fire: bool) -> None:
        """The fire panel opens its contact in the loop, or closes it again."""
        self._panel_open = fire
        self._loop_moved()

    def stick(self, contact: ContactName, closed: bool | None) -> None:
        """A contact stays closed or open whatever the arm does; None mends it."""
        if closed is None:
            self._stuck.pop(contact, None)
        else:
            self._stuck[contact] = closed
        self._show()

    def unplug(self) -> None:
        """Pull the arm's whole bundle at the host: contacts read open, the release relay loses its current."""
        for number in self._wires.all():
            self._pins.unplug(number)

    def plug(self) -> None:
        """Plug the bundle in again. A pulse of which only the end is seen is not the host's fault."""
        self._plugging = True
        for number in self._wires.all():
            self._pins.plug(number)
        self._plugging = False

    # -- the wire's face

    def _unlock_moved(self, side: Side, low: bool) -> None:
        """The unlock input of a side is pulled low, or let go."""
        now_us = self._clock.now_us
        if low:
            forgotten = self._clock.after(PULSE_MOST_US, lambda: self._check_held(side))
            began_us = now_us - PULSE_LEAST_US if self._plugging else now_us
            self._pulses[side] = (began_us, forgotten)
            if not self._free:
                other: Side = "b" if side == "a" else "a"
                self._open_window(side)
                if self._pulses[other] is not None:
                    self._open_window(other)
        elif (pulse := self._pulses[side]) is not None:
            began_us, forgotten = pulse
            forgotten.cancel()
            self._pulses[side] = None
            wire = self._pins.wire(self._wires.unlock_a if side == "a" else self._wires.unlock_b)
            driven = wire.plugged and wire.pin is not None and wire.pin.is_output
            if now_us - began_us < PULSE_LEAST_US and driven:  # not cut short by the host's end, or a pulled cable
                # If the arm was freed in the same instant, a host that let go of everything, the pulse does not matter.
                self._clock.after(0, lambda: self._check_short(side, now_us - began_us))
        self._show()

    def _check_short(self, side: Side, length_us: int) -> None:
        if not self._free:
            raise WireError(f"unlock {side.upper()} was pulsed for {length_us // 1000} ms: the arm needs 100 ms")

    def _check_held(self, side: Side) -> None:
        if self._clock.now_us - PULSE_MOST_US < self._pins.stands_still_until_us:
            forgotten = self._clock.after(PULSE_MOST_US, lambda: self._check_held(side))
            self._pulses[side] = (self._clock.now_us, forgotten)
        elif not self._free:
            raise WireError(f"unlock {side.upper()} has been held for 3 s: in pulse mode it is to be let go")

    def _stop_moved(self, low: bool) -> None:
        if low:
            self._close_windows()
            self._show()

    def _loop_moved(self) -> None:
        """Panel contact, release relay and power in series: any that is missing frees the arm; on return it locks."""
        loop_open = self._pins.level(self._wires.release) is not self._fails_free
        self._free = self._panel_open or not self._power or loop_open
        self._close_windows()
        self._show()

    # -- the lock

    def _open_window(self, side: Side) -> None:
        self._close_window(side)
        self._windows[side] = self._clock.after(WINDOW_US, lambda: self._window_over(side))

    def _window_over(self, side: Side) -> None:
        self._windows[side] = None
        self._show()

    def _close_window(self, side: Side) -> None:
        if (window := self._windows[side]) is not None:
            window.cancel()
            self._windows[side] = None

    def _close_windows(self) -> None:
        self._close_window("a")
        self._close_window("b")

    # -- the arm

    def _arrive(self, walker: Walker) -> None:
        if self._walker is not None:
            self._queue.append(walker)
            return
        open_to = self._free or self._windows[walker.side] is not None
        if not (open_to or walker.force):
            walker.done(False)
            return
        self._walker = walker
        self._forced = not open_to
        self._angle = 0.0
        self._not_home_soon = self._clock.after(NOT_HOME_US, self._not_home_long)
        self._turn(1)

    def _turn(self, turning: int) -> None:
        """From here on the arm moves onward, back, or not at all."""
        if self._walker is None:
            return
        self._angle, self._angle_at_us, self._turning = self.angle, self._clock.now_us, turning
        self._plan()
        self._show()

    def _plan(self) -> None:
        """Make an appointment with the next angle at which something happens."""
        if self._milestone is not None:
            self._milestone.cancel()
            self._milestone = None
        if self._walker is None or self._turning == 0:
            return
        if self._turning > 0:
            goal = min(degrees for degrees in MILESTONES_DEG if degrees > self._angle)
        else:
            goal = max((degrees for degrees in MILESTONES_DEG if degrees < self._angle), default=0)
        delay_us = round(abs(goal - self._angle) * self._walker.duration_us / HOME_DEG)
        self._milestone = self._clock.after(delay_us, lambda: self._reached(goal))

    def _reached(self, goal: int) -> None:
        assert self._walker is not None
        self._angle, self._angle_at_us = float(goal), self._clock.now_us
        if goal == PASS_CLOSES_DEG:
            self._close_window(self._walker.side)  # what was granted is over; a pulse from now on is for the next
            self._on_through(self._walker.side)
        if goal in (0, HOME_DEG):
            self._come_home(passed=goal == HOME_DEG)
        elif goal == PASS_OPENS_DEG and self._held:
            self._turn(0)
        else:
            self._plan()
            self._show()

    def _come_home(self, *, passed: bool) -> None:
        walker, self._walker = self._walker, None
        assert walker is not None
        self._angle, self._turning, self._milestone = 0.0, 0, None
        self._forced = self._not_home = False
        if self._not_home_soon is not None:
            self._not_home_soon.cancel()
        if passed:
            self.passed[walker.side] += 1
        self._show()
        if self._queue:
            self._arrive(self._queue.popleft())
        walker.done(passed)

    def _not_home_long(self) -> None:
        self._not_home = True
        self._show()

    # -- the contacts

    def _show(self) -> None:
        """Bring the contacts to where angle, lock and power say they stand; tell the trace what has changed."""
        angle = self.angle
        between = PASS_OPENS_DEG <= angle < PASS_CLOSES_DEG
        side = None if self._walker is None else self._walker.side
        should: dict[ContactName, bool] = {
            "pass_a": not (between and side == "a"),
            "pass_b": not (between and side == "b"),
            "ready": not (self._forced and angle >= FORCED_DEG) and not self._not_home,
        }
        for name, closed in should.items():
            now_closed = self._power and self._stuck.get(name, closed)
            if self._contacts.get(name) != now_closed:
                self._contacts[name] = now_closed
                self._tell(f"{name} {'closed' if now_closed else 'open'}")
                self._pins.drive(getattr(self._wires, name), False if now_closed else None)
        if self.state != self._state:
            self._state = self.state
            self._tell(self._state)

    def _tell(self, what: str) -> None:
        if self._on_change is not None:
            self._on_change(what)
