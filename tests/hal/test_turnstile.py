"""The arm, driven over its wires: one person per request, nobody lost, nobody invented, and fire before everything."""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest
from gpiozero import OutputDevice
from hypothesis import given
from hypothesis import strategies as st

from hal.clock import Millis
from hal.contacts import NEVER, FireContact
from hal.seen import Health, PassageSeen, ReadyChanged, Seen, Side
from hal.turnstile import Turnstile, TurnstilePins
from sim.clock import VirtualClock
from sim.gpio import VirtualPins
from sim.turnstile import ArmWires, VirtualTurnstile

PINS = TurnstilePins(unlock_a=5, unlock_b=6, release=13, pass_a=16, pass_b=20, ready=21, stop=19)
NO_STOP = TurnstilePins(unlock_a=5, unlock_b=6, release=13, pass_a=16, pass_b=20, ready=21)
WIRES = ArmWires(unlock_a=5, unlock_b=6, release=13, pass_a=16, pass_b=20, ready=21, stop=19)
FIRE = 27
SCAN_MS = 20


class Hall:
    """An arm, its driver, and a scan every 20 ms."""

    def __init__(self, pins: TurnstilePins = PINS, pulse_ms: Millis = 200) -> None:
        self.clock = VirtualClock()
        self.pins = VirtualPins(self.clock)
        self.moves: list[str] = []
        self.arm = VirtualTurnstile(self.clock, self.pins, WIRES, self.moves.append)
        self.pins.drive(FIRE, False)
        self.fire = FireContact(FIRE, self.pins, self.clock)
        self.turnstile = Turnstile(
            pins, self.pins, self.clock, pulse_ms=pulse_ms, fire_active=lambda: self.fire.active
        )
        self.fire.frees(self.turnstile.latch)
        self.seen: list[Seen] = []
        self.outcomes: list[bool] = []

    def engaged(self) -> "Hall":
        self.turnstile.engage(True)
        self.scans(100)
        return self

    def scans(self, ms: Millis) -> Sequence[Seen]:
        """Let the scan run for so long; what it saw."""
        began = len(self.seen)
        for _ in range(ms // SCAN_MS):
            self.stall(SCAN_MS)
            self.scan()
        return self.seen[began:]

    def scan(self) -> None:
        self.seen += self.turnstile.poll(self.clock.now())

    def stall(self, ms: Millis) -> None:
        """Time passes, and nobody looks."""
        self.clock.advance_to(self.clock.now_us + ms * 1000)

    def push(self, side: Side, duration_ms: int = 1_000) -> None:
        self.arm.push(side, duration_ms, self.outcomes.append)

    def health(self) -> Health:
        return self.turnstile.health

    def state(self) -> str:
        return self.arm.state

    @property
    def persons(self) -> list[Side]:
        return [seen.side for seen in self.seen if isinstance(seen, PassageSeen)]


# -- normal running


def test_the_start_moves_nothing_and_leaves_the_arm_free() -> None:
    hall = Hall()
    hall.scans(1_000)
    assert hall.moves == ["pass_a closed", "pass_b closed", "ready closed"]
    assert (hall.arm.state, hall.turnstile.engaged) == ("free_both", False)


@pytest.mark.parametrize("side", ["a", "b"])
def test_a_request_lets_one_person_through_and_locks_behind(side: Side) -> None:
    hall = Hall().engaged()
    assert hall.state() == "locked"
    hall.turnstile.pulse(side)
    assert hall.state() == f"free_{side}"
    hall.push(side)
    hall.scans(1_500)
    hall.push(side)
    hall.scans(100)
    assert hall.outcomes == [True, False]
    assert hall.persons == [side]
    assert hall.state() == "locked"


def test_a_passage_is_dated_when_the_contact_came_to_rest() -> None:
    hall = Hall().engaged()
    hall.turnstile.pulse("a")
    hall.push("a", 1_200)
    began = hall.clock.now()
    hall.scans(1_500)
    assert hall.seen == [PassageSeen("a", began + 1_120)]  # at 112 of 120 degrees


def test_an_unused_window_closes_by_itself() -> None:
    hall = Hall().engaged()
    hall.turnstile.pulse("a")
    hall.scans(5_200)
    assert (hall.arm.state, hall.persons) == ("locked", [])


def test_a_family_of_three_passes_one_at_a_time() -> None:
    hall = Hall().engaged()
    for _ in range(3):
        hall.turnstile.pulse("a")
        while hall.arm.state != "free_a":
            hall.scans(SCAN_MS)
        hall.push("a", 900)
        hall.scans(860)  # the next one is asked for as soon as the contact is back
    hall.scans(1_000)
    assert hall.outcomes == [True, True, True]
    assert hall.persons == ["a", "a", "a"]


def test_a_request_made_while_somebody_is_in_the_arm_is_given_when_they_are_through() -> None:
    hall = Hall().engaged()
    hall.turnstile.pulse("a")
    hall.push("a", 1_000)
    hall.scans(700)
    hall.turnstile.pulse("b")
    hall.scans(100)
    assert "free_b" not in hall.moves
    hall.scans(400)
    assert hall.state() == "free_b"


def test_a_later_request_takes_the_place_of_one_that_waits() -> None:
    hall = Hall().engaged()
    hall.turnstile.pulse("a")
    hall.push("a", 1_000)
    hall.scans(700)
    hall.turnstile.pulse("a")
    hall.turnstile.pulse("b")
    hall.scans(1_000)
    assert hall.state() == "free_b"
    hall.scans(6_000)
    assert hall.moves.count("free_a") == 1


def test_a_request_that_could_not_be_given_is_forgotten() -> None:
    hall = Hall().engaged()
    hall.turnstile.pulse("a")
    hall.push("a")
    hall.scans(700)
    hall.arm.hold()
    hall.turnstile.pulse("a")
    hall.scans(6_000)
    hall.arm.go_on()
    hall.scans(1_000)
    assert hall.state() == "locked"
    assert hall.persons == ["a"]


@pytest.mark.parametrize(("pins", "state"), [(PINS, "locked"), (NO_STOP, "free_a")])
def test_cancel_closes_the_window_where_stop_is_wired(pins: TurnstilePins, state: str) -> None:
    hall = Hall(pins).engaged()
    hall.turnstile.pulse("a")
    hall.scans(60)
    hall.turnstile.cancel()
    hall.scans(400)
    assert hall.state() == state
    hall.scans(6_000)
    assert hall.state() == "locked"


def test_an_exit_comes_first_during_an_entry_window() -> None:
    hall = Hall().engaged()
    hall.turnstile.pulse("a")
    hall.scans(1_000)
    hall.turnstile.cancel()
    hall.turnstile.pulse("b")
    hall.scans(500)
    assert hall.state() == "free_b"


def test_cancel_takes_back_what_still_waits() -> None:
    hall = Hall().engaged()
    hall.turnstile.pulse("a")
    hall.push("a")
    hall.scans(700)
    hall.turnstile.pulse("a")
    hall.turnstile.cancel()
    hall.scans(2_000)
    assert (hall.persons, hall.arm.state, hall.moves.count("free_a")) == (["a"], "locked", 1)


@pytest.mark.parametrize("pulse_ms", [100, 200, 500])
def test_the_pulse_is_long_enough_for_the_arm_whatever_the_scan(pulse_ms: int) -> None:
    hall = Hall(pulse_ms=pulse_ms).engaged()
    hall.stall(7)
    hall.turnstile.pulse("a")
    hall.scans(1_000)  # a pulse too short, or held, would have failed the run
    hall.push("a")
    hall.scans(1_200)
    assert hall.persons == ["a"]


def test_a_pulse_too_short_for_the_arm_is_a_configuration_error() -> None:
    with pytest.raises(ValueError, match="at least 100 ms"):
        Hall(pulse_ms=99)


def test_disengaging_frees_the_arm_both_ways_and_engaging_locks_it() -> None:
    hall = Hall().engaged()
    hall.turnstile.pulse("a")
    hall.turnstile.engage(False)
    assert hall.state() == "free_both"
    hall.turnstile.pulse("a")
    hall.scans(500)
    hall.push("b")
    hall.scans(1_500)
    assert (hall.outcomes, hall.persons) == ([True], ["b"])
    hall.turnstile.engage(True)
    hall.scans(6_000)
    assert hall.state() == "locked"


def test_closing_leaves_the_arm_free_and_everything_at_rest() -> None:
    hall = Hall().engaged()
    hall.turnstile.pulse("a")
    hall.stall(20)
    hall.turnstile.close()
    hall.stall(10_000)
    assert hall.state() == "free_both"
    hall.turnstile.close()


# -- nobody lost, nobody invented


def test_two_passages_during_a_stall_are_two() -> None:
    hall = Hall()
    hall.push("a", 350)
    hall.stall(450)
    hall.push("a", 350)
    hall.stall(350)
    hall.scan()
    hall.scans(40)
    assert hall.persons == ["a", "a"]


def test_people_both_ways_during_a_long_stall_come_in_their_order() -> None:
    hall = Hall()
    order: tuple[Side, ...] = ("a", "b", "b", "a", "b")
    for side in order:
        hall.push(side, 900)
        hall.stall(1_000)
    hall.scan()
    assert hall.persons == list(order)
    times = [seen.at for seen in hall.seen if isinstance(seen, PassageSeen)]
    assert times == [840, 1_840, 2_840, 3_840, 4_840]


def test_a_model_that_gives_a_fixed_pulse_is_counted_alike() -> None:
    hall = Hall()
    for _ in range(3):
        hall.pins.drive(PINS.pass_b, None)
        hall.scans(240)
        hall.pins.drive(PINS.pass_b, False)
        hall.scans(300)
    assert hall.persons == ["b", "b", "b"]


@pytest.mark.parametrize(("noise_ms", "persons"), [(5, 0), (19, 0), (20, 1), (250, 1)])
def test_noise_on_a_passage_contact_is_nobody(noise_ms: int, persons: int) -> None:
    hall = Hall()
    hall.pins.drive(PINS.pass_a, None)
    hall.stall(noise_ms)
    hall.pins.drive(PINS.pass_a, False)
    hall.scans(200)
    assert len(hall.persons) == persons


def test_a_contact_that_bounces_on_both_edges_is_one_person() -> None:
    hall = Hall()
    for closed in (None, False, None, False, None):
        hall.pins.drive(PINS.pass_a, closed)
        hall.stall(3)
    hall.stall(400)
    for closed in (False, None, False, None, False):
        hall.pins.drive(PINS.pass_a, closed)
        hall.stall(3)
    hall.scans(200)
    assert hall.persons == ["a"]


def test_turning_back_before_the_contact_opens_is_nobody() -> None:
    hall = Hall().engaged()
    hall.turnstile.pulse("a")
    hall.push("a")
    hall.scans(400)
    assert hall.arm.turn_back()
    hall.scans(1_000)
    assert (hall.outcomes, hall.persons) == ([False], [])


def test_forcing_is_seen_by_ready_and_counted_by_the_contact() -> None:
    hall = Hall().engaged()
    hall.arm.force("b", 1_200, hall.outcomes.append)
    began = hall.clock.now()
    hall.scans(1_500)
    assert hall.seen == [
        ReadyChanged(False, began + 80),
        PassageSeen("b", began + 1_120),
        ReadyChanged(True, began + 1_200),
    ]


@pytest.mark.parametrize("off_ms", [60, 300, 8_000, 60_000])
@pytest.mark.parametrize("watched", [True, False])
def test_power_loss_is_no_passage(off_ms: int, watched: bool) -> None:
    hall = Hall().engaged()
    let_pass = hall.scans if watched else hall.stall
    hall.arm.power(False)
    let_pass(off_ms)
    hall.arm.power(True)
    let_pass(500)
    hall.scans(500)
    assert hall.persons == []
    assert [seen.ready for seen in hall.seen if isinstance(seen, ReadyChanged)] == [False, True]


@pytest.mark.parametrize("order", ["abr", "arb", "bar", "bra", "rab", "rba"])
@pytest.mark.parametrize("apart_ms", [0, 3, 40])
def test_power_loss_is_no_passage_in_whatever_order_the_contacts_fall(order: str, apart_ms: int) -> None:
    hall = Hall()
    numbers = {"a": PINS.pass_a, "b": PINS.pass_b, "r": PINS.ready}
    for level in (None, False):
        for name in order:
            hall.pins.drive(numbers[name], level)
            hall.stall(apart_ms)
        hall.scans(400)
    assert hall.persons == []


def test_a_cable_pulled_and_plugged_is_no_passage_and_says_so() -> None:
    hall = Hall().engaged()
    hall.arm.unplug()
    hall.scans(600)
    assert hall.health() is Health.SILENT
    assert "no power at the arm, or its contact cable" in hall.turnstile.detail
    assert hall.state() == "free_both"
    hall.arm.plug()
    hall.scans(600)
    assert hall.health() is Health.SILENT
    hall.scans(600)
    assert (hall.turnstile.health, hall.turnstile.detail) == (Health.OK, "")
    assert hall.persons == []


def test_an_arm_without_power_at_the_start_is_silent_and_nobody_passed() -> None:
    hall = Hall()
    hall.turnstile.close()
    hall.arm.power(False)
    hall.turnstile = Turnstile(PINS, hall.pins, hall.clock)
    hall.scans(400)
    assert hall.health() is Health.SILENT
    hall.arm.power(True)
    hall.scans(2_000)
    assert hall.persons == []
    assert hall.health() is Health.OK


@pytest.mark.parametrize(
    ("trouble", "moving"), [("nobody", False), ("a person", True), ("a cut wire", False), ("power loss", False)]
)
def test_somebody_in_the_arm_is_known_and_not_mistaken_for_a_fault(trouble: str, moving: bool) -> None:
    hall = Hall()
    match trouble:
        case "a person":
            hall.push("a")
            hall.scans(700)
        case "a cut wire":
            hall.pins.unplug(PINS.pass_a)
            hall.scans(31_000)
        case "power loss":
            hall.arm.power(False)
            hall.scans(700)
    assert hall.turnstile.moving is moving
    hall.scans(1_000)
    assert not hall.turnstile.moving


def test_the_end_of_a_grant_after_its_passage_does_not_keep_the_next_person_waiting() -> None:
    hall = Hall().engaged()
    hall.turnstile.pulse("a")
    hall.push("a", 900)
    hall.scans(1_000)
    hall.turnstile.cancel()
    hall.turnstile.pulse("b")
    assert hall.state() == "free_b"


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(400, 3_000)), min_size=1, max_size=12),
    st.lists(st.integers(1, 2_500), min_size=1, max_size=20),
)
def test_whoever_comes_and_however_the_scan_stalls_each_person_is_counted_once(
    visitors: list[tuple[Side, int]], stalls: list[int]
) -> None:
    hall = Hall()
    for side, duration_ms in visitors:
        hall.push(side, duration_ms)
    while hall.arm.busy:
        for stall in stalls:
            hall.stall(stall)
            hall.scan()
    hall.scans(100)
    assert hall.persons == [side for side, _ in visitors]
    assert hall.arm.passed == {"a": hall.persons.count("a"), "b": hall.persons.count("b")}


