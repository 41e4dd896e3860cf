"""The physics of one locker: a spring bolt and its solenoid, a spring behind the door, a reed switch, a content sensor.

The latch is drawn back while the solenoid is energised. A spring then needs 150 ms to push the door past it, so a
shorter pulse opens nothing. A door that is pushed shut snaps past the bolt, or is held until the bolt falls. Wires are
told of a change last: what a driver may see has been persisted and traced by then.
"""

from collections.abc import Callable
from typing import Literal, TypedDict

from sim.clock import Appointment, VirtualClock, WireError

SPRING_US = 150_000
"""From drawing the latch back to the door standing open."""

BURNS_US = 2_000_000
"""A solenoid made for pulses burns when it is energised longer."""


class HandRefused(Exception):
    """What a person tried cannot be done to this locker as it stands."""


class LockerSnapshot(TypedDict):
    """What outlives the program: latches spring back by themselves."""

    door: Literal["open", "closed"]
    content: bool


class Locker:
    """One locker. `on_change` hears of each physical change in words, before any wire shows it."""

    def __init__(self, clock: VirtualClock, on_change: Callable[[str], None] = lambda _what: None) -> None:
        self._clock = clock
        self._on_change = on_change
        self.wires: list[Callable[[], None]] = []
        """Called after each change: boards that speak unasked, relay inputs that follow the reed."""
        self.door: Literal["open", "closed"] = "closed"
        self.content = False
        self._energised = False
        self._jammed = False
        self._reed_stands: bool | None = None
        self._spring: Appointment | None = None
        self._burning: Appointment | None = None
        self.on_touch: Callable[[], None] = lambda: None
        """Told before anything changes that can be seen at door and sensors."""
        self.blameless: Callable[[], bool] = lambda: False
        """Whether nobody could have cut the current: then what limits it is the relay board's own timer."""

    # -- the hand's face

    @property
    def latch(self) -> Literal["locked", "released"]:
        return "released" if self._energised and not self._jammed else "locked"

    def door_to(self, to: Literal["closed", "open", "forced"]) -> None:
        """Move the door by hand; `forced` breaks it open past its latch. Raises HandRefused on a latched door."""
        if to == "closed":
            if self.door == "open":
                self.on_touch()
                self.door = "closed"
                self._changed("door closed")  # whoever pushes it shut holds it until the bolt has fallen
            return
        if self.door == "open":
            return
        if to == "open" and self.latch == "locked":
            raise HandRefused("the door is latched")
        self._open("door forced" if to == "forced" else "door open")

    def put_content(self, content: bool) -> None:
        """Put something in or take it out. Raises HandRefused through a closed door."""
        if content == self.content:
            return
        if self.door == "closed":
            raise HandRefused("the door is closed")
        self.on_touch()
        self.content = content
        self._changed("content in" if content else "content out")

    def jam(self) -> None:
        """The latch sticks: pulses draw nothing back."""
        self._jammed = True

    def free(self) -> None:
        """The latch moves again, from the next pulse on."""
        self._jammed = False
        self._spring_back()

    def break_reed(self, reads_closed: bool = False) -> None:
        """The switch stays as it is told: a broken wire reads open, a welded contact closed."""
        self.on_touch()
        self._reed_stands = reads_closed
        self._changed("reed broken")

    def mend_reed(self) -> None:
        self.on_touch()
        self._reed_stands = None
        self._changed("reed mended")

    def snapshot(self) -> LockerSnapshot:
        return {"door": self.door, "content": self.content}

    def restore(self, snapshot: LockerSnapshot) -> None:
        """Stand as at the snapshot, with the latch sprung back; nobody is told, nothing has moved."""
        self.door, self.content = snapshot["door"], snapshot["content"]

    # -- the wire's face

    def energise(self, on: bool) -> None:
        """Current through the solenoid. Raises WireError, in due time, when it is left on and burns."""
        if on == self._energised:
            return
        self._energised = on
        if on:
            self._burning = self._clock.after(BURNS_US, self._burn)
        elif self._burning is not None:
            self._burning.cancel()
        if not self._jammed:
            self._changed(f"latch {self.latch}")
        self._spring_back()

    @property
    def reed_closed(self) -> bool:
        """The switch at the door: closed contact, closed door, unless it is broken."""
        return self.door == "closed" if self._reed_stands is None else self._reed_stands

    @property
    def occupied(self) -> bool:
        """What the infrared sensor sees."""
        return self.content

    # -- within

    def _spring_back(self) -> None:
        """Start or stop the spring, as latch and door now stand."""
        if self._spring is not None:
            self._spring.cancel()
            self._spring = None
        if self.latch == "released" and self.door == "closed":
            self._spring = self._clock.after(SPRING_US, lambda: self._open("door open"))

    def _open(self, what: str) -> None:
        self.on_touch()
        self.door = "open"
        self._spring_back()
        self._changed(what)

    def _changed(self, what: str) -> None:
        self._on_change(what)
        for told in self.wires:
            told()

    def _burn(self) -> None:
        if self.blameless():
            self._burning = self._clock.after(BURNS_US, self._burn)
            return
        raise WireError("a solenoid was energised for more than 2 s and burned")
