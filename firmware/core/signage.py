"""What the LED sign says, as a function of the hall alone.

Messages queue and never overwrite: each call holds the sign for its own few seconds, and what concerns a locker or the
arm comes between the calls. With nothing to tell, the sign shows the last call, the state of the hall, and that a visit
is free. An emergency takes the sign whole. The texts are short, for a sign shows about sixteen letters at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from firmware.core import facts as f
from firmware.core.site import Site
from firmware.core.state import Hall, Message

TEXTS: Mapping[str, str] = {
    "call": "{ticket} COUNTER {counter}",
    "free": "VISITS ARE FREE",
    "closed": "CLOSED - FREE",
    "lockdown": "WAIT FOR STAFF",
    "degraded": "ASK COUNTER-FREE",
    "emergency": "<<< EXIT >>>",
    "full": "FULL",
    "locker_opens": "LOCKER {locker:02d} OPENS",
    "locker_is_open": "LOCKER {locker:02d} IS OPEN",
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
}
"""Code of a message -> its text, in English; a site brings its own language's as `Site.sign_texts`. `locker_opens` is
said with the pulse; that a locker is open, only once it was seen to be."""

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
    "already_open": "locker_is_open",
    "opening": "locker_opens",
    "other_bank": "locker_here",
    "deposit_needed": "locker_here",
    "frozen": "locker_guard",
    "granted": "enter",
}
"""Reason of a refusal -> code of what the sign says about it; everything else sends the visitor to the counter."""


NOTICE_LATE_MS = 10_000
"""A notice that finds no room on the sign for so long is of no use any more: whoever tapped has tapped again."""

_OTHER = {"call": "notice", "notice": "call"}


@dataclass(frozen=True, slots=True)
class SignText:
    """What a sign should show, and from which parts it was made (for signs that have a template of their own)."""

    code: str
    text: str
    ticket: str = ""
    counter: str = ""
    urgent: bool = False


def tell(hall: Hall, fact: f.Fact, at: int, site: Site) -> None:
    """Queue what this fact has to say to visitors, and take back what it makes untrue."""
    match fact:
        case f.TicketCalled() | f.TicketRecalled():
            call = Message(at, at, "call", "call", fact.ticket, fact.counter, about=fact.ticket, asked_at=at)
            _queue(hall, site, call)
        case f.TicketServed() | f.TicketParked() | f.TicketMissed() | f.TicketTransferred():
            sign = hall.unwritten.sign
            sign[:] = [m for m in sign if m.kind == "notice" or m.ticket != fact.ticket or m.start <= at]
        case f.LockerPulsed(attempt=1, purpose="deposit" | "reopen" | "collect"):
            locker = hall.lockers.get(fact.locker)
            code = "locker_inspected" if locker and locker.inspected else "locker_opens"
            _notice(hall, site, at, code, fact.card, fact.locker)
        case f.LockerJammed():
            code = "locker_jammed" if fact.purpose == "deposit" else "locker_guard"
            _notice(hall, site, at, code, fact.card, fact.locker)
        case f.LockerLeftOpen():
            _notice(hall, site, at, "locker_shut", fact.card, fact.locker)
        case f.LockerRefused():
            _notice(hall, site, at, REFUSALS.get(fact.reason, "desk"), fact.card, fact.locker)
        case f.GateRefused():
            owned = hall.lockers_of(fact.visit or "")
            number = owned[0].locker if owned else None
            _notice(hall, site, at, REFUSALS.get(fact.reason or "", "desk"), fact.card, number)
        case f.CardRefused():
            _notice(hall, site, at, REFUSALS.get(fact.reason, "desk"), fact.card or fact.reader)
        case f.GateGranted():
            _notice(hall, site, at, "enter" if fact.direction == "in" else "leave", fact.card or fact.lane)


def _notice(hall: Hall, site: Site, at: int, code: str, about: str | None, locker: int | None = None) -> None:
    if "{locker" in TEXTS[code] and locker is None:
        code = "desk"
    _queue(hall, site, Message(at, at, "notice", code, locker=locker, about=about or f"locker {locker}", asked_at=at))


def _queue(hall: Hall, site: Site, message: Message) -> None:
    """Add a message and lay the queue out again.

    What has begun stays, unless it is older news for the same visitor; then notices and calls take turns. A notice
    that would come too late to be of use is left out, a call never.
    """
    at = message.asked_at
    sign = hall.unwritten.sign
    for known in sign:
        same = (known.code, known.about, known.locker) == (message.code, message.about, message.locker)
        if same and at < known.end and (message.kind == "notice" or known.start > at):
            return  # it is being said, or will be
    begun = [m for m in sign if m.start <= at < m.end]
    ahead = [m for m in sign if m.start > at and (m.kind, m.about) != (message.kind, message.about)]
    if message.kind == "notice" and begun and (begun[0].kind, begun[0].about) == ("notice", message.about):
        begun.clear()
    waiting = {kind: [m for m in [*ahead, message] if m.kind == kind] for kind in ("call", "notice")}
    free_at = begun[0].end if begun else at
    turn = "call" if begun and begun[0].kind == "notice" else "notice"
    queue = begun
    while waiting["call"] or waiting["notice"]:
        if not waiting[turn]:
            turn = _OTHER[turn]
        following = waiting[turn].pop(0)
        if turn == "call" or free_at - following.asked_at < NOTICE_LATE_MS:
            following.start = free_at
            free_at += site.call_hold_ms if turn == "call" else site.notice_hold_ms
            following.end = free_at
            queue.append(following)
        turn = _OTHER[turn]
    hall.unwritten.sign = queue


def shown(hall: Hall, site: Site, now: int) -> SignText:
    """What the sign should show at `now`."""
    if hall.emergency or hall.fire_active:
        return SignText("emergency", wording(site, "emergency"), urgent=True)
    if message := standing(hall, now):
        text = wording(site, message.code).format(
            ticket=message.ticket, counter=message.counter, locker=message.locker
        )
        return SignText(message.code, text, message.ticket, message.counter)
    if hall.mode != "open":
        return SignText(hall.mode, wording(site, hall.mode))
    if hall.full:
        return SignText("full", wording(site, "full"))
    for ticket, counter in hall.last_calls:
        if hall.serving.get(counter) == ticket:
            text = wording(site, "call").format(ticket=ticket, counter=counter)
            return SignText("call", text, ticket, counter)
    return SignText("free", wording(site, "free"))


def standing(hall: Hall, now: int) -> Message | None:
    """The call or notice that holds the sign at `now`, unless an emergency does."""
    return next((message for message in hall.unwritten.sign if message.start <= now < message.end), None)


def wording(site: Site, code: str) -> str:
    """The text of a code, with its gaps, in the site's words."""
    return site.sign_texts.get(code, TEXTS[code])


def next_change(hall: Hall, now: int) -> int | None:
    """When the queue of messages next changes what is shown."""
    return min((moment for m in hall.unwritten.sign for moment in (m.start, m.end) if moment > now), default=None)
