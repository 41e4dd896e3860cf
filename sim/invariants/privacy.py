"""Privacy (29): no card's UID, no identity number and no key leaves the program by any door that it writes to.

Listened at are the journal's records, whatever reaches the broker, answers, signs, and the log. A UID is looked for as
hex digits in either case, with or without separators, and hidden in a longer run of digits; cards may appear only as
the keyed hash of their UID. (No name can leak: nobody ever tells the program one.)
"""

import logging
import re
from collections.abc import Sequence
from concurrent.futures import Future
from weakref import WeakSet

from firmware.ledger import Told
from services.mqtt import Message
from services.requests import Answer, Request
from sim.invariants.medium import Medium
from sim.judge import Invariant, Scene

UID_DIGITS = (8, 14, 20)
HASHES = (16, 32, 64)
"""Lengths of card hashes, journal ids and record hashes: long enough to hold four bytes of a UID by chance."""
LOGGERS = ("firmware", "services", "hal")

_HEX = re.compile(rb"[0-9A-Fa-f]{8,}")
_SPACED = re.compile(rb"(?:[0-9A-Fa-f]{2}[:\- ]){3,}[0-9A-Fa-f]{2}")
_IDENTITY = re.compile(rb'"(?!card")\w+":"?[0-9]{16}\b')
_DATA = b'"data":'
_TAIL = b',"prevhash":'
"""From here on a record has two hashes, and no more."""


class _Ears(logging.Handler):
    """One for all runs of the process; those that are over are forgotten by themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.listeners: WeakSet[Privacy] = WeakSet()
        for name in LOGGERS:
            logging.getLogger(name).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        for listener in list(self.listeners):
            listener.logged(record.getMessage())


class Privacy(Invariant):
    """No UID, identity number or key in events, messages, answers, logs or on a sign."""

    number, name = 29, "privacy"

    _ears: _Ears | None = None

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._uids: set[bytes] = set()
        self._cards = -1
        self._key = b""
        self._frames = 0
        self._logged: list[str] = []
        self._medium = Medium.of(scene.machine)
        self._medium.hearers.append(self._recorded)
        before = scene.machine.broker.on_arrival

        def arrived(message: Message) -> None:
            before(message)
            if not message.topic.endswith("/event"):  # those are records, which the journal has shown already
                self._check(f"what was published on {message.topic}", message.payload)

        scene.machine.broker.on_arrival = arrived
        if Privacy._ears is None:
            Privacy._ears = _Ears()
        Privacy._ears.listeners.add(self)

    def started(self) -> None:
        daemon = self.scene.machine.daemon
        assert daemon is not None
        self._key = daemon.controller.panel.card_hash._key.hex()[:32].encode()

    def told(self, told: Sequence[Told]) -> None:
        self._medium.look()

    def asked(self, request: Request) -> None:
        request.future.add_done_callback(self._answered)

    def _answered(self, future: "Future[Answer]") -> None:
        if not future.cancelled():
            self._logged.append(str(future.result()))

    def logged(self, text: str) -> None:
        """Something is written to the log."""
        self._logged.append(text)

    def stepped(self) -> None:
        signs = self.scene.hall.signs.values()
        frames = sum(sign.frames for sign in signs)
        if frames != self._frames:
            self._frames = frames
            for sign in signs:
                self._check("the sign", sign.reads.encode())
        while self._logged:
            self._check("an answer or the log", self._logged.pop().encode())

    def _recorded(self, raw: bytes) -> None:
        self._check("a record", raw[raw.find(_DATA) : raw.rfind(_TAIL)])

    def _check(self, where: str, text: bytes) -> None:
        self._know_cards()
        spaced = [re.sub(rb"[:\- ]", b"", found) for found in _SPACED.findall(text)]
        for token in (*_HEX.findall(text), *spaced):
            if leaked := self._uid_in(token.upper()):
                self.broken(f"{where} shows the UID {leaked.decode()}: {text[:400]!r}")
        if _IDENTITY.search(text):
            self.broken(f"{where} shows what may be an identity number: {text[:400]!r}")
        if self._key and self._key in text:
            self.broken(f"{where} shows the key of the card hashes: {text[:400]!r}")

    def _uid_in(self, token: bytes) -> bytes:
        if len(token) in UID_DIGITS and token in self._uids:
            return token
        if len(token) in HASHES:
            return b""
        parts = (token[at : at + n] for n in UID_DIGITS for at in range(len(token) - n + 1))
        return next((part for part in parts if part in self._uids), b"")

    def _know_cards(self) -> None:
        """Every card that has ever been near a reader, and the stock."""
        hall = self.scene.hall
        if self._cards != len(hall.cards):
            self._cards = len(hall.cards)
            self._uids = {uid.encode() for uid in hall.cards} | {uid.upper().encode() for _, uid in hall.stock}
