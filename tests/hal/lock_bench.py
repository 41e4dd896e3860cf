"""A bench for lock boards: one virtual line with virtual boards and lockers on it, and the driver above."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hal.bus import SerialPort, SerialSettings
from hal.lock_belief import BoardAddress
from hal.lock_board import LockBoards
from hal.lock_protocols import Cu16, LockProtocol
from hal.seen import Door, DoorSeen
from sim.clock import VirtualClock
from sim.lock_board import LockBus, VirtualCu16, VirtualLockBoard
from sim.locker import Locker
from sim.serial_line import VirtualLine

SCAN_MS = 20


@dataclass
class Bench:
    clock: VirtualClock
    line: VirtualLine
    bus: LockBus
    boards: Sequence[VirtualLockBoard]
    driver: LockBoards
    opened: list[int]
    """When the driver opened its port."""
    seen: list[tuple[int, DoorSeen]] = field(default_factory=list)
    """What the driver has reported, with the moment."""

    def scan(self) -> None:
        """The next scan, and all that happens until it."""
        self.clock.advance_to((self.clock.now_us // (SCAN_MS * 1000) + 1) * SCAN_MS * 1000)
        now = self.clock.now()
        self.seen += [(now, door) for door in self.driver.poll(now)]

    def run(self, ms: int) -> None:
        until = self.clock.now() + ms
        while self.clock.now() < until:
            self.scan()

    def locker(self, channel: int) -> Locker:
        return [locker for board in self.boards for locker in board.lockers][channel - 1]

    def doors(self) -> dict[int, Door]:
        """Each channel's door as last reported."""
        return {door.channel: door.door for _, door in self.seen}

    def told(self, channel: int) -> list[Door]:
        """All that was reported of one channel, in order."""
        return [door.door for _, door in self.seen if door.channel == channel]


def bench(
    boards: Sequence[VirtualLockBoard],
    protocol: LockProtocol,
    clock: VirtualClock,
    *,
    wiring: Sequence[BoardAddress] | None = None,
    device: SerialSettings | None = None,
    host: SerialSettings | None = None,
) -> Bench:
    """Wire virtual boards to a driver. `device` and `host` are the two ends' line settings, if they should differ."""
    line = VirtualLine(clock, device or protocol.settings)

    opened: list[int] = []

    def open_serial() -> SerialPort:
        opened.append(clock.now())
        return line.open(host or protocol.settings)

    addresses = wiring or [BoardAddress(board.address, len(board.lockers)) for board in boards]
    driver = LockBoards(open_serial, clock, addresses, protocol)
    return Bench(clock, line, LockBus(line, boards), boards, driver, opened)


def cu16_bench(count: int = 3, locks: int = 16, *, content: bool = False, turnaround_us: int = 30_000) -> Bench:
    """The sample site's bank: CU16 boards with addresses from 0."""
    clock = VirtualClock()
    boards = [
        VirtualCu16(clock, address, [Locker(clock) for _ in range(locks)], turnaround_us=turnaround_us)
        for address in range(count)
    ]
    return bench(boards, Cu16(content_bit=1 if content else None), clock)
