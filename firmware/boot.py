"""Recovery and assembly: from a configuration and a world to a daemon that goes on where the last one stopped.

The state is the fold of the journal. The cache's checkpoint saves folding what it includes; without it the fold begins
at the first record. Nothing moves by itself: a start ends what was momentary (`HallBooted`), and people who are inside
make the count suspect, for nobody watched.

A damaged journal is never guessed at. The checkpoint may still know the whole state; otherwise it is what the verified
records before the damage tell, and every locker that a later record speaks of is frozen, because who owns it cannot be
known. The hall starts degraded.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Protocol

from firmware.checkpoint import Checkpoint, unpack
from firmware.codec import utc_ms_of
from firmware.config import Config
from firmware.controller import Controller
from firmware.core.evolve import fit_to_site, new_hall
from firmware.core.inputs import EmergencyRemembered, Started, StorageFailed
from firmware.core.site import Site
from firmware.core.state import Hall
from firmware.daemon import Daemon
from firmware.devices import Buses, build
from firmware.fold import fold
from firmware.ledger import BASE, Ledger
from firmware.panel import CardHash, Panel
from hal.clock import Clock, WallClock
from services.cache import StateCache
from services.disk import Disk
from services.journal import Journal
from services.marker import Marker
from services.mqtt import Message, MqttSettings, Transport
from services.outbox import Cursor, Delivery, Outbox
from services.records import Line as Record
from services.writer import Writer

log = logging.getLogger(__name__)

VERSION = version("besuk")
JOURNAL = "journal"
CACHE = "state.json"


class World(Buses, Protocol):
    """Everything outside the program: the machine's, or a virtual one."""

    @property
    def simulated(self) -> bool: ...

    @property
    def wall(self) -> WallClock: ...

    @property
    def disk(self) -> Disk:
        """The state directory."""
        ...

    @property
    def writer(self) -> Writer: ...

    @property
    def reader(self) -> Writer:
        """For reading the journal beside the scan."""
        ...

    @property
    def card_key(self) -> bytes: ...

    @property
    def emergency(self) -> Marker:
        """Outlives the process, though perhaps not the power."""
        ...

    def new_id(self) -> str:
        """32 hex digits that nobody else has."""
        ...

    def transport(self, settings: MqttSettings, will: Callable[[], Message]) -> Transport:
        """A session with the broker."""
        ...


@dataclass(frozen=True, slots=True)
class Recovered:
    """What the disk tells of the hall."""

    hall: Hall
    journal: Journal
    cache: StateCache
    cursor: Cursor
    started: Started


def recover(disk: Disk, site: Site, wall: WallClock, clock: Clock, *, simulated: bool, new_id: Callable[[], str],
            segment_bytes: int = 4 << 20) -> Recovered:  # fmt: skip
    """The hall as the disk remembers it. `clock` is the one whose time this start's facts will bear.

    Raises OSError for a disk that cannot be read, WrongJournalError for another hall's journal, UnknownFactError for a
    newer version's.
    """
    cache = StateCache(disk, CACHE)
    known = [unpack(tables) for tables in (cache.load(), StateCache(disk, BASE).load()) if tables is not None]
    checkpoint = max((one for one in known if one), key=lambda one: one.anchor.seq, default=None)
    journal = Journal.open(
        disk, JOURNAL, source=f"besuk/v1/{site.site}/{site.hall}", simulated=simulated, new_id=new_id,
        anchor=checkpoint.anchor if checkpoint else None, segment_bytes=segment_bytes,
    )  # fmt: skip
    if journal.damage is not None:
        hall, last = _despite_damage(journal, checkpoint, site)
    else:
        hall, last = _fold(journal.lines(checkpoint.anchor.seq if checkpoint else 0), checkpoint, site)
    fit_to_site(hall, site)
    damage = str(journal.damage or _missing_beginning(journal, checkpoint))
    if damage and journal.damage is None:
        _freeze(hall, hall.lockers)
    known_at = checkpoint.at if checkpoint else 0
    started = _start(hall, last or _last_line(journal), known_at, wall, clock, damage)
    cursor = checkpoint.cursor if checkpoint else Cursor()
    return Recovered(hall, journal, cache, cursor, started)


def _fold(lines: Iterable[Record], checkpoint: Checkpoint | None, site: Site) -> tuple[Hall, Record | None]:
    hall = checkpoint.hall if checkpoint else new_hall(site)
    last = None
    for last in lines:
        fold(hall, [last.event], site)
    return hall, last


def _despite_damage(journal: Journal, checkpoint: Checkpoint | None, site: Site) -> tuple[Hall, Record | None]:
    """The best state that is certain, and every locker frozen whose owner is not."""
    damage = journal.damage
    assert damage is not None
    suffix = list(journal.suffix())
    if checkpoint and checkpoint.anchor.seq >= damage.seq:
        after = checkpoint.anchor.seq
        later = [line for line in suffix if line.seq > after]
        if [line.seq for line in later] == list(range(after + 1, after + 1 + len(later))):
            return _fold(later, checkpoint, site)
        hall, last = _fold([], checkpoint, site)
    else:
        later = suffix
        hall, last = _fold(journal.lines(checkpoint.anchor.seq if checkpoint else 0), checkpoint, site)
    fit_to_site(hall, site)
    spoken_of = {line.event["data"].get("locker") for line in later}
    _freeze(hall, hall.lockers if damage.missing > 1 else spoken_of)
    return hall, last


