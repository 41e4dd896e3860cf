"""Contacts: nothing that a person did is lost between two looks, nothing that a wire trembled is taken for a person."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.contacts import NEVER, Contact, Debounce, Edge, FireContact, Pull
from hal.seen import ContactChanged, Health
from sim.clock import VirtualClock
from sim.gpio import VirtualPins

BUTTON = 17
FIRE = 27


class Bench:
    """A wire, a hand that closes and opens a contact on it, and time."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.pins = VirtualPins(self.clock)

    def close(self, pin: int, *, for_ms: int = 0) -> None:
        """Close the contact (to ground); open it again after a while if asked."""
        self.pins.drive(pin, False)
        if for_ms:
            self.wait(for_ms)
            self.pins.drive(pin, None)

    def open(self, pin: int) -> None:
        self.pins.drive(pin, None)

    def wait(self, ms: int) -> int:
        self.clock.advance_to(self.clock.now_us + ms * 1000)
        return self.clock.now()


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("pull", "normally_closed", "open_is_active"),
    [("up", False, False), ("up", True, True), ("down", False, False), ("down", True, True), ("none", True, True)],
)
def test_active_is_the_wirings_choice(bench: Bench, pull: Pull, normally_closed: bool, open_is_active: bool) -> None:
    closed_level = pull == "down"
    bench.pins.drive(BUTTON, closed_level if normally_closed else not closed_level)
    contact = Contact(BUTTON, bench.pins, bench.clock, normally_closed=normally_closed, pull=pull)
    assert not contact.active
    bench.pins.drive(BUTTON, not closed_level if open_is_active else closed_level)
    contact.poll(bench.clock.now())
    assert contact.poll(bench.wait(40)) == [ContactChanged(True, 0)]
    assert contact.active


def test_a_press_is_reported_when_it_has_stood_and_dated_when_it_began(bench: Bench) -> None:
    contact = Contact(BUTTON, bench.pins, bench.clock)
    bench.wait(100)
    bench.close(BUTTON)
    assert contact.poll(bench.wait(20)) == []
    assert contact.poll(bench.wait(20)) == [ContactChanged(True, 100)]
    assert contact.poll(bench.wait(20)) == []


def test_a_press_between_two_looks_is_not_lost(bench: Bench) -> None:
    contact = Contact(BUTTON, bench.pins, bench.clock)
    bench.wait(100)
    bench.close(BUTTON, for_ms=60)
    bench.wait(800)
    assert contact.poll(bench.clock.now()) == [ContactChanged(True, 100), ContactChanged(False, 160)]


def test_two_presses_during_a_stall_are_two(bench: Bench) -> None:
    contact = Contact(BUTTON, bench.pins, bench.clock)
    for _ in range(2):
        bench.close(BUTTON, for_ms=80)
        bench.wait(150)
    assert [change.active for change in contact.poll(bench.wait(500)) if isinstance(change, ContactChanged)] == [
        True,
        False,
        True,
        False,
    ]


def test_bouncing_is_one_press(bench: Bench) -> None:
    contact = Contact(BUTTON, bench.pins, bench.clock)
    for _ in range(6):
        bench.close(BUTTON, for_ms=3)
        bench.wait(2)
    bench.close(BUTTON)
    assert contact.poll(bench.wait(200)) == [ContactChanged(True, 30)]


def test_a_glitch_shorter_than_the_debounce_is_nobody(bench: Bench) -> None:
    contact = Contact(BUTTON, bench.pins, bench.clock)
    bench.close(BUTTON, for_ms=29)
    assert contact.poll(bench.wait(500)) == []


def test_a_button_held_or_stuck_at_the_start_is_no_press(bench: Bench) -> None:
    bench.close(BUTTON)
    contact = Contact(BUTTON, bench.pins, bench.clock)
    assert contact.active
    assert contact.poll(bench.wait(500)) == []
    bench.open(BUTTON)
    assert contact.poll(bench.wait(500)) == [ContactChanged(False, 500)]


@pytest.mark.parametrize(("normally_closed", "becomes_active"), [(True, True), (False, False)])
def test_a_cut_wire_is_an_alarm_only_where_it_is_wired_so(
    bench: Bench, normally_closed: bool, becomes_active: bool
) -> None:
    bench.pins.drive(BUTTON, False if normally_closed else None)
    contact = Contact(BUTTON, bench.pins, bench.clock, normally_closed=normally_closed)
    bench.pins.unplug(BUTTON)
    contact.poll(bench.wait(20))
    contact.poll(bench.wait(40))
    assert contact.active is becomes_active
    bench.pins.plug(BUTTON)
    contact.poll(bench.wait(40))
    contact.poll(bench.wait(40))
    assert not contact.active


def test_a_wildly_chattering_wire_costs_no_memory_and_ends_at_the_true_level(bench: Bench) -> None:
    contact = Contact(BUTTON, bench.pins, bench.clock)
    for _ in range(5_000):
        bench.close(BUTTON)
        bench.open(BUTTON)
    bench.close(BUTTON)
    contact.poll(bench.wait(1))
    assert [change for change in contact.poll(bench.wait(50)) if isinstance(change, ContactChanged)][-1].active
    assert contact.active


