"""`config.yaml` as typed settings: one file says all that differs from hall to hall.

A wrong file is refused whole, with one line for each mistake: the key, the value found, what is allowed, the line in
the file. Mistakes of single values are told together; once there are none, those of several values together
(`firmware.clashes`). Defaults are those of `firmware.core.site.Site`. Keys and passwords are never in this file: they
are files in the credentials directory, named here or by convention.
"""

import datetime
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import ValidationError

from firmware import explain
from firmware.clashes import Clash, clashes
from firmware.core import site as core
from firmware.quantities import Between, Duration, Hours, Size, Words
from firmware.texts import sign_texts
from firmware.wiring import BankWire, ContactWire, LaneWire, List, Name, ReaderWire, Section, SignWire, Wiring
from firmware.yaml_file import Place, YamlError, place_text, read

DEFAULT = core.Site()

UTC_OFFSET_MIN = {"Asia/Jakarta": 420, "Asia/Pontianak": 420, "Asia/Makassar": 480, "Asia/Jayapura": 540}
"""Indonesia's four time zones; none has summer time, so no zone database is needed."""

Slug = Annotated[str, Words(r"[a-z0-9-]{1,40}", "1 to 40 of a-z, 0-9 and -")]
Host = Annotated[str, Words(r"[A-Za-z0-9.:_-]{1,253}", "a host name or address")]
Port = Annotated[int, Between(1, 65535)]
FileName = Annotated[str, Words(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "a file name in the credentials directory")]
AbsolutePath = Annotated[str, Words(r"/[^\x00\n]*", "a path from the root")]
Command = Literal[
    "booking.put", "booking.cancel", "capacity.set", "message.show", "card.block", "session.set", "history.resend"
]
COMMANDS: tuple[Command, ...] = get_args(Command)


class TicketClass(Section):
    """A class of ticket."""

    priority: bool = False
    """called before the others"""


class Queue(Section):
    """Tickets and counters."""

    counters: List[Name] = DEFAULT.counters
    """the counters (loket), by name"""
    classes: dict[Annotated[str, Words("[A-Z]", "one letter A to Z, the ticket's prefix")], TicketClass]
    """the classes of ticket, by prefix"""
    priority_in_a_row: Annotated[int, Between(1, 20)] = DEFAULT.priority_in_a_row
    """after so many priority calls, a waiting regular ticket comes"""
    recalls: Annotated[int, Between(0, 10)] = DEFAULT.recalls
    """a ticket is called again so often before it is missed"""
    late_tolerance: Annotated[int, Between(0, 100)] = DEFAULT.late_tolerance
    """a missed ticket that shows up within so many numbers is called next"""
    call_hold: Annotated[int, Duration("1 s", "30 s")] = DEFAULT.call_hold_ms
    """how long the sign holds each call"""
    notice_hold: Annotated[int, Duration("1 s", "30 s")] = DEFAULT.notice_hold_ms
    """how long the sign holds any other message"""


class Cards(Section):
    """Card taps."""

    repeat: Annotated[int, Duration("1 s", "10 min")] = DEFAULT.repeat_ms
    """the same refusal of a card within this time is recorded once, with a count"""
    far_apart: List[List[Name]] = ()
    """groups of readers between which nobody can walk in `far_apart_within`"""
    far_apart_within: Annotated[int, Duration("1 s", "1 min")] = DEFAULT.far_apart_ms
    """a card at two far apart readers within this time is refused at the second"""


class Lockers(Section):
    """Lockers and their rules."""

    search_first: bool = DEFAULT.search_before_locker
    """the search comes before the deposit"""
    reopen_while_inside: bool = DEFAULT.reopen_while_inside
    """a locker may be opened while somebody of the party is inside; the search is then asked again"""
    per_card: Annotated[int, Between(1, 4)] = DEFAULT.lockers_per_card
    """lockers that one card may own"""
    not_open: Annotated[int, Duration("1 s", "1 min")] = DEFAULT.not_open_ms
    """a door not seen open within this time is jammed"""
    pulses: Annotated[int, Between(1, 3)] = DEFAULT.lock_pulses
    """tries to open a door"""
    left_open: Annotated[int, Duration("5 s", "10 min")] = DEFAULT.left_open_ms
    """a door open so long is shown on the sign"""
    left_open_task: Annotated[int, Duration("10 s", "1 h")] = DEFAULT.left_open_task_ms
    """a door open so long is a guard's task"""
    collect_again: Annotated[int, Duration("0 s", "10 min")] = DEFAULT.collect_again_ms
    """a tap within this time after collecting opens the locker again"""
    still_owned: Annotated[int, Duration("1 min", "12 h")] = DEFAULT.still_owned_ms
    """a locker still owned so long after its visit is a guard's task"""
    banks: dict[Name, BankWire]
    """the banks of lockers, by name"""

    @property
    def by_bank(self) -> Mapping[str, core.Bank]:
        return {name: core.Bank(name, bank.numbers) for name, bank in self.banks.items()}


