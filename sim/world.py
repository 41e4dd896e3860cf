"""A world for the daemon in which nothing is real: the virtual hall's buses, virtual time, disk and broker."""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from gpiozero import Factory

from hal.bus import OpenSerial, OpenSpi, SerialSettings
from hal.clock import WallClock
from services.disk import Disk
from services.marker import Marker
from services.mqtt import Message, MqttSettings, Transport
from services.writer import Writer
from sim import pi
from sim.clock import VirtualClock
from sim.hall import VirtualHall

MakeTransport = Callable[[MqttSettings, Callable[[], Message]], Transport]


def card_key(seed: int) -> bytes:
    """The key with which a virtual hall of this seed hides the UIDs of its cards."""
    return hashlib.sha256(f"card key {seed}".encode()).digest()


class Remembered:
    """A marker that outlives the daemon, as long as whoever keeps it does."""

    def __init__(self) -> None:
        self.is_set = False

    def set(self) -> None:
        self.is_set = True

    def clear(self) -> None:
        self.is_set = False


class BootClock:
    """The monotonic clock of one start of the daemon: virtual time, counted from that start."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._start_us = clock.now_us

    def now(self) -> int:
        return (self._clock.now_us - self._start_us) // 1000


@dataclass
class VirtualWorld:
    """What the daemon finds when it starts in a virtual hall. A new start is a new world over the same hall."""

    hall: VirtualHall
    wall: WallClock
    disk: Disk
    writer: Writer
    reader: Writer
    make_transport: MakeTransport
    seed: int = 1
    simulated: bool = True
    emergency: Marker = field(default_factory=Remembered)

    def __post_init__(self) -> None:
        pi.install()  # before anything imports the readers' driver
        self.clock = BootClock(self.hall.clock)
        self.pins: Factory = self.hall.pins
        self.card_key = card_key(self.seed)
        self._random = random.Random(f"ids {self.seed} {self.hall.clock.now_us}")

    def spi(self, bus: int, device: int, hz: int) -> OpenSpi:
        return self.hall.spi(bus, device, hz)

    def serial(self, line: str, settings: SerialSettings) -> OpenSerial:
        return self.hall.serial(line, settings)

    def new_id(self) -> str:
        return self._random.randbytes(16).hex()

    def transport(self, settings: MqttSettings, will: Callable[[], Message]) -> Transport:
        return self.make_transport(settings, will)
