"""No crash at any moment of any short story loses what was promised, moves anything, or leaves anybody stuck.

`CRASH_DEPTH=3` plays stories of three actions (a night's work; `python -m sim.crashes --part 1/4` splits it).
"""

import logging
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from firmware.boot import recover
from firmware.config import check
from firmware.controller import Controller
from firmware.core import gate, health, visits
from firmware.core.evolve import evolve
from firmware.core.facts import Fact, GateExpired, HallBooted, LockerPulsed, VisitStarted
from firmware.core.inputs import Started
from firmware.core.site import Site
from firmware.core.state import Hall
from firmware.daemon import Daemon
from hal.clock import Millis
from hal.pulse_queue import PulseQueue
from services.disk import Disk
from services.outbox import Cursor
from sim.crashes import stories
from sim.crashes.dice import Choice
from sim.crashes.explorer import explore
from sim.crashes.hall import CrashHall
from sim.crashes.site import SITE
from sim.crashes.stories import ALPHABET
from sim.disk import VirtualDisk

DEPTH = int(os.environ.get("CRASH_DEPTH", "2"))
STOPS = 30_000
CRASHES = 90_000
DIFFERENT = 5_800
"""A little less than there was when somebody last looked: if there is less, something is no longer tried."""


@pytest.mark.whole_machine
def test_no_crash_breaks_a_story(capsys: pytest.CaptureFixture[str]) -> None:
    """In a process of its own, for a small one is forked more quickly."""
    command = [sys.executable, "-m", "sim.crashes", "--depth", str(DEPTH)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    with capsys.disabled():
        print(f"\n{done.stdout.strip()}")  # noqa: T201 - how much was tried is worth a line
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"(\d+) stories, (\d+) stops .* (\d+) crashes, (\d+) of them different", done.stdout)
    assert found is not None
    stories, stops, crashes, different = map(int, found.groups())
    assert stories == sum(len(ALPHABET) ** length for length in range(1, DEPTH + 1))
    assert stops > STOPS
    assert crashes > CRASHES
    assert different > DIFFERENT


def test_the_hall_of_the_stories_is_one_that_could_be_built(tmp_path: Path) -> None:
    """But for its journal's segments, which are smaller, and kept shorter, than a site's may be."""
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(yaml.safe_load(SITE)))
    assert check(tmp_path / "config.yaml") == []


def test_every_throw_of_a_power_cuts_dice_is_tried_once() -> None:
    found = []
    more: list[int] | None = []
    while more is not None:
        dice = Choice(more, {100: (0, 1, 99)})
        found.append((dice.randint(0, 2), dice.random() < 0.5, dice.randint(0, 100)))
        more = dice.next()
    assert len(found) == len(set(found)) == 3 * 2 * 3


# -- each check bites


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Forks that break things on purpose say much."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


Break = Callable[[pytest.MonkeyPatch], None]


def in_every_module(evolves: Callable[[Hall, Fact, int, Site], None], patch: pytest.MonkeyPatch) -> None:
    for module in ("firmware.fold", "firmware.ledger", "firmware.core.decide"):
        patch.setattr(f"{module}.evolve", evolves)


def moves_before_its_commit(patch: pytest.MonkeyPatch) -> None:
    def scan(self: Controller) -> None:
        now = self._clock.now()
        self._read(now)
        if not self.ledger.busy or self._settled(now):
            self._decide(now)
        self._move(now)

    patch.setattr(Controller, "scan", scan)


def answers_before_its_commit(patch: pytest.MonkeyPatch) -> None:
    fold = Controller._fold

    def hasty(self: Controller, *args: Any) -> Any:
        told, answers = fold(self, *args)
        for request, answer in answers:
            request.answer(answer)
        return told, []

    patch.setattr(Controller, "_fold", hasty)


def saves_more_than_the_journal_knows(patch: pytest.MonkeyPatch) -> None:
    fold = Controller._fold

    def hasty(self: Controller, *args: Any) -> Any:
        told, answers = fold(self, *args)
        if told and not self.ledger.dead:
            self.ledger._cache.save(self.ledger._tables(self.hall, Cursor()))
        return told, answers

    patch.setattr(Controller, "_fold", hasty)


def has_a_disk_that_does_not_flush(patch: pytest.MonkeyPatch) -> None:
    flush = VirtualDisk._flush
    patch.setattr(VirtualDisk, "_flush", lambda self, path: None if path.endswith(".jsonl") else flush(self, path))


