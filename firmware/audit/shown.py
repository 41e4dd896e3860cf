"""A replayed hall for people to read, and for programs."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from firmware.api.plain import row
from firmware.api.views import VIEWS
from firmware.audit.replay import Replay
from firmware.core.session import unresolved
from firmware.core.state import Hall


def as_json(found: Replay) -> dict[str, Any]:
    """Everything, as `besuk desk show` names it."""
    views = {name: view(found.hall, found.at) for name, view in VIEWS.items()}
    return {
        "journal": found.journal, "source": found.source, "simulated": found.simulated, "seq": found.seq,
        "time": found.time, "clock": found.clock, "boot": found.boot, "complete": found.complete,
        "last_seq": found.last_seq, "begins": found.begins, "state": views, "unresolved": unresolved(found.hall),
        "compared": [{"name": one.name, "seq": one.seq, "difference": one.difference} for one in found.compared],
        "notes": found.notes, "wrong": found.wrong, "wrong_seq": found.wrong_seq, "damage": found.damage,
        "torn": found.torn, "sound": found.sound,
    }  # fmt: skip


def as_text(found: Replay) -> Iterator[str]:
    """The moment, the hall, and what can be said against it; one thing a line, rows indented."""
    yield f"journal {found.journal} of {found.source}{' (simulated)' if found.simulated else ''}"
    label = found.time + ("" if found.clock == "synced" else "?")
    yield f"after record {found.seq} of {found.last_seq}, {label}, start {found.boot} of the program"
    if found.begins:
        yield f"folded from {found.begins}"
    if not found.complete:
        yield "more records follow at this very moment: what they tell belongs to it"
    yield from _hall(found.hall, found.at)
    yield from _verdict(found)


def _hall(hall: Hall, at: int) -> Iterator[str]:
    opened = f" on {hall.day}" if hall.day else ""
    by = f", opened{opened} by {hall.opened_by}" if hall.session != "closed" else ""
    yield f"mode: {hall.mode}; session {hall.session}{by}"
    yield f"inside: {hall.inside} of {hall.capacity}, {_confidence(hall, at)}"
    if hall.unattributed:
        yield f"    {hall.unattributed} of them belong to no visit"
    yield from _table("visits", VIEWS["visits"](hall, at), "go on")
    lockers = [one for one in VIEWS["lockers"](hall, at) if one["visit"] or one["fault"] or one["door"] != "closed"]
    free = sum(locker.free for locker in hall.lockers.values())
    yield from _table("lockers", lockers, f"owned, open or in trouble; {free} of {len(hall.lockers)} are free")
    states = Counter(card.state for card in hall.cards.values())
    counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none enrolled"
    cards = [one for one in VIEWS["cards"](hall, at) if one["state"] != "stock"]
    yield from _table("cards", cards, f"not in stock; {counts}")
    yield from _table("tickets", VIEWS["tickets"](hall, at), "not served")
    yield from _table("tasks", VIEWS["tasks"](hall, at), "open")
    for lane in hall.lanes.values():
        for grant in lane.grants:
            yield f"arm {lane.lane}: {grant.unspent} may pass {grant.direction} {grant.visit}".rstrip()
    if hall.devices:
        yield "devices in trouble: " + ", ".join(f"{name} {health}" for name, health in hall.devices.items())
    yield f"unresolved: {', '.join(unresolved(hall)) or 'nothing'}"


def _confidence(hall: Hall, at: int) -> str:
    if hall.suspect is None:
        return "exact"
    gap = f", nobody watched for {hall.suspect.gap_s} s" if hall.suspect.gap_s else ""
    return f"suspect for {(at - hall.suspect.at) // 1000} s: {hall.suspect.reason}{gap}"


def _table(name: str, rows: Sequence[Mapping[str, Any]], what: str) -> Iterator[str]:
    yield f"{name}: {len(rows)} {what}"
    yield from (f"    {row({key: value for key, value in one.items() if key != 'do'})}" for one in rows)


def _verdict(found: Replay) -> Iterator[str]:
    for one in found.compared:
        yield f"{one.name} (record {one.seq}): {'DIFFERS: ' + one.difference if one.difference else 'agrees'}"
    yield from found.notes
    for wrong in found.wrong:
        yield f"CONTRADICTION after record {found.wrong_seq}: {wrong}"
    if found.torn:
        yield found.torn
    yield f"DAMAGED: {found.damage}" if found.damage else "the chain is whole"
