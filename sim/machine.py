"""The Pi of a virtual hall, with its power switch: what lives and dies with the process, and what outlives it.

Hall, disk, wall clock and broker are there whatever becomes of the daemon. A kill takes the process and leaves the page
cache; a power cut takes that too, darkens the readers, and forgets the marker in memory. The service manager starts the
daemon again a moment later, and also after a round that hangs for longer than its watchdog allows. Whoever had asked
something of a daemon that died is told that nobody knows.
"""

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Literal

from firmware.boot import assemble, broker_settings
from firmware.config import Config
from firmware.daemon import Daemon
from firmware.ledger import Told
from hal.clock import Millis
from services.mqtt import Message, MqttSettings, Transport
from services.requests import Answer, Request, refusal
from sim.broker import VirtualBroker, VirtualTransport
from sim.clock import VirtualWallClock
from sim.disk import Crash, VirtualDisk, VirtualWriter
from sim.hall import VirtualHall
from sim.mfrc522 import Mfrc522
from sim.receiver import Receiver, receive_in_virtual_time, subscriptions
from sim.world import Remembered, VirtualWorld

MORNING_UTC_MS = 1_767_571_200_000
"""2026-01-05T00:00:00Z, 08:00 in Makassar, a Monday."""
RESTART_MS: Millis = 2_000
"""systemd's pause before it starts a daemon that died (RestartSec)."""
WATCHDOG_MS: Millis = 12_000
"""systemd's patience with a daemon that gives no sign of life (WatchdogSec)."""
BOOT_MS: Millis = 20_000
"""From the power's return to the daemon's start."""

End = Literal["kill", "power", "stop"]


class Listener:
    """Base of whoever hears what becomes of the daemon."""

    def told(self, told: Sequence[Told]) -> None:
        """These facts became durable."""

    def asked(self, request: Request) -> None:
        """Somebody asks the daemon for something."""

    def started(self) -> None:
        """A daemon was assembled; its first scan comes next."""

    def hangs(self) -> None:
        """The daemon's loop is about to stand still."""

    def stopped(self, how: End) -> None:
        """The daemon is no more."""


