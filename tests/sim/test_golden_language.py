"""The language of stories: what is written is what is read, a mistake has its file and line, a change is shown."""

from pathlib import Path

import pytest
from gpiozero import OutputDevice
from hypothesis import given
from hypothesis import strategies as st

from hal.turnstile import Turnstile
from sim.golden import steps
from sim.golden.steps import STEPS, Step, StoryError, step_of
from sim.golden.transcript import changes, printed, steps_in, told_again

CONFIG = Path(__file__).parent.parent.parent / "config.yaml"

NAMES = st.text("ABYZabyz019_-", min_size=1, max_size=6)
WORDS = st.text("abyz_", min_size=1, max_size=6)
NUMBERS = st.integers(1, 9_999)
DIRECTIONS = st.sampled_from(["in", "out"])
ENDS = st.sampled_from(["program is killed", "power fails"])
KEYS, VALUES = st.text("abyz", min_size=1, max_size=4), st.text('abz19{}[]":,=-', min_size=1, max_size=6)
PAIRS = st.lists(st.builds("{}={}".format, KEYS, VALUES), min_size=1, max_size=3).map(" ".join)
ACTORS = st.sampled_from(["officer-1", "guard-2", "supervisor-1", "officer-door"])
ANY_STEP: st.SearchStrategy[Step] = st.one_of(
    st.builds(steps.Opens, NUMBERS),
    st.builds(steps.Admitted, NAMES, PAIRS),
    st.builds(steps.Wait, NUMBERS),
    st.builds(steps.Taps, NAMES, NAMES, NUMBERS),
    st.builds(steps.Lays, NAMES, NAMES),
    st.builds(steps.Takes, NAMES, NAMES),
    st.builds(steps.Presses, st.sampled_from(["visitor", "guard"]), NAMES),
    st.builds(steps.Pushes, DIRECTIONS, st.sampled_from(["pushes", "forces"]), st.just("") | NAMES, st.integers(0, 3)),
    st.builds(steps.TurnsBack, st.just("") | NAMES),
    st.builds(
        steps.Door, NUMBERS, st.sampled_from(["closes", "opens", "is forced"]),
        st.sampled_from(["", "bag inside", "empty"]),
    ),
    st.builds(steps.Asks, ACTORS, WORDS, st.just("") | PAIRS),
    st.builds(steps.Contact, NAMES, st.sampled_from(["active", "at rest"])),
    st.builds(steps.Fire, st.sampled_from(["", " is out"])),
    st.builds(steps.Fault, NAMES, WORDS, st.just(0) | NUMBERS),
    st.builds(steps.Mended, NAMES),
    st.builds(steps.Ends, ENDS, st.just(0) | NUMBERS),
    st.builds(steps.Starts, st.sampled_from(["program starts", "power returns"])),
)  # fmt: skip


@given(ANY_STEP)
def test_what_a_program_writes_reads_as_the_same_step(step: Step) -> None:
    assert step_of(str(step)) == step


@pytest.mark.parametrize("kind", STEPS, ids=lambda kind: kind.__name__)
def test_each_example_is_a_step_of_its_kind(kind: type[Step]) -> None:
    assert isinstance(step_of(kind.LIKE), kind)
    assert str(step_of(kind.LIKE)) == kind.LIKE


