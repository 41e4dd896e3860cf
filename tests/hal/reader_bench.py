"""A bench for card readers: a driver, its virtual twin, and a scan every 20 ms, or less often where it may."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hal.card_reader import CardReader
from hal.seen import SCAN_MS, Asking, Health, Seen
from hal.serial_reader import SerialReader
from sim.clock import VirtualClock
from sim.mfrc522 import Mfrc522
from sim.mifare import Card, Classic


def card(uid: str = "DEADBEEF") -> Classic:
    return Classic(bytes.fromhex(uid))


@dataclass
class Bench:
    """`seen` is all that the driver told, with the time of the scan; `healths` each change of its health."""

    clock: VirtualClock
    driver: CardReader | SerialReader
    seen: list[tuple[int, Seen]] = field(default_factory=list)
    healths: list[tuple[int, Health]] = field(default_factory=list)
    may_skip: Callable[[], bool] = lambda: False
    scans: int = 0
    moved: int = 0
    """When somebody last did something; needed only where scans are left out."""

    def run(self, ms: int) -> Sequence[Seen]:
        """Scan for `ms`; what was seen in it."""
        now = self._next()
        end, first = now + ms, len(self.seen)
        while now < end:
            self.clock.advance_to(now * 1000)
            self.scan(now)
            scanned, now = now, self._next()
            if self.may_skip():
                now = max(now, self._taken_up(min(self.driver.due(scanned, self.moved), end), end))
                if isinstance(self.driver, Asking):
                    self.driver.passed_over(now - SCAN_MS)
        self.clock.advance_to((end - SCAN_MS) * 1000)
        return [event for _, event in self.seen[first:]]

    def _taken_up(self, due: int, end: int) -> int:
        """Where scans are to be taken up again before one at `due`; something may be done just before the `end`."""
        scan = -(-due // SCAN_MS) * SCAN_MS
        scans = (scan - SCAN_MS, scan) if scan == end else (scan,)
        if not isinstance(self.driver, Asking):
            return scan
        return min([scan, *(began for one in scans if (began := self.driver.under_way(one)) is not None)])

    def scan(self, now: int) -> None:
        self.scans += 1
        self.seen += [(now, event) for event in self.driver.poll(now)]
        if not self.healths or self.healths[-1][1] is not self.driver.health:
            self.healths.append((now, self.driver.health))

    def _next(self) -> int:
        return (self.clock.now() // SCAN_MS + 1) * SCAN_MS


@dataclass
class ChipBench(Bench):
    chip: Mfrc522 = field(kw_only=True)

    def transfers(self, ms: int) -> int:
        before = self.chip.transfers
        self.run(ms)
        return self.chip.transfers - before

    def lay(self, laid: Card) -> Card:
        self.chip.lay(laid)
        return laid


def chip_bench(version: int = 0x92, prepare: Callable[[Mfrc522], object] = lambda _: None) -> ChipBench:
    clock = VirtualClock()
    chip = Mfrc522(clock, version=version)
    prepare(chip)
    return ChipBench(clock, CardReader(chip.open, clock), chip=chip)