class Machine:
    """One Pi. `on_told` hears facts that became durable; `listeners` hear of starts and ends as well."""

    def __init__(
        self, config: Config, hall: VirtualHall, *, seed: int = 1, start_utc_ms: int = MORNING_UTC_MS,
        disk: VirtualDisk | None = None,
    ) -> None:  # fmt: skip
        """Assembled, not started."""
        self.config = config
        self.hall = hall
        self.seed = seed
        self.clock = hall.clock
        self.wall = VirtualWallClock(self.clock, start_utc_ms)
        self.disk = disk or VirtualDisk(self.clock)
        self.broker = VirtualBroker(self.clock, random.Random(f"broker {seed}"))
        root = f"besuk/v1/{config.site}/{config.hall}/"
        central = self.broker.transport("central", subscriptions(root))
        self.receiver = Receiver(central, root)
        receive_in_virtual_time(self.receiver, central, self.clock)
        self.marker = Remembered()
        self.daemon: Daemon | None = None
        self.starts = 0
        self.started_us = 0
        """When the present daemon's own clock began."""
        self.unstartable = ""
        """Why the last start came to nothing; empty when it did not."""
        self.listeners: list[Listener] = []
        self.witnesses: dict[type[Any], Any] = {}
        """Who keeps a book of what happens here, one of a kind: judges share it, and it ends with the machine."""
        self.on_crash: Callable[[], None] = self.kill
        """What becomes of the machine when its disk stops everything at a step (`disk.crash_at`)."""
        self.world_of: Callable[[VirtualWorld], VirtualWorld] = lambda world: world
        """Lets a run put something between the daemon and its world."""
        self._line: VirtualTransport | None = None
        self._open: deque[Request] = deque()
        self.hung_until_us = 0
        """Until when the daemon's loop stands still, or stood."""

    # -- life

    def start(self) -> None:
        """Assemble the daemon over what disk and hall are now. One that cannot start is tried again, as systemd does.

        Raises what no restart would cure.
        """
        assert self.daemon is None, "one daemon at a time"
        self.starts += 1
        world = self.world_of(VirtualWorld(
            self.hall, self.wall, self.disk, VirtualWriter(self.clock, self.disk), VirtualWriter(self.clock, self.disk),
            self._transport, self.seed, emergency=self.marker,
        ))  # fmt: skip
        self.started_us = self.clock.now_us
        self.hung_until_us = 0
        try:
            daemon = assemble(self.config, world, broker_settings(self.config))
        except OSError as error:
            self.unstartable = error.strerror or str(error)
            self._end("kill")
            self.start_after(RESTART_MS)
            return
        except Crash:
            self.on_crash()
            return
        self.unstartable = ""
        self.daemon = daemon
        daemon.stopwatch_ns = lambda: self.clock.now_us * 1000
        daemon.controller.tell = self._told
        for listener in self.listeners:
            listener.started()

    def start_after(self, ms: Millis) -> None:
        """Start the daemon so much later, unless somebody did before."""
        self.clock.after(ms * 1000, lambda: self.start() if self.daemon is None else None)

    def kill(self, again_ms: Millis | None = None) -> None:
        """SIGKILL: the process is gone, the page cache stays. `again_ms`: when it is started again."""
        self.disk.kill()
        self._end("kill")
        if again_ms is not None:
            self.start_after(again_ms)

    def cut_power(self, rng: random.Random, again_ms: Millis | None = None) -> None:
        """The power fails: `rng` says what the medium keeps of what was not flushed."""
        self.disk.power_cut(rng)
        self.marker.clear()
        self._end("power")
        for reader in self.hall.readers.values():
            if isinstance(reader, Mfrc522):
                reader.lose_power()
        if again_ms is not None:
            self.start_after(again_ms)

    def stop(self) -> None:
        """SIGTERM: the daemon ends in good order."""
        assert self.daemon is not None
        self.daemon.stop()
        self._end("stop")

    def hang(self, ms: Millis) -> None:
        """The daemon's loop stands still for so long, in a driver or in the kernel; or until the watchdog bites."""
        for listener in self.listeners:
            listener.hangs()
        self.hung_until_us = self.clock.now_us + ms * 1000
        starts = self.starts

        def bite() -> None:
            if self.daemon is not None and self.starts == starts and self.hung:
                self.kill(RESTART_MS)

        self.clock.after(min(ms, WATCHDOG_MS) * 1000, bite)

    @property
    def hung(self) -> bool:
        return self.clock.now_us < self.hung_until_us

    def step(self) -> bool:
        """One scan of the daemon; False when it is down or hangs. Raises what the daemon raises."""
        if self.daemon is None or self.hung:
            return False
        try:
            self.daemon.step()
        except Crash:
            self.on_crash()
        return True

    # -- what is asked

    def ask(self, action: str, args: Mapping[str, Any], actor: str) -> "Future[Answer]":
        """As `besuk desk` does."""
        request = Request(action, args, actor)
        if self.daemon is None:
            request.answer(refusal("no_answer", "nobody listens: is the daemon running?"))
            return request.future
        for listener in self.listeners:
            listener.asked(request)
        while self._open and self._open[0].future.done():
            self._open.popleft()
        if self.daemon.controller.requests.put(request):
            self._open.append(request)
        else:
            request.answer(refusal("busy", "too much is being asked at once; try again"))
        return request.future

    # -- within

    def _end(self, how: End) -> None:
        self.daemon = None
        self.hung_until_us = 0
        if self._line is not None:
            self._line.die(silently=how == "power")
            self._line = None
        self.hall.daemon_died()
        while self._open:
            request = self._open.popleft()
            if not request.future.done():
                request.answer(refusal("no_answer", "the daemon died; it may have been done"))
        for listener in self.listeners:
            listener.stopped(how)

    def _told(self, told: Sequence[Told]) -> None:
        for listener in self.listeners:
            listener.told(told)

    def _transport(self, settings: MqttSettings, will: Callable[[], Message]) -> Transport:
        self._line = self.broker.transport(settings.client_id, settings.subscriptions, will)
        return self._line
