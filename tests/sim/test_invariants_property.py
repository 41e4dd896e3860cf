"""Invariants 7, 8 and 11, and the rules of the lockers, hold through a day and bite when a door is misjudged."""

from typing import Any

import pytest

from firmware.core import facts as f
from firmware.core import lockers
from firmware.core.inputs import DoorSeen
from firmware.core.state import Hall, Locker
from firmware.texts import sign_texts
from sim.invariants.property import PROPERTY, Free, LockerRules, OneOwner, SeenToMove
from tests.sim.judged import Judged, family_with_a_bag, violated


def out_again(hall: Judged, uid: str) -> int:
    """In, out, and the locker open."""
    hall.enter(uid)
    hall.leave(uid)
    return hall.open_locker(uid)


# -- they hold


def test_through_a_day_of_visits_forced_doors_and_forgotten_bags() -> None:
    hall = Judged(*PROPERTY)
    hall.open_day()
    first = hall.visit()
    hall.run(65_000)
    assert hall.count(f.LockerReleased) == 1
    _, uid = hall.admit()
    second = hall.open_locker(uid)
    assert second != first
    hall.run(130_000)
    assert hall.count(f.LockerLeftOpen) == 2
    hall.shut(second, content=True)
    hall.world.door(second, "forced")
    hall.run(3_000)
    hall.shut(second, content=True)
    hall.tap("lockers", uid)
    hall.run(3_000)
    task = next(fact.task for fact in hall.facts if isinstance(fact, f.TaskRaised) and fact.reason == "forced")
    hall.done("resolve", "guard-1", task=task, reason="lock_repaired")
    assert out_again(hall, uid) == second
    hall.shut(second, content=True)
    hall.run(65_000)
    assert hall.count(f.LockerKept) == 1


@pytest.mark.parametrize("fault", ["silent", "lying", "garbled", "late", "noisy", "unplugged"])
def test_through_a_board_in_trouble(fault: str) -> None:
    hall, uid, number = family_with_a_bag(*PROPERTY)
    out_again(hall, uid)
    hall.world.fault("A", fault)
    hall.run(10_000)
    hall.shut(number, content=False)
    hall.run(70_000)
    hall.world.clear_fault("A")
    hall.run(70_000)
    _, uid = hall.admit()
    hall.deposit(uid)


@pytest.mark.parametrize("fault", ["sensor_open", "sensor_closed"])
def test_through_a_switch_that_lies(fault: str) -> None:
    hall, uid, number = family_with_a_bag(*PROPERTY)
    hall.world.fault(f"locker-{number}", fault)
    hall.run(5_000)
    hall.tap("lockers", uid)
    hall.run(15_000)
    hall.world.door(number, "closed")
    hall.world.clear_fault(f"locker-{number}")
    hall.run(5_000)


# -- 7 bites


def test_7_a_locker_that_is_given_out_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, _, number = family_with_a_bag(OneOwner)
    monkeypatch.setattr(lockers, "least_used", lambda hall, bank: hall.lockers[number])
    _, uid = hall.admit()
    hall.tap("lockers", uid)
    with violated(OneOwner, "locker 1 of V-000001 was given to V-000002"):
        hall.run(1_000)


