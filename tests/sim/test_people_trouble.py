"""People in trouble that is not of their making: they go on, are helped, and go home."""

import random
from collections.abc import Callable, Sequence

import pytest

from firmware.core import facts as f
from firmware.core.site import ContactUse
from firmware.ledger import Told
from firmware.wiring import ContactWire
from sim.durations import MINUTE, SECOND
from sim.people.habits import POLITE, REAL, Habits
from sim.scale import with_counters, with_lanes, with_lockers
from sim.strokes import Stroke, plan
from tests.sim.people_day import PeopleDay, site

QUICK = Habits(booked=0, come_ms=(2_000, 6_000), patience_ms=(4 * MINUTE, 6 * MINUTE))


def sitting(day: PeopleDay) -> bool:
    return any(me.where == "inside" for me in day.people.crowd.values())


def when(day: PeopleDay, holds: Callable[[PeopleDay], bool], happens: Callable[[], None]) -> None:
    """Something happens as soon as something holds."""

    def look() -> None:
        if holds(day):
            happens()
        else:
            day.later(500, look)

    look()


def _kill(day: PeopleDay) -> None:
    if day.machine.daemon is not None:
        day.machine.kill(2_000)


@pytest.mark.parametrize("seed", range(1, 4))
def test_a_program_that_dies_again_and_again_keeps_nobody(seed: int) -> None:
    day = PeopleDay(QUICK, seed=seed, visitors=3)
    rng = random.Random(seed)
    for number in range(12):
        day.later((60 + 25 * number) * SECOND + rng.randrange(10_000), lambda: _kill(day))
    day.run()
    day.went_home()
    assert day.machine.starts > 8


def test_whoever_is_cut_off_looks_before_going_on_so_that_nobody_becomes_two_visits() -> None:
    """Killed in the very moment in which what was asked became durable, and before the answer."""
    day = PeopleDay(QUICK.model_copy(update={"priority": 0}), seed=1, visitors=2)
    heard = day.told
    killed: list[str] = []

    def told_and_killed(told: Sequence[Told]) -> None:
        heard(told)
        for one in told:
            name = one.fact.type_name()
            if name in ("visit.bound", "card.issued", "search.passed", "card.returned") and name not in killed:
                killed.append(name)
                day.clock.after(0, lambda: day.machine.kill(2_000))

    day.told = told_and_killed  # type: ignore[method-assign]
    day.run()
    day.went_home()
    assert killed == ["visit.bound", "card.issued", "search.passed", "card.returned"]
    assert len(day.of(f.VisitBound)) == 2
    assert len(day.people.tray) == len(day.hall.stock)


def test_a_power_cut_of_minutes_is_waited_out() -> None:
    day = PeopleDay(QUICK, seed=3)
    when(day, sitting, lambda: day.machine.cut_power(random.Random(3), 4 * MINUTE))
    day.run()
    day.went_home()


@pytest.mark.parametrize("seed", [1, 2])
def test_in_a_fire_everybody_walks_out_and_gets_the_bag_back_after_the_reset(seed: int) -> None:
    day = PeopleDay(QUICK, seed=seed)
    out: list[int] = []

    def fire() -> None:
        day.hall.contact("fire", True)
        day.later(30 * SECOND, lambda: out.append(day.hall.inside))
        day.later(40 * SECOND, lambda: day.hall.contact("fire", False))

    when(day, sitting, fire)
    day.run()
    day.went_home()
    assert out == [0]
    seen = day.people.seen_habits
    assert seen["walks_out_at_the_alarm"]
    assert seen["resets_the_emergency"] == len(day.of(f.EmergencyReset)) == 1


@pytest.mark.parametrize(
    ("device", "fault", "help_"),
    [
        ("exit", "unplugged", "presses_the_exit_button"),
        ("lockers", "unplugged", "helps_with_the_locker"),
        ("hall", "unplugged", "calls_aloud"),
        ("desk", "unplugged", "types_the_number"),
        ("entry", "unplugged", "gives_up_at_the_gate"),
        ("A", "silent", "opens_a_locker_with_the_key"),
    ],
)
def test_a_dead_device_is_helped_out_for(device: str, fault: str, help_: str) -> None:
    """Dead from the first seat on, to the end; the entry and the sign from the beginning."""
    day = PeopleDay(QUICK, seed=2)
    if device in ("entry", "hall", "desk"):
        day.later(30 * SECOND, lambda: day.hall.fault(device, fault))
    else:
        when(day, sitting, lambda: day.hall.fault(device, fault))
    day.run()
    day.went_home()
    assert day.people.seen_habits[help_] > 0