class Gate(Section):
    """Turnstiles and their rules."""

    locker_shut: bool = DEFAULT.locker_shut_for_entry
    """an owned locker must be shut for entry"""
    deposit_required: bool = DEFAULT.deposit_for_entry
    """a locker must be owned for entry"""
    passage: Annotated[int, Duration("1 s", "30 s")] = DEFAULT.passage_ms
    """the arm's own window for one passage, as set on the arm"""
    push: Annotated[int, Duration("0 s", "10 s")] = DEFAULT.push_ms
    """a push begun in the window's last moment shows at the passage contact within this time"""
    settle: Annotated[int, Duration("0 s", "10 s")] = DEFAULT.settle_ms
    """a passage so soon after a grant's last one is tailgating"""
    dead_daemon: Literal["free", "hold"] = "free" if DEFAULT.free_on_dead_daemon else "hold"
    """what the arm does when the program is dead, as the release relay is wired; hold only with a guard and a key"""
    lanes: dict[Name, LaneWire]
    """the turnstiles, by name"""


class Visits(Section):
    """The visit itself."""

    length: Annotated[int, Duration("1 min", "12 h")] = DEFAULT.visit_ms
    """how long a visit lasts"""
    warn: Annotated[int, Duration("0 s", "1 h")] = DEFAULT.warn_ms
    """guards are warned so long before the end"""
    overstay_repeat: Annotated[int, Duration("10 s", "1 h")] = DEFAULT.overstay_repeat_ms
    """an overstay is repeated to the guards so often"""
    party_most: Annotated[int, Between(1, 20)] = DEFAULT.party_most
    """persons on one card"""


class Mqtt(Section):
    """The line to the central server."""

    host: Host
    """the broker"""
    port: Port = 1883
    """usually 1883, with TLS 8883"""
    version: Literal[5, "3.1.1"] = 5
    """of the protocol"""
    tls: bool = False
    """encrypt, and check the broker's certificate"""
    authority: AbsolutePath | None = None
    """certificate of the authority that signed the broker's; the system's own when absent"""
    login: FileName | None = None
    """credentials file with the user in line 1 and the password in line 2; anonymous when absent"""
    certificate: FileName | None = None
    """credentials file with our own certificate, where the broker asks for one"""
    key: FileName | None = None
    """credentials file with its private key"""
    delivery: Literal["acknowledged", "broker"] = "acknowledged"
    """what ends our duty to keep an event: the central server's word, or the broker's"""
    keepalive: Annotated[int, Duration("5 s", "1 h")] = 30_000
    """longest silence on the line"""
    commands: List[Command] = COMMANDS
    """for a later version: the commands that this hall will obey; none is obeyed yet"""


class Storage(Section):
    """The disk."""

    state: AbsolutePath = "/var/lib/besuk"
    """folder of the journal and the state cache"""
    keep: Annotated[int, Duration("7 days", "3650 days")] = 90 * 86_400_000
    """journal kept at least so long, also after the central server has it"""
    segment: Annotated[int, Size("64 KiB", "64 MiB")] = 4 << 20
    """size at which a new journal file is begun"""
    reserve: Annotated[int, Size("64 KiB", "64 MiB")] = 1 << 20
    """space put aside, freed when the disk is full so that exits can still be recorded"""


class Web(Section):
    """The pages."""

    host: Host = "127.0.0.1"
    """address to listen at; 0.0.0.0 for all"""
    port: Port = 8080
    """port to listen at"""
    idle: Annotated[int, Duration("1 min", "12 h")] = 15 * 60_000
    """a page that nobody used for so long only shows, until the PIN is given again"""


