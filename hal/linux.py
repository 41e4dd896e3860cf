"""The real machine's buses: what fills the seams of `hal.bus` on the Pi. Nothing here is ever replaced by a pretence.

What is missing raises OSError with a sentence for the technician: what is not there, and what to do about it. Drivers
turn that into the health `gone`; the two that nobody starts without, arm and fire contact, stop the daemon.
"""

import errno
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import serial
from gpiozero.exc import PinUnknownPi

from hal.bus import OpenSerial, OpenSpi, SerialPort, SerialSettings, SpiPort

if TYPE_CHECKING:
    from gpiozero.pins import Factory

PACKAGE_OF = {"spidev": "python3-spidev", "lgpio": "python3-lgpio"}


def spi(bus: int, device: int, hz: int) -> OpenSpi:
    """Opens `/dev/spidevBUS.DEVICE` at `hz`, in mode 0, most significant bit first (MFRC522 data sheet 8.1.2)."""

    def open_spi() -> SpiPort:
        port: Any = _module("spidev").SpiDev()
        try:
            port.open(bus, device)
            port.max_speed_hz = hz
            port.mode = 0
        except OSError as error:
            port.close()
            overlay = "dtparam=spi=on" if bus == 0 else f"dtoverlay=spi{bus}-3cs"
            advice = {
                errno.ENOENT: f"is {overlay} in config.txt?",
                errno.EACCES: "is the user in the group spi?",
                errno.EINVAL: f"does it allow {hz} Hz?",
            }.get(error.errno or 0, "")
            sentence = f"{error.strerror}; {advice}" if advice else str(error.strerror)
            raise OSError(error.errno, sentence, f"/dev/spidev{bus}.{device}") from error
        opened: SpiPort = port
        return opened

    return open_spi


def serial_line(line: str, settings: SerialSettings) -> OpenSerial:
    """Opens a serial line that never waits and that no other program may share."""

    def open_line() -> SerialPort:
        return serial.serial_for_url(
            line,
            baudrate=settings.baudrate,
            bytesize=settings.bytesize,
            parity=settings.parity,
            stopbits=settings.stopbits,
            timeout=0,
            write_timeout=0,
            exclusive=True,
        )

    return open_line


def pin_factory() -> "Factory":
    """gpiozero's pins on lgpio, which serves every Pi, the fifth too. Raises OSError where there are none.

    `import lgpio` makes a FIFO in the working directory, which must therefore be writable.
    """
    lgpio = _module("lgpio")
    from gpiozero.pins.lgpio import LGPIOFactory  # imports lgpio in turn

    try:
        return LGPIOFactory()
    except PinUnknownPi as error:
        raise OSError(errno.ENODEV, f"no GPIO pins: {error}; is this a Raspberry Pi?") from error
    except lgpio.error as error:
        raise OSError(errno.ENODEV, f"no GPIO pins: {error}; is the user in the group gpio?") from error


@dataclass(frozen=True, slots=True)
class BoardFacts:
    """What the board says of itself; None where it says nothing."""

    model: str | None
    temperature_mdeg: int | None
    """Of the processor, in thousandths of a degree Celsius."""
    under_voltage: bool | None
    """The supply has fallen below 4.63 V since the kernel last looked: power supply or its cable."""


def board_facts(root: Path = Path("/")) -> BoardFacts:
    """Read the kernel's own files: the device tree, thermal zone 0, and the hwmon driver `rpi_volt`."""
    model = _text(root / "proc/device-tree/model")
    temperature = _number(root / "sys/class/thermal/thermal_zone0/temp")
    alarm: int | None = None
    for monitor in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        if _text(monitor / "name") == "rpi_volt":
            alarm = _number(monitor / "in0_lcrit_alarm")
    return BoardFacts(model, temperature, None if alarm is None else alarm != 0)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ")
    except OSError:
        return None  # this board, or this kernel, does not tell


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text is not None and text.lstrip("-").isdecimal() else None


def _module(name: str) -> Any:
    """A module that only a Pi has. Raises OSError that names its package."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        advice = f"apt install {PACKAGE_OF[name]}, and make the environment with --system-site-packages"
        raise OSError(errno.ENODEV, f"the Python module {name} is missing: {advice}") from error
