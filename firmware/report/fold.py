"""From the journal's events to a day's figures.

The hall is folded from its facts by the same `evolve` that the daemon uses, so the count, the queue and whose a locker
is are what the hall itself believed, and no rule is written twice. Days before are folded too: who is inside at
midnight, which device has been down since Tuesday. Facts that begin or end something become stretches.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from firmware.codec import fact_of
from firmware.core import facts as f
from firmware.core.evolve import evolve, new_hall
from firmware.core.site import Site
from firmware.core.visits import stages
from firmware.report.figures import (
    QUARTER_MS,
    Bank,
    Curve,
    Figures,
    Left,
    Oddity,
    Override,
    Quarter,
    Row,
    Start,
    Stretch,
    VisitTimes,
)  # fmt: skip
from firmware.report.times import Moment, Times
from hal.clock import Millis

DAY_MS: Millis = 24 * 60 * 60_000
LATE_MS: Millis = 6 * 60 * 60_000
"""A hall that is open at midnight still belongs to its day, for so long at most."""
READING_MS: Millis = 10_000
"""After a start, the doors are still being read for the first time."""
FAR: Millis = 1 << 62
ODD_PASSAGES = frozenset({"unmatched_exit", "surplus", "exit_button", "emergency"})

Event = Mapping[str, Any]


class NoSuchDayError(ValueError):
    """Nothing was recorded on that day; the message names the days that there are."""


def figures_of(events: Iterable[Event], site: Site, day: str | None = None) -> Figures:
    """The figures of a day, `2026-11-21`; without one, of the last day on which the hall was opened.

    `events` are gone through twice. The capacity is the site's unless the journal tells of another; a site whose
    capacity is 0 does not know it. Raises NoSuchDayError, firmware.codec.UnknownFactError.
    """
    if iter(events) is events:
        events = list(events)
    times = Times(events)
    days = times.days
    if not days:
        raise NoSuchDayError("the journal holds no record")
    fold = _Fold(site, times, day or days[-1])
    for event in events:
        fold.take(event)
    if not fold.figures.events:
        shown = ", ".join(days[-7:])
        raise NoSuchDayError(f"nothing was recorded on {day}; the hall was opened on {'...' * (len(days) > 7)}{shown}")
    return fold.finish()


class _Fold:
    """The hall as it was, and the figures as they grow."""

    def __init__(self, site: Site, times: Times, day: str) -> None:
        self._site = site
        self._hall = new_hall(site)
        self._times = times
        midnight = times.midnight(day)
        self._begin, self._end = midnight, midnight + DAY_MS
        self.figures = Figures("", "", False, day, midnight, 0, 0)
        self._first = True
        self._open: dict[tuple[Row, str], Stretch] = {}
        """What is so now."""
        self._issued: dict[str, Moment] = {}
        self._visits: dict[str, VisitTimes] = {}
        self._carded: dict[str, Millis] = {}
        self._searched: dict[str, Millis] = {}
        """Visit -> hall time of its first card, and of its first passed search."""
        self._overstayed: set[str] = set()
        self._alive = 0
        """The latest sign of life."""
        self._last = Moment(midnight, True)
        self._reading_until: Millis | None = FAR

    def take(self, event: Event) -> None:
        """Fold an event, and count it if it is of the day."""
        figures, moment = self.figures, self._times.of(event)
        if moment.utc_ms >= self._end and (self._hall.session == "closed" or moment.utc_ms >= self._end + LATE_MS):
            return
        if self._first:
            self._first = False
            figures.source, figures.journal = event["source"], event["journal"]
            figures.simulated, figures.begins_late = event["simulated"], event["seq"] > 1
        today = moment.utc_ms >= self._begin
        if today and not figures.events:
            self._day_begins(event["seq"])
        fact = fact_of(event)
        now = self._times.hall_ms(event["boot"], int(event["bootms"]))
        if today:
            figures.events += 1
            figures.estimated += not moment.exact
            figures.last_seq = event["seq"]
            self._count(fact, moment)
        if isinstance(fact, f.HallBooted):
            self._booted(fact, moment, today)
        evolve(self._hall, fact, now, self._site)
        self._stretch(fact, moment)
        self._visit(fact, moment, now, today)
        self._last = Moment(max(self._last.utc_ms, moment.utc_ms), moment.exact) if today else moment
        if today:
            self._draw(fact, self._last.utc_ms, now)

    # -- stretches

    def _begins(self, row: Row, what: str, at: Moment, detail: str = "", key: str = "") -> None:
        if (row, key or what) not in self._open:
            self._open[row, key or what] = Stretch(row, what, at, detail=detail)

    def _ends(self, row: Row, key: str, at: Moment) -> None:
        stretch = self._open.pop((row, key), None)
        if stretch is None:
            return
        stretch.end = at
        if at.utc_ms > self._begin and (at.utc_ms > stretch.begin.utc_ms or row != "mode"):
            self.figures.stretches.append(stretch)

    def _stretch(self, fact: f.Fact, at: Moment) -> None:
        hall = self._hall
        match fact:
            case f.DeviceFell():
                self._ends("device", fact.device, at)
                self._begins("device", fact.device, at, fact.health)
            case f.DeviceRose():
                self._ends("device", fact.device, at)
            case f.TaskRaised():
                self._begins("task", fact.reason, at, key=fact.task)
            case f.TaskResolved():
                self._ends("task", fact.task, at)
            case f.StorageDegraded():
                self._begins("storage", fact.reason, at, key="storage")
            case f.StorageRestored():
                self._ends("storage", "storage", at)
        for row, what in (
            ("mode", hall.mode),
            ("count", hall.suspect.reason if hall.suspect else ""),
            ("clock", "" if hall.clock_synced else "unsynced"),
        ):
            self._now_is(row, what, at)  # type: ignore[arg-type]

    def _now_is(self, row: Row, what: str, at: Moment) -> None:
        """One of several things holds at a time; `""` is none."""
        held = [key for (one, key) in self._open if one == row]
        for key in held:
            if key != what:
                self._ends(row, key, at)
        if what:
            self._begins(row, what, at)

    def _booted(self, fact: f.HallBooted, at: Moment, today: bool) -> None:
        hall = self._hall
        self._reading_until = fact.epoch_ms + READING_MS
        self._ends("storage", "storage", at)  # if the disk is still bad, the start says so again
        if fact.format or not today or (hall.session == "closed" and not hall.inside):
            return  # nobody needed it: a machine that is switched off for the night is nothing out of the ordinary
        gone = self._last if self._last.utc_ms <= at.utc_ms else at  # by the axis, for the labels of a gap may lie
        told_ms = None if fact.gap_s is None or not fact.trusted else fact.gap_s * 1000
        away_ms = told_ms if told_ms is not None else at.utc_ms - gone.utc_ms if at.exact and gone.exact else None
        gone = at if away_ms is None else Moment(at.utc_ms - away_ms, gone.exact)
        self.figures.starts.append(Start(at, away_ms))
        self.figures.stretches.append(Stretch("away", "away", gone, at))

    # -- visits

    def _visit(self, fact: f.Fact, moment: Moment, now: Millis, today: bool) -> None:
        match fact:
            case f.TicketIssued():
                self._issued[fact.ticket] = moment
            case f.VisitBound() if today:
                at = self._issued.get(fact.ticket or "", moment)
                self._visits[fact.visit] = VisitTimes(fact.ticket or fact.visit, at)
            case f.CardIssued():
                self._carded.setdefault(fact.visit, now)
            case f.SearchPassed():
                self._searched.setdefault(fact.visit, now)
            case f.VisitEnded():
                if told := self._visits.get(fact.visit):
                    self._time(fact.visit, told, fact.stages)
                    told.ended, told.untimed = True, bool(fact.untimed)
                self._carded.pop(fact.visit, None)
                self._searched.pop(fact.visit, None)
            case f.VisitOverstayed() if today:
                self._overstayed.add(fact.visit)

    def _time(self, name: str, told: VisitTimes, timed: Mapping[str, Millis]) -> None:
        told.stages = dict(timed)
        visit = self._hall.visits_ended.get(name) or self._hall.visits.get(name)
        carded, searched = self._carded.get(name), self._searched.get(name)
        if visit is None or visit.started_at is None or carded is None or searched is None:
            return
        if {"waited", "counter"} <= timed.keys() and visit.bound_at <= carded <= searched <= visit.started_at:
            told.steps = {
                "waited": timed["waited"], "counter": timed["counter"] + carded - visit.bound_at,
                "search": searched - carded, "entry": visit.started_at - searched,
            }  # fmt: skip

    # -- counting

    def _day_begins(self, seq: int) -> None:
        """What holds at midnight is the beginning of every curve."""
        figures, hall = self.figures, self._hall
        figures.first_seq = seq
        figures.waiting.append((self._begin, hall.waiting))
        figures.inside.append((self._begin, hall.inside))
        if hall.capacity:
            figures.capacity.append((self._begin, hall.capacity))
        self._lockers(self._begin)

    def _count(self, fact: f.Fact, at: Moment) -> None:
        figures = self.figures
        match fact:
            case f.TicketIssued():
                figures.tickets[fact.letter] += 1
            case f.TicketMissed():
                figures.missed += 1
            case f.TicketCalled():
                figures.jumps += fact.jumped
            case f.CardRefused() | f.LockerRefused() | f.GateRefused():
                figures.refused[fact.reason or "unknown"] += fact.count
            case f.OverrideUsed():
                about = fact.ticket or fact.visit or ("" if fact.locker is None else str(fact.locker))
                figures.overrides.append(
                    Override(at, fact.action, fact.reason, fact.actor, fact.second or "", about)
                )
            case f.LockerForced() | f.LockerJammed() | f.ClockStepped():
                figures.oddities.append(Oddity(at, fact.type_name()))
            case f.HallClosed():
                figures.exception = fact.exception or ""
            case f.GatePassed() | f.GateForced() | f.GateReversed() | f.GateTailgated():
                self._passage(fact, at)
        if not isinstance(fact, NOBODY_ACTS):
            self._alive = max(self._alive, at.utc_ms)
            figures.begin_ms = min(figures.begin_ms or at.utc_ms, at.utc_ms)

    def _passage(self, fact: f.GateFact, at: Moment) -> None:
        figures = self.figures
        quarter = figures.quarters.setdefault(
            self._begin + (at.utc_ms - self._begin) // QUARTER_MS * QUARTER_MS, Quarter()
        )
        persons = fact.persons + (fact.carried if isinstance(fact, f.GatePassed) else 0)
        odd = persons if not isinstance(fact, f.GatePassed) or fact.reason in ODD_PASSAGES else 0
        if fact.direction == "in":
            quarter.came, quarter.odd_in = quarter.came + persons, quarter.odd_in + odd
            figures.persons += persons
        else:
            quarter.left, quarter.odd_out = quarter.left + persons, quarter.odd_out + odd
        if not isinstance(fact, f.GatePassed):
            figures.oddities.append(Oddity(at, fact.type_name()))

    def _draw(self, fact: f.Fact, at_ms: Millis, now: Millis) -> None:
        """Go on with the curves."""
        figures, hall = self.figures, self._hall
        if isinstance(fact, WAITING):
            _set(figures.waiting, at_ms, hall.waiting)
        if isinstance(fact, INSIDE):
            _set(figures.inside, at_ms, hall.inside)
        if hall.capacity:
            _set(figures.capacity, at_ms, hall.capacity)
        read = self._reading_until is not None and now >= self._reading_until
        if read or isinstance(fact, f.LockerFact):
            self._reading_until = None if read else self._reading_until
            self._lockers(at_ms)

    def _lockers(self, at_ms: Millis) -> None:
        banks = self.figures.banks
        by_bank: dict[str, list[tuple[bool, bool]]] = {}
        reading = self._reading_until is not None
        for locker in self._hall.lockers.values():
            known = locker.seen or not self.figures.begins_late
            out = bool(locker.fault) or (locker.door == "unknown" and known and not reading)
            by_bank.setdefault(locker.bank, []).append((bool(locker.visit), out))
        for name, lockers in by_bank.items():
            bank = banks.setdefault(name, Bank(0, [(self._begin, 0)], [(self._begin, 0)]))
            bank.lockers = max(bank.lockers, len(lockers))
            _set(bank.owned, at_ms, sum(owned for owned, _ in lockers))
            _set(bank.out, at_ms, sum(out and not owned for owned, out in lockers))

    # -- the end

    def finish(self) -> Figures:
        """All that is still so, is so at the end of the day."""
        figures, hall = self.figures, self._hall
        figures.stretches.extend(self._open.values())
        figures.stretches.sort(key=lambda one: one.begin)
        figures.end_ms = self._alive or self._last.utc_ms
        figures.begin_ms = figures.begin_ms or figures.end_ms
        figures.overstays = len(self._overstayed)
        for name, told in self._visits.items():
            if not told.ended and (visit := hall.visits.get(name)):
                timed = stages(visit, 0)
                timed.pop("whole", None)
                self._time(name, told, timed)
                told.untimed = visit.untimed
        figures.visits = list(self._visits.values())
        figures.left = Left(
            inside=hall.inside,
            suspect=hall.suspect.reason if hall.suspect else "",
            lockers=tuple(sorted(one.locker for one in hall.lockers.values() if one.visit)),
            cards=tuple(sorted(one.number for one in hall.cards.values() if one.state in ("issued", "lost"))),
            waiting=hall.waiting,
            devices=dict(hall.devices),
            session=hall.session,
            mode=hall.mode,
        )
        figures.left.tasks.update(task.reason for task in hall.tasks.values())
        return figures


NOBODY_ACTS = (
    f.HallBooted, f.HallModeChanged, f.HallOccupancySuspect, f.DeviceFell, f.DeviceRose, f.ClockSynced, f.ClockLost,
    f.ClockStepped, f.StorageDegraded, f.StorageRestored, f.LockerReadable, f.LockerUnreadable, f.TaskRaised,
    f.LockerOverdue,
)  # fmt: skip
"""Facts that the machine states by itself, at midnight too: they do not widen the pictures."""


WAITING = (
    f.HallOpened, f.TicketIssued, f.TicketCalled, f.TicketParked, f.TicketServed, f.TicketMissed, f.TicketTransferred,
)  # fmt: skip
INSIDE = (f.GateFact, f.HallRecountRecorded, f.VisitEnded)
"""Facts that may change how many wait, and how many are inside."""


def _set(curve: Curve, at_ms: Millis, value: int) -> None:
    if curve and curve[-1][1] == value:
        return
    if curve and curve[-1][0] == at_ms:
        curve[-1] = (at_ms, value)
        if len(curve) > 1 and curve[-2][1] == value:
            curve.pop()
    else:
        curve.append((at_ms, value))