# -- contacts at fault


def test_an_arm_held_half_way_is_told_and_its_person_counted_at_last() -> None:
    hall = Hall().engaged()
    hall.turnstile.pulse("a")
    hall.push("a")
    hall.scans(700)
    hall.arm.hold()
    hall.scans(29_000)
    assert hall.health() is Health.OK
    hall.scans(6_000)
    assert hall.health() is Health.GARBLED
    assert "PASS A has been open for 30 s" in hall.turnstile.detail
    hall.arm.go_on()
    hall.scans(2_000)
    assert hall.persons == ["a"]
    assert hall.health() is Health.OK


def test_a_cut_passage_wire_is_told_and_is_no_person_when_it_is_mended() -> None:
    hall = Hall().engaged()
    hall.pins.unplug(PINS.pass_b)
    hall.scans(31_000)
    assert hall.health() is Health.GARBLED
    assert "PASS B" in hall.turnstile.detail
    hall.pins.plug(PINS.pass_b)
    hall.scans(2_000)
    assert hall.persons == []
    assert hall.health() is Health.OK


@pytest.mark.parametrize("wire", [PINS.pass_a, PINS.pass_b, PINS.ready])
def test_a_cut_wire_does_not_keep_anybody_inside(wire: int) -> None:
    hall = Hall().engaged()
    hall.pins.unplug(wire)
    hall.scans(31_000)
    hall.turnstile.pulse("b")
    hall.push("b")
    hall.scans(1_500)
    assert hall.outcomes == [True]


