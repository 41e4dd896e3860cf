"""Sites that differ: variants of a configuration, by name, so that days vary the hall too and not only its weather.

Each variant changes one thing that halls differ in, and leaves a configuration that `besuk check` would take. Which
variants a seed's hall has is drawn from the dimensions below, at most one of each. The wrong ones at the end are what a
technician gets wrong: the daemon has to live with them and to show what is the matter.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any

from firmware.config import Config, TicketClass
from firmware.core.site import VisitHours
from firmware.wiring import BankWire, ContactWire, LaneWire, ReaderWire, Serial, SignWire

Variant = Callable[[Config], Config]

MINUTE_MS = 60_000
LEAST_BYTES = 64 << 10
LINE = "/dev/besuk-lockers"
CU16: Mapping[str, Any] = {
    "line": LINE, "settings": "19200 8N1", "protocol": "cu16", "content_reads": 1,
    "boards": [{"address": place, "lockers": f"{16 * place + 1}-{16 * place + 16}"} for place in range(3)],
}  # fmt: skip
"""As the sample site's."""


# -- lockers and how they are wired


def few_lockers(config: Config) -> Config:
    """Six lockers: the bank is full most of the time."""
    return _bank(config, {**CU16, "boards": [{"address": 0, "lockers": "1-6"}]})


def eight_a(config: Config) -> Config:
    """Boards of the 8A family, without content sensors."""
    boards = [{"address": 1, "lockers": "1-24"}, {"address": 2, "lockers": "25-48"}]
    return _bank(config, {"line": LINE, "settings": "9600 8N1", "protocol": "8a", "pulse": "300 ms", "boards": boards})


def cu48(config: Config) -> Config:
    """One large board."""
    return _bank(config, {**CU16, "protocol": "cu48", "boards": [{"address": 0, "lockers": "1-48"}]})


def no_content_sensors(config: Config) -> Config:
    """Nobody can see into a locker but who opens it."""
    return _bank(config, {key: value for key, value in CU16.items() if key != "content_reads"})


def relays(config: Config) -> Config:
    """Four lockers at the Pi's own pins, which the exit reader leaves to them."""
    pins = enumerate(((14, 15), (16, 17), (18, 19), (20, 21)), start=1)
    lockers = [{"locker": number, "lock": lock, "door": door} for number, (lock, door) in pins]
    bank = BankWire.model_validate({"relays": {"pulse": "300 ms", "lockers": lockers}})
    return _by_serial(_with(config, "lockers", banks={"A": bank}), "exit")


def two_banks(config: Config) -> Config:
    """A second bank with a reader of its own; each card's locker is at one of them."""
    rs485 = {**CU16, "line": "/dev/besuk-lockers-b", "boards": [{"address": 0, "lockers": "49-60"}]}
    second = BankWire.model_validate({"rs485": rs485})
    reader = ReaderWire.model_validate({"place": "locker", "bank": "B", "spi": {"bus": 1, "device": 1}})
    config = _with(config, "lockers", banks={**config.lockers.banks, "B": second})
    return config.model_copy(update={"readers": {**config.readers, "lockers_b": reader}})


def two_lanes(config: Config) -> Config:
    """A second arm, with readers and an exit button of its own."""
    config = _by_serial(config, "exit")
    pins = {"unlock_in": 14, "unlock_out": 15, "release": 16, "pass_in": 17, "pass_out": 18, "ready": 19}
    config = _with(config, "gate", lanes={**config.gate.lanes, "second": LaneWire.model_validate(pins)})
    button = ContactWire.model_validate({"use": "exit_button", "pin": 20, "rest": "open", "lane": "second"})
    readers = {}
    for place in ("entry", "exit"):
        wire = {"place": place, "lane": "second", "serial": _reader_line(f"{place}-2")}
        readers[f"{place}_2"] = ReaderWire.model_validate(wire)
    contacts = {**config.contacts, "exit_button_2": button}
    return config.model_copy(update={"readers": {**config.readers, **readers}, "contacts": contacts})


def serial_readers(config: Config) -> Config:
    """All readers far from the Pi."""
    return _by_serial(config, *config.readers)


def side_gate(config: Config) -> Config:
    """A wheelchair gate beside the arm, with a contact of its own."""
    wire = ContactWire.model_validate({"use": "side_gate", "pin": 15, "rest": "closed", "lane": "main"})
    return config.model_copy(update={"contacts": {**config.contacts, "wheelchair": wire}})


# -- rules


def small_hall(config: Config) -> Config:
    """Eight places: the hall is full most of the time."""
    return config.model_copy(update={"capacity": 8})


def search_after_locker(config: Config) -> Config:
    return _with(config, "lockers", search_first=False)


def reopen_while_inside(config: Config) -> Config:
    return _with(config, "lockers", reopen_while_inside=True)


def two_lockers_a_card(config: Config) -> Config:
    return _with(config, "lockers", per_card=2)


def deposit_required(config: Config) -> Config:
    return _with(config, "gate", deposit_required=True)


def far_apart(config: Config) -> Config:
    """Nobody walks from the lockers to the gate within three seconds."""
    return _with(config, "cards", far_apart=[["lockers", "entry"], ["lockers", "exit"]])


def arm_holds(config: Config) -> Config:
    """A guard with a key stands at the arm: a dead daemon leaves it locked."""
    return _with(config, "gate", dead_daemon="hold")


