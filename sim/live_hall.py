"""A live virtual hall: the daemon as it ships, on virtual hardware, in real time or faster.

One thread owns the hall. It lets 20 ms of hall time pass in 20 / speed ms of real time, and in each: does what was
asked over HTTP, keeps the world, runs one round of the daemon, lets things happen. A machine that is too slow makes
hall time slower; nothing is skipped. Disk, broker and network are real, and have their own threads; only here does
anything sleep.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from firmware.api.feed import Feed
from firmware.codec import data_of, label
from firmware.config import Config
from firmware.daemon import SCAN_MS, Daemon
from firmware.ledger import Told
from services.calls import Calls
from services.mqtt import MqttSettings
from services.requests import Answer, Request, RequestQueue
from sim import live_clock, world_file
from sim.books import books
from sim.clock import VirtualClock
from sim.hall import VirtualHall
from sim.live_machine import LiveMachine
from sim.live_receiver import Central
from sim.people.live import LivePeople
from sim.sights import sights
from sim.world_file import HallRecord, Keeper, WorldRecord

SCAN_US = SCAN_MS * 1000
SLICE_S = 0.02
"""Whoever asks something between two slow scans waits no longer than this."""
DISK_LOOK_S = 0.0002
KEEP_S = 1.0
"""World and its time are written so often even when nothing moves."""
WARM_UP_SCANS = 100
"""After a start, until every device has been asked."""
PREPARE_S = 30.0
STOP_S = 3.0
TOLD_MOST = 200
ACTOR = "sim"


class LiveHall:
    """A hall that runs in a folder. Everything but `calls` and the daemon's requests belongs to one thread."""

    def __init__(
        self, config: Config, folder: Path, *, mqtt: MqttSettings | None, seed: int = 1, speed: float = 1.0
    ) -> None:
        """Goes on where the folder's hall stopped. Raises what `assemble` raises, WorldFileError, OSError."""
        self.speed = speed
        self.calls = Calls()
        self.told: deque[Mapping[str, Any]] = deque(maxlen=TOLD_MOST)
        """The last facts: `seq`, `time`, `type` and `data` of each."""
        self.on_told: Callable[..., None] = lambda *lines: None
        """Hears of the same, a line each for people to read."""
        self.on_power: Callable[[], None] = lambda: None
        """Told when the power has failed."""
        self.central: Central | None = None
        """The desk's own central server, where there is one."""
        self._config = config
        found = world_file.load(folder / world_file.NAME)
        self._clock = VirtualClock()
        self.hall = VirtualHall(config, self._clock, seed)
        self._wall = live_clock.LiveWallClock(
            self._clock, max(time.time_ns() // 1_000_000, found.wall_utc_ms if found else 0)
        )
        self._prepared = found.prepared if found else (folder / "journal").is_dir()
        self._feed: Feed | None = None
        self.people: LivePeople | None = None
        self._keep_at = 0.0
        self.keeper = Keeper(folder / world_file.NAME, self._record)
        self.hall.on_change = self.keeper.mark
        self.machine = LiveMachine(config, folder, self.hall, self._wall, self.keeper, mqtt, seed)
        self.hall.other_faults = self.machine.fault
        if found is not None:
            self.hall.restore(found.hall.model_dump())
        self.machine.start()
        self._attend()

    def _attend(self) -> None:
        """Listen to the daemon that runs now."""
        self.daemon.controller.tell = self._tell
        if self._feed is not None:
            self.show(self._feed)

    @property
    def daemon(self) -> Daemon:
        """The one that runs, or ran last."""
        return self.machine.daemon

    @property
    def requests(self) -> RequestQueue:
        """What is asked of whichever daemon runs."""
        return self.machine.requests

    def show(self, feed: Feed) -> None:
        """Let the pages see the hall, whichever daemon runs it."""
        self._feed = feed
        feed.watch(self.daemon.controller)
        self.daemon.watch = feed.look

    # -- the hands beyond the hall

    @property
    def faults(self) -> dict[str, Sequence[str]]:
        """Everything that can be in trouble, and with what."""
        return {**self.hall.fault_names(), **self.machine.faults}

    def power(self, on: bool) -> None:
        """Cut the power of the computer and all that hangs on it, or give it back. Raises what a start raises."""
        if on and not self.machine.on:
            self.machine.start()
            self._attend()
        elif not on and self.machine.on:
            self.machine.cut()
            if self.people is not None:
                self.people.cut_off()
            self.on_power()

    # -- what is known

    def carried(self, lane: str, direction: str) -> int:
        """How many infants the next through the arm carries, of the party that it is free for: the first takes them in,
        the last takes them out, as the controller counts them."""
        hall = self.daemon.controller.hall
        grants = hall.lanes[lane].grants if self.machine.on and lane in hall.lanes else []
        grant = next((one for one in grants if one.direction == direction), None)
        visit = hall.visits.get(grant.visit) if grant else None
        if grant is None or visit is None:
            return 0
        before = sum(way == direction for way, _ in self.hall.arms[lane].waiting)
        if direction == "in":
            return 0 if grant.passed or before else grant.carried
        return visit.carried_inside if visit.inside - before == 1 else 0

    def world(self) -> dict[str, Any]:
        """Everything that can be seen, with the hall's time; kept first, so that no restart knows an earlier one."""
        self.keeper.write()
        return {
            **self.hall.world(),
            "people": self.people.seen() if self.people else [],
            "time": label(self._wall.read().utc_ms, self._config.offset),
            "speed": self.speed,
            "power": self.machine.on,
            **sights(self.hall),
        }

    def books(self) -> dict[str, Any]:
        """What the daemon knows of queue, visits and tasks."""
        return books(self.daemon)

    def arrived(self, after: int) -> dict[str, Any]:
        """Events beyond `after` as they reach the central server; without one of our own, as they become durable."""
        if self.central is not None:
            return {"source": "central", **self.central.seen(after)}
        told = [one for one in self.told if one["seq"] > after]
        return {"source": "daemon", "stored": self.told[-1]["seq"] if self.told else 0, "status": {}, "events": told}

    def notices(self, locker: int) -> bool:
        """Whether the daemon has seen how a locker stands now; there is nothing to see of one that is not."""
        real, believed = self.hall.lockers.get(locker), self.daemon.controller.hall.lockers.get(locker)
        if real is None or believed is None or not self.machine.on:
            return True
        return believed.door == real.door and believed.content in (None, real.content)

    def _record(self) -> WorldRecord:
        return WorldRecord(
            format=world_file.FORMAT, wall_utc_ms=self._wall.true_ms, prepared=self._prepared,
            hall=HallRecord.model_validate(self.hall.snapshot()),
        )  # fmt: skip

    def _tell(self, told: Sequence[Told]) -> None:
        wall, now = self._wall.read(), self.daemon.controller.now
        lines = []
        first = self.daemon.controller.ledger.journal.last_seq - len(told) + 1
        for seq, one in enumerate(told, first):
            time_label = label(wall.utc_ms - (now - one.at), self._config.offset)
            kind, data = one.fact.type_name(), data_of(one.fact)
            self.told.append({"seq": seq, "time": time_label, "type": kind, "data": data})
            lines.append(" ".join([time_label, kind, *(f"{name}={value}" for name, value in data.items())]))
        if self.people is not None:
            self.people.told([one.fact for one in told])
        self.on_told(*lines)

    # -- running

    def round(self) -> None:
        """One scan's worth of hall time."""
        self.calls.serve()
        self.keeper.keep()
        if self.machine.on:
            self.daemon.step()
        else:
            self.machine.requests.lose("the power is off; nothing was done")
        if self.people is not None:
            self.people.look()
        self._clock.advance_to((self._clock.now_us // SCAN_US + 1) * SCAN_US)
        if self._feed is not None and self.machine.on:
            self._feed.pause()
        self._await_disk()

    def _await_disk(self) -> None:
        """The disk is real and no faster than ever: while it works a scan takes its real time, so that a fast hall
        does not see a slow disk. A stall that is a fault passes in hall time."""
        until = time.monotonic() + SCAN_MS / 1000
        while self.machine.writing and time.monotonic() < until:
            time.sleep(DISK_LOOK_S)

    def prepare(self) -> None:
        """As fast as it goes: until every device has been asked; on a fresh state also enrol the cards and open."""
        for _ in range(WARM_UP_SCANS):
            self.round()
        if self._prepared:
            return
        asked = [Request("enrol", {"number": number, "uid": uid}, ACTOR) for number, uid in self.hall.stock]
        for request in [*asked, Request("open", {}, ACTOR)]:
            while not self.requests.put(request):
                self._breathe()
            asked.append(request)
        until = time.monotonic() + PREPARE_S
        while not all(request.future.done() for request in asked) and time.monotonic() < until:
            self._breathe()
        self._prepared = all(request.future.done() for request in asked)
        self.keeper.write()

    def invite(self, day: int | None, seed: int) -> None:
        """Let visitors come by themselves, so many in a day of eight hours; None: as many as it takes to have something
        to see. Raises LookupError where none could."""
        controller = self.daemon.controller
        self.people = LivePeople(
            self.hall, self.ask, controller.hall, controller.panel.card_hash, seed=seed, day=day
        )

    def _breathe(self) -> None:
        self.round()
        time.sleep(DISK_LOOK_S)

    def run(self, stopped: Callable[[], bool], between: Callable[[], None] = lambda: None) -> None:
        """At the hall's pace, until `stopped`. `between` is called after each round."""
        begun = time.monotonic()
        while not stopped():
            self.round()
            between()
            now = time.monotonic()
            if now >= self._keep_at:
                self._keep_at = now + KEEP_S
                self.keeper.write()
            self._rest(begun, stopped)
            # A round that came late is made up for only while it is one of a few: otherwise hall time goes slower.
            begun = max(begun + self._scan_s, time.monotonic() - SLICE_S)

    @property
    def _scan_s(self) -> float:
        return SCAN_MS / 1000 / self.speed

    def _rest(self, begun: float, stopped: Callable[[], bool]) -> None:
        time.sleep(0)  # the others in this process have to breathe, however late we are
        while (left_s := begun + self._scan_s - time.monotonic()) > 0 and not stopped():
            time.sleep(min(left_s, SLICE_S))
            self.calls.serve()

    def ask(self, action: str, args: Mapping[str, Any], actor: str) -> "Future[Answer]":
        """What `besuk desk` does, from the hall's own thread."""
        request = Request(action, args, actor)
        if not self.requests.put(request):
            request.answer({"ok": False, "error": {"code": "busy", "message": "too much is being asked at once"}})
        return request.future

    def stop(self) -> None:
        """Let what is under way become durable, say good-bye to the broker, keep the world."""
        self.machine.end_stall()
        until = time.monotonic() + STOP_S
        while self.machine.on and self.daemon.controller.ledger.busy and time.monotonic() < until:
            self._breathe()
        self.machine.stop()
        self.keeper.write()
