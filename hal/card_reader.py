"""The card reader driver: who lies on the reader, told as arrivals, departures and collisions.

Ten times a second a round is walked: wake every card in the field (WUPA reaches halted ones too), read the UID level
by level (ISO 14443-3: 4, 7 or 10 bytes), select a card that was not known yet, and send what is there back to sleep
(HLTA). So a card that lies still answers in every round, a second one beside it collides in the anticollision, and a
UID is believed only when the card itself has confirmed it with a checksum. Each exchange is started in one scan and
looked at in a later one: the driver never waits, and the generator that walks the round says where it stands.

Rounds begin at each full 100 ms. What is lost in the air (a card at the edge of the field,
one withdrawn in mid-read) is a miss, of which `hal.card_field` makes a departure. What does not add up on the wire (a
version that no chip has, settings lost, an exchange that never ends) is no miss: it strikes at the reader's health, and
the chip is set up anew. Cards that lay there before are still believed until the reader can look again.
"""

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from hal.bus import OpenSpi
from hal.card_field import CardField, Field
from hal.clock import Clock, Millis
from hal.rc522 import ANTENNA, IDLE_IRQ, VERSIONS, Look, Rc522, crc_a
from hal.seen import NOTHING_MOVED, SCAN_MS, CardSeen, Health
from hal.standing import Standing

ROUND_MS: Millis = 100
PROBE_ROUNDS = 100
"""So many rounds from one look at all the chip's settings to the next: 10 s."""
SETTLE_MS: Millis = 10
"""After a reset the field must have stood for 5 ms before a card can answer."""
HALT_MS: Millis = 2
"""HLTA has no answer; after this it is no longer on the air."""
EXCHANGE_MS: Millis = 15
"""The chip's own timer ends every exchange within 10 ms; a chip that does not is broken."""
STRIKES = 3
"""Bad looks in a row that make the health fall."""
RECOVERY = 10
"""Good looks in a row that make it rise: a second."""
REOPEN_MS = (1_000, 2_000, 4_000, 8_000, 16_000, 30_000)
CALM_MS: Millis = 60_000
"""A bus that stays for so long starts its back-off anew when it goes again."""
NEVER: Millis = 1 << 62
LOST = "the reader chip has lost its settings: check its 3.3 V supply and the ground"

CASCADE_TAG = 0x88
HALT = bytes((Rc522.PICC_HALT, 0)) + crc_a(bytes((Rc522.PICC_HALT, 0)))


@dataclass(frozen=True, slots=True)
class BlockRead:
    """A block of a card, read under its key; `data` is None when the card refused the key or was withdrawn."""

    uid: bytes
    block: int
    data: bytes | None


@dataclass(frozen=True, slots=True)
class _Wanted:
    block: int
    key: bytes
    key_b: bool


Round = Generator[None, Look, bytes | Field]
"""A round under way: yields when it has started an exchange, is sent the look at its end, returns what it found."""


