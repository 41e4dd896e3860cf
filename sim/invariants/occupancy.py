"""The count (13): who came through the arms, by the arms' own count, against whom the program has counted."""

from collections import Counter

from firmware.core import facts as f
from firmware.core.site import ContactUse
from hal.clock import Millis
from sim.invariants.arms import LOOK_AGAIN_US, QUIET_US, SENSED, Arms
from sim.invariants.chronicle import Reckoner
from sim.judge import Scene

CORRECTED = f.HallRecountRecorded | f.HallCountConfirmed


class Occupancy(Reckoner):
    """The count is passages in less passages out and corrections; where it parts from the truth it is suspect.

    Excused: who came through an arm while a fault of its passage contacts stood that nobody could notice, for a sensor
    that says nothing for some seconds is what a slow person looks like, and one that never does a quiet arm; and who
    walks through an unwatched arm of a hall that is empty and closed, where nobody has any business. No more is excused
    than really came through meanwhile. From there on, and from each doubt that is told and each recount, both go on.
    """

    number, name = 13, "occupancy"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._arms = Arms(scene)
        self._version = 0
        self._off: Counter[str] = Counter()
        """Lane -> who came in by the arm's own count, less those by the program's, when last both were known."""
        self._side_net: Counter[str] = Counter()
        self._look_us: int | None = None
        self._vouched = False
        self._was_suspect = False
        self._booted = False
        """The present daemon has said that it is there, and with it what it thinks of the time when nobody watched."""
        self._started = False
        """It has started since both counts were last held against each other."""

    def changed(self, what: str) -> None:
        self._arms.changed(what)
        word, _, rest = what.partition(" ")
        if word == "arm" or (word == "mended" and rest in self.scene.hall.arms):
            self._look_us = self.scene.clock.now_us + QUIET_US
        elif word == "contact":
            self._side_gate(*rest.split(" ", 1))

    def _side_gate(self, name: str, state: str) -> None:
        contact = self.scene.site.contacts[name]
        if contact.use is ContactUse.SIDE_GATE and state == "active":
            self._side_net[contact.lane] += 1 if contact.direction == "in" else -1
            self._look_us = self.scene.clock.now_us + QUIET_US

    def started(self) -> None:
        self._booted, self._started = False, True
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
        self._arms.stepped()
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
        parted = {lane: self._off_at(lane) - self._off[lane] for lane in self.scene.hall.arms}
        doubted = self._vouched or self._was_suspect or bool(self.account.suspect)
        for lane, more in parted.items():
            if more and not doubted and more not in self._arms.hidden(lane) and not self._nobodys_business(lane):
                self.broken(
                    f"{more:+d} walkers came in at {lane} whom the program has not counted, and it takes its count of "
                    f"{self.account.total} for exact"
                )
        self._off.update(parted)
        self._arms.compared()
        self._vouched = self._was_suspect = self._started = False

    def _off_at(self, lane: str) -> int:
        passed = self.scene.hall.arms[lane].turnstile.passed
        return passed["a"] - passed["b"] + self._side_net[lane] - self.account.way(lane).net

    def _nobodys_business(self, lane: str) -> bool:
        """An empty hall that is closed, while nobody watched the lane."""
        empty = self.account.session == "closed" and not self.account.total
        return empty and (self._started or self._arms.veiled(lane))
