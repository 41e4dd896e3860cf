"""A card reader that speaks for itself: it sends each UID as a line of ASCII hex over a serial line, and no more.

Such readers (USB or RS-485, for places that SPI does not reach) differ in trifles, and all of them are taken: a line
may be framed by STX and ETX, end in CR, LF or both, and separate its bytes. Some send once per card, some again and
again while it lies. So a card has left when it was not heard for a second. Two cards that lie together are told in
turns: when a UID comes again while another's second has not run out, both are there.

A line that is no UID is a bad sign; three in a row mean wrong settings or noise. Silence is no sign at all: a reader
without a card has nothing to say, and a cut wire behind the adapter cannot be told from it.
"""

import re
from collections.abc import Sequence
from contextlib import suppress

from hal.bus import SERIAL_TROUBLE, OpenSerial, SerialPort
from hal.clock import Clock, Millis
from hal.seen import NOTHING_MOVED, CardArrived, CardLeft, CardsCollided, CardSeen, Health
from hal.standing import Standing

HOLD_MS: Millis = 1_000
"""A card that was not heard for so long has left."""
STRIKES = 3
"""Bad lines in a row that make the health fall; one good line makes it rise."""
LINE_MOST = 64
"""Longer than any UID with its separators and framing: what exceeds it is noise without an end."""
PAUSE_MS: Millis = 200
"""Bytes of one line follow each other sooner; after such a pause what came before was cut off."""
REOPEN_MS = (1_000, 2_000, 4_000, 8_000, 16_000, 30_000)
STEADY_MS: Millis = 2_000
"""An adapter that was pulled and has stayed for so long is back."""
CALM_MS: Millis = 60_000
"""One that stays for so long starts its back-off anew when it is pulled again."""
NEVER: Millis = 1 << 62

ENDS = re.compile(rb"[\r\n\x02\x03]+")
UID = re.compile(rb"[0-9A-Fa-f]{2}([ :,-]?[0-9A-Fa-f]{2}){3}(([ :,-]?[0-9A-Fa-f]{2}){3}){0,2}")
"""4, 7 or 10 bytes in hex, with or without separators."""


class SerialReader:
    """A reader at the far end of a serial line."""

    def __init__(self, open_serial: OpenSerial, clock: Clock) -> None:
        self._open_serial = open_serial
        self._port: SerialPort | None = None
        self._reopen_at: Millis = 0
        self._losses = 0
        self._opened_at: Millis = 0
        self._pending = b""
        self._pending_at: Millis = 0
        self._heard: dict[bytes, Millis] = {}
        """When each UID that may still lie here was last heard."""
        self._present: bytes | None = None
        self._collided = False
        self._standing = Standing(strikes=STRIKES, recovery=1)
        now = clock.now()
        try:
            self._open(now)
        except SERIAL_TROUBLE as error:
            self._lose(now, error)

    @property
    def health(self) -> Health:
        return self._standing.health

    @property
    def detail(self) -> str:
        return self._standing.detail

    def poll(self, now: Millis) -> Sequence[CardSeen]:
        seen: list[CardSeen] = []
        try:
            for uid in self._listen(now):
                self._hear(uid, now, seen)
        except SERIAL_TROUBLE as error:
            self._lose(now, error)
        if self._heard:
            self._forget(now, seen)
        return seen

    def due(self, now: Millis, moved: Millis = NOTHING_MOVED) -> Millis:
        moments = [heard + HOLD_MS for heard in self._heard.values()]
        if self._port is None:
            moments.append(self._reopen_at)
        elif self.health is Health.GONE:
            moments.append(self._opened_at + STEADY_MS)
        return max(now, min(moments, default=NEVER))

    def close(self) -> None:
        port, self._port = self._port, None
        self._reopen_at = NEVER
        if port is not None:
            with suppress(*SERIAL_TROUBLE):  # the adapter may be gone already, which is what closing is for
                port.close()

    # -- the line

    def _open(self, now: Millis) -> None:
        self._port = self._open_serial()
        self._opened_at = now

    def _listen(self, now: Millis) -> Sequence[bytes]:
        """The UIDs whose lines have been completed."""
        if self._port is None:
            if now >= self._reopen_at:
                self._open(now)
            return ()
        if waiting := self._port.in_waiting:
            return self._parse(self._port.read(waiting), now)
        if self.health is Health.GONE and now - self._opened_at >= STEADY_MS:
            self._standing.good()
        return ()

    def _parse(self, data: bytes, now: Millis) -> Sequence[bytes]:
        lines = []
        if self._pending and now - self._pending_at > PAUSE_MS:
            lines.append(self._pending)
            self._pending = b""
        *complete, self._pending = ENDS.split(self._pending + data)
        lines += complete
        self._pending_at = now
        if len(self._pending) > LINE_MOST:
            lines.append(self._pending)
            self._pending = b""
        uids = []
        for line in filter(None, (line.strip() for line in lines)):
            if UID.fullmatch(line):
                self._standing.good()
                uids.append(bytes.fromhex(re.sub(rb"[ :,-]", b"", line).decode("ascii")))
            else:
                self._standing.bad(Health.GARBLED, "the reader's lines are no UIDs: check speed, framing and shielding")
        return uids

    def _lose(self, now: Millis, error: Exception) -> None:
        if self._port is not None and now - self._opened_at >= CALM_MS:
            self._losses = 0
        self.close()
        self._pending = b""
        self._reopen_at = now + REOPEN_MS[min(self._losses, len(REOPEN_MS) - 1)]
        self._losses += 1
        self._standing.bad(Health.GONE, f"the reader's serial adapter is missing ({error}): plug it in", certain=True)

    # -- the cards

    def _hear(self, uid: bytes, now: Millis, seen: list[CardSeen]) -> None:
        self._forget(now, seen)
        others = self._heard.keys() - {uid}
        again = uid in self._heard
        self._heard[uid] = now
        if self._collided or uid == self._present:
            return
        if others and again:
            self._collided = True
            seen.append(CardsCollided())
        else:
            self._arrive(uid, seen)

    def _forget(self, now: Millis, seen: list[CardSeen]) -> None:
        """Drop who was not heard for long; after a collision, the card that remains alone is told."""
        silent = [uid for uid, heard in self._heard.items() if now - heard >= HOLD_MS]
        for uid in silent:
            del self._heard[uid]
        if not silent:
            return
        if self._present is not None and self._present not in self._heard:
            seen.append(CardLeft(self._present))
            self._present = None
        if self._collided and len(self._heard) < 2:
            self._collided = False
            for uid in self._heard.keys() - {self._present}:
                self._arrive(uid, seen)

    def _arrive(self, uid: bytes, seen: list[CardSeen]) -> None:
        if self._present is not None:
            seen.append(CardLeft(self._present))
        self._present = uid
        seen.append(CardArrived(uid))
