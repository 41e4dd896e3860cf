"""A hall in a storm without anybody's story: hands tap, push, press and ask at random, as long as the weather lasts.

Nobody here knows what ought to happen. What is held is what nobody could excuse: no exception comes out of a scan, no
virtual device sees its protocol broken, the daemon lives again and serves when the storm is over.
"""

import random
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from firmware.config import Config
from firmware.core.facts import Fact
from firmware.daemon import SCAN_MS
from firmware.ledger import Told
from services.requests import Answer
from sim.clock import VirtualClock
from sim.hall import HandRefused, VirtualHall
from sim.machine import End, Listener, Machine
from sim.storm import Storm, Stroke

SCAN_US = SCAN_MS * 1000
PUSH_EVERY = 40
"""Scans between two things that somebody does, on average."""


class StormyHall(Listener):
    """One machine, its hall, a storm, and restless hands."""

    def __init__(self, config: Config, strokes: Sequence[Stroke], *, seed: int = 1, cards: int = 6) -> None:
        self.clock = VirtualClock()
        self.hall = VirtualHall(config, self.clock, seed)
        self.machine = Machine(config, self.hall, seed=seed)
        self.machine.listeners.append(self)
        self.told_facts: Counter[str] = Counter()
        self.last_facts: deque[Fact] = deque(maxlen=50)
        self.story: deque[str] = deque(maxlen=400)
        self.ends: Counter[str] = Counter()
        self.hall.on_change = self._tell
        self.storm = Storm(self.machine, strokes, self._tell)
        self._random = random.Random(f"hands {seed}")
        self._cards = self.hall.stock[:cards]
        self._tickets: list[str] = []
        self._visits: list[str] = []
        self._held: set[str] = set()
        self.machine.start()

    # -- what the machine tells

    def told(self, told: Sequence[Told]) -> None:
        for one in told:
            self.told_facts[one.fact.type_name()] += 1
            self.last_facts.append(one.fact)
            self._tell(repr(one.fact))

    def started(self) -> None:
        self._tell("started")

    def stopped(self, how: End) -> None:
        self.ends[how] += 1
        self._tell(f"stopped {how}")

    def _tell(self, what: str) -> None:
        self.story.append(f"{self.clock.now_us / 1e6:.3f} {what}")

    # -- time

    def run(self, ms: int, *, hands: bool = True) -> None:
        until_us = self.clock.now_us + ms * 1000
        while self.clock.now_us < until_us:
            self.scan()
            if hands and self._random.randrange(PUSH_EVERY) == 0:
                self._do_something()

    def scan(self) -> None:
        self.machine.step()
        self.clock.advance_to((self.clock.now_us // SCAN_US + 1) * SCAN_US)

    def until(self, holds: Callable[[], bool], within_ms: int, what: str) -> None:
        begun = self.clock.now()
        while not holds():
            assert self.clock.now() - begun < within_ms, f"never: {what}\n" + "\n".join(list(self.story)[-30:])
            self.scan()

    def asked_for(self, action: str, actor: str = "officer-1", **args: Any) -> Mapping[str, Any]:
        future = self.machine.ask(action, args, actor)
        self.until(future.done, 20_000, f"an answer to {action}")
        return future.result()

    def open_day(self) -> None:
        self.run(2_000, hands=False)
        for number, uid in self._cards:
            assert self.asked_for("enrol", number=number, uid=uid)["ok"]
        assert self.asked_for("open")["ok"]

    # -- hands

    def _do_something(self) -> None:
        rng, hall = self._random, self.hall
        lane = rng.choice(list(hall.arms))
        match rng.randrange(8):
            case 0 | 1 | 2:
                reader, (_, uid) = rng.choice(list(hall.readers)), rng.choice(self._cards)
                if not any(uid in hall.cards_on(name) for name in hall.readers):
                    hall.tap(reader, uid, rng.choice((40, 200, 600)))
            case 3:
                state = hall.arms[lane].turnstile.state
                ways = [way for way, word in (("in", "free_a"), ("out", "free_b")) if state in (word, "free_both")]
                if ways and len(hall.arms[lane].waiting) < 2:
                    hall.push(lane, rng.choice(ways), lambda _: None)  # type: ignore[arg-type]
            case 4:
                self._move_a_door()
            case 5:
                self._press()
            case _:
                self._ask()

    def _move_a_door(self) -> None:
        for number, locker in self.hall.lockers.items():
            if locker.door == "open":
                content = self._random.random() < 0.5
                self.hall.door(number, "closed", content)
                return
            try:
                self.hall.door(number, "open")
            except HandRefused:
                continue

    def _press(self) -> None:
        name = self._random.choice([name for name in self.hall.contacts if name != "fire"])
        if name in self._held:
            return
        self._held.add(name)
        self.hall.contact(name, True)

        def let_go() -> None:
            self.hall.contact(name, False)
            self._held.discard(name)

        self.clock.after(300_000, let_go)

    def _ask(self) -> None:
        rng = self._random
        visit = rng.choice(self._visits) if self._visits else "V-1"
        number = rng.choice(self._cards)[0]
        asked: list[tuple[str, dict[str, Any]]] = [
            ("ticket", {"class": "A"}), ("call", {"counter": "1"}), ("search", {"visit": visit, "result": "passed"}),
            ("bind", {"ticket": rng.choice(self._tickets) if self._tickets else "A-001", "adults": 1}),
            ("issue", {"visit": visit, "card": number}), ("return", {"card": number, "collected": True}),
            ("serve", {"counter": "1"}), ("show", {"what": "hall"}), ("confirm_count", {}), ("reset", {}),
            ("lost", {"visit": visit, "reason": "lost_card"}), ("clear", {"card": number, "reason": "was_found"}),
            ("lockdown", {"on": rng.random() < 0.2, "reason": "fight_outside"}),
            ("release", {"locker": rng.choice(list(self.hall.lockers)), "reason": "owner_gone", "second": "guard-2"}),
        ]  # fmt: skip
        action, args = rng.choice(asked)
        self.machine.ask(action, args, "guard-1").add_done_callback(self._heard)

    def _heard(self, future: "Future[Answer]") -> None:
        result = future.result().get("result", {})
        self._tickets += [result["ticket"]] if "ticket" in result else []
        self._visits += [result["visit"]] if "visit" in result else []
        del self._tickets[:-5], self._visits[:-5]

    # -- afterwards

    def is_well(self) -> bool:
        """Whether the daemon is up and calls every device well."""
        daemon = self.machine.daemon
        if daemon is None or self.machine.hung:
            return False
        health = daemon.controller.panel.health
        return bool(health) and all(state == "ok" for state in health.values())

    def let_somebody_out(self) -> None:
        """Nobody's card at each lane's exit reader frees its arm: to a degraded hall, and after a fire, too."""
        self.run(5_000, hands=False)
        for name, reader in self.hall.config.readers.items():
            if reader.place != "exit":
                continue
            arm = self.hall.arms[str(reader.lane)].turnstile
            if arm.state == "locked":
                self.hall.tap(name, "05A1B2C3", 600)
            self.until(lambda arm=arm: arm.state in ("free_b", "free_both"), 5_000, f"the way out at {name}")  # type: ignore[misc]
