"""Access and count (13 to 17): who passes the arm, by what right, and how many are inside.

The world's side is the arm itself: how many came through it, which of its inputs were pulsed, which contacts closed,
and which card lay on which reader. The program's side is what it made true.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial

from firmware.core import facts as f
from firmware.core.site import ContactUse, ReaderPlace
from hal.clock import Millis
from sim.invariants.account import Party, Right
from sim.invariants.chronicle import Reckoner
from sim.judge import Invariant, Scene

QUIET_US = 1_500_000
"""So long after the last move of an arm, whoever passed has been counted."""
AFTERMATH_US = 35_000_000
"""A sensor at fault is known to be so after 30 s; an arm that was in trouble may be misread for so long."""
BLINK_US = 31_000_000
"""A fault of the arm's wires that lasts less may go unnoticed: a stuck contact is one that stays for 30 s."""
LATE_MS: Millis = 1_000
"""What is due by time has been done after so much more."""
LOOK_AGAIN_US = 1_000_000
TAPPED_US = 60_000_000
"""A tap is decided within this time, even behind a disk that stalls; else it has been forgotten."""

CORRECTED = f.HallRecountRecorded | f.HallCountConfirmed
SENSED = f.GatePassed | f.GateForced | f.GateReversed | f.GateTailgated


