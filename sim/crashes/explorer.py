"""Plays stories and all their crashes: forks the whole virtual world at every stop, and goes on in the fork."""

import gc
import hashlib
import json
import os
import pickle
import re
import select
import signal
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sim.crashes.checks import Books, ending
from sim.crashes.dice import Choice, places_in
from sim.crashes.families import make_busy, put_right
from sim.crashes.hall import CrashHall, Died
from sim.crashes.leftovers import but_for_times, exactly
from sim.crashes.stories import ALPHABET, Action
from sim.crashes.tally import Tally
from sim.disk import VirtualDisk
from sim.invariants import INVARIANTS
from sim.judge import Invariant

UNDER_WAY_US = 50_000
"""What the program had said when it died has been heard by then."""


class Explorer:
    """Plays stories over one hall, forking as it goes."""

    def __init__(
        self, hall: CrashHall, actions: Mapping[str, Action], *, depth: int, twice: int = 1, fine: int = 1,
        where: str = "",
    ) -> None:  # fmt: skip
        """`twice`: in stories of so many actions at most a daemon is stopped while it comes back, too. `fine`: in those
        a write is torn at its first and last byte, at the end of every record and in its middle, else in its middle
        alone; and what the central server has heard makes a difference. `where`: crash only at stops in which this
        regular expression is found.
        """
        self.hall = hall
        self.actions = actions
        self.depth = depth
        self.twice = twice
        self.fine = fine
        self.where = re.compile(where)
        self.books = Books(hall)
        self.tally = Tally()
        self._pipe: int | None = None
        self._way: list[str] = []
        """What has happened in this fork, in words."""
        self._seen: set[bytes] = set()
        """What crashes in the present action, or the present start, have left."""
        self._torn_finely = True
        self._begun_seq = 0
        """The last record before the story."""
        self._stop = 0
        """Stops of the present action, or of the present start."""
        self._crashes = 0
        """How often this fork has crashed."""
        self._how = ""
        """How it did so last."""

    # -- forking

    def _fork(self) -> bool:
        """True in a child, which goes on from here; False in the parent, once the child has told its tally."""
        reading, writing = os.pipe()
        child = _forked()
        if child == 0:
            os.close(reading)
            if self._pipe is not None:
                os.close(self._pipe)
            self._pipe, self.tally = writing, Tally(ends=set(self.tally.ends), again=set(self.tally.again))
            return True
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            told = pipe.read()
        _, status = os.waitpid(child, 0)
        if status or not told:
            self.tally.failures.append(f"{self._words}: the fork ended with status {status}")
        else:
            self.tally.add(pickle.loads(told))
        return False

    def _leaf(self) -> None:
        """Tell the tally, and be no more, in a fork; go on in the first of all."""
        if self._pipe is not None:
            with os.fdopen(self._pipe, "wb") as pipe:
                pipe.write(pickle.dumps(self.tally))
            os._exit(0)

    @property
    def _words(self) -> str:
        """The story so far, and what the journal tells of it."""
        daemon = self.hall.machine.daemon
        facts = [] if daemon is None else daemon.controller.ledger.journal.lines(self._begun_seq)
        told = " ".join(line.event["type"].removeprefix("besuk.") for line in facts)
        return f"{', '.join(self._way)} [{told}]"

    # -- stories

    def explore(self, first: Sequence[str]) -> Tally:
        """All stories that begin with one of these actions."""
        self._begun_seq = self.hall.daemon.controller.ledger.journal.last.seq
        self._go_on((), first)
        return self.tally

    def _go_on(self, before: tuple[str, ...], names: Iterable[str]) -> None:
        """Play each of these actions, each in a world of its own."""
        for name in names:
            if self._fork():
                try:
                    self._story(before, name)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for, and is reported
                    self.tally.failures.append(f"{self._words}: {type(error).__name__}: {error}")
                self._leaf()

    def _story(self, before: tuple[str, ...], name: str) -> None:
        story = (*before, name)
        hall = self.hall
        hall.memory = {}
        self._way.append(name)
        self._seen, self._stop, self.tally.ends, self.tally.again = set(), 0, set(), set()
        self._torn_finely = len(story) <= self.fine
        if not self._crashes:
            self.tally.stories += 1
            hall.effects.falls = self._at_effect
        while True:
            try:
                self.actions[name](hall)
                if self._crashes:
                    put_right(hall)
                hall.until(hall.at_rest, f"the hall comes to rest after {name}")
                break
            except Died:
                self._recover(len(story))
        hall.effects.falls = _nothing_falls
        self.books.check()
        how = ending(hall)
        self.tally.endings.setdefault(story, {})[json.dumps(how, sort_keys=True)] = self._words if self._crashes else ""
        if len(story) < self.depth and (self._is_new(how) or not self._crashes):
            ends, self.tally.ends = self.tally.ends, set()
            self._go_on(story, self.actions)
            self.tally.ends = ends

    def _is_new(self, how: Mapping[str, Any]) -> bool:
        """Whether no other way through this action has led here."""
        opinion = self.hall.hall
        more = [
            sorted(task.reason for task in opinion.tasks.values()), opinion.suspect is None, sorted(opinion.devices),
            opinion.degraded, self.hall.machine.disk.names("journal"), self.hall.machine.disk.names(""),
        ]  # fmt: skip
        end = hashlib.sha256(json.dumps([how, more], sort_keys=True).encode()).digest()
        if end in self.tally.ends:
            return False
        self.tally.ends.add(end)
        return True

    # -- crashes

    def _at_effect(self, what: str) -> bool:
        """Try every crash that can fall here, each in a fork; True in such a fork, which shall crash now."""
        self.tally.stops += 1
        self._stop += 1
        self.tally.effects[" ".join(what.split()[1:3]) if "publish" in what else what.split()[1]] += 1
        for how, choices, disk in self._outcomes() if self.where.search(what) else ():
            self.tally.crashes += 1
            left = self._left(how, disk)
            if left in self._seen:
                continue
            self._seen.add(left)
            self.tally.futures += 1
            if self._fork():
                self._die(what, how, choices)
                return True
        return False

    def _die(self, what: str, how: str, choices: Sequence[int]) -> None:
        hall = self.hall
        hall.effects.falls = _nothing_falls
        self._crashes += 1
        self._way.append(f"{how}{_in_words(choices)} at stop {self._stop} ({what})")
        machine = hall.machine
        choice = self._choice(choices)  # of what is on its way at this moment

        def crash() -> None:
            if how == "kill":
                machine.kill()
            else:
                machine.cut_power(choice)

        hall.crash = crash
        self._how = how

    def _outcomes(self) -> Iterator[tuple[str, Sequence[int], VirtualDisk]]:
        """Each way to crash now and the disk it leaves: a kill, and what a power cut may make of what is under way."""
        yield "kill", (), self.hall.machine.disk
        choices: list[int] | None = []
        while choices is not None:
            choice = self._choice(choices)
            torn = self._torn(choice)
            yield "power", tuple(choice.taken), torn
            choices = choice.next()

    def _choice(self, choices: Sequence[int]) -> Choice:
        return Choice(choices, places_in(self.hall.machine.disk) if self._torn_finely else {})

    def _torn(self, choice: Choice) -> VirtualDisk:
        copy = self.hall.machine.disk.copy()
        copy.clock.now_us = self.hall.machine.disk.now_us
        copy.power_cut(choice)
        return copy

    def _left(self, how: str, disk: VirtualDisk) -> bytes:
        """A digest of everything that such a crash leaves behind."""
        machine, world = self.hall.machine, self.hall.world
        left = {
            "world": {key: value for key, value in world.snapshot().items() if key not in ("stock", "taps")},
            "arm": world.world()["arm"],
            "marker": machine.marker.is_set and how == "kill",
            "unlocks": self.hall.effects.unlocks,
            "said": [self.hall.effects.published, machine.receiver.stored] if self._torn_finely else [],
            "answered": len(self.hall.answered),
            "people": [(one.inside, one.locker) for one in self.hall.families.values()],
        }
        digest = hashlib.sha256(json.dumps(left, sort_keys=True).encode())
        digest.update(exactly(disk) if self._crashes == 0 else but_for_times(disk))
        return digest.digest()

    def _recover(self, length: int) -> None:
        """After a crash: come back, be stopped at every effect of that once more, be judged."""
        hall = self.hall
        if self._crashes == 1 and length <= self.twice:
            self._seen, self._stop, self._torn_finely = self.tally.again, 0, False
            hall.effects.falls = self._at_effect
        self._crashes += 1
        while True:
            try:
                hall.clock.advance_to(hall.clock.now_us + UNDER_WAY_US)
                self.books.stand_still()
                hall.come_back(self._how)
                break
            except Died:
                pass
        hall.effects.falls = _nothing_falls
        self.books.check()