def test_a_printed_story_is_a_story() -> None:
    told = [steps.Opens(2), steps.Taps("001", "lockers"), steps.Wait(340), steps.Ends("power fails", 3)]
    text = printed(told, "What the judge found on seed 7")
    assert [line.step for line in steps_in(text, "x") if line.step] == told


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("vistor taps 001 at lockers", "is no step of a story; perhaps as 'visitor taps 001 at lockers'"),
        ("wait 5", "perhaps as 'wait 340 ms'"),
        ("wait 5 parsecs", "is no step"),
        ("officer-1 call", "perhaps as 'officer-1: call counter=1'"),
        ("visitor taps 001 at nowhere", "no reader 'nowhere'; there are desk, lockers, entry, exit"),
        ("visitor taps xyz at lockers", "a UID has 8, 14 or 20 hex digits, not 'XYZ'"),
        ("door 99 closes", "no locker 99; there are 1-48$"),
        ("fault main tired", "main has no fault 'tired'; it has"),
        ("fault moon held", "no device 'moon'; there are desk, lockers, entry, exit, main, A, hall, disk, broker, "),
        ("mended moon", "no device 'moon'; there are desk, .*, and lockers such as locker-1$"),
        ("visitor pushes in at side", "no lane 'side'; there are main"),
        ("visitor turns back at side", "no lane 'side'; there are main"),
        ("contact door active", "no contact 'door'; there are fire"),
        ("party gets card 077: adults=1", "issue: unknown_card: no card '077' is enrolled"),
        ("officer-1: recount present={", "present: '{' is no JSON"),
        ("given capacity=3", "settings come before the first step"),
        ("program starts", "the program is up already"),
        ("hall opens with 1 card", "the program is up already"),
    ],
)
def test_a_mistake_names_file_and_line(line: str, why: str) -> None:
    with pytest.raises(StoryError, match=r"^golden/x\.txt:3: .*" + why):
        told_again(f"# A mistake.\nhall opens with 1 card\n{line}\n", "golden/x.txt", CONFIG)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("given capacity=many", "capacity: .*many"),
        ("given capcity=3", 'did you mean "capacity"'),
        ("given a=[", "no value"),
    ],
)
def test_a_setting_that_is_not_one(line: str, why: str) -> None:
    with pytest.raises(StoryError, match=rf"^x:1: .*{why}"):
        told_again(f"{line}\nhall opens with 1 card\n", "x", CONFIG)


def test_a_driver_that_breaks_its_protocol_breaks_the_story_at_that_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pulse that the arm might not see."""

    def hasty(self: Turnstile, output: OutputDevice, _now: int) -> None:
        self._write(output, True)
        self._write(output, False)

    monkeypatch.setattr(Turnstile, "_give", hasty)
    with pytest.raises(AssertionError, match=r"^x:3: wait 1 s: unlock B was pulsed for 0 ms"):
        told_again("hall opens with 1 card\nvisitor taps 3B5A1C77 at exit\nwait 1 s\n", "x", CONFIG)


def test_what_a_hand_cannot_do_is_told() -> None:
    again = told_again("hall opens with 1 card\ndoor 3 opens\ndoor 3 closes, bag inside\n", "x", CONFIG)
    assert again.splitlines()[2:] == [
        "door 3 opens", "    it does not: the door is latched",
        "door 3 closes, bag inside", "    it does not: the door is closed",
    ]  # fmt: skip


STORY = """# A tap of a card that nobody knows.
hall opens with 1 card
    -> something else
visitor taps 3B5A1C77 at lockers
wait 1 s
"""


def test_what_followed_is_written_anew_and_shown_as_a_difference() -> None:
    again = told_again(STORY, "x", CONFIG)
    assert again.splitlines()[2:] == [
        "    -> done", "visitor taps 3B5A1C77 at lockers", "wait 1 s",
        "    card.refused card=3B5A1C77 reader=lockers reason=unknown count=1", "    sign hall: KE LOKET",
    ]  # fmt: skip
    difference = changes(STORY, again, "x")
    assert "--- x (as it is)\n+++ x (as told now)\n" in difference
    assert "\n-    -> something else\n+    -> done\n" in difference
    assert told_again(again, "x", CONFIG) == again, "told twice, the same"
    assert changes(again, again, "x") == ""


@pytest.mark.parametrize(
    "waits", [["345 ms", "655 ms"], ["1 ms"] * 45 + ["955 ms"], ["1 s"]], ids=["odd", "tiny", "whole"]
)
def test_it_does_not_matter_how_time_is_cut(waits: list[str]) -> None:
    """Scans stay on their grid whatever a story waits for."""
    story = "hall opens with 1 card\nparty gets card 001: adults=1\nvisitor taps 001 at lockers\n"
    told = told_again(story + "".join(f"wait {ms}\n" for ms in waits), "x", CONFIG).splitlines()
    followed = [line for line in told if line.startswith(" ")]
    whole = told_again(story + "wait 1 s\n", "x", CONFIG).splitlines()
    assert followed == [line for line in whole if line.startswith(" ")]


def test_a_story_whose_program_stays_down_ends_all_the_same() -> None:
    story = "hall opens with 1 card\npower fails\nwait 1 s\nofficer-1: call counter=1\n"
    assert told_again(story, "x", CONFIG).splitlines()[-1].startswith("    -> no_answer: nobody listens")