def test_7_a_second_locker_for_one_card(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, uid, _ = family_with_a_bag(OneOwner)
    monkeypatch.setattr(Hall, "lockers_of", lambda self, visit: [])
    hall.tap("lockers", uid)
    with violated(OneOwner, "V-000001 was given locker 2"):
        hall.run(1_000)


# -- 8 bites


@pytest.mark.parametrize("spoilt", ["open", "full", "jammed", "unknown"])
def test_8_what_is_not_fit_is_given_out(spoilt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hall = Judged(Free)
    hall.open_day()
    match spoilt:
        case "open":
            hall.world.door(1, "forced")
        case "full":
            hall.world.door(1, "forced")
            hall.world.door(1, "closed", content=True)
        case "jammed":
            hall.done("service", "guard-1", locker=1, reason="worn", **{"in": False})
        case "unknown":
            hall.world.fault("A", "silent")
    hall.run(6_000)
    monkeypatch.setattr(Locker, "free", property(lambda self: True))
    _, uid = hall.admit()
    hall.tap("lockers", uid)
    with violated(Free, "locker 1 was given out: Known"):
        hall.run(1_000)


@pytest.mark.parametrize("state", ["open", "full"])
def test_8_the_world_is_asked_and_not_the_facts_alone(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockers, "seen", lambda hall, now, door: iter(()))
    hall = Judged(Free)
    for locker in hall.opinion.lockers.values():
        locker.door = "closed"
    hall.judge.invariants[0].book[1].door = "closed"  # type: ignore[attr-defined]
    hall.open_day()
    hall.world.door(1, "forced")
    if state == "full":
        hall.world.door(1, "closed", content=True)
    hall.run(8_000)
    _, uid = hall.admit()
    hall.tap("lockers", uid)
    with violated(Free, "locker 1 was given out, and "):
        hall.run(1_000)


def test_8_a_locker_that_is_released_too_soon() -> None:
    hall, uid, number = family_with_a_bag(Free)
    hall.change_site(collect_again_ms=30_000)
    hall.run(70_000)
    assert out_again(hall, uid) == number
    hall.shut(number, content=False)
    with violated(Free, "locker 1 was released 3"):
        hall.run(61_000)


def test_8_a_locker_that_is_released_with_a_bag_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, uid, number = family_with_a_bag(Free)
    assert out_again(hall, uid) == number
    hall.shut(number, content=True)
    hall.opinion.lockers[number].content = False
    with violated(Free, "locker 1 was released as collected"):
        hall.run(65_000)


# -- 11 bites


@pytest.mark.parametrize(("door", "what"), [("open", "told to be broken open"), ("closed", "told to be closed")])
def test_11_a_door_that_is_told_to_move_and_does_not(door: Any, what: str) -> None:
    hall, uid, number = family_with_a_bag(SeenToMove)
    if door == "closed":
        assert hall.open_locker(uid) == number
    hall.run(20_000)
    hall.controller.happen(DoorSeen(number, door, None, False))
    with violated(SeenToMove, f"locker {number} is {what}"):
        hall.run(1_000)


def test_11_success_before_the_door_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    before = lockers.tapped

    def tapped(hall: Hall, *about: Any) -> Any:
        for fact in before(hall, *about):
            yield fact
            if isinstance(fact, f.LockerPulsed):
                yield f.LockerOpened(bank=fact.bank, locker=fact.locker, visit=fact.visit, purpose="collect")

    hall, uid, number = family_with_a_bag(SeenToMove)
    hall.run(20_000)
    monkeypatch.setattr(lockers, "tapped", tapped)
    hall.tap("lockers", uid)
    with violated(SeenToMove, f"locker {number} is told to be open"):
        hall.run(1_000)


def test_11_a_sign_that_says_open_too_early() -> None:
    hall, uid, number = family_with_a_bag(SeenToMove)
    hall.run(20_000)
    texts = sign_texts("id")
    hall.change_site(sign_texts={**texts, "locker_opens": texts["locker_is_open"]})
    with violated(SeenToMove, f"locker {number} is shown to be open"):
        hall.tap("lockers", uid)
        hall.run(1_000)


def test_11_a_jam_of_a_door_that_stands_open(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, uid, number = family_with_a_bag(SeenToMove)
    hall.change_site(not_open_ms=25_000)
    monkeypatch.setattr(lockers, "_found_open", lambda hall, locker, door: iter(()))
    hall.tap("lockers", uid)
    with violated(SeenToMove, f"locker {number} is told to be jammed"):
        hall.run(26_000)


# -- the rules bite


def test_a_frozen_locker_that_opens_to_its_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockers, "_refusal", lambda *about: "")
    hall, uid, number = family_with_a_bag(LockerRules)
    hall.world.door(number, "forced")
    hall.run(3_000)
    hall.shut(number, content=True)
    hall.tap("lockers", uid)
    with violated(LockerRules, "locker 1 is to be opened by a card, and is frozen"):
        hall.run(1_000)


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"left_open_ms": 10_000}, "locker 1 is told to be left open after"),
        ({"left_open_ms": 90_000}, "locker 1 stands open for 30000 ms, and visitors are not told"),
        ({"left_open_task_ms": 300_000}, "locker 1 stands open for 120000 ms, and guards are not told"),
    ],
)
def test_a_door_left_open_is_told_in_its_time(settings: dict[str, int], what: str) -> None:
    hall = Judged(LockerRules)
    hall.open_day()
    hall.change_site(**settings)
    hall.run(60_000)
    _, uid = hall.admit()
    hall.open_locker(uid)
    with violated(LockerRules, what):
        hall.run(140_000)
