"""What hands did: cards on readers, buttons, and what was asked for at the desk. Whatever opens must go back to one.

A card laid on a reader is one tap, however often the reader finds it there; laid anew, it is another. Cards are told
by their keyed hash, as the facts tell them.
"""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass

from firmware.panel import CardHash
from services.requests import Request
from sim.judge import Scene
from sim.world import card_key

REMEMBERED_US = 120_000_000
"""A tap is of no more use to anybody so long after the card was taken away."""


@dataclass(slots=True, eq=False)
class Laid:
    """A card on a reader, from when to when."""

    reader: str
    card: str
    """Its keyed hash."""
    uid: str
    laid_us: int
    taken_us: int | None = None
    used: bool = False
    """Something was opened by it."""

    def there(self, from_us: int, until_us: int) -> bool:
        """Whether it lay there at any moment between these."""
        return self.laid_us <= until_us and (self.taken_us is None or self.taken_us >= from_us)


@dataclass(slots=True, eq=False)
class Asked:
    """A request, and when it came."""

    at_us: int
    request: Request
    used: bool = False


class Hands:
    """Hears `changed` and `asked`."""

    def __init__(self, scene: Scene) -> None:
        self._hall = scene.hall
        self._clock = scene.clock
        self._hash = CardHash(card_key(scene.machine.seed))
        self.laid: list[Laid] = []
        """Oldest first."""
        self.asks: deque[Asked] = deque(maxlen=200)
        self.pressed_us: dict[str, int] = {}
        """Contact -> when it last became active."""

    def changed(self, what: str) -> str | None:
        """The reader on which a card was laid or taken, if that is what happened."""
        if what.startswith("card "):
            reader = what.rpartition(" ")[2]
            self._look_at(reader, laid=what.startswith("card laid"))
            return reader
        if what.startswith("contact ") and what.endswith(" active"):
            self.pressed_us[what.split()[1]] = self._clock.now_us
        elif what.startswith(("fault ", "mended ")):
            reader = what.split()[1]
            if reader in self._hall.readers:
                self._look_at(reader, laid=False)
        return None

    def asked(self, request: Request) -> None:
        self.asks.append(Asked(self._clock.now_us, request))

    def on(self, reader: str) -> list[Laid]:
        """What lies there now."""
        return [one for one in self.laid if one.reader == reader and one.taken_us is None]

    def tap(self, readers: Collection[str], card: str, from_us: int, until_us: int, since_us: int = 0) -> Laid | None:
        """The oldest tap of this card that nothing was opened by yet, laid at `since_us` or later."""
        return next((
            one for one in self.laid
            if one.card == card and one.reader in readers and not one.used and one.laid_us >= since_us
            and one.there(from_us, until_us)
        ), None)  # fmt: skip

    def _look_at(self, reader: str, *, laid: bool) -> None:
        now_us = self._clock.now_us
        uids = self._hall.cards_on(reader)
        known = {one.uid: one for one in self.on(reader)}
        for uid, one in known.items():
            if uid not in uids:
                one.taken_us = now_us
        if not laid:
            return
        new = [uid for uid in uids if uid not in known] or uids  # what lies there already was lifted and laid again
        for uid in new:
            if uid in known:
                known[uid].taken_us = now_us
            self.laid.append(Laid(reader, self._hash(bytes.fromhex(uid)), uid, now_us))
        old_us = now_us - REMEMBERED_US
        self.laid = [one for one in self.laid if one.taken_us is None or one.taken_us >= old_us]