def test_two_passage_contacts_open_under_a_ready_arm_contradict_each_other() -> None:
    hall = Hall().engaged()
    hall.arm.stick("pass_a", False)
    hall.arm.stick("pass_b", False)
    hall.scans(1_100)
    assert hall.health() is Health.GARBLED
    assert "at once" in hall.turnstile.detail


def test_an_arm_that_stays_unready_refuses() -> None:
    hall = Hall().engaged()
    hall.arm.stick("ready", False)
    hall.scans(4_900)
    assert hall.health() is Health.OK
    hall.scans(200)
    assert hall.health() is Health.REFUSED
    assert hall.seen == [ReadyChanged(False, 100)]
    assert not hall.turnstile.ready


def test_a_loose_cable_does_not_make_health_flicker() -> None:
    hall = Hall().engaged()
    healths = []
    for _ in range(20):
        hall.arm.power(False)
        hall.scans(400)
        healths.append(hall.turnstile.health)
        hall.arm.power(True)
        hall.scans(400)
        healths.append(hall.turnstile.health)
    assert set(healths) == {Health.SILENT}


def test_a_failing_gpio_chip_is_gone_and_comes_back() -> None:
    hall = Hall().engaged()
    hall.pins.fail(True)
    hall.scans(100)
    assert hall.health() is Health.GONE
    assert "GPIO16 cannot be read" in hall.turnstile.detail
    hall.turnstile.pulse("a")
    hall.turnstile.latch()
    hall.scans(100)
    assert hall.health() is Health.GONE
    hall.pins.fail(False)
    hall.scans(1_200)
    assert hall.health() is Health.OK
    assert hall.state() == "free_both"  # the release that could not be written was written again