def test_nothing_is_due_at_a_contact_that_rests_and_at_once_when_one_moves(bench: Bench) -> None:
    contact = Contact(BUTTON, bench.pins, bench.clock)
    assert contact.due(0) == NEVER
    bench.close(BUTTON)
    assert contact.due(0) == 0
    contact.poll(bench.wait(10))
    assert contact.due(10) == 30
    contact.poll(bench.wait(30))
    assert contact.due(40) == NEVER


@given(
    st.lists(st.integers(1, 120), max_size=30),
    st.lists(st.integers(1, 300), min_size=1, max_size=20),
)
def test_when_one_looks_changes_nothing_but_the_moment_of_the_report(lengths: list[int], looks: list[int]) -> None:
    """Whatever the edges, a scan that stalls reports the same changes, with the same times, as one that never does."""
    edges, at, level = [], 0, False
    for length in lengths:
        at, level = at + length, not level
        edges.append(Edge(at, level))
    end = at + 1_000

    def changes(times: list[int]) -> list[Edge]:
        debounce = Debounce(False, rise_ms=30, fall_ms=30)
        found, fed = [], 0
        for now in times:
            due = [edge for edge in edges[fed:] if edge.at <= now]
            fed += len(due)
            found += debounce.replay(due, now)
        return found

    chosen = sorted({sum(looks[: n + 1]) for n in range(len(looks))} | {end})
    assert changes(chosen) == changes(list(range(end + 1)))


# -- the fire contact


class Arm:
    """What a fire contact lets go of."""

    def __init__(self) -> None:
        self.released = 0

    def release(self) -> None:
        self.released += 1


def fire(bench: Bench) -> tuple[FireContact, Arm]:
    contact, arm = FireContact(FIRE, bench.pins, bench.clock), Arm()
    contact.frees(arm.release)
    return contact, arm


def test_fire_releases_within_the_edge_and_not_in_the_next_scan(bench: Bench) -> None:
    bench.close(FIRE)
    contact, arm = fire(bench)
    assert (contact.active, arm.released) == (False, 0)
    bench.open(FIRE)
    assert arm.released == 1
    assert contact.active
    assert contact.poll(bench.clock.now()) == [ContactChanged(True, 0)]


def test_a_fire_that_burns_already_is_known_before_the_arm_is_touched(bench: Bench) -> None:
    contact, arm = fire(bench)
    assert contact.active
    assert arm.released == 1
    assert contact.poll(bench.wait(20)) == [ContactChanged(True, 0)]
    assert contact.poll(bench.wait(20)) == []


def test_the_level_releases_again_at_every_look(bench: Bench) -> None:
    contact, arm = fire(bench)
    for _ in range(3):
        contact.poll(bench.wait(20))
    assert arm.released == 4


def test_the_shortest_alarm_releases_and_is_reported(bench: Bench) -> None:
    bench.close(FIRE)
    contact, arm = fire(bench)
    bench.open(FIRE)
    bench.close(FIRE)
    assert arm.released == 1
    assert contact.poll(bench.wait(20)) == [ContactChanged(True, 0)]
    assert contact.poll(bench.wait(20)) == [ContactChanged(False, 0)]


def test_the_all_clear_must_stand(bench: Bench) -> None:
    contact, _ = fire(bench)
    contact.poll(bench.clock.now())
    assert contact.due(0) == NEVER
    bench.close(FIRE, for_ms=20)
    assert contact.poll(bench.wait(100)) == []
    bench.close(FIRE)
    contact.poll(bench.wait(20))
    assert contact.poll(bench.wait(20)) == [ContactChanged(False, 120)]


def test_a_cut_fire_wire_is_fire(bench: Bench) -> None:
    bench.close(FIRE)
    contact, arm = fire(bench)
    bench.pins.unplug(FIRE)
    assert arm.released == 1
    assert contact.poll(bench.wait(20)) == [ContactChanged(True, 0)]


def test_a_gpio_chip_that_fails_is_fire_to_the_fire_contact_and_a_fault_to_a_button(bench: Bench) -> None:
    bench.close(FIRE)
    contact, arm = fire(bench)
    button = Contact(BUTTON, bench.pins, bench.clock)
    bench.pins.fail(True)
    assert contact.poll(bench.wait(20)) == [ContactChanged(True, 20)]
    assert arm.released == 1
    assert button.poll(bench.wait(20)) == []
    assert {contact.health, button.health} == {Health.GONE}
    assert "fire contact: GPIO27" in contact.detail
    bench.pins.fail(False)
    contact.poll(bench.wait(20))
    assert contact.poll(bench.wait(40)) == [ContactChanged(False, 60)]
    button.poll(bench.clock.now())
    assert (button.health, button.detail, contact.detail) == (Health.OK, "", "")


@pytest.mark.parametrize("make", [Contact, FireContact])
def test_closing_is_quiet_and_may_be_repeated(bench: Bench, make: Callable[..., Contact | FireContact]) -> None:
    contact = make(BUTTON, bench.pins, bench.clock)
    contact.close()
    bench.close(BUTTON, for_ms=50)
    contact.close()
    assert Contact(BUTTON, bench.pins, bench.clock).poll(bench.wait(50)) == []