def _last_line(journal: Journal) -> Record | None:
    return journal.last if journal.last.seq else None


def _missing_beginning(journal: Journal, checkpoint: Checkpoint | None) -> str:
    """Old segments were deleted, and nothing is left that knows what they told."""
    known_seq = checkpoint.anchor.seq if checkpoint else 0
    if journal.first_seq <= known_seq + 1:
        return ""
    return f"the journal begins with record {journal.first_seq}, and no checkpoint knows what came before"


def _freeze(hall: Hall, lockers: Iterable[int]) -> None:
    """Whose these are cannot be known: only a guard may open them."""
    for number in lockers:
        if number in hall.lockers:
            hall.lockers[number].fault = "out_of_service"


def _start(
    hall: Hall, last: Record | None, known_at: int, wall: WallClock, clock: Clock, damage: str
) -> Started:
    """What this start knows of the time nobody watched; hall time goes on from the last moment that is known.

    The time away ends where this start's own clock began: that clock counts what recovery has taken since.
    """
    now = wall.read()
    if last is None:
        return Started(VERSION, known_at, 0, None, now.synced, not damage, damage)
    event = last.event
    last_at = max(hall.boot_at + int(event["bootms"]), known_at)
    away_ms = now.utc_ms - clock.now() - utc_ms_of(event["time"])
    trusted = now.synced and event["clock"] == "synced"
    off_ms = max(0, away_ms) if trusted else 0
    gap_s = away_ms // 1000 if away_ms >= 0 else None
    return Started(VERSION, last_at + off_ms, off_ms, gap_s, trusted, False, damage)


def assemble(config: Config, world: World, mqtt: MqttSettings | None) -> Daemon:
    """Everything, ready to run. Nothing has moved, and nothing has been written that was not torn.

    Raises what `recover` raises, and PinsMissingError.
    """
    site = config.as_site()
    devices = build(config.wiring, site, world)
    found = recover(
        world.disk, site, world.wall, world.clock, simulated=world.simulated, new_id=world.new_id,
        segment_bytes=config.storage.segment,
    )  # fmt: skip
    numbers = {name: bank.numbers for name, bank in config.lockers.banks.items()}
    panel = Panel(devices, numbers, CardHash(world.card_key))
    ledger = Ledger(
        disk=world.disk, reserve_bytes=config.storage.reserve, journal=found.journal, cache=found.cache,
        writer=world.writer, wall=world.wall, offset=config.offset,
        site=site, hall=found.hall,
    )  # fmt: skip
    controller = Controller(
        site=site, hall=found.hall, epoch_ms=found.started.epoch_ms, panel=panel, ledger=ledger, clock=world.clock,
        marker=world.emergency,
    )  # fmt: skip
    controller.happen(found.started)
    if found.cache.trouble and found.journal.last_seq:
        log.warning("recovery: %s; the journal was folded instead", found.cache.trouble)
    if found.journal.torn:
        log.warning("recovery: a torn tail was cut off: %s", found.journal.torn)
    if found.journal.damage:
        log.error("recovery: the journal is damaged: %s; see docs/journal.md", found.journal.damage)
    if ledger.dead and found.journal.damage is None:
        controller.happen(StorageFailed("not_writable"))
    if world.emergency.is_set and not found.hall.emergency:
        controller.happen(EmergencyRemembered())
    daemon = Daemon(config, world.clock, world.wall, controller)
    if mqtt is not None:
        _connect(daemon, config, world, mqtt, found)
    return daemon


def _connect(daemon: Daemon, config: Config, world: World, mqtt: MqttSettings, found: Recovered) -> None:
    root = f"besuk/v1/{config.site}/{config.hall}"
    transport = world.transport(mqtt, lambda: daemon.telemetry_will())
    outbox = Outbox(
        found.journal, transport, f"{root}/event", found.journal.id, world.reader,
        delivery=Delivery(config.mqtt.delivery), cursor=found.cursor,
    )  # fmt: skip
    daemon.attach(transport, outbox, root, VERSION)


def broker_settings(config: Config, *, host: str = "", port: int = 0) -> MqttSettings:
    """Where the broker is, as the configuration says or as the command line knows better."""
    root = f"besuk/v1/{config.site}/{config.hall}"
    return MqttSettings(
        host=host or config.mqtt.host,
        port=port or config.mqtt.port,
        client_id=f"besuk-{config.site}-{config.hall}",
        version="5" if config.mqtt.version == 5 else "3.1.1",
        subscriptions=(f"{root}/ack",),
        keepalive_s=config.mqtt.keepalive // 1000,
    )
