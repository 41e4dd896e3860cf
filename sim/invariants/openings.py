"""What opens a locker: never a start, never a doubt, never one tap twice, and nobody alone who may not be.

A latch that draws back is held against the facts, and each of these against a hand: the card that was laid on a reader
of that bank, or the two guards who asked. One tap is worth one opening.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from firmware.core import facts as f
from firmware.core.site import ContactUse, ReaderPlace
from firmware.ledger import Told
from hal.clock import Millis
from services.requests import Request
from sim.hall import Direction
from sim.invariants.hands import Asked
from sim.invariants.locker_book import BY_CARD, BY_GUARD, SENSED_MS, LockerInvariant
from sim.invariants.promises import Promising
from sim.judge import Invariant, Scene
from sim.machine import End

IN_FLIGHT_US = 50_000
"""A command that the dying daemon had put on the wire arrives all the same."""
PULSED_US = 4_000_000
"""From a pulse that stands to the latch: the power supply feeds one lock at a time, and what has waited for 3 s is not
pulsed any more."""
GLIMPSE_US = 2_000_000
"""A door that is shut again so soon may never have been seen open."""


@dataclass(slots=True, eq=False)
class Authorised:
    """One pulse that may now be given."""

    fact: f.LockerPulsed
    until_us: int
    durable: bool


class Authorisations(LockerInvariant, Promising):
    """6. Behind each latch that draws back stands one fact, durable before, and behind that one hand. What opens
    otherwise is told as forced.

    Exempt: with nothing durable to be had (degraded) an owner's locker opens on the assignment that is, and what was
    authorised before is tried again; with a hurt journal, which nobody can reckon with, by a card at its bank.
    A door that is broken open while it is being opened by its owner cannot be told from one that obeys.
    """

    number = 6
    name = "each opening is authorised once"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._authorised: dict[int, list[Authorised]] = {}
        self._overrides: dict[tuple[int, str], f.OverrideUsed] = {}

    def heard(self, fact: f.Fact, at: Millis) -> None:
        super().heard(fact, at)
        if isinstance(fact, f.LockerOpened | f.LockerForced):  # it may have been stored by a program that died of it
            self.kept(("forced", fact.locker))

    def judged(self, fact: f.Fact, at: Millis) -> None:
        match fact:
            case f.OverrideUsed(action="inspect" | "release", locker=int()):
                self._asked_for(fact)
                self._overrides[fact.locker, fact.action] = fact  # type: ignore[index]
            case f.LockerPulsed():
                if fact.attempt == 1:
                    self._traced_back(fact, at)
                dead = self.ledger_waits
                if dead and fact.attempt == 1 and fact.purpose not in ("collect", "reopen"):
                    self.broken(f"locker {fact.locker} is to be opened ({fact.purpose}), and nothing can be recorded")
                right = Authorised(fact, self.scene.clock.now_us + PULSED_US, durable=dead)
                self._authorised.setdefault(fact.locker, []).append(right)
            case f.LockerOpened():
                self._explained(fact)

    def told(self, told: Sequence[Told]) -> None:
        for one in told:
            if isinstance(one.fact, f.LockerPulsed):
                for right in self._authorised.get(one.fact.locker, []):
                    right.durable |= right.fact is one.fact

    def moved(self, locker: int, what: str) -> None:
        match what:
            case "latch released":
                self._released(locker)
            case "door forced" if self._must_be_told(locker):
                self.owe(
                    ("forced", locker), f"locker {locker} was broken open, and nobody was told",
                    f"locker-{locker}", self.bank(locker), calm_ms=SENSED_MS,
                )  # fmt: skip
            case "door closed":
                self.kept(("forced", locker))

    def stopped(self, how: End) -> None:
        super().stopped(how)
        until_us = self.scene.clock.now_us + IN_FLIGHT_US
        for rights in self._authorised.values():
            for right in rights:
                right.until_us = min(right.until_us, until_us)
        self._overrides.clear()

    def _released(self, locker: int) -> None:
        now_us = self.scene.clock.now_us
        if self.chronicle.damaged:
            since_us = now_us - self.slack_us() - self.scene.site.not_open_ms * 1000
            readers = self.readers_of[self.bank(locker)]
            if not any(one.reader in readers and one.there(since_us, now_us) for one in self.hands.laid):
                self.broken(f"locker {locker} was opened, and no card lay at its bank")
            return
        rights = self._authorised[locker] = [
            right for right in self._authorised.get(locker, []) if right.until_us >= now_us
        ]
        if not rights:
            self.broken(f"the latch of locker {locker} was drawn back, and nothing had authorised it")
        if not rights.pop(0).durable:
            self.broken(f"the latch of locker {locker} was drawn back before its authorisation was durable")

    def _traced_back(self, fact: f.LockerPulsed, at: Millis) -> None:
        """To the hand: its owner's card, or the guard who asked."""
        known, now_us = self.book[fact.locker], self.decided_us(at)
        if fact.purpose in BY_GUARD:
            if self._overrides.pop((fact.locker, fact.purpose), None) is None:
                self.broken(f"locker {fact.locker} is to be opened ({fact.purpose}), and no override was recorded")
            return
        if fact.purpose not in BY_CARD:
            self.broken(f"locker {fact.locker} is to be opened for no known purpose: {fact.purpose}")
        if not known.visit or fact.card != known.card or fact.visit != known.visit:
            self.broken(f"locker {fact.locker} of {known.visit or 'nobody'} is to be opened for {fact.visit}")
        tap = self.hands.tap(self.readers_of[known.bank], fact.card, now_us - self.slack_us(), now_us)
        if tap is None:
            self.broken(f"locker {fact.locker} is to be opened, and its owner's card was not laid down for that")
        tap.used = True

    def _explained(self, fact: f.LockerOpened) -> None:
        """By the last pulse, as long as that can explain it; a new hall may find a door open, and say just that."""
        purpose = self.book[fact.locker].purpose
        if fact.purpose not in (purpose, "unwatched"):
            why = f"was last pulsed for {purpose}" if purpose else "no pulse can explain that"
            self.broken(f"locker {fact.locker} is told to have opened ({fact.purpose}), and {why}")

    def _asked_for(self, fact: f.OverrideUsed) -> None:
        asked = next((one for one in self.hands.asks if not one.used and _asks_for(one, fact)), None)
        if asked is None:
            self.broken(f"an override ({fact.action} {fact.locker}) by {fact.actor}, who did not ask for it")
        asked.used = True

    def _must_be_told(self, locker: int) -> bool:
        """Whether a door that is broken open now cannot be taken for one that obeys a pulse."""
        known = self.book[locker]
        return known.opening is None and not known.purpose and known.door != "open"