# -- fire


def test_fire_frees_the_arm_in_the_edge_itself() -> None:
    hall = Hall().engaged()
    hall.turnstile.pulse("a")
    hall.pins.drive(FIRE, None)
    assert hall.state() == "free_both"
    assert hall.turnstile.latched


def test_nothing_locks_a_latched_arm_until_the_reset() -> None:
    hall = Hall().engaged()
    hall.turnstile.latch()
    movements: list[Callable[[], None]] = [
        lambda: hall.turnstile.engage(True),
        lambda: hall.turnstile.pulse("a"),
        hall.turnstile.cancel,
        hall.turnstile.latch,
        lambda: hall.turnstile.engage(False),
    ]
    for move in movements * 2:
        move()
        hall.scans(SCAN_MS)
        assert hall.state() == "free_both"
        assert not hall.turnstile.engaged
    assert hall.moves[-1] == "free_both"
    assert hall.moves.count("locked") == 1  # not for an instant
    hall.turnstile.unlatch()
    hall.scans(100)
    assert hall.state() == "free_both"  # the reset alone locks nothing
    hall.turnstile.engage(True)
    assert hall.state() == "locked"


def test_people_who_leave_during_a_fire_are_counted() -> None:
    hall = Hall().engaged()
    hall.pins.drive(FIRE, None)
    for _ in range(3):
        hall.push("b", 800)
        hall.scans(1_000)
    assert (hall.outcomes, hall.persons) == ([True] * 3, ["b"] * 3)


