"""A restart goes on exactly: owners, people inside, the queue; nothing moves by itself, and what is unsure is said."""

import json
from functools import partial
from random import Random
from typing import Any

import pytest

from services.cache import StateCache
from services.requests import Request
from services.segments import verify
from tests.rig import CONFIG, Rig


def settle(rig: Rig) -> None:
    rig.start()
    rig.run(3_000)


@pytest.mark.parametrize("end", ["kill", "cut_power"])
def test_owners_people_and_queue_survive(end: str) -> None:
    rig = Rig()
    rig.open_day()
    _, uid = rig.admit(adults=2)
    locker = rig.deposit(uid)
    rig.enter(uid, persons=2)
    rig.done("ticket", **{"class": "A"})
    rig.done("ticket", **{"class": "P"})
    before = (rig.core.inside, rig.core.waiting, rig.core.lockers[locker].visit, rig.core.cards)
    getattr(rig, end)()
    rig.clock.advance_to(rig.clock.now_us + 30_000_000)
    assert rig.arm == "free_both", "a dead daemon frees the arm"
    settle(rig)
    assert (rig.core.inside, rig.core.waiting, rig.core.lockers[locker].visit, rig.core.cards) == before
    suspect = rig.told("hall.occupancy_suspect")[-1]
    assert suspect["reason"] == "restart"
    assert suspect["gap_s"] >= 30
    assert rig.arm == "locked"
    assert all(one.door == "closed" for one in rig.hall.lockers.values())
    rig.done("confirm_count", actor="guard-1")
    rig.run(200)
    assert rig.core.suspect is None
    rig.leave(uid, persons=2)
    assert rig.hall.inside == rig.core.inside == 0
    rig.tap("lockers", uid)
    rig.until(lambda: rig.hall.lockers[locker].door == "open")
    assert rig.done("call", counter="1")["ticket"] == "P-001"


def test_the_state_is_the_fold_of_the_journal_with_the_cache_or_without() -> None:
    rig = Rig()
    rig.open_day()
    _, uid = rig.admit(adults=2)
    rig.deposit(uid)
    rig.enter(uid, persons=2)
    rig.daemon.controller.stop(rig.daemon.cursor)
    rig.kill()
    settle(rig)
    with_cache = rig.core
    rig.kill()
    rig.disk.remove("state.json")
    settle(rig)
    assert with_cache.visits == rig.core.visits
    assert with_cache.lockers == rig.core.lockers
    assert with_cache.cards == rig.core.cards
    assert with_cache.tickets == rig.core.tickets


def test_what_old_segments_told_is_kept_when_they_are_deleted() -> None:
    config = CONFIG.model_copy(update={"storage": CONFIG.storage.model_copy(update={"segment": 16_384})})
    rig = Rig(config)
    rig.open_day(cards=30)
    visit, uid = rig.admit()
    locker = rig.deposit(uid)
    rig.run(6 * 60_000)  # a checkpoint is made
    for number, _ in rig.hall.stock[40:45]:
        rig.done("enrol", number=number, uid=dict(rig.hall.stock)[number])
    rig.until(lambda: rig.daemon.cursor.delivered == rig.daemon.controller.ledger.journal.last_seq)
    segments = rig.disk.names("journal")
    assert len(segments) > 2
    rig.wall.jump(100 * 86_400_000)
    rig.daemon.controller.ledger.retire(rig.daemon.cursor.delivered, keep_ms=90 * 86_400_000)
    rig.until(lambda: len(rig.disk.names("journal")) < len(segments))
    before = rig.core
    rig.kill()
    for name in ("state.json", "state.json.last"):
        if rig.disk.exists(name):
            rig.disk.remove(name)
    settle(rig)
    assert rig.core.cards == before.cards
    assert rig.core.lockers[locker].visit == visit
    assert rig.core.mode == "open"

    rig.kill()
    for name in ("state.json", "state.json.last", "journal/base.json", "journal/base.json.last"):
        if rig.disk.exists(name):
            rig.disk.remove(name)
    settle(rig)
    assert rig.core.mode == "degraded", "nothing is guessed"
    assert "begins with record" in rig.told("storage.degraded")[-1]["detail"]


@pytest.mark.parametrize("starts_unseen", [0, 1, 2])
def test_a_door_that_opened_by_right_is_not_called_forced_however_often_the_start_fails(starts_unseen: int) -> None:
    """The pulse is durable, its opening is not; and what starts then dies before it has looked at the door."""
    rig = Rig()
    rig.open_day()
    _, uid = rig.admit()
    rig.tap("lockers", uid)
    rig.until(lambda: rig.hall.lockers[1].latch == "released")
    rig.kill()
    for _ in range(starts_unseen):
        boots = len(rig.told("hall.booted"))
        rig.start()
        rig.until(lambda boots=boots: len(rig.told("hall.booted")) > boots)  # type: ignore[misc]
        rig.kill()
    rig.clock.advance_to(rig.clock.now_us + 2_000_000)
    assert rig.hall.lockers[1].door == "open"
    settle(rig)
    assert not rig.told("locker.forced")
    assert rig.told("locker.opened")[-1]["purpose"] == "deposit"
    rig.hall.door(1, "closed", content=True)
    rig.run(1_000)
    rig.tap("lockers", uid)
    rig.until(lambda: rig.hall.lockers[1].door == "open")


