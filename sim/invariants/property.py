"""Whose a locker is, when it is free, and what is said of its door: held against doors and bags as they are."""

import re
from typing import NoReturn

from firmware.core import facts as f
from firmware.core.signage import wording
from hal.clock import Millis
from sim.invariants.locker_book import BY_CARD, SENSED_MS, LockerInvariant
from sim.invariants.openings import OPENINGS
from sim.invariants.promises import Promising
from sim.judge import Invariant, Scene
from sim.machine import End

TOLD_US = SENSED_MS * 1000


class OneOwner(LockerInvariant):
    """7. A locker has one owner at most, and a card at most as many lockers as the site allows."""

    number = 7
    name = "one owner, one locker"

    def judged(self, fact: f.Fact, at: Millis) -> None:
        if not isinstance(fact, f.LockerAssigned):
            return
        known = self.book[fact.locker]
        if known.visit and known.visit != fact.visit:
            self.broken(f"locker {fact.locker} of {known.visit} was given to {fact.visit}")
        others = [
            number for number, one in self.book.items()
            if number != fact.locker and one.visit and (one.visit == fact.visit or one.card == fact.card)
        ]  # fmt: skip
        if len(others) >= self.scene.site.lockers_per_card:
            self.broken(f"{fact.visit} was given locker {fact.locker}, and has {others}")


class Free(LockerInvariant):
    """8. What is given out was nobody's, whole, last seen shut and empty; and it is shut and empty.

    Exempt from the last: a door or bag that was moved, or whose switch, sensor or board was in trouble, a moment ago;
    and bags where no sensor is fitted. What a guard released is the guard's to have emptied, unless a sensor sees it.
    A collected locker becomes free by itself no sooner than the time in which a tap opens it again.
    """

    number = 8
    name = "free is shut, whole and empty"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._forced_us: dict[int, int] = {}

    def judged(self, fact: f.Fact, at: Millis) -> None:
        match fact:
            case f.LockerAssigned() if self.book[fact.locker].visit != fact.visit:
                self._given_out(fact)
            case f.LockerReleased(reason="collected"):
                self._collected(fact)

    def moved(self, locker: int, what: str) -> None:
        if what == "door forced":
            self._forced_us[locker] = self.scene.clock.now_us

    def _given_out(self, fact: f.LockerAssigned) -> None:
        known = self.book[fact.locker]
        if known.door != "closed" or known.fault or known.content or known.opening:
            self.broken(f"locker {fact.locker} was given out: {known}")
        self._shut_and_empty(fact.locker, "was given out")

    def _collected(self, fact: f.LockerReleased) -> None:
        known, locker = self.book[fact.locker], fact.locker
        if known.door != "closed" or known.content or known.opening:
            self.broken(f"locker {locker} was released as collected: {known}")
        self._shut_and_empty(locker, "was released as collected")
        again_us = self.scene.site.collect_again_ms * 1000
        shut_us = self._unmoved_us(locker)
        watched = self.sees_well(locker) * 1000 > again_us + TOLD_US
        broken_open = self.scene.clock.now_us - self._forced_us.get(locker, -again_us) < again_us + TOLD_US
        if fact.actor is None and shut_us < again_us and watched and not broken_open:
            self.broken(f"locker {locker} was released {shut_us // 1000} ms after it was shut")

    def _shut_and_empty(self, locker: int, what: str) -> None:
        if self.sees_well(locker) < SENSED_MS or self._unmoved_us(locker) < TOLD_US:
            return
        there = self.scene.hall.lockers[locker]
        if there.door != "closed":
            self.broken(f"locker {locker} {what}, and stands open")
        wire = self.scene.config.lockers.banks[self.bank(locker)].rs485
        if there.content and wire is not None and wire.content_reads is not None:
            self.broken(f"locker {locker} {what}, and something is in it")

    def _unmoved_us(self, locker: int) -> int:
        return self.scene.clock.now_us - self.scene.hall.moved_us.get(f"locker {locker}", -(1 << 60))


