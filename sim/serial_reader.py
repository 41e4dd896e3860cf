"""A virtual card reader on a serial line: it sends the UID of the card that lies on it, in its maker's framing.

The hand's face is that of `sim.mfrc522`. With several cards on it, it tells them in turns, as such readers do.
"""

from sim.clock import Appointment, WireError
from sim.mifare import Card
from sim.serial_line import VirtualLine

DETECTION_US = 60_000
"""From laying a card to the first byte of its line."""


class SerialCardReader:
    """`framing` wraps the hex digits (`"\\x02{uid}\\r\\n\\x03"`). `repeat_ms` is None where a card is sent once."""

    def __init__(
        self, line: VirtualLine, *, framing: str = "{uid}\r\n", separator: str = "", repeat_ms: int | None = 300
    ) -> None:
        self._line = line
        self._framing, self._separator = framing, separator
        self._repeat_us = None if repeat_ms is None else repeat_ms * 1000
        self._field: list[Card] = []
        self._turn = 0
        self._next: Appointment | None = None
        self.stuck = False
        """While true, cards that are taken stay where they are."""
        self._wanted: list[Card] = []
        line.attach(self)

    # -- the hand's face

    def lay(self, card: Card) -> None:
        """Lay a card on the reader."""
        self._wanted = [one for one in self._wanted if one is not card]
        if card in self._field:
            return
        self._field.append(card)
        self._turn = len(self._field) - 1
        if self._next is not None:
            self._next.cancel()
        self._next = self._line.clock.after(DETECTION_US, self._tell)

    def take(self, card: Card) -> None:
        """Take a card away."""
        if card in self._field and self.stuck:
            self._wanted.append(card)
        elif card in self._field:
            self._field.remove(card)

    def come_off(self) -> None:
        """Nothing is stuck any more: what somebody has pulled at meanwhile comes off."""
        self.stuck = False
        while self._wanted:
            self.take(self._wanted.pop())

    @property
    def cards(self) -> list[str]:
        """UIDs of the cards that lie here, upper-case hex, in the order in which they were laid."""
        return [card.uid.hex().upper() for card in self._field]

    def unplug(self) -> None:
        """Pull the reader's adapter."""
        self._line.unplug()

    def garble(self) -> None:
        """Noise on the line."""
        self._line.noisy = True

    def mend(self) -> None:
        """End the trouble, whatever it was."""
        self._line.noisy = False
        self._line.plug()

    # -- the wire's face

    def receive(self, data: bytes) -> None:
        raise WireError(f"nobody speaks to a reader that only sends: {data.hex(' ')}")

    def _tell(self) -> None:
        self._next = None
        if not self._field:
            return
        uid = self._field[self._turn % len(self._field)].uid
        self._turn += 1
        self._line.send(self._framing.format(uid=uid.hex(self._separator) if self._separator else uid.hex()).encode())
        if self._repeat_us is not None:
            self._next = self._line.clock.after(self._repeat_us, self._tell)
