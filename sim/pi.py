"""Stand-ins for the Pi's own modules, so that the unmodified `mfrc522` library imports, and runs on virtual chips.

The library imports `RPi.GPIO` and `spidev` as modules, and off a Pi neither can be imported. Here they are: `spidev`
reaches the chips that were plugged into this module's bus, and the reset pin that the library drives goes nowhere.
`install` must come before the first import of anything that imports `mfrc522`.
"""

import sys
from collections.abc import Sequence
from types import ModuleType

from hal.bus import SpiPort
from sim.mfrc522 import Mfrc522

_chips: dict[tuple[int, int], Mfrc522] = {}


def plug_chip(bus: int, device: int, chip: Mfrc522) -> None:
    """Wire a virtual chip to a chip select, as `/dev/spidev<bus>.<device>` will find it; replaces what was there."""
    _chips[bus, device] = chip


class SpiDev:
    """`spidev.SpiDev`, as far as `mfrc522` uses it."""

    def __init__(self) -> None:
        self._chip: Mfrc522 | None = None
        self._port: SpiPort | None = None
        self._hz = 500_000

    def open(self, bus: int, device: int) -> None:
        """Raises FileNotFoundError, as the real one does, where no chip is plugged."""
        chip = _chips.get((bus, device))
        if chip is None:
            raise FileNotFoundError(2, "No such file or directory", f"/dev/spidev{bus}.{device}")
        self._chip = chip
        self._port = chip.open(self._hz)

    @property
    def max_speed_hz(self) -> int:
        return self._hz

    @max_speed_hz.setter
    def max_speed_hz(self, hz: int) -> None:
        self._hz = hz
        if self._chip is not None:
            self._port = self._chip.open(hz)

    def xfer2(self, data: Sequence[int]) -> list[int]:
        if self._port is None:
            raise OSError(9, "Bad file descriptor")
        return self._port.xfer2(data)

    def close(self) -> None:
        if self._port is not None:
            self._port.close()
        self._port = None


class _Gpio:
    """The five verbs of `RPi.GPIO` that `mfrc522` uses: it holds the chip's reset pin high, and no more."""

    def __init__(self) -> None:
        self.mode: int | None = None

    def getmode(self) -> int | None:
        return self.mode

    def setmode(self, mode: int) -> None:
        self.mode = mode

    def setup(self, pin: int, direction: int) -> None:
        pass

    def output(self, pin: int, level: int) -> None:
        pass

    def cleanup(self) -> None:
        self.mode = None


def install() -> None:
    """Put the stand-ins in place of `RPi`, `RPi.GPIO` and `spidev`; to do it again changes nothing."""
    if getattr(sys.modules.get("spidev"), "SpiDev", None) is SpiDev:
        return
    verbs = _Gpio()
    gpio = ModuleType("RPi.GPIO", "stand-in of the virtual hall")
    vars(gpio).update({"BOARD": 10, "BCM": 11, "OUT": 0, "IN": 1, "HIGH": 1, "LOW": 0})
    vars(gpio).update({name: getattr(verbs, name) for name in ("getmode", "setmode", "setup", "output", "cleanup")})
    raspberry = ModuleType("RPi", "stand-in of the virtual hall")
    vars(raspberry).update({"GPIO": gpio, "__path__": []})
    spidev = ModuleType("spidev", "stand-in of the virtual hall")
    vars(spidev)["SpiDev"] = SpiDev
    sys.modules.update({"RPi": raspberry, "RPi.GPIO": gpio, "spidev": spidev})
