"""The virtual arm behaves as its maker describes the real one, and does not forgive what the real one might."""

import pytest
from gpiozero import InputDevice, OutputDevice

from hal.seen import Side
from sim.clock import VirtualClock, WireError
from sim.gpio import VirtualPins
from sim.turnstile import ArmWires, VirtualTurnstile

WIRES = ArmWires(unlock_a=5, unlock_b=6, release=13, pass_a=16, pass_b=20, ready=21, stop=19)


class Place:
    """An arm whose wires are moved by hand."""

    def __init__(self, *, engaged: bool = True) -> None:
        self.clock = VirtualClock()
        self.pins = VirtualPins(self.clock)
        self.trace: list[tuple[int, str]] = []
        self.through: list[Side] = []
        self.arm = VirtualTurnstile(
            self.clock, self.pins, WIRES, lambda what: self.trace.append((self.clock.now(), what)),
            on_through=lambda side: self.through.append(side),
        )  # fmt: skip
        self.unlock: dict[Side, OutputDevice] = {
            "a": OutputDevice(WIRES.unlock_a, pin_factory=self.pins),
            "b": OutputDevice(WIRES.unlock_b, pin_factory=self.pins),
        }
        self.stop = OutputDevice(WIRES.stop, pin_factory=self.pins)
        self.release = OutputDevice(WIRES.release, pin_factory=self.pins)
        self.contacts = {
            name: InputDevice(number, pull_up=True, pin_factory=self.pins)
            for name, number in (("pass_a", WIRES.pass_a), ("pass_b", WIRES.pass_b), ("ready", WIRES.ready))
        }
        if engaged:
            self.release.on()
        self.trace.clear()
        self.outcomes: list[bool] = []

    def wait(self, ms: int) -> None:
        self.clock.advance_to(self.clock.now_us + ms * 1000)

    def pulse(self, *sides: Side, ms: int = 200) -> None:
        for side in sides:
            self.unlock[side].on()
        self.wait(ms)
        for side in sides:
            self.unlock[side].off()

    def push(self, side: Side, ms: int = 1_200) -> None:
        self.arm.push(side, ms, self.outcomes.append)

    def state(self) -> str:
        return self.arm.state

    def closed(self) -> dict[str, bool]:
        return {name: bool(contact.value) for name, contact in self.contacts.items()}


def test_without_current_in_the_release_relay_the_arm_is_free_and_with_it_locked() -> None:
    place = Place(engaged=False)
    assert place.state() == "free_both"
    place.release.on()
    assert place.state() == "locked"
    place.push("a")
    assert place.outcomes == [False]


def test_a_passage_moves_the_contacts_at_the_angles_of_the_data_sheet() -> None:
    place = Place()
    place.pulse("a")
    place.trace.clear()
    place.push("a", 1_200)  # 10 ms a degree
    place.wait(2_000)
    assert place.trace == [(870, "pass_a open"), (1_320, "pass_a closed"), (1_320, "locked")]
    assert (place.outcomes, place.arm.passed) == ([True], {"a": 1, "b": 0})
    assert place.closed() == {"pass_a": True, "pass_b": True, "ready": True}


@pytest.mark.parametrize(("sides", "state"), [("a", "free_a"), ("b", "free_b"), ("ab", "free_both")])
def test_what_a_pulse_opens_and_for_how_long(sides: str, state: str) -> None:
    place = Place()
    place.pulse(*[side for side in ("a", "b") if side in sides])
    assert place.state() == state
    place.wait(4_790)
    assert place.state() == state
    place.wait(20)
    assert place.state() == "locked"


def test_both_inputs_low_give_one_passage_each_way() -> None:
    place = Place()
    place.pulse("a", "b")
    place.push("a", 800)
    place.push("b", 800)
    place.wait(2_000)
    place.push("a", 800)
    place.push("b", 800)
    assert place.outcomes == [True, True, False, False]


def test_stop_ends_the_window() -> None:
    place = Place()
    place.pulse("a")
    place.stop.on()
    place.wait(200)
    place.stop.off()
    assert place.state() == "locked"


def test_whoever_follows_in_the_same_window_stands_before_a_locked_arm() -> None:
    place = Place()
    place.pulse("a")
    place.push("a", 900)
    place.push("a", 900)
    place.wait(3_000)
    assert sorted(place.outcomes) == [False, True]
    assert place.arm.passed["a"] == 1


def test_a_pulse_during_a_passage_is_lost_with_it_and_one_after_the_contact_is_not() -> None:
    for at_ms, state in ((700, "locked"), (900, "free_a")):
        place = Place()
        place.pulse("a", ms=100)
        place.push("a", 960)  # the contact closes at 896 ms
        place.wait(at_ms)
        place.pulse("a")
        place.wait(500)
        assert place.state() == state


def test_the_window_may_end_while_somebody_is_in_the_arm() -> None:
    place = Place()
    place.pulse("a")
    place.wait(4_700)
    place.push("a", 1_500)
    place.wait(2_000)
    assert place.outcomes == [True]


@pytest.mark.parametrize(
    ("pushed_ms", "turns", "passed"), [(100, True, False), (590, True, False), (610, False, True)]
)
def test_turning_back_is_possible_before_the_point_of_no_return(pushed_ms: int, turns: bool, passed: bool) -> None:
    place = Place()
    place.pulse("a")
    place.trace.clear()
    place.push("a", 1_200)
    place.wait(pushed_ms)
    assert place.arm.turn_back() is turns
    place.wait(2_000)
    assert place.outcomes == [passed]
    assert [what for _, what in place.trace if what == "pass_a open"] == ["pass_a open"] * passed


