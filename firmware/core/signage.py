"""What the LED sign says, as a function of the hall alone.

Messages queue and never overwrite: each call holds the sign for its own few seconds, and what concerns a locker or the
arm comes between the calls. With nothing to tell, the sign shows the last call, the state of the hall, and that a visit
is free. An emergency takes the sign whole. The texts are short, for a sign shows about sixteen letters at once.
"""

from dataclasses import dataclass
from typing import Literal

from firmware.core import facts as f
from firmware.core.site import Site
from firmware.core.state import Hall, Message

TEXTS: dict[str, dict[str, str]] = {
    "id": {
        "call": "{ticket} LOKET {counter}",
        "free": "BESUK GRATIS",
        "closed": "TUTUP - GRATIS",
        "lockdown": "TUNGGU PETUGAS",
        "degraded": "KE LOKET - GRATIS",
        "emergency": "<<< KELUAR >>>",
        "full": "PENUH",
        "locker_opens": "LOKER {locker:02d} TERBUKA",
        "locker_here": "LOKER ANDA {locker:02d}",
        "locker_jammed": "LOKER {locker:02d} RUSAK TEMPEL LAGI",
        "locker_guard": "LOKER {locker:02d} PANGGIL PETUGAS",
        "locker_shut": "TUTUP LOKER {locker:02d}",
        "locker_inspected": "LOKER {locker:02d} DIPERIKSA PETUGAS",
        "desk": "KE LOKET",
        "one_card": "SATU KARTU",
        "search": "PERIKSA DULU",
        "wait": "TUNGGU",
        "inside": "MASIH DI DALAM",
        "enter": "SILAKAN MASUK",
        "leave": "SILAKAN KELUAR",
        "tap_again": "TEMPEL LAGI",
    },
    "en": {
        "call": "{ticket} COUNTER {counter}",
        "free": "VISITS ARE FREE",
        "closed": "CLOSED - FREE",
        "lockdown": "WAIT FOR STAFF",
        "degraded": "ASK COUNTER-FREE",
        "emergency": "<<< EXIT >>>",
        "full": "FULL",
        "locker_opens": "LOCKER {locker:02d} OPENS",
        "locker_here": "YOUR LOCKER {locker:02d}",
        "locker_jammed": "LOCKER {locker:02d} BROKEN TAP AGAIN",
        "locker_guard": "LOCKER {locker:02d} CALL STAFF",
        "locker_shut": "SHUT LOCKER {locker:02d}",
        "locker_inspected": "LOCKER {locker:02d} CHECKED BY STAFF",
        "desk": "TO THE COUNTER",
        "one_card": "ONE CARD ONLY",
        "search": "SEARCH FIRST",
        "wait": "WAIT",
        "inside": "STILL INSIDE",
        "enter": "PLEASE ENTER",
        "leave": "PLEASE LEAVE",
        "tap_again": "TAP AGAIN",
    },
}
"""Language -> code of a message -> its text."""

REFUSALS: dict[str, str] = {
    "full": "full",
    "search_needed": "search",
    "search_refused": "desk",
    "inside": "inside",
    "wait": "wait",
    "granted_elsewhere": "wait",
    "two_cards": "one_card",
    "closed": "closed",
    "lockdown": "lockdown",
    "degraded": "desk",
    "emergency": "emergency",
    "locker_open": "locker_shut",
    "already_open": "locker_opens",
    "opening": "locker_opens",
    "other_bank": "locker_here",
    "deposit_needed": "locker_here",
    "frozen": "locker_guard",
    "jammed": "locker_guard",
}
"""Reason of a refusal -> code of what the sign says about it; everything else sends the visitor to the counter."""


@dataclass(frozen=True, slots=True)
class SignText:
    """What a sign should show, and from which parts it was made (for signs that have a template of their own)."""

    text: str
    ticket: str = ""
    counter: str = ""
    urgent: bool = False


