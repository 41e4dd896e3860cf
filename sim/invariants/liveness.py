"""Liveness (30): whoever taps is answered, an arm that is granted opens, and after trouble everything works again."""

from functools import partial

from firmware.core import facts as f
from firmware.core.site import ReaderPlace
from hal.clock import Millis
from sim.invariants.chronicle import Reckoner
from sim.judge import Scene

ANSWER_US = 2_000_000
WELL_MS: Millis = 60_000
"""After so long without trouble, everything serves again."""
RESTART_US = 15_000_000
LEAST_TAP_US = 300_000
"""A card that is withdrawn sooner may not have been read."""
EMPTY_US = 2_000_000
"""So long must a reader have been empty: one that still believes in the card before sees two, or none anew."""
FORGOTTEN_US = 20_000_000
"""A card that was refused within this time may be refused again without a record of its own."""
WAYS_OUT = 20
"""Exits without a visit that may stand behind each other; the next are let out by those."""
CONNECTED_MS: Millis = 180_000
"""A keepalive, and the longest pause between two tries to connect."""
LOOK_US = 30_000_000


class Liveness(Reckoner):
    """A quiet tap at a healthy reader is answered within 2 s, a grant opens the arm, trouble that is over is over.

    A tap is quiet when its card lies alone and long enough on a reader that was empty before, and was at no reader a
    moment ago. Desk readers answer through whoever sits there.
    """

    number, name = 30, "liveness"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        hall, wiring = scene.hall, scene.config.wiring
        self._places = {name: reader.place for name, reader in scene.site.readers.items()}
        self._emptied_us: dict[str, int] = dict.fromkeys(hall.readers, 0)
        self._tapped_us: dict[str, int] = {}
        """Card -> when it was last laid anywhere."""
        self._waiting: dict[str, tuple[str, int]] = {}
        """Reader -> the card that was quietly laid there, and when."""
        self._granted: dict[str, tuple[int, int]] = {}
        """Lane -> the right of way that waits for the arm to open, and since when."""
        self._hung_us: int | None = None
        self._well_from_us = 0
        self._look_us = LOOK_US
        for lane, wire in wiring.lanes.items():
            for pin in (wire.unlock_in, wire.unlock_out):
                hall.pins.watch(pin, partial(self._unlock_moved, lane))

    # -- what happens

    def changed(self, what: str) -> None:
        word, _, rest = what.partition(" ")
        if word == "card":
            verb, _, reader = rest.split(" ", 2)
            if verb == "laid":
                self._laid(reader)
            else:
                self._taken(reader)
        elif word == "arm":
            self._granted.pop(rest.partition(" ")[0], None)  # somebody is in it, or it has been freed

    def _laid(self, reader: str) -> None:
        now_us, daemon = self.scene.clock.now_us, self.scene.machine.daemon
        uids = self.scene.hall.cards_on(reader)
        self._waiting.pop(reader, None)
        cards = [daemon.controller.panel.card_hash(bytes.fromhex(uid)) for uid in uids] if daemon else []
        if len(cards) != 1 or self._places[reader] is ReaderPlace.DESK:
            self._emptied_us[reader] = now_us
            self._tapped_us.update(dict.fromkeys(cards, now_us))  # one that stays may yet be answered
            return
        card = cards[0]
        known_us = self._tapped_us.get(card)
        self._tapped_us[card] = now_us
        quiet = now_us - self._emptied_us[reader] >= EMPTY_US and not self._served_already(reader, card)
        if quiet and (known_us is None or now_us - known_us >= FORGOTTEN_US):
            self._waiting[reader] = card, now_us

    def _taken(self, reader: str) -> None:
        now_us = self.scene.clock.now_us
        self._emptied_us[reader] = now_us
        waiting = self._waiting.get(reader)
        if waiting is not None and now_us - waiting[1] < LEAST_TAP_US:
            del self._waiting[reader]

    def _served_already(self, reader: str, card: str) -> bool:
        """The way out is open for this card, or for as many as ever stand behind each other."""
        if self._places[reader] is not ReaderPlace.EXIT:
            return False
        rights = self.account.way(self.scene.site.readers[reader].lane).rights
        return any(right.card == card for right in rights) or len(rights) >= WAYS_OUT

    def _unlock_moved(self, lane: str, energised: bool) -> None:
        if energised:
            self._granted.pop(lane, None)

    def heard(self, fact: f.Fact, at: Millis) -> None:
        card, reader = getattr(fact, "card", None), getattr(fact, "reader", None)
        for name in [n for n, (waits, _) in self._waiting.items() if waits == card or n == reader]:
            del self._waiting[name]
        if isinstance(fact, f.GateGranted) and not self.account.way(fact.lane).rights and not self.account.emergency:
            self._granted[fact.lane] = fact.grant, self.scene.clock.now_us

    # -- what must have happened by now

    def started(self) -> None:
        self._waiting.clear()
        self._granted.clear()

    def next_us(self) -> int | None:
        since = [laid_us for _, laid_us in self._waiting.values()] + [at_us for _, at_us in self._granted.values()]
        soonest_us = min(since, default=self._look_us) + ANSWER_US if since else self._look_us
        return min(soonest_us, self._look_us)

    def stepped(self) -> None:
        now_us = self.scene.clock.now_us
        if self.scene.machine.hung:
            self._hung(now_us)
            return
        self._hung_us = None
        for reader, (card, laid_us) in list(self._waiting.items()):
            if now_us - laid_us >= ANSWER_US:
                del self._waiting[reader]
                self._unanswered(reader, card)
        for lane, (grant, since_us) in list(self._granted.items()):
            if now_us - since_us >= ANSWER_US:
                del self._granted[lane]
                self._unopened(lane, grant)
        if now_us >= self._look_us:
            self._look_us = now_us + LOOK_US
            self._check_recovered()

    def _hung(self, now_us: int) -> None:
        self._well_from_us = now_us
        self._waiting.clear()
        self._granted.clear()
        if self._hung_us is None:
            self._hung_us = now_us
        if now_us - self._hung_us > RESTART_US:
            self.broken("the loop has stood still for 15 s, and nothing has restarted it")

    def _well(self, *devices: str) -> bool:
        """These, the disk and the daemon have been without trouble for a minute."""
        hung_ms = (self.scene.clock.now_us - self._well_from_us) // 1000
        return min(hung_ms, self.scene.well_for_ms("disk", "daemon", *devices)) >= WELL_MS

    def _unanswered(self, reader: str, card: str) -> None:
        site = self.scene.site.readers[reader]
        if not self._well(reader):
            return
        if site.place is ReaderPlace.EXIT and self.account.emergency:
            if self._well(site.lane) and self.scene.hall.arms[site.lane].turnstile.state != "free_both":
                self.broken(f"a card at {reader} in an emergency, and the arm is not free")
            return
        if not self.chronicle.damaged:
            self.broken(f"a card ({card}) was quietly laid on {reader} 2 s ago, and nothing was said or done about it")

    def _unopened(self, lane: str, grant: int) -> None:
        rights = self.account.way(lane).rights
        waits = bool(rights) and rights[0].grant == grant and not rights[0].passed
        if waits and self._well(lane) and not self.scene.hall.arms[lane].turnstile.busy:
            self.broken(f"lane {lane}: grant {grant} was given 2 s ago, and the arm has not opened")

    def _check_recovered(self) -> None:
        """A minute after the disk is well it is written again, and soon after that the broker is connected."""
        daemon, opinion = self.scene.machine.daemon, self.scene.opinion
        if daemon is None or opinion is None or self.chronicle.damaged:
            return
        ledger = daemon.controller.ledger
        if (ledger.dead or opinion.degraded) and self._well():
            self.broken(f"the disk has been well for a minute, and the hall is degraded: {ledger.trouble}")
        connected = daemon.telemetry is None or daemon.telemetry.connected
        if not connected and self.scene.well_for_ms("broker", "daemon") >= CONNECTED_MS:
            self.broken("the broker has been there for three minutes, and there is no connection")
