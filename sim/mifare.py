"""Contactless cards as ISO/IEC 14443A has them: what they hear, what they answer, and how soon.

A card without a field is off. Powered, it is IDLE; a request takes it to READY, a select that names its whole UID to
ACTIVE, a halt to HALT, from which only WUPA wakes it. Whatever it did not expect sends it back, without an answer, to
where it was woken: IDLE, or HALT. A UID longer than four bytes is told in several cascade levels, each of which begins
with the cascade tag except the last. Crypto1 itself cannot be seen at the reader chip's bus, so a frame here is plain
text with a mark that says whether it was enciphered.
"""

from enum import Enum, auto
from typing import Protocol

from sim.air import ANTICOLLISION, CASCADE_TAG, POWER_UP_US, WUPA, Answer, crc_a, with_crc
from sim.clock import WireError

ACK, NAK_NOT_ALLOWED, NAK_CRC = 0xA, 0x4, 0x5


class Reader(Protocol):
    """The hand's face of every virtual card reader, whatever wire it hangs on."""

    stuck: bool
    """While true, cards that are taken stay where they are (glued on, wedged behind the cover)."""

    @property
    def cards(self) -> list[str]:
        """UIDs of the cards that lie here, upper-case hex, in the order in which they were laid."""
        ...

    def lay(self, card: "Card") -> None: ...

    def take(self, card: "Card") -> None: ...

    def unplug(self) -> None:
        """Pull its cable."""
        ...

    def garble(self) -> None:
        """Noise on its cable."""
        ...

    def mend(self) -> None:
        """End the trouble, whatever it was."""
        ...


class State(Enum):
    OFF = auto()
    IDLE = auto()
    READY = auto()
    ACTIVE = auto()
    HALT = auto()


class Card:
    """Any ISO 14443A card up to its selection. `uid` has 4, 7 or 10 bytes."""

    def __init__(self, uid: bytes, *, atqa: bytes = b"", sak: int = 0x20) -> None:
        if len(uid) not in (4, 7, 10) or uid[0] == CASCADE_TAG:
            raise ValueError(f"no card has the UID {uid.hex()}")
        self.uid = uid
        self.atqa = atqa or bytes(({4: 0x04, 7: 0x44, 10: 0x84}[len(uid)], 0))
        self.sak = sak
        self.state = State.OFF
        self.powered_us = 0
        self._halted = False  # woken from HALT, so it goes back there
        self._level = 0
        tagged = [bytes((CASCADE_TAG,)) + uid[at : at + 3] for at in range(0, len(uid) - 4, 3)] + [uid[-4:]]
        self._levels = [part + bytes((part[0] ^ part[1] ^ part[2] ^ part[3],)) for part in tagged]

    # -- the field

    def power_on(self, now_us: int) -> None:
        self.state = State.IDLE
        self.powered_us = now_us
        self._halted = False

    def power_off(self) -> None:
        self.state = State.OFF

    # -- the air

    def hear(self, frame: bytes, last_bits: int, enciphered: bool, now_us: int) -> Answer | None:
        """A frame has reached the card; what it answers, if anything."""
        if self.state is State.OFF or now_us < self.powered_us + POWER_UP_US:
            return None
        if enciphered != self.enciphered:
            return self._back()
        if last_bits == 7 and len(frame) == 1:
            return self._requested(frame[0])
        if last_bits:
            return self._back()
        if self.state is State.READY:
            return self._anticollision(frame)
        if self.state is State.ACTIVE:
            if frame == b"\x50\x00\x57\xcd":
                self._fall(halted=True)
                return None
            return self._command(frame)
        return None

    @property
    def enciphered(self) -> bool:
        """Whether the card expects Crypto1."""
        return False

    def authenticate(self, key_b: bool, block: int, key: bytes, uid4: bytes) -> bool:
        """The three passes of Crypto1; a card that knows none goes back without a word."""
        self._back()
        return False

    def _requested(self, request: int) -> Answer | None:
        if self.state is State.IDLE or (self.state is State.HALT and request == WUPA):
            self._halted = self.state is State.HALT
            self.state = State.READY
            self._level = 0
            return Answer(self.atqa)
        return self._back()

    def _anticollision(self, frame: bytes) -> Answer | None:
        if len(frame) < 2 or frame[0] != ANTICOLLISION[self._level]:
            return self._back()
        if frame[1] == 0x20 and len(frame) == 2:
            return Answer(self._levels[self._level])
        if frame != with_crc(bytes((frame[0], 0x70)) + self._levels[self._level]):
            return self._back()
        self._level += 1
        if self._level < len(self._levels):
            return Answer(with_crc(bytes((self.sak | 0x04,))))
        self.state = State.ACTIVE
        return Answer(with_crc(bytes((self.sak & ~0x04,))))

    def _command(self, frame: bytes) -> Answer | None:
        return self._back()

    def _back(self) -> Answer | None:
        """What a card does that hears what it did not expect: it goes back, and says nothing."""
        if self.state in (State.READY, State.ACTIVE):
            self._fall(halted=self._halted)
        return None

    def _fall(self, *, halted: bool) -> None:
        self.state = State.HALT if halted else State.IDLE


