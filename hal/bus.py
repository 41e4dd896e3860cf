"""The seams: what a driver may ask of a bus, in as few verbs as there are.

Each protocol has two fillings, the machine's (`hal.linux`) and the virtual hall's (`sim`). GPIO needs no seam of ours:
gpiozero's own pin factory is one. A bus that is missing or has been unplugged raises what the real library raises
(`OSError` for SPI; for serial lines see `SERIAL_TROUBLE`); drivers turn that into health, never into an exception.
"""

import termios
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from serial import SerialException

SERIAL_TROUBLE: tuple[type[Exception], ...] = (SerialException, OSError, termios.error)
"""All that a pyserial port raises when its adapter is pulled: `read` and `write` SerialException, `in_waiting` a bare
OSError, `reset_input_buffer` termios.error, which is not an OSError (measured with pyserial 3.5)."""


class SpiPort(Protocol):
    """One chip select of an SPI bus, as `spidev.SpiDev` gives it."""

    def xfer2(self, data: Sequence[int]) -> list[int]:
        """Exchange bytes under one chip select; as many come back as were sent. Raises OSError when the bus is gone."""
        ...

    def close(self) -> None: ...


class SerialPort(Protocol):
    """The part of `serial.Serial` that drivers use, opened with `timeout=0`: nothing here waits."""

    @property
    def in_waiting(self) -> int: ...

    def read(self, size: int = 1) -> bytes:
        """At most `size` bytes that have arrived already; `b""` when none has."""
        ...

    def write(self, data: bytes) -> int | None:
        """Queue bytes for sending; they go out at the line's speed."""
        ...

    def reset_input_buffer(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """How a line is set. Both ends must agree, or nothing that arrives adds up."""

    baudrate: int = 9600
    bytesize: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stopbits: Literal[1, 2] = 1

    def __str__(self) -> str:
        """As technicians write it: `4800 7E2`."""
        return f"{self.baudrate} {self.bytesize}{self.parity}{self.stopbits}"


OpenSpi = Callable[[], SpiPort]
"""Opens a chip select anew; raises OSError while it is missing."""

OpenSerial = Callable[[], SerialPort]
"""Opens a line anew with its settings; raises one of SERIAL_TROUBLE while it is missing."""