def test_a_reset_while_the_contact_is_active_latches_again() -> None:
    hall = Hall().engaged()
    hall.pins.drive(FIRE, None)
    hall.turnstile.unlatch()
    hall.turnstile.engage(True)
    assert (hall.turnstile.latched, hall.arm.state) == (True, "free_both")
    hall.pins.drive(FIRE, False)
    hall.turnstile.unlatch()
    hall.turnstile.engage(True)
    assert (hall.turnstile.latched, hall.arm.state) == (False, "locked")


def test_a_fire_at_the_start_is_known_before_the_arm_can_be_locked() -> None:
    hall = Hall()
    hall.turnstile.close()
    hall.fire.close()
    hall.pins.drive(FIRE, None)
    fire = FireContact(FIRE, hall.pins, hall.clock)
    assert fire.active
    turnstile = Turnstile(PINS, hall.pins, hall.clock, fire_active=lambda: fire.active)
    fire.frees(turnstile.latch)
    turnstile.engage(True)
    assert hall.state() == "free_both"


class Stepped(Turnstile):
    """The same driver, which lets another thread cut in before and after each look at the latch, each change of it and
    each write: at every point at which a switch of threads could matter."""

    cut_in: Callable[[], None] | None = None
    at_step = 0

    def step(self) -> None:
        if self.cut_in is not None:
            if self.at_step == 0:
                cut_in, self.cut_in = self.cut_in, None
                cut_in()
            else:
                self.at_step -= 1

    def __getattribute__(self, name: str) -> object:
        if name != "_latched":
            return object.__getattribute__(self, name)
        self.step()
        value = object.__getattribute__(self, name)
        self.step()
        return value

    def __setattr__(self, name: str, value: object) -> None:
        if name == "_latched":
            self.step()
        object.__setattr__(self, name, value)
        if name == "_latched":
            self.step()

    def _write(self, output: OutputDevice, on: bool) -> None:
        self.step()
        super()._write(output, on)
        self.step()


