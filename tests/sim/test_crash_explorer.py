"""The search for crashes in one process: what a fork would do is done here, where it can be watched."""

import logging
from collections.abc import Iterator

import pytest

from firmware.core import gate
from sim.clock import VirtualClock
from sim.crashes.explorer import Explorer
from sim.crashes.families import make_busy
from sim.crashes.hall import CrashHall, Died
from sim.crashes.leftovers import but_for_times
from sim.crashes.stories import ALPHABET
from sim.disk import VirtualDisk


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Whoever dies all the time says much."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


class OneWay(Explorer):
    """Goes one way only: the first crash that it comes to, and the first while coming back from that."""

    def _fork(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("action", "where"),
    [
        ("search", "after flush"),
        ("deposit", "before (unlock|flush)"),
        ("enter", "after (pin unlock_in|flush)"),
        ("fire", "before pin release|after flush"),
    ],
)
def test_a_program_that_dies_and_dies_again_while_it_comes_back_finishes_what_people_began(
    action: str, where: str
) -> None:
    hall = CrashHall()
    explorer = OneWay(hall, ALPHABET, depth=1, where=where)
    make_busy(hall)
    before = hall.machine.starts
    tally = explorer.explore([action])
    assert tally.failures == []
    assert hall.machine.starts == before + 2
    assert hall.at_rest()


def test_a_rule_that_breaks_down_is_a_failure_of_its_story(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise LookupError("no such lane")

    hall = CrashHall()
    explorer = OneWay(hall, ALPHABET, depth=1, where="never")
    make_busy(hall)
    monkeypatch.setattr(gate, "_refusal", breaks)
    tally = explorer.explore(["enter"])
    assert len(tally.failures) == 1
    assert tally.failures[0].startswith("enter [")
    assert tally.failures[0].endswith("LookupError: no such lane")


@pytest.mark.parametrize("somebody_looks", [True, False])
def test_a_program_that_dies_of_a_fire_has_freed_the_arm_and_whoever_waits_hears_of_it(somebody_looks: bool) -> None:
    """The contact moves the arm at once, without a scan: so the program can die between two."""
    hall = CrashHall()
    hall.start()
    hall.effects.falls = lambda what: what == "after pin release low"

    def fire() -> None:
        hall.world.contact("fire", True)

    def fire_while_all_wait() -> None:
        hall.clock.after(1_000_000, fire)
        hall.run(2_000)

    with pytest.raises(Died):
        hall.hand(fire if somebody_looks else fire_while_all_wait)
    assert hall.world.world()["arm"]["main"]["state"] == "free_both"


def test_two_torn_checkpoints_of_one_length_have_one_future() -> None:
    disk = VirtualDisk(VirtualClock())
    left = []
    for torn in (b'{"about":{"1":{"seq":1', b'{"about":{"1":{"seq":2', b'{"about":{"1":{"seq":22'):
        disk.put("state.json", torn)
        left.append(but_for_times(disk))
    assert left[0] == left[1] != left[2]
