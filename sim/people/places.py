"""The places of a hall at which people stand: counters, lanes, lockers, desks, and the bells that tell them to look.

Each thing that one person uses at a time has `Turns` before it.
"""

import random
from collections import deque
from dataclasses import dataclass, field

from firmware.config import Config
from firmware.core.site import ContactUse, ReaderPlace
from hal.clock import Millis
from sim.hall import Direction
from sim.people.agents import Bell, Turns
from sim.people.crowd import Visitor


@dataclass(slots=True, eq=False)
class Counter:
    """A counter, and who stands at it."""

    name: str
    whims: random.Random
    guest: Visitor | None = None
    bell: Bell = field(default_factory=Bell)
    parked: deque[tuple[Millis, str]] = field(default_factory=deque)
    """When a number that was put aside may be called again, and the number."""

    def leave(self, guest: Visitor) -> None:
        """The guest goes, if it is still theirs."""
        if self.guest is guest:
            self.guest = None
            self.bell.ring()


@dataclass(slots=True)
class LanePlaces:
    """An arm, its readers, and those before it."""

    name: str
    entries: list[str] = field(default_factory=list)
    exits: list[str] = field(default_factory=list)
    buttons: list[str] = field(default_factory=list)
    """The guards' exit buttons."""
    side: dict[Direction, str] = field(default_factory=dict)
    """The contact of the side gate, by its way."""
    entrance: Turns = field(default_factory=Turns)
    """Those who want in stand here in line before they stand at the arm."""
    arm: Turns = field(default_factory=Turns)


@dataclass(slots=True)
class BankPlaces:
    """A bank of lockers and those before it."""

    name: str
    readers: list[str]
    lockers: tuple[int, ...]
    turns: Turns = field(default_factory=Turns)


@dataclass(slots=True)
class DeskReader:
    """A reader on which officers lay cards."""

    name: str
    turns: Turns = field(default_factory=Turns)


@dataclass(slots=True)
class Button:
    """A ticket button, and the slips that lie under it."""

    contact: str
    turns: Turns = field(default_factory=Turns)
    slips: deque[str] = field(default_factory=deque)
    bell: Bell = field(default_factory=Bell)


@dataclass(slots=True)
class Places:
    """Everything in a hall that has turns before it."""

    buttons: dict[str, Button]
    """By the class of its tickets."""
    desk_readers: list[DeskReader]
    banks: dict[str, BankPlaces]
    lanes: dict[str, LanePlaces]

    @classmethod
    def of(cls, config: Config) -> "Places":
        """As the site has them. Raises LookupError for one in which nobody could find their way."""

        def contacts(use: ContactUse) -> list[str]:
            return [name for name, contact in config.contacts.items() if contact.use is use]

        def readers(place: ReaderPlace) -> list[str]:
            return [name for name, reader in config.readers.items() if reader.place is place]

        buttons = {config.contacts[name].tickets or "": Button(name) for name in reversed(contacts(ContactUse.TICKET))}
        desk_readers = [DeskReader(name) for name in readers(ReaderPlace.DESK)]
        banks = {name: BankPlaces(name, [], bank.numbers) for name, bank in config.wiring.banks.items()}
        for name in readers(ReaderPlace.LOCKER):
            banks[config.readers[name].bank or ""].readers.append(name)
        lanes = {name: LanePlaces(name) for name in config.gate.lanes}
        for name in readers(ReaderPlace.ENTRY):
            lanes[config.readers[name].lane or ""].entries.append(name)
        for name in readers(ReaderPlace.EXIT):
            lanes[config.readers[name].lane or ""].exits.append(name)
        for name in contacts(ContactUse.EXIT_BUTTON):
            lanes[config.contacts[name].lane or ""].buttons.append(name)
        for name in contacts(ContactUse.SIDE_GATE):
            contact = config.contacts[name]
            lanes[contact.lane or ""].side["in" if contact.direction == "in" else "out"] = name
        lockers = any(bank.readers for bank in banks.values())
        entries, exits = any(lane.entries for lane in lanes.values()), any(lane.exits for lane in lanes.values())
        if not (buttons and desk_readers and lockers and entries and exits):
            raise LookupError("visitors need a ticket button, and readers at desk, lockers, entry and exit")
        return cls(buttons, desk_readers, banks, lanes)


@dataclass(slots=True)
class Line:
    """People who wait for an officer."""

    guests: deque[Visitor] = field(default_factory=deque)
    bell: Bell = field(default_factory=Bell)

    def append(self, guest: Visitor) -> None:
        self.guests.append(guest)
        self.bell.ring()


@dataclass(slots=True, eq=False)
class Call:
    """Somebody asks a guard for help: with the `exit`, the `locker`, the `count`, or the `card`."""

    guest: Visitor
    what: str
    lane: str = ""
    done: bool = False


@dataclass(slots=True)
class Bells:
    """What many people look for at once."""

    sign: Bell = field(default_factory=Bell)
    voice: Bell = field(default_factory=Bell)
    queue: Bell = field(default_factory=Bell)
    alarm: Bell = field(default_factory=Bell)
    closing: Bell = field(default_factory=Bell)
    guard: Bell = field(default_factory=Bell)
    tray: Bell = field(default_factory=Bell)
    home: Bell = field(default_factory=Bell)
