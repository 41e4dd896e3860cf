"""Golden stories: each file in tests/golden is told again, and must come out as it stands there.

When one does not, understand why before anything else. Then `python -m pytest tests/sim/test_golden.py --update-golden`
writes what is told now, and shows the difference.
"""

from pathlib import Path

import pytest

from sim.golden.steps import StoryError
from sim.golden.transcript import changes, told_again

HERE = Path(__file__).parent.parent
CONFIG = HERE.parent / "config.yaml"
STORIES = sorted((HERE / "golden").glob("*.txt"))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_story_is_told_as_ever(
    path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    before = path.read_text(encoding="utf-8")
    after = told(before, f"tests/golden/{path.name}")
    difference = changes(before, after, f"tests/golden/{path.name}")
    if difference and request.config.getoption("--update-golden"):
        path.write_text(after, encoding="utf-8")
        with capsys.disabled():
            print(f"\n{difference}")  # noqa: T201
    elif difference:
        pytest.fail(f"the story goes otherwise now; --update-golden writes it so\n{difference}", pytrace=False)


def told(story: str, name: str) -> str:
    """The story, told again; a step that cannot be done fails with its one line."""
    try:
        return told_again(story, name, CONFIG)
    except StoryError as error:
        wrong = str(error)
    pytest.fail(wrong, pytrace=False)


def test_a_step_that_cannot_be_done_fails_with_its_line_alone() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"^x:2: no locker 99; there are 1-48$") as failed:
        told("hall opens with 1 card\ndoor 99 opens\n", "x")
    assert not failed.value.pytrace
    assert failed.value.__context__ is None


@pytest.mark.parametrize("name", ["a_whole_visit", "bank_silent", "exit_reader_dead", "commits_in_a_row"])
def test_a_story_is_the_same_when_every_scan_is_held(name: str) -> None:
    story = (HERE / "golden" / f"{name}.txt").read_text(encoding="utf-8")
    assert told_again(story, name, CONFIG, skip=False) == told_again(story, name, CONFIG)
