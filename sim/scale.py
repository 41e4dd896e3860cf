"""The same hall, larger: so many counters, lanes, lockers, places, cards. What comes out could be built as it stands.

The wires set the limits. A lane takes seven pins, six without its `stop`. The header of a Pi gives GPIO 2 to 27; two of
them are unfit, and a reader on SPI costs the five or six pins of its whole bus. So a second lane moves the readers of
SPI 1 to serial lines, a third those of SPI 0, and there is no room for a fourth. Each result is held against
`firmware.clashes`, as `besuk check` does.
"""

import random
from collections.abc import Iterator, Mapping
from typing import Any

from firmware.clashes import I2C_PINS, SPI_PINS, clashes
from firmware.config import Config
from firmware.core.site import ReaderPlace
from firmware.wiring import Board, ReaderWire
from firmware.yaml_file import place_text

PINS = range(2, 28)
SERIAL_SETTINGS = "9600 8N1"
BOARD_LOCKS = 16
"""Lockers on a board that is added."""
REQUIRED = ("unlock_in", "unlock_out", "release", "pass_in", "pass_out", "ready")


def with_counters(config: Config, counters: int | None) -> Config:
    """The same hall with so many counters, named 1, 2, 3 and so on."""
    if counters is None or counters == len(config.queue.counters):
        return config
    names = tuple(str(number) for number in range(1, counters + 1))
    return config.model_copy(update={"queue": config.queue.model_copy(update={"counters": names})})


def with_capacity(config: Config, capacity: int | None) -> Config:
    """The same hall with room for so many people."""
    return config if capacity is None else config.model_copy(update={"capacity": capacity})


def with_lanes(config: Config, lanes: int) -> Config:
    """The same hall with so many lanes at least, each with an arm, an entry reader and an exit reader.

    New lanes are named after the first. Raises ValueError where a Pi has no pins for them.
    """
    missing = lanes - len(config.gate.lanes)
    if missing <= 0:
        return config
    for bus in (None, 1, 0):
        readers = _off_spi(config.readers, bus)
        free = _free_pins(config.model_copy(update={"readers": readers}))
        if len(free) >= missing * (len(REQUIRED) + 1) or (bus == 0 and len(free) >= missing * len(REQUIRED)):
            return _sound(_lanes_added(config.model_copy(update={"readers": readers}), missing, free))
    raise ValueError(f"{lanes} lanes are not possible: a Pi has too few pins")


def _off_spi(readers: Mapping[str, ReaderWire], from_bus: int | None) -> dict[str, ReaderWire]:
    """The readers, those of SPI `from_bus` and above on serial lines; None moves none."""
    return {
        name: _serial(name, reader)
        if reader.spi is not None and from_bus is not None and reader.spi.bus >= from_bus
        else reader
        for name, reader in readers.items()
    }


def _serial(name: str, reader: ReaderWire) -> ReaderWire:
    """The same reader on a serial line of its own."""
    line = {"line": f"/dev/besuk-{name}-reader", "settings": SERIAL_SETTINGS}
    told: dict[str, Any] = {"place": reader.place.value, "bank": reader.bank, "lane": reader.lane, "serial": line}
    return ReaderWire.model_validate({key: value for key, value in told.items() if value is not None})


def _free_pins(config: Config) -> list[int]:
    taken = {use.pin for use in config.wiring.pins()} | set(I2C_PINS)
    for bus in {reader.spi.bus for reader in config.readers.values() if reader.spi}:
        taken |= set(SPI_PINS[bus])
    return [pin for pin in PINS if pin not in taken]


def _lanes_added(config: Config, missing: int, free: list[int]) -> Config:
    first = next(iter(config.gate.lanes))
    gate, readers = dict(config.gate.lanes), dict(config.readers)
    spare = len(free) - missing * len(REQUIRED)
    for number in range(len(gate) + 1, len(gate) + 1 + missing):
        name = f"{first}-{number}"
        pins: dict[str, int | None] = {key: free.pop(0) for key in REQUIRED}
        pins["stop"] = free.pop(0) if spare > 0 else None
        spare -= 1
        gate[name] = gate[first].model_copy(update=pins)
        for place in (ReaderPlace.ENTRY, ReaderPlace.EXIT):
            reader = f"{place.value}-{number}"
            readers[reader] = _serial(reader, ReaderWire(place=place, lane=name))
    update = {"gate": config.gate.model_copy(update={"lanes": gate}), "readers": readers}
    return config.model_copy(update=update)


def with_lockers(config: Config, lockers: int | None) -> Config:
    """The same hall with so many lockers at least, on further boards of the first bank that has boards.

    Raises ValueError where its line has no addresses or no numbers left for them.
    """
    have = [number for bank in config.lockers.banks.values() for number in bank.numbers]
    if lockers is None or lockers <= len(have):
        return config
    named = next(((name, bank.rs485) for name, bank in config.lockers.banks.items() if bank.rs485), None)
    if named is None or named[1] is None:
        raise ValueError(f"{lockers} lockers are not possible: no bank has lock boards")
    name, wire = named
    used = {board.address for board in wire.boards}
    addresses = (address for address in wire.language.addresses if address not in used)
    boards = [*wire.boards]
    last = max(have)
    for begin in range(last + 1, last + 1 + lockers - len(have), BOARD_LOCKS):
        address = next(addresses, None)
        if address is None or begin + BOARD_LOCKS > 1_000:
            raise ValueError(f"{lockers} lockers are not possible on the line of bank {name}")
        boards.append(Board.model_validate({"address": address, "lockers": f"{begin}-{begin + BOARD_LOCKS - 1}"}))
    bank = config.lockers.banks[name].model_copy(update={"rs485": wire.model_copy(update={"boards": tuple(boards)})})
    banks = {**config.lockers.banks, name: bank}
    return _sound(config.model_copy(update={"lockers": config.lockers.model_copy(update={"banks": banks})}))


def _sound(config: Config) -> Config:
    found = [f"{place_text(place)}: {what}" for place, what in clashes(config.wiring)]
    if found:
        raise ValueError("; ".join(found))
    return config


def cards(seed: int, known: list[tuple[str, str]], wanted: int) -> Iterator[tuple[str, str]]:
    """So many cards: the first of those that are known, then new ones; printed number and UID."""
    draw = random.Random(f"more cards {seed}")
    taken = {uid for _, uid in known}
    yield from known[:wanted]
    number = len(known)
    while number < wanted:
        uid = "04" + draw.randbytes(6).hex().upper()
        if uid not in taken and uid[6:8] != "88":  # 88 is the cascade tag: no byte that a UID may show there
            number += 1
            taken.add(uid)
            yield f"{number:03d}", uid
