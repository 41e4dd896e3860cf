"""The hall in which crash stories are played: small, busy, and at a moment at which everything may happen next.

Whoever acts here goes on after a crash as people do: they look at doors, arm and sign, ask what became of what they
had asked, and do what is still missing. So each action is written as "until it is so": played again after a crash, it
goes on where the world stands.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from firmware.config import Config
from firmware.core.state import Hall, Visit
from firmware.daemon import Daemon
from hal.clock import Millis
from services.requests import Answer, Request
from sim.clock import VirtualClock
from sim.disk import Crash, VirtualDisk
from sim.effects import Effects
from sim.hall import VirtualHall
from sim.invariants import INVARIANTS
from sim.judge import Invariant, Judge, Scene
from sim.machine import Listener, Machine
from sim.other_faults import OtherFaults
from sim.pace import Pace

SITE = """
site: rutan-contoh
hall: kunjungan
timezone: Asia/Makassar
capacity: 20
queue: {counters: ["1", "2"], classes: {A: {}, P: {priority: true}}}
lockers:
  banks:
    A: {rs485: {line: /dev/lockers, settings: 19200 8N1, protocol: cu16, closed_reads: 1, content_reads: 1,
        boards: [{address: 0, lockers: 1-8}]}}
    B: {relays: {pulse: 300 ms, shut: closed, lockers: [{locker: 9, lock: 14, door: 15}]}}
gate:
  lanes:
    main: {unlock_in: 22, unlock_out: 23, stop: 24, release: 25, pass_in: 5, pass_out: 6, ready: 13}
readers:
  lockers: {place: locker, bank: A, serial: {line: /dev/reader-a, settings: 9600 8N1}}
  lockers_b: {place: locker, bank: B, serial: {line: /dev/reader-b, settings: 9600 8N1}}
  entry: {place: entry, lane: main, serial: {line: /dev/reader-in, settings: 9600 8N1}}
  exit: {place: exit, lane: main, serial: {line: /dev/reader-out, settings: 9600 8N1}}
contacts:
  fire: {use: fire, pin: 26, rest: closed}
  fire_reset: {use: fire_reset, pin: 27, rest: open}
  ticket: {use: ticket, pin: 12, rest: open, tickets: A}
signs:
  hall: {protocol: alpha, line: /dev/sign, settings: 9600 8N1}