class Config(Section):
    """The whole file."""

    site: Slug
    """the detention centre, as in MQTT topics"""
    hall: Slug
    """the hall, as in MQTT topics"""
    timezone: Literal["Asia/Jakarta", "Asia/Pontianak", "Asia/Makassar", "Asia/Jayapura"]
    """WIB, WITA or WIT"""
    language: Literal["id", "en"] = "id"
    """what visitors and guards read"""
    capacity: Annotated[int, Between(1, 10_000)] = DEFAULT.capacity
    """most people inside"""
    hours: List[Annotated[core.VisitHours, Hours()]] = ()
    """sessions that open and close by themselves while the clock is trusted; none: by hand only"""
    two_people: List[Literal["inspect", "release"]] = ("inspect", "release")
    """overrides of a locker that need a second person"""
    queue: Queue
    cards: Cards = Cards()
    lockers: Lockers
    gate: Gate
    visits: Visits = Visits()
    readers: dict[Name, ReaderWire]
    """the card readers, by name"""
    contacts: dict[Name, ContactWire]
    """switches and buttons, by name"""
    signs: dict[Name, SignWire]
    """the LED signs, by name"""
    mqtt: Mqtt
    storage: Storage = Storage()
    web: Web = Web()

    @property
    def offset(self) -> datetime.timezone:
        """The site's distance from UTC, for the label `time`."""
        return datetime.timezone(datetime.timedelta(minutes=UTC_OFFSET_MIN[self.timezone]))

    @property
    def wiring(self) -> Wiring:
        """The devices alone."""
        return Wiring(self.readers, self.lockers.banks, self.gate.lanes, self.contacts, self.signs)

    def as_site(self) -> core.Site:
        """What the rules of the hall need to know."""
        queue, cards, lockers, gate, visits = self.queue, self.cards, self.lockers, self.gate, self.visits
        return core.Site(
            site=self.site,
            hall=self.hall,
            language=self.language,
            readers={
                name: core.Reader(name, one.place, one.bank or "", one.lane or "")
                for name, one in self.readers.items()
            },
            contacts={
                name: core.Contact(name, one.use, one.tickets or "", one.lane or "", one.direction)
                for name, one in self.contacts.items()
            },
            lanes=tuple(gate.lanes),
            banks=lockers.by_bank,
            signs=tuple(self.signs),
            sign_texts=sign_texts(self.language),
            counters=queue.counters,
            classes={letter: core.TicketClass(letter, one.priority) for letter, one in queue.classes.items()},
            hours=self.hours,
            capacity=self.capacity,
            reasons_two_people=self.two_people,
            priority_in_a_row=queue.priority_in_a_row,
            recalls=queue.recalls,
            late_tolerance=queue.late_tolerance,
            call_hold_ms=queue.call_hold,
            notice_hold_ms=queue.notice_hold,
            repeat_ms=cards.repeat,
            far_apart=tuple(frozenset(group) for group in cards.far_apart),
            far_apart_ms=cards.far_apart_within,
            search_before_locker=lockers.search_first,
            reopen_while_inside=lockers.reopen_while_inside,
            lockers_per_card=lockers.per_card,
            not_open_ms=lockers.not_open,
            lock_pulses=lockers.pulses,
            left_open_ms=lockers.left_open,
            left_open_task_ms=lockers.left_open_task,
            collect_again_ms=lockers.collect_again,
            still_owned_ms=lockers.still_owned,
            locker_shut_for_entry=gate.locker_shut,
            deposit_for_entry=gate.deposit_required,
            passage_ms=gate.passage,
            push_ms=gate.push,
            settle_ms=gate.settle,
            free_on_dead_daemon=gate.dead_daemon == "free",
            visit_ms=visits.length,
            warn_ms=visits.warn,
            overstay_repeat_ms=visits.overstay_repeat,
            party_most=visits.party_most,
        )


class ConfigError(ValueError):
    """The file is refused; one line for each mistake."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


def load(path: Path) -> Config:
    """The settings in the file at `path`. Raises ConfigError, whose text is meant for the technician."""
    try:
        tree, lines = read(path)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {(error.strerror or str(error)).lower()}"]) from error
    except YamlError as problem:
        raise ConfigError([f"{path}: {problem}"]) from problem
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        found = [explain.mistake(Config, one) for one in error.errors(include_url=False)]
    else:
        found = [*clashes(config.wiring), *_contradictions(config)]
        if not found:
            return config
    raise ConfigError([_line(place, text, lines) for place, text in found])


def check(path: Path) -> list[str]:
    """The mistakes in the file at `path`, one line each; none when it may be used."""
    try:
        load(path)
    except ConfigError as error:
        return list(error.mistakes)
    return []


def _line(place: Place, text: str, lines: Mapping[Place, int]) -> str:
    """A missing key has no line of its own: the section that lacks it is named."""
    known = next((place[:length] for length in range(len(place), -1, -1) if place[:length] in lines), None)
    where = f" (line {lines[known]})" if known else ""
    line = f"{place_text(place) or 'the file'}: {text}{where}"
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in line)


def _contradictions(config: Config) -> Iterator[Clash]:
    """What single values may be, but not together, beyond the wiring."""
    if not config.queue.counters:
        yield ("queue", "counters"), "a counter is missing"
    if not config.queue.classes:
        yield ("queue", "classes"), "a class of ticket is missing"
    for name in sorted({name for name in config.queue.counters if config.queue.counters.count(name) > 1}):
        yield ("queue", "counters"), f'"{name}" is given twice'
    for name, contact in config.contacts.items():
        choice = ", ".join(config.queue.classes)
        if choice and contact.tickets is not None and contact.tickets not in config.queue.classes:
            yield ("contacts", name, "tickets"), f'"{contact.tickets}" is not allowed; one of {choice}'
    for position, group in enumerate(config.cards.far_apart):
        place: Place = ("cards", "far_apart", position)
        if len(set(group)) < 2:
            yield place, "needs two or more readers"
        for reader in group:
            if reader not in config.readers:
                yield place, f'"{reader}" is not allowed; one of {", ".join(config.readers)}'
    for position, (before, after) in enumerate(pairwise(config.hours), start=1):
        if after.opens_minute < before.closes_minute:
            yield ("hours", position), "begins before the session above it ends"
    if config.lockers.left_open_task <= config.lockers.left_open:
        yield ("lockers", "left_open_task"), "must be longer than left_open"
    if config.visits.warn >= config.visits.length:
        yield ("visits", "warn"), "must be shorter than length"
    for name in ("authority", "certificate", "key"):
        if getattr(config.mqtt, name) and not config.mqtt.tls:
            yield ("mqtt", name), 'goes with "tls: true" alone'
