"""Virtual LED signs: they hear bytes, and show what a person below would read.

`VirtualAlphaSign` is written from the Alpha protocol's frame: five NULs, SOH, type, address, STX, a command, perhaps
ETX and a checksum, EOT. As a real one it drops what noise has spoilt and waits for the next frame; a frame that arrives
undisturbed and is wrong all the same is the driver's error, and fails the run. Noise on a virtual line always sets a
byte's eighth bit, which no Alpha frame has.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import ClassVar

from sim.clock import WireError
from sim.serial_line import VirtualLine

NUL, SOH, STX, ETX, EOT = 0x00, 0x01, 0x02, 0x03, 0x04
NULS_LEAST = 5
CALL_STRING, NEW_LINE, FONT, ESC, COLOUR = 0x10, 0x0D, 0x1A, 0x1B, 0x1C
PRIORITY = "0"
TEXT_MOST = 125
FRAME_MOST = 4_096
MODES = {"a": "rotate", "b": "hold", "c": "flash", "m": "scroll", "o": "auto"}
COLOURS = {"1": "red", "2": "green", "3": "amber"}
POSITIONS = {0x20: "middle", 0x22: "top", 0x26: "bottom", 0x30: "fill"}
LABELS = range(0x20, 0x7F)


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text as it was written, and how it is to be shown."""

    mode: str
    position: str
    data: bytes


class Hearing(Enum):
    """Where in a frame the sign is."""

    NOTHING = auto()
    SYNC = auto()
    FRAME = auto()


class VirtualAlphaSign:
    """One sign at the end of a line. It has one set of files, of which the priority file is shown if it exists."""

    def __init__(self, line: VirtualLine, *, address: str = "01", sign_type: str = "^", checksum: bool = False) -> None:
        """`checksum`: this model insists on one; others take it when it is there."""
        self._line = line
        self._address = address
        self._type = sign_type
        self._wants_checksum = checksum
        self._hearing = Hearing.NOTHING
        self._nuls = 0
        self._frame = bytearray()
        self.frames = 0
        """Frames taken so far."""
        self.on_shown: Callable[[], None] = lambda: None
        """Told when it shows something else."""
        self._repeated = b""
        """What was heard last, if it was one whole frame and all of it is done: again it does nothing new."""
        self.files: dict[str, TextFile] = {}
        self.strings: dict[str, bytes] = {}
        self._configured: set[str] = set()
        line.attach(self, quiet=True)

    # -- the hand's face

    @property
    def reads(self) -> str:
        """What a person reads: the lines, joined by a space; empty when the sign is dark."""
        return " ".join(self.lines)

    @property
    def lines(self) -> list[str]:
        file = self._shown
        if file is None:
            return []
        text, data = "", iter(file.data)
        for byte in data:
            if byte == CALL_STRING:
                text += self.strings.get(chr(next(data)), b"").decode("ascii")
            elif byte in (COLOUR, FONT):
                next(data)
            else:
                text += "\n" if byte == NEW_LINE else chr(byte)
        return text.split("\n")

    @property
    def mode(self) -> str:
        """`hold`, `flash`, `rotate`...; empty when the sign is dark."""
        return "" if self._shown is None else self._shown.mode

    @property
    def colour(self) -> str:
        """The colour of the first letter; `red` unless the text says otherwise, empty when the sign is dark."""
        if self._shown is None:
            return ""
        data = self._shown.data
        return COLOURS[chr(data[1])] if data[:1] == bytes([COLOUR]) else "red"

    def restart(self) -> None:
        """The power fails and comes back: the sign is dark and knows nothing."""
        self.files.clear()
        self.strings.clear()
        self._configured.clear()
        self._repeated = b""
        self._forget()

    @property
    def _shown(self) -> TextFile | None:
        return self.files.get(PRIORITY, self.files.get("A"))

    # -- the wire's face

    def receive(self, data: bytes) -> None:
        frames, shown = self.frames, self._shown
        whole = self._hearing is Hearing.NOTHING
        if whole and data == self._repeated:
            self.frames += 1
            return
        for byte in data:
            if byte >= 0x80:
                self._forget()  # noise: wait for the next NULs
            else:
                self._hear(byte)
        whole = whole and self._hearing is Hearing.NOTHING and self.frames == frames + 1
        self._repeated = data if whole else b""
        if self._shown != shown or self.strings:
            self.on_shown()

    def _hear(self, byte: int) -> None:
        match self._hearing:
            case Hearing.NOTHING:
                if byte == NUL:
                    self._hearing, self._nuls = Hearing.SYNC, 1
            case Hearing.SYNC:
                if byte == NUL:
                    self._nuls += 1
                elif byte == SOH:
                    if self._nuls < NULS_LEAST:
                        raise WireError(f"{self._nuls} NULs before SOH: the sign needs {NULS_LEAST} to find the speed")
                    self._hearing = Hearing.FRAME
                else:
                    raise WireError(f"byte {byte:02X} after the NULs where SOH belongs")
            case Hearing.FRAME:
                if byte == EOT:
                    frame = bytes(self._frame)
                    self._forget()
                    self._take(frame)
                elif byte in (NUL, SOH):
                    raise WireError(f"byte {byte:02X} in the middle of a frame: the one before has no EOT")
                else:
                    self._frame.append(byte)
                    if len(self._frame) > FRAME_MOST:
                        raise WireError("a frame without end")

    def _forget(self) -> None:
        self._hearing, self._nuls = Hearing.NOTHING, 0
        self._frame.clear()

    def _take(self, frame: bytes) -> None:
        """Type, address, STX, command, perhaps ETX and checksum."""
        if len(frame) < 4 or frame[3] != STX:
            raise WireError(f"no STX after type and address: {frame!r}")
        sign_type, address = chr(frame[0]), frame[1:3].decode("ascii")
        if not all(digit in "0123456789ABCDEF?" for digit in address):
            raise WireError(f"address {address!r} is not two hex digits")
        body, etx, checksum = frame[3:].partition(bytes([ETX]))
        if etx:
            expected = f"{(sum(body) + ETX) & 0xFFFF:04X}".encode()
            if checksum != expected:
                raise WireError(f"checksum {checksum!r} where {expected!r} belongs")
        elif self._wants_checksum:
            return  # this model drops what it cannot check
        if sign_type not in ("Z", self._type) or address not in ("00", self._address):
            return
        self.frames += 1
        self._obey(body[1:])

    def _obey(self, command: bytes) -> None:
        if not command:
            raise WireError("a frame without a command")
        if STX in command:
            raise WireError("nested commands, without the 100 ms that the sign needs after each STX")
        code, rest = chr(command[0]), command[1:]
        match code:
            case "A":
                self._write_text(rest)
            case "G":
                self._write_string(rest)
            case "E" if rest[:1] == b"$":
                self._configure(rest[1:])
            case _:
                raise WireError(f"unknown command {command[:2]!r}")

    def _write_text(self, data: bytes) -> None:
        label = self._label(data)
        rest = data[1:]
        if not rest:
            self.files.pop(label, None)  # an empty file, and an end to the priority
            return
        if len(rest) < 3 or rest[0] != ESC or rest[1] not in POSITIONS:
            raise WireError(f"text file {label!r}: ESC and a position belong before the text, not {rest[:2]!r}")
        if chr(rest[2]) not in MODES:
            raise WireError(f"text file {label!r}: unknown mode {rest[2:3]!r}")
        text = rest[3:]
        self._check_text(text)
        self.files[label] = TextFile(MODES[chr(rest[2])], POSITIONS[rest[1]], text)

    def _write_string(self, data: bytes) -> None:
        label = self._label(data)
        if label not in self._configured:
            raise WireError(f"string file {label!r} was written before the memory was configured for it")
        if len(data) - 1 > TEXT_MOST:
            raise WireError(f"string file {label!r} of {len(data) - 1} bytes: {TEXT_MOST} at most")
        self.strings[label] = data[1:]

    def _configure(self, data: bytes) -> None:
        """Eleven characters a file: label, type, lock, four of size, four of times. What was stored is gone."""
        if len(data) % 11:
            raise WireError(f"memory configuration of {len(data)} characters: 11 for each file")
        self.files.clear()
        self.strings.clear()
        self._configured.clear()
        for at in range(0, len(data), 11):
            entry = data[at : at + 11].decode("ascii")
            if entry[1] not in "AB" or entry[2] not in "UL" or not all(c in "0123456789ABCDEF" for c in entry[3:7]):
                raise WireError(f"memory configuration {entry!r}: label, A or B, U or L, 4 hex digits, 4 of times")
            if entry[1] == "B":
                self._configured.add(entry[0])

    @staticmethod
    def _label(data: bytes) -> str:
        if not data or data[0] not in LABELS:
            raise WireError(f"no file label: {data[:1]!r}")
        return chr(data[0])

    @staticmethod
    def _check_text(text: bytes) -> None:
        if len(text) > TEXT_MOST + 2:  # the colour in front
            raise WireError(f"a text of {len(text)} bytes: {TEXT_MOST} at most")
        data = iter(text)
        for byte in data:
            if byte == COLOUR:
                if chr(next(data, 0)) not in COLOURS:
                    raise WireError("unknown colour")
            elif byte in (FONT, CALL_STRING):
                if next(data, 0) not in LABELS:
                    raise WireError(f"nothing after control code {byte:02X}")
            elif byte != NEW_LINE and not 0x20 <= byte <= 0x7E:
                raise WireError(f"byte {byte:02X} in a text: the sign has no such letter")