mqtt: {host: localhost}
visits: {length: 12 h}
storage: {reserve: 64 KiB}
"""
FLUSH_US = 50_000
"""A tired card: while it writes, the daemon scans."""
SEGMENT_BYTES = 4_000
"""So small that most stories begin a new segment."""
RETURNS_MS: Mapping[str, Millis] = {"kill": 2_000, "power": 20_000}
"""How long it takes until the daemon is started again."""
PATIENCE_MS: Millis = 15_000
SETTLED_MS: Millis = 1_100
"""After its start the daemon takes no card that lies on a reader for a tap; nobody is so quick."""
HOUR_MS: Millis = 3_600_000

Direction = Literal["in", "out"]


class Died(Exception):
    """The daemon is no more; whoever was about to do something with it has to begin again later."""


class Stuck(AssertionError):
    """What somebody waited for did not come."""


def crash_site() -> Config:
    """The configuration, with segments that are smaller, and kept shorter, than a site may have them."""
    config = Config.model_validate(yaml.safe_load(SITE))
    return config.model_copy(
        update={"storage": config.storage.model_copy(update={"segment": SEGMENT_BYTES, "keep": 0})}
    )


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
    """One machine, its people, and time that passes only when somebody waits."""

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

    def started(self) -> None:
        self.pace.started()

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

    # -- people

    def ask(self, action: str, actor: str = "officer-1", **args: Any) -> Answer:
        """An officer's action and its answer. Raises Died when nobody answers any more."""
        self.pace.asked()
        future = self.machine.ask(action, args, actor)
        self.until(future.done, f"an answer to {action}")
        answer = future.result()
        if not answer["ok"] and answer["error"]["code"] == "no_answer":
            raise Died
        return answer

    def family(self, name: str) -> Family:
        return self.families[name]

    def visit(self, family: Family) -> Visit | None:
        return self.hall.visits.get(family.visit)

    def owned(self, family: Family) -> int:
        """The number of the locker that the program says is theirs; 0: none."""
        return next((locker.locker for locker in self.hall.lockers_of(family.visit)), 0)

    def new_family(self, name: str, *, walkers: int = 1, card: bool = True, search: bool = True) -> Family:
        """From the ticket to the card and the search, as far as asked for."""
        number, uid = self.spare.pop(0)
        family = Family(name, number, uid, walkers)
        self.families[name] = family
        self.must("enrol", number=number, uid=uid)
        ticket = self.must("ticket", **{"class": "A"})["ticket"]
        self.must("call", counter="1", ticket=ticket, reason="family_first")
        family.visit = self.must("bind", ticket=ticket, adults=walkers)["visit"]
        if card:
            self.must("issue", visit=family.visit, card=number)
        if search:
            self.must("search", visit=family.visit, result="passed")
        return family

    def must(self, action: str, **args: Any) -> Mapping[str, Any]:
        """The result of what has to be done."""
        answer = self.ask(action, **args)
        assert answer["ok"], (action, args, answer)
        result: Mapping[str, Any] = answer["result"]
        return result

    def open_own(self, family: Family, reader: str = "lockers") -> None:
        """Tap until one's own door stands open, and give up after a while."""
        for _ in range(3):
            if self._own_door_open(family):
                return
            self.hand(lambda: self.world.tap(reader, family.uid, 300))
            if self.waited(lambda: self._own_door_open(family), 1_500):
                self.run(400)
                return
            self.run(600)

    def _own_door_open(self, family: Family) -> bool:
        number = self.owned(family)
        return bool(number) and self.world.lockers[number].door == "open"

    def shut(self, family: Family) -> None:
        """Put the bag in or take it out, and shut one's own door."""
        number = next((n for n, one in self.world.lockers.items() if one.door == "open" and n == self.owned(family)), 0)
        if number:
            self.hand(lambda: self.world.door(number, "closed", not family.going_out))
            family.locker = 0 if family.going_out else number
        self.waited(lambda: not number or self.hall.lockers[number].door == "closed", 3_000)
        self.run(300)

    def pass_gate(self, family: Family, direction: Direction) -> None:
        """Tap and push until everybody is through; who is not let in gives up, out everybody goes."""
        reader: str = "entry" if direction == "in" else "exit"
        open_words = ("free_in", "free_both") if direction == "in" else ("free_out", "free_both")

        def left() -> bool:
            return family.inside < family.walkers if direction == "in" else family.inside > 0

        for _ in range(6):  # the arm may be somebody else's for a while
            if not left():
                break
            if self._arm not in open_words:
                self.hand(lambda: self.world.tap(reader, family.uid, 300))
            while left() and self.waited(lambda: self._arm in open_words and self._home, 1_500):
                self._push(family, direction)
            self.run(600)
        if direction == "out" and left():
            raise Stuck(f"{family.name} cannot get out")

    def _push(self, family: Family, direction: Direction) -> None:
        ended: list[bool] = []

        def through(passed: bool) -> None:
            ended.append(passed)
            family.inside += passed * (1 if direction == "in" else -1)
            family.going_out = family.going_out or (direction == "out" and not family.inside)

        self.hand(lambda: self.world.push("main", direction, through))
        self.until(lambda: bool(ended), "somebody comes through the arm")
        self.run(300)

    @property
    def _arm(self) -> str:
        return str(self.world.world()["arm"]["main"]["state"])

    @property
    def _home(self) -> bool:
        return not self.world.arms["main"].turnstile.busy

    def put_right(self) -> None:
        """After a gap in watching a guard counts heads, and ticks on the list who is inside."""
        present = {family.visit: family.inside for family in self.families.values() if family.inside}
        believed = {visit.visit: visit.inside for visit in self.hall.visits.values() if visit.inside}
        if present != believed or self.hall.unattributed:
            self.must("recount", present=present, reason="nobody_watched")

    # -- the moment at which the stories begin

    def make_busy(self) -> None:
        """A family at every stage of a visit, shortly before the daemon has run for an hour."""
        self.start()
        self.must("open")
        for name in ("waiting", "inside", "leaver", "collector", "loser"):
            family = self.new_family(name, walkers=2 if name in ("waiting", "inside") else 1)
            self.open_own(family)
            self.shut(family)
            if name in ("inside", "leaver", "collector"):
                self.pass_gate(family, "in")
            if name in ("leaver", "collector"):
                self.pass_gate(family, "out")
        done = self.new_family("done")
        self.pass_gate(done, "in")
        self.pass_gate(done, "out")
        self.new_family("newcomer")
        self.new_family("unsearched", search=False)
        self.new_family("cardless", card=False, search=False)
        self.until(self.at_rest, "the hall comes to rest")
        self.stop()
        self.must("confirm_count")
        self.run(2 * HOUR_MS - 60_000)  # old segments have been deleted once, and will be in a minute
        self.open_own(self.family("collector"))
        self.must("enrol", number=self.spare[0][0], uid=self.spare[0][1])
        for counter in ("1", ""):
            ticket = self.must("ticket", **{"class": "A"})["ticket"]
            if counter:
                self.must("call", counter=counter, ticket=ticket)
        self.until(self.at_rest, "the hall comes to rest")


