"""Life safety: what fire does to the arm and to the lockers, and what ends it. That nobody is kept inside is beside it.

The fire panel frees the virtual arm by its own contact in the loop; so what is looked at here is the pin of the release
relay, which the program drives and which sits in the same loop. The pin is watched at each change, so that a late look
costs no precision.
"""

from collections.abc import Callable, Sequence

from firmware.core import facts as f
from firmware.core.site import ContactUse
from firmware.ledger import Told
from hal.clock import Millis
from services.requests import Request
from sim.invariants.chronicle import Reckoner
from sim.invariants.exits import Exits
from sim.invariants.hands import Hands
from sim.invariants.locker_book import LONG_SLACK_US, LockerInvariant
from sim.invariants.promises import Promising
from sim.judge import Invariant, Scene
from sim.machine import End

RELEASE_US = 100_000
FOLLOWS_MS: Millis = 5_000
"""From fire to its fact, with a disk that is well."""


class ReleaseWatch(Reckoner):
    """Base: knows which arms the program holds free, and since when, and whether fire stands at a contact."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.fires = {name for name, one in scene.config.contacts.items() if one.use is ContactUse.FIRE}
        self.fails_free = scene.config.gate.dead_daemon == "free"
        self.pins = {lane: wires.release for lane, wires in scene.config.gate.lanes.items()}
        self.free_since_us: dict[str, int | None] = {}
        """Lane -> since when its relay frees it; None while it holds the arm under control."""
        for lane, pin in self.pins.items():
            scene.hall.pins.watch(pin, self._hears(lane))
            free = scene.hall.pins.level(pin) is not self.fails_free
            self.free_since_us[lane] = scene.clock.now_us if free else None

    @property
    def burning(self) -> bool:
        return any(self.scene.hall.contacts[name] for name in self.fires)

    def fire(self) -> None:
        """A fire contact has become active."""

    def engaged(self, lane: str) -> None:
        """The relay has put an arm under control again."""

    def changed(self, what: str) -> None:
        if what.startswith("contact ") and what.endswith(" active") and what.split()[1] in self.fires:
            self.fire()

    def reachable(self, lane: str) -> bool:
        """Whether the program moves this relay: chip and wire work, and it drives the pin, or the relay falls free."""
        pins = self.scene.hall.pins
        wire = pins.wire(self.pins[lane])
        driven = wire.plugged and wire.pin is not None and wire.pin.is_output
        return not pins.failing and (self.fails_free or driven)

    def _hears(self, lane: str) -> Callable[[bool], None]:
        def moved(level: bool) -> None:
            if level is not self.fails_free:
                self.free_since_us[lane] = self.scene.clock.now_us
            else:
                self.free_since_us[lane] = None
                self.engaged(lane)

        return moved


class FireReleases(ReleaseWatch):
    """1. 100 ms after a fire contact became active the release relay of every arm is at rest, whatever else goes on: a
    hanging loop, a commit, a full or dead disk, a flood. A daemon that starts into a fire has as long from its start.

    Exempt: while the GPIO chip itself fails; and a dead daemon where the site has the relay wired to hold then.
    """

    number = 1
    name = "fire frees the arm"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._due_us: int | None = None

    def fire(self) -> None:
        if self._due_us is None:
            self._due_us = self.scene.clock.now_us + RELEASE_US

    def started(self) -> None:
        if self.burning:
            self.fire()

    def stepped(self) -> None:
        now_us = self.scene.clock.now_us
        if self._due_us is None or now_us < self._due_us:
            return
        due_us, self._due_us = self._due_us, None
        for lane, since_us in self.free_since_us.items():
            if since_us is not None and since_us <= due_us:
                continue
            if self.reachable(lane):
                late = "not yet" if since_us is None else f"after {(since_us - due_us + RELEASE_US) // 1000} ms"
                self.broken(f"the fire contact is active, and the relay of arm {lane} let go {late}")
            if self.scene.hall.pins.failing and self.burning:
                self._due_us = now_us + RELEASE_US  # once the chip works again

    def next_us(self) -> int | None:
        return self._due_us


class NothingDelaysRelease(ReleaseWatch, Promising):
    """2. The record follows the release and never precedes it; while a fire contact is active nothing locks an arm.

    Exempt from the first: while the GPIO chip fails. From the second: a dying daemon, or a pulled cable, where the
    site has the relay wired to hold then.
    """

    number = 2
    name = "nothing delays or cancels the release"

    def told(self, told: Sequence[Told]) -> None:
        for one in told:
            match one.fact:
                case f.EmergencyCleared() if self.burning:
                    self._owe_record()
                case f.EmergencyRaised(reason="fire"):
                    self.kept("raised")  # at once with the end of the last one, too

    def heard(self, fact: f.Fact, at: Millis) -> None:
        if not isinstance(fact, f.EmergencyRaised):
            return
        if fact.reason == "fire":
            self.kept("raised")  # also where a kill came between the disk and the word that it is there
        for lane, since_us in self.free_since_us.items():
            if since_us is None and self.reachable(lane) and self.scene.machine.daemon is not None:
                self.broken(f"an emergency was recorded ({fact.reason}) before arm {lane} was released")

    def fire(self) -> None:
        if not self.account.fire:
            self._owe_record()

    def started(self) -> None:
        if not self.burning:
            self.kept("raised")
        elif not self.account.fire:
            self._owe_record()

    def engaged(self, lane: str) -> None:
        if self.burning and self.reachable(lane):
            self.broken(f"arm {lane} was locked while the fire contact is active")

    def _owe_record(self) -> None:
        if not self.chronicle.damaged:
            self.owe("raised", "a fire was not recorded", calm_ms=FOLLOWS_MS)


class Relocks(ReleaseWatch):
    """3. After fire an arm is put under control only when all contacts are clear and a reset by somebody here is
    durable; by no start.

    Exempt, because nothing is left that could remember: a power cut before the record of the fire was durable, or that
    meets a hurt journal; and a fire that came and went while no scan looked, after which the daemon was killed.
    A daemon's death where the site has the relay wired to hold then.
    """

    number = 3
    name = "only a reset relocks"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.hands = Hands(scene)
        self._keys = [name for name, one in scene.config.contacts.items() if one.use is ContactUse.FIRE_RESET]
        self._standing = False
        """The program has seen a fire that nobody has reset."""
        self._recorded = False
        self._unseen = False
        """No scan has looked since this fire began."""
        self._fire_us = -1
        self._how: End | None = None

    def fire(self) -> None:
        if self.scene.machine.daemon is not None:
            self._stands()

    def started(self) -> None:
        if self._unseen or (self._how == "power" and (not self._recorded or self.chronicle.damaged)):
            self._standing = self._unseen = False
        if self.burning:
            self._stands()

    def stopped(self, how: End) -> None:
        self._how = how

    def stepped(self) -> None:
        machine = self.scene.machine
        if self._unseen and machine.daemon is not None and not machine.hung:
            self._unseen = False

    def changed(self, what: str) -> None:
        super().changed(what)
        self.hands.changed(what)

    def asked(self, request: Request) -> None:
        if request.action == "reset":
            self.hands.asked(request)

    def heard(self, fact: f.Fact, at: Millis) -> None:
        """What was stored as the daemon died is heard as well: a reset that nobody was told of is one."""
        match fact:
            case f.EmergencyRaised():
                self._standing = True
            case f.EmergencyReset():
                self._reset(fact, at)

    def told(self, told: Sequence[Told]) -> None:
        self._recorded |= any(isinstance(one.fact, f.EmergencyRaised) for one in told)

    def engaged(self, lane: str) -> None:
        if self._standing and self.scene.machine.daemon is not None and self.reachable(lane):
            self.broken(f"arm {lane} was put under control, and the fire was never reset")

    def _stands(self) -> None:
        if not self._standing:
            self._recorded, self._unseen = False, True
        self._standing, self._fire_us = True, self.scene.clock.now_us

    def _reset(self, fact: f.EmergencyReset, at: Millis) -> None:
        machine, now_us = self.scene.machine, self.scene.clock.now_us
        decided_us = min(now_us, machine.started_us + (at - self.account.boot_at) * 1000)
        if not self._by_somebody(fact.actor, now_us):
            self.broken(f"an emergency was reset by {fact.actor}, who did nothing")
        if self.burning and self._fire_us < decided_us:
            self.broken("an emergency was reset while the fire contact is active")
        if self._fire_us < decided_us:
            self._standing = False

    def _by_somebody(self, actor: str, now_us: int) -> bool:
        if actor in self._keys:
            return now_us - self.hands.pressed_us.get(actor, -LONG_SLACK_US) < LONG_SLACK_US
        return any(
            one.request.actor == actor and now_us - one.at_us < LONG_SLACK_US for one in self.hands.asks
        )


class FireOpensNoLocker(LockerInvariant):
    """5. While a fire burns or an emergency stands, no latch moves but for a card at its bank, or for a guard."""

    number = 5
    name = "fire opens no locker"

    def moved(self, locker: int, what: str) -> None:
        if what != "latch released":
            return
        burning = any(
            active and self.scene.config.contacts[name].use is ContactUse.FIRE
            for name, active in self.scene.hall.contacts.items()
        )
        if not burning and not self.account.emergency:
            return
        now_us, site = self.scene.clock.now_us, self.scene.site
        since_us = now_us - self.slack_us() - site.not_open_ms * 1000
        readers = self.readers_of[self.bank(locker)]
        by_card = any(one.reader in readers and one.there(since_us, now_us) for one in self.hands.laid)
        by_guard = any(
            one.at_us >= since_us and str(one.request.args.get("locker")) == str(locker) for one in self.hands.asks
        )
        if not by_card and not by_guard:
            self.broken(f"locker {locker} was opened in a fire, and nobody had asked for that")


SAFETY: tuple[type[Invariant], ...] = (FireReleases, NothingDelaysRelease, Relocks, Exits, FireOpensNoLocker)
