"""Invariants 6, 9, 10 and 12 hold through visits, deaths and dead disks, and bite when a latch moves by no right."""

import random
from dataclasses import replace
from typing import Any

import pytest

from firmware import panel
from firmware.core import facts as f
from firmware.core import lockers
from firmware.core.inputs import CardTapped, InspectLocker
from firmware.ledger import Ledger
from firmware.panel import CardHash
from hal import pulse_queue
from hal.pulse_queue import PulseQueue
from sim.invariants.openings import OPENINGS, Authorisations, OneOpening, StartsMoveNothing, TwoPeople
from sim.world import card_key
from tests.sim.judged import Judged, family_with_a_bag, violated

ORDER = {"reason": "smell", "second": "guard-2"}


def pulse(hall: Judged, number: int) -> None:
    """Current through a lock that nobody ordered."""
    hall.world.lockers[number].energise(True)
    hall.run(500)
    hall.world.lockers[number].energise(False)


# -- they hold


def test_through_a_visit_a_jam_an_inspection_and_a_release() -> None:
    hall = Judged(*OPENINGS)
    hall.open_day()
    hall.visit()
    hall.run(65_000)
    _, uid = hall.admit()
    hall.world.fault("locker-2", "stuck")
    hall.tap("lockers", uid)
    hall.run(14_000)
    assert hall.count(f.LockerJammed) == 1
    number = hall.deposit(uid)
    assert hall.desk("inspect", "guard-1", locker=number, reason="smell")["error"]["code"] == "second_needed"
    assert hall.desk("inspect", "guard-1", locker=number, reason="smell", second="guard-1")["ok"] is False
    hall.done("inspect", "guard-1", locker=number, **ORDER)
    hall.until(hall.opened)
    hall.run(1_500)
    hall.shut(number, content=True)
    hall.done("release", "guard-1", locker=number, **ORDER)
    hall.until(hall.opened)
    hall.run(1_500)
    hall.shut(number, content=False)
    hall.world.door(9, "forced")
    hall.run(8_000)
    assert hall.count(f.LockerForced) == 1


@pytest.mark.parametrize("fault", ["silent", "lying", "garbled", "late", "noisy", "unplugged"])
def test_through_a_board_in_trouble(fault: str) -> None:
    hall, uid, number = family_with_a_bag(*OPENINGS)
    hall.world.fault("A", fault)
    hall.run(4_000)
    hall.tap("lockers", uid)
    hall.run(8_000)
    hall.world.door(number, "closed")
    hall.world.door(7, "forced")
    hall.run(8_000)
    hall.world.clear_fault("A")
    hall.run(15_000)


def test_a_break_in_that_a_dying_program_has_stored_was_told() -> None:
    hall = Judged(*OPENINGS)
    hall.open_day()
    hall.world.door(8, "forced")
    hall.machine.disk.crash_at = hall.machine.disk.steps + 3  # written, and flushed
    hall.machine.on_crash = lambda: hall.machine.kill(2_000)
    hall.run(15_000)
    assert hall.machine.starts == 2
    assert hall.count(f.LockerForced) == 0, "nobody heard of it before the program was gone"
    assert hall.opinion.lockers[8].fault == "forced"


@pytest.mark.parametrize("end", ["kill", "power"])
def test_through_deaths_in_the_middle_of_an_opening(end: str) -> None:
    hall, uid, number = family_with_a_bag(*OPENINGS)
    hall.world.fault(f"locker-{number}", "stuck")
    hall.tap("lockers", uid, 4_000)
    hall.run(1_000)
    if end == "kill":
        hall.machine.kill(2_000)
    else:
        hall.machine.cut_power(random.Random(1), 20_000)
    hall.world.door(8, "forced")
    hall.run(25_000)
    hall.world.clear_fault(f"locker-{number}")
    assert hall.open_locker(uid) == number
    assert hall.count(f.LockerForced) == 1


def test_while_nothing_can_be_recorded_an_owner_collects() -> None:
    hall, uid, number = family_with_a_bag(*OPENINGS)
    hall.enter(uid)
    hall.leave(uid)
    hall.machine.disk.fail("write", "flush")
    assert hall.open_locker(uid) == number
    hall.shut(number, content=False)
    hall.machine.disk.heal()
    hall.run(20_000)
    assert [fact.purpose for fact in hall.facts if isinstance(fact, f.LockerPulsed)] == ["deposit", "collect"]


# -- 6 bites


def test_6_a_latch_that_nobody_authorised() -> None:
    hall = Judged(Authorisations)
    hall.settle()
    with violated(Authorisations):
        pulse(hall, 3)


