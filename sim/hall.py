"""The virtual hall: every chip, wire, lock, arm, sign and contact of one configuration, and the hands that move them.

It is the far end of all buses that the drivers know, and it is the truth: doors, people, cards where they really are.
What lies where (pins, lines, addresses, which side of a switch or relay) is taken from the configuration, for that is
how the site was wired. How a device speaks (speed, byte order, what a bit stands for) is the device's own: a wrong
setting in the configuration shows here as it would on the wall.

Physical changes are told to `on_change` before any wire shows them, so that whoever keeps the world keeps it in time.
"""

import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from firmware.config import Config
from firmware.core.site import ContactUse
from firmware.wiring import BankWire
from hal.bus import OpenSerial, OpenSpi, SerialSettings
from hal.seen import Side
from sim import faults
from sim.clock import Appointment, VirtualClock
from sim.gpio import VirtualPins
from sim.led_sign import VirtualAlphaSign, VirtualAsciiSign
from sim.lock_board import LockBus, VirtualCu16, VirtualCu48, VirtualEightA, VirtualLockBoard
from sim.locker import HandRefused, Locker
from sim.mfrc522 import Mfrc522
from sim.mifare import Card, Classic
from sim.relay_board import LockerWires, VirtualRelayBoard
from sim.serial_line import VirtualLine
from sim.serial_reader import SerialCardReader
from sim.turnstile import ArmWires, VirtualTurnstile

STOCK = 80
"""Cards that the hall begins with."""
LIFT_US = 500_000
"""From lifting a card to laying it down again; a reader needs some misses to believe that it went."""

Direction = Literal["in", "out"]
SIDE: Mapping[Direction, Side] = {"in": "a", "out": "b"}
ARM_WORDS = {"locked": "locked", "free_a": "free_in", "free_b": "free_out", "free_both": "free_both"}
BOARD_SETTINGS = {"cu16": SerialSettings(19200), "cu48": SerialSettings(19200), "8a": SerialSettings(9600)}
"""How lock boards leave their makers."""
BOARDS: Mapping[str, Callable[[VirtualClock, int, list[Locker]], VirtualLockBoard]] = {
    "cu16": VirtualCu16,
    "cu48": VirtualCu48,
    "8a": VirtualEightA,
}
SIGN_SETTINGS = SerialSettings(9600)
READER_SETTINGS = SerialSettings(9600)


class UnknownThingError(LookupError):
    """There is no such device, card or fault in this hall."""


@dataclass(slots=True)
class Arm:
    """A turnstile, and who is in it."""

    turnstile: VirtualTurnstile
    direction: Direction = "in"
    carrying: int = 0
    waiting: list[tuple[Direction, int]] = field(default_factory=list)
    left: int = 0
    """How many of those are out already, while the arm still comes home behind them."""

    @property
    def leaving(self) -> int:
        """How many at this arm are still inside, and on their way out."""
        return sum(1 + infants for way, infants in self.waiting if way == "out") - self.left