def _asks_for(asked: Asked, fact: f.OverrideUsed) -> bool:
    args = asked.request.args
    return (
        asked.request.action == fact.action
        and asked.request.actor == fact.actor
        and str(args.get("locker")) == str(fact.locker)
        and (args.get("second") or None) == fact.second
    )


class StartsMoveNothing(LockerInvariant):
    """9. What opens a locker or the arm is a hand's act since this start of the daemon, whatever lay there before.

    Exempt: two cards that a reader in trouble believes to see. Nothing confirms a collision but the collision itself;
    at an exit that is worth one way out, and an alarm.
    """

    number = 9
    name = "a start moves nothing"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._rights: dict[tuple[str, str], dict[int, int]] = {}
        """Lane and direction -> grant of this start -> pulses that are left of it."""
        readers = scene.config.readers.items()
        self._gate_readers = {
            (lane, direction): [name for name, one in readers if one.place is place and one.lane == lane]
            for lane in scene.config.gate.lanes
            for direction, place in (("in", ReaderPlace.ENTRY), ("out", ReaderPlace.EXIT))
        }
        contacts = scene.config.contacts.items()
        self._buttons = {
            lane: [name for name, one in contacts if one.use is ContactUse.EXIT_BUTTON and one.lane == lane]
            for lane in scene.config.gate.lanes
        }
        for lane, wires in scene.config.gate.lanes.items():
            scene.hall.pins.watch(wires.unlock_in, self._unlocks(lane, "in"))
            scene.hall.pins.watch(wires.unlock_out, self._unlocks(lane, "out"))

    def judged(self, fact: f.Fact, at: Millis) -> None:
        match fact:
            case f.LockerPulsed(attempt=1):
                if fact.purpose in BY_GUARD:
                    fresh = any(one.at_us >= self.started_us for one in self.hands.asks)
                else:
                    fresh = self._laid_since(self.readers_of[fact.bank], fact.card)
                if not fresh:
                    self.broken(f"locker {fact.locker} is to be opened, and nobody has asked for that since the start")
            case f.GateGranted():
                if not self._fresh(fact):
                    self.broken(f"a way {fact.direction} is granted, and nobody has asked for it since the start")
                self._rights.setdefault((fact.lane, fact.direction), {})[fact.grant] = fact.persons

    def stopped(self, how: End) -> None:
        super().stopped(how)
        self._rights.clear()

    def _fresh(self, fact: f.GateGranted) -> bool:
        readers = self._gate_readers[fact.lane, fact.direction]
        if fact.card:
            return self._laid_since(readers, fact.card)
        if fact.reason == "two_cards":
            laid = any(one.reader in readers and one.laid_us >= self.started_us for one in self.hands.laid)
            return laid or self.scene.well_for_ms(*readers) < SENSED_MS
        pressed_us = [self.hands.pressed_us.get(name, -1) for name in self._buttons[fact.lane]]
        return fact.reason == "exit_button" and max(pressed_us, default=-1) >= self.started_us

    def _laid_since(self, readers: list[str], card: str | None) -> bool:
        return any(
            one.card == card and one.reader in readers and one.laid_us >= self.started_us for one in self.hands.laid
        )

    def _unlocks(self, lane: str, direction: Direction) -> Callable[[bool], None]:
        return lambda level: self._unlocked(lane, direction) if level else None

    def _unlocked(self, lane: str, direction: Direction) -> None:
        if self.chronicle.damaged and direction == "out":
            return
        rights = self._rights.get((lane, direction), {})
        grant = next((grant for grant, left in rights.items() if left > 0), None)
        if grant is None:
            self.broken(f"the arm of {lane} was freed {direction}, and no grant of this start had asked for it")
        rights[grant] -= 1