class Arms:
    """For invariants that watch the arms: when each was last in trouble, and when it last moved."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.moved_us: dict[str, int] = dict.fromkeys(scene.hall.arms, 0)
        self._ill_since_us: dict[str, int] = {}
        self._mended_us: dict[str, int] = {}
        self._lasted_us: dict[str, int] = {}
        self._blind: set[str] = set()
        """Arms whose passage contacts stay closed, or did when they were last in trouble."""

    def changed(self, what: str) -> None:
        """A physical change."""
        now_us = self._scene.clock.now_us
        word, name, *_ = what.split(" ", 2)
        if name not in self.moved_us:
            return
        match word:
            case "arm":
                self.moved_us[name] = now_us
            case "fault":
                self._ill_since_us[name] = now_us
                self._blind = {*self._blind, name} if "blind" in what.split() else self._blind - {name}
            case "mended" if name in self._ill_since_us:
                self._mended_us[name] = now_us
                self._lasted_us[name] = now_us - self._shown_since_us(self._ill_since_us.pop(name))

    def _shown_since_us(self, since_us: int) -> int:
        """Since when the present daemon could have noticed."""
        return max(since_us, self._scene.machine.started_us)

    def ill_us(self, lane: str) -> int:
        """For how long the present daemon has had its trouble before its eyes; once mended, for how long it had; 0 when
        that is long over."""
        now_us = self._scene.clock.now_us
        if lane in self._ill_since_us:
            return max(1, now_us - self._shown_since_us(self._ill_since_us[lane]))
        if lane in self._mended_us and now_us - self._mended_us[lane] < AFTERMATH_US:
            return max(1, self._lasted_us[lane])
        return 0

    def unnoticed(self, lane: str) -> bool:
        """Whether it is, or was a moment ago, in trouble that the program had no means to notice."""
        ill_us = self.ill_us(lane)
        return ill_us > 0 and (ill_us < BLINK_US or lane in self._blind)

    @property
    def quiet(self) -> bool:
        """Nobody is in any arm, nor has just been."""
        now_us = self._scene.clock.now_us
        return all(
            not arm.turnstile.busy and now_us - self.moved_us[lane] >= QUIET_US
            for lane, arm in self._scene.hall.arms.items()
        )


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


class Grants(Reckoner):
    """A right of way is for a party, one person a pulse, one direction, for a time; what else passes is flagged."""

    number, name = 14, "rights of way"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._arms = Arms(scene)
        self._pulses: Counter[int] = Counter()
        self._due_us: int | None = None
        pins = scene.hall.pins
        for lane, wire in scene.config.wiring.lanes.items():
            pins.watch(wire.unlock_in, partial(self._unlock_moved, lane, "in"))
            pins.watch(wire.unlock_out, partial(self._unlock_moved, lane, "out"))

    def changed(self, what: str) -> None:
        self._arms.changed(what)

    def started(self) -> None:
        self._pulses.clear()

    def _unlock_moved(self, lane: str, direction: str, energised: bool) -> None:
        """An unlock input of an arm changes."""
        if not energised or self.chronicle.damaged:
            return
        rights = self.account.way(lane).rights
        right = rights[0] if rights else None
        if right is None or right.direction != direction:
            self.broken(f"lane {lane} is freed {direction}, and nobody was granted that: {right}")
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
                if fact.reason == "not_taken" and at < right.until:
                    self.broken(f"{fact} comes {right.until - at} ms before the end of the window")
            case _:
                pass

    def _right(self, lane: str, grant: int | None) -> Right | None:
        return next((one for one in self.account.way(lane).rights if one.grant == grant), None)

    def _granted(self, fact: f.GateGranted) -> None:
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
        if self._arms.ill_us(lane):
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
        if self._closed[lane, fact.direction] < 0 and not (lane in self.scene.hall.arms and self._arms.ill_us(lane)):
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


class Cards(Reckoner):
    """A card is in one place, and a dead one opens no locker and no entry; at the exit it passes, and alarms."""

    number, name = 17, "cards"

    ALARMS: Mapping[str, str] = {"lost": "lost_card_used", "quarantined": "quarantined_card_used"}
    BY_TAP = ("deposit", "reopen", "collect")

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._laid_us: dict[tuple[str, str], int] = {}
        """Place of a reader and card -> when it was last there."""

    def changed(self, what: str) -> None:
        word, _, rest = what.partition(" ")
        daemon = self.scene.machine.daemon
        if word != "card" or daemon is None or not rest.startswith("laid on "):
            return
        name = rest.removeprefix("laid on ")
        for uid in self.scene.hall.cards_on(name):
            card = daemon.controller.panel.card_hash(bytes.fromhex(uid))
            reader = self.scene.site.readers[name]
            self._laid_us[f"{reader.place}{reader.lane}{reader.bank}", card] = self.scene.clock.now_us

    def _was_at(self, place: ReaderPlace, of: str, card: str | None) -> bool:
        """Whether the card lies there, or did a moment ago."""
        laid_us = self._laid_us.get((f"{place}{of}", card or ""))
        if laid_us is not None and self.scene.clock.now_us - laid_us <= TAPPED_US:
            return True
        readers = [n for n, r in self.scene.site.readers.items() if r.place is place and of in (r.lane, r.bank)]
        daemon = self.scene.machine.daemon
        hashed = daemon.controller.panel.card_hash if daemon else None
        uids = (uid for reader in readers for uid in self.scene.hall.cards_on(reader))
        return hashed is None or any(hashed(bytes.fromhex(uid)) == card for uid in uids)

    def heard(self, fact: f.Fact, at: Millis) -> None:
        cards = self.account.cards
        match fact:
            case f.CardEnrolled() if fact.card in cards:
                self.broken(f"{fact}: it is known as {cards[fact.card]}")
            case f.CardIssued():
                held = cards.get(fact.card)
                if held is None or held.state != "stock":
                    self.broken(f"{fact}: it is {held}")
                if other := [c.number for c in cards.values() if (c.state, c.visit) == ("issued", fact.visit)]:
                    self.broken(f"{fact}: the visit holds card {other[0]} already")
                if any(owner[1] == fact.card and owner[0] != fact.visit for owner in self.account.owners.values()):
                    self.broken(f"{fact}: a locker of another visit hangs on it")
            case f.CardReturned():
                party = self.account.parties.get(fact.visit or "")
                if party is not None and party.persons_inside:
                    self.broken(f"{fact}: it comes back, and {party.persons_inside} of its people are inside")
            case f.LockerPulsed() if fact.attempt == 1 and fact.purpose in self.BY_TAP:
                self._alive(fact, fact.card)
                if not self._was_at(ReaderPlace.LOCKER, fact.bank, fact.card):
                    self.broken(f"{fact}: the card was at no reader of this bank")
            case f.LockerAssigned():
                self._alive(fact, fact.card, issued_now=fact.reason == "card_replaced")
            case f.GateGranted() if fact.direction == "in":
                self._alive(fact, fact.card)
                if not self._was_at(ReaderPlace.ENTRY, fact.lane, fact.card):
                    self.broken(f"{fact}: the card was at no reader of this entry")
                if any(one.card == fact.card for way in self.account.ways.values() for one in way.rights):
                    self.broken(f"{fact}: the card stands at another arm")
            case f.GateGranted() if fact.card is not None:
                self._let_out(fact, fact.card)
            case _:
                pass

    def _alive(self, fact: f.Fact, card: str | None, *, issued_now: bool = False) -> None:
        held = self.account.cards.get(card or "")
        if held is None or held.state != "issued":
            self.broken(f"{fact}: its card is {held.state if held else 'unknown'}")
        party = self.account.parties.get(held.visit)
        if party is None or (party.card != card and not issued_now):
            self.broken(f"{fact}: its card speaks for no visit that goes on: {held}")

    def _let_out(self, fact: f.GateGranted, card: str) -> None:
        held = self.account.cards.get(card)
        task = self.ALARMS.get(held.state, "") if held else ""
        raised = (one for one in self.chronicle.batch if isinstance(one, f.TaskRaised) and one.card == card)
        if task and not self.account.has_task(task, card=card) and not any(one.reason == task for one in raised):
            self.broken(f"{fact}: a {held and held.state} card goes out, and nobody is alarmed")


ACCESS: tuple[type[Invariant], ...] = (Occupancy, Grants, Places, Capacity, Cards)