def test_6_one_authorisation_used_twice() -> None:
    hall, uid, number = family_with_a_bag(Authorisations)
    assert hall.open_locker(uid) == number
    hall.shut(number, content=True)
    with violated(Authorisations):
        pulse(hall, number)


def test_6_a_tap_that_no_hand_made() -> None:
    hall, uid, _ = family_with_a_bag(Authorisations)
    card = CardHash(card_key(1))(bytes.fromhex(uid))
    hall.controller.happen(CardTapped("lockers", card))
    with violated(Authorisations):
        hall.run(1_000)


def test_6_one_tap_that_counts_twice() -> None:
    hall, uid, number = family_with_a_bag(Authorisations)
    hall.tap("lockers", uid)
    hall.until(hall.opened)
    hall.run(1_600)
    hall.shut(number, content=True)
    hall.controller.happen(CardTapped("lockers", CardHash(card_key(1))(bytes.fromhex(uid))))
    with violated(Authorisations):
        hall.run(1_000)


def test_6_an_order_that_nobody_gave() -> None:
    hall, _, number = family_with_a_bag(Authorisations)
    hall.controller.happen(InspectLocker(actor="guard-1", second="guard-2", locker=number, reason="smell"))
    with violated(Authorisations):
        hall.run(1_000)


def test_6_a_latch_that_moves_before_its_fact_is_durable(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, uid, _ = family_with_a_bag(Authorisations)
    monkeypatch.setattr(Ledger, "commit", lambda self, told, now: None)
    hall.tap("lockers", uid)
    with violated(Authorisations):
        hall.run(1_000)


def test_6_another_ones_locker(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, _, number = family_with_a_bag(Authorisations)
    visit, uid = hall.admit()
    stolen = hall.opinion.lockers[number]
    monkeypatch.setattr(type(hall.opinion), "lockers_of", lambda self, name: [stolen] if name == visit else [])
    hall.tap("lockers", uid)
    with violated(Authorisations):
        hall.run(1_000)


def test_6_a_pulse_that_has_waited_for_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse_queue, "STALE_MS", 60_000)
    monkeypatch.setattr(PulseQueue, "clear", lambda self: None)
    hall, uid, _ = family_with_a_bag(Authorisations)
    hall.world.fault("A", "unplugged")
    hall.run(3_000)
    hall.tap("lockers", uid)
    hall.run(9_000)
    hall.world.clear_fault("A")
    with violated(Authorisations, "the latch"):
        hall.run(4_000)


def a_locker_that_did_not_open_is_taken_out_of_service(*invariants: Any) -> tuple[Judged, int]:
    """And broken open while the power is away."""
    hall, uid, number = family_with_a_bag(*invariants)
    hall.world.fault(f"locker-{number}", "stuck")
    hall.tap("lockers", uid)
    hall.run(2_000)
    hall.done("service", "guard-1", locker=number, reason="broken", **{"in": False})
    hall.run(2_000)
    hall.machine.cut_power(random.Random(1), 9_000)
    hall.world.door(number, "forced")
    return hall, number


def test_6_what_a_guard_took_out_of_service_is_opened_by_nobodys_right() -> None:
    hall, number = a_locker_that_did_not_open_is_taken_out_of_service(*OPENINGS)
    hall.run(20_000)
    assert [fact.locker for fact in hall.facts if isinstance(fact, f.LockerForced)] == [number]


def test_6_an_old_pulse_that_explains_an_open_door(monkeypatch: pytest.MonkeyPatch) -> None:
    def found_open(hall: Any, locker: Any, door: Any) -> Any:
        yield f.LockerOpened(**lockers._about(locker), purpose="reopen", content=door.content)

    hall, number = a_locker_that_did_not_open_is_taken_out_of_service(Authorisations)
    monkeypatch.setattr(lockers, "_found_open", found_open)
    with violated(Authorisations, f"locker {number} is told to have opened"):
        hall.run(20_000)


@pytest.mark.parametrize("when", ["watched", "while the daemon was down"])
def test_6_a_door_that_is_broken_open_in_silence(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockers, "_found_open", lambda hall, locker, door: iter(()))
    hall = Judged(Authorisations)
    hall.settle()
    if when != "watched":
        hall.machine.kill(2_000)
    hall.world.door(5, "forced")
    hall.run(4_000)
    with violated(Authorisations):
        hall.run(6_000)


# -- 9 bites


def test_9_a_card_that_lay_there_opens_nothing_at_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel, "LYING_MS", -1)
    hall, uid, _ = family_with_a_bag(StartsMoveNothing)
    hall.world.lay("lockers", uid)
    hall.until(hall.opened)
    hall.run(1_600)
    number = hall.opened()
    assert number is not None
    hall.shut(number, content=True)
    hall.machine.kill(2_000)
    with violated(StartsMoveNothing):
        hall.run(4_000)


