"""The check that no two devices want one wire, and that none lacks what it needs: each finding names the place to mend.

What a single value may be is said where the value is (`firmware.wiring`); here is what several say together.
"""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from firmware.core.site import ContactUse, ReaderPlace
from firmware.wiring import Wiring
from firmware.yaml_file import Place, place_text

T = TypeVar("T")

SPI_READERS_MOST = 5
SPI_PINS: Mapping[int, range] = {0: range(7, 12), 1: range(16, 22)}
"""Chip selects and data lines that a bus takes from the header once its overlay is loaded (`spi=on`, `spi1-3cs`)."""
UART_PINS = range(14, 16)
UART_NODES = frozenset({"/dev/serial0", "/dev/ttyAMA0", "/dev/ttyS0"})
I2C_PINS = range(2, 4)
OWN_DEVICES = frozenset({"disk", "broker", "clock"})
"""Devices that are not in the configuration but share its name space in `health`; so does `locker-N`."""

Clash = tuple[Place, str]
"""The place to mend, and what is wrong there."""


def clashes(wiring: Wiring) -> Iterator[Clash]:
    """Everything that two devices cannot both have, and everything that a device lacks."""
    yield from _names(wiring)
    yield from _readers(wiring)
    yield from _banks(wiring)
    yield from _lanes_and_contacts(wiring)
    yield from _signs(wiring)
    yield from _pins(wiring)
    yield from _twice(wiring.lines(), "{} is already used by {}")
    yield from _twice(wiring.numbers(), "locker {} is already in {}")


def doubts(wiring: Wiring) -> Iterator[str]:
    """What may be meant so, and deserves a second look."""
    for name in wiring.lanes:
        if not any(one.lane == name and one.place == ReaderPlace.EXIT for one in wiring.readers.values()):
            yield f"gate.lanes.{name} has no exit reader: nobody leaves unless a guard presses the exit button"


def _twice(uses: Iterator[tuple[T, Place]], sentence: str) -> Iterator[Clash]:
    first: dict[T, Place] = {}
    told: set[tuple[Place, Place]] = set()
    for thing, place in uses:
        holder = first.setdefault(thing, place)
        if holder != place and (holder, place) not in told:  # a range that overlaps is one mistake, not sixteen
            told.add((holder, place))
            yield place, sentence.format(thing, place_text(holder))


def _names(wiring: Wiring) -> Iterator[Clash]:
    """Devices are told apart by name alone, in health reports and on the guard's page."""
    kinds: tuple[tuple[Place, Mapping[str, object]], ...] = (
        (("readers",), wiring.readers),
        (("gate", "lanes"), wiring.lanes),
        (("lockers", "banks"), wiring.banks),
        (("contacts",), wiring.contacts),
        (("signs",), wiring.signs),
    )
    places = [(name, (*kind, name)) for kind, named in kinds for name in named]
    yield from _twice(iter(places), "the name {} is already used by {}")
    for name, place in places:
        if name in OWN_DEVICES or name.startswith("locker-"):
            yield place, f"the name {name} is taken: the program has a device of that name itself"


def _readers(wiring: Wiring) -> Iterator[Clash]:
    on_spi: list[tuple[str, Place]] = []
    for name, reader in wiring.readers.items():
        place: Place = ("readers", name)
        if (reader.spi is None) == (reader.serial is None):
            yield place, 'needs either "spi" or "serial"'
        if reader.spi:
            on_spi.append((f"SPI {reader.spi.bus} device {reader.spi.device}", (*place, "spi")))
            if reader.spi.bus == 0 and reader.spi.device > 1:
                yield (*place, "spi", "device"), f"{reader.spi.device} is not allowed; SPI 0 has the devices 0 and 1"
        yield from _belongs(place, reader.place, "bank", reader.bank, wiring.banks, {"locker"})
        yield from _belongs(place, reader.place, "lane", reader.lane, wiring.lanes, {"entry", "exit"})
    if len(on_spi) > SPI_READERS_MOST:
        yield ("readers",), f"{len(on_spi)} readers on SPI are not allowed; the Pi has {SPI_READERS_MOST} chip selects"
    yield from _twice(iter(on_spi), "{} is already used by {}")


