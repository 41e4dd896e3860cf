"""The fold (20): the hall is what its journal tells, whichever way it is folded, and whatever a power cut leaves of it.

What the program says is durable is held against what a power cut at that very moment would leave.
"""

import json
import random
import re
from copy import deepcopy

from firmware.boot import JOURNAL, Recovered, recover
from firmware.core.decide import take
from firmware.core.evolve import evolve, fit_to_site, new_hall
from firmware.core.state import Hall
from firmware.core.valid import wrong_with
from firmware.fold import fold, folded
from services.segments import JournalError
from sim.disk import VirtualDisk
from sim.invariants.chronicle import Reckoner
from sim.invariants.medium import Medium
from sim.judge import Scene

FACTS_BETWEEN = 100
"""Facts between two comparisons of the whole hall."""
FACTS_BETWEEN_CUTS = (20, 280)
"""Facts between two times that the disk is copied, its power cut, and what is left recovered: at least and at most."""
FACTS_OF_A_SMALL_DAY = 1_000
"""Beyond so many it is done more rarely."""

_SEQ = re.compile(rb'"seq":([0-9]+),')


class Fold(Reckoner):
    """The hall is the fold of its journal: of the whole, of checkpoint and rest, and of what a power cut leaves."""

    number, name = 20, "fold"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._folded = new_hall(scene.site)
        self._seq = 0
        self._compared = -FACTS_BETWEEN
        self._random = random.Random(f"looks at the fold of {scene.seed}")
        self._cut_at = self._random.randint(*FACTS_BETWEEN_CUTS)
        """With so many durable facts the power is cut the next time, in the middle of the next commit if that comes."""

    @property
    def _hurt(self) -> bool:
        return self.chronicle.damaged or bool(self.scene.machine.disk.flips)

    def started(self) -> None:
        """What was recovered, from the checkpoint and what came after, is the fold of all."""
        if self._seq > len(self.chronicle.durable):
            self._folded, self._seq = new_hall(self.scene.site), 0
        fit_to_site(self._folded, self.scene.site)
        self._go_on()
        self._compared = self._seq - FACTS_BETWEEN
        opinion = self.scene.opinion
        if opinion is not None and not self._hurt and opinion != self._folded:
            self.broken(f"recovered is not what the journal tells: {differences(opinion, self._folded)}")

    def _go_on(self) -> None:
        for fact, at in self.chronicle.durable[self._seq :]:
            evolve(self._folded, fact, at, self.scene.site)
        self._seq = len(self.chronicle.durable)

    def stepped(self) -> None:
        if len(self.chronicle.durable) - self._compared >= FACTS_BETWEEN:
            self._compare()
        more = len(self.chronicle.durable) - self._cut_at
        if more >= 0 and (self.chronicle.undecided or more >= FACTS_BETWEEN_CUTS[0]):
            durable = len(self.chronicle.durable)
            rarer = 1 + durable // FACTS_OF_A_SMALL_DAY  # each cut costs as much as there are facts
            self._cut_at = durable + rarer * self._random.randint(*FACTS_BETWEEN_CUTS)
            if not self._hurt:
                self._cut_a_copy()

    def ended(self) -> None:
        self._go_on()
        if not self._hurt:
            self._fold_bytes()
            self._cut_a_copy()

    def _compare(self) -> None:
        opinion = self.scene.opinion
        if self.chronicle.undecided or self.chronicle.unwritten or opinion is None or self._hurt:
            return
        self._go_on()
        self._compared = self._seq
        if opinion != self._folded:
            self.broken(f"the hall is not what its journal tells: {differences(opinion, self._folded)}")
        if wrong := wrong_with(opinion, self.scene.site):
            self.broken(f"the hall contradicts itself: {wrong}")

    def _fold_bytes(self) -> None:
        """From the first byte on."""
        medium = Medium.of(self.scene.machine)
        medium.look(whole=True)
        lines = medium.lines()
        if not lines or min(medium.segments) != "000000000001.jsonl":
            return
        hall = folded(map(json.loads, lines[: self._seq]), self.scene.site)
        if hall != self._folded:
            self.broken(f"the bytes tell another story: {differences(hall, self._folded)}")

    def _cut_a_copy(self) -> None:
        """The power fails now, for a copy of the disk alone: what is left must lead to the same hall, twice; and to one
        that makes sense, as soon as the next start has drawn its conclusions."""
        disk, site = self.scene.machine.disk.copy(), self.scene.site
        disk.power_cut(self._random)
        found, again = self._recovered(disk), self._recovered(disk)
        first, seq = found.hall, found.journal.last_seq
        if first != again.hall:
            self.broken(f"recovered twice, and not the same: {differences(first, again.hall)}")
        take(again.hall, site, again.started, again.started.epoch_ms)
        if wrong := wrong_with(again.hall, site):
            self.broken(f"a power cut now would leave a hall that contradicts itself: {wrong}")
        self._go_on()
        if seq < self._seq:
            self.broken(f"a power cut now would lose records {seq + 1} to {self._seq}, which were told as durable")
        hall = deepcopy(self._folded)
        fold(hall, map(json.loads, self._beyond(disk)), site)
        fit_to_site(hall, site)
        if first != hall:
            self.broken(f"recovered from a power cut is not what the journal tells: {differences(first, hall)}")

    def _recovered(self, disk: VirtualDisk) -> Recovered:
        machine = self.scene.machine
        try:
            found = recover(disk, self.scene.site, machine.wall, machine.clock, simulated=True, new_id=lambda: "0" * 32,
                            segment_bytes=self.scene.config.storage.segment)  # fmt: skip
        except (OSError, JournalError, ValueError) as error:
            self.broken(f"a power cut now would leave what cannot be recovered: {error!r}")
        if found.journal.damage is not None:
            self.broken(f"a power cut now would leave a damaged journal: {found.journal.damage}")
        return found

    def _beyond(self, disk: VirtualDisk) -> list[bytes]:
        """Records that were never told, and happened to be whole."""
        names = [name for name in disk.names(JOURNAL) if name.endswith(".jsonl")]
        lines = b"".join(disk.read(f"{JOURNAL}/{name}") for name in names[-2:]).splitlines()
        return [line for line in lines if (found := _SEQ.search(line)) and int(found[1]) > self._seq]


def differences(one: Hall, other: Hall) -> str:
    """Where two halls differ, for the story."""
    told = []
    for name in one.__slots__:
        a, b = getattr(one, name), getattr(other, name)
        if a == b or name == "unwritten":
            continue
        if isinstance(a, dict) and isinstance(b, dict):
            keys = [key for key in a.keys() | b.keys() if a.get(key) != b.get(key)]
            told += [f"{name}[{key}]: {a.get(key)} / {b.get(key)}" for key in keys[:3]] or [f"{name}: other order"]
        else:
            told.append(f"{name}: {a} / {b}")
    return "; ".join(told)
