"""The state of a hall is the fold of its journal: what each record tells, one after the other, at its hall time.

Hall time goes on from boot to boot. `HallBooted` says where its boot begins; that record and all behind it, up to the
next of its kind, became true `bootms` later.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from firmware.codec import fact_of
from firmware.core.evolve import evolve, fit_to_site, new_hall
from firmware.core.facts import Fact, HallBooted
from firmware.core.site import Site
from firmware.core.state import Hall
from hal.clock import Millis

Events = Iterable[Mapping[str, Any]]
"""Journal lines, parsed, in their order. What reads them raises UnknownFactError for those of a newer version."""


def timed(events: Events, boot_at: Millis) -> Iterator[tuple[Fact, Millis]]:
    """Each fact and its hall time; the boot in which the events begin began at `boot_at`."""
    for event in events:
        fact = fact_of(event)
        if isinstance(fact, HallBooted):
            boot_at = fact.epoch_ms
        yield fact, boot_at + int(event["bootms"])


def fold(hall: Hall, events: Events, site: Site) -> None:
    """Let the hall go on by these events."""
    for fact, at in timed(events, hall.boot_at):
        evolve(hall, fact, at, site)


def folded(events: Events, site: Site) -> Hall:
    """The hall of a journal that is whole, from its first record on."""
    hall = new_hall(site)
    fold(hall, events, site)
    fit_to_site(hall, site)
    return hall