def _forked() -> int:
    """As `os.fork`. Newer Pythons warn where there are other threads; none of those is needed in the child. Ctrl-C ends
    a child without a word: only the first of all has anybody to say something to."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return child


def _nothing_falls(_: str) -> bool:
    return False


def _in_words(choices: Sequence[int]) -> str:
    return f" {''.join(map(str, choices))}" if choices else ""


def explore(
    names: Sequence[str], *, depth: int, jobs: int = 1, twice: int = 1, fine: int = 1,
    actions: Mapping[str, Action] = ALPHABET, on_progress: Callable[[str, Tally], None] = lambda name, tally: None,
    ready: Callable[[], None] = lambda: None, where: str = "", invariants: Sequence[type[Invariant]] = INVARIANTS,
) -> Tally:  # fmt: skip
    """All stories of `depth` actions that begin with one of `names`; so many at a time. `ready` is called when they
    begin.
    """
    hall = CrashHall(invariants=invariants)
    explorer = Explorer(hall, actions, depth=depth, twice=twice, fine=fine, where=where)
    make_busy(hall)
    ready()
    gc.collect()
    gc.freeze()  # what a child never touches is never copied
    tally, waiting, running = Tally(), list(names), dict[int, tuple[str, int]]()
    while waiting or running:
        while waiting and len(running) < jobs:
            reading, writing = os.pipe()
            name = waiting.pop(0)
            child = _forked()
            if child == 0:
                os.close(reading)
                with os.fdopen(writing, "wb") as pipe:
                    pipe.write(pickle.dumps(explorer.explore([name])))
                os._exit(0)
            os.close(writing)
            running[reading] = (name, child)
        for reading in select.select(list(running), [], [])[0]:
            name, child = running.pop(reading)
            with os.fdopen(reading, "rb") as pipe:
                told = pipe.read()
            os.waitpid(child, 0)
            part = pickle.loads(told) if told else Tally(failures=[f"{name}: the process ended without a word"])
            tally.add(part)
            on_progress(name, part)
    return tally
