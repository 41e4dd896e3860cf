"""The drivers of one hall, made from its wiring. Real or virtual buses: the drivers are the same.

The fire contact is read before any pin of an arm is claimed, and frees every arm by itself from then on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from gpiozero import Factory

from firmware.core.site import ContactUse, Site
from firmware.wiring import BankWire, LaneWire, ReaderWire, SignWire, Wiring
from firmware.wiring import LockBoards as BoardsWire
from hal.bus import OpenSerial, OpenSpi, SerialSettings
from hal.clock import Clock
from hal.contacts import Contact, FireContact, pin_trouble
from hal.led_sign import AlphaSign, AsciiSign, SignMessage
from hal.lock_board import BoardAddress, LockBoards
from hal.relay_lockers import RelayChannel, RelayLockers
from hal.seen import Driver
from hal.turnstile import Turnstile, TurnstilePins


class Lines(Protocol):
    """What a world has to offer to drivers that need no pin."""

    @property
    def clock(self) -> Clock: ...

    def spi(self, bus: int, device: int, hz: int) -> OpenSpi: ...

    def serial(self, line: str, settings: SerialSettings) -> OpenSerial: ...


class Buses(Lines, Protocol):
    """What a world has to offer to drivers."""

    @property
    def pins(self) -> Factory: ...


class LockBank(Driver, Protocol):
    """Lockers by channel, from 1."""

    def unlock(self, channel: int) -> None: ...


class Sign(Driver, Protocol):
    """A sign that shows one message at a time."""

    def show(self, message: SignMessage) -> None: ...


@dataclass(frozen=True, slots=True)
class Devices:
    """Every driver by its name in the configuration, in the order of polling."""

    fires: Mapping[str, FireContact]
    contacts: Mapping[str, Contact]
    lanes: Mapping[str, Turnstile]
    banks: Mapping[str, LockBank]
    readers: Mapping[str, Driver]
    signs: Mapping[str, Sign]

    @property
    def all(self) -> list[tuple[str, Driver]]:
        """Name and driver of everything, fire first."""
        groups: tuple[Mapping[str, Driver], ...] = (
            self.fires, self.contacts, self.lanes, self.banks, self.readers, self.signs,
        )  # fmt: skip
        return [(name, driver) for group in groups for name, driver in group.items()]

    def close(self) -> None:
        """Everything at rest."""
        for _, driver in reversed(self.all):
            driver.close()


class PinsMissingError(Exception):
    """Pins that cannot be claimed; without those of arms and fire contacts nobody could be let out."""


def build(wiring: Wiring, site: Site, buses: Buses) -> Devices:
    """Make the drivers. Raises PinsMissingError."""
    try:
        return _build(wiring, site, buses)
    except pin_trouble() as error:
        raise PinsMissingError(str(error)) from error


def without_pins(wiring: Wiring, lines: Lines) -> list[tuple[str, Driver]]:
    """Name and driver of everything that hangs on no pin: enough to name its cable where there are no pins at all."""
    banks = [(name, _boards(wire.rs485, lines)) for name, wire in wiring.banks.items() if wire.rs485 is not None]
    readers = [(name, _reader(wire, lines)) for name, wire in wiring.readers.items()]
    return [*banks, *readers, *((name, _sign(wire, lines)) for name, wire in wiring.signs.items())]


def _build(wiring: Wiring, site: Site, buses: Buses) -> Devices:
    fires: dict[str, FireContact] = {}
    contacts: dict[str, Contact] = {}
    for name, wire in wiring.contacts.items():
        closed = wire.rest == "closed"
        if wire.use is ContactUse.FIRE:
            fires[name] = FireContact(wire.pin, buses.pins, buses.clock, normally_closed=closed)
        else:
            contacts[name] = Contact(wire.pin, buses.pins, buses.clock, normally_closed=closed)
    burning = _any_active(list(fires.values()))
    lanes = {name: _turnstile(wire, site, buses, burning) for name, wire in wiring.lanes.items()}
    for fire in fires.values():
        for arm in lanes.values():
            fire.frees(arm.latch)
    banks = {name: _bank(wire, buses) for name, wire in wiring.banks.items()}
    readers = {name: _reader(wire, buses) for name, wire in wiring.readers.items()}
    signs = {name: _sign(wire, buses) for name, wire in wiring.signs.items()}
    return Devices(fires, contacts, lanes, banks, readers, signs)


def _any_active(fires: list[FireContact]) -> Callable[[], bool]:
    return lambda: any(fire.active for fire in fires)


def _turnstile(wire: LaneWire, site: Site, buses: Buses, burning: Callable[[], bool]) -> Turnstile:
    pins = TurnstilePins(
        unlock_a=wire.unlock_in, unlock_b=wire.unlock_out, release=wire.release,
        pass_a=wire.pass_in, pass_b=wire.pass_out, ready=wire.ready, stop=wire.stop,
    )  # fmt: skip
    return Turnstile(
        pins, buses.pins, buses.clock, pulse_ms=wire.pulse, window_ms=site.passage_ms,
        fails_free=site.free_on_dead_daemon, fire_active=burning,
    )  # fmt: skip


def _bank(wire: BankWire, buses: Buses) -> LockBank:
    if wire.rs485 is not None:
        return _boards(wire.rs485, buses)
    assert wire.relays is not None
    pins = [RelayChannel(relay=one.lock, reed=one.door) for one in wire.relays.lockers]
    shut_closes = wire.relays.shut == "closed"
    return RelayLockers(pins, buses.pins, buses.clock, pulse_ms=wire.relays.pulse, shut_closes=shut_closes)


def _boards(wire: BoardsWire, lines: Lines) -> LockBoards:
    boards = [BoardAddress(board.address, len(board.lockers)) for board in wire.boards]
    line = lines.serial(wire.line, wire.settings)
    return LockBoards(line, lines.clock, boards, wire.language, pulse_ms=wire.pulse)


def _reader(wire: ReaderWire, lines: Lines) -> Driver:
    if wire.serial is not None:
        from hal.serial_reader import SerialReader

        return SerialReader(lines.serial(wire.serial.line, wire.serial.settings), lines.clock)
    from hal.card_reader import CardReader  # the library beneath it wants the Pi's own modules, or their stand-ins

    assert wire.spi is not None
    return CardReader(lines.spi(wire.spi.bus, wire.spi.device, wire.spi.hz), lines.clock)


def _sign(wire: SignWire, buses: Lines) -> Sign:
    line = buses.serial(wire.line, wire.settings)
    if wire.protocol == "alpha":
        return AlphaSign(line, buses.clock, settings=wire.settings, checksum=wire.checksum)
    assert wire.template is not None
    return AsciiSign(line, buses.clock, settings=wire.settings, template=wire.template)