class VirtualAsciiSign:
    """A number display that takes `fields` separated by `;` in a line of ASCII, and shows them side by side."""

    LINE_MOST: ClassVar[int] = 200

    def __init__(self, line: VirtualLine, *, fields: int = 2, separator: str = ";", end: str = "\r\n") -> None:
        self._line = line
        self._fields = fields
        self._separator = separator
        self._end = end.encode("ascii")
        self._heard = bytearray()
        self._spoilt = False
        self.frames = 0
        self.on_shown: Callable[[], None] = lambda: None
        """Told when it shows something else."""
        self.shown: tuple[str, ...] = ()
        line.attach(self, quiet=True)

    @property
    def reads(self) -> str:
        return " ".join(field for field in self.shown if field)

    def restart(self) -> None:
        self.shown = ()
        self._heard.clear()
        self._spoilt = False

    def receive(self, data: bytes) -> None:
        for byte in data:
            self._heard.append(byte)
            self._spoilt |= byte >= 0x80
            if self._heard.endswith(self._end):
                self._take(bytes(self._heard[: -len(self._end)]))
                self._heard.clear()
                self._spoilt = False
            elif len(self._heard) > self.LINE_MOST:
                if not self._spoilt:
                    raise WireError("a line without end")
                self._heard.clear()

    def _take(self, text: bytes) -> None:
        if self._spoilt:
            return
        if not all(0x20 <= byte <= 0x7E for byte in text):
            raise WireError(f"{text!r} has bytes that the display has no letter for")
        fields = text.decode("ascii").split(self._separator)
        if len(fields) != self._fields:
            raise WireError(f"{text!r} has {len(fields)} fields where the display has {self._fields}")
        self.frames += 1
        if self.shown != tuple(fields):
            self.shown = tuple(fields)
            self.on_shown()