def _belongs(
    place: Place, kind: str, key: str, value: str | None, known: Mapping[str, object], needing: set[str]
) -> Iterator[Clash]:
    """A device of a `needing` kind names one of the `known`; any other names none."""
    choice = f"one of {', '.join(known)}" if known else "there is none in this hall"
    if kind not in needing and value is not None:
        yield (*place, key), f'"{value}" is not allowed; "{kind}" belongs to no {key}'
    elif kind in needing and value is None:
        yield (*place, key), f"is missing; {choice}"
    elif value is not None and value not in known:
        yield (*place, key), f'"{value}" is not allowed; {choice}'


def _banks(wiring: Wiring) -> Iterator[Clash]:
    for name, bank in wiring.banks.items():
        place: Place = ("lockers", "banks", name)
        if (bank.rs485 is None) == (bank.relays is None):
            yield place, 'needs either "rs485" or "relays"'
        if not bank.numbers:
            yield place, "has no lockers"
        if bank.rs485:
            protocol, language = bank.rs485.protocol, bank.rs485.language
            low, high = language.addresses[0], language.addresses[-1]
            foreign = {"content_reads"} if protocol == "8a" else {"status_bytes", "byte_order"}
            for key in sorted(foreign & bank.rs485.model_fields_set):
                if getattr(bank.rs485, key) is not None:
                    yield (*place, "rs485", key), f"does not go with the protocol {protocol}"
            addresses: list[tuple[int, Place]] = []
            for position, board in enumerate(bank.rs485.boards):
                one = (*place, "rs485", "boards", position)
                addresses.append((board.address, (*one, "address")))
                if not low <= board.address <= high:
                    yield (*one, "address"), f"{board.address} is not allowed; {low} to {high} for {protocol}"
                if len(board.lockers) > language.most_locks:
                    wanted = f"{len(board.lockers)} lockers are not allowed"
                    yield (*one, "lockers"), f"{wanted}; this {protocol} board has {language.most_locks}"
            yield from _twice(iter(addresses), "address {} is already used by {}")


def _lanes_and_contacts(wiring: Wiring) -> Iterator[Clash]:
    contacts = wiring.contacts
    for name, contact in contacts.items():
        place: Place = ("contacts", name)
        yield from _belongs(place, contact.use, "lane", contact.lane, wiring.lanes, {"exit_button", "side_gate"})
        if (contact.use == ContactUse.TICKET) != (contact.tickets is not None):
            yield (*place, "tickets"), "is missing" if contact.tickets is None else 'goes with the use "ticket" alone'
    if not any(contact.use == ContactUse.FIRE for contact in contacts.values()):
        yield ("contacts",), 'a contact with the use "fire" is missing; nobody starts without one'
    if not wiring.lanes:
        yield ("gate", "lanes"), "a lane is missing; there is no hall without one"
    for name in wiring.lanes:
        by_reader = any(one.lane == name and one.place == ReaderPlace.EXIT for one in wiring.readers.values())
        by_button = any(one.lane == name and one.use == ContactUse.EXIT_BUTTON for one in contacts.values())
        if not by_reader and not by_button:
            yield ("gate", "lanes", name), "nobody could leave; it needs an exit reader or an exit button"


def _signs(wiring: Wiring) -> Iterator[Clash]:
    for name, sign in wiring.signs.items():
        if (sign.protocol == "ascii") != (sign.template is not None):
            wrong = "is missing" if sign.template is None else 'goes with the protocol "ascii" alone'
            yield ("signs", name, "template"), wrong
        if sign.protocol != "alpha" and not sign.checksum:
            yield ("signs", name, "checksum"), 'goes with the protocol "alpha" alone'


def _pins(wiring: Wiring) -> Iterator[Clash]:
    uses = list(wiring.pins())
    reserved = dict.fromkeys(I2C_PINS, "its fixed pull-up would hold a relay on and hide a broken wire")
    for bus in sorted({reader.spi.bus for reader in wiring.readers.values() if reader.spi}):
        reserved |= dict.fromkeys(SPI_PINS[bus], f"it belongs to SPI {bus}, which a reader uses")
    for node, place in wiring.lines():
        if node in UART_NODES:
            reserved |= dict.fromkeys(UART_PINS, f"it belongs to {node}, which {place_text(place)} uses")
    for use in uses:
        if use.pin in reserved:
            yield use.place, f"GPIO {use.pin} is not allowed; {reserved[use.pin]}"
    yield from _twice(((use.pin, use.place) for use in uses), "GPIO {} is already used by {}")
