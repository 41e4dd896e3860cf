"""Strokes of trouble as data: every kind that there is, and a day's plan of them, which follows from a seed alone.

A stroke is one thing that goes wrong at one moment, for so long. It is one line of text, from which it can be read
again, so that a plan can be printed, shrunk and kept. `sim.storm` makes it happen.
"""

import math
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from firmware.config import Config
from firmware.core.site import ContactUse, ReaderPlace
from hal.clock import Millis
from sim.durations import DAY_MS, HOUR, MINUTE, SECOND

Weather = Literal["none", "some", "storm"]

QUIET_MS: Millis = 20 * MINUTE
"""At the end of a day nothing goes wrong for so long, or for a third of a shorter day: all must be well again."""
SOME_A_DAY = (10, 15)
STORM_EVERY_MS: Millis = 150 * SECOND
CLUSTER = 0.25
"""The share of strokes in a storm that bring others with them."""
CLUSTER_MS: Millis = 5 * SECOND
SPOILT = 10
"""One storm in so many is a day on which the medium itself goes bad."""
AFTER_BOOT_MS: Millis = MINUTE
"""A Pi without a battery clock knows the time so long after its start."""

_LINE = re.compile(r"(\d+) ([a-z _]+?)(?: at ([A-Za-z0-9_-]+))?(?: for (\d+))?(?: x(\d+))?")


@dataclass(frozen=True, slots=True, order=True)
class Stroke:
    """Something goes wrong."""

    at_ms: Millis
    """Since the beginning of the storm."""
    what: str
    """One of KINDS."""
    on: str = ""
    """The device, reader, locker, lane or contact that it befalls; empty for the machine itself."""
    for_ms: Millis = 0
    much: int = 0
    """In the kind's own measure; 0 for the usual."""

    def __str__(self) -> str:
        """`723250 reader garbled at entry for 45000 x5`: milliseconds, and five percent."""
        on = f" at {self.on}" if self.on else ""
        lasts = f" for {self.for_ms}" if self.for_ms else ""
        much = f" x{self.much}" if self.much else ""
        return f"{self.at_ms} {self.what}{on}{lasts}{much}"

    @classmethod
    def of(cls, line: str) -> "Stroke":
        """The stroke that a line tells of. Raises ValueError."""
        match = _LINE.fullmatch(line.strip())
        if match is None or match[2] not in KINDS:
            raise ValueError(f"no stroke of trouble: {line!r}")
        return cls(int(match[1]), match[2], match[3] or "", int(match[4] or 0), int(match[5] or 0))


Befalls = Literal[
    "reader", "chip", "visitors_reader", "lane", "bank", "sign", "locker", "disk", "broker", "central", "clock",
    "machine", "fire",
]  # fmt: skip
"""`chip`: a reader on SPI. `visitors_reader`: not the officers'. `bank`: one on lock boards."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of trouble: what it befalls, how long it lasts, how much of it there is, and how often it comes."""

    befalls: Befalls
    for_ms: tuple[Millis, Millis]
    much: tuple[int, int] = (0, 0)
    weight: float = 1.0
    """0: never by itself."""
    fault: str = ""
    """The name under which `VirtualHall.fault` knows it; empty for what is no device's fault."""