def tell(hall: Hall, fact: f.Fact, at: int, site: Site) -> None:
    """Queue what this fact has to say to visitors."""
    match fact:
        case f.TicketCalled() | f.TicketRecalled():
            _queue(hall, at, site, "call", "call", ticket=fact.ticket, counter=fact.counter)
        case f.LockerPulsed(attempt=1, purpose="deposit" | "reopen" | "collect"):
            locker = hall.lockers.get(fact.locker)
            code = "locker_inspected" if locker and locker.inspected else "locker_opens"
            _queue(hall, at, site, "notice", code, locker=fact.locker)
        case f.LockerJammed():
            code = "locker_jammed" if fact.purpose == "deposit" else "locker_guard"
            _queue(hall, at, site, "notice", code, locker=fact.locker)
        case f.LockerLeftOpen():
            _queue(hall, at, site, "notice", "locker_shut", locker=fact.locker)
        case f.LockerRefused():
            _queue(hall, at, site, "notice", REFUSALS.get(fact.reason, "desk"), locker=fact.locker)
        case f.GateRefused():
            owned = hall.lockers_of(fact.visit or "")
            _queue(
                hall, at, site, "notice", REFUSALS.get(fact.reason or "", "desk"),
                locker=owned[0].locker if owned else None,
            )  # fmt: skip
        case f.CardRefused():
            _queue(hall, at, site, "notice", REFUSALS.get(fact.reason, "desk"))
        case f.GateGranted():
            _queue(hall, at, site, "notice", "enter" if fact.direction == "in" else "leave")


def _queue(
    hall: Hall,
    at: int,
    site: Site,
    kind: Literal["call", "notice"],
    code: str,
    *,
    ticket: str = "",
    counter: str = "",
    locker: int | None = None,
) -> None:
    """Add a message and lay the queue out again: what has begun stays, then notices and calls take turns."""
    begun = [m for m in hall.unwritten.sign if m.start <= at < m.end]
    ahead = [m for m in hall.unwritten.sign if m.start > at]
    if kind == "notice" and any((m.code, m.locker) == (code, locker) for m in [*begun, *ahead] if m.kind == kind):
        return
    ahead.append(Message(at, at, kind, code, ticket, counter, locker))
    waiting = {of: [m for m in ahead if m.kind == of] for of in ("call", "notice")}
    turn = "notice" if not begun or begun[-1].kind == "call" else "call"
    free_at = max([at, *(m.end for m in begun)])
    queue = begun
    while waiting["call"] or waiting["notice"]:
        if not waiting[turn]:
            turn = "call" if turn == "notice" else "notice"
        message = waiting[turn].pop(0)
        message.start = free_at
        free_at += site.call_hold_ms if turn == "call" else site.notice_hold_ms
        message.end = free_at
        queue.append(message)
        turn = "call" if turn == "notice" else "notice"
    hall.unwritten.sign = queue


def shown(hall: Hall, site: Site, now: int) -> SignText:
    """What the sign should show at `now`."""
    texts = TEXTS[site.language]
    if hall.emergency or hall.fire_active:
        return SignText(texts["emergency"], urgent=True)
    for message in hall.unwritten.sign:
        if message.start <= now < message.end:
            locker = message.locker
            if "{locker" in texts[message.code] and locker is None:
                return SignText(texts["desk"])
            text = texts[message.code].format(ticket=message.ticket, counter=message.counter, locker=locker)
            return SignText(text, message.ticket, message.counter)
    if hall.mode != "open":
        return SignText(texts[hall.mode])
    if hall.inside + hall.reserved >= hall.capacity:
        return SignText(texts["full"])
    for ticket, counter in hall.last_calls:
        if hall.serving.get(counter) == ticket:
            return SignText(texts["call"].format(ticket=ticket, counter=counter), ticket, counter)
    return SignText(texts["free"])


def next_change(hall: Hall, now: int) -> int | None:
    """When the queue of messages next changes what is shown."""
    return min((moment for m in hall.unwritten.sign for moment in (m.start, m.end) if moment > now), default=None)
