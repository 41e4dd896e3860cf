"""A hall under judgement, for stories: the machine with its power switch, people's hands, and invariants that listen.

    hall = Judged(*SAFETY); hall.open_day(); visit, uid = hall.admit()

The first violation ends the story, in whatever step it shows. Time passes only in `run` and `until`, scan by scan.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from firmware.config import Config
from firmware.core import facts as f
from firmware.daemon import SCAN_MS
from firmware.ledger import Told
from sim.clock import VirtualClock
from sim.hall import VirtualHall
from sim.judge import Invariant, Judge, Scene, Violation
from sim.machine import Listener, Machine
from tests.rig import CONFIG

SCAN_US = SCAN_MS * 1000


class Judged(Listener):
    """One hall, its machine, its judge."""

    def __init__(self, *invariants: type[Invariant], config: Config = CONFIG, seed: int = 1) -> None:
        self.clock = VirtualClock()
        self.world = VirtualHall(config, self.clock, seed)
        self.machine = Machine(config, self.world, seed=seed)
        self.judge = Judge(Scene(self.machine, seed), invariants)
        self.world.on_change = self.judge.changed
        self.machine.listeners.append(self)
        self.facts: list[f.Fact] = []
        """What became durable and was told."""
        self.stock = list(self.world.stock)
        self.machine.start()

    # -- what the machine tells

    def told(self, told: Sequence[Told]) -> None:
        self.facts += [one.fact for one in told]

    # -- time

    def run(self, ms: int) -> None:
        until_us = self.clock.now_us + ms * 1000
        while self.clock.now_us < until_us:
            self.machine.step()
            self.judge.stepped()
            self.clock.advance_to((self.clock.now_us // SCAN_US + 1) * SCAN_US)

    def until(self, holds: Callable[[], object], within_ms: int = 15_000) -> None:
        end_us = self.clock.now_us + within_ms * 1000
        while not holds():
            assert self.clock.now_us < end_us, f"did not come within {within_ms} ms; last: {self.facts[-5:]}"
            self.run(SCAN_MS)

    # -- what is known

    @property
    def controller(self) -> Any:
        assert self.machine.daemon is not None
        return self.machine.daemon.controller

    @property
    def opinion(self) -> Any:
        return self.controller.hall

    @property
    def arm(self) -> str:
        return str(self.world.world()["arm"]["main"]["state"])

    def count(self, kind: type[f.Fact]) -> int:
        return sum(isinstance(fact, kind) for fact in self.facts)

    def change_site(self, **settings: object) -> None:
        """The program goes by another site than the one that was ordered."""
        self.controller.site = replace(self.controller.site, **settings)

    # -- hands

    def desk(self, action: str, actor: str = "officer-1", **args: Any) -> Mapping[str, Any]:
        future = self.machine.ask(action, args, actor)
        self.until(future.done)
        return future.result()

    def done(self, action: str, actor: str = "officer-1", **args: Any) -> Mapping[str, Any]:
        answer = self.desk(action, actor, **args)
        assert answer["ok"], answer
        result: Mapping[str, Any] = answer["result"]
        return result

    def settle(self) -> None:
        """Let every door be read, and let the time go by in which what lies on a reader is no tap."""
        self.until(lambda: all(locker.door != "unknown" for locker in self.opinion.lockers.values()))
        self.run(1_600)

    def open_day(self, cards: int = 4) -> None:
        self.settle()
        for number, uid in self.stock[:cards]:
            self.done("enrol", number=number, uid=uid)
        self.done("open")

    def admit(self, *, adults: int = 1, children: int = 0, carried: int = 0) -> tuple[str, str]:
        """A family from the ticket to the search; visit and the card's UID."""
        number, uid = self.stock.pop(0)
        ticket = self.done("ticket", **{"class": "A"})["ticket"]
        assert self.done("call", counter="1")["ticket"] == ticket
        visit = self.done("bind", ticket=ticket, adults=adults, children=children, carried=carried)["visit"]
        self.done("issue", visit=visit, card=number)
        self.done("search", visit=visit, result="passed")
        return visit, uid

    def tap(self, reader: str, uid: str, ms: int = 600) -> None:
        self.world.tap(reader, uid, ms)

    def fire(self, active: bool) -> None:
        self.world.contact("fire", active)

    def press(self, contact: str, ms: int = 200) -> None:
        self.world.contact(contact, True)
        self.run(ms)
        self.world.contact(contact, False)

    def opened(self) -> int | None:
        return next((number for number, locker in self.world.lockers.items() if locker.door == "open"), None)

    def open_locker(self, uid: str) -> int:
        """Tap until a locker springs open; its number."""
        self.tap("lockers", uid)
        self.until(self.opened)
        self.run(1_600)  # until it was seen to stand open
        number = self.opened()
        assert number is not None
        return number

    def shut(self, number: int, *, content: bool) -> None:
        self.world.door(number, "closed", content)
        self.run(1_600)

    def deposit(self, uid: str) -> int:
        number = self.open_locker(uid)
        self.shut(number, content=True)
        return number

    def push(self, direction: str, carrying: int = 0) -> bool:
        ended: list[bool] = []
        self.world.push("main", direction, ended.append, carrying=carrying)  # type: ignore[arg-type]
        self.until(lambda: ended)
        return ended[0]

    def enter(self, uid: str, persons: int = 1) -> None:
        self.tap("entry", uid)
        for _ in range(persons):
            self.until(lambda: self.arm in ("free_in", "free_both"))
            assert self.push("in")
        self.run(600)

    def leave(self, uid: str, persons: int = 1) -> None:
        self.tap("exit", uid)
        for _ in range(persons):
            self.until(lambda: self.arm in ("free_out", "free_both"))
            assert self.push("out")
        self.run(600)

    def visit(self) -> int:
        """One whole visit; the locker's number."""
        _, uid = self.admit()
        number = self.deposit(uid)
        self.enter(uid)
        self.leave(uid)
        assert self.open_locker(uid) == number
        self.shut(number, content=False)
        return number


def violated(one: type[Invariant], what: str = "") -> "pytest.RaisesExc[Violation]":
    """This invariant ends the story, with a sentence that begins so."""
    number = rf"^invariant {one.number} \({one.name}\): " if one.number else "^"
    return pytest.raises(Violation, match=number + what)


def family(*invariants: type[Invariant], config: Config = CONFIG, adults: int = 1) -> tuple[Judged, str]:
    """A day has begun, and a family is searched: the hall, and the UID of their card."""
    hall = Judged(*invariants, config=config)
    hall.open_day()
    _, uid = hall.admit(adults=adults)
    return hall, uid


def family_with_a_bag(*invariants: type[Invariant]) -> tuple[Judged, str, int]:
    """Their bag is shut away, too: in the locker of this number."""
    hall, uid = family(*invariants)
    return hall, uid, hall.deposit(uid)