def test_9_a_card_that_lay_there_frees_no_arm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel, "LYING_MS", -1)
    hall = Judged(StartsMoveNothing)
    hall.settle()
    hall.world.lay("exit", "3B5A1C77")
    hall.run(8_000)
    hall.machine.kill(2_000)
    with violated(StartsMoveNothing):
        hall.run(4_000)


def test_9_an_arm_that_is_freed_by_no_grant() -> None:
    hall = Judged(StartsMoveNothing)
    hall.settle()
    with violated(StartsMoveNothing):
        hall.controller.panel.devices.lanes["main"].pulse("b")


# -- 10 bites


def test_10_one_pulse_too_many() -> None:
    hall, uid, number = family_with_a_bag(OneOpening)
    hall.change_site(lock_pulses=5)
    hall.world.fault(f"locker-{number}", "stuck")
    hall.tap("lockers", uid)
    with violated(OneOpening):
        hall.run(12_000)


def test_10_a_retry_that_comes_too_late() -> None:
    hall, uid, number = family_with_a_bag(OneOpening)
    hall.change_site(not_open_ms=60_000)
    hall.world.fault(f"locker-{number}", "stuck")
    hall.tap("lockers", uid)
    with violated(OneOpening):
        hall.run(61_000)


def test_10_a_door_that_is_not_watched_is_not_pulsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockers, "_may_try_again", lambda site, opening: opening.attempts < site.lock_pulses)
    hall, uid, _ = family_with_a_bag(OneOpening)
    hall.world.fault("A", "silent")
    hall.run(4_000)
    hall.tap("lockers", uid)
    with violated(OneOpening):
        hall.run(12_000)


def test_10_a_door_that_opened_is_not_pulsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, uid, _ = family_with_a_bag(OneOpening)
    monkeypatch.setattr(lockers, "_found_open", lambda hall, locker, door: iter(()))
    hall.tap("lockers", uid)
    with violated(OneOpening):
        hall.run(12_000)


def test_10_two_openings_for_one_tap() -> None:
    hall, uid, number = family_with_a_bag(OneOpening)
    assert hall.open_locker(uid) == number
    hall.run(1_000)
    hall.shut(number, content=True)
    with violated(OneOpening):
        pulse(hall, number)


def test_10_a_retry_that_survives_a_restart() -> None:
    hall, uid, number = family_with_a_bag(OneOpening)
    hall.world.fault(f"locker-{number}", "stuck")
    hall.tap("lockers", uid)
    hall.run(1_000)
    opening = hall.opinion.lockers[number].opening
    hall.machine.kill(2_000)
    hall.run(3_000)
    hall.settle()
    opening.since = opening.pulsed_at = hall.controller.now
    hall.opinion.lockers[number].opening = opening
    hall.controller._deadline = 0
    with violated(OneOpening):
        hall.run(12_000)


def test_10_an_opening_that_comes_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, uid, number = family_with_a_bag(OneOpening)
    monkeypatch.setattr(lockers, "_not_opened", lambda hall, locker, opening: iter(()))
    hall.world.fault(f"locker-{number}", "stuck")
    hall.tap("lockers", uid)
    hall.run(12_000)
    with violated(OneOpening):
        hall.run(6_000)


def test_10_a_jam_that_is_told_too_early() -> None:
    hall, uid, number = family_with_a_bag(OneOpening)
    hall.change_site(not_open_ms=4_000)
    hall.world.fault(f"locker-{number}", "stuck")
    hall.tap("lockers", uid)
    with violated(OneOpening):
        hall.run(6_000)


# -- 12 bites


@pytest.mark.parametrize("second", [None, "guard-1"])
def test_12_one_person_opens_nothing_of_others(second: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockers, "two_people", lambda site, action, actor, second: second or None)
    hall, _, number = family_with_a_bag(TwoPeople)
    args = {} if second is None else {"second": second}
    with violated(TwoPeople):
        hall.desk("inspect", "guard-1", locker=number, reason="smell", **args)


def test_12_an_order_opens_no_other_locker(monkeypatch: pytest.MonkeyPatch) -> None:
    before = lockers._pulse

    def pulse(locker: Any, *about: Any, **more: Any) -> f.LockerPulsed:
        return replace(before(locker, *about, **more), locker=11)

    hall, _, number = family_with_a_bag(TwoPeople)
    monkeypatch.setattr(lockers, "_pulse", pulse)
    with violated(TwoPeople):
        hall.desk("inspect", "guard-1", locker=number, **ORDER)
