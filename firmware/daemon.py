"""The daemon: one scan after another at a fixed pace, with telemetry and housekeeping behind each.

`step` is one round, and knows nothing of sleep or threads: the real loop and the virtual hall call the same. The
watchdog is fed at the end of a completed round, so whatever hangs in it ends in a restart.
"""

import datetime
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from firmware.api import payloads
from firmware.api.views import ABOUT
from firmware.codec import data_of, label
from firmware.config import Config
from firmware.controller import Controller
from firmware.core import facts
from firmware.core.inputs import ClockLost, ClockStepped, ClockSynced, MinuteStruck
from firmware.ledger import Told
from firmware.telemetry import Telemetry
from hal.clock import Clock, Millis, WallClock
from hal.seen import NOTHING_MOVED
from hal.seen import SCAN_MS as SCAN_MS
from services.mqtt import Message, Transport
from services.outbox import Cursor, Outbox

log = logging.getLogger(__name__)

CLOCK_LOOK_MS: Millis = 1_000
RETIRE_MS: Millis = 3_600_000
STEPPED_MS: Millis = 2_000
"""A wall clock that leaves the monotonic one by more was set, not disciplined."""
ON_RESERVE = "the disk is full: what is written goes into the space that was put aside"


class Daemon:
    """A hall that runs."""

    def __init__(self, config: Config, clock: Clock, wall: WallClock, controller: Controller) -> None:
        self.config = config
        self.controller = controller
        self.telemetry: Telemetry | None = None
        self.scan_us: deque[int] = deque(maxlen=1_000)
        self.watch: Callable[[Millis], None] = lambda now: None
        """Called with the daemon's time at the end of each round; it looks, and changes nothing."""
        self.stopwatch_ns: Callable[[], int] = time.perf_counter_ns
        """Measures scans, and decides nothing."""
        self._clock = clock
        self._wall = wall
        self._stepped: Millis = -1
        """When the last scan began."""
        self._second = -1
        """The last one in which the wall clock was looked at."""
        self._drivers = controller.panel.devices.all
        self._retire_at: Millis = RETIRE_MS
        self._offset_ms: int | None = None
        self._synced = False
        self._minute: tuple[str, int] | None = None
        self._health: Mapping[str, str] = {}
        self._occupancy: Mapping[str, Any] = {}
        controller.today = self.today
        controller.narrate = narrate

    def attach(self, transport: Transport, outbox: Outbox, root: str, version: str) -> None:
        """Give the hall its line to the central server."""
        self.telemetry = Telemetry(
            transport=transport, outbox=outbox, journal=self.controller.ledger.journal, root=root, version=version,
            time=self.label, occupancy=self.occupancy, health=self.health,
        )  # fmt: skip
        self.telemetry.start()

    def telemetry_will(self) -> Message:
        """The last will, as of now."""
        assert self.telemetry is not None
        return self.telemetry.status(online=False, reason="lost")

    # -- one round

    def step(self) -> None:
        """One scan, then what trails it."""
        begun_ns = self.stopwatch_ns()
        now = self._clock.now()
        if now // CLOCK_LOOK_MS != self._second:
            self._second = now // CLOCK_LOOK_MS
            self._look_at_clock(now)
        self._stepped = now
        self.controller.scan()
        now = self._clock.now()
        if self.telemetry is not None:
            occupancy, health = self.controller.occupancy, self.controller.panel.health
            if occupancy is not self._occupancy or health is not self._health:
                if occupancy != self._occupancy or health != self._health:
                    self.telemetry.changed(now)
                self._occupancy, self._health = occupancy, health
            self.telemetry.step(now)
        due = self.controller.ledger.due(now)
        if due is not None and now >= due:
            self.controller.ledger.checkpoint(self.controller.hall, self.cursor, now)
        if now >= self._retire_at:
            self._retire_at = now + RETIRE_MS
            self.controller.ledger.retire(self.cursor.delivered, self.config.storage.keep)
        self.watch(now)
        self.scan_us.append((self.stopwatch_ns() - begun_ns) // 1000)

    def idle_until(self, moved: Mapping[str, Millis]) -> Millis:
        """When a round next does more than look at unchanged wires.

        `moved`: when devices last moved, by their names; see `hal.seen.Driver.due`.
        """
        now = self._stepped
        moments = [self.controller.idle_until, self.controller.ledger.due(now), self._retire_at]
        if self.config.hours:
            moments.append((now // CLOCK_LOOK_MS + 1) * CLOCK_LOOK_MS)
        if self.telemetry is not None:
            moments.append(self.telemetry.due(now))
        idle = min(moment for moment in moments if moment is not None)
        for name, driver in self._drivers:
            if idle <= now:
                break
            idle = min(idle, driver.due(now, moved.get(name, NOTHING_MOVED)))
        return idle

    def passed_over(self, last: Millis) -> None:
        """Rounds were left out, up to one at `last`: what could have been seen of the wall clock then is known."""
        self._second = max(self._second, last // CLOCK_LOOK_MS)

    def _look_at_clock(self, now: Millis) -> None:
        """Once in each second: has the clock found its source, was it set, has a minute begun?"""
        wall = self._wall.read()
        offset_ms = wall.utc_ms - now
        if self._offset_ms is not None and abs(offset_ms - self._offset_ms) > STEPPED_MS:
            self.controller.happen(ClockStepped(offset_ms - self._offset_ms))
        self._offset_ms = offset_ms
        if wall.synced and not self._synced:
            self.controller.happen(ClockSynced())
        elif self._synced and not wall.synced:
            self.controller.happen(ClockLost())
        self._synced = wall.synced
        if wall.synced and self.config.hours:
            moment = self._local(wall.utc_ms)
            minute = (moment.date().isoformat(), moment.hour * 60 + moment.minute)
            if minute != self._minute:
                self._minute = minute
                self.controller.happen(MinuteStruck(*minute))

    # -- what is known

    def _local(self, utc_ms: int) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(utc_ms / 1000, self.config.offset)

    def label(self) -> str:
        """This moment, as a label."""
        return label(self._wall.read().utc_ms, self.config.offset)

    def today(self) -> str:
        """The site's calendar day; empty while the wall clock is not trusted."""
        wall = self._wall.read()
        return self._local(wall.utc_ms).date().isoformat() if wall.synced else ""

    @property
    def cursor(self) -> Cursor:
        return self.telemetry.outbox.cursor if self.telemetry else Cursor()

    def occupancy(self) -> Mapping[str, Any]:
        """The payload of `occupancy`: what is certain, never what a commit under way may yet undo."""
        return {**self.controller.occupancy, "time": self.label()}

    def health(self) -> Mapping[str, Any]:
        """The payload of `health`."""
        ledger, telemetry = self.controller.ledger, self.telemetry
        now = self._clock.now()
        backlog = telemetry.outbox.backlog(now) if telemetry else None
        extra: dict[str, Any] = {}
        details = {name: self.controller.panel.detail(name) for name, health in self.controller.panel.health.items()
                   if health != "ok"}  # fmt: skip
        if details:
            extra["details"] = details
        if telemetry and telemetry.outbox.refused_acks:
            extra["acks_refused"] = dict(telemetry.outbox.refused_acks)
        if telemetry and telemetry.outbox.trouble:
            extra["outbox"] = telemetry.outbox.trouble
        if self.controller.dropped:
            extra["inputs_dropped"] = self.controller.dropped
        return payloads.health(
            self.controller.hall,
            devices={name: health.value for name, health in self.controller.panel.health.items()},
            backlog={
                "unsent": backlog.unsent if backlog else 0,
                "unacked": backlog.unacked if backlog else 0,
                "oldest_s": backlog.oldest_s if backlog else 0,
            },
            disk={
                "health": "refused" if ledger.dead or ledger.on_reserve else "ok",
                "trouble": ledger.trouble or (ON_RESERVE if ledger.on_reserve else ""),
                "waiting": ledger.waiting,
                "lost": ledger.lost,
            },
            broker="ok" if telemetry and telemetry.connected else "gone",
            clock="synced" if self._synced else "unsynced",
            delivery=self.config.mqtt.delivery,
            scan_p99_us=p99(self.scan_us),
            commit_p99_us=p99(ledger.commit_ms) * 1000,
            extra=extra,
            simulated=ledger.journal.origin.simulated,
            time=self.label(),
        )

    # -- the loop of the real world

    def run(self, stopped: Callable[[], bool], alive: Callable[[], object]) -> None:
        """Rounds on the grid of the clock until `stopped`; `alive` is called after each, and feeds the watchdog."""
        while not stopped():
            self.step()
            alive()
            time.sleep((SCAN_MS - self._clock.now() % SCAN_MS) / 1000)

    def stop(self) -> None:
        """Finish in good order: the last commit, the checkpoint, a word to the broker, everything at rest."""
        self.controller.stop(self.cursor)
        if self.telemetry is not None:
            self.telemetry.stop("stopped")

    def abandon(self) -> None:
        """After a fault in a round: everything at rest, and nothing saved. The journal knows what is true."""
        self.controller.abandon()
        if self.telemetry is not None:
            self.telemetry.stop("lost")


def narrate(told: Sequence[Told]) -> None:
    """For the log: what a technician or guard would want to find there. Each device is told once down and once up."""
    for one in told:
        match one.fact:
            case facts.DeviceFell(device=device, health=health, detail=detail):
                log.warning("%s: %s: %s", device, health, detail)
            case facts.DeviceRose(device=device):
                log.info("%s: ok again", device)
            case facts.TaskRaised(task=task, reason=reason):
                log.warning("task %s: %s %s", task, reason, {k: v for k, v in data_of(one.fact).items() if k in ABOUT})
            case facts.EmergencyRaised() | facts.EmergencyReset() | facts.StorageDegraded() | facts.StorageRestored():
                log.warning("%s %s", one.fact.type_name(), data_of(one.fact))
            case _:
                pass


def p99(values: "deque[int]") -> int:
    """The value that 99 in 100 do not exceed; 0 of none."""
    return sorted(values)[int(len(values) * 0.99)] if values else 0