class CardReader:
    """An MFRC522 module.

    A card that lay there before another was put beside it, and that is alone again, arrives no second time; of two laid
    together, the one that stays arrives when the other is taken.
    """

    def __init__(self, open_spi: OpenSpi, clock: Clock) -> None:
        self._open_spi = open_spi
        self._chip: Rc522 | None = None
        self._configured = False
        self._round: Round | None = None
        self._slot = -1
        """The slot of the last scan: whichever scan is the first of another one begins a round."""
        self._began: Millis = 0
        """The round under way, or the last one."""
        self._took: Millis = 0
        """The last round, from its first scan to its last."""
        self._started: Millis = 0
        """The exchange under way."""
        self._free_at: Millis = 0
        self._opened_at: Millis = 0
        self._reopen_at: Millis = 0
        self._losses = 0

        self._field = CardField()
        self._standing = Standing(strikes=STRIKES, recovery=RECOVERY)
        self._picture: object = None
        self._settled = False
        self._wanted: _Wanted | None = None
        self._block_read: BlockRead | None = None

        now = clock.now()
        try:
            self._open(now)
        except OSError as error:
            self._lose(now, error)

    @property
    def health(self) -> Health:
        return self._standing.health

    @property
    def detail(self) -> str:
        return self._standing.detail

    def poll(self, now: Millis) -> Sequence[CardSeen]:
        fresh, self._slot = now // ROUND_MS != self._slot, now // ROUND_MS
        if self._round is None and not fresh and self._chip is not None:
            return ()
        try:
            return self._advance(now, fresh)
        except OSError as error:
            self._lose(now, error)
            return ()

    def due(self, now: Millis, moved: Millis = NOTHING_MOVED) -> Millis:
        if self._chip is None:
            return max(now, self._reopen_at)
        if self._round is not None:
            return now
        if self._settled and self._wanted is None and self._began > moved:
            return NEVER
        return (now // ROUND_MS + 1) * ROUND_MS

    def under_way(self, at: Millis) -> Millis | None:
        """See `hal.seen.Asking.under_way`."""
        began = at - at % ROUND_MS // SCAN_MS * SCAN_MS
        return None if self._chip is None or at > began + self._took else began

    def passed_over(self, last: Millis) -> None:
        """See `hal.seen.Asking.passed_over`."""
        self._slot = max(self._slot, last // ROUND_MS)

    def close(self) -> None:
        chip, self._chip, self._round = self._chip, None, None
        self._reopen_at = NEVER
        if chip is not None:
            with suppress(OSError):  # the bus may be gone already, which is what closing is for
                chip.spi.close()

    def request_block(self, block: int, key: bytes, *, key_b: bool = False) -> None:
        """Read a block of the card that lies here, in the next round; `take_block` has the outcome when it is over."""
        self._wanted, self._block_read = _Wanted(block, key, key_b), None

    def take_block(self) -> BlockRead | None:
        """The outcome of the last `request_block`, once; None before it is known."""
        read, self._block_read = self._block_read, None
        return read

    # -- the scan

    def _advance(self, now: Millis, fresh: bool) -> Sequence[CardSeen]:
        chip = self._chip
        if chip is None:
            if now >= self._reopen_at:
                self._open(now)
        elif now < self._free_at:
            pass
        elif self._round is not None:
            return self._look(chip, self._round, now)
        elif fresh:
            self._begin(chip, now)
        return ()

    def _begin(self, chip: Rc522, now: Millis) -> None:
        self._began = now
        if not self._configured:
            self._set_up(chip, now)
        elif now // ROUND_MS % PROBE_ROUNDS == 0 and not chip.keeps_settings():
            self._fail(Health.SILENT, LOST, now)
        else:
            self._round = self._walk(chip)
            self._started = now
            next(self._round)

    def _look(self, chip: Rc522, under_way: Round, now: Millis) -> Sequence[CardSeen]:
        look = chip.look()
        if look.version not in VERSIONS:
            self._fail(*_wrong_version(look.version), now)
        elif look.tx_control & ANTENNA != ANTENNA:
            self._fail(Health.SILENT, LOST, now)
        elif look.over:
            self._standing.good()
            self._started = now
            try:
                under_way.send(look)
            except StopIteration as end:
                return self._end(chip, end.value, now)
        elif now - self._started >= EXCHANGE_MS:
            self._fail(Health.SILENT, "the reader chip answers but finishes no exchange: replace the reader", now)
        return ()

    def _end(self, chip: Rc522, found: bytes | Field, now: Millis) -> Sequence[CardSeen]:
        """A round is over: let the cards sleep, and tell what is new."""
        self._round = None
        if found is Field.UNREADABLE:
            chip.mistrust()
        if found is not Field.EMPTY:
            chip.start(HALT)
            self._free_at = now + HALT_MS
        if self._wanted is not None:
            if self._block_read is None:
                self._block_read = BlockRead(b"", self._wanted.block, None)
            self._wanted = None
        known = found is Field.EMPTY or found == self._field.present
        seen = self._field.tell(found)
        self._compare(now)
        if known and self._field.keeps(found) and self._standing.health is Health.OK:
            self._settled = self._took < ROUND_MS  # it went as the next one will: a card that is new takes longer
        return seen

    def _compare(self, now: Millis) -> None:
        """Two rounds that went alike: so will the third, unless something is laid, taken, plugged or pulled."""
        self._took = now - self._began
        picture = (self._took, self._standing.picture, self._field.picture, self._configured)
        self._settled, self._picture = picture == self._picture and self._took < ROUND_MS, picture

    # -- the field

    def _walk(self, chip: Rc522) -> Round:
        """One round through the field, an exchange at a time."""
        chip.start((chip.PICC_REQALL,), short=True)
        look = yield
        if look.enciphered:  # noise on the wire can do that, and no card would understand us any more
            chip.stop_crypto()
            return Field.UNREADABLE
        if look.silent:
            return Field.EMPTY
        # The ATQA stays unread: it says nothing that we need, and cards of different kinds garble each other's.
        uid = b""
        for level in (0x93, 0x95, 0x97):
            chip.start((level, 0x20))
            look = yield
            if look.collided:
                return Field.SEVERAL
            if not look.clean or look.level != 5:
                return Field.UNREADABLE
            part = chip.answer(5)
            if part[0] ^ part[1] ^ part[2] ^ part[3] != part[4]:
                return Field.UNREADABLE
            last = part[0] != CASCADE_TAG
            uid += part[:4] if last else part[1:4]
            if last and uid == self._field.present and self._wanted is None:
                return uid
            select = bytes((level, 0x70)) + part
            chip.start(select + crc_a(select))
            look = yield
            if not look.clean or look.level != 3:
                return Field.UNREADABLE
            sak = chip.answer(3)
            if sak[1:] != crc_a(sak[:1]) or bool(sak[0] & 0x04) is last:
                return Field.UNREADABLE
            if last:
                if self._wanted is not None:
                    yield from self._read_block(chip, uid, self._wanted)
                return uid
        return Field.UNREADABLE

    def _read_block(self, chip: Rc522, uid: bytes, wanted: _Wanted) -> Generator[None, Look, None]:
        """Authenticate the selected card for a block and read it."""
        data = None
        command = chip.PICC_AUTHENT1B if wanted.key_b else chip.PICC_AUTHENT1A
        chip.start_authentication(bytes((command, wanted.block)) + wanted.key + uid[-4:])
        look = yield
        if look.irq & IDLE_IRQ and not look.error:
            read = bytes((chip.PICC_READ, wanted.block))
            chip.start(read + crc_a(read))
            look = yield
            if look.clean and look.level == 18:
                answer = chip.answer(18)
                if answer[16:] == crc_a(answer[:16]):
                    data = answer[:16]
            chip.stop_crypto()
        self._block_read = BlockRead(uid, wanted.block, data)

    # -- trouble

    def _open(self, now: Millis) -> None:
        self._chip = Rc522(self._open_spi())
        self._opened_at = self._began = now
        self._set_up(self._chip, now, certain=True)  # the first word on a reader is the truth, whatever it is

    def _set_up(self, chip: Rc522, now: Millis, *, certain: bool = False) -> None:
        version = chip.version()
        if version in VERSIONS:
            chip.configure()
            self._configured = True
            self._settled, self._picture = False, None
            self._free_at = now + SETTLE_MS
        else:
            self._fail(*_wrong_version(version), now, certain=certain)

    def _fail(self, kind: Health, detail: str, now: Millis, *, certain: bool = False) -> None:
        """Something did not add up on the wire: give the round up, and set the chip up anew in the next."""
        self._standing.bad(kind, detail, certain=certain)
        self._round = None
        self._configured = False
        self._compare(now)

    def _lose(self, now: Millis, error: OSError) -> None:
        """The bus is gone; try again after a while, and then after a longer one."""
        if self._chip is not None and now - self._opened_at >= CALM_MS:
            self._losses = 0
        self.close()
        self._reopen_at = now + REOPEN_MS[min(self._losses, len(REOPEN_MS) - 1)]
        self._losses += 1
        self._configured = self._settled = False
        reason = error.strerror or "no reason given"
        detail = f"the SPI bus is missing ({reason}): check that it is enabled and that its device node exists"
        self._standing.bad(Health.GONE, detail, certain=True)


def _wrong_version(version: int) -> tuple[Health, str]:
    if version in (0x00, 0xFF):
        where = "check MISO, power and chip select"
        return Health.SILENT, f"no answer from the reader chip (VersionReg reads {version:02X}): {where}"
    where = "check the length of the wires, the ground and the SPI clock"
    return Health.GARBLED, f"the reader chip's answers do not add up (VersionReg reads {version:02X}): {where}"
