"""How many counters a day needs: what binds, the search for the fewest, and small days that are really lived."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from firmware.commands.sim import app
from firmware.config import Config, load
from firmware.report.figures import STEPS
from sim.counters import Hands, Hunt, Outcome, try_day, what_binds
from sim.counters_run import main_counters
from sim.durations import MINUTE, SECOND
from sim.scale import with_lanes

CONFIG = Path(__file__).parents[2] / "config.yaml"


@cache
def config() -> Config:
    return load(CONFIG)


def lost(*seconds: int) -> Mapping[str, int]:
    return {step: second * SECOND for step, second in zip(STEPS, seconds, strict=True)}


@pytest.mark.parametrize(
    ("waited", "binds"),
    [
        (lost(600, 0, 0, 5), "counters"),
        (lost(600, 90, 10, 5), "cards"),
        (lost(20_000, 3_000, 60, 5), "searchers"),
        (lost(20_000, 3_000, 60, 900), "capacity"),
        (lost(4, 8, 14, 27), "capacity"),
        (lost(4, 8, 20, 5), "searchers"),
        (lost(0, 0, 0, 0), "work"),
        ({}, "work"),
    ],
)
def test_what_binds_is_the_last_station_at_which_late_visits_lost_much(waited: Mapping[str, int], binds: str) -> None:
    assert what_binds(waited, "capacity", all_in_time=False) == binds


def test_nothing_binds_where_all_are_in_time() -> None:
    assert what_binds(lost(9, 9, 9, 9), "lanes", all_in_time=True) == "nothing"


def day(counters: int, percent: int, binds: str = "counters", best: int = 99) -> Outcome:
    hands = Hands(visitors=500, counters=counters)
    return Outcome(hands, 500, 5 * percent, 90_000, 130_000, best, {}, binds, 80, 0)


@pytest.mark.parametrize("enough", range(1, 13))
def test_the_fewest_counters_are_found_in_a_few_days(enough: int) -> None:
    hunt = Hunt(Hands(500, 1), 1, 12)
    while todo := hunt.todo():
        (hands,) = todo
        hunt.take(day(hands.counters, 95 if hands.counters >= enough else 40))
    assert hunt.answer.hands.counters == enough
    assert len(hunt.tried) <= 4
    assert f"500 visitors: {enough} counter" in hunt.sentence
    assert "enough; 95 %" in hunt.sentence


def test_counters_are_added_no_more_once_something_behind_them_binds() -> None:
    hunt = Hunt(Hands(500, 1), 1, 12)
    while todo := hunt.todo():
        (hands,) = todo
        hunt.take(day(hands.counters, 30, "counters" if hands.counters < 4 else "capacity"))
    assert hunt.sentence == (
        "500 visitors: no number of counters is enough; from 4 counters on, what binds is the places inside; "
        "30 % sat down in time; inside, there is room for about 80 visits an hour"
    )


def test_too_few_at_most_are_said_to_be_too_few() -> None:
    hunt = Hunt(Hands(500, 1), 1, 2)
    while todo := hunt.todo():
        hunt.take(day(todo[0].counters, 10))
    assert hunt.sentence == "500 visitors: 2 counters are too few; 10 % sat down in time"


def test_a_promise_that_nobody_could_keep_is_said_to_be_one() -> None:
    hunt = Hunt(Hands(500, 1), 1, 1)
    hunt.take(day(1, 60, "counters", best=80))
    assert "if nobody ever waited, 80 % would have" in hunt.sentence


def test_the_whole_table_tries_each_number_once() -> None:
    hunt = Hunt(Hands(500, 1), 2, 5, every=True)
    assert [hands.counters for hands in hunt.todo()] == [2, 3, 4, 5]
    for hands in hunt.todo():
        hunt.take(day(hands.counters, 95))
    assert hunt.todo() == []
    assert [one.hands.counters for one in hunt.rows] == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("binds", "percent", "sentence"),
    [
        ("nothing", 95, "500 visitors: 4 counters are enough; 95 % sat down in time; fewer were not tried"),
        ("lanes", 40, "500 visitors: 4 counters are not enough, and what binds is the lanes; 40 % sat down in time"),
        ("counters", 40, "500 visitors: 4 counters are too few; 40 % sat down in time"),
    ],
)
def test_of_a_single_number_nothing_is_said_about_others(binds: str, percent: int, sentence: str) -> None:
    hunt = Hunt(Hands(500, 4), 4, 4)
    hunt.take(day(4, percent, binds))
    assert hunt.sentence == sentence


@cache
def lived(**hands: int) -> Outcome:
    """Ten visitors who come at almost the same time, and stay two minutes at most."""
    short = config().model_copy(update={"visits": config().visits.model_copy(update={"length": 2 * MINUTE})})
    wanted: dict[str, int] = {"visitors": 10, "counters": 1, "searchers": 8, "day_ms": MINUTE, **hands}
    return try_day(short, Hands(**wanted))


def test_ten_families_before_one_counter_wait_for_the_counter() -> None:
    assert (lived().seated, lived().binds) == (10, "counters")


def test_behind_ten_counters_they_wait_for_the_only_searcher() -> None:
    assert lived(counters=10, searchers=1).binds == "searchers"


def test_in_a_small_hall_they_wait_for_a_place_however_many_serve_them() -> None:
    assert lived(counters=10, capacity=5).binds == "capacity"


def test_with_three_cards_they_wait_for_a_card() -> None:
    assert lived(counters=10, cards=3).binds == "cards"


def test_a_second_lane_carries_people() -> None:
    two = lived(counters=10, lanes=2)
    assert two.seated == 10
    assert two.median <= lived(counters=10).median


def test_the_same_day_gives_the_same_figures() -> None:
    first = lived()
    lived.cache_clear()
    assert lived() == first


def test_the_command_answers_in_a_sentence_and_to_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    def ask(*, as_json: bool) -> str:
        code = main_counters(
            CONFIG, config(), visitors=(3,), counters=(1, 2), share=50, jobs=2, as_json=as_json, day_ms=2 * MINUTE
        )
        assert code == 0
        return capsys.readouterr().out

    told = json.loads(ask(as_json=True))
    assert (told["promise_ms"], told["share"]) == (120_000, 50)
    assert told["answers"][0]["visitors"] == 3
    said = ask(as_json=False)
    assert told["answers"][0]["sentence"] in said
    assert "2 searchers, 1 lane, 60 places, 48 lockers, 80 cards, seed 1; the promise" in said


def test_a_day_that_does_not_hold_ends_the_search_with_its_seed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sim.day.LONGEST_MS", 10_000)
    assert main_counters(CONFIG, config(), visitors=(3,), counters=(1, 1), jobs=1, day_ms=2 * MINUTE) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.strip() == "seed 1: after 0 minutes the day has not ended; seed 1, at 20.000 s"


def test_a_hall_that_cannot_be_built_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main_counters(CONFIG, config(), lanes=4) == 2
    assert capsys.readouterr().err == "besuk sim counters: 4 lanes are not possible: a Pi has too few pins\n"


@pytest.mark.parametrize(("lockers", "lanes", "line"), [
    (5, None, "--lockers 5 is not possible: the site has 48; name a --config with fewer"),
    (None, 1, "--lanes 1 is not possible: the site has 2; name a --config with fewer"),
])  # fmt: skip
def test_a_hall_smaller_than_it_is_wired_is_refused(
    lockers: int | None, lanes: int | None, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    site = with_lanes(config(), 2 if lanes else 1)
    assert main_counters(CONFIG, site, visitors=(5_000,), lockers=lockers, lanes=lanes) == 2
    assert capsys.readouterr().err == f"besuk sim counters: {line}\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--visitors", "9,many"], "--visitors: '9,many' is not allowed; numbers from 1 to 5000 such as 220,500,1200"),
        (["--visitors", "0"], "--visitors: '0' is not allowed; numbers from 1 to 5000 such as 220,500,1200"),
        (["--counters", "5-2"], "--counters: '5-2' is not allowed; a number or range from 1 to 20 such as 1-12"),
        (["--counters", "1-21"], "--counters: '1-21' is not allowed; a number or range from 1 to 20 such as 1-12"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line(arguments: list[str], line: str) -> None:
    result = CliRunner().invoke(app, ["counters", *arguments])
    assert (result.exit_code, result.stderr) == (2, f"besuk: {line}\n")
