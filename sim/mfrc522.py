"""A virtual MFRC522 card reader: the chip, the cards in its field, and the cable that it hangs on.

Two faces. The wire: `open` gives the host's end of its chip select; each transfer costs its time on the bus, each
frame its time on the air, both by the chip's own clock. The hand: cards are laid and taken, in the middle of an answer
too; the module is unplugged, browned out, disturbed. Only what noise on the cable does is not held against a driver.
"""

import random
from collections.abc import Callable, Sequence
from enum import Enum

from sim.clock import VirtualClock
from sim.mfrc522_chip import NEVER, Chip
from sim.mifare import Card

LONGEST = 4_096
"""Bytes of one transfer, as the kernel's driver for the bus has it."""
AFTERMATH_US = 15_000_000
"""What noise has left in the registers is not held against a driver for so long; by then it must have found out."""


class Trouble(Enum):
    """What a person, a cable or the mains has done to the module."""

    NONE = "none"
    UNPLUGGED = "unplugged"
    GONE = "gone"
    GARBLED = "garbled"
    HUNG = "hung"


class Mfrc522(Chip):
    """One reader module. `version` is what VersionReg says (92; clones differ); `rng` is the noise on its cable."""

    def __init__(
        self, clock: VirtualClock, *, version: int = 0x92, strict: bool = True, rng: random.Random | None = None
    ) -> None:
        super().__init__(clock, version, strict=strict)
        self.stuck = False
        """While true, cards that are taken stay where they are (glued on, wedged behind the cover)."""
        self.transfers = 0
        """SPI transfers seen so far."""
        self.bytes = 0
        """SPI bytes seen so far."""
        self.on_touch: Callable[[], None] = lambda: None
        """Told before a hand does anything to the module or its cards."""
        self.trouble = Trouble.NONE
        self._floating = 0xFF
        self._rng = rng or random.Random(0)
        self._share = 0.0
        self._wanted: list[Card] = []
        """Cards that somebody tried to take while they were stuck."""

    # -- the hand's face

    def lay(self, card: Card) -> None:
        """Lay a card on the reader."""
        self._touched()
        self._settle()
        self._wanted = [one for one in self._wanted if one is not card]
        if card not in self._field:
            self._field.append(card)
            if self._antenna_on and self.trouble is not Trouble.UNPLUGGED:
                card.power_on(self.clock.now_us)

    def take(self, card: Card) -> None:
        """Take a card away; an answer that it was giving is cut short."""
        self._touched()
        if card not in self._field:
            return
        if self.stuck:
            self._wanted.append(card)
            return
        self._settle()
        self._field.remove(card)
        card.power_off()
        if card in self._answering:
            self._cut()

    def come_off(self) -> None:
        """Nothing is stuck any more: what somebody has pulled at meanwhile comes off."""
        self.stuck = False
        while self._wanted:
            self.take(self._wanted.pop())

    @property
    def cards(self) -> list[str]:
        """UIDs of the cards that lie here, upper-case hex, in the order in which they were laid."""
        return [card.uid.hex().upper() for card in self._field]

    def unplug(self, level: int = 0xFF) -> None:
        """Pull the module's cable: MISO floats high (FF), or is held low (00). A module without power forgets all."""
        self._touched()
        self.trouble = Trouble.UNPLUGGED
        self._floating = level
        self._power_off()

    def vanish(self) -> None:
        """The bus itself goes: every transfer and every opening raises OSError."""
        self._touched()
        self.trouble = Trouble.GONE

    def garble(self, share: float = 1.0) -> None:
        """Noise on the cable: each byte in either direction is random with probability `share`."""
        self._touched()
        self.trouble = Trouble.GARBLED
        self._share = share
        self._forgiven_until_us = NEVER

    def hang(self) -> None:
        """The chip's digital part answers, but its contactless part finishes nothing any more."""
        self._touched()
        self.trouble = Trouble.HUNG

    def mend(self) -> None:
        """End the trouble; a module that had no power starts from its reset values."""
        self._touched()
        if self.trouble is Trouble.UNPLUGGED:
            self._power_up()
        self._forgiven_until_us = min(self._forgiven_until_us, self.clock.now_us + AFTERMATH_US)
        self.trouble = Trouble.NONE

    def brown_out(self) -> None:
        """The supply dips: registers are back at their reset values, the field is off."""
        self._touched()
        self._power_off()
        self._power_up()

    def lose_power(self) -> None:
        """The host's supply was gone for a while. A module that has no power anyway has nothing to lose."""
        if self.trouble is not Trouble.UNPLUGGED:
            self.brown_out()

    def _touched(self) -> None:
        self.on_touch()
        self.clock.catch_up()

    # -- the wire's face

    def open(self, hz: int = 1_000_000) -> "ChipSelect":
        """The host's end of the chip select; an `OpenSpi`. Raises OSError while the bus is gone."""
        if self.trouble is Trouble.GONE:
            raise FileNotFoundError(2, "No such file or directory")
        return ChipSelect(self, hz)

    def transfer_in_trouble(self, data: Sequence[int]) -> list[int]:
        if self.trouble is Trouble.GONE:
            raise OSError(19, "No such device")
        if self.trouble is Trouble.UNPLUGGED:
            return [self._floating] * len(data)
        if self.trouble is Trouble.HUNG:
            self._forget_exchange()
            return self.transfer(data)
        return self._disturbed(self.transfer(self._disturbed(data)))

    def _disturbed(self, data: Sequence[int]) -> list[int]:
        rng = self._rng
        return [rng.randrange(256) if rng.random() < self._share else byte for byte in data]


class ChipSelect:
    """The host's end: a `hal.bus.SpiPort` at `hz` clock pulses a second."""

    def __init__(self, chip: Mfrc522, hz: int) -> None:
        self._chip = chip
        self._takes_us = [-(-8_000_000 * size // hz) for size in range(LONGEST + 1)]
        self._open = True

    def xfer2(self, data: Sequence[int]) -> list[int]:
        """One transfer; what is read and written is as at its end."""
        if not self._open:
            raise OSError(9, "Bad file descriptor")
        chip, size = self._chip, len(data)
        chip.clock.charge(self._takes_us[size])
        chip.transfers += 1
        chip.bytes += size
        return chip.transfer(data) if chip.trouble is Trouble.NONE else chip.transfer_in_trouble(data)

    def close(self) -> None:
        self._open = False
