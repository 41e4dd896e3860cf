"""`python -m sim.crashes` as its users meet it: a mistake is one line, and nothing tried is nothing proved."""

import pytest

from sim.crashes.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--part", "3/2"], "argument --part: '3/2' is not allowed; which part of how many, such as 2/4"),
        (["--part", "0/2"], "argument --part: '0/2' is not allowed; which part of how many, such as 2/4"),
        (["--part", "1/0"], "argument --part: '1/0' is not allowed; which part of how many, such as 2/4"),
        (["--part", "x"], "argument --part: 'x' is not allowed; which part of how many, such as 2/4"),
        (["--part", "2/2", "--first", "enter"], "argument --part: nothing is left for 2/2 of 1 first actions"),
        (["--jobs", "0"], "argument --jobs: '0' is not allowed; a whole number from 1"),
        (["--depth", "0"], "argument --depth: '0' is not allowed; a whole number from 1"),
        (["--depth", "two"], "argument --depth: 'two' is not allowed; a whole number from 1"),
        (["--twice", "-1"], "argument --twice: "),
        (["--first"], "argument --first: expected at least one argument"),
        (["--first", "fly"], "argument --first: invalid choice: 'fly'"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines()[-1].startswith(f"python -m sim.crashes: error: {line}")
