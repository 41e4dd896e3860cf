"""A journal told fact by fact, for the report: hall time goes on by itself, labels as the story says."""

from dataclasses import dataclass, field
from datetime import timedelta, timezone
from typing import Any

from firmware.codec import entry_of, label
from firmware.core import facts as f
from firmware.core.site import Bank, Site, TicketClass
from services.records import Line, Origin, seal

WITA = timezone(timedelta(hours=8))
MIDNIGHT_UTC_MS = 1_767_542_400_000
"""2026-01-05, a Monday, begins in Makassar."""
MINUTE = 60_000
HOUR = 60 * MINUTE

SITE = Site(
    capacity=10, banks={"A": Bank("A", tuple(range(1, 9)))},
    classes={"A": TicketClass("A"), "P": TicketClass("P", priority=True)},
)  # fmt: skip


@dataclass
class Told:
    """Facts as events. `at` is the time of day, `8.5 * HOUR`; labels may lie by `wrong_ms`."""

    lines: list[Line] = field(default_factory=list)
    boot: int = 0
    began_ms: int = 0
    epoch_ms: int = 0
    now_ms: int = 0
    wrong_ms: int = 0
    synced: bool = True
    site: str = "rutan-contoh"
    visits: int = 0

    def start(self, at: float, **told: Any) -> "Told":
        """The daemon starts; hall time goes on where it stood when no clock tells how long it was off."""
        first = self.boot == 0
        off_ms = int(at) - self.now_ms if self.synced and not first else 0
        self.epoch_ms += 0 if first else self.now_ms - self.began_ms + off_ms
        self.boot, self.began_ms = self.boot + 1, int(at)
        booted: dict[str, Any] = {
            "version": "0", "epoch_ms": self.epoch_ms, "off_ms": off_ms, "trusted": self.synced,
            "format": 1 if first else None, "gap_s": None if first else off_ms // 1000,
        }  # fmt: skip
        return self.at(at, f.HallBooted(**(booted | told)))

    def at(self, at: float, *facts: f.Fact) -> "Told":
        """These facts became true at this time of the day."""
        self.now_ms = int(at)
        origin = Origin("0" * 32, f"besuk/v1/{self.site}/kunjungan", True, self.boot)
        for fact in facts:
            time = label(MIDNIGHT_UTC_MS + self.now_ms + self.wrong_ms, WITA)
            entry = entry_of(fact, time, self.now_ms - self.began_ms, "synced" if self.synced else "unsynced")
            prevhash = self.lines[-1].hash if self.lines else "0" * 64
            self.lines.append(seal(origin, entry, len(self.lines) + 1, prevhash))
        return self

    def open(self, at: float, day: str = "2026-01-05") -> "Told":
        return self.at(at, f.HallOpened(day=day, actor="officer-head"))

    def visit(
        self, at: float, *, called: float = 0, bound: float = 30, searched: float = 60, seat: float = 100,
        stays: float = 1200, locker: int | None = None, persons: int = 1, goes: bool = True,
    ) -> "Told":  # fmt: skip
        """Somebody comes, sits down so many seconds after their ticket, and goes home; all on one card."""
        self.visits += 1
        ticket, visit, card = f"A-{self.visits:03d}", f"V-{self.visits:06d}", f"{self.visits:016x}"
        who = {"visit": visit, "card": card}
        place: dict[str, Any] = {"bank": "A", "locker": locker, **who}
        arm: dict[str, Any] = {"lane": "main", "persons": 1, **who}

        def when(seconds: float) -> float:
            return at + seconds * 1000

        self.at(at, f.TicketIssued(ticket=ticket, letter="A", actor="ticket"))
        self.at(when(called), f.TicketCalled(ticket=ticket, counter="1", actor="officer-1"))
        self.at(
            when(bound),
            f.VisitBound(visit=visit, ticket=ticket, adults=persons, children=0, carried=0, actor="officer-1"),
            f.TicketServed(ticket=ticket, counter="1", visit=visit, actor="officer-1"),
            f.CardEnrolled(card=card, number=f"{self.visits:03d}", actor="officer-1"),
            f.CardIssued(card=card, number=f"{self.visits:03d}", visit=visit, actor="officer-1"),
        )  # fmt: skip
        self.at(when(searched), f.SearchPassed(**who, actor="officer-search-1"))
        if locker:
            self.at(when(searched + 5), f.LockerAssigned(**place), f.LockerClosed(**place, content=True))
        self.at(when(seat), *[f.GatePassed(**arm, direction="in")] * persons, f.VisitStarted(**who))
        if not goes:
            return self
        left = seat + stays
        self.at(when(left), *[f.GatePassed(**arm, direction="out")] * persons)
        if locker:
            self.at(when(left + 20), f.LockerReleased(**place, reason="collected"))
        stages = {"waited": called, "counter": bound - called, "to_entry": seat, "inside": stays, "whole": left + 60}
        timed = {name: int(seconds * 1000) for name, seconds in stages.items()}
        return self.at(
            when(left + 60),
            f.CardReturned(card=card, number=f"{self.visits:03d}", visit=visit, collected=True, actor="officer-2"),
            f.VisitEnded(visit=visit, card=card, stages=timed),
        )  # fmt: skip

    def close(self, at: float, **told: Any) -> "Told":
        return self.at(at, f.HallClosed(actor="officer-head", **told))

    @property
    def events(self) -> list[dict[str, Any]]:
        return [line.event for line in self.lines]