def test_after_turning_back_the_window_still_stands() -> None:
    place = Place()
    place.pulse("a")
    place.push("a", 1_200)
    place.wait(300)
    place.arm.turn_back()
    place.wait(500)
    assert place.state() == "free_a"
    place.push("a", 1_200)
    place.wait(2_000)
    assert place.outcomes == [False, True]


def test_force_opens_ready_at_eight_degrees_until_the_arm_is_home() -> None:
    place = Place()
    place.arm.force("b", 1_200, place.outcomes.append)
    place.wait(2_000)
    assert place.trace == [
        (80, "ready open"),
        (670, "pass_b open"),
        (1_120, "pass_b closed"),
        (1_200, "ready closed"),
    ]
    assert place.outcomes == [True]


def test_an_arm_that_is_held_half_way_is_not_ready_after_thirty_seconds() -> None:
    place = Place()
    place.pulse("a")
    place.push("a", 1_200)
    place.wait(900)
    place.arm.hold()
    place.trace.clear()
    place.wait(29_000)
    assert place.arm.ready
    place.wait(200)
    assert [what for _, what in place.trace] == ["locked", "ready open"]
    assert place.closed() == {"pass_a": False, "pass_b": True, "ready": False}
    place.arm.go_on()
    place.wait(1_000)
    assert place.closed() == {"pass_a": True, "pass_b": True, "ready": True}


def test_whoever_comes_to_an_arm_that_is_to_be_held_stands_half_way_until_it_is_mended() -> None:
    place = Place()
    place.arm.hold()
    assert place.arm.ready
    place.pulse("a")
    place.push("a")
    place.wait(60_000)
    assert place.outcomes == []
    assert place.closed() == {"pass_a": False, "pass_b": True, "ready": False}
    place.arm.go_on()
    place.wait(2_000)
    assert place.outcomes == [True]
    place.pulse("b")
    place.push("b")
    place.wait(2_000)
    assert place.outcomes == [True, True], "nobody is held any more"


@pytest.mark.parametrize("cause", ["relay", "panel", "power", "cable", "daemon"])
def test_each_break_in_the_fire_loop_frees_both_ways_and_its_end_locks(cause: str) -> None:
    place = Place()
    place.pulse("a")
    if cause == "relay":
        place.release.off()
    elif cause == "panel":
        place.arm.panel(True)
    elif cause == "power":
        place.arm.power(False)
    elif cause == "cable":
        place.arm.unplug()
    else:
        place.pins.reset()
    assert place.state() == "free_both"
    for side in ("a", "b", "b"):
        place.push(side, 800)
        place.wait(1_000)
    assert place.outcomes == [True] * 3
    if cause == "relay":
        place.release.on()
    elif cause == "panel":
        place.arm.panel(False)
    elif cause == "power":
        place.arm.power(True)
    elif cause == "cable":
        place.arm.plug()
    else:
        place.release = OutputDevice(WIRES.release, initial_value=True, pin_factory=place.pins)
    assert place.state() == "locked"


def test_a_power_cut_opens_all_contacts_and_its_end_shows_the_arm_as_it_stands() -> None:
    place = Place()
    place.arm.power(False)
    assert place.closed() == {"pass_a": False, "pass_b": False, "ready": False}
    place.arm.power(True)
    assert place.closed() == {"pass_a": True, "pass_b": True, "ready": True}


def test_a_stuck_contact_says_the_same_whatever_the_arm_does() -> None:
    place = Place()
    place.arm.stick("pass_a", True)
    place.pulse("a")
    place.push("a", 800)
    place.wait(1_000)
    assert place.arm.passed["a"] == 1
    assert all(what != "pass_a open" for _, what in place.trace)
    place.arm.stick("pass_a", None)
    place.pulse("a")
    place.push("a", 800)
    place.wait(1_000)
    assert any(what == "pass_a open" for _, what in place.trace)


@pytest.mark.parametrize("ms", [1, 50, 99])
def test_a_pulse_that_the_arm_might_not_see_fails_the_run(ms: int) -> None:
    place = Place()
    place.pulse("a", ms=ms)
    with pytest.raises(WireError, match="100 ms"):
        place.wait(1)


def test_an_unlock_input_that_is_held_fails_the_run() -> None:
    place = Place()
    place.unlock["b"].on()
    with pytest.raises(WireError, match="held for 3 s"):
        place.wait(3_000)


def test_a_pulse_cut_short_by_letting_go_of_everything_is_forgiven() -> None:
    place = Place()
    place.unlock["a"].on()
    place.wait(20)
    place.unlock["a"].off()
    place.release.off()
    place.wait(10_000)
    assert place.state() == "free_both"


@pytest.mark.parametrize("fault", ["none", "stuck", "unpowered"])
def test_whoever_is_beyond_the_arm_is_through_whatever_its_contacts_show(fault: str) -> None:
    place = Place()
    place.pulse("a")
    place.push("a")
    if fault == "stuck":
        place.arm.stick("pass_a", False)
    elif fault == "unpowered":
        place.arm.power(False)
    place.wait(1_100)
    assert place.through == []
    place.wait(100)
    assert place.through == ["a"]
    place.wait(2_000)
    assert place.through == ["a"]


def test_a_pulse_of_which_a_cable_plugged_in_shows_the_end_only_is_nobodys_fault() -> None:
    place = Place()
    place.arm.unplug()
    place.unlock["b"].on()
    place.wait(180)
    place.arm.plug()
    place.wait(20)
    place.unlock["b"].off()
    place.wait(1)
    place.unlock["a"].on()
    place.wait(20)
    place.unlock["a"].off()
    with pytest.raises(WireError, match="20 ms"):
        place.wait(1)
