"""Each habit by itself, in everybody: it shows, and everybody goes home all the same, with nothing left behind."""

import pytest

from firmware.core import facts as f
from sim.durations import MINUTE
from sim.judge import Violation
from sim.people.crowd import somebody
from sim.people.habits import POLITE, REAL, STAFF, VISITORS, Habits
from tests.sim.people_day import PeopleDay, site

WITH_OTHERS = {"tailgates": 40, "swaps_cards": 40, "forces": 40, "slips_in": 100, "impatient": 100}
"""These need somebody who does otherwise, or trouble in the hall."""
IN_A_CROWD = ("lets_others_go", "calls_out_of_order")
"""These need somebody who waits behind."""
AMONG: dict[str, dict[str, int]] = {
    "miscounts": {"bank_card": 100, "deposits": 0},
    "tries_anyway": {"search_refused": 50},
    "waits_for_owner": {"forgets_bag": 100},
}
"""These need an occasion."""


def alone(name: str, share: int = 100) -> Habits:
    shares = {name: share, "booked": 0, **AMONG.get(name, {})}
    return Habits(come_ms=(2_000, 8_000)).model_copy(update=shares)


@pytest.mark.parametrize("name", [name for name in (*VISITORS, *STAFF) if name not in WITH_OTHERS])
def test_a_habit_that_everybody_has_shows_and_everybody_goes_home(name: str) -> None:
    if name in IN_A_CROWD:
        narrow = site().model_copy(update={"capacity": 5})
        day = PeopleDay(alone(name), seed=2, visitors=9, day_ms=30_000, config=narrow)
    else:
        day = PeopleDay(alone(name), seed=2)
    day.run()
    day.went_home()
    assert day.people.seen_habits[name] > 0


@pytest.mark.parametrize("name", sorted(WITH_OTHERS))
def test_a_habit_that_some_have_leads_nobody_astray(name: str) -> None:
    day = PeopleDay(alone(name, WITH_OTHERS[name]), seed=3, visitors=5)
    day.run()
    day.went_home()


@pytest.mark.parametrize("seed", range(1, 4))
def test_real_people_go_home(seed: int) -> None:
    day = PeopleDay(REAL, seed=seed, visitors=8, day_ms=6 * 60_000)
    day.run()
    day.went_home()
    assert sum(day.people.seen_habits.values()) > 0


def test_whoever_has_collected_and_tries_the_lockers_again_stands_in_line_like_everybody() -> None:
    """What opens for them is not given to whoever stands there."""
    habits = Habits(come_ms=(2_000, 8_000), booked=0, tries_anyway=100, child_plays=30)
    day = PeopleDay(habits, seed=11, visitors=10, day_ms=2 * MINUTE)
    day.run()
    day.went_home()


@pytest.mark.parametrize("seed", [8, 9, 18, 21])
def test_a_guard_sorts_out_mixed_up_cards_and_leaves_alone_what_an_officer_holds(seed: int) -> None:
    habits = Habits(come_ms=(2_000, 8_000), booked=0, deposits=0, swaps_cards=60, forces=30, tailgates=30)
    day = PeopleDay(habits, seed=seed, visitors=8, day_ms=MINUTE)
    day.run()
    day.went_home()
    assert sorted((*day.people.tray, *day.people.odd_cards)) == sorted(day.hall.stock)


def test_the_polite_do_nothing_that_they_should_not() -> None:
    day = PeopleDay(POLITE, seed=5, visitors=4)
    day.run()
    day.went_home()
    assert not {*VISITORS, *STAFF} & set(day.people.seen_habits)
    assert [fact for fact in day.facts if isinstance(fact, f.TaskRaised) and fact.reason != "unresolved"] == []


def test_the_same_seed_is_the_same_day_among_real_people() -> None:
    traces = [PeopleDay(REAL, seed=seed, visitors=5).run().trace for seed in (7, 7, 8)]
    assert traces[0] == traces[1] != traces[2]


# -- who has which habit


def test_switching_one_habit_off_changes_nobodys_others() -> None:
    with_all = [somebody(1, number, site(), REAL) for number in range(1, 200)]
    without = [somebody(1, number, site(), REAL.model_copy(update={"hammers": 0})) for number in range(1, 200)]
    assert any("hammers" in who.habits for who in with_all)
    assert [who.habits - {"hammers"} for who in with_all] == [who.habits for who in without]
    assert [(who.adults, who.bag, who.booking) for who in with_all] == [
        (who.adults, who.bag, who.booking) for who in without
    ]


@pytest.mark.parametrize("name", VISITORS)
def test_a_share_is_about_the_share_of_those_who_do(name: str) -> None:
    habits = POLITE.model_copy(update={name: 25})
    crowd = [somebody(9, number, site(), habits) for number in range(400)]
    assert 60 <= sum(who.is_one_who(name) for who in crowd) <= 140


def test_one_visitor_may_be_left_out_and_the_others_come_as_before() -> None:
    day = PeopleDay(POLITE, seed=3, visitors=4, only=(2, 4))
    seen: set[int] = set()
    look = day.people.look

    def looked() -> None:
        seen.update(day.people.crowd)
        look()

    day.people.look = looked  # type: ignore[method-assign]
    day.run()
    assert seen == {2, 4}
    assert day.people.figures.went == 2


# -- what is expected of the hall


def test_what_the_rules_forbid_is_said_in_a_sentence() -> None:
    day = PeopleDay(POLITE)
    with pytest.raises(Violation, match=r"a door stayed shut \(at 0\.0 s\)"):
        day.people.expects(False, "a door stayed shut")
    told: list[str] = []
    day.people.on_unmet = told.append
    day.people.expects(False, "a door stayed shut")
    day.people.expects(True, "another did")
    assert told == ["a door stayed shut (at 0.0 s)"]


def test_a_visitor_who_is_refused_without_reason_says_so() -> None:
    """An entry reader that nobody polls is a hall that does not answer."""
    day = PeopleDay(Habits(booked=0, deposits=0), visitors=1)
    told: list[str] = []
    day.people.on_unmet = told.append
    day.people.hall.tap = _but_not_at("entry", day.people.hall.tap)  # type: ignore[method-assign]
    day.run()
    assert len(told) >= 1
    assert all("tapped alone at entry" in sentence for sentence in told)


def _but_not_at(lost: str, tap):  # type: ignore[no-untyped-def]
    def tapped(reader: str, uid: str, ms: int = 600) -> None:
        if reader != lost:
            tap(reader, uid, ms)

    return tapped
