"""What lock boards on RS-485 say, as pure functions between bytes and meaning.

Three families: Kerong CU16 (16 locks, `02 ADDR CMD 03 SUM`), Kerong CU48 (48 locks, the lock in a byte of its own) and
the "8A" family of many makers (`8A` unlocks, `80` asks, XOR at the end). Each answers a question about its whole board
with a map of bits. The door is believed from that map alone: what a board says to an unlock is about its relay, differs
between firmware versions, and in the 8A family has the very bytes of the request, so that an adapter's echo would pass
for it. Makers disagree about which bit value means closed, and about the order of the bytes: those are settings here.
"""

from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import Literal, Protocol

from hal.bus import SerialSettings

Bit = Literal[0, 1]


@dataclass(frozen=True, slots=True)
class Status:
    """What one board said of all its locks. In both maps bit 0 is its first lock."""

    address: int
    closed: int
    """A set bit: this door is closed."""
    content: int | None
    """A set bit: something is seen in this locker. None where no content sensors are fitted."""


class LockProtocol(Protocol):
    """One family's frames. Locks count from 0 within their board."""

    @property
    def settings(self) -> SerialSettings:
        """The line as these boards leave the factory."""
        ...

    @property
    def addresses(self) -> range:
        """What the board's address switches can be set to."""
        ...

    @property
    def most_locks(self) -> int: ...

    @property
    def reply_length(self) -> int:
        """Bytes of a board's answer to `ask`."""
        ...

    def unlock(self, address: int, lock: int) -> bytes:
        """The command that pulses one lock once."""
        ...

    def ask(self, address: int) -> bytes:
        """The question for the state of a whole board."""
        ...

    def decode(self, frame: bytes) -> Status | None:
        """`reply_length` bytes as an answer to `ask`; None unless head, form and checksum are right."""
        ...


@dataclass(frozen=True, slots=True)
class Cu16:
    """Kerong CU16: the board in the address byte's upper four bits, the lock in its lower four; the sum closes a frame.

    Address F0 speaks to all boards at once, so 15 is nobody's own.
    """

    closed_bit: Bit = 1
    content_bit: Bit | None = None
    """The value that says "something is there"; None without infrared sensors."""

    settings = SerialSettings(19200)
    addresses = range(15)
    most_locks = 16
    reply_length = 9

    def unlock(self, address: int, lock: int) -> bytes:
        return _summed(bytes((0x02, address << 4 | lock, 0x31, 0x03)))

    def ask(self, address: int) -> bytes:
        return _summed(bytes((0x02, address << 4, 0x30, 0x03)))

    def decode(self, frame: bytes) -> Status | None:
        head, address, command, *maps, tail, _ = frame
        if (head, address & 0x0F, command, tail) != (0x02, 0, 0x35, 0x03) or frame != _summed(frame[:-1]):
            return None
        return _two_maps(address >> 4, bytes(maps), self.closed_bit, self.content_bit)


@dataclass(frozen=True, slots=True)
class Cu48:
    """Kerong CU48: as the CU16, with a whole byte for the board and another for the lock."""

    closed_bit: Bit = 1
    content_bit: Bit | None = None
    """The value that says "something is there"; None without infrared sensors."""

    settings = SerialSettings(19200)
    addresses = range(256)
    most_locks = 48
    reply_length = 18

    def unlock(self, address: int, lock: int) -> bytes:
        return _summed(bytes((0x02, address, lock, 0x61, 0x03)))

    def ask(self, address: int) -> bytes:
        return _summed(bytes((0x02, address, 0x00, 0x60, 0x03)))

    def decode(self, frame: bytes) -> Status | None:
        head, address, lock, command, *maps, tail, _ = frame
        if (head, lock, command, tail) != (0x02, 0, 0x75, 0x03) or frame != _summed(frame[:-1]):
            return None
        return _two_maps(address, bytes(maps), self.closed_bit, self.content_bit)


@dataclass(frozen=True, slots=True)
class EightA:
    """The 8A family: address by switches 1 to 32, channels from 1, the XOR of what precedes closes a frame.

    `80 ADDR S.. 33 BCC` answers the question for channel 0, which is all. Without content sensors.
    """

    status_bytes: Literal[3, 4, 7] = 3
    """Length of the map, which follows the board's model: up to 24, 32, 50 channels."""
    closed_bit: Bit = 1
    first_channels_last: bool = False
    """Whether the last byte of the map, rather than the first, holds channels 1 to 8."""

    settings = SerialSettings(9600)
    addresses = range(1, 33)

    @property
    def most_locks(self) -> int:
        return min(8 * self.status_bytes, 50)

    @property
    def reply_length(self) -> int:
        return self.status_bytes + 4

    def unlock(self, address: int, lock: int) -> bytes:
        return _xored(bytes((0x8A, address, lock + 1, 0x11)))

    def ask(self, address: int) -> bytes:
        return _xored(bytes((0x80, address, 0x00, 0x33)))

    def decode(self, frame: bytes) -> Status | None:
        head, address, *maps, tail, _ = frame
        if (head, tail) != (0x80, 0x33) or frame != _xored(frame[:-1]):
            return None
        bits = int.from_bytes(bytes(maps), "big" if self.first_channels_last else "little")
        return Status(address, _set_means(self.closed_bit, bits, 8 * self.status_bytes), None)


def statuses(protocol: LockProtocol, heard: bytes) -> tuple[list[Status], bytes]:
    """Find every whole answer in a stretch of bytes, wherever it begins.

    Returns the answers in order, and the bytes that belong to none: noise, an echo, other frames, half an answer.
    """
    found: list[Status] = []
    rest = bytearray()
    at = 0
    length = protocol.reply_length
    while at < len(heard):
        frame = heard[at : at + length]
        status = protocol.decode(frame) if len(frame) == length else None
        if status is None:
            rest.append(heard[at])
            at += 1
        else:
            found.append(status)
            at += length
    return found, bytes(rest)


def _two_maps(address: int, maps: bytes, closed_bit: Bit, content_bit: Bit | None) -> Status:
    """First half doors, second half infrared sensors; the lowest locks come first in each."""
    half = len(maps) // 2
    doors, sensors = int.from_bytes(maps[:half], "little"), int.from_bytes(maps[half:], "little")
    content = None if content_bit is None else _set_means(content_bit, sensors, 8 * half)
    return Status(address, _set_means(closed_bit, doors, 8 * half), content)


def _set_means(value: Bit, bits: int, width: int) -> int:
    """The map turned so that a set bit means what `value` meant."""
    return bits if value else bits ^ ((1 << width) - 1)


def _summed(body: bytes) -> bytes:
    return body + bytes((sum(body) & 0xFF,))


def _xored(body: bytes) -> bytes:
    return body + bytes((reduce(xor, body),))
