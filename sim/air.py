"""The air between a reader and its cards (ISO/IEC 14443 type A, 106 kbit/s): bits take time, and cards collide."""

from collections.abc import Sequence
from typing import NamedTuple

CARRIER_MHZ = 13.56
BIT_US = 128 / CARRIER_MHZ
"""One bit at 106 kbit/s."""
ACTIVATION_US = 91
"""Frame delay of request, anticollision and select: 1236 carrier cycles (ISO/IEC 14443-3)."""
POWER_UP_US = 5_000
"""A card answers this long after it came into a field (ISO/IEC 14443-3)."""
REQA, WUPA = 0x26, 0x52
ANTICOLLISION = (0x93, 0x95, 0x97)
"""Command bytes of the three cascade levels."""
CASCADE_TAG = 0x88


class Answer(NamedTuple):
    """What a card sends, and when it begins."""

    data: bytes
    delay_us: int = ACTIVATION_US
    last_bits: int = 0
    """Valid bits of the last byte; 0 = all eight."""


def air_us(size: int, last_bits: int = 0) -> int:
    """Time on the air of a frame: a start bit, nine bits a byte with parity, an end bit; a request has seven."""
    bits = (size - 1) * 9 + last_bits if last_bits else size * 9
    return round((bits + 2) * BIT_US)


def crc_a(data: bytes) -> bytes:
    """CRC_A, low byte first: CCITT reflected, preset 6363 (ISO/IEC 14443-3, annex B)."""
    crc = 0x6363
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return crc.to_bytes(2, "little")


def with_crc(data: bytes) -> bytes:
    return data + crc_a(data)


def merged(answers: Sequence[Answer]) -> tuple[Answer, int]:
    """What a receiver makes of cards that answer at once, and the place of the first bit that collides.

    Places count from 1, and 32 reads as 0 in CollReg, so here it is 32; 0 says that all bits agree.
    """
    first = answers[0]
    if len(answers) == 1:
        return first, 0
    size = max(len(answer.data) for answer in answers)
    together = bytearray(size)
    place = 0
    for index in range(size):
        column = {answer.data[index] for answer in answers if index < len(answer.data)}
        for byte in column:
            together[index] |= byte
        if not place and len(column) > 1:
            differing = 0
            for byte in column:
                differing |= byte ^ answers[0].data[index]
            place = index * 8 + (differing & -differing).bit_length()
    return Answer(bytes(together), first.delay_us, first.last_bits), place
