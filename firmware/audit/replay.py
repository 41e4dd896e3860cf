"""Folding a journal into the state that it leads to, and holding that against the state cache.

The state of a hall is the fold of its journal and nothing else. So it can be had again at any moment, without the
daemon; the cache must say the same for the record that it includes last; and at no moment may the state contradict
itself. Where old segments have been deleted, the fold begins with the base that was put beside the journal then.

A moment is over when the next record is of another time: facts of one decision belong together. Contradictions count
when they stand at the end of two moments in a row; at the end of a journal they are a decision that a power cut halved.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from firmware.audit.choice import Span
from firmware.audit.reading import Reading, torn_tail
from firmware.checkpoint import Checkpoint
from firmware.codec import UnknownFactError
from firmware.core.evolve import fit_to_site, new_hall
from firmware.core.site import Site
from firmware.core.state import Hall
from firmware.core.valid import wrong_with
from firmware.fold import fold
from services.records import Record
from services.segments import first_seq


class ReplayError(Exception):
    """The state that was asked for cannot be had; the message says why."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A checkpoint beside the journal, and whether the journal leads to it."""

    name: str
    seq: int
    """The last record that it includes."""
    difference: str
    """The first one; empty when both say the same."""


@dataclass(slots=True)
class Replay:
    """The hall at one moment, and what the whole journal is worth."""

    hall: Hall
    seq: int = 0
    """The last record that the hall includes."""
    time: str = ""
    """Its label."""
    clock: str = ""
    at: int = 0
    """Its hall time in milliseconds."""
    boot: int = 0
    complete: bool = True
    """False when more records follow at the same moment: what they tell belongs to it."""
    journal: str = ""
    source: str = ""
    simulated: bool = False
    last_seq: int = 0
    """The newest good record of the journal."""
    begins: str = ""
    """What the fold began with, where that is not record 1."""
    compared: list[Compared] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What could not be compared, and why; nothing to worry about."""
    wrong: list[str] = field(default_factory=list)
    """The first contradictions."""
    wrong_seq: int = 0
    """The record after which they stood."""
    damage: str = ""
    torn: str = ""

    @property
    def sound(self) -> bool:
        """The chain is whole, the state never contradicts itself, and the cache agrees."""
        return not self.damage and not self.wrong and not any(one.difference for one in self.compared)


def replay(journal: Path, site: Site, until: int | Span | None = None) -> Replay:
    """Fold the whole journal, and keep the hall as it was at `until`: after that record, or after the last one before
    the first that is labelled later.

    Raises NoJournalError, OSError; ReplayError for a moment that is not there, a hall of another site, and facts of a
    newer version.
    """
    reading = Reading(journal)
    known = reading.known.checkpoints
    found = Replay(Hall(), notes=list(reading.known.notes))
    begin = _beginning(first_seq(reading.segments[0]), known, site, found)
    if isinstance(until, int) and until < begin.seq:
        raise ReplayError(f"there is no state before record {begin.seq}: what came before it is deleted")
    one_pass = _Pass(found, begin, site, until, known)
    for record in reading.records():
        one_pass.take(record)
    if reading.last is None:
        raise ReplayError(str(reading.damage or "the journal holds no record"))
    one_pass.end()
    found.damage, found.torn = str(reading.damage or ""), torn_tail(reading.torn)
    if isinstance(until, int) and until > found.last_seq:
        raise ReplayError(f"there is no record {until}: {found.damage or f'the newest is {found.last_seq}'}")
    return found


@dataclass(slots=True)
class _Begin:
    hall: Hall
    seq: int


def _beginning(first: int, known: Mapping[str, Checkpoint], site: Site, found: Replay) -> _Begin:
    """What the fold begins with: an empty hall, or the oldest checkpoint that reaches down to the first record."""
    if first == 1:
        return _Begin(new_hall(site), 0)
    fitting = [(one.anchor.seq, name) for name, one in known.items() if one.anchor.seq >= first - 1]
    if not fitting:
        raise ReplayError(f"the journal begins with record {first}, and no checkpoint knows what came before")
    seq, name = min(fitting)
    found.begins = f"{name}, which includes record {seq}; older ones are deleted"
    hall = deepcopy(known[name].hall)
    fit_to_site(hall, site)
    return _Begin(hall, seq)


class _Pass:
    """One pass over the records."""

    def __init__(
        self, found: Replay, begin: _Begin, site: Site, until: int | Span | None, known: Mapping[str, Checkpoint]
    ) -> None:
        self._found = found
        self._hall = begin.hall
        self._seq = begin.seq
        self._site = site
        self._until = until
        self._known = {name: one for name, one in known.items() if one.anchor.seq > begin.seq}
        self._moment: tuple[int, str] | None = None
        self._doubts: list[str] = []
        self._before: Mapping[str, Any] | None = None
        self._kept = False

    def take(self, record: Record) -> None:
        """One more record, good and in its place."""
        event = record.line.event
        found = self._found
        if not found.journal:
            self._check_source(event)
        found.last_seq = event["seq"]
        if event["seq"] <= self._seq:
            self._before = event
            return
        if self._until_is_over(event):
            self._keep(event)
        moment = event["boot"], event["bootms"]
        if moment != self._moment:
            self._moment_over()
            self._moment = moment
        self._evolve(event)
        self._before = event
        for name, one in self._known.items():
            if one.anchor.seq == event["seq"]:
                found.compared.append(Compared(name, event["seq"], difference(self._hall, one.hall, self._site)))

    def end(self) -> None:
        """After the last record."""
        fit_to_site(self._hall, self._site)
        if not self._kept:
            self._keep(None)
        self._moment_over()
        if self._doubts and not self._found.wrong:
            self._found.notes.append(
                f"the last decision is unfinished, as a power cut may leave it; a start completes it: {self._doubts[0]}"
            )
        compared = {one.name for one in self._found.compared}
        for name, one in self._known.items():
            if name not in compared:
                self._found.notes.append(f"{name} includes record {one.anchor.seq}, which is not there: not compared")

    def _evolve(self, event: Mapping[str, Any]) -> None:
        try:
            fold(self._hall, [event], self._site)
        except UnknownFactError as error:
            raise ReplayError(f"{error}; replay it with the version that wrote it") from error

    def _until_is_over(self, event: Mapping[str, Any]) -> bool:
        if self._kept or self._until is None:
            return False
        if isinstance(self._until, int):
            return int(event["seq"]) > self._until
        return self._until.behind(datetime.fromisoformat(event["time"])) >= self._until.length

    def _keep(self, following: Mapping[str, Any] | None) -> None:
        """The moment that was asked for is over: `following` is the first record behind it."""
        found, last = self._found, self._before
        self._kept = True
        found.hall = self._hall if following is None else deepcopy(self._hall)
        fit_to_site(found.hall, self._site)
        if last is None:
            raise ReplayError("there is nothing in the journal up to that time")
        found.seq, found.time, found.clock, found.boot = last["seq"], last["time"], last["clock"], last["boot"]
        found.at = found.hall.boot_at + int(last["bootms"])
        found.complete = following is None or (following["boot"], following["bootms"]) != (last["boot"], last["bootms"])

    def _moment_over(self) -> None:
        if self._found.wrong or self._before is None:
            return
        doubts = wrong_with(self._hall, self._site)
        lasting = [wrong for wrong in doubts if wrong in self._doubts]
        if lasting:
            self._found.wrong, self._found.wrong_seq = lasting, self._before["seq"]
        self._doubts = doubts

    def _check_source(self, event: Mapping[str, Any]) -> None:
        found = self._found
        found.journal, found.source, found.simulated = event["journal"], event["source"], event["simulated"]
        ours = f"besuk/v1/{self._site.site}/{self._site.hall}"
        if found.source != ours:
            raise ReplayError(
                f"the journal is of {found.source}, the configuration of {ours}: name the right one with --config FILE"
            )


def difference(journal: Hall, cache: Hall, site: Site) -> str:
    """The first thing of which the two say other things, as `lockers 14 door: closed, not open`; empty if none."""
    ours, theirs = deepcopy(journal), deepcopy(cache)
    for hall in (ours, theirs):
        fit_to_site(hall, site)
    return _difference("", ours, theirs)


def _difference(where: str, ours: Any, theirs: Any) -> str:
    if ours == theirs:
        return ""
    if is_dataclass(ours) and is_dataclass(theirs):
        ours = {one.name: getattr(ours, one.name) for one in fields(ours) if one.compare}
        theirs = {one.name: getattr(theirs, one.name) for one in fields(theirs) if one.compare}
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in [*ours, *(key for key in theirs if key not in ours)]:
            if key not in ours or key not in theirs:
                missing = "the journal has none" if key not in ours else "it has none"
                return f"{where}{key}: {missing}"
            if found := _difference(f"{where}{key} ", ours[key], theirs[key]):
                return found
    return f"{where.rstrip()}: the journal says {ours!r}, it says {theirs!r}"
