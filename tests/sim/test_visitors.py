"""Visitors and officers one by one: what they do when something is not as they hoped, and who they are."""

from functools import cache
from pathlib import Path

import pytest

from firmware.config import Config, load
from firmware.core import facts as f
from firmware.ledger import Told
from sim.clock import VirtualClock
from sim.day import Day
from sim.durations import MINUTE
from sim.people.agents import Agents, Story, Turns, Wait
from sim.people.crowd import Visitor, arrival_ms, somebody
from sim.people.habits import Habits
from sim.people.visitors import visit

CONFIG = Path(__file__).parents[2] / "config.yaml"


@cache
def config() -> Config:
    """The sample hall, with visits of at most two minutes."""
    whole = load(CONFIG)
    return whole.model_copy(update={"visits": whole.visits.model_copy(update={"length": 2 * MINUTE})})


def day_of(*visitors: Visitor, changed: Config | None = None) -> tuple[Day, list[f.Fact]]:
    """A day to which these come, one after the other, and the facts that it leaves."""
    day = Day(changed or config(), seed=1, visitors=0)
    facts: list[f.Fact] = []
    tell = day.daemon.controller.tell

    def told(all_told: list[Told]) -> None:
        facts.extend(one.fact for one in all_told)
        tell(all_told)

    day.daemon.controller.tell = told  # type: ignore[assignment]
    day.people.expected = len(visitors)
    for number, who in enumerate(visitors):
        day.people.agents.begin(visit(day.people, who), 5_000 + number * 20_000)
    day.run()
    return day, facts


def party(number: int = 1, **who: object) -> Visitor:
    """Somebody with a bag, alone unless said otherwise."""
    someone = somebody(1, number, config(), Habits(booked=0, priority=0))
    someone.adults, someone.children, someone.carried, someone.bag, someone.letter = 1, 0, 0, True, "A"
    for name, value in who.items():
        setattr(someone, name, value)
    return someone


def of(facts: list[f.Fact], kind: type[f.Fact]) -> list[f.Fact]:
    return [fact for fact in facts if isinstance(fact, kind)]


def test_a_family_passes_the_arm_on_one_tap_and_the_infant_goes_with_the_first_in_and_the_last_out() -> None:
    _, facts = day_of(party(adults=2, children=1, carried=1))
    passed = [(p.direction, p.carried) for p in facts if isinstance(p, f.GatePassed)]
    assert passed == [("in", 1), ("in", 0), ("in", 0), ("out", 0), ("out", 0), ("out", 1)]
    assert len(of(facts, f.GateGranted)) == 2


def test_whoever_brings_no_bag_needs_no_locker() -> None:
    _, facts = day_of(party(bag=False))
    assert of(facts, f.LockerAssigned) == []
    assert len(of(facts, f.VisitEnded)) == 1


def test_elderly_visitors_get_a_number_of_their_own_class_from_an_officer() -> None:
    _, facts = day_of(party(letter="P"), party(2))
    assert [fact.ticket for fact in facts if isinstance(fact, f.TicketIssued)] == ["P-001", "A-001"]


def test_the_bag_comes_back_out_of_the_locker_into_which_it_went() -> None:
    day, facts = day_of(party(), party(2))
    assigned = {fact.visit: fact.locker for fact in facts if isinstance(fact, f.LockerAssigned)}
    collected = {
        fact.visit: fact.locker for fact in facts if isinstance(fact, f.LockerOpened) and fact.purpose == "collect"
    }
    assert assigned == collected
    assert len(set(assigned.values())) == 2
    assert not any(locker.content for locker in day.hall.lockers.values())


def test_a_locker_that_jams_is_answered_by_another_and_the_visit_goes_on() -> None:
    day = Day(config(), seed=1, visitors=0)
    day.hall.fault("locker-1", "stuck")
    day.people.expected = 1
    day.people.agents.begin(visit(day.people, party()), 5_000)
    while day.people.figures.went == 0 and day.clock.now() < 10 * MINUTE:
        day.pace.round()
    assert day.people.figures.went == 1
    assert [day.daemon.controller.hall.lockers[number].uses for number in (1, 2)] == [1, 1]


def test_who_somebody_is_does_not_depend_on_who_else_comes() -> None:
    alone = somebody(3, 17, config(), Habits())
    among = [somebody(3, number, config(), Habits()) for number in range(1, 40)][16]
    assert (alone.adults, alone.children, alone.carried, alone.stay_ms, alone.letter, alone.booking, alone.bag) == (
        among.adults, among.children, among.carried, among.stay_ms, among.letter, among.booking, among.bag
    )  # fmt: skip
    assert alone.takes((0, 10**9)) == among.takes((0, 10**9))


@pytest.mark.parametrize("seed", [1, 2])
def test_parties_fit_the_rules_of_the_site_and_visits_their_length(seed: int) -> None:
    site = config().as_site()
    crowd = [somebody(seed, number, config(), Habits()) for number in range(500)]
    assert all(who.adults >= 1 and who.walkers + who.carried <= site.party_most for who in crowd)
    assert all(who.letter in site.classes for who in crowd)
    assert all(0 < who.stay_ms < site.visit_ms for who in crowd)
    assert {True, False} == {who.bag for who in crowd} == {bool(who.booking) for who in crowd}
    assert any(who.carried for who in crowd)


def test_a_day_has_a_peak_in_the_morning_and_another_after_noon() -> None:
    tenths = [0] * 10
    for number in range(5_000):
        tenths[min(9, arrival_ms(1, number, 1_000) // 100)] += 1
    assert min(tenths[1], tenths[6]) > 1.5 * max(tenths[4], tenths[9])
    assert sum(tenths) == 5_000


# -- stories and turns


def test_a_story_waits_for_what_it_sees_or_until_its_patience_ends() -> None:
    clock = VirtualClock()
    agents = Agents(clock)
    door: list[str] = []
    told: list[tuple[int, bool]] = []

    def story() -> Story[None]:
        for _ in range(2):
            seen = yield Wait(500, lambda: door)
            told.append((clock.now(), seen))

    agents.begin(story())
    for at in range(0, 1_000, 20):
        clock.advance_to(at * 1_000)
        if at == 700:
            door.append("open")
        agents.look()
    assert told == [(500, False), (700, True)]


def test_what_one_does_the_other_sees_in_the_same_look() -> None:
    clock = VirtualClock()
    agents = Agents(clock)
    done: list[str] = []

    def story(name: str, before: str) -> Story[None]:
        yield Wait(seen=lambda: before in done)
        done.append(name)

    for name, before in (("third", "second"), ("second", "first"), ("first", "start")):
        agents.begin(story(name, before))
    clock.advance_to(0)
    done.append("start")
    agents.look()
    assert done == ["start", "first", "second", "third"]


def test_a_queue_is_served_in_order() -> None:
    clock = VirtualClock()
    agents, turns = Agents(clock), Turns()
    served: list[int] = []

    def person(number: int) -> Story[None]:
        yield from turns.take()
        yield Wait(100)
        served.append(number)
        turns.give()

    for number in range(5):
        agents.begin(person(number), after_ms=number)
    for at in range(0, 2_000, 20):
        clock.advance_to(at * 1_000)
        agents.look()
    assert served == [0, 1, 2, 3, 4]
