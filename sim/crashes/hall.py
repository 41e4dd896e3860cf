"""The hall in which crash stories are played: one machine with its judge, who is in it, and time.

Time passes only when somebody waits, scan by scan. Whoever waits for a program that dies meanwhile is told by `Died`.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from firmware.config import Config
from firmware.core.state import Hall
from firmware.daemon import Daemon
from hal.clock import Millis
from services.requests import Answer, Request
from sim.clock import VirtualClock
from sim.crashes.effects import Effects
from sim.crashes.site import crash_site
from sim.disk import Crash, VirtualDisk
from sim.hall import VirtualHall
from sim.invariants import INVARIANTS
from sim.judge import Invariant, Judge, Scene
from sim.machine import Listener, Machine
from sim.other_faults import OtherFaults
from sim.pace import Pace

FLUSH_US = 50_000
"""A tired card: while it writes, the daemon scans."""
RETURNS_MS: Mapping[str, Millis] = {"kill": 2_000, "power": 20_000}
"""How long it takes until the daemon is started again."""
PATIENCE_MS: Millis = 15_000
SETTLED_MS: Millis = 1_100
"""After its start the daemon takes no card that lies on a reader for a tap; nobody is so quick."""


class Died(Exception):
    """The daemon is no more; whoever was about to do something with it has to begin again later."""


class Stuck(AssertionError):
    """What somebody waited for did not come."""


@dataclass
class Family:
    """One party of visitors, as the world knows it."""

    name: str
    number: str
    """Printed on its card; empty while it has none."""
    uid: str
    walkers: int = 1
    visit: str = ""
    inside: int = 0
    locker: int = 0
    """Where its bag lies; 0: it has it in hands."""
    going_out: bool = False
    """It has been inside, and takes its things home."""


@dataclass
class CrashHall(Listener):
    """One machine and its people."""

    config: Config = field(default_factory=crash_site)
    invariants: Sequence[type[Invariant]] = INVARIANTS

    def __post_init__(self) -> None:
        self.clock = VirtualClock()
        self.world = VirtualHall(self.config, self.clock, 1)
        disk = VirtualDisk(self.clock, flush_us=FLUSH_US)
        self.machine = Machine(self.config, self.world, seed=1, disk=disk)
        self.world.other_faults = OtherFaults(self.machine).put
        self.effects = Effects(self.machine)
        self.looks: list[Callable[[], None]] = []
        """Called after each scan."""
        self.hears: list[Callable[[str], None]] = []
        """Told each physical change."""
        self.families: dict[str, Family] = {}
        self.memory: dict[str, Any] = {}
        """What those who are in the midst of an action remember of it; nothing at its beginning."""
        self.answered: list[tuple[str, Mapping[str, Any], Answer]] = []
        """Every request that was answered, and how."""
        self.crash: Callable[[], None] = self.machine.kill
        """What a crash does to the machine."""
        self.machine.on_crash = lambda: self.crash()
        self.machine.listeners.append(self)
        self.world.on_change = self._changed
        self.judge = Judge(Scene(self.machine, seed=1), self.invariants)
        self.pace = Pace(self.machine, self._look, wake=self.judge.next_us)
        self.spare = list(self.world.stock)
        """Printed number and UID of the cards that nobody has."""

    # -- hearing

    def asked(self, request: Request) -> None:
        def answered(future: Future[Answer]) -> None:
            self.answered.append((request.action, request.args, future.result()))

        request.future.add_done_callback(answered)

    def _changed(self, what: str) -> None:
        self.pace.moved(what)
        self.judge.changed(what)
        for hear in self.hears:
            hear(what)

    def _look(self) -> None:
        self.judge.stepped()
        for look in self.looks:
            look()

    # -- time

    @property
    def daemon(self) -> Daemon:
        """The running one. Raises Died."""
        if self.machine.daemon is None:
            raise Died
        return self.machine.daemon

    @property
    def hall(self) -> Hall:
        """What the program believes, and whoever asks it to show is told."""
        return self.daemon.controller.hall

    def round(self) -> None:
        """One scan, and the time to the next. Raises Died."""
        try:
            self.pace.round()
        except Crash:  # not in the scan, but where a hand moved something
            self.machine.on_crash()
        if self.machine.daemon is None:
            raise Died

    def until(self, holds: Callable[[], bool], what: str, within_ms: Millis = PATIENCE_MS) -> None:
        """Wait for something. Raises Stuck when it does not come, Died."""
        if not self.waited(holds, within_ms):
            raise Stuck(f"waited {within_ms / 1000:g} s in vain: {what}")

    def waited(self, holds: Callable[[], bool], within_ms: Millis) -> bool:
        """Wait for something, so long at most; whether it came. Raises Died."""
        end_us = self.clock.now_us + within_ms * 1000
        bell = self.clock.after(within_ms * 1000, lambda: None)
        while not holds():
            if self.clock.now_us >= end_us:
                return False
            self.round()
        bell.cancel()
        return True

    def run(self, ms: Millis) -> None:
        """Let so much time pass. Raises Died."""
        self.waited(lambda: False, ms)

    def hand(self, act: Callable[[], None]) -> None:
        """Do something with one's hands; the program may die of it. Raises Died."""
        try:
            act()
        except Crash:
            self.machine.on_crash()
        if self.machine.daemon is None:
            raise Died

    # -- starting

    def start(self) -> None:
        """Start the daemon and let it come to rest: booted, connected, everything told to the central server."""
        self.machine.start()
        begun_us = self.clock.now_us
        self.until(self.at_rest, "the hall comes to rest after a start")
        left_ms = SETTLED_MS - (self.clock.now_us - begun_us) // 1000
        if left_ms > 0:
            self.run(left_ms)
        self.until(self.at_rest, "the hall comes to rest")

    def stop(self) -> None:
        """End the daemon in good order, and start it again."""
        self.machine.stop()
        self.start()

    def come_back(self, how: str) -> None:
        """The world goes on without a program, until that is started again."""
        self.clock.advance_to(self.clock.now_us + RETURNS_MS[how] * 1000)
        self.start()

    def at_rest(self) -> bool:
        """Nothing is under way, and the central server has all that is durable."""
        controller, telemetry = self.daemon.controller, self.daemon.telemetry
        ledger = controller.ledger
        if ledger.busy or controller._waiting or controller._putting or not controller._moved:
            return False
        if controller._held or telemetry is None or not telemetry.connected:
            return False
        return self.machine.receiver.stored == ledger.journal.last_seq and not ledger.journal.broken

    # -- asking

    def ask(self, action: str, actor: str = "officer-1", **args: Any) -> Answer:
        """An officer's action and its answer. Raises Died when nobody answers any more."""
        self.pace.rouse()
        future = self.machine.ask(action, args, actor)
        self.until(future.done, f"an answer to {action}")
        answer = future.result()
        if not answer["ok"] and answer["error"]["code"] == "no_answer":
            raise Died
        return answer

    def must(self, action: str, **args: Any) -> Mapping[str, Any]:
        """The result of what has to be done."""
        answer = self.ask(action, **args)
        assert answer["ok"], (action, args, answer)
        result: Mapping[str, Any] = answer["result"]
        return result

    def family(self, name: str) -> Family:
        return self.families[name]

    def owned(self, family: Family) -> int:
        """The number of the locker that the program says is theirs; 0: none."""
        return next((locker.locker for locker in self.hall.lockers_of(family.visit)), 0)
