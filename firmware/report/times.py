"""Where an event stands on the day's axis, when the labels of some events cannot be believed.

A label is right while the wall clock is synced; the monotonic clock is right within a boot. So each boot is cut into
runs in which the two keep their distance; the runs that were synced, at the distance that held longest, are believed.
Everything else in that boot is placed by the monotonic clock, counted from the nearest of them. A boot without any is
placed by hall time, which the journal carries from boot to boot, behind the boot before it; it may really have been
later, for unmeasured time counts as zero. A moment that was not read off a believed label says so.
"""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from firmware.codec import utc_ms_of
from hal.clock import Millis

APART_MS: Millis = 60_000
"""Labels and monotonic clock that drift less than so much from one event to the next are in the same run."""
ALIKE_MS: Millis = 10 * 60_000
"""Runs whose distances differ by less than so much tell the same time: what a clock drifts in weeks."""


class Moment(NamedTuple):
    """A point of time in milliseconds since 1970."""

    utc_ms: Millis
    exact: bool
    """False when the clock was not synced, so that this is an estimate."""


@dataclass(slots=True)
class Run:
    """Events of one boot among which label and monotonic clock kept their distance."""

    begin_ms: Millis
    synced: bool
    first_offset_ms: Millis
    """Label minus monotonic clock at its beginning, and at its end."""
    offset_ms: Millis
    end_ms: Millis

    @property
    def length_ms(self) -> Millis:
        return self.end_ms - self.begin_ms


@dataclass(slots=True)
class Boot:
    """One start of the daemon."""

    epoch_ms: Millis | None = None
    """Hall time of the start; None in a journal whose beginning is missing."""
    off_ms: Millis = 0
    runs: list[Run] = field(default_factory=list)
    believed: list[Run] = field(default_factory=list)

    def believe(self) -> None:
        """Choose the runs whose labels are right: the distance at which the synced clock stood longest."""
        synced = [run for run in self.runs if run.synced]

        def held(one: Run) -> Millis:
            return sum(run.length_ms + 1 for run in synced if abs(run.offset_ms - one.offset_ms) < ALIKE_MS)

        best = max(synced, key=held, default=None)
        if best is not None:
            self.believed = [run for run in synced if abs(run.offset_ms - best.offset_ms) < ALIKE_MS]


class Times:
    """The axis of a journal, from one pass over its events."""

    def __init__(self, events: Iterable[Mapping[str, Any]]) -> None:
        self._boots: dict[int, Boot] = {}
        self._openings: list[tuple[int, Millis, Millis]] = []
        """Boot, monotonic time and label of the first event, of each opening, and of the last event."""
        self.offset = datetime.UTC
        """Of the site from UTC, as the first label writes it."""
        last = None
        for event in events:
            place = int(event["boot"]), int(event["bootms"]), utc_ms_of(event["time"])
            if last is None:
                self.offset = datetime.datetime.fromisoformat(event["time"]).tzinfo or datetime.UTC  # type: ignore[assignment]
            if last is None or event["type"] == "besuk.hall.opened":
                self._openings.append(place)
            self._note(event, *place)
            last = place
        self._openings += [last] if last else []
        for boot in self._boots.values():
            boot.believe()
        self._know_first_epoch()

    def _note(self, event: Mapping[str, Any], number: int, bootms: Millis, label_ms: Millis) -> None:
        boot = self._boots.setdefault(number, Boot())
        if event["type"] == "besuk.hall.booted":
            boot.epoch_ms, boot.off_ms = event["data"]["epoch_ms"], event["data"]["off_ms"]
        offset_ms, synced = label_ms - bootms, event["clock"] == "synced"
        run = boot.runs[-1] if boot.runs else None
        if run is None or run.synced != synced or abs(run.offset_ms - offset_ms) > APART_MS:
            boot.runs.append(Run(bootms, synced, offset_ms, offset_ms, bootms))
        else:
            run.offset_ms, run.end_ms = offset_ms, bootms

    def _know_first_epoch(self) -> None:
        """A journal may begin in mid-boot: the boot that follows tells when that one ended."""
        numbers = sorted(self._boots)
        first = self._boots[numbers[0]] if numbers else None
        if first is None or first.epoch_ms is not None:
            return
        first.epoch_ms = 0
        if len(numbers) > 1:
            then = self._boots[numbers[1]]
            first.epoch_ms = (then.epoch_ms or 0) - then.off_ms - first.runs[-1].end_ms

    def hall_ms(self, boot: int, bootms: Millis) -> Millis:
        """Hall time, which no wall clock moves: for how long something took."""
        return (self._boots[boot].epoch_ms or 0) + bootms

    def of(self, event: Mapping[str, Any]) -> Moment:
        """When an event happened."""
        return self._at(int(event["boot"]), int(event["bootms"]), utc_ms_of(event["time"]))

    def _at(self, number: int, bootms: Millis, label_ms: Millis) -> Moment:
        boot = self._boots[number]
        for run in boot.believed:
            if run.begin_ms <= bootms <= run.end_ms:
                exact = abs(label_ms - bootms - run.offset_ms) < ALIKE_MS
                return Moment(label_ms if exact else bootms + run.offset_ms, exact)
        if boot.believed:
            before = [run for run in boot.believed if run.end_ms < bootms]
            return Moment(bootms + (before[-1].offset_ms if before else boot.believed[0].first_offset_ms), False)
        shift = self._shift(number)
        return Moment(label_ms if shift is None else self.hall_ms(number, bootms) + shift, False)

    def _shift(self, number: int) -> Millis | None:
        """UTC minus hall time, by the nearest boot that knew: the last one before, else the first one after."""
        known = [one for one, boot in sorted(self._boots.items()) if boot.believed]
        before = [one for one in known if one < number]
        if before:
            boot = self._boots[before[-1]]
            return boot.believed[-1].offset_ms - (boot.epoch_ms or 0)
        if known:
            boot = self._boots[known[0]]
            return boot.believed[0].first_offset_ms - (boot.epoch_ms or 0)
        return None

    # -- days

    def day(self, utc_ms: Millis) -> str:
        """The site's calendar day, `2026-11-21`."""
        return datetime.datetime.fromtimestamp(utc_ms / 1000, self.offset).date().isoformat()

    def midnight(self, day: str) -> Millis:
        """When a day of the site begins."""
        date = datetime.date.fromisoformat(day)
        return int(datetime.datetime(date.year, date.month, date.day, tzinfo=self.offset).timestamp()) * 1000

    @property
    def days(self) -> list[str]:
        """The days on which the hall was opened, in order; where it never was, the days of first and last event."""
        opened = self._openings[1:-1] or self._openings
        return sorted({self.day(self._at(*place).utc_ms) for place in opened})
