"""A day that was kept is lived again; a file that says anything else is one line: what, where, and what may be."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from firmware.commands.sim import app
from firmware.config import load
from sim.case import load_case, save_case
from sim.setting import Setting, setting_of, spelled_out

CONFIG = Path(__file__).parents[2] / "config.yaml"


def told_of(arguments: list[str]) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["day", "--config", str(CONFIG), *arguments])
    return result.exit_code, result.stderr


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_every_day_of_a_soak_can_be_kept(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    config = load(CONFIG)
    file = tmp_path_factory.getbasetemp() / "case.json"
    setting = spelled_out(config, setting_of(seed, "storm"))
    save_case(file, setting)
    assert load_case(file, config) == setting


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[1, 2]", "an object with seed, visitors, day_ms, "),
        ("{", "Expecting property name"),
        ("\xff", "codec can't decode"),
        ("{}", "seed: is missing; "),
        ('{"seed": 1, "visitors": "many"}', 'visitors: "many" is not allowed; 0 to 5000'),
        ('{"seed": 1, "vistors": 3}', 'vistors: unknown key; did you mean "visitors"?'),
        ('{"seed": 1, "weather": "rain"}', 'weather: "rain" is not allowed; one of none, some, storm'),
        ('{"seed": 1, "day_ms": -5}', "day_ms: -5 is not allowed; 1 to 28800000 (milliseconds)"),
        ('{"seed": 1, "only": [0]}', "only[0]: 0 is not allowed; 1 to 5000"),
        ('{"seed": 1, "strokes": 3}', "strokes: 3 is not allowed; a list, each: "),
        ('{"seed": 1, "strokes": [3]}', "strokes[0]: 3 is not allowed; "),
        ('{"seed": 1, "strokes": ["10 bad weather"]}', 'strokes[0]: "10 bad weather" is not allowed; '),
        ('{"seed": 1, "scenario": "moonlight"}', "scenario: no scenario 'moonlight'; there are few_lockers, "),
        ('{"seed": 1, "strokes": ["1 kill", "2 reader stuck at moon for 9"]}',
         "strokes[1]: '2 reader stuck at moon for 9' is not allowed; reader stuck at one of desk, "),
        ('{"seed": 1, "strokes": ["1 kill at desk"]}', "it befalls the machine, without a place"),
    ],
)  # fmt: skip
def test_a_case_that_says_something_else_is_one_line(text: str, line: str, tmp_path: Path) -> None:
    case = tmp_path / "case.json"
    case.write_bytes(text.encode("latin-1"))
    code, told = told_of(["--case", str(case)])
    assert code == 2
    assert told.startswith(f"besuk: {case}: is no day that a soak has kept: ")
    assert line in told
    assert len(told.splitlines()) == 1


def test_a_case_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    case = tmp_path / "case.json"
    assert told_of(["--case", str(case)]) == (2, f"besuk: {case}: cannot be read: no such file or directory\n")


@pytest.mark.parametrize("option", ["seed", "visitors", "counters", "lanes", "faults", "people"])
def test_what_a_case_says_itself_is_not_said_beside_it(option: str, tmp_path: Path) -> None:
    case = tmp_path / "case.json"
    case.write_text(json.dumps({"seed": 7, "visitors": 0}))
    value = {"faults": "storm", "people": "real"}.get(option, "1")
    code, told = told_of([f"--{option}", value, "--case", str(case)])
    assert (code, told) == (2, f"besuk: --{option}: beside --case means nothing: the day is what the case says\n")


def test_a_short_case_is_lived(tmp_path: Path) -> None:
    case = tmp_path / "case.json"
    save_case(case, Setting(7, visitors=0, day_ms=600_000))
    assert told_of(["--case", str(case)])[0] == 0