def test_somebody_who_stands_in_the_arm_is_helped_on() -> None:
    day = PeopleDay(QUICK, seed=2, visitors=2)
    when(day, sitting, lambda: day.hall.fault("main", "held"))
    day.run()
    day.went_home()
    assert day.people.seen_habits["helps_somebody_out_of_the_arm"]


def test_in_a_lockdown_nobody_goes_in_and_everybody_gets_out() -> None:
    day = PeopleDay(QUICK.model_copy(update={"lockdowns": 1}), seed=1, visitors=4)
    day.run()
    day.went_home()
    assert day.people.seen_habits["lockdown"] == len(day.of(f.HallLockedDown)) == 1
    lifted = day.facts.index(day.of(f.HallLockdownLifted)[0])
    during = day.facts[day.facts.index(day.of(f.HallLockedDown)[0]) : lifted]
    assert not [fact for fact in during if isinstance(fact, f.GatePassed) and fact.direction == "in"]


@pytest.mark.parametrize("seed", [1, 4, 5])
def test_over_a_damaged_journal_nobody_insists_and_everybody_goes_home(seed: int) -> None:
    """What can be recorded no more is a technician's, and no officer asks for it for ten minutes, card by card."""
    day = PeopleDay(QUICK, seed=seed, visitors=8, strokes=[Stroke(4 * MINUTE, "bit flipped", "", 2 * SECOND)])
    day.run()
    day.went_home()
    assert day.storm.seen["bit flipped"] == 1
    assert day.people.seen_habits["leaves_a_damaged_journal_to_a_technician"] == 1
    assert day.clock.now() < 4 * 60 * MINUTE


def test_several_lanes_banks_and_counters_are_used() -> None:
    config = with_lockers(with_lanes(with_counters(site(), 4), 2), 64)
    day = PeopleDay(REAL, seed=4, visitors=8, config=config, day_ms=30_000)
    day.run()
    day.went_home()
    assert {fact.lane for fact in day.facts if isinstance(fact, f.GatePassed)} == set(config.gate.lanes)
    assert {fact.counter for fact in day.facts if isinstance(fact, f.TicketCalled)} >= {"1", "2", "3"}


@pytest.mark.parametrize("seed", [1, 2])
def test_real_people_in_a_storm_go_home(seed: int) -> None:
    strokes = plan(site(), seed, "storm", 10 * MINUTE)
    day = PeopleDay(REAL, seed=seed, visitors=6, day_ms=10 * MINUTE, strokes=strokes)
    day.run()
    assert day.people.all_home
    assert day.people.figures.went == 6


def test_polite_people_have_guards_too() -> None:
    day = PeopleDay(POLITE, seed=6, visitors=2)
    day.hall.fault("locker-1", "stuck")
    day.run()
    day.went_home()
    assert day.people.seen_habits["sees_to_jammed"]


def test_a_wheelchair_goes_through_the_side_gate_and_is_counted_like_everybody() -> None:
    use = ContactUse.SIDE_GATE
    gates = {
        "ramp_in": ContactWire(use=use, pin=14, rest="closed", lane="main", direction="in"),
        "ramp_out": ContactWire(use=use, pin=15, rest="closed", lane="main", direction="out"),
    }
    config = site().model_copy(update={"contacts": {**site().contacts, **gates}})
    day = PeopleDay(QUICK.model_copy(update={"wheelchair": 100}), seed=2, visitors=2, config=config)
    day.run()
    day.went_home()
    passed = day.of(f.GatePassed)
    assert day.people.seen_habits["side_gate"] == len(passed) > 0
    assert day.hall.arms["main"].turnstile.passed == {"a": 0, "b": 0}


@pytest.mark.parametrize(
    "stroke", ["strange card at entry for 240000", "strange card at lockers for 240000", "two cards at exit for 8000"]
)
@pytest.mark.parametrize("seed", [1, 2])
def test_where_strange_cards_lie_nobody_insists_and_everybody_gets_through_in_the_end(seed: int, stroke: str) -> None:
    what, where = stroke.split(" for ")
    kind, on = what.split(" at ")
    times = range(60, 240, 10) if kind == "two cards" else (30,)
    strokes = [Stroke(s * SECOND, kind, on, int(where)) for s in times]
    day = PeopleDay(QUICK, seed=seed, visitors=3, strokes=strokes)
    day.run()
    day.went_home()


def test_a_notice_hangs_on_the_lockers_that_guards_have_taken_out_of_service() -> None:
    day = PeopleDay(QUICK.model_copy(update={"serviced": 100}), visitors=2)
    day.run()
    out = {number for number, one in day.daemon.controller.hall.lockers.items() if one.fault == "out_of_service"}
    assert day.people.notices == out
    assert out