def test_no_pulse_and_no_grant_survives_a_restart() -> None:
    rig = Rig()
    rig.open_day()
    _, uid = rig.admit()
    rig.hall.fault("locker-1", "stuck")
    rig.tap("lockers", uid)
    rig.until(lambda: bool(rig.told("locker.pulsed")))
    rig.kill()
    rig.hall.clear_fault("locker-1")
    settle(rig)
    rig.run(15_000)
    assert len(rig.told("locker.pulsed")) == 1
    assert all(locker.door == "closed" for locker in rig.hall.lockers.values())


@pytest.mark.parametrize("fault", ["silent", "unplugged", "gone"])
def test_what_lies_on_a_reader_that_was_dead_at_the_start_is_no_tap_either(fault: str) -> None:
    rig = Rig()
    rig.open_day()
    _, uid = rig.admit()
    number = rig.deposit(uid)
    rig.kill()
    rig.hall.fault("lockers", fault)
    rig.hall.lay("lockers", uid)
    rig.start()
    rig.run(5_000)
    rig.hall.clear_fault("lockers")
    rig.run(20_000)
    assert rig.core.devices == {}
    assert rig.hall.lockers[number].door == "closed"
    rig.tap("lockers", uid)
    rig.until(lambda: rig.hall.lockers[number].door == "open")


def test_an_emergency_outlives_a_restart() -> None:
    rig = Rig()
    rig.open_day()
    rig.fire()
    rig.kill()
    settle(rig)
    assert rig.arm == "free_both"
    assert rig.core.mode == "emergency"
    rig.done("reset", actor="guard-1")
    rig.run(500)
    assert rig.arm == "locked"


def test_a_fire_that_was_only_seen_outlives_a_kill_too() -> None:
    rig = Rig()
    rig.open_day()
    rig.disk.stall(2_500, times=1)
    rig.daemon.controller.requests.put(Request("ticket", {"class": "A"}, "officer-1"))
    rig.run(100)
    rig.hall.contact("fire", True)
    rig.run(200)
    rig.hall.contact("fire", False)  # over, before the slow disk took anything of it
    rig.run(200)
    assert not rig.told("emergency.raised")
    rig.kill()
    rig.start()
    rig.run(3_000)
    assert rig.arm == "free_both"
    rig.done("reset")
    rig.run(100)
    assert rig.arm == "locked"


def test_a_fire_that_burns_at_the_start_is_seen_before_anything_locks() -> None:
    rig = Rig()
    rig.open_day()
    rig.kill()
    rig.hall.contact("fire", True)
    rig.start()
    for _ in range(100):
        assert rig.arm == "free_both"
        rig.run(20)
    assert rig.core.mode == "emergency"


def test_a_crash_at_every_step_of_the_disk_during_a_deposit_loses_nothing_that_was_acted_on() -> None:
    """The world against the disk: a door that opened has a durable pulse, and an owner."""
    step = 0
    while True:
        rig = Rig()
        rig.open_day(cards=1)
        _, uid = rig.admit()
        rig.run(1_000)
        rig.disk.crash_at = rig.disk.steps + step
        rig.machine.on_crash = partial(rig.cut_power, seed=step)
        rig.tap("lockers", uid)
        rig.run(1_500)
        ended = rig.machine.daemon is not None
        rig.disk.crash_at = None
        opened = [n for n, locker in rig.hall.lockers.items() if locker.door == "open"]
        if ended:
            rig.cut_power(seed=step)
        settle(rig)
        for number in opened:
            assert rig.core.lockers[number].visit, f"step {step}: locker {number} opened, and nobody owns it"
            assert not rig.told("locker.forced")
        assert verify(rig.disk, "journal").damage is None
        if ended:
            break
        step += 1
    assert step >= 4


def test_a_flipped_bit_is_told_and_nothing_is_guessed() -> None:
    rig = Rig()
    rig.open_day()
    visit, uid = rig.admit()
    locker = rig.deposit(uid)
    _, other = rig.admit()
    rig.kill()
    segment = rig.disk.names("journal")[0]
    raw = rig.disk.read(f"journal/{segment}")
    rig.disk.flip(f"journal/{segment}", raw.index(b"card.enrolled") + 30)
    before = rig.disk.read(f"journal/{segment}")
    settle(rig)
    assert rig.core.mode == "degraded"
    assert rig.disk.read(f"journal/{segment}") == before, "nothing is changed, nothing is lost"
    rig.tap("lockers", other)
    rig.run(2_000)
    assert all(one.door == "closed" for one in rig.hall.lockers.values())
    rig.tap("exit", "DEADBEEF")
    rig.until(lambda: rig.arm == "free_out")
    rig.hall.contact("fire", True)
    rig.run(100)
    assert rig.arm == "free_both"
    assert "record" in rig.daemon.health()["disk"]["trouble"]
    assert rig.core.lockers[locker].visit in ("", visit)