MOVEMENTS: dict[str, Callable[[Turnstile], None]] = {
    "engage": lambda turnstile: turnstile.engage(True),
    "pulse": lambda turnstile: turnstile.pulse("a"),
    "cancel": lambda turnstile: turnstile.cancel(),
    "scan": lambda turnstile: list(turnstile.poll(100)).clear(),
}
STEPS = 24
"""More than any of the movements, and the latch itself, take."""


@pytest.mark.parametrize("movement", MOVEMENTS)
@pytest.mark.parametrize("step", range(STEPS))
@pytest.mark.parametrize("cuts_in", ["the fire", "the scan"])
def test_fire_wins_at_every_step_of_every_movement(movement: str, step: int, cuts_in: str) -> None:
    """The fire's callback cuts into a movement of the scan at any step, or a whole movement of the scan into the
    callback at any step. Once both are through, without another scan, the arm is free and no output is driven."""
    hall = Hall() if movement == "engage" else Hall().engaged()
    if movement in ("cancel", "scan"):
        hall.turnstile.pulse("b")
        hall.stall(100)
    turnstile = hall.turnstile
    turnstile.__class__ = Stepped
    assert isinstance(turnstile, Stepped)
    move = MOVEMENTS[movement]
    turnstile.at_step = step
    if cuts_in == "the fire":
        turnstile.cut_in = turnstile.latch
        move(turnstile)
        if (late := turnstile.cut_in) is not None:  # the movement was over before that step
            turnstile.cut_in = None
            late()
    else:
        turnstile.cut_in = lambda: move(turnstile)
        turnstile.latch()
    assert turnstile.latched
    assert hall.state() == "free_both"
    assert [pin for pin in (5, 6, 13, 19) if hall.pins.level(pin)] == []


