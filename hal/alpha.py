"""Frames of the Alpha sign protocol (BetaBrite and kin): bytes in, bytes out, no port and no time.

A frame is five NULs, by which the sign finds the speed, then SOH, type, address, STX, one command, an optional checksum
and EOT. Everything between is printable ASCII but for a few control codes, so a sign gets lost at most until the next
frame. The priority file, label `0`, is shown instead of everything else on the sign for as long as it has a text.
"""

from typing import Literal

SYNC = b"\x00" * 5
SOH, STX, ETX, EOT = b"\x01", b"\x02", b"\x03", b"\x04"
ALL_TYPES = b"Z"
BROADCAST = b"00"

WRITE_TEXT = b"A"
PRIORITY = b"0"
PRIORITY_MOST = 125  # bytes of text that the priority file takes

ESC = b"\x1b"
NEW_LINE = b"\x0d"
COLOUR = b"\x1c"
MIDDLE, FILL = b"\x20", b"\x30"

Mode = Literal["hold", "flash", "scroll"]
MODES: dict[Mode, bytes] = {"hold": b"b", "flash": b"c", "scroll": b"a"}
"""`scroll` is what the protocol calls rotate: the text runs through from right to left."""

Colour = Literal["red", "green", "amber"]
COLOURS: dict[Colour, bytes] = {"red": b"1", "green": b"2", "amber": b"3"}


def frame(command: bytes, *, checksum: bool, address: bytes = BROADCAST) -> bytes:
    """A whole frame around one command. The checksum is the 16-bit sum from STX to ETX, four upper-case hex digits."""
    body = STX + command
    if checksum:
        body += ETX
        body += b"%04X" % (sum(body) & 0xFFFF)
    return SYNC + SOH + ALL_TYPES + address + body + EOT


def priority_text(text: bytes, mode: Mode, colour: Colour | None, *, lines: int = 1) -> bytes:
    """The command that shows `text` (printable ASCII, lines separated by NEW_LINE) over everything else."""
    position = MIDDLE if lines == 1 else FILL
    tint = b"" if colour is None else COLOUR + COLOURS[colour]
    return WRITE_TEXT + PRIORITY + ESC + position + MODES[mode] + tint + text


def no_priority_text() -> bytes:
    """The command that gives the sign back to its own messages."""
    return WRITE_TEXT + PRIORITY