KINDS: Mapping[str, Kind] = {
    # The machine. `much` counts disk steps until everything stops; a power cut comes again after `for_ms`.
    "power": Kind("machine", (20 * SECOND, 5 * MINUTE), weight=2),
    "power in commit": Kind("machine", (20 * SECOND, 3 * MINUTE), (1, 12), weight=2),
    "power in recovery": Kind("machine", (20 * SECOND, MINUTE), (1, 24)),
    "kill": Kind("machine", (2 * SECOND, 2 * SECOND), weight=2),
    "kill in commit": Kind("machine", (2 * SECOND, 2 * SECOND), (1, 12), weight=2),
    "kill in recovery": Kind("machine", (2 * SECOND, 2 * SECOND), (1, 24)),
    "restart": Kind("machine", (2 * SECOND, 2 * SECOND)),
    "hang": Kind("machine", (200, 11 * SECOND)),
    "hang long": Kind("machine", (13 * SECOND, 30 * SECOND)),
    # The disk. `full`: bytes that are left. `stalled`: milliseconds a flush takes longer.
    "disk full": Kind("disk", (5 * SECOND, 10 * MINUTE), (0, 20_000), fault="full"),
    "disk readonly": Kind("disk", (5 * SECOND, 10 * MINUTE), fault="readonly"),
    "disk failing": Kind("disk", (SECOND, 10 * MINUTE), fault="failing"),
    "disk unplugged": Kind("disk", (5 * SECOND, 5 * MINUTE), fault="unplugged", weight=0.5),
    "disk unflushed": Kind("disk", (100, MINUTE), fault="unflushed"),
    "disk stalled": Kind("disk", (2 * SECOND, 2 * MINUTE), (200, 8_000), fault="stalled", weight=3),
    # The medium goes bad: to be reported, and the rest of the day is degraded. Only in plans of their own.
    "bit flipped": Kind("machine", (2 * SECOND, 2 * SECOND), weight=0),
    "power scattered": Kind("machine", (20 * SECOND, MINUTE), (1, 12), weight=0),
    # Readers. `garbled`: percent of the bytes.
    "reader unplugged": Kind("reader", (SECOND, 10 * MINUTE), fault="unplugged"),
    "reader garbled": Kind("reader", (SECOND, 5 * MINUTE), (1, 100), fault="garbled", weight=2),
    "reader stuck": Kind("reader", (SECOND, 3 * MINUTE), fault="stuck"),
    "reader grounded": Kind("chip", (SECOND, 5 * MINUTE), fault="grounded", weight=0.5),
    "reader gone": Kind("chip", (SECOND, 5 * MINUTE), fault="gone"),
    "reader silent": Kind("chip", (SECOND, 5 * MINUTE), fault="silent"),
    "reader browned_out": Kind("chip", (15 * SECOND, 15 * SECOND), fault="browned_out"),
    # What people do to readers: a card that nobody knows lies there for minutes, two of them, ten taps a second.
    "strange card": Kind("visitors_reader", (SECOND, 5 * MINUTE)),
    "two cards": Kind("visitors_reader", (SECOND, 10 * SECOND)),
    "tap flood": Kind("visitors_reader", (SECOND, 20 * SECOND)),
    # Lock boards and lockers. `late`: milliseconds.
    "bank unplugged": Kind("bank", (SECOND, 5 * MINUTE), fault="unplugged"),
    "bank noisy": Kind("bank", (SECOND, 2 * MINUTE), fault="noisy"),
    "bank silent": Kind("bank", (SECOND, 5 * MINUTE), fault="silent"),
    "bank garbled": Kind("bank", (SECOND, 2 * MINUTE), fault="garbled"),
    "bank lying": Kind("bank", (SECOND, 2 * MINUTE), fault="lying"),
    "bank late": Kind("bank", (SECOND, 2 * MINUTE), (50, 600), fault="late"),
    "locker stuck": Kind("locker", (MINUTE, 2 * HOUR), fault="stuck", weight=2),
    "locker sensor_open": Kind("locker", (MINUTE, HOUR), fault="sensor_open"),
    "locker sensor_closed": Kind("locker", (MINUTE, HOUR), fault="sensor_closed"),
    "door forced": Kind("locker", (2 * SECOND, 5 * MINUTE), weight=2),
    # The arm.
    "lane held": Kind("lane", (SECOND, MINUTE), fault="held"),
    "lane unpowered": Kind("lane", (SECOND, 2 * MINUTE), fault="unpowered"),
    "lane unplugged": Kind("lane", (SECOND, 2 * MINUTE), fault="unplugged"),
    "lane stuck": Kind("lane", (SECOND, 5 * MINUTE), fault="stuck"),
    "lane stuck_out": Kind("lane", (SECOND, 5 * MINUTE), fault="stuck_out"),
    "lane blind": Kind("lane", (SECOND, 2 * MINUTE), fault="blind"),
    "lane not_ready": Kind("lane", (SECOND, 2 * MINUTE), fault="not_ready"),
    "arm forced": Kind("lane", (30 * SECOND, 5 * MINUTE)),
    "arm reversed": Kind("lane", (SECOND, 2 * MINUTE), weight=2),
    # The sign.
    "sign unplugged": Kind("sign", (SECOND, 10 * MINUTE), fault="unplugged"),
    "sign garbled": Kind("sign", (SECOND, 5 * MINUTE), fault="garbled"),
    "sign restarted": Kind("sign", (15 * SECOND, 15 * SECOND), fault="restarted"),
    # Fire. `in commit`: in the middle of the next flush.
    "fire": Kind("fire", (SECOND, 3 * MINUTE), weight=0.4),
    "fire pulse": Kind("fire", (1, 200), weight=0.3),
    "fire in commit": Kind("fire", (SECOND, MINUTE), weight=0.3),
    # The broker, the line to it, the central server. `duplicating`, `losing`: percent.
    "broker unplugged": Kind("broker", (10 * SECOND, 3 * HOUR), fault="unplugged"),
    "broker forgetful": Kind("broker", (10 * SECOND, 30 * MINUTE), fault="forgetful"),
    "broker stuck": Kind("broker", (10 * SECOND, 5 * MINUTE), fault="stuck"),
    "broker flapping": Kind("broker", (10 * SECOND, 10 * MINUTE), fault="flapping"),
    "broker refusing": Kind("broker", (10 * SECOND, 10 * MINUTE), fault="refusing", weight=0.5),
    "broker duplicating": Kind("broker", (MINUTE, HOUR), (5, 100), fault="duplicating"),
    "broker losing": Kind("broker", (MINUTE, HOUR), (5, 60), fault="losing"),
    "central mute": Kind("central", (10 * SECOND, HOUR), fault="mute"),
    "central away": Kind("central", (10 * SECOND, HOUR), fault="away"),
    # The wall clock. Seconds; `drifting`: milliseconds in every ten seconds.
    "clock unsynced": Kind("clock", (10 * SECOND, HOUR), fault="unsynced"),
    "clock jumped": Kind("clock", (10 * SECOND, HOUR), (3, 43_200), fault="jumped"),
    "clock jumped_back": Kind("clock", (10 * SECOND, HOUR), (3, 43_200), fault="jumped_back"),
    "clock epoch": Kind("clock", (10 * SECOND, HOUR), fault="epoch"),
    "clock drifting": Kind("clock", (MINUTE, HOUR), (1, 100), fault="drifting"),
    "clock behind": Kind("clock", (30 * SECOND, 10 * MINUTE), (1, 3_600), fault="behind", weight=0.5),
    # Commands of the central server come here once the daemon obeys any: late, reordered, repeated, malformed, hostile.
}

