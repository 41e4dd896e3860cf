"""The same hall, larger: every wire of it could be soldered, and people find their way in it."""

from functools import cache
from pathlib import Path

import pytest

from firmware.clashes import clashes
from firmware.config import Config, load
from firmware.core.site import ReaderPlace
from sim.clock import VirtualClock
from sim.hall import VirtualHall, stock_of_cards
from sim.scale import cards, with_capacity, with_counters, with_lanes, with_lockers

CONFIG = Path(__file__).parents[2] / "config.yaml"


@cache
def config() -> Config:
    return load(CONFIG)


@pytest.mark.parametrize(("lanes", "on_spi", "stops"), [(1, 3, 1), (2, 2, 2), (3, 0, 2)])
def test_up_to_three_lanes_fit_on_a_pi_once_readers_leave_its_spi_buses(lanes: int, on_spi: int, stops: int) -> None:
    hall = with_lanes(config(), lanes)
    assert list(clashes(hall.wiring)) == []
    assert len(hall.gate.lanes) == lanes
    assert sum(reader.spi is not None for reader in hall.readers.values()) == on_spi
    assert sum(lane.stop is not None for lane in hall.gate.lanes.values()) == stops
    for lane in hall.gate.lanes:
        places = {reader.place for reader in hall.readers.values() if reader.lane == lane}
        assert places == {ReaderPlace.ENTRY, ReaderPlace.EXIT}


def test_a_fourth_lane_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="4 lanes are not possible: a Pi has too few pins"):
        with_lanes(config(), 4)


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_the_virtual_hall_can_be_built_of_it(lanes: int) -> None:
    hall = VirtualHall(with_lanes(config(), lanes), VirtualClock())
    assert len(hall.arms) == lanes
    assert len(hall.readers) == 2 + 2 * lanes


@pytest.mark.parametrize(("wanted", "given"), [(None, 48), (20, 48), (49, 64), (96, 96), (240, 240)])
def test_lockers_come_by_the_board(wanted: int | None, given: int) -> None:
    hall = with_lockers(config(), wanted)
    numbers = [number for bank in hall.lockers.banks.values() for number in bank.numbers]
    assert len(set(numbers)) == len(numbers) == given


def test_more_lockers_than_a_line_has_addresses_for_are_refused() -> None:
    with pytest.raises(ValueError, match="241 lockers are not possible on the line of bank A"):
        with_lockers(config(), 241)


def test_counters_and_places_are_what_was_asked_for() -> None:
    hall = with_capacity(with_counters(config(), 4), 150)
    assert hall.queue.counters == ("1", "2", "3", "4")
    assert hall.as_site().capacity == 150
    assert with_capacity(with_counters(config(), None), None) is config()


@pytest.mark.parametrize("wanted", [0, 3, 80, 200])
def test_so_many_cards_each_with_a_number_and_a_uid_of_its_own(wanted: int) -> None:
    known = stock_of_cards(1)
    stock = list(cards(1, known, wanted))
    assert len(stock) == len({number for number, _ in stock}) == len({uid for _, uid in stock}) == wanted
    assert stock[:80] == known[:wanted]
    assert stock == list(cards(1, known, wanted))