def has_a_disk_that_does_not_flush_names(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(VirtualDisk, "_flush_folder", lambda self, folder: None)


def recovers_by_rewriting(patch: pytest.MonkeyPatch) -> None:
    def forgetful(disk: Disk, *args: Any, **more: Any) -> Any:
        newest = f"journal/{[name for name in disk.names('journal') if name.endswith('.jsonl')][-1]}"
        lines = disk.read(newest).splitlines(keepends=True)
        if lines:
            disk.truncate(newest, disk.size(newest) - len(lines[-1]))
        return recover(disk, *args, **more)

    patch.setattr("firmware.boot.recover", forgetful)


def opens_a_locker_at_the_start(patch: pytest.MonkeyPatch) -> None:
    step = Daemon.step
    begun: set[int] = set()

    def jumpy(self: Daemon) -> None:
        step(self)
        if 300 < self._clock.now() < 60_000 and id(self) not in begun:
            begun.add(id(self))
            self.controller.panel.devices.banks["A"].unlock(8)

    patch.setattr(Daemon, "step", jumpy)


def goes_on_with_pulses_of_an_earlier_start(patch: pytest.MonkeyPatch) -> None:
    def again(hall: Hall, fact: Fact, at: int, site: Site) -> None:
        openings = {number: one.opening for number, one in hall.lockers.items()}
        evolve(hall, fact, at, site)
        if isinstance(fact, HallBooted):
            for number, opening in openings.items():
                hall.lockers[number].opening = opening

    in_every_module(again, patch)


def records_pulses_of_an_earlier_start_anew(patch: pytest.MonkeyPatch) -> None:
    started = health.started

    def again(hall: Hall, start: Started) -> Iterator[Fact]:
        yield from started(hall, start)
        for one in hall.lockers.values():
            if one.purpose and one.door == "closed":
                yield LockerPulsed(
                    bank=one.bank, locker=one.locker, card=one.card, visit=one.visit, purpose=one.purpose, attempt=1,
                    door=one.door,
                )  # fmt: skip

    patch.setattr(health, "started", again)


def pulses_twice_what_jammed_before(patch: pytest.MonkeyPatch) -> None:
    """The pulses that drew nothing back allow none later."""
    take = PulseQueue.take
    taken: Counter[int | None] = Counter()

    def twice(self: PulseQueue, now: Millis) -> int | None:
        channel = take(self, now)
        taken[channel] += 1
        if channel is not None and taken[channel] == 4:
            self.ask(channel, now)
        return channel

    patch.setattr(PulseQueue, "take", twice)


def frees_the_arm_for_a_grant_that_is_over(patch: pytest.MonkeyPatch) -> None:
    """What nobody took of it allows nothing any more."""
    due, step = gate.due, Daemon.step
    over: list[str] = []

    def noted(hall: Hall, *args: Any) -> Iterator[Fact]:
        for fact in due(hall, *args):
            over.extend([fact.lane] if isinstance(fact, GateExpired) else [])
            yield fact

    def jumpy(self: Daemon) -> None:
        step(self)
        while over:
            self.controller.panel.devices.lanes[over.pop()].pulse("a")

    patch.setattr(gate, "due", noted)
    patch.setattr(Daemon, "step", jumpy)


def says_yes_to_a_second_search_without_a_record(patch: pytest.MonkeyPatch) -> None:
    """That one was recorded once is no record of the next."""
    fold = Controller._fold
    searched: list[Any] = []

    def lazy(self: Controller, waiting: Any, now: Millis) -> Any:
        kept = [one for one in waiting if not (one.request and one.request.action == "search" and searched)]
        told, answers = fold(self, kept, now)
        searched.extend(fact for fact in told if fact.fact.type_name() == "search.passed")
        answers += [(one.request, {"ok": True, "result": {}}) for one in waiting if one not in kept]
        return told, answers

    patch.setattr(Controller, "_fold", lazy)


def does_not_doubt_the_count(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(health, "suspect", lambda *_, **__: iter(()))


def forgets_an_owner_at_the_start(patch: pytest.MonkeyPatch) -> None:
    def forgets(hall: Hall, fact: Fact, at: int, site: Site) -> None:
        evolve(hall, fact, at, site)
        if isinstance(fact, HallBooted):
            hall.lockers[1].visit = hall.lockers[1].card = ""

    in_every_module(forgets, patch)


def calls_a_door_forced_when_the_start_failed_twice(patch: pytest.MonkeyPatch) -> None:
    def forgets(hall: Hall, fact: Fact, at: int, site: Site) -> None:
        purposes = {number: one.purpose for number, one in hall.lockers.items() if one.opening is None}
        evolve(hall, fact, at, site)
        if isinstance(fact, HallBooted):
            for number in purposes:
                hall.lockers[number].purpose = ""

    in_every_module(forgets, patch)


def lets_half_a_decision_stand(patch: pytest.MonkeyPatch) -> None:
    due = visits.due

    def without_starts(hall: Hall, *args: Any) -> Any:
        return (fact for fact in due(hall, *args) if not isinstance(fact, VisitStarted))

    patch.setattr(visits, "due", without_starts)


def tap_and_wait(hall: CrashHall) -> None:
    """Two may come in, and nobody does."""
    hall.hand(lambda: hall.world.tap("entry", hall.family("waiting").uid, 300))
    hall.run(9_000)


def search_twice(hall: CrashHall) -> None:
    stories.search(hall)
    stories.search(hall)


@pytest.mark.parametrize(
    ("broken", "story", "where", "found"),
    [
        (moves_before_its_commit, "deposit", "never", "latch 6 moves, the 1. time; no durable fact"),
        (moves_before_its_commit, "deposit at relays", "never", "latch 9 moves, the 1. time; no durable fact"),
        (moves_before_its_commit, "leave", "never", "unlock_out moves"),
        (answers_before_its_commit, "search", "never", "search is answered with a yes, .* not durable"),
        (saves_more_than_the_journal_knows, "search", "name", "fold is another hall"),
        (has_a_disk_that_does_not_flush, "ticket", "never", "counts as durable, and .* last on the medium"),
        (has_a_disk_that_does_not_flush_names, "jam", "never", "counts as durable, and .* last on the medium"),
        (pulses_twice_what_jammed_before, "jam", "never", "latch 1 moves, .* no durable fact"),
        (frees_the_arm_for_a_grant_that_is_over, "tap and wait", "never", "unlock_in moves, .* no durable fact"),
        (says_yes_to_a_second_search_without_a_record, "search twice", "never", "search is answered .* not durable"),
        (recovers_by_rewriting, "search", "flush", "was durable, and is not there|is not what it was|in vain"),
        (opens_a_locker_at_the_start, "search", "flush", "latch 8 moves"),
        (goes_on_with_pulses_of_an_earlier_start, "deposit", "unlock", "latch 6 moves, .* no durable fact"),
        (records_pulses_of_an_earlier_start_anew, "deposit", "unlock", "by itself moved: latch 6"),
        (does_not_doubt_the_count, "leave", "unlock_out", "does not doubt it"),
        (forgets_an_owner_at_the_start, "search", "flush", "locker 1, which is no longer theirs"),
        (lets_half_a_decision_stand, "enter", "after write", "1 are inside, and it has not started"),
    ],
)
def test_what_is_broken_on_purpose_is_found(broken: Break, story: str, where: str, found: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        wrong = explore(
            [story], depth=1, twice=0, where=where, ready=lambda: broken(patch), invariants=(),
            actions={**ALPHABET, "tap and wait": tap_and_wait, "search twice": search_twice},
        ).wrong  # fmt: skip
    assert re.search(found, "\n".join(wrong)), wrong[:3]


def test_what_only_a_second_crash_while_coming_back_shows_is_found() -> None:
    with pytest.MonkeyPatch.context() as patch:
        wrong = explore(
            ["deposit"], depth=1, twice=1, where="after (unlock|flush)", invariants=(),
            ready=lambda: calls_a_door_forced_when_the_start_failed_twice(patch),
        ).wrong  # fmt: skip
    assert re.search("otherwise .*forced", "\n".join(wrong)), wrong[:3]


def test_the_thirty_invariants_judge_these_stories_too() -> None:
    with pytest.MonkeyPatch.context() as patch:
        wrong = explore(["deposit"], depth=1, where="never", ready=lambda: moves_before_its_commit(patch)).wrong
    assert re.search("Violation: invariant 6 .*locker 6", "\n".join(wrong)), wrong[:3]


def test_nothing_is_found_where_nothing_is_broken() -> None:
    assert explore(["ticket", "return"], depth=1, twice=0).wrong == []


def test_whoever_does_not_look_and_asks_again_ends_otherwise() -> None:
    def press(hall: CrashHall) -> None:
        hall.hand(lambda: hall.world.contact("ticket", False))
        hall.run(100)
        hall.hand(lambda: hall.world.contact("ticket", True))
        hall.run(300)

    wrong = explore(["ticket"], depth=1, twice=0, actions={"ticket": press}).wrong
    assert re.search("ended otherwise than uninterrupted: tickets A-0", "\n".join(wrong))