def three_classes(config: Config) -> Config:
    return _with(config, "queue", classes={**config.queue.classes, "B": TicketClass()})


def one_class(config: Config) -> Config:
    button = {
        name: contact.model_copy(update={"tickets": "A"}) if contact.tickets else contact
        for name, contact in config.contacts.items()
    }
    return _with(config, "queue", classes={"A": TicketClass()}).model_copy(update={"contacts": button})


def by_the_hour(config: Config) -> Config:
    """The session opens and closes by itself."""
    return config.model_copy(update={"hours": (VisitHours(8 * 60 + 1, 15 * 60 + 30),)})


def short_visits(config: Config) -> Config:
    return _with(config, "visits", length=10 * MINUTE_MS, warn=2 * MINUTE_MS, overstay_repeat=MINUTE_MS)


# -- sign, broker, disk


def ascii_sign(config: Config) -> Config:
    """A number display that takes plain text."""
    return _signs(config, protocol="ascii", template="{ticket};{counter}\r\n")


def english(config: Config) -> Config:
    return config.model_copy(update={"language": "en"})


def old_broker(config: Config) -> Config:
    return _with(config, "mqtt", version="3.1.1")


def broker_delivers(config: Config) -> Config:
    """The broker's word ends the duty to keep an event."""
    return _with(config, "mqtt", delivery="broker")


def small_segments(config: Config) -> Config:
    """The journal begins a new file every eighty facts."""
    return _with(config, "storage", segment=LEAST_BYTES, reserve=LEAST_BYTES)


DIMENSIONS: tuple[tuple[Variant, ...], ...] = (
    (few_lockers, eight_a, cu48, no_content_sensors, relays, two_banks, two_lanes, serial_readers, side_gate),
    (small_hall, short_visits),
    (search_after_locker, deposit_required),
    (reopen_while_inside, two_lockers_a_card),
    (arm_holds,),
    (three_classes, one_class, by_the_hour),
    (ascii_sign, english),
    (old_broker, broker_delivers),
    (small_segments,),
    (far_apart,),
)
SHARE = 0.3
"""A seed's hall differs from the sample in so many of these dimensions."""

WIDER = 4
"""Of the halls that are wired as the sample is, one in so many has a second bank or lane instead: much of what may be
refused needs two of them."""

VARIANTS: Mapping[str, Variant] = {one.__name__: one for dimension in DIMENSIONS for one in dimension}


def scenario(seed: int) -> str:
    """The names of a seed's variants, joined by commas; empty for the sample as it stands, as every third seed's is."""
    draw = random.Random(f"scenario {seed}")
    if draw.randrange(3) == 0:
        return ""
    chosen = [draw.choice(dimension) for dimension in DIMENSIONS if draw.random() < SHARE]
    wider = random.Random(f"wider {seed}")
    if not set(chosen) & set(DIMENSIONS[0]) and wider.randrange(WIDER) == 0:
        chosen.insert(0, wider.choice((two_banks, two_lanes)))
    return ",".join(one.__name__ for one in chosen)


def varied(config: Config, names: str) -> Config:
    """The configuration with these variants, in their order. Raises LookupError for a name that there is not."""
    for name in names.split(",") if names else ():
        if name not in VARIANTS and name not in WRONG:
            raise LookupError(f"no scenario {name!r}; there are {', '.join([*VARIANTS, *WRONG])}")
        config = {**VARIANTS, **WRONG}[name](config)
    return config


# -- what technicians get wrong


def wrong_polarity(config: Config) -> Config:
    """The lock boards' bit stands for the other thing: every door shows the wrong way round."""
    return _bank(config, {**CU16, "closed_reads": 0})


def wrong_speed(config: Config) -> Config:
    """The boards are set to another speed than the line."""
    return _bank(config, {**CU16, "settings": "9600 8N1"})


def wrong_sign_speed(config: Config) -> Config:
    """The sign is set to another speed than the line."""
    return _signs(config, settings="4800 8N1")


WRONG: Mapping[str, Variant] = {one.__name__: one for one in (wrong_polarity, wrong_speed, wrong_sign_speed)}


# -- within


def _with(config: Config, section: str, **values: Any) -> Config:
    """The same but for some keys of one section."""
    return config.model_copy(update={section: getattr(config, section).model_copy(update=values)})


def _bank(config: Config, rs485: Mapping[str, Any]) -> Config:
    return _with(config, "lockers", banks={"A": BankWire.model_validate({"rs485": rs485})})


def _by_serial(config: Config, *names: str) -> Config:
    """These readers on lines of their own."""
    wires = {
        name: reader.model_copy(update={"spi": None, "serial": Serial.model_validate(_reader_line(name))})
        for name, reader in config.readers.items() if name in names
    }  # fmt: skip
    return config.model_copy(update={"readers": {**config.readers, **wires}})


def _reader_line(name: str) -> dict[str, str]:
    return {"line": f"/dev/besuk-reader-{name}", "settings": "9600 8N1"}


def _signs(config: Config, **values: str) -> Config:
    wire = {"protocol": "alpha", "line": "/dev/besuk-sign", "settings": "9600 8N1", **values}
    return config.model_copy(update={"signs": {name: SignWire.model_validate(wire) for name in config.signs}})
