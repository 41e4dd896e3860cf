"""Access (13 to 17): who passes the arm, by what right, and how many are inside. Here: 14, 15 and 16.

The world's side is the arm itself: how many came through it, which of its inputs were pulsed, which contacts closed,
and which card lay on which reader. The program's side is what it made true.
"""

from collections import Counter
from functools import partial

from firmware.core import facts as f
from firmware.core.site import ContactUse, ReaderPlace
from hal.clock import Millis
from sim.invariants.account import Party, Right
from sim.invariants.arms import LOOK_AGAIN_US, QUIET_US, SENSED, Arms
from sim.invariants.cards import Cards
from sim.invariants.chronicle import Reckoner
from sim.invariants.hands import Hands
from sim.invariants.occupancy import Occupancy
from sim.judge import Invariant, Scene

LATE_MS: Millis = 1_000
"""What is due by time has been done after so much more."""


class Grants(Reckoner):
    """A right of way is for a party, one person a pulse, one direction, for a time; what else passes is flagged."""

    number, name = 14, "rights of way"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._arms = Arms(scene)
        self._hands = Hands(scene)
        self._exits = {
            name: one.lane for name, one in scene.site.readers.items() if one.place is ReaderPlace.EXIT
        } | {name: one.lane for name, one in scene.site.contacts.items() if one.use is ContactUse.EXIT_BUTTON}
        """Reader or button -> the lane out of which it leads."""
        self._pulses: Counter[int] = Counter()
        self._granted_us: dict[int, int] = {}
        self._due_us: int | None = None
        pins = scene.hall.pins
        for lane, wire in scene.config.wiring.lanes.items():
            pins.watch(wire.unlock_in, partial(self._unlock_moved, lane, "in"))
            pins.watch(wire.unlock_out, partial(self._unlock_moved, lane, "out"))

    def changed(self, what: str) -> None:
        self._arms.changed(what)
        self._hands.changed(what)

    def started(self) -> None:
        self._pulses.clear()
        self._granted_us.clear()

    def _unlock_moved(self, lane: str, direction: str, energised: bool) -> None:
        """An unlock input of an arm changes."""
        if not energised or self.chronicle.damaged:
            return
        rights = self.account.way(lane).rights
        right = rights[0] if rights else None
        if right is None or right.direction != direction:
            self.broken(f"lane {lane} is freed {direction}, and nobody was granted that: {right}")
        right.until = max(right.until, self.chronicle.hall_now + self.account.window_ms)
        self._pulses[right.grant] += 1
        if self._pulses[right.grant] > right.passed + 1:
            self.broken(f"lane {lane}: pulse {self._pulses[right.grant]} of {right}: one person at a time")

    def heard(self, fact: f.Fact, at: Millis) -> None:
        match fact:
            case f.GateGranted():
                self._granted(fact)
            case f.GatePassed():
                self._passed(fact, at)
            case f.GateForced() | f.GateTailgated():
                self._flagged(fact, at, with_right=False)
            case f.GateReversed():
                self._flagged(fact, at, with_right=True)
            case f.GateExpired():
                way = self.account.way(fact.lane)
                standing = way.voided if fact.reason == "emergency" else way.rights
                right = next((one for one in standing if one.grant == fact.grant), None)
                if right is None or fact.persons != right.persons - right.passed:
                    self.broken(f"{fact} ends {right}")
                if fact.reason == "not_taken":
                    self._not_taken(fact, right, at)
            case _:
                pass

    def _not_taken(self, fact: f.GateExpired, right: Right, at: Millis) -> None:
        """It has stood for the arm's whole window since its pulse, and a push longer; for the window alone where
        somebody asks for a way out anew."""
        early_ms = right.until - at
        again = fact.direction == "out" and self._asked_out(fact.lane, self._granted_us.get(fact.grant, 0))
        if early_ms > (self.scene.config.gate.push if again else 0):
            self.broken(f"{fact} comes {early_ms} ms before the end of the window")

    def _asked_out(self, lane: str, since_us: int) -> bool:
        """By a card or a button, since that moment; or by a card that a reader in trouble imagines."""
        exits = {name for name, of in self._exits.items() if of == lane}
        troubled_us = self.scene.troubled_us
        if exits & self.scene.hall.faults.keys() or any(troubled_us.get(one, -1) >= since_us for one in exits):
            return True
        laid = any(one.reader in exits and one.laid_us >= since_us for one in self._hands.laid)
        return laid or any(name in exits and at_us >= since_us for name, at_us in self._hands.pressed_us.items())

    def _right(self, lane: str, grant: int | None) -> Right | None:
        return next((one for one in self.account.way(lane).rights if one.grant == grant), None)

    def _granted(self, fact: f.GateGranted) -> None:
        self._granted_us[fact.grant] = self.scene.clock.now_us
        party = self.account.parties.get(fact.visit or "")
        rights = self.account.way(fact.lane).rights
        if fact.direction == "in":
            if party is None or party.card != fact.card:
                self.broken(f"{fact}: to nobody's party")
            outside = (party.walkers - party.inside, party.carried - party.infants)
            if fact.persons < 1 or (fact.persons, fact.carried) != outside:
                self.broken(f"{fact}: {outside} of the party are outside")
            if rights:
                self.broken(f"{fact}: while the lane is granted to {rights}")
        else:
            inside = party.inside if party else 1
            if fact.persons != inside or fact.persons < 1:
                self.broken(f"{fact}: {inside} of the party are inside")
            if any(right.direction == "in" for right in rights):
                self.broken(f"{fact}: an exit behind an entry: {rights}")

    def _passed(self, fact: f.GatePassed, at: Millis) -> None:
        way = self.account.way(fact.lane)
        if fact.grant is None:
            if fact.reason != "emergency" or not (self.account.emergency or self.account.fire):
                self.broken(f"{fact}: by no right")
            return
        right = self._right(fact.lane, fact.grant)
        if right is None and way.late is not None and way.late.grant == fact.grant:
            right = way.late
            if at > right.until:
                self.broken(f"{fact}: {at - right.until} ms after its window")
        if right is None or right.direction != fact.direction or right.passed >= right.persons:
            self.broken(f"{fact}: by a right that is not there: {right}")
        party = self.account.parties.get(right.visit)
        if party is not None:
            self._in_the_party(fact, right, party)

    def _in_the_party(self, fact: f.GatePassed, right: Right, party: Party) -> None:
        """Infants go with the first one in, and with the last one out."""
        complete = party.inside == (party.walkers if fact.direction == "in" else 0)
        if complete != (fact.reason == "surplus"):
            self.broken(f"{fact}: {party.inside} of {party.walkers} were inside")
        if complete:
            suspects = [one for one in self.chronicle.batch if isinstance(one, f.HallOccupancySuspect)]
            if not any(one.reason == "surplus" for one in suspects):
                self.broken(f"{fact}: and nobody suspects the count")
            return
        if fact.direction == "in":
            infants = right.carried if right.passed == 0 else 0
        else:
            infants = party.infants if party.inside == 1 else 0
        if fact.carried != infants:
            self.broken(f"{fact}: {infants} were to be carried")

    def _flagged(self, fact: f.GateFact, at: Millis, *, with_right: bool) -> None:
        """What passed by no right is called by its name, and a guard is told."""
        way = self.account.way(fact.lane)
        right = way.rights[0] if way.rights else None
        if (right is not None) != with_right or (right is not None and right.direction == fact.direction):
            self.broken(f"{fact}: while the lane is granted to {right}")
        if self.account.emergency:
            self.broken(f"{fact}: while the arm stands free")
        reason = {f.GateForced: "gate_forced", f.GateReversed: "reversed", f.GateTailgated: "tailgated"}[type(fact)]
        raised = any(isinstance(one, f.TaskRaised) and one.reason == reason for one in self.chronicle.batch)
        if not raised and not self.account.has_task(reason):
            self.broken(f"{fact}: and no guard is told")

    def settled(self) -> None:
        """When does the first right of way end?"""
        untils = [way.rights[0].until for way in self.account.ways.values() if way.rights]
        if not untils:
            self._due_us = None
            return
        ends_us = (min(untils) + LATE_MS - self.chronicle.hall_now) * 1000
        self._due_us = self.scene.clock.now_us + max(0, ends_us)

    def next_us(self) -> int | None:
        return self._due_us

    def stepped(self) -> None:
        if self._due_us is None or self.scene.clock.now_us < self._due_us:
            return
        self._due_us = self.scene.clock.now_us + LOOK_AGAIN_US
        if self.chronicle.undecided or self.chronicle.damaged or self.scene.well_for_ms("daemon", "disk") < LATE_MS:
            return
        for lane, way in self.account.ways.items():
            over_ms = self.chronicle.hall_now - way.rights[0].until if way.rights else 0
            if over_ms >= LATE_MS and self._free_to_end(lane):
                self.broken(f"lane {lane}: {way.rights[0]} stands {over_ms} ms after its end")

    def _free_to_end(self, lane: str) -> bool:
        """Nobody is in the arm, nor was a moment ago, nor do its contacts say so wrongly."""
        if self._arms.ill(lane):
            return False
        now_us = self.scene.clock.now_us
        return not self.scene.hall.arms[lane].turnstile.busy and now_us - self._arms.moved_us[lane] >= QUIET_US