class VirtualHall:
    """All of it, in virtual time."""

    def __init__(self, config: Config, clock: VirtualClock, seed: int = 1) -> None:
        self.config = config
        self.clock = clock
        self.on_change: Callable[[str], None] = lambda what: None
        """Hears each physical change in words, before it can be seen."""
        self.on_shown: Callable[[], None] = lambda: None
        """Told when a sign shows something else."""
        self.on_touch: Callable[[str], None] = lambda device: None
        """Hears which device something is about to be done to, while it is still as it was: readers, and banks."""
        self.pins = VirtualPins(clock)
        self.inside = 0
        """People inside, carried ones too: the truth."""
        self.stock = stock_of_cards(seed)
        self.cards: dict[str, Card] = {}
        self._in_fields: dict[tuple[str, str], Card] = {}
        self.taps: dict[tuple[str, str], Appointment] = {}
        """Reader and UID of cards that will be taken away again by themselves."""
        self.faults: dict[str, str] = {}
        """Device -> the fault that was put on it."""
        self.other_faults: Callable[[str, str | None, int], None] = self._no_such_device
        """Disk, broker and clock are faulted by whoever runs the hall."""
        self.moved_us: dict[str, int] = {}
        """When each button and door was last moved, and a card last laid on each reader, by its name in words:
        `contact ticket`, `locker 7`, `reader entry`."""
        self.contacts: dict[str, bool] = {}
        self.lockers: dict[int, Locker] = {}
        self.lines: dict[str, VirtualLine] = {}
        self.chips: dict[tuple[int, int], Mfrc522] = {}
        self.readers: dict[str, Mfrc522 | SerialCardReader] = {}
        self.boards: dict[str, list[VirtualLockBoard]] = {}
        self.signs: dict[str, VirtualAlphaSign | VirtualAsciiSign] = {}
        self.arms: dict[str, Arm] = {}
        self._random = random.Random(f"noise {seed}")
        self._rest: dict[str, bool] = {}
        self._build()

    # -- building

    def _build(self) -> None:
        wiring = self.config.wiring
        for name, reader in wiring.readers.items():
            if reader.spi is not None:
                chip = Mfrc522(self.clock)
                self.chips[reader.spi.bus, reader.spi.device] = chip
                self.readers[name] = chip
                chip.on_touch = partial(self._touched, name)
            elif reader.serial is not None:
                self.readers[name] = SerialCardReader(self._line(reader.serial.line, READER_SETTINGS))
        for name, bank in wiring.banks.items():
            self._build_bank(name, bank)
        for name, sign in wiring.signs.items():
            line = self._line(sign.line, SIGN_SETTINGS)
            shown = VirtualAlphaSign(line) if sign.protocol == "alpha" else VirtualAsciiSign(line)
            self.signs[name], shown.on_shown = shown, self._shown
        for name, contact in wiring.contacts.items():
            self.contacts[name] = False
            self._rest[name] = contact.rest == "closed"
            self._set_wire(name)
        for name, lane in wiring.lanes.items():
            wires = ArmWires(
                unlock_a=lane.unlock_in, unlock_b=lane.unlock_out, release=lane.release, pass_a=lane.pass_in,
                pass_b=lane.pass_out, ready=lane.ready, stop=lane.stop,
            )  # fmt: skip
            fails_free = self.config.gate.dead_daemon == "free"
            turnstile = VirtualTurnstile(
                self.clock, self.pins, wires, self._arm_told(name), fails_free=fails_free,
                on_through=self._through(name),
            )  # fmt: skip
            self.arms[name] = Arm(turnstile)

    def _build_bank(self, name: str, bank: BankWire) -> None:
        for number in bank.numbers:
            self.lockers[number] = locker = Locker(self.clock, self._locker_told(number))
            locker.on_touch = partial(self._touched, name)
        self.boards[name] = []
        if bank.relays is not None:
            ends = [LockerWires(one.lock, one.door) for one in bank.relays.lockers]
            lockers = [self.lockers[one.locker] for one in bank.relays.lockers]
            VirtualRelayBoard(self.pins, ends, lockers, reed_inverts=bank.relays.shut == "open")
        if bank.rs485 is None:
            return
        kind = BOARDS[bank.rs485.protocol]
        line = self._line(bank.rs485.line, BOARD_SETTINGS[bank.rs485.protocol])
        for board in bank.rs485.boards:
            lockers = [self.lockers[number] for number in board.lockers]
            self.boards[name].append(kind(self.clock, board.address, lockers))
        LockBus(line, self.boards[name])

    def _line(self, path: str, settings: SerialSettings) -> VirtualLine:
        self.lines[path] = VirtualLine(self.clock, settings)
        return self.lines[path]

    # -- the wire's face: what drivers open

    def spi(self, bus: int, device: int, hz: int) -> OpenSpi:
        """The chip select of a reader's chip."""
        chip = self.chips[bus, device]
        return lambda: chip.open(hz)

    def serial(self, line: str, settings: SerialSettings) -> OpenSerial:
        """The host's end of a line."""
        return lambda: self.lines[line].open(settings)

    def daemon_died(self) -> None:
        """The kernel takes the pins back: outputs float, and the release relay falls."""
        self.pins.reset()
        for line in self.lines.values():
            if line.plugged:
                line.unplug()
                line.plug()

    # -- the hand's face: cards

    def card(self, reader: str, uid: str) -> Card:
        """A card of this UID in a reader's field, made when it is first used. It hears each reader for itself, so what
        it was told at one is nothing to another; its memory is one. Raises UnknownThingError for what no card can have.
        """
        try:
            raw = bytes.fromhex(uid)
        except ValueError:
            raw = b""
        if len(raw) not in (4, 7, 10):
            raise UnknownThingError(f"a UID has 8, 14 or 20 hex digits, not {uid!r}")
        key = raw.hex().upper()
        if key not in self.cards:
            self.cards[key] = Classic(raw) if len(raw) < 10 else Card(raw)
        if (reader, key) not in self._in_fields:
            self._in_fields[reader, key] = copy(self.cards[key])
        return self._in_fields[reader, key]

    def lay(self, reader: str, uid: str) -> None:
        """Lay a card on a reader, to stay there."""
        there, card = self._reader(reader), self.card(reader, uid)
        self._stay(reader, uid)
        there.lay(card)
        self.moved_us[f"reader {reader}"] = self.clock.now_us
        self.on_change(f"card laid on {reader}")

    def take(self, reader: str, uid: str) -> None:
        """Take a card off a reader."""
        there, card = self._reader(reader), self.card(reader, uid)
        self._stay(reader, uid)
        there.take(card)
        self.on_change(f"card taken from {reader}")

    def tap(self, reader: str, uid: str, ms: int = 600) -> None:
        """Lay a card there and take it away after so much hall time. One that lies there is lifted before."""
        if uid.upper() in self.cards_on(reader):
            self.take(reader, uid)
            if uid.upper() not in self.cards_on(reader):
                self.clock.after(LIFT_US, lambda: self.tap(reader, uid, ms))
                return
        self.lay(reader, uid)
        self._take_after(reader, uid, ms)

    def _take_after(self, reader: str, uid: str, ms: int) -> None:
        self.taps[reader, uid.upper()] = self.clock.after(ms * 1000, lambda: self.take(reader, uid))

    def _stay(self, reader: str, uid: str) -> None:
        """A hand is at the card: what was to become of it before counts no more."""
        if (taking := self.taps.pop((reader, uid.upper()), None)) is not None:
            taking.cancel()

    def cards_on(self, reader: str) -> list[str]:
        """UIDs of the cards that lie on a reader."""
        return self._reader(reader).cards

    # -- the hand's face: doors, arm, contacts

    def door(self, number: int, to: Literal["closed", "open", "forced"], content: bool | None = None) -> None:
        """Move a locker's door, and put something in or take it out. Raises HandRefused on a latched door."""
        locker = self._locker(number)
        if to != "closed":
            locker.door_to(to)
        if content is not None:
            locker.put_content(content)
        if to == "closed":
            locker.door_to("closed")

    def push(
        self, lane: str, direction: Direction, done: Callable[[bool], None], *, carrying: int = 0,
        force: bool = False, duration_ms: int = 1_000,
    ) -> None:  # fmt: skip
        """A person pushes the arm, with so many infants in arms; `done(True)` once through."""
        arm = self._arm(lane)
        arm.waiting.append((direction, carrying))

        def ended(passed: bool) -> None:
            arm.waiting.remove((direction, carrying))
            arm.left = 0
            done(passed)

        go = arm.turnstile.force if force else arm.turnstile.push
        go(SIDE[direction], duration_ms=duration_ms, done=ended)

    def contact(self, name: str, active: bool) -> None:
        """Press or let go of a button, open or close a fire loop."""
        if name not in self.contacts:
            raise UnknownThingError(f"no contact {name!r}; there are {', '.join(self.contacts)}")
        if self.contacts[name] == active:
            return
        self.contacts[name] = active
        self.moved_us[f"contact {name}"] = self.clock.now_us
        self.on_change(f"contact {name} {'active' if active else 'at rest'}")
        if self.config.contacts[name].use is ContactUse.FIRE:
            wires = self.config.contacts.items()
            fire = any(self.contacts.get(other, False) for other, wire in wires if wire.use is ContactUse.FIRE)
            for arm in self.arms.values():
                arm.turnstile.panel(fire)
        self._set_wire(name)

    def _set_wire(self, name: str) -> None:
        closed = self._rest[name] != self.contacts[name]
        self.pins.drive(self.config.contacts[name].pin, False if closed else None)

    # -- the hand's face: faults

    def fault(self, device: str, fault: str, much: int = 0) -> None:
        """Put a device in trouble, in the place of any that it has. `much` is in the fault's own measure, 0 the usual.

        Raises UnknownThingError for what is not.
        """
        before = self.faults.get(device)
        self.clear_fault(device)
        try:
            self._faulted(device, fault, much)
        except UnknownThingError:
            if before is not None:
                self.fault(device, before)
            raise
        self.faults[device] = fault
        self.on_change(f"fault {device} {fault}")

    def clear_fault(self, device: str) -> None:
        """End a device's trouble, if it has any."""
        if device in self.faults:
            self._faulted(device, None)
            del self.faults[device]
            self.on_change(f"mended {device}")

    def _faulted(self, device: str, fault: str | None, much: int = 0) -> None:
        self.on_touch(device)
        table = self._faults_of(device)
        if table is None:
            self.other_faults(device, fault, much)
        elif fault in table:
            table[fault](much)
        else:
            known = ", ".join(name for name in table if name)
            raise UnknownThingError(f"{device} has no fault {fault!r}; it has {known}")

    def fault_names(self) -> dict[str, tuple[str, ...]]:
        """Each device of the hall's own, and what can go wrong with it."""
        banks = [name for name in self.boards if self.config.lockers.banks[name].rs485 is not None]
        lockers = [f"locker-{number}" for number in self.lockers]
        devices = (*self.readers, *self.arms, *banks, *self.signs, *lockers)
        return {device: tuple(name for name in self._faults_of(device) or () if name) for device in devices}

    def _faults_of(self, device: str) -> faults.Table | None:
        """None for what is no device of the hall's own."""
        if device in self.readers:
            return faults.of_reader(self.readers[device])
        if device in self.arms:
            return faults.of_arm(self.arms[device].turnstile)
        if device in self.boards:
            wire = self.config.lockers.banks[device].rs485
            if wire is None:
                raise UnknownThingError(f"bank {device!r} hangs on relays: put faults on its lockers")
            return faults.of_bank(self.lines[wire.line], self.boards[device])
        if device in self.signs:
            return faults.of_sign(self.lines[self.config.signs[device].line], self.signs[device])
        if device.startswith("locker-") and device.removeprefix("locker-").isdigit():
            return faults.of_locker(self._locker(int(device.removeprefix("locker-"))))
        return None

    # -- what a person sees

    def world(self) -> dict[str, Any]:
        """Everything that can be seen, as plain JSON."""
        return {
            "now_ms": self.clock.now(),
            "inside": self.inside,
            "lockers": {
                str(number): {"door": locker.door, "latch": locker.latch, "content": locker.content}
                for number, locker in self.lockers.items()
            },
            "arm": {
                name: {"state": ARM_WORDS[arm.turnstile.state], "ready": arm.turnstile.ready}
                for name, arm in self.arms.items()
            },
            "sign": {name: sign.reads for name, sign in self.signs.items()},
            "readers": {name: reader.cards for name, reader in self.readers.items()},
            "contacts": dict(self.contacts),
            "faults": [{"device": device, "fault": fault} for device, fault in self.faults.items()],
            "stock": [{"number": number, "uid": uid} for number, uid in self.stock],
        }

    # -- what outlives the program

    def snapshot(self) -> dict[str, Any]:
        """What survives a kill: doors, content, people, cards on readers, contacts, faults, stock."""
        return {
            "inside": self.inside,
            "lockers": {str(number): locker.snapshot() for number, locker in self.lockers.items()},
            "readers": {name: reader.cards for name, reader in self.readers.items()},
            "taps": [
                [reader, uid, max(0, taking.at_us - self.clock.now_us) // 1000]
                for (reader, uid), taking in self.taps.items()
            ],
            "contacts": dict(self.contacts),
            "faults": dict(self.faults),
            "stock": [list(card) for card in self.stock],
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Stand as at the snapshot; latches have sprung back, and the arm is home. What is no more is left out."""
        self.inside = snapshot["inside"]
        self.stock = [(number, uid) for number, uid in snapshot["stock"]]
        for number, locker in snapshot["lockers"].items():
            if int(number) in self.lockers:
                self.lockers[int(number)].restore(locker)
                for told in self.lockers[int(number)].wires:
                    told()
        for reader, uids in snapshot["readers"].items():
            for uid in uids if reader in self.readers else ():
                self._reader(reader).lay(self.card(reader, uid))
        for reader, uid, left_ms in snapshot["taps"]:
            if reader in self.readers:
                self._take_after(reader, uid, left_ms)
        for name, active in snapshot["contacts"].items():
            if name in self.contacts:
                self.contact(name, active)
        for device, fault in snapshot["faults"].items():
            with suppress(UnknownThingError):
                self.fault(device, fault)

    # -- within

    def _arm_told(self, lane: str) -> Callable[[str], None]:
        def told(what: str) -> None:
            self.on_change(f"arm {lane} {what}")

        return told

    def _through(self, lane: str) -> Callable[[Side], None]:
        """Somebody is beyond the arm: from here on they are inside, or out."""

        def through(side: Side) -> None:
            direction: Direction = "in" if side == SIDE["in"] else "out"
            arm = self.arms[lane]
            carrying = next((infants for way, infants in arm.waiting if way == direction), 0)
            self.inside += (1 + carrying) * (1 if direction == "in" else -1)
            arm.left = 1 + carrying if direction == "out" and arm.waiting else 0

        return through

    def _locker_told(self, number: int) -> Callable[[str], None]:
        def told(what: str) -> None:
            if what.startswith("door"):
                self.moved_us[f"locker {number}"] = self.clock.now_us
            self.on_change(f"locker {number} {what}")

        return told

    def _shown(self) -> None:
        self.on_shown()

    def _touched(self, device: str) -> None:
        self.on_touch(device)

    def _reader(self, name: str) -> Mfrc522 | SerialCardReader:
        if name not in self.readers:
            raise UnknownThingError(f"no reader {name!r}; there are {', '.join(self.readers)}")
        return self.readers[name]

    def _locker(self, number: int) -> Locker:
        if number not in self.lockers:
            raise UnknownThingError(f"no locker {number}")
        return self.lockers[number]

    def _arm(self, lane: str) -> Arm:
        if lane not in self.arms:
            raise UnknownThingError(f"no lane {lane!r}; there are {', '.join(self.arms)}")
        return self.arms[lane]

    def _no_such_device(self, device: str, fault: str | None, much: int) -> None:
        raise UnknownThingError(f"no device {device!r}")


def stock_of_cards(seed: int) -> list[tuple[str, str]]:
    """Printed number and UID of each card: half with 7 bytes, half with 4."""
    draw = random.Random(f"stock {seed}")
    cards: dict[str, str] = {}
    while len(cards) < STOCK:
        uid = "04" + draw.randbytes(6).hex().upper() if len(cards) % 2 else "3A" + draw.randbytes(3).hex().upper()
        if "88" not in (uid[:2], uid[6:8]):  # 88 is the cascade tag: no byte that a UID may show there
            cards[uid] = f"{len(cards) + 1:03d}"
    return [(number, uid) for uid, number in cards.items()]


__all__ = ["HandRefused", "UnknownThingError", "VirtualHall", "stock_of_cards"]
