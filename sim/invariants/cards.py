"""Cards (17): where each is, by where it was laid, and what a dead one may do."""

from collections.abc import Mapping

from firmware.core import facts as f
from firmware.core.site import ReaderPlace
from hal.clock import Millis
from sim.invariants.chronicle import Reckoner
from sim.judge import Scene
from sim.machine import End

TAPPED_US = 60_000_000
"""A tap is decided within this time, even behind a disk that stalls; else it has been forgotten."""


class Cards(Reckoner):
    """A card is in one place, and a dead one opens no locker and no entry; at the exit it passes, and alarms."""

    number, name = 17, "cards"

    ALARMS: Mapping[str, str] = {"lost": "lost_card_used", "quarantined": "quarantined_card_used"}
    BY_TAP = ("deposit", "reopen", "collect")

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._laid_us: dict[tuple[str, str], int] = {}
        """Place of a reader and card -> when it was last there."""
        self._ended_us = 0

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

    def stopped(self, how: End) -> None:
        self._ended_us = self.scene.clock.now_us

    def _was_at(self, place: ReaderPlace, of: str, card: str | None) -> bool:
        """Whether the card lies there, or did a moment ago."""
        laid_us = self._laid_us.get((f"{place}{of}", card or ""))
        decided_us = self._ended_us if self.chronicle.catching_up else self.scene.clock.now_us
        if laid_us is not None and decided_us - laid_us <= TAPPED_US:
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
