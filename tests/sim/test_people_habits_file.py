"""Habits as a file: what it may say, and how a mistake in it is told."""

from pathlib import Path

import pytest

from sim.people.habits import POLITE, REAL, SETS, STAFF, VISITORS, Habits, HabitsError, as_yaml, habits_of, load


def written(folder: Path, text: str) -> Path:
    path = folder / "people.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", sorted(SETS))
def test_a_set_that_is_written_down_is_read_as_it_was(tmp_path: Path, name: str) -> None:
    assert load(written(tmp_path, as_yaml(SETS[name]))) == SETS[name]
    assert habits_of(name) is SETS[name]


def test_the_sample_is_what_the_program_writes_and_says_what_each_key_means() -> None:
    sample = Path(__file__).parents[2] / "docs" / "people.yaml"
    assert sample.read_text(encoding="utf-8") == as_yaml(REAL)
    assert load(sample) == REAL
    assert all("# " in line for line in sample.read_text(encoding="utf-8").splitlines() if line)


def test_what_is_left_out_is_polite(tmp_path: Path) -> None:
    assert load(written(tmp_path, "")) == POLITE
    assert load(written(tmp_path, "hammers: 40\nwalk_ms: 1 s to 2 s\n")) == Habits(hammers=40, walk_ms=(1_000, 2_000))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("booked: 1\nhammers: 101\n", ":2: hammers: 101 is not allowed; 0 to 100 (percent)"),
        ("hammers: often\n", ':1: hammers: "often" is not allowed; 0 to 100 (percent)'),
        ("hammer: 3\n", ':1: hammer: unknown key; did you mean "hammers"?'),
        ("walk_ms: 6 s to 2 s\n", ':1: walk_ms: "6 s to 2 s" is not allowed; two times'),
        ("stay: 20\n", ":1: stay: 20 is not allowed; two percentages"),
        ("hammers: 1\nhammers: 2\n", 'line 2, column 1: the key "hammers" is given twice, first in line 1'),
        ("- hammers\n", ":1: the file: "),
    ],
)
def test_a_mistake_is_told_with_file_and_line(tmp_path: Path, text: str, told: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(HabitsError) as refused:
        load(path)
    assert str(path) in str(refused.value)
    assert told in str(refused.value)


def test_a_name_that_is_neither_a_set_nor_a_file_is_told_with_the_sets() -> None:
    with pytest.raises(HabitsError, match="the named sets are polite, real"):
        habits_of("rude")


def test_real_people_have_every_habit_and_the_polite_none() -> None:
    assert all(getattr(REAL, name) > 0 for name in (*VISITORS, *STAFF))
    assert not any(getattr(POLITE, name) for name in (*VISITORS, *STAFF))
