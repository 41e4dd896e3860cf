"""Who has signed in at the pages: sessions, their time-outs, and patience with wrong PINs. No clock of its own.

A session that nobody used for a while is locked: it still shows, and acts only when the PIN is given again, so that a
page left open at a counter can be read and not misused. After a shift it is over. Sessions live in memory: a restart
ends them all. Wrong PINs are counted for an id at an address, so that nobody locks a colleague out from elsewhere, and
for an id and an address alone, with more patience.
"""

import secrets
from collections import deque
from dataclasses import dataclass, field

from firmware.staff import Member, Role
from hal.clock import Millis

SHIFT_MS: Millis = 12 * 3_600_000
SESSIONS_MOST = 200
WRONG_MS: Millis = 15 * 60_000
"""Wrong PINs are remembered so long."""
WRONG_HERE, WRONG_ID, WRONG_ADDRESS = 5, 20, 20
"""How many wrong PINs in that time: for an id at one address, for an id, for an address."""
KEYS_MOST = 2_000


@dataclass(slots=True)
class Session:
    """Somebody at a browser, as they were when they signed in: with another role or PIN they have to do so again.
    `token` is the cookie; `csrf` goes into a header, which no foreign page can set."""

    member: Member
    begun: Millis
    used: Millis
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def id(self) -> str:
        return self.member.id

    @property
    def role(self) -> Role:
        return self.member.role


class Sessions:
    """The open sessions, by token."""

    def __init__(self, idle_ms: Millis) -> None:
        self.idle_ms = idle_ms
        self._open: dict[str, Session] = {}

    def begin(self, member: Member, now: Millis) -> Session:
        """A new one; where there are too many, the one unused for longest ends."""
        self._open = {token: one for token, one in self._open.items() if now - one.begun < SHIFT_MS}
        if len(self._open) >= SESSIONS_MOST:
            self.end(min(self._open.values(), key=lambda one: one.used).token)
        session = Session(member, now, now)
        self._open[session.token] = session
        return session

    def find(self, token: str, now: Millis) -> Session | None:
        """The session of a cookie, while its shift lasts."""
        session = self._open.get(token)
        if session is None or now - session.begun >= SHIFT_MS:
            return None
        return session

    def locked(self, session: Session, now: Millis) -> bool:
        """Whether it only shows, because nobody used it for a while."""
        return now - session.used >= self.idle_ms

    def use(self, session: Session, now: Millis) -> None:
        """Somebody is there."""
        session.used = now

    def end(self, token: str) -> None:
        """Sign out."""
        self._open.pop(token, None)

    def end_all_of(self, id: str) -> None:
        """Somebody works here no more, or as something else, or has another PIN."""
        self._open = {token: one for token, one in self._open.items() if one.id != id}


class Patience:
    """Counts wrong PINs."""

    def __init__(self) -> None:
        self._wrong: dict[tuple[str, str], deque[Millis]] = {}

    def waits_ms(self, id: str, address: str, now: Millis) -> Millis:
        """How long no PIN is looked at; 0: not at all."""
        return max(
            self._wait((id, address), WRONG_HERE, now),
            self._wait((id, ""), WRONG_ID, now),
            self._wait(("", address), WRONG_ADDRESS, now),
        )

    def wrong(self, id: str, address: str, now: Millis, *, known: bool) -> None:
        """A wrong PIN for `id` from `address`. What is counted for an id that somebody has is kept, whoever comes."""
        keys = [(id, address), ("", address)]
        for key in [*keys, (id, "")] if known else keys:
            if len(self._wrong) >= KEYS_MOST and key not in self._wrong:
                self._forget(now)
            self._wrong.setdefault(key, deque(maxlen=max(WRONG_HERE, WRONG_ID, WRONG_ADDRESS))).append(now)

    def right(self, id: str, address: str) -> None:
        """The PIN was right: what went wrong here before counts no more."""
        self._wrong.pop((id, address), None)

    def _wait(self, key: tuple[str, str], most: int, now: Millis) -> Millis:
        recent = [at for at in self._wrong.get(key, ()) if now - at < WRONG_MS]
        return recent[-most] + WRONG_MS - now if len(recent) >= most else 0

    def _forget(self, now: Millis) -> None:
        """Room for more; if need be at the cost of whoever went wrong longest ago."""
        kept = {key: times for key, times in self._wrong.items() if now - times[-1] < WRONG_MS}
        newest_first = sorted(kept, key=lambda key: kept[key][-1], reverse=True)
        room = set(newest_first[: KEYS_MOST // 2])
        self._wrong = {key: times for key, times in kept.items() if key in room or not key[1]}
