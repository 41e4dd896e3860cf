"""Virtual lock boards on a virtual RS-485 pair, from the makers' tables of frames; strict where real boards shrug.

The bus is half duplex: a command that comes sooner than 10 ms after the frame before it, or while a board is still to
answer, is the driver's fault and raises WireError, as does a frame that does not add up. Bytes mangled by a wrong speed
or by noise are the scenario's doing and are ignored. Polarity, order of bytes, and whether an unlock is answered are
each board's own settings, as they are in the field.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Literal

from sim.clock import VirtualClock, WireError
from sim.locker import Locker
from sim.serial_line import VirtualLine

GAP_US = 10_000
Fault = Literal["silent", "lying", "garbage", "late"]


class LockBus:
    """The wire pair between one adapter and its boards."""

    def __init__(self, line: VirtualLine, boards: Sequence["VirtualLockBoard"]) -> None:
        self.line = line
        self.boards = boards
        self.echo = False
        """Whether the adapter hears itself. The hand's switch."""
        self.tap: Callable[[int, bytes], object] = lambda _began_us, _frame: None
        """Hears every command: when its first bit came, in microseconds, and its bytes."""
        self._ended_us = -GAP_US
        self._answer_due_us = 0
        line.attach(self, quiet=True)
        for board in boards:
            board.bus = self

    def receive(self, data: bytes) -> None:
        """A burst from the host is complete: exactly one frame, if all is well."""
        if all(byte & 0x80 for byte in data):
            return  # no command looks like this: it is what a wrong speed or noise makes of one
        clock = self.line.clock
        began_us = clock.now_us - self.wire_us(len(data))
        if began_us < self._answer_due_us:
            raise WireError(f"{data.hex(' ')} was sent over a board that was answering")
        if began_us < self._ended_us + GAP_US:
            raise WireError(f"{data.hex(' ')} was sent less than 10 ms after the frame before it")
        self._ended_us = clock.now_us
        self.tap(began_us, data)
        if self.echo:
            self.line.send(data)
        for board in self.boards:
            board.hear(data)

    def answer(self, data: bytes, after_us: int) -> None:
        """A board answers in time: until it has, the bus is its own."""
        self.line.send(data, after_us)
        self._ended_us = self._answer_due_us = self.line.clock.now_us + after_us + self.wire_us(len(data))

    def intrude(self, data: bytes, after_us: int = 0) -> None:
        """A board sends when nobody could expect it; no driver is blamed for what it meets."""
        self.line.clock.after(after_us, lambda: self.line.send(data))

    def wire_us(self, count: int) -> int:
        """How long bytes of 8N1 take."""
        return count * (10 * 1_000_000 // self.line.settings.baudrate)


class VirtualLockBoard(ABC):
    """What all families share: locks, their pulses, and the faults of a board."""

    pulse_us = 500_000

    def __init__(
        self,
        clock: VirtualClock,
        address: int,
        lockers: Sequence[Locker],
        *,
        closed_bit: int = 1,
        answers_unlock: bool = False,
        turnaround_us: int = 30_000,
    ) -> None:
        self.clock = clock
        self.address = address
        self.lockers = lockers
        self.closed_bit = closed_bit
        self.answers_unlock = answers_unlock
        self.turnaround_us = turnaround_us
        self.fault: Fault | None = None
        """silent: no 12 V. lying: says all doors are closed. garbage: its bytes do not add up. late: by `late_us`. The
        hand's switch."""
        self.late_us = 250_000
        self.leading = b""
        """Bytes that the line driver adds before each answer when it is switched on. The hand's."""
        self.bus: LockBus | None = None
        self._pulsing: int | None = None
        self._maps: dict[tuple[str, int, int, Fault | None], int] = {}
        """What the maps of doors and contents are, until something moves."""
        for locker in lockers:
            locker.wires.append(self._maps.clear)

    @abstractmethod
    def obey(self, frame: bytes) -> bytes | None:
        """Check a frame, do what it says if it is for this board, and give the answer if there is one."""

    def hear(self, frame: bytes) -> None:
        if self.fault == "silent":
            return
        answer = self.obey(frame)
        if answer is None or self.bus is None:
            return
        if self.fault == "garbage":
            answer = bytes(byte ^ 0x5A for byte in answer)
        if self.fault == "late":
            self.bus.intrude(self.leading + answer, self.turnaround_us + self.late_us)
        else:
            self.bus.answer(self.leading + answer, self.turnaround_us)

    def pulse(self, lock: int) -> None:
        """Energise one lock, from 0, for the board's own time."""
        if self._pulsing is not None:
            raise WireError(f"board {self.address}: unlock {lock + 1} while lock {self._pulsing + 1} is being pulsed")
        if lock >= len(self.lockers):
            raise WireError(f"board {self.address}: there is no lock {lock + 1}")
        self._pulsing = lock
        self.lockers[lock].energise(True)
        self.clock.after(self.pulse_us, self._rest)

    def _rest(self) -> None:
        assert self._pulsing is not None
        self.lockers[self._pulsing].energise(False)
        self._pulsing = None

    def closed(self, lock: int) -> bool:
        """The reed input; where nothing is wired the contact is open."""
        if lock >= len(self.lockers):
            return False
        return self.fault == "lying" or self.lockers[lock].reed_closed

    def door_bits(self, width: int) -> int:
        key = "doors", width, self.closed_bit, self.fault
        if key not in self._maps:
            closed = bool(self.closed_bit)
            self._maps[key] = sum(1 << lock for lock in range(width) if self.closed(lock) is closed)
        return self._maps[key]

    def content_bits(self, width: int, content_bit: int) -> int:
        """The infrared inputs; where no locker is, nothing is seen."""
        key = "contents", width, content_bit, None
        if key not in self._maps:
            occupied = [locker.occupied for locker in self.lockers] + [False] * (width - len(self.lockers))
            self._maps[key] = sum(1 << lock for lock in range(width) if occupied[lock] is bool(content_bit))
        return self._maps[key]


class VirtualCu16(VirtualLockBoard):
    """Kerong CU16, 19200 8N1: `02 ADDR CMD 03 SUM`, ADDR = board << 4 | lock, 30 asks, 31 unlocks, 35 answers."""

    content_bit = 1

    def obey(self, frame: bytes) -> bytes | None:
        if len(frame) != 5 or frame[0] != 0x02 or frame[3] != 0x03:
            raise WireError(f"not a CU16 frame: {frame.hex(' ')}")
        if (frame[0] + frame[1] + frame[2] + frame[3]) % 256 != frame[4]:
            raise WireError(f"CU16 frame with a wrong sum: {frame.hex(' ')}")
        board, lock = divmod(frame[1], 16)
        if board == 15:
            raise WireError("address F0 makes all boards act and answer at once")
        if frame[2] not in (0x30, 0x31):
            raise WireError(f"CU16: no command {frame[2]:02x}")
        if board != self.address:
            return None
        if frame[2] == 0x31:
            self.pulse(lock)
            if not self.answers_unlock:
                return None
        doors, sensors = self.door_bits(16), self.content_bits(16, self.content_bit)
        answer = [0x02, frame[1], 0x35, doors % 256, doors // 256, sensors % 256, sensors // 256, 0x03]
        return bytes([*answer, sum(answer) % 256])


class VirtualCu48(VirtualLockBoard):
    """Kerong CU48: `02 ADDR LOCK CMD 03 SUM`, LOCK from 0, 60 asks, 61 unlocks, 75 answers."""

    content_bit = 1

    def obey(self, frame: bytes) -> bytes | None:
        if len(frame) != 6 or frame[0] != 0x02 or frame[4] != 0x03:
            raise WireError(f"not a CU48 frame: {frame.hex(' ')}")
        if sum(frame[:5]) % 256 != frame[5]:
            raise WireError(f"CU48 frame with a wrong sum: {frame.hex(' ')}")
        if frame[3] not in (0x60, 0x61):
            raise WireError(f"CU48: no command {frame[3]:02x}")
        if frame[1] != self.address:
            return None
        if frame[3] == 0x61:
            self.pulse(frame[2])
            if not self.answers_unlock:
                return None
        doors, sensors = self.door_bits(48), self.content_bits(48, self.content_bit)
        maps = [*doors.to_bytes(6, "little"), *sensors.to_bytes(6, "little")]
        answer = [0x02, self.address, frame[2], 0x75, *maps, 0x03]
        return bytes([*answer, sum(answer) % 256])


class VirtualEightA(VirtualLockBoard):
    """The 8A family, 9600 8N1: four bytes and their XOR; `8A` unlocks, `80` asks (0: all), `82` tells unasked."""

    pulse_us = 300_000
    status_bytes = 3
    first_channels_last = False
    single_closed = 0x11
    """What an answer about one channel says when its door is closed; the other of 00 and 11 says open."""

    def connect_switches(self) -> None:
        """Tell each change of a door unasked, as boards of this family can be set to do."""
        for lock, locker in enumerate(self.lockers):
            last = [locker.reed_closed]

            def tell(lock: int = lock, locker: Locker = locker, last: list[bool] = last) -> None:
                if locker.reed_closed != last[0] and self.bus is not None and self.fault != "silent":
                    last[0] = locker.reed_closed
                    self.bus.intrude(self._frame(0x82, lock + 1, self._single(lock)))

            locker.wires.append(tell)

    def obey(self, frame: bytes) -> bytes | None:
        if len(frame) != 5:
            raise WireError(f"not an 8A frame: {frame.hex(' ')}")
        head, board, channel, function, check = frame
        if head ^ board ^ channel ^ function != check:
            raise WireError(f"8A frame with a wrong XOR: {frame.hex(' ')}")
        if (head, function) not in ((0x8A, 0x11), (0x80, 0x33)):
            raise WireError(f"8A: no command {head:02x} .. {function:02x}")
        if board != self.address:
            return None
        if head == 0x8A:
            if channel == 0:
                raise WireError("channel 0 opens every lock of the board")
            self.pulse(channel - 1)
            return self._frame(0x8A, channel, self._single(channel - 1)) if self.answers_unlock else None
        if channel:
            return self._frame(0x80, channel, self._single(channel - 1))
        doors = self.door_bits(8 * self.status_bytes)
        maps = doors.to_bytes(self.status_bytes, "big" if self.first_channels_last else "little")
        body = bytes([0x80, board]) + maps + b"\x33"
        check = 0
        for byte in body:
            check ^= byte
        return body + bytes([check])

    def _single(self, lock: int) -> int:
        return self.single_closed if self.closed(lock) else 0x11 - self.single_closed

    def _frame(self, head: int, channel: int, says: int) -> bytes:
        return bytes([head, self.address, channel, says, head ^ self.address ^ channel ^ says])
