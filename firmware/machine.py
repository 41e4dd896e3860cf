"""The real world: the machine's own buses, clock, disk and network. It never falls back to anything virtual.

Keys are files: in systemd's credentials directory, or in `keys/` of the state directory, where the card key is made at
the first start if nobody has put one there.
"""

import random
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gpiozero import Factory

from firmware.boot import broker_settings
from firmware.config import Config
from firmware.devices import PinsMissingError
from hal import linux
from hal.bus import OpenSerial, OpenSpi, SerialSettings
from hal.clock import MonotonicClock, WallTime
from services.disk import FolderDisk
from services.marker import FileMarker, runtime_directory
from services.mqtt import Message, MqttSettings, Tls, Transport
from services.sysclock import SystemWallClock
from services.systemd import credentials_directory
from services.writer import ThreadWriter

KEY_BYTES = 32
PRESENT = "present"


class KeyFileError(OSError):
    """A key or password file that cannot be used; the text says which, and what belongs there."""


class Wall:
    """The machine's calendar clock, in the hall's own words."""

    def __init__(self) -> None:
        self._clock = SystemWallClock()

    def read(self) -> WallTime:
        reading = self._clock.read()
        return WallTime(reading.utc_ms, reading.synced)


class Cables:
    """The serial lines and SPI buses of a Raspberry Pi, or of any Linux that has them."""

    def __init__(self) -> None:
        self.clock = MonotonicClock()

    def spi(self, bus: int, device: int, hz: int) -> OpenSpi:
        return linux.spi(bus, device, hz)

    def serial(self, line: str, settings: SerialSettings) -> OpenSerial:
        return linux.serial_line(line, settings)


class Board(Cables):
    """All buses of a Raspberry Pi."""

    def __init__(self) -> None:
        """Raises PinsMissingError."""
        super().__init__()
        try:
            self.pins: Factory = linux.pin_factory()
        except OSError as error:
            raise PinsMissingError(error.strerror or str(error)) from error


class Machine(Board):
    """A board, its disk and its network: all that the daemon needs."""

    simulated = False

    def __init__(self, state: Path) -> None:
        """Raises PinsMissingError, KeyFileError, and OSError for a state directory that cannot be used."""
        super().__init__()
        self.wall = Wall()
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.disk = FolderDisk(state)
        self.card_key = card_key(state)
        self.emergency = FileMarker(runtime_directory(state / "run") / "emergency")
        self.writer = ThreadWriter()
        self.reader = ThreadWriter()

    def new_id(self) -> str:
        return secrets.token_hex(16)

    def transport(self, settings: MqttSettings, will: Callable[[], Message]) -> Transport:
        from services.paho_transport import PahoTransport

        return PahoTransport(settings, random=random.random, will=will)


def card_key(state: Path) -> bytes:
    """The key of the cards' hashes: at least 32 bytes. Made once where nobody provided it."""
    keys = state / "keys"
    path = credentials_directory(keys) / "card-key"
    if not path.exists() and path.parent == keys:
        disk = FolderDisk(state)  # whose word is durable: cards that were enrolled under a lost key are lost with it
        disk.ensure_folder(keys.name)
        disk.replace(f"{keys.name}/{path.name}", secrets.token_bytes(KEY_BYTES))
        disk.close()
    try:
        key = path.read_bytes()
    except OSError as error:
        raise KeyFileError(error.errno, f"the card key {path} cannot be read: {error.strerror}") from error
    if len(key) < KEY_BYTES:
        raise KeyFileError(22, f"the card key {path} has {len(key)} bytes; it needs at least {KEY_BYTES}")
    return key


def mqtt_settings(config: Config, state: Path) -> MqttSettings:
    """Where the broker is, with the password and certificates from the credentials directory. Raises KeyFileError."""
    credentials = credentials_directory(state / "keys")
    user = password = None
    if config.mqtt.login:
        path = credentials / config.mqtt.login
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise KeyFileError(error.errno, f"the MQTT login {path} cannot be read: {error.strerror}") from error
        if len(lines) < 2:
            raise KeyFileError(22, f"the MQTT login {path} needs the user in line 1 and the password in line 2")
        user, password = lines[0], lines[1]
    tls = None
    if config.mqtt.tls:
        tls = Tls(
            ca=Path(config.mqtt.authority) if config.mqtt.authority else None,
            certificate=credentials / config.mqtt.certificate if config.mqtt.certificate else None,
            key=credentials / config.mqtt.key if config.mqtt.key else None,
        )
    return replace(broker_settings(config), username=user, password=password, tls=tls)


def drivers_found() -> dict[str, str]:
    """What `besuk version` tells of the Pi's own modules: present, or how to get them."""
    found = {}
    for name, package in (("lgpio", "python3-lgpio"), ("spidev", "python3-spidev"), ("RPi.GPIO", "python3-rpi-lgpio")):
        try:
            __import__(name)
        except (ImportError, RuntimeError) as error:
            found[name] = f"missing ({error}); on a Raspberry Pi: apt install {package}"
        else:
            found[name] = PRESENT
    return found
