"""A whole hall for stories: virtual chips, the shipped drivers and rules, a virtual disk, and hands.

    rig = Rig(); rig.open_day()
    visit, uid = rig.admit(adults=2)          # ticket, call, bind, card, search
    rig.tap("lockers", uid); rig.until(lambda: rig.hall.lockers[1].door == "open")

Time passes only in `run` and `until`, scan by scan.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from firmware.codec import data_of
from firmware.config import Config, load
from firmware.core.facts import Fact
from firmware.daemon import SCAN_MS, Daemon
from firmware.ledger import Told
from services.requests import Request
from sim.clock import VirtualClock
from sim.hall import VirtualHall
from sim.machine import Listener, Machine

CONFIG = load(Path(__file__).parent.parent / "config.yaml")


class Ears(Listener):
    """Remembers every fact that became durable."""

    def __init__(self, facts: list[Fact]) -> None:
        self._facts = facts

    def told(self, told: Sequence[Told]) -> None:
        self._facts.extend(one.fact for one in told)


class Rig:
    """One hall, and as many starts of its daemon as a story needs."""

    def __init__(self, config: Config = CONFIG, *, seed: int = 1) -> None:
        self.config = config
        self.clock = VirtualClock()
        self.hall = VirtualHall(config, self.clock, seed)
        self.machine = Machine(config, self.hall, seed=seed)
        self.wall = self.machine.wall
        self.disk = self.machine.disk
        self.broker = self.machine.broker
        self.receiver = self.machine.receiver
        self.marker = self.machine.marker
        self.facts: list[Fact] = []
        """Every fact that became durable, over all starts."""
        self.daemon: Daemon
        self._stock = list(self.hall.stock)
        self.machine.listeners.append(Ears(self.facts))
        self.start()

    # -- the daemon's life

    def start(self) -> None:
        """Start the daemon over what disk and hall are now."""
        self.machine.start()
        assert self.machine.daemon is not None
        self.daemon = self.machine.daemon

    def kill(self) -> None:
        """SIGKILL: the process is gone, the page cache stays."""
        self.machine.kill()

    def cut_power(self, seed: int = 1) -> None:
        """The power fails: what was not on the medium may be lost."""
        self.machine.cut_power(random.Random(seed))

    # -- time

    def run(self, ms: int) -> None:
        """Let the hall run for so long."""
        until_us = self.clock.now_us + ms * 1000
        while self.clock.now_us < until_us:
            self.machine.step()
            grid_us = SCAN_MS * 1000
            self.clock.advance_to((self.clock.now_us // grid_us + 1) * grid_us)

    def until(self, holds: Callable[[], bool], within_ms: int = 15_000) -> int:
        """Run until something holds; how long that took. Fails the story when it never does."""
        begun = self.clock.now()
        while not holds():
            assert self.clock.now() - begun < within_ms, f"did not come within {within_ms} ms; last: {self.facts[-5:]}"
            self.run(SCAN_MS)
        return self.clock.now() - begun

    # -- what is known

    def told(self, kind: str) -> list[dict[str, Any]]:
        """The data of every durable fact whose type begins so."""
        return [data_of(fact) for fact in self.facts if fact.type_name().startswith(kind)]

    @property
    def core(self) -> Any:
        """The daemon's opinion of the hall."""
        return self.daemon.controller.hall

    @property
    def arm(self) -> str:
        return str(self.hall.world()["arm"]["main"]["state"])

    # -- hands

    def desk(self, action: str, actor: str = "officer-1", **arguments: Any) -> Mapping[str, Any]:
        """An officer's action and its answer."""
        request = Request(action, arguments, actor)
        assert self.daemon.controller.requests.put(request)
        self.until(request.future.done)
        answer: Mapping[str, Any] = request.future.result()
        return answer

    def done(self, action: str, actor: str = "officer-1", **arguments: Any) -> Mapping[str, Any]:
        """An action that must succeed; its result."""
        answer = self.desk(action, actor, **arguments)
        assert answer["ok"], answer
        result: Mapping[str, Any] = answer["result"]
        return result

    def open_day(self, cards: int = 4) -> None:
        """Let every door be read, enrol some cards, open the session."""
        self.until(lambda: all(locker.door == "closed" for locker in self.core.lockers.values()))
        self.run(1_500)  # what lies on a reader at the start is no tap
        for number, uid in self._stock[:cards]:
            self.done("enrol", number=number, uid=uid)
        self.done("open")

    def admit(self, *, adults: int = 1, children: int = 0, carried: int = 0, search: bool = True) -> tuple[str, str]:
        """A family from the ticket to the card; visit and the card's UID."""
        number, uid = self._stock.pop(0)
        ticket = self.done("ticket", **{"class": "A"})["ticket"]
        assert self.done("call", counter="1")["ticket"] == ticket
        visit = self.done("bind", ticket=ticket, adults=adults, children=children, carried=carried)["visit"]
        self.done("issue", visit=visit, card=number)
        if search:
            self.done("search", visit=visit, result="passed")
        return visit, uid

    def tap(self, reader: str, uid: str, ms: int = 400) -> None:
        self.hall.tap(reader, uid, ms)

    def fire(self, ms: int = 500) -> None:
        """The fire contact is active for so long, and then as long at rest."""
        self.hall.contact("fire", True)
        self.run(ms)
        self.hall.contact("fire", False)
        self.run(ms)

    def deposit(self, uid: str) -> int:
        """Tap, put the bag in, shut the door; the locker's number."""
        self.tap("lockers", uid)
        self.until(lambda: any(locker.door == "open" for locker in self.hall.lockers.values()))
        number = next(n for n, locker in self.hall.lockers.items() if locker.door == "open")
        self.run(600)
        self.hall.door(number, "closed", content=True)
        self.until(lambda: self.core.lockers[number].door == "closed")
        return number

    def push(self, direction: str, carrying: int = 0) -> bool:
        """A person pushes the arm; whether they came through."""
        ended: list[bool] = []
        self.hall.push("main", direction, ended.append, carrying=carrying)  # type: ignore[arg-type]
        self.until(lambda: bool(ended))
        return ended[0]

    def enter(self, uid: str, persons: int = 1) -> None:
        """Tap at the entry, and everybody through."""
        self.tap("entry", uid)
        for _ in range(persons):
            self.until(lambda: self.arm == "free_in")
            assert self.push("in")
        self.run(300)

    def leave(self, uid: str, persons: int = 1) -> None:
        """Tap at the exit, and everybody out."""
        self.tap("exit", uid)
        for _ in range(persons):
            self.until(lambda: self.arm == "free_out")
            assert self.push("out")
        self.run(300)
