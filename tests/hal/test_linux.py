"""The real buses: what is missing is said in a sentence for the technician, and nothing is pretended."""

import os
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from serial import SerialException

from hal.bus import SERIAL_TROUBLE, SerialPort, SerialSettings
from hal.linux import BoardFacts, board_facts, pin_factory, serial_line, spi
from sim.clock import VirtualClock
from sim.mfrc522 import Mfrc522
from sim.pi import plug_chip

VERSION_REG = 0x37
READ = 0x80


# -- SPI


def test_a_chip_select_is_opened_and_exchanges_bytes() -> None:
    plug_chip(8, 1, Mfrc522(VirtualClock()))
    port = spi(8, 1, 4_000_000)()
    assert port.xfer2([VERSION_REG << 1 | READ, 0])[1] in (0x91, 0x92)
    port.close()


@pytest.mark.parametrize(
    ("bus", "overlay"), [(0, "dtparam=spi=on"), (1, "dtoverlay=spi1-3cs")], ids=["SPI 0", "SPI 1"]
)
def test_a_missing_chip_select_names_the_line_that_is_missing_in_config_txt(bus: int, overlay: str) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        spi(bus, 9, 1_000_000)()
    assert raised.value.filename == f"/dev/spidev{bus}.9"
    assert raised.value.strerror == f"No such file or directory; is {overlay} in config.txt?"


class Refusing:
    """`spidev.SpiDev` of which the kernel wants to know nothing."""

    number = 0

    def open(self, _bus: int, _device: int) -> None:
        raise OSError(self.number, os.strerror(self.number))

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (13, "Permission denied; is the user in the group spi?"),
        (22, "Invalid argument; does it allow 1000000 Hz?"),
        (5, "Input/output error"),
    ],
)
def test_a_refused_chip_select_says_what_to_look_at(
    monkeypatch: pytest.MonkeyPatch, number: int, sentence: str
) -> None:
    monkeypatch.setattr(Refusing, "number", number)
    monkeypatch.setattr(sys.modules["spidev"], "SpiDev", Refusing)
    with pytest.raises(OSError, match=os.strerror(number)) as raised:
        spi(0, 0, 1_000_000)()
    assert (raised.value.errno, raised.value.strerror) == (number, sentence)


@pytest.mark.parametrize(
    ("module", "use"),
    [("spidev", lambda: spi(0, 0, 1_000_000)()), ("lgpio", pin_factory)],
)
def test_a_missing_module_names_its_package(
    monkeypatch: pytest.MonkeyPatch, module: str, use: Callable[[], object]
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(OSError, match=f"the Python module {module} is missing: apt install python3-{module}"):
        use()


# -- pins


class LgpioError(Exception):
    """`lgpio.error` has no base but Exception (lgpio 0.2.2)."""


@pytest.fixture
def lgpio(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """As much of lgpio as gpiozero needs to be imported, on a machine without pins."""

    class Stand(ModuleType):
        error = LgpioError

        def __getattr__(self, name: str) -> int:
            if name.isupper():
                return 0
            raise AttributeError(name)

        def gpiochip_open(self, _chip: int) -> int:
            raise LgpioError("can not open gpiochip")

    stand = Stand("lgpio")
    monkeypatch.setitem(sys.modules, "lgpio", stand)
    yield stand
    sys.modules.pop("gpiozero.pins.lgpio", None)


def test_a_machine_that_is_no_pi_is_told_so(lgpio: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    from gpiozero.exc import PinUnknownPi
    from gpiozero.pins.lgpio import LGPIOFactory

    def nowhere(_self: object) -> int:
        raise PinUnknownPi("unable to locate Pi revision")

    monkeypatch.setattr(LGPIOFactory, "_get_revision", nowhere)
    with pytest.raises(OSError, match="no GPIO pins: unable to locate Pi revision; is this a Raspberry Pi"):
        pin_factory()


def test_pins_that_may_not_be_opened_name_the_group(lgpio: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    from gpiozero.pins.lgpio import LGPIOFactory

    monkeypatch.setattr(LGPIOFactory, "_get_revision", lambda _self: 0xA02082)
    with pytest.raises(OSError, match="no GPIO pins: can not open gpiochip; is the user in the group gpio"):
        pin_factory()


# -- serial lines


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """A pseudo-terminal: the far end's descriptor, and the near end's name."""
    far, near = os.openpty()
    name = os.ttyname(near)
    os.close(near)
    yield far, name
    os.close(far)


def test_a_line_gives_what_has_come_and_never_waits(terminal: tuple[int, str]) -> None:
    far, name = terminal
    port: SerialPort = serial_line(name, SerialSettings(19200))()
    assert (port.in_waiting, port.read(9)) == (0, b"")
    os.write(far, b"\x02\x00\x35")
    assert port.read(9) == b"\x02\x00\x35"
    port.write(b"\x02\x00\x31\x03\x36")
    assert os.read(far, 16) == b"\x02\x00\x31\x03\x36"
    port.close()


def test_a_line_is_set_as_the_device_is(terminal: tuple[int, str]) -> None:
    _, name = terminal
    port: Any = serial_line(name, SerialSettings(4800, 7, "E", 2))()
    flags = termios.tcgetattr(port.fileno())
    assert (flags[4], flags[5]) == (termios.B4800, termios.B4800)
    assert flags[2] & termios.CSTOPB
    assert (port.bytesize, port.parity, port.stopbits) == (7, "E", 2)
    port.close()


def test_two_programs_cannot_share_a_line(terminal: tuple[int, str]) -> None:
    _, name = terminal
    port = serial_line(name, SerialSettings())()
    with pytest.raises(SerialException, match="exclusively lock"):
        serial_line(name, SerialSettings())()
    port.close()


def test_a_missing_adapter_is_one_of_the_troubles_that_drivers_know() -> None:
    with pytest.raises(SERIAL_TROUBLE, match="/dev/besuk-nowhere"):
        serial_line("/dev/besuk-nowhere", SerialSettings())()


# -- the board


def board(root: Path, **files: str) -> Path:
    names = {
        "model": "proc/device-tree/model",
        "temperature": "sys/class/thermal/thermal_zone0/temp",
        "other": "sys/class/hwmon/hwmon0/name",
        "monitor": "sys/class/hwmon/hwmon1/name",
        "alarm": "sys/class/hwmon/hwmon1/in0_lcrit_alarm",
    }
    for what, text in files.items():
        path = root / names[what]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("files", "facts"),
    [
        ({}, BoardFacts(None, None, None)),
        (
            {"model": "Raspberry Pi 5 Model B Rev 1.0\0", "temperature": "52300\n", "other": "cpu_thermal\n",
             "monitor": "rpi_volt\n", "alarm": "0\n"},
            BoardFacts("Raspberry Pi 5 Model B Rev 1.0", 52_300, False),
        ),
        ({"monitor": "rpi_volt\n", "alarm": "1\n"}, BoardFacts(None, None, True)),
        ({"monitor": "rpi_volt\n"}, BoardFacts(None, None, None)),
        ({"monitor": "other\n", "alarm": "1\n"}, BoardFacts(None, None, None)),
        ({"temperature": "-1500\n"}, BoardFacts(None, -1_500, None)),
        ({"temperature": "hot\n"}, BoardFacts(None, None, None)),
    ],
)  # fmt: skip
def test_the_board_says_what_it_knows_and_no_more(tmp_path: Path, files: dict[str, str], facts: BoardFacts) -> None:
    assert board_facts(board(tmp_path, **files)) == facts
