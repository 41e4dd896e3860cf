"""A virtual serial line: bytes take the time that their speed and framing demand, and settings must agree.

The host's end looks like a `serial.Serial` opened with `timeout=0` and raises what pyserial raises when its adapter is
pulled. The device's end receives whole bursts at the moment their last bit has arrived, and sends with a delay. When
the two ends are set differently nothing adds up: bytes arrive, but not the ones that were sent.
"""

import termios
from collections import deque
from typing import Protocol

from serial import SerialException

from hal.bus import SerialSettings
from sim.clock import VirtualClock


class LineDevice(Protocol):
    """What hangs on the far end of a line."""

    def receive(self, data: bytes) -> None:
        """Bytes have arrived; called at the virtual moment at which the last of them is complete."""
        ...


class VirtualLine:
    """One line with its two ends. `settings` are the device's; the host brings its own when it opens."""

    def __init__(self, clock: VirtualClock, settings: SerialSettings) -> None:
        self.clock = clock
        self.settings = settings
        self.devices: list[LineDevice] = []
        self.plugged = True
        self.noisy = False
        self._quiet = False
        self.sent_by_host = 0
        """Bytes the host has sent so far."""
        self._generation = 0
        self._host_busy_until_us = 0
        self._device_busy_until_us = 0
        self._arriving: deque[tuple[int, int]] = deque()
        self._host_settings = settings

    # -- the hand's face

    def unplug(self) -> None:
        """Pull the adapter: the open port dies, and what was on its way is lost."""
        self.plugged = False
        self._generation += 1
        self._arriving.clear()

    def plug(self) -> None:
        self.plugged = True

    # -- the device's face

    def attach(self, device: LineDevice, *, quiet: bool = False) -> None:
        """Hang a device on the line; on a multi-drop bus every device hears everything. `quiet`: what comes of that
        nobody can see before the device tells it.
        """
        self.devices.append(device)
        self._quiet = quiet

    def send(self, data: bytes, after_us: int = 0) -> None:
        """The device sends `data`, starting `after_us` from now (or when its last bytes are out)."""
        if not self.plugged:
            return
        at_us = max(self.clock.now_us + after_us, self._device_busy_until_us)
        for byte in self._as_heard(data):
            at_us += self._byte_us(self.settings)
            self._arriving.append((at_us, byte))
        self._device_busy_until_us = at_us
        self.clock.after(at_us - self.clock.now_us, lambda: None)  # a moment at which the host may find something

    # -- the host's face

    def open(self, settings: SerialSettings) -> "HostPort":
        """Open the host's end. Raises SerialException while the adapter is pulled."""
        if not self.plugged:
            raise SerialException(2, "could not open port: no such device")
        self._host_settings = settings
        self._generation += 1
        self._arriving.clear()
        return HostPort(self, self._generation)

    def host_sends(self, data: bytes) -> None:
        start_us = max(self.clock.now_us, self._host_busy_until_us)
        self._host_busy_until_us = start_us + len(data) * self._byte_us(self._host_settings)
        self.sent_by_host += len(data)
        heard = self._as_heard(data)
        self.clock.after(
            self._host_busy_until_us - self.clock.now_us, lambda: self._deliver(heard), quiet=self._quiet
        )

    def host_reads(self, size: int) -> bytes:
        return bytes(self._arriving.popleft()[1] for _ in range(min(size, self.host_has())))

    def host_has(self) -> int:
        if not self._arriving:
            return 0
        return sum(1 for at_us, _ in self._arriving if at_us <= self.clock.now_us)

    def alive(self, generation: int) -> bool:
        return self.plugged and generation == self._generation

    def _deliver(self, data: bytes) -> None:
        if self.plugged:
            for device in self.devices:
                device.receive(data)

    def _as_heard(self, data: bytes) -> bytes:
        if self.noisy or self._host_settings != self.settings:
            return bytes((byte * 0x6D + 0x35) & 0xFF | 0x80 for byte in data)
        return data

    @staticmethod
    def _byte_us(settings: SerialSettings) -> int:
        bits = 1 + settings.bytesize + (settings.parity != "N") + settings.stopbits
        return bits * 1_000_000 // settings.baudrate


class HostPort:
    """The host's end of a virtual line: a `serial.Serial` that never waits."""

    def __init__(self, line: VirtualLine, generation: int) -> None:
        self._line = line
        self._generation = generation
        self.is_open = True

    @property
    def in_waiting(self) -> int:
        line = self._line
        if not line.plugged or self._generation != line._generation:
            raise OSError(5, "Input/output error")
        return line.host_has() if line._arriving else 0

    def read(self, size: int = 1) -> bytes:
        self._check()
        return self._line.host_reads(size)

    def write(self, data: bytes) -> int:
        self._check()
        self._line.host_sends(bytes(data))
        return len(data)

    def reset_input_buffer(self) -> None:
        if not self._line.alive(self._generation):
            raise termios.error(5, "Input/output error")
        self._line.host_reads(self._line.host_has())

    def close(self) -> None:
        self.is_open = False

    def _check(self) -> None:
        if not self.is_open or not self._line.alive(self._generation):
            raise SerialException("device reports readiness to read but returned no data (device disconnected?)")