def test_without_its_journal_a_hall_goes_on_from_the_checkpoint_degraded_and_in_its_own_time() -> None:
    rig = Rig()
    rig.open_day()
    visit, uid = rig.admit()
    locker = rig.deposit(uid)
    rig.enter(uid)
    rig.run(6 * 60_000)  # a checkpoint is made
    before = rig.core.visits[visit].started_at
    rig.kill()
    for segment in rig.disk.names("journal"):
        rig.disk.remove(f"journal/{segment}")
    settle(rig)
    assert rig.core.mode == "degraded"
    assert (rig.core.inside, rig.core.lockers[locker].visit) == (1, visit)
    assert rig.daemon.controller.now > before, "nobody came in the future"
    rig.leave(uid)
    rig.tap("lockers", uid)
    rig.until(lambda: rig.hall.lockers[locker].door == "open")


def test_a_checkpoint_of_another_form_is_left_aside() -> None:
    rig = Rig()
    rig.open_day()
    rig.daemon.controller.stop(rig.daemon.cursor)
    rig.kill()
    tables = json.loads(rig.disk.read("state.json"))
    changes: list[dict[str, Any]] = [
        {"lockers": {"1": {}}}, {"hall": {"1": "x"}}, {"about": {}}, {"cards": {"1": 7}},
    ]  # fmt: skip
    for change in changes:
        rows = {name: dict(table) for name, table in (tables | change).items() if name != "checksum"}
        StateCache(rig.disk, "state.json").save({name: list(table.values()) for name, table in rows.items()})
        settle(rig)
        assert rig.core.mode == "open"
        assert len(rig.core.cards) == 4
        rig.kill()


def test_a_locker_that_stands_open_or_is_not_empty_is_not_told_to_be_free() -> None:
    rig = Rig()
    rig.open_day()
    rig.done("inspect", actor="guard-1", locker=1, reason="cleaning", second="guard-2")
    rig.until(lambda: rig.hall.lockers[1].door == "open")
    rig.until(lambda: json.loads(rig.receiver.latest["occupancy"])["lockers"]["free"] == 47)
    rig.hall.door(1, "closed", content=False)
    rig.until(lambda: json.loads(rig.receiver.latest["occupancy"])["lockers"]["free"] == 48)


def test_every_event_reaches_the_central_server_once_in_order_over_restarts_and_a_dead_broker() -> None:
    rig = Rig()
    rig.open_day()
    _, uid = rig.admit(adults=2)
    rig.run(3_000)
    rig.broker.down()
    rig.deposit(uid)
    rig.kill()
    settle(rig)
    rig.enter(uid, persons=2)
    rig.broker.up(forget=True)
    rig.run(90_000)
    assert rig.receiver.violations == []
    assert rig.receiver.stored == rig.daemon.controller.ledger.journal.last_seq
    occupancy = json.loads(rig.receiver.latest["occupancy"])
    assert occupancy["inside"] == 2
    assert occupancy["confidence"] == ("suspect" if rig.core.suspect else "exact")


def test_the_wall_clock_may_jump_as_it_likes() -> None:
    rig = Rig()
    rig.open_day()
    _, uid = rig.admit()
    rng = Random(3)
    for _ in range(5):
        rig.wall.jump(rng.randrange(-43_200_000, 43_200_000))
        rig.run(1_500)
    rig.deposit(uid)
    rig.enter(uid)
    assert rig.core.inside == 1
    assert not rig.told("visit.overstayed")
    assert len(rig.told("clock.stepped")) >= 3


def test_a_slow_start_takes_nothing_from_a_visit() -> None:
    visits = CONFIG.visits.model_copy(update={"length": 5 * 60_000, "warn": 60_000})
    rig = Rig(CONFIG.model_copy(update={"visits": visits}))
    rig.open_day()
    _, uid = rig.admit()
    rig.deposit(uid)
    rig.enter(uid)
    entered_us = rig.clock.now_us
    rig.kill()
    rig.clock.advance_to(rig.clock.now_us + 30_000_000)
    newest = f"journal/{rig.disk.names('journal')[-1]}"
    rig.disk.put(newest, rig.disk.read(newest) + b'{"torn')
    rig.disk.stall(40_000, times=1)
    settle(rig)
    assert rig.clock.now_us - entered_us > 70_000_000, "the start has waited for the disk"
    rig.until(lambda: bool(rig.told("visit.warned")), within_ms=5 * 60_000)
    assert rig.clock.now_us - entered_us == pytest.approx(4 * 60_000_000, abs=2_000_000)