class OneOpening(LockerInvariant, Promising):
    """10. One authorisation, one opening at most; tried again only while none was seen, few times, and not for long.

    Exempt: a door whose switch or board was in trouble since the first pulse, or that was shut again before two answers
    could tell of it, may have opened unseen, and be pulsed again.
    """

    number = 10
    name = "one authorisation, one opening"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._begun_us: dict[int, int] = {}
        """Locker -> when it was last authorised to open."""
        self._openings: dict[int, int] = {}
        """Locker -> how often it has opened since then."""
        self._opened_us: dict[int, int] = {}
        self._drawn: set[int] = set()
        """Lockers whose latch was drawn back and that did not open since."""

    def judged(self, fact: f.Fact, at: Millis) -> None:
        if isinstance(fact, f.LockerPulsed):
            if fact.attempt == 1:
                self._first(fact)
            else:
                self._again(fact, at)
        elif isinstance(fact, f.LockerFact):
            if isinstance(fact, f.LockerJammed):
                self._jammed(fact, at)
            if not isinstance(fact, f.LockerUnreadable | f.LockerReadable | f.LockerAssigned | f.LockerReleased):
                self.kept(("ends", fact.locker))

    def moved(self, locker: int, what: str) -> None:
        now_us = self.scene.clock.now_us
        match what:
            case "latch released":
                self._drawn.add(locker)
            case "door open" if locker in self._drawn:
                self._drawn.discard(locker)
                self._opened_us[locker] = now_us
                self._openings[locker] = self._openings.get(locker, 0) + 1
                if self._openings[locker] > 1 and self._seen_all_along(locker):
                    self.broken(f"locker {locker} has opened {self._openings[locker]} times for one authorisation")
            case "door closed" if now_us - self._opened_us.get(locker, 0) < GLIMPSE_US:
                self._openings[locker] = max(0, self._openings.get(locker, 0) - 1)

    def stopped(self, how: End) -> None:
        super().stopped(how)
        for locker in self.book:
            self.kept(("ends", locker))

    def _first(self, fact: f.LockerPulsed) -> None:
        locker, site = fact.locker, self.scene.site
        if self.book[locker].opening is not None:
            self.broken(f"locker {locker} is to be opened while it is being opened")
        self._begun_us[locker], self._openings[locker] = self.scene.clock.now_us, 0
        what = f"locker {locker} was pulsed, and nothing was made of it"
        self.owe(("ends", locker), what, after_ms=site.not_open_ms, calm_ms=SENSED_MS)

    def _again(self, fact: f.LockerPulsed, at: Millis) -> None:
        locker, site = fact.locker, self.scene.site
        opening = self.book[locker].opening
        if opening is None:
            self.broken(f"locker {locker} is pulsed again, and no pulse of this start came before")
        if fact.attempt != opening.attempt + 1 or fact.purpose != opening.purpose:
            self.broken(f"after pulse {opening.attempt} ({opening.purpose}) locker {locker} gets {fact}")
        if fact.attempt > site.lock_pulses or at - opening.first_at >= site.not_open_ms:
            self.broken(f"locker {locker} is pulsed for the {fact.attempt}. time, {at - opening.first_at} ms later")
        if opening.blind or fact.door == "unknown":
            self.broken(f"locker {locker} is pulsed again, and nobody knows whether it is open")
        opened_us = self._opened_us.get(locker, -1)
        seen = self._begun_us.get(locker, 0) <= opened_us < self.decided_us(at) - GLIMPSE_US
        if seen and self._openings.get(locker) and self._seen_all_along(locker):
            self.broken(f"locker {locker} is pulsed again, though it has opened")

    def _jammed(self, fact: f.LockerJammed, at: Millis) -> None:
        opening, site = self.book[fact.locker].opening, self.scene.site
        if opening is None or at - opening.first_at < site.not_open_ms:
            self.broken(f"locker {fact.locker} is told to be jammed before it was tried for {site.not_open_ms} ms")
        if opening.attempt < site.lock_pulses and self.calm_for_ms() > site.not_open_ms + SENSED_MS:
            self.broken(f"locker {fact.locker} is told to be jammed after {opening.attempt} pulses")

    def _seen_all_along(self, locker: int) -> bool:
        begun_us = self._begun_us.get(locker, 0)
        return self.sees_well(locker) * 1000 > self.scene.clock.now_us - begun_us