@pytest.mark.parametrize("step", range(STEPS))
def test_a_fire_that_breaks_out_during_the_reset_wins(step: int) -> None:
    hall = Hall().engaged()
    turnstile = hall.turnstile
    turnstile.latch()
    turnstile.__class__ = Stepped
    assert isinstance(turnstile, Stepped)
    turnstile.cut_in = lambda: hall.pins.drive(FIRE, None)
    turnstile.at_step = step
    turnstile.unlatch()
    turnstile.engage(True)
    if turnstile.cut_in is not None:
        turnstile.cut_in()
    assert (turnstile.latched, hall.state()) == (True, "free_both")


@pytest.mark.parametrize("pin", [PINS.release, PINS.unlock_a])
def test_fire_in_the_middle_of_the_write_itself_wins(pin: int) -> None:
    """The edge comes while the relay is being energised: the world answers the write by opening the fire contact."""
    hall = Hall() if pin == PINS.release else Hall().engaged()
    hall.pins.watch(pin, lambda level: hall.pins.drive(FIRE, None) if level else None)
    hall.turnstile.engage(True)
    hall.turnstile.pulse("a")
    hall.scans(1_000)
    assert hall.turnstile.latched
    assert hall.state() == "free_both"
    assert not hall.pins.level(PINS.release)


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hasty_threads")
def test_two_threads_that_engage_and_latch_always_end_free() -> None:
    """The real thing, some hundred times: one thread energises as fast as it can, another latches once."""
    hall = Hall()
    for _ in range(300):
        hall.turnstile.unlatch()
        begin = threading.Barrier(2)

        def engage_often(begin: threading.Barrier = begin) -> None:
            begin.wait()
            for _ in range(15):
                hall.turnstile.engage(True)

        scan = threading.Thread(target=engage_often)
        scan.start()
        begin.wait()
        hall.turnstile.latch()
        scan.join()
        assert not hall.pins.level(PINS.release)


# -- when it wants to be looked at


def test_it_asks_to_be_looked_at_while_something_is_under_way_and_not_otherwise() -> None:
    hall = Hall().engaged()
    assert hall.turnstile.due(hall.clock.now()) == NEVER
    hall.turnstile.pulse("a")
    assert hall.turnstile.due(hall.clock.now()) == hall.clock.now() + 200  # the end of the pulse
    hall.turnstile.pulse("a")
    hall.scans(220)
    assert hall.turnstile.due(hall.clock.now()) <= hall.clock.now() + 100  # the next one
    hall.turnstile.cancel()
    hall.scans(400)
    assert hall.turnstile.due(hall.clock.now()) == NEVER
    hall.push("a")
    hall.scans(1_000)
    hall.scans(60)
    assert hall.turnstile.due(hall.clock.now()) == NEVER
    hall.pins.unplug(PINS.pass_a)
    assert hall.turnstile.due(hall.clock.now()) == hall.clock.now()
    hall.scans(31_000)
    assert hall.health() is Health.GARBLED
    assert hall.turnstile.due(hall.clock.now()) == NEVER
    hall.pins.plug(PINS.pass_a)
    hall.scans(40)
    assert hall.turnstile.due(hall.clock.now()) <= hall.clock.now() + 1_000  # well again
    hall.scans(1_200)
    assert hall.turnstile.due(hall.clock.now()) == NEVER