class Places(Reckoner):
    """Where a card's people are changes when a contact of the arm has closed behind somebody, and never by a tap.

    Excused: an arm in trouble, whose contacts open and close by themselves.
    """

    number, name = 15, "places by passage"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._arms = Arms(scene)
        self._closed: Counter[tuple[str, str]] = Counter()
        self._version = 0

    def changed(self, what: str) -> None:
        self._arms.changed(what)
        word, _, rest = what.partition(" ")
        if word == "arm":
            lane, _, contact = rest.partition(" ")
            if contact in ("pass_a closed", "pass_b closed"):
                self._closed[lane, "in" if contact == "pass_a closed" else "out"] += 1
        elif word == "contact" and rest.endswith(" active"):
            gate = self.scene.site.contacts[rest.removesuffix(" active")]
            if gate.use is ContactUse.SIDE_GATE:
                self._closed[gate.lane, gate.direction] += 1

    def started(self) -> None:
        """What the dead one saw and had not told died with it; the chronicle has told by now what it had stored."""
        self._closed.clear()

    def heard(self, fact: f.Fact, at: Millis) -> None:
        if not isinstance(fact, SENSED):
            return
        lane = fact.lane
        self._closed[lane, fact.direction] -= 1
        if self._closed[lane, fact.direction] < 0 and not (lane in self.scene.hall.arms and self._arms.ill(lane)):
            self.broken(f"{fact}: and no contact of the arm has closed behind anybody")

    def stepped(self) -> None:
        chronicle, opinion = self.chronicle, self.scene.opinion
        if chronicle.version == self._version or chronicle.undecided or opinion is None:
            return
        self._version = chronicle.version
        if chronicle.damaged:
            return
        for name, party in self.account.parties.items():
            visit = opinion.visits.get(name)
            if visit is None or (visit.inside, visit.carried_inside) != (party.inside, party.infants):
                self.broken(f"{name}: the program has {visit} where passages make {party}")


class Capacity(Reckoner):
    """No entry is granted at or over capacity, with what other grants have reserved."""

    number, name = 16, "capacity"

    def heard(self, fact: f.Fact, at: Millis) -> None:
        if isinstance(fact, f.GateGranted) and fact.direction == "in":
            account = self.account
            taken = account.total + account.reserved
            if taken + fact.persons + fact.carried > account.capacity:
                self.broken(f"{fact}: {taken} of {account.capacity} places are taken or reserved")
            if account.mode != "open":
                self.broken(f"{fact}: an entry while the hall is {account.mode}")


ACCESS: tuple[type[Invariant], ...] = (Occupancy, Grants, Places, Capacity, Cards)
