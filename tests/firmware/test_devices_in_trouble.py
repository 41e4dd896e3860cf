"""Devices that fall and rise, told once each; people who meet them; and the count when the arm was not watched."""

import json

import pytest

from tests.rig import CONFIG, Rig


@pytest.mark.parametrize(
    ("device", "fault", "health"),
    [
        ("entry", "unplugged", "silent"),
        ("exit", "gone", "gone"),
        ("lockers", "garbled", "garbled"),
        ("desk", "unplugged", "gone"),
        ("A", "unplugged", "gone"),
        ("A", "silent", "silent"),
        ("A", "garbled", "garbled"),
        ("hall", "unplugged", "gone"),
        ("main", "unplugged", "silent"),
    ],
)
def test_a_device_is_told_once_when_it_falls_and_once_when_it_rises(device: str, fault: str, health: str) -> None:
    rig = Rig()
    rig.open_day()
    rig.hall.fault(device, fault)
    rig.run(40_000)
    fell = rig.told("device.fell")
    assert [fact["device"] for fact in fell] == [device]
    assert fell[0]["health"] == health
    assert fell[0]["detail"], "the technician is told where to look"
    assert json.loads(rig.receiver.latest["health"])["devices"][device] == health
    rig.hall.clear_fault(device)
    rig.run(60_000)
    assert [fact["device"] for fact in rig.told("device.rose")] == [device]
    assert len(rig.told("device.fell")) == 1
    assert json.loads(rig.receiver.latest["health"])["devices"][device] == "ok"


def test_everything_but_the_arm_and_the_fire_contact_may_be_missing_at_the_start() -> None:
    rig = Rig()
    rig.open_day()
    _, uid = rig.admit()
    rig.kill()
    for device, fault in (("desk", "unplugged"), ("lockers", "gone"), ("A", "unplugged"), ("hall", "unplugged")):
        rig.hall.fault(device, fault)
    rig.start()
    rig.run(3_000)
    assert {fact["device"] for fact in rig.told("device.fell")} == {"desk", "lockers", "A", "hall"}
    rig.enter(uid)
    rig.leave(uid)
    assert rig.core.inside == 0


def test_a_dead_exit_reader_leaves_the_button_and_raises_a_task() -> None:
    rig = Rig()
    rig.open_day()
    _, uid = rig.admit()
    rig.enter(uid)
    rig.hall.fault("exit", "unplugged")
    rig.until(lambda: any(task["reason"] == "exit_reader_down" for task in rig.told("task.raised")))
    rig.hall.contact("exit_button", True)
    rig.until(lambda: rig.arm == "free_out")
    rig.hall.contact("exit_button", False)
    assert rig.push("out")
    rig.run(300)
    assert rig.hall.inside == rig.core.inside == 0
    rig.hall.clear_fault("exit")
    rig.until(lambda: bool(rig.told("task.resolved")))


def test_an_arm_that_was_not_watched_with_people_inside_makes_the_count_suspect() -> None:
    rig = Rig()
    rig.open_day()
    _, uid = rig.admit()
    rig.enter(uid)
    rig.hall.fault("main", "unplugged")
    rig.until(lambda: bool(rig.told("hall.occupancy_suspect")))
    assert rig.told("hall.occupancy_suspect")[0]["lane"] == "main"
    rig.until(lambda: json.loads(rig.receiver.latest["occupancy"])["confidence"] == "suspect")


def test_a_stuck_latch_is_pulsed_three_times_then_jammed_and_another_tap_opens_another_locker() -> None:
    rig = Rig()
    rig.open_day()
    _, uid = rig.admit()
    rig.hall.fault("locker-1", "stuck")
    rig.tap("lockers", uid)
    rig.until(lambda: bool(rig.told("locker.jammed")), within_ms=20_000)
    assert [pulse["attempt"] for pulse in rig.told("locker.pulsed")] == [1, 2, 3]
    assert rig.core.lockers[1].fault == "jammed"
    rig.tap("lockers", uid)
    rig.until(lambda: rig.hall.lockers[2].door == "open")


def test_a_door_that_is_broken_open_is_forced_and_frozen_until_a_guard_resolves_it() -> None:
    rig = Rig()
    rig.open_day()
    _, uid = rig.admit()
    number = rig.deposit(uid)
    rig.hall.door(number, "forced")
    rig.until(lambda: bool(rig.told("locker.forced")))
    rig.hall.door(number, "closed")
    rig.run(2_000)
    rig.tap("lockers", uid)
    rig.run(2_000)
    assert rig.hall.lockers[number].door == "closed", "frozen"
    task = next(task for task in rig.told("task.raised") if task["reason"] == "forced")
    rig.done("resolve", actor="guard-1", task=task["task"], reason="looked_inside")
    rig.tap("lockers", uid)
    rig.until(lambda: rig.hall.lockers[number].door == "open")


def test_a_silent_board_is_unknown_and_its_lockers_are_not_given_out() -> None:
    rig = Rig()
    rig.open_day()
    rig.hall.fault("A", "silent")
    rig.until(lambda: all(locker.door == "unknown" for locker in rig.core.lockers.values()))
    _, uid = rig.admit()
    rig.tap("lockers", uid)
    rig.until(lambda: bool(rig.told("locker.refused")))
    assert rig.told("locker.refused")[0]["reason"] == "full"
    assert json.loads(rig.receiver.latest["occupancy"])["lockers"] == {"free": 0, "owned": 0, "out_of_service": 48}


def test_somebody_who_pushes_through_behind_is_counted_and_flagged() -> None:
    rig = Rig()
    rig.open_day()
    _, uid = rig.admit()
    rig.enter(uid)
    ended: list[bool] = []
    rig.hall.push("main", "in", ended.append, force=True)
    rig.until(lambda: bool(ended))
    rig.run(500)
    assert rig.hall.inside == rig.core.inside == 2
    assert rig.told("gate.tailgated") or rig.told("gate.forced")


def test_two_cards_at_once_are_not_served() -> None:
    rig = Rig()
    rig.open_day()
    _, first = rig.admit()
    _, second = rig.admit()
    rig.run(1_000)
    rig.hall.lay("lockers", first)
    rig.hall.lay("lockers", second)
    rig.until(lambda: bool(rig.told("card.refused")))
    assert rig.told("card.refused")[0]["reason"] == "two_cards"
    assert not rig.told("locker.pulsed")
    rig.until(lambda: rig.hall.world()["sign"]["hall"] == "SATU KARTU")


def test_a_wrong_polarity_in_the_configuration_shows_as_doors_that_are_all_open() -> None:
    wire = CONFIG.lockers.banks["A"].rs485
    assert wire is not None
    wrong = CONFIG.model_copy(
        update={
            "lockers": CONFIG.lockers.model_copy(
                update={
                    "banks": {
                        "A": CONFIG.lockers.banks["A"].model_copy(
                            update={"rs485": wire.model_copy(update={"closed_reads": 0})}
                        )
                    }
                }
            )
        }
    )
    rig = Rig(wrong)
    rig.until(lambda: all(locker.door == "open" for locker in rig.core.lockers.values()))
