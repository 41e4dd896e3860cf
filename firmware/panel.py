"""The panel: between named things and channels. Readings become inputs; differences in positions become device calls.

It reads all devices in a fixed order, fire first, and tells of a device's health once when it changes. Several fire
contacts are one to the hall: active while any of them is. A card's UID ends here: the hall knows it only as a keyed
hash. A position that is new is acted on once, and the same position again moves nothing.
"""

import hashlib
import hmac
from collections.abc import Collection, Mapping

from firmware.core import inputs
from firmware.core.inputs import Direction, Input
from firmware.core.outputs import ArmPulse, Outputs
from firmware.core.signage import SignText
from firmware.devices import Devices
from hal.clock import Millis
from hal.contacts import NEVER
from hal.led_sign import SignMessage
from hal.seen import (
    SCAN_MS,
    CardArrived,
    CardLeft,
    CardsCollided,
    ContactChanged,
    Door,
    DoorSeen,
    Health,
    PassageSeen,
    Seen,
    Side,
)
from hal.turnstile import Turnstile

CARD_STAYS_MS: Millis = 1_000
"""A card that was taken off a desk reader may be named by it for this much longer."""

LYING_MS: Millis = 1_000
"""A card found on a reader so soon after the start lay there before: nobody has tapped it, and nothing moves. For a
reader that is in trouble at the start, the start is when it is well for the first time."""

_SIDE: dict[Direction, Side] = {"in": "a", "out": "b"}
_DIRECTION: dict[Side, Direction] = {"a": "in", "b": "out"}