class SeenToMove(LockerInvariant):
    """11. What is told of a door has happened: it opened, was shut, was broken open, or would not move.

    Exempt: doors whose switch or board was in trouble a moment ago; and what is told at a start, or after a door could
    not be read, may have happened while nobody watched. The sign says that a locker is open only once it is.
    """

    number = 11
    name = "success is what the door did"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._last_us: dict[tuple[int, str], int] = {}
        """Locker and what it did -> when it last did it."""
        self._signs = list(scene.hall.signs.values())
        self._frames = 0
        text = wording(scene.site, "locker_is_open")
        self._says_open = re.compile(re.escape(text.format(locker=0)).replace("00", r"(\d+)"))

    def judged(self, fact: f.Fact, at: Millis) -> None:
        match fact:
            case f.LockerOpened() | f.LockerReadable(door="open"):
                self._must_be(fact.locker, "open", "told to be open")
            case f.LockerClosed() | f.LockerReadable(door="closed"):
                self._must_be(fact.locker, "closed", "told to be closed")
            case f.LockerForced():
                self._must_be(fact.locker, "open", "told to be broken open")
            case f.LockerJammed():
                self._must_be(fact.locker, "closed", "told to be jammed")
            case f.LockerLeftOpen():
                self._must_be(fact.locker, "open", "told to be left open")

    def moved(self, locker: int, what: str) -> None:
        if what in ("door open", "door forced"):
            self._last_us[locker, "open"] = self.scene.clock.now_us
        elif what == "door closed":
            self._last_us[locker, "closed"] = self.scene.clock.now_us

    def _must_be(self, locker: int, door: str, what: str) -> None:
        """It stands so, or stood so until a moment ago."""
        now_us = self.scene.clock.now_us
        if locker not in self.scene.hall.lockers or self.scene.hall.lockers[locker].door == door:
            return
        other = "closed" if door == "open" else "open"
        moved_us = self._last_us.get((locker, other), -(1 << 60))
        if now_us - moved_us > self.slack_us() and self.sees_well(locker) > SENSED_MS:
            self.broken(f"locker {locker} is {what}, and its door stands {self.scene.hall.lockers[locker].door}")

    def stepped(self) -> None:
        frames = sum([sign.frames for sign in self._signs])
        if frames != self._frames:
            self._frames = frames
            for sign in self._signs:
                if (said := self._says_open.fullmatch(sign.reads)) is not None:
                    self._must_be(int(said[1]), "open", "shown to be open")


class LockerRules(LockerInvariant, Promising):
    """What visitors feel of the rules: a frozen locker stays shut; a door left open is told in its time, not before."""

    number = 0
    name = "rules of the lockers"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._opened_us: dict[int, int] = {}

    def judged(self, fact: f.Fact, at: Millis) -> None:
        match fact:
            case f.LockerPulsed() if fact.purpose in BY_CARD:
                if self.book[fact.locker].fault in ("forced", "out_of_service"):
                    self._wrong(fact, "is to be opened by a card, and is frozen")
            case f.LockerOpened():
                self._opened(fact)
            case f.LockerLeftOpen():
                self._left_open(fact)
            case f.TaskRaised(reason="left_open", locker=int()):
                self.kept(("task", fact.locker))
            case f.LockerUnreadable() | f.LockerClosed():
                self._over(fact.locker)

    def moved(self, locker: int, what: str) -> None:
        if what == "door closed":
            self._over(locker)
        elif what in ("door open", "door forced"):
            self._opened_us[locker] = self.scene.clock.now_us

    def stopped(self, how: End) -> None:
        super().stopped(how)
        for locker in self.book:
            self._over(locker)  # how long nobody watched counts by the clocks' word

    def _opened(self, fact: f.LockerOpened) -> None:
        site, locker = self.scene.site, fact.locker
        if self.scene.hall.lockers[locker].door != "open":
            return
        for key, ms, who in (("sign", site.left_open_ms, "visitors"), ("task", site.left_open_task_ms, "guards")):
            what = f"locker {locker} stands open for {ms} ms, and {who} are not told"
            self.owe((key, locker), what, after_ms=ms, calm_ms=SENSED_MS)

    def _left_open(self, fact: f.LockerLeftOpen) -> None:
        self.kept(("sign", fact.locker))
        opened_us = self._opened_us.get(fact.locker)
        limit_us = self.scene.site.left_open_ms * 1000
        since_us = self.scene.clock.now_us - (opened_us or 0)
        if opened_us is not None and since_us < limit_us <= self.sees_well(fact.locker) * 1000 - TOLD_US:
            self._wrong(fact, f"is told to be left open after {since_us // 1000} ms")

    def _over(self, locker: int) -> None:
        self.kept(("sign", locker))
        self.kept(("task", locker))

    def _wrong(self, fact: f.LockerFact, what: str) -> NoReturn:
        self.broken(f"locker {fact.locker} {what}")


PROPERTY: tuple[type[Invariant], ...] = (*OPENINGS, OneOwner, Free, SeenToMove, LockerRules)
"""6 to 12, and the rules of the lockers."""