class Ultralight(Card):
    """A MIFARE Ultralight or NTAG: pages of four bytes, read four at a time and wrapping round; no keys."""

    def __init__(self, uid: bytes, *, pages: int = 16) -> None:
        super().__init__(uid, sak=0x00)
        self.memory = bytearray(4 * pages)

    def _command(self, frame: bytes) -> Answer | None:
        if frame[-2:] != crc_a(frame[:-2]):
            return Answer(bytes((NAK_CRC,)), last_bits=4)
        page = frame[1] * 4
        if frame[0] == 0x30 and len(frame) == 4 and page < len(self.memory):
            return Answer(with_crc((bytes(self.memory) * 2)[page : page + 16]), READ_US)
        if frame[0] == 0xA2 and len(frame) == 8 and 16 <= page < len(self.memory):
            self.memory[page : page + 4] = frame[2:6]
            return Answer(bytes((ACK,)), WRITE_US, last_bits=4)
        self._back()
        return Answer(bytes((0x0,)), last_bits=4)


READ_US = 280
"""A card has 5 ms to answer a READ; real ones begin after about this."""
WRITE_US = 4_000
"""A card has 10 ms for a WRITE: it programs its memory before it acknowledges."""

# Access condition C1 C2 C3 of a data block -> the keys that may read it, the keys that may write it (MF1S50 data
# sheet, memory access). `a` and `b` are the keys.
DATA_ACCESS = {
    0b000: ("ab", "ab"),
    0b010: ("ab", ""),
    0b100: ("ab", "b"),
    0b110: ("ab", "b"),
    0b001: ("ab", ""),
    0b011: ("b", "b"),
    0b101: ("b", ""),
    0b111: ("", ""),
}


class Classic(Card):
    """A MIFARE Classic 1K: sixteen sectors of four blocks; the last of each is its trailer: keys and access bits."""

    BLOCKS = 64

    def __init__(self, uid: bytes) -> None:
        super().__init__(uid, sak=0x08)
        transport = b"\xff" * 6 + b"\xff\x07\x80\x69" + b"\xff" * 6
        self.blocks = [bytearray(transport if block % 4 == 3 else 16) for block in range(self.BLOCKS)]
        self.blocks[0][: len(uid)] = uid
        self._sector: int | None = None
        self._key = "a"
        self._writing: int | None = None

    @property
    def enciphered(self) -> bool:
        return self.state is State.ACTIVE and self._sector is not None

    def authenticate(self, key_b: bool, block: int, key: bytes, uid4: bytes) -> bool:
        """A refused card goes back to where it was woken: the next command is a request again."""
        if self.state is State.ACTIVE and block < self.BLOCKS and uid4 == self.uid[-4:]:
            trailer = self.blocks[block | 3]
            if key == (trailer[10:] if key_b else trailer[:6]):
                self._sector, self._key, self._writing = block // 4, "b" if key_b else "a", None
                return True
        self._back()
        return False

    def set_keys(self, sector: int, key_a: bytes, key_b: bytes) -> None:
        """Give a sector its keys by hand, as a card printer does."""
        self.blocks[sector * 4 + 3][:6], self.blocks[sector * 4 + 3][10:] = key_a, key_b

    def _requested(self, request: int) -> Answer | None:
        self._sector = self._writing = None
        return super()._requested(request)

    def _fall(self, *, halted: bool) -> None:
        self._sector = self._writing = None
        super()._fall(halted=halted)

    def power_off(self) -> None:
        self._sector = self._writing = None
        super().power_off()

    def _command(self, frame: bytes) -> Answer | None:
        if frame[-2:] != crc_a(frame[:-2]):
            self._back()
            return Answer(bytes((NAK_CRC,)), last_bits=4)
        if self._writing is not None:
            return self._written(frame[:-2])
        code, block = frame[0], frame[1]
        if len(frame) != 4 or code not in (0x30, 0xA0):
            return self._back()
        if block // 4 != self._sector or not self._may(block, write=code == 0xA0):
            self._back()
            return Answer(bytes((NAK_NOT_ALLOWED,)), last_bits=4)
        if code == 0x30:
            return Answer(with_crc(self._shown(block)), READ_US)
        self._writing = block
        return Answer(bytes((ACK,)), last_bits=4)

    def _written(self, data: bytes) -> Answer | None:
        block, self._writing = self._writing, None
        if block is None or len(data) != 16:
            return self._back()
        c1, c2, c3 = data[7] >> 4, data[8] & 0x0F, data[8] >> 4
        if block % 4 == 3 and (data[6] ^ 0xFF, data[7] & 0x0F ^ 0x0F) != (c2 << 4 | c1, c3):
            raise WireError(f"access bits {data[6:9].hex(' ')} would lock sector {block // 4} for ever")
        self.blocks[block][:] = data
        return Answer(bytes((ACK,)), WRITE_US, last_bits=4)

    def _shown(self, block: int) -> bytes:
        return bytes(6) + bytes(self.blocks[block][6:]) if block % 4 == 3 else bytes(self.blocks[block])

    def _may(self, block: int, *, write: bool) -> bool:
        if block == 0 and write:
            return False
        if block % 4 == 3:
            return True  # what a trailer's own conditions forbid is not modelled; key A reads as zeros always
        trailer, bit = self.blocks[block | 3], block % 4
        c1, c2, c3 = trailer[7] >> (4 + bit) & 1, trailer[8] >> bit & 1, trailer[8] >> (4 + bit) & 1
        condition = c1 << 2 | c2 << 1 | c3
        return self._key in DATA_ACCESS[condition][write]