class CardHash:
    """Keyed hash of a UID: the first 16 hex digits of its HMAC-SHA256."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(self, uid: bytes) -> str:
        return hmac.new(self._key, uid, hashlib.sha256).hexdigest()[:16]


class Panel:
    """All devices of the hall as one."""

    def __init__(self, devices: Devices, lockers: Mapping[str, tuple[int, ...]], card_hash: CardHash) -> None:
        """`lockers`: bank -> the numbers of its lockers, in the order of the channels."""
        self.devices = devices
        self.resting: Collection[str] = ()
        """Devices that are not asked: a run in virtual time names those whose answer it knows."""
        self.card_hash = card_hash
        self._drivers = devices.all
        self._number = {(bank, i): n for bank, numbers in lockers.items() for i, n in enumerate(numbers, start=1)}
        self._channel = {number: place for place, number in self._number.items()}
        self._doors_read: set[int] = set()
        self._health: Mapping[str, Health] = {}
        self._moving: set[str] = set()
        self._burning: set[str] = set()
        """Fire contacts that are active."""
        self._cards: dict[str, tuple[str, Millis | None]] = {}
        """Reader -> the card that lies there, or lay there last and when it was taken."""
        self._pulsed: dict[int, int] = {}
        self._arms: dict[str, ArmPulse] = {}
        self._released = False
        self._shown: dict[str, SignText] = {}
        self._taps_from: dict[str, Millis] = {}
        """Reader -> from when on a card that it finds has been tapped."""

    # -- reading

    def read(self, now: Millis) -> list[Input]:
        """Poll every device once; what is new, in the order of reading."""
        first = not self._health
        if first:
            self._taps_from = dict.fromkeys(self.devices.readers, now + LYING_MS)
        seen: list[Input] = []
        told = self._health
        for name, driver in self._drivers:
            if name in self.resting:
                continue
            for one in driver.poll(now):
                seen += self._input(name, one, now)
            health = driver.health
            if health is not told.get(name):
                self._health = told = {**told, name: health}
                seen.append(inputs.HealthSeen(name, health.value, driver.detail))
                if now < self._taps_from.get(name, now):
                    self._wait_for(name, health, now)
        for name, arm in self.devices.lanes.items():
            if arm.moving != (name in self._moving):
                self._moving ^= {name}
                seen.append(inputs.ArmMoving(name, arm.moving))
        if first and not self._burning:  # drivers tell of changes, and a fire may have ended while nobody watched
            seen += [inputs.ContactChanged(name, False) for name in self.devices.fires][:1]
        return seen

    def _wait_for(self, reader: str, health: Health, now: Millis) -> None:
        """A reader in trouble at the start finds what lies there before it is well; from then on it is tapped."""
        if health is not Health.OK:
            self._taps_from[reader] = NEVER
        elif self._taps_from[reader] == NEVER:
            self._taps_from[reader] = now + SCAN_MS

    def _input(self, name: str, seen: Seen, now: Millis) -> list[Input]:
        match seen:
            case CardArrived():
                card = self.card_hash(seen.uid)
                self._cards[name] = (card, None)
                return [inputs.CardTapped(name, card)] if now >= self._taps_from[name] else []
            case CardLeft():
                if name in self._cards:
                    self._cards[name] = (self._cards[name][0], now)
                return []
            case CardsCollided():
                self._cards.pop(name, None)
                return [inputs.CardsCollided(name)]
            case DoorSeen():
                return self._door(name, seen)
            case PassageSeen():
                return [inputs.PassageSeen(name, _DIRECTION[seen.side])]
            case ContactChanged() if name in self.devices.fires:
                return self._fire(name, seen.active)
            case ContactChanged():
                return [inputs.ContactChanged(name, seen.active)]
            case _:
                return []  # an arm that is not ready shows in its health

    def _fire(self, contact: str, active: bool) -> list[Input]:
        before = bool(self._burning)
        if active:
            self._burning.add(contact)
            for arm in self.devices.lanes.values():
                arm.latch()  # again: the edge that did so may have come and gone at the very moment of a reset
        else:
            self._burning.discard(contact)
        return [inputs.ContactChanged(contact, active)] if bool(self._burning) != before else []

    def _door(self, bank: str, seen: DoorSeen) -> list[Input]:
        number = self._number[bank, seen.channel]
        first = number not in self._doors_read and seen.door is not Door.UNKNOWN
        if first:
            self._doors_read.add(number)
        return [inputs.DoorSeen(number, seen.door.value, seen.content, first)]

    def card_at(self, reader: str, now: Millis) -> str | None:
        """The card that lies on a reader, or lay there a moment ago; None where the reader cannot tell."""
        if self._health.get(reader) is not Health.OK:
            return None
        card, taken_at = self._cards.get(reader, ("", 0))
        return card if card and (taken_at is None or now - taken_at <= CARD_STAYS_MS) else None

    @property
    def freed(self) -> dict[str, Millis]:
        """Lane -> when its arm was last freed for a person: later than that was decided, where a disk is slow."""
        return {name: arm.freed_at for name, arm in self.devices.lanes.items() if arm.freed_at is not None}

    @property
    def health(self) -> Mapping[str, Health]:
        """Device -> its health as last read; another mapping when one of them has changed."""
        return self._health

    def detail(self, name: str) -> str:
        """What the technician should look at; empty while all is well."""
        return next((driver.detail for device, driver in self._drivers if device == name), "")

    # -- moving

    def move_to(self, outputs: Outputs) -> None:
        """Bring everything where it should stand."""
        if outputs.released:
            for arm in self.devices.lanes.values():
                arm.latch()
        elif self._released:
            for arm in self.devices.lanes.values():
                arm.unlatch()
        self._released = outputs.released
        for name, arm in self.devices.lanes.items():
            if not arm.engaged and not arm.latched:
                arm.engage(True)
            self._move_arm(name, arm, outputs.arms.get(name))
        for locker, pulse in outputs.locks.items():
            if self._pulsed.get(locker) != pulse and locker in self._channel:
                self._pulsed[locker] = pulse
                bank, channel = self._channel[locker]
                self.devices.banks[bank].unlock(channel)
        for name, sign in self.devices.signs.items():
            text = outputs.signs[name]
            if self._shown.get(name) != text:
                self._shown[name] = text
                sign.show(
                    SignMessage(text.text, text.ticket, text.counter, mode="flash" if text.urgent else "hold")
                )

    def _move_arm(self, name: str, arm: Turnstile, pulse: ArmPulse | None) -> None:
        before = self._arms.get(name)
        if pulse == before:
            return
        if before is not None and (pulse is None or pulse.grant != before.grant):
            arm.cancel()  # whatever stood open for that grant is over
        if pulse is None:
            del self._arms[name]
        else:
            self._arms[name] = pulse
            arm.pulse(_SIDE[pulse.direction])
