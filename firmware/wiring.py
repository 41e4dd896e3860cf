"""What is connected where: readers, locker banks, lanes, contacts and signs. `firmware.clashes` checks it.

Outputs are active high, through drivers with pull-downs, so that nothing twitches while the Pi starts. Contacts lie
between their pin and ground, with the Pi's pull-up: a closed contact reads low. Pins are GPIO (BCM) numbers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Strict

from firmware.core.site import ContactUse, ReaderPlace
from firmware.quantities import Between, Duration, Line, LockerRange, Words
from firmware.yaml_file import Place
from hal.bus import SerialSettings
from hal.lock_protocols import Cu16, Cu48, EightA, LockProtocol

T = TypeVar("T")
List = Annotated[tuple[T, ...], Strict(False)]
"""YAML's lists are kept as tuples; what is in them stays strict."""

Name = Annotated[str, Words(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", "1 to 40 letters, digits, - or _")]
Pin = Annotated[int, Between(2, 27, "GPIO number, not the header's pin")]
DeviceNode = Annotated[str, Words(r"/dev/[A-Za-z0-9][A-Za-z0-9/_.:+-]*", 'a device such as "/dev/besuk-lockers"')]
SerialWords = Annotated[SerialSettings, Line()]
Bit = Annotated[Literal[0, 1], Between(0, 1)]
Switch = Literal["closed", "open"]
Protocol = Literal["cu16", "cu48", "8a"]


class Section(BaseModel):
    """Unknown keys and silent conversions are errors; what has been read does not change."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, use_attribute_docstrings=True)


class Spi(Section):
    """An MFRC522 on the Pi's own SPI: decimetres of cable, no more."""

    bus: Annotated[int, Between(0, 1)]
    """SPI bus"""
    device: Annotated[int, Between(0, 2)]
    """chip select: CE0 and CE1 on bus 0, CE0 to CE2 on bus 1"""
    hz: Annotated[int, Between(100_000, 10_000_000, "the chip's limit is 10 MHz")] = 1_000_000
    """clock; lower it when the cable is long"""


class Serial(Section):
    """A serial line and how it is set."""

    line: DeviceNode
    """the adapter's stable name; see systemd/60-besuk.rules"""
    settings: SerialWords
    """as set on the device itself"""


class ReaderWire(Section):
    """A card reader: on `spi`, or on a `serial` line when it is further away."""

    place: Annotated[ReaderPlace, Strict(False)]
    """where it stands, which decides what a tap there asks for"""
    bank: Name | None = None
    """the bank that a locker reader opens"""
    lane: Name | None = None
    """the lane of an entry or exit reader"""
    spi: Spi | None = None
    """this, or `serial`"""
    serial: Serial | None = None
    """a reader that sends each UID as a line of hexadecimal digits"""


class Board(Section):
    """A lock board on its bank's RS-485 line."""

    address: Annotated[int, Between(0, 255, "cu16 0 to 14, cu48 0 to 255, 8a 1 to 32")]
    """as set by its switches"""
    lockers: Annotated[tuple[int, ...], LockerRange()]
    """first and last locker; channel 1 of the board is the first"""


class LockBoards(Serial):
    """Lock boards on one RS-485 line."""

    protocol: Protocol
    """the boards' language"""
    closed_reads: Bit = 1
    """the bit that stands for a shut door in the status of all channels"""
    content_reads: Bit | None = None
    """cu16 and cu48: the bit that stands for something in the locker; absent where no infrared sensors are fitted"""
    status_bytes: Literal[3, 4, 7] = 3
    """8a alone: length of the status, for models with up to 24, 32 or 50 channels"""
    byte_order: Literal["first", "last"] = "first"
    """8a alone: whether the byte of channels 1-8 comes first or last in the status"""
    pulse: Annotated[int, Duration("100 ms", "5 s")] = 500
    """how long a board drives a lock; the next one waits, for the power supply's sake"""
    boards: List[Board]
    """the boards on this line"""

    @property
    def language(self) -> LockProtocol:
        """The boards' frames, as this line speaks them."""
        match self.protocol:
            case "cu16":
                return Cu16(closed_bit=self.closed_reads, content_bit=self.content_reads)
            case "cu48":
                return Cu48(closed_bit=self.closed_reads, content_bit=self.content_reads)
            case "8a":
                last = self.byte_order == "last"
                return EightA(self.status_bytes, closed_bit=self.closed_reads, first_channels_last=last)


class RelayLocker(Section):
    """A locker on two pins of the Pi."""

    locker: Annotated[int, Between(1, 999)]
    """its number"""
    lock: Pin
    """output to the lock's relay"""
    door: Pin
    """input from the door's switch"""


class Relays(Section):
    """Lockers on relays: for a handful; more belong on lock boards."""

    pulse: Annotated[int, Duration("50 ms", "1 s")] = 300
    """how long a lock is energised"""
    shut: Switch = "closed"
    """the door switch while the door is shut"""
    lockers: List[RelayLocker]
    """the lockers"""


class BankWire(Section):
    """A bank of lockers: on lock boards (`rs485`), or on `relays`."""

    rs485: LockBoards | None = None
    """this, or `relays`"""
    relays: Relays | None = None
    """this, or `rs485`"""

    @property
    def numbers(self) -> tuple[int, ...]:
        """The lockers of this bank, in the order of their channels."""
        boards = self.rs485.boards if self.rs485 else ()
        relays = self.relays.lockers if self.relays else ()
        return (*(number for board in boards for number in board.lockers), *(one.locker for one in relays))


class LaneWire(Section):
    """A turnstile by its dry contacts."""

    unlock_in: Pin
    """output: a pulse frees one passage in"""
    unlock_out: Pin
    """output: a pulse frees one passage out"""
    release: Pin
    """output: the release relay, energised in normal running, in the arm's fire loop"""
    stop: Pin | None = None
    """output: a pulse ends a passage that was not used; some arms have no such input"""
    pass_in: Pin
    """input: the passage contact of the way in, closed at rest"""
    pass_out: Pin
    """input: the passage contact of the way out, closed at rest"""
    ready: Pin
    """input: closed while the arm is well"""
    pulse: Annotated[int, Duration("100 ms", "1 s")] = 200
    """length of a pulse to unlock and stop; the arm needs at least 100 ms"""


class ContactWire(Section):
    """A switch or button between a pin and ground."""

    use: Annotated[ContactUse, Strict(False)]
    """what it means to the hall"""
    pin: Pin
    """input"""
    rest: Switch
    """the contact while nothing happens: a button is open, a fire loop closed"""
    tickets: Name | None = None
    """the class of ticket that a ticket button gives"""
    lane: Name | None = None
    """the lane of an exit button or side gate"""
    direction: Literal["in", "out"] = "out"
    """the way of a side gate"""


class SignWire(Serial):
    """A LED sign."""

    protocol: Literal["alpha", "ascii"]
    """Alpha (BetaBrite and kin), or lines of plain text"""
    template: Annotated[str, Words(r"[^\x80-\U0010FFFF]{1,120}", "1 to 120 ASCII characters")] | None = None
    """ascii alone: what is sent for a call, with {ticket}, {counter} and {text}"""
    checksum: bool = True
    """alpha alone: whether what is sent carries a checksum, which not all kin know"""


@dataclass(frozen=True, slots=True)
class PinUse:
    """A pin and who wants it."""

    pin: int
    place: Place
    output: bool
    active: Literal["high", "low"]
    """the level that means: energised; pressed, passing, ready, shut, fire"""


@dataclass(frozen=True, slots=True)
class Wiring:
    """All devices of the hall, by name."""

    readers: Mapping[str, ReaderWire]
    banks: Mapping[str, BankWire]
    lanes: Mapping[str, LaneWire]
    contacts: Mapping[str, ContactWire]
    signs: Mapping[str, SignWire]

    def pins(self) -> Iterator[PinUse]:
        """Every pin that is named in the configuration, in its order."""
        for name, lane in self.lanes.items():
            place = ("gate", "lanes", name)
            yield PinUse(lane.unlock_in, (*place, "unlock_in"), output=True, active="high")
            yield PinUse(lane.unlock_out, (*place, "unlock_out"), output=True, active="high")
            yield PinUse(lane.release, (*place, "release"), output=True, active="high")
            if lane.stop is not None:
                yield PinUse(lane.stop, (*place, "stop"), output=True, active="high")
            yield PinUse(lane.pass_in, (*place, "pass_in"), output=False, active="high")
            yield PinUse(lane.pass_out, (*place, "pass_out"), output=False, active="high")
            yield PinUse(lane.ready, (*place, "ready"), output=False, active="low")
        for name, contact in self.contacts.items():
            active: Literal["high", "low"] = "high" if contact.rest == "closed" else "low"
            yield PinUse(contact.pin, ("contacts", name, "pin"), output=False, active=active)
        for name, bank in self.banks.items():
            if bank.relays:
                shut: Literal["high", "low"] = "low" if bank.relays.shut == "closed" else "high"
                for position, locker in enumerate(bank.relays.lockers):
                    one = ("lockers", "banks", name, "relays", "lockers", position)
                    yield PinUse(locker.lock, (*one, "lock"), output=True, active="high")
                    yield PinUse(locker.door, (*one, "door"), output=False, active=shut)

    def lines(self) -> Iterator[tuple[str, Place]]:
        """Every serial device node, and the place that names it."""
        for name, reader in self.readers.items():
            if reader.serial:
                yield reader.serial.line, ("readers", name, "serial", "line")
        for name, bank in self.banks.items():
            if bank.rs485:
                yield bank.rs485.line, ("lockers", "banks", name, "rs485", "line")
        for name, sign in self.signs.items():
            yield sign.line, ("signs", name, "line")

    def numbers(self) -> Iterator[tuple[int, Place]]:
        """Every locker number, and the place that names it."""
        for name, bank in self.banks.items():
            place = ("lockers", "banks", name)
            for position, board in enumerate(bank.rs485.boards if bank.rs485 else ()):
                yield from ((number, (*place, "rs485", "boards", position, "lockers")) for number in board.lockers)
            for position, locker in enumerate(bank.relays.lockers if bank.relays else ()):
                yield locker.locker, (*place, "relays", "lockers", position, "locker")
