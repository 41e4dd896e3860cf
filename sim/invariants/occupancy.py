"""The count (13): who came through the arms, by the arms' own count, against whom the program has counted."""

from collections.abc import Iterable

from firmware.core import facts as f
from firmware.core.site import ContactUse
from hal.clock import Millis
from sim.invariants.arms import AFTERMATH_US, LOOK_AGAIN_US, QUIET_US, SENSED, Arms
from sim.invariants.chronicle import Reckoner
from sim.judge import Scene

CORRECTED = f.HallRecountRecorded | f.HallCountConfirmed


class Occupancy(Reckoner):
    """The count is passages in less passages out and corrections; where it parts from the truth it is suspect.

    Excused: a fault of an arm's wires that is too short to be seen, for a sensor that says nothing for some seconds is
    what a slow person looks like; contacts that stay closed whoever comes, which look like a quiet arm; and who walks
    through an unwatched arm of a hall that is empty and closed, where nobody has any business.
    """

    number, name = 13, "occupancy"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._arms = Arms(scene)
        self._version = 0
        self._off = 0
        """Walkers inside by the arms' own count, less those by the program's, when last both were known."""
        self._side_net = 0
        self._look_us: int | None = None
        self._vouched = False
        self._was_suspect = False
        self._booted = False
        """The present daemon has said that it is there, and with it what it thinks of the time when nobody watched."""

    def changed(self, what: str) -> None:
        self._arms.changed(what)
        word, _, rest = what.partition(" ")
        if word == "arm":
            self._look_us = self.scene.clock.now_us + QUIET_US
        elif word == "contact":
            self._side_gate(*rest.split(" ", 1))

    def _side_gate(self, name: str, state: str) -> None:
        contact = self.scene.site.contacts[name]
        if contact.use is ContactUse.SIDE_GATE and state == "active":
            self._side_net += 1 if contact.direction == "in" else -1
            self._look_us = self.scene.clock.now_us + QUIET_US

    def started(self) -> None:
        self._booted = False
        self._look_us = self.scene.clock.now_us + QUIET_US

    def heard(self, fact: f.Fact, at: Millis) -> None:
        match fact:
            case f.HallBooted():
                self._booted = True
            case f.HallRecountRecorded():
                if fact.after != sum(fact.present.values()) + fact.unattributed or fact.before != self.account.total:
                    self.broken(f"the recount does not add up: {fact}, where {self.account.total} were counted")
                if fact.difference != fact.after - fact.before:
                    self.broken(f"a recount from {fact.before} to {fact.after} is told as {fact.difference}")
                self._vouched = True
            case f.HallCountConfirmed():
                self._vouched = True
            case f.HallOccupancySuspect():
                self._was_suspect = True
                if fact.inside != self.account.total:
                    self.broken(f"suspect, {fact.reason}: told of {fact.inside} inside, where {self.account.total} are")
            case f.GatePassed() if fact.persons != 1 or fact.carried < 0:
                self.broken(f"one person passes at a time: {fact}")
            case _:
                pass

    def settled(self) -> None:
        account = self.account
        if account.total < 0 and not account.suspect:
            self.broken(f"{account.total} are inside, and nobody suspects it")
        if any(isinstance(fact, SENSED | CORRECTED) for fact in self.chronicle.batch):
            self._look_us = self.scene.clock.now_us + QUIET_US

    def stepped(self) -> None:
        chronicle = self.chronicle
        if chronicle.version != self._version and not chronicle.undecided:
            self._version = chronicle.version
            self._check_sum()
        if self._look_us is not None and self.scene.clock.now_us >= self._look_us:
            self._look_us = None
            self._check_world()

    def next_us(self) -> int | None:
        return self._look_us

    def _check_sum(self) -> None:
        opinion = self.scene.opinion
        if opinion is None or self.chronicle.damaged:
            return
        if opinion.inside != self.account.total:
            self.broken(f"the program counts {opinion.inside}, where its passages make {self.account.total}")
        if bool(opinion.suspect) != bool(self.account.suspect):
            self.broken(f"suspect by the facts: {self.account.suspect or 'no'}; by the program: {opinion.suspect}")

    def _check_world(self) -> None:
        """At a quiet moment: as many walkers are inside as the program has counted, or it says that it is not sure."""
        if self.chronicle.damaged:
            return
        if self.chronicle.undecided or not self._booted or not self._arms.quiet:
            self._look_us = self.scene.clock.now_us + LOOK_AGAIN_US
            return
        arms = self.scene.hall.arms
        through = self._side_net + sum(a.turnstile.passed["a"] - a.turnstile.passed["b"] for a in arms.values())
        off = through - sum(way.net for way in self.account.ways.values())
        parted, self._off = off - self._off, off
        vouched, self._vouched = self._vouched, False
        was_suspect, self._was_suspect = self._was_suspect, False
        if not parted or vouched or was_suspect or self.account.suspect:
            return
        if self.account.session == "closed" and not self.account.total and self._unwatched(arms):
            return
        if any(self._arms.unnoticed(lane) for lane in arms):
            return
        self.broken(
            f"{parted:+d} walkers came in whom the program has not counted, and it takes its count of "
            f"{self.account.total} for exact"
        )


    def _unwatched(self, lanes: Iterable[str]) -> bool:
        """A start, or a fault of an arm, not long ago."""
        up_us = self.scene.clock.now_us - self.scene.machine.started_us
        return up_us < AFTERMATH_US or any(self._arms.ill_us(lane) for lane in lanes)