SPOILING = frozenset({"bit flipped", "power scattered"})
"""After these the journal may be damaged: the daemon says so, and the rest of the day is degraded."""


def targets(config: Config, befalls: Befalls) -> list[str]:
    """What a kind of trouble can befall in this hall; the empty name is the machine."""
    match befalls:
        case "reader":
            return list(config.readers)
        case "chip":
            return [name for name, reader in config.readers.items() if reader.spi is not None]
        case "visitors_reader":
            return [name for name, reader in config.readers.items() if reader.place is not ReaderPlace.DESK]
        case "lane":
            return list(config.gate.lanes)
        case "bank":
            return [name for name, bank in config.lockers.banks.items() if bank.rs485 is not None]
        case "sign":
            return list(config.signs)
        case "locker":
            return [f"locker-{number}" for bank in config.lockers.banks.values() for number in bank.numbers]
        case "fire":
            return [name for name, contact in config.contacts.items() if contact.use is ContactUse.FIRE]
        case "machine":
            return [""]
    return [befalls]


def plan(config: Config, seed: int, weather: Weather, day_ms: Millis = DAY_MS) -> list[Stroke]:
    """The trouble of one day, in order of time: none, a dozen strokes, or one every minute or two, some at once.

    All of it is over `QUIET_MS` before the day ends (a third of a shorter day).
    """
    rng = random.Random(f"storm {seed}")
    until_ms = day_ms - min(QUIET_MS, day_ms // 3)
    strokes: list[Stroke] = []
    for at_ms in _moments(rng, weather, until_ms):
        strokes += _stroke(config, rng, at_ms, until_ms)
    if weather == "storm" and rng.randrange(SPOILT) == 0:
        kind = rng.choice(sorted(SPOILING))
        strokes.append(_drawn(rng, kind, rng.randint(until_ms // 2, until_ms), "", until_ms))
    return sorted(strokes)


def spoils(strokes: list[Stroke]) -> bool:
    """Whether the medium goes bad in this plan: then a day may end degraded, with damage that is told."""
    return any(stroke.what in SPOILING for stroke in strokes)


def _moments(rng: random.Random, weather: Weather, until_ms: Millis) -> Iterator[Millis]:
    if weather == "none":
        return
    if weather == "some":
        share = until_ms / (DAY_MS - QUIET_MS)
        for _ in range(max(1, round(rng.randint(*SOME_A_DAY) * share))):
            yield rng.randint(0, until_ms)
        return
    at_ms = 0
    while (at_ms := at_ms + round(rng.expovariate(1 / STORM_EVERY_MS))) < until_ms:
        yield at_ms
        if rng.random() < CLUSTER:
            for _ in range(rng.randint(1, 4)):
                yield at_ms + rng.randint(0, CLUSTER_MS)


GROUPS: Mapping[str, float] = {
    "machine": 5, "disk": 4, "reader": 2.5, "chip": 2, "visitors_reader": 1.5, "bank": 3, "locker": 2.5, "lane": 4,
    "sign": 1, "fire": 1, "broker": 2, "central": 1, "clock": 2,
}  # fmt: skip
"""How often each is befallen, whatever number of kinds there is for it."""


def _stroke(config: Config, rng: random.Random, at_ms: Millis, until_ms: Millis) -> Iterator[Stroke]:
    """One drawn at random, and what comes with it; nothing where there is no time or no target for it."""
    group = rng.choices(list(GROUPS), list(GROUPS.values()))[0]
    kinds = {name: kind.weight for name, kind in KINDS.items() if kind.befalls == group and kind.weight}
    name = rng.choices(list(kinds), list(kinds.values()))[0]
    on = targets(config, KINDS[name].befalls)
    if not on or KINDS[name].for_ms[0] > until_ms:
        return
    stroke = _drawn(rng, name, at_ms, rng.choice(on), until_ms)
    yield stroke
    again_ms = stroke.at_ms + stroke.for_ms
    with_more = rng.random() < 0.5 and again_ms + AFTER_BOOT_MS < until_ms
    if with_more and name.startswith("power"):  # without a battery clock it takes up where it stopped, or earlier
        lasts_ms = stroke.for_ms + AFTER_BOOT_MS
        yield Stroke(stroke.at_ms, "clock behind", "clock", lasts_ms, stroke.for_ms // 1000 + rng.randint(0, 3_600))
    if with_more and name == "fire":  # cameras write more than ever
        yield Stroke(stroke.at_ms, "disk full", "disk", min(10 * MINUTE, until_ms - stroke.at_ms))
    if with_more and name == "kill in commit":  # what the page cache still had, the medium may not
        yield Stroke(again_ms + rng.randint(0, 500), "power", "", 20 * SECOND)


def _drawn(rng: random.Random, name: str, at_ms: Millis, on: str, until_ms: Millis) -> Stroke:
    """With a length and a measure drawn evenly over their orders of magnitude."""
    kind = KINDS[name]
    lasts_ms = min(_spread(rng, *kind.for_ms), max(kind.for_ms[0], until_ms - at_ms))
    return Stroke(min(at_ms, until_ms - lasts_ms), name, on, lasts_ms, _spread(rng, *kind.much))


def _spread(rng: random.Random, least: int, most: int) -> int:
    if least == most:
        return least
    return min(most, round(math.exp(rng.uniform(math.log(least + 1), math.log(most + 1)))) - 1)
