"""The MFRC522 reader chip: what to write to its registers, and how to read the outcome, in few SPI transfers.

A transfer costs a Pi about 50 us of Python and kernel, whatever its length, so everything here is a matter of counting
transfers. Built on the `mfrc522` library, whose names for registers and commands and whose settings are used as they
are. Replaced is what waits and what reaches past the chip: the library's own exchange spins through 2,000 transfers for
an empty field, its constructor claims a pin and opens the bus. Here an exchange is started and later looked at:

- bytes for the FIFO go in one burst; registers are read in one burst, each address naming what the next byte brings
  (data sheet 8.1.2.1);
- CRC_A is computed on the host, which costs no transfer; the chip's coprocessor would cost ten;
- one look reads everything that judges an exchange, the chip's version and its antenna with it, so that a dead cable
  or a chip that lost its settings shows in the very poll in which it happens.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from mfrc522 import MFRC522

from hal.bus import SpiPort

VERSIONS = (0x91, 0x92, 0x88, 0x12)
"""VersionReg of MFRC522 1.0 and 2.0, and of the FM17522 and other clones."""

TIMER_RELOAD = 11
"""An answer must begin within (11 + 1) * 500 us = 6 ms: requests and selects take 0.1 ms, a READ at most 5 ms. The tick
is (2 * 0xD3E + 1) / 13.56 MHz, as the library sets it (data sheet 8.5)."""

RX_IRQ, IDLE_IRQ, ERR_IRQ, TIMER_IRQ = 0x20, 0x10, 0x02, 0x01
COLLISION = 0x08
START_SEND, FLUSH, CRYPTO1_ON, ANTENNA = 0x80, 0x80, 0x08, 0x03


def crc_a(data: bytes) -> bytes:
    """CRC_A, low byte first: polynomial x^16 + x^12 + x^5 + 1, preset 6363 (ISO/IEC 14443-3)."""
    crc = 0x6363
    for byte in data:
        byte ^= crc & 0xFF
        byte = (byte ^ byte << 4) & 0xFF
        crc = (crc >> 8) ^ (byte << 8) ^ (byte << 3) ^ (byte >> 4)
    return bytes((crc & 0xFF, crc >> 8))


class Look(NamedTuple):
    """The registers that judge an exchange, as one burst reads them."""

    irq: int
    error: int
    level: int
    control: int
    tx_control: int
    status2: int
    version: int

    @property
    def over(self) -> bool:
        return self.irq & (RX_IRQ | IDLE_IRQ | ERR_IRQ | TIMER_IRQ) != 0

    @property
    def silent(self) -> bool:
        """Nobody answered before the timer ran out."""
        return self.irq & (RX_IRQ | IDLE_IRQ | ERR_IRQ) == 0

    @property
    def collided(self) -> bool:
        return self.error & COLLISION != 0

    @property
    def enciphered(self) -> bool:
        """Whether Crypto1 is on."""
        return self.status2 & CRYPTO1_ON != 0

    @property
    def clean(self) -> bool:
        """An answer of whole bytes, without an error."""
        return self.irq & RX_IRQ != 0 and self.error == 0 and self.control & 0x07 == 0


def _burst(*registers: int) -> list[int]:
    return [0x80 | register << 1 for register in registers] + [0]


def _write(register: int, value: int) -> list[int]:
    return [register << 1, value]


class Rc522(MFRC522):
    """One chip behind one chip select. Every method may raise OSError: the bus is gone."""

    _LOOK = _burst(
        MFRC522.CommIrqReg,
        MFRC522.ErrorReg,
        MFRC522.FIFOLevelReg,
        MFRC522.ControlReg,
        MFRC522.TxControlReg,
        MFRC522.Status2Reg,
        MFRC522.VersionReg,
    )
    _SETTINGS = _burst(
        MFRC522.ModeReg,
        MFRC522.TxModeReg,
        MFRC522.RxModeReg,
        MFRC522.TxControlReg,
        MFRC522.TxAutoReg,
        MFRC522.TxSelReg,
        MFRC522.RxSelReg,
        MFRC522.RxThresholdReg,
        MFRC522.DemodReg,
        MFRC522.ModWidthReg,
        MFRC522.RFCfgReg,
        MFRC522.GsNReg,
        MFRC522.CWGsPReg,
        MFRC522.ModGsPReg,
        MFRC522.TModeReg,
        MFRC522.TPrescalerReg,
        MFRC522.TReloadRegH,
        MFRC522.TReloadRegL,
    )

    _BEGIN = (_write(MFRC522.CommandReg, MFRC522.PCD_IDLE), _write(MFRC522.CommIrqReg, 0x7F))
    _EMPTY_FIFO = _write(MFRC522.FIFOLevelReg, FLUSH)
    _SEND: ClassVar[dict[int, tuple[list[int], ...]]] = {
        last_bits: (
            _write(MFRC522.BitFramingReg, last_bits),
            _write(MFRC522.CommandReg, MFRC522.PCD_TRANSCEIVE),
            _write(MFRC522.BitFramingReg, START_SEND | last_bits),
        )
        for last_bits in (0, 7)
    }

    def __init__(self, spi: SpiPort) -> None:
        # The library's constructor is left out on purpose: it opens the bus itself, drives a pin that is the UART's
        # on many boards, and adds a log handler each time.
        self.spi = spi
        self._settings: list[int] = []
        self._leftover = True

    def version(self) -> int:
        return self.Read_MFRC522(self.VersionReg)

    def configure(self) -> None:
        """Reset the chip and set it up; 12 transfers. Cards are ready 5 ms later, not before."""
        self.MFRC522_Init()
        self.Write_MFRC522(self.TReloadRegL, TIMER_RELOAD)
        self._settings = self.spi.xfer2(self._SETTINGS)
        self._leftover = True

    def keeps_settings(self) -> bool:
        """Whether every setting still reads as it did when it was made; one transfer."""
        return self.spi.xfer2(self._SETTINGS) == self._settings

    def start(self, frame: Sequence[int], short: bool = False) -> None:
        """Send a frame (`short`: seven bits, as requests are) and listen for its answer; six transfers."""
        self._prepare(frame)
        for order in self._SEND[7 if short else 0]:
            self.spi.xfer2(order)

    def start_authentication(self, order: Sequence[int]) -> None:
        """Begin MFAuthent: 60 or 61, block, key of six bytes, the last four bytes of the UID; four transfers."""
        self._prepare(order)
        self.Write_MFRC522(self.CommandReg, self.PCD_AUTHENT)

    def stop_crypto(self) -> None:
        """Leave Crypto1; the next frame goes out in plain text."""
        self.Write_MFRC522(self.Status2Reg, 0)

    def look(self) -> Look:
        """How the exchange stands; one transfer."""
        look = Look._make(self.spi.xfer2(self._LOOK)[1:])
        self._leftover = look.level != 0
        return look

    def answer(self, size: int) -> bytes:
        """The whole answer out of the FIFO, `size` bytes as the look said; one transfer."""
        self._leftover = False
        return bytes(self.spi.xfer2(_burst(*(self.FIFODataReg,) * size))[1:])

    def mistrust(self) -> None:
        """Something did not add up: the next exchange flushes the FIFO first, at the price of one transfer."""
        self._leftover = True

    def _prepare(self, content: Sequence[int]) -> None:
        for order in self._BEGIN:
            self.spi.xfer2(order)
        if self._leftover:
            self.spi.xfer2(self._EMPTY_FIFO)
        self._leftover = True  # until a look has found the FIFO empty
        self.spi.xfer2([self.FIFODataReg << 1, *content])
