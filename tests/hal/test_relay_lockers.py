"""Stories of lockers on relays: the driver over virtual pins, relays and doors."""

from functools import partial
from itertools import pairwise
from typing import ClassVar

import pytest
from gpiozero import PinSetInput
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.contacts import NEVER
from hal.relay_lockers import RelayChannel, RelayLockers
from hal.seen import Door, DoorSeen, Health
from sim.clock import VirtualClock
from sim.gpio import VirtualPin, VirtualPins
from sim.locker import Locker
from sim.relay_board import LockerWires, VirtualRelayBoard

SCAN_MS = 20
RELAYS = (5, 6, 12)
REEDS = (13, 16, 19)
SENSOR = 20


class FailingPin(VirtualPin):
    """A pin whose chip may fail: reading and writing raise what gpiozero raises."""

    dead: ClassVar[set[int]] = set()

    def _get_state(self) -> bool:
        self._alive()
        return bool(super()._get_state())

    def _set_state(self, value: float) -> None:
        self._alive()
        super()._set_state(value)

    def _alive(self) -> None:
        if self.info.name in {f"GPIO{number}" for number in self.dead}:
            raise PinSetInput(f"{self.info.name}: the chip is gone")


class Bank:
    """Three lockers, the first with a content sensor; and a record of each relay's every change."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.pins = VirtualPins(self.clock)
        self.pins.pin_class = FailingPin
        FailingPin.dead.clear()
        self.lockers = [Locker(self.clock) for _ in RELAYS]
        wires = [LockerWires(relay, reed) for relay, reed in zip(RELAYS, REEDS, strict=True)]
        wires[0] = LockerWires(RELAYS[0], REEDS[0], SENSOR)
        self.board = VirtualRelayBoard(self.pins, wires, self.lockers)
        self.moves: list[tuple[int, int, bool]] = []
        """When, which channel, and whether it got or lost current."""
        for channel, relay in enumerate(RELAYS, start=1):
            self.pins.watch(relay, partial(self.moved, channel))
        self.driver = self.start()
        self.seen: list[tuple[int, DoorSeen]] = []

    def moved(self, channel: int, level: bool) -> None:
        self.moves.append((self.clock.now(), channel, level))

    def start(self) -> RelayLockers:
        pins = [RelayChannel(relay, reed) for relay, reed in zip(RELAYS, REEDS, strict=True)]
        pins[0] = RelayChannel(RELAYS[0], REEDS[0], SENSOR)
        return RelayLockers(pins, self.pins, self.clock)

    def run(self, ms: int) -> None:
        until = self.clock.now() + ms
        while self.clock.now() < until:
            self.clock.advance_to(self.clock.now_us + SCAN_MS * 1000)
            now = self.clock.now()
            self.seen += [(now, door) for door in self.driver.poll(now)]

    def told(self, channel: int) -> list[Door]:
        return [door.door for _, door in self.seen if door.channel == channel]


@pytest.fixture
def bank() -> Bank:
    return Bank()


def test_no_relay_moves_at_start_at_close_at_a_crash_or_at_the_next_start(bank: Bank) -> None:
    bank.run(1_000)
    bank.driver.close()
    bank.driver = bank.start()
    bank.run(1_000)
    bank.pins.reset()
    bank.driver = bank.start()
    bank.run(1_000)
    bank.driver.close()
    bank.driver.close()
    assert bank.moves == []


def test_doors_are_reported_once_and_then_only_when_they_change(bank: Bank) -> None:
    bank.driver.close()
    bank.lockers[2].door_to("forced")
    bank.driver = bank.start()
    bank.run(10_000)
    assert [door for _, door in bank.seen] == [
        DoorSeen(1, Door.CLOSED, False),
        DoorSeen(2, Door.CLOSED),
        DoorSeen(3, Door.OPEN),
    ]


def test_an_unlocked_door_springs_open_and_is_closed_again(bank: Bank) -> None:
    bank.run(100)
    bank.driver.unlock(2)
    bank.run(1_000)
    assert bank.lockers[1].door == "open"
    bank.lockers[1].door_to("closed")
    bank.run(200)
    assert bank.told(2) == [Door.CLOSED, Door.OPEN, Door.CLOSED]
    (on, _, _), (off, _, _) = bank.moves
    assert off - on == 300


def test_one_relay_has_current_at_a_time_with_a_rest_between_two(bank: Bank) -> None:
    for channel in (3, 1, 2, 1):
        bank.driver.unlock(channel)
    bank.run(3_000)
    assert [(channel, on) for _, channel, on in bank.moves] == [
        (3, True),
        (3, False),
        (1, True),
        (1, False),
        (2, True),
        (2, False),
    ]
    assert all(later - earlier >= 200 for (earlier, _, _), (later, _, _) in pairwise(bank.moves))
    assert {locker.door for locker in bank.lockers} == {"open"}


def test_closing_in_the_middle_of_a_pulse_takes_the_current_away_and_forgets_who_waited(bank: Bank) -> None:
    bank.driver.unlock(1)
    bank.driver.unlock(2)
    bank.run(100)
    assert bank.board.fed == {RELAYS[0]}
    bank.driver.close()
    assert bank.board.fed == set()
    assert [channel for _, channel, _ in bank.moves] == [1, 1]


def test_a_jammed_latch_stays_closed_and_nothing_is_reported(bank: Bank) -> None:
    bank.run(100)
    bank.lockers[0].jam()
    bank.driver.unlock(1)
    bank.run(2_000)
    assert bank.told(1) == [Door.CLOSED]


def test_content_is_seen_where_there_is_a_sensor(bank: Bank) -> None:
    bank.run(100)
    bank.driver.unlock(1)
    bank.run(500)
    bank.lockers[0].put_content(True)
    bank.run(500)
    bank.lockers[0].door_to("closed")
    bank.run(500)
    assert [(door.door, door.content) for _, door in bank.seen if door.channel == 1] == [
        (Door.CLOSED, False),
        (Door.OPEN, False),
        (Door.OPEN, True),
        (Door.CLOSED, True),
    ]


@pytest.mark.parametrize(
    ("reed_inverts", "shut_closes", "shown"),
    [
        (False, True, [Door.OPEN, Door.CLOSED]),
        (True, False, [Door.OPEN, Door.CLOSED]),
        (True, True, [Door.CLOSED, Door.OPEN]),  # a wrong setting shows
        (False, False, [Door.CLOSED, Door.OPEN]),
    ],
)
def test_which_way_a_reed_switches_is_its_own_and_a_wrong_setting_shows(
    reed_inverts: bool, shut_closes: bool, shown: list[Door]
) -> None:
    clock = VirtualClock()
    pins = VirtualPins(clock)
    doors = [Locker(clock), Locker(clock)]
    VirtualRelayBoard(pins, [LockerWires(5, 13), LockerWires(6, 16)], doors, reed_inverts=reed_inverts)
    doors[0].door_to("forced")
    driver = RelayLockers([RelayChannel(5, 13), RelayChannel(6, 16)], pins, clock, shut_closes=shut_closes)
    assert [seen.door for seen in driver.poll(0)] == shown


@given(st.lists(st.integers(1, 50), max_size=20))
@settings(max_examples=50)
def test_a_chattering_reed_is_no_door_that_moves(chatter_ms: list[int]) -> None:
    bank = Bank()
    bank.run(100)
    for ms in chatter_ms:
        bank.lockers[1].break_reed(reads_closed=False)
        bank.run(SCAN_MS)
        bank.lockers[1].mend_reed()
        bank.run(ms)
    bank.run(200)
    assert bank.told(2) == [Door.CLOSED]


def test_a_cut_reed_reads_as_an_open_door(bank: Bank) -> None:
    bank.run(100)
    bank.pins.unplug(REEDS[0])
    bank.run(200)
    assert bank.told(1) == [Door.CLOSED, Door.OPEN]


def test_nothing_is_due_but_while_something_is_under_way(bank: Bank) -> None:
    assert bank.driver.due(0) == 0
    bank.run(100)
    assert bank.driver.due(bank.clock.now()) == NEVER
    bank.driver.unlock(1)
    assert bank.driver.due(bank.clock.now()) == bank.clock.now()
    bank.run(100)
    assert bank.clock.now() < bank.driver.due(bank.clock.now()) <= bank.clock.now() + 300
    bank.run(1_000)
    assert bank.driver.due(bank.clock.now()) == NEVER
    bank.lockers[0].door_to("closed")
    assert bank.driver.due(bank.clock.now()) == bank.clock.now()


def test_a_pin_that_cannot_be_read_makes_its_door_unknown_and_opens_all_the_same(bank: Bank) -> None:
    bank.run(100)
    FailingPin.dead.add(REEDS[1])
    bank.run(100)
    assert bank.driver.health is Health.GONE
    assert bank.driver.detail == f"GPIO{REEDS[1]} cannot be read: the GPIO chip fails"
    bank.driver.unlock(2)
    bank.run(500)
    assert bank.told(2) == [Door.CLOSED, Door.UNKNOWN]
    assert bank.lockers[1].door == "open"
    FailingPin.dead.clear()
    bank.run(200)
    assert bank.told(2) == [Door.CLOSED, Door.UNKNOWN, Door.OPEN]
    assert bank.driver.detail == ""


def test_a_relay_that_cannot_be_driven_is_named_and_not_pulsed_later(bank: Bank) -> None:
    bank.run(100)
    FailingPin.dead.add(RELAYS[2])
    bank.driver.unlock(3)
    bank.run(500)
    assert bank.driver.health is Health.GONE
    assert bank.driver.detail == f"the relay on GPIO{RELAYS[2]} cannot be driven: the GPIO chip fails"
    FailingPin.dead.clear()
    bank.run(2_000)
    assert (bank.driver.health, bank.moves) == (Health.OK, [])


def test_a_relay_that_cannot_be_let_go_is_tried_again_and_no_other_gets_current_meanwhile(bank: Bank) -> None:
    bank.run(100)
    bank.driver.unlock(1)
    bank.driver.unlock(2)
    bank.run(100)
    FailingPin.dead.add(RELAYS[0])
    bank.run(600)
    assert bank.driver.health is Health.GONE
    assert bank.board.fed == {RELAYS[0]}
    FailingPin.dead.clear()
    bank.run(1_000)
    assert [(channel, on) for _, channel, on in bank.moves] == [(1, True), (1, False), (2, True), (2, False)]
    assert bank.driver.detail == ""


@pytest.mark.parametrize("pulse_ms", [0, 49, 1_001])
def test_a_pulse_that_opens_nothing_or_burns_a_solenoid_is_refused(pulse_ms: int) -> None:
    clock = VirtualClock()
    with pytest.raises(ValueError, match="allowed are 50 to 1000 ms"):
        RelayLockers([RelayChannel(5, 6)], VirtualPins(clock), clock, pulse_ms=pulse_ms)


@pytest.mark.parametrize("channel", [0, 4])
def test_a_channel_that_is_not_there_is_refused(bank: Bank, channel: int) -> None:
    with pytest.raises(ValueError, match="not one of 1 to 3"):
        bank.driver.unlock(channel)