class TwoPeople(LockerInvariant):
    """12. Each opening by order names one locker; where the site wants two people, two different ones stand behind it.

    There is no order that opens many lockers. So that whoever wanted to would need two people for each of them.
    """

    number = 12
    name = "two people open other people's lockers"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._alone: list[Request] = []
        """What was asked by one person where two are needed, and is not answered yet."""

    def judged(self, fact: f.Fact, at: Millis) -> None:
        match fact:
            case f.OverrideUsed(action="inspect" | "release"):
                if not self._enough(fact.action, fact.actor, fact.second):
                    self.broken(f"{fact.action} of locker {fact.locker} by {fact.actor} and {fact.second or 'nobody'}")
            case f.LockerPulsed(attempt=1) if fact.purpose in BY_GUARD:
                batch = self.chronicle.batch
                orders = [one for one in batch if isinstance(one, f.OverrideUsed) and one.locker == fact.locker]
                if not orders:
                    self.broken(f"locker {fact.locker} is to be opened ({fact.purpose}) by nobody's order")

    def asked(self, request: Request) -> None:
        super().asked(request)
        second = request.args.get("second")
        if request.action in BY_GUARD and not self._enough(request.action, request.actor, str(second or "") or None):
            self._alone.append(request)

    def stepped(self) -> None:
        if not self._alone:
            return
        for request in [one for one in self._alone if one.future.done()]:
            self._alone.remove(request)
            if request.future.result()["ok"]:
                self.broken(f"{request.action} {dict(request.args)} was done for {request.actor} alone")

    def _enough(self, action: str, actor: str, second: str | None) -> bool:
        return second != actor and (second is not None or action not in self.scene.site.reasons_two_people)


OPENINGS: tuple[type[Invariant], ...] = (Authorisations, StartsMoveNothing, OneOpening, TwoPeople)
