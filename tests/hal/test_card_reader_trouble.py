"""The card reader driver when cable, power, bus or chip fail: it says which, and serves again when they are back."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from hal.seen import CardArrived, CardLeft, Health
from sim.mfrc522 import Mfrc522
from tests.hal.reader_bench import card, chip_bench

Hurt = Callable[[Mfrc522], object]

TROUBLE = pytest.mark.parametrize(
    ("hurt", "health", "hint"),
    [
        (lambda chip: chip.unplug(0xFF), Health.SILENT, "VersionReg reads FF): check MISO, power and chip select"),
        (lambda chip: chip.unplug(0x00), Health.SILENT, "VersionReg reads 00): check MISO, power and chip select"),
        (lambda chip: chip.garble(), Health.GARBLED, "check the length of the wires, the ground"),
        (lambda chip: chip.hang(), Health.SILENT, "finishes no exchange: replace the reader"),
        (lambda chip: chip.vanish(), Health.GONE, "the SPI bus is missing (No such device): check that it is enabled"),
    ],
    ids=["unplugged", "held low", "noise", "hung", "gone"],
)


@TROUBLE
def test_health_falls_within_a_second_names_the_part_and_rises_when_it_is_mended(
    hurt: Hurt, health: Health, hint: str
) -> None:
    bench = chip_bench()
    bench.run(1_000)
    hurt(bench.chip)
    bench.run(1_000)
    assert bench.driver.health is health
    assert hint in bench.driver.detail
    bench.run(60_000)
    bench.chip.mend()
    bench.run(35_000)
    assert [told for _, told in bench.healths] == [Health.OK, health, Health.OK]
    assert bench.driver.detail == ""
    laid = bench.lay(card())
    assert bench.run(500) == [CardArrived(laid.uid)]


@TROUBLE
def test_trouble_at_the_start_is_known_before_the_first_poll(hurt: Hurt, health: Health, hint: str) -> None:
    bench = chip_bench(prepare=hurt)
    if "exchange" in hint:
        bench.run(1_000)  # a chip that only answers must be asked for more
    assert bench.driver.health is health
    bench.run(10_000)
    bench.chip.mend()
    laid = bench.lay(card())
    assert bench.run(35_000) == [CardArrived(laid.uid)]
    assert bench.driver.health is Health.OK


@TROUBLE
def test_a_card_that_lies_through_it_all_is_not_a_second_tap_and_one_that_went_has_left(
    hurt: Hurt, health: Health, hint: str
) -> None:
    for goes in (False, True):
        bench = chip_bench()
        laid = bench.lay(card())
        bench.run(1_000)
        hurt(bench.chip)
        during = bench.run(5_000)
        if goes:
            bench.chip.take(laid)
        bench.chip.mend()
        after = bench.run(35_000)
        assert [*during, *after] == ([CardLeft(laid.uid)] if goes else [])


@pytest.mark.parametrize("version", [0x91, 0x92, 0x88, 0x12])
def test_the_chip_and_its_clones_are_taken(version: int) -> None:
    bench = chip_bench(version)
    laid = bench.lay(card())
    assert bench.run(500) == [CardArrived(laid.uid)]


def test_another_chip_is_not() -> None:
    bench = chip_bench(version=0x3C)
    bench.run(1_000)
    assert bench.driver.health is Health.GARBLED
    assert "VersionReg reads 3C" in bench.driver.detail


@pytest.mark.parametrize("moment_us", range(0, 120_000, 7_300))
def test_a_dip_of_the_supply_costs_no_more_than_a_moment(moment_us: int) -> None:
    bench = chip_bench()
    bench.run(1_000)
    bench.clock.after(moment_us, bench.chip.brown_out)
    bench.run(400)
    laid = bench.lay(card())
    assert bench.run(500) == [CardArrived(laid.uid)]
    assert [told for _, told in bench.healths] == [Health.OK]


def test_a_supply_that_keeps_dipping_is_told() -> None:
    bench = chip_bench()
    for _ in range(20):
        bench.run(100)
        bench.chip.brown_out()
    assert bench.driver.health is Health.SILENT
    assert "check its 3.3 V supply" in bench.driver.detail


@pytest.mark.parametrize("register", [0x11, 0x15, 0x18, 0x26, 0x2D])
def test_a_setting_changed_behind_its_back_is_found_within_ten_seconds(register: int) -> None:
    bench = chip_bench()
    bench.run(1_000)
    bench.chip.open().xfer2([register << 1, 0x07])
    bench.run(11_000)
    assert bench.chip.open().xfer2([0x80 | register << 1, 0])[1] != 0x07
    assert [told for _, told in bench.healths] == [Health.OK]


def test_a_missing_bus_is_looked_for_less_and_less_often() -> None:
    bench = chip_bench()
    bench.chip.vanish()
    bench.run(1_000)
    tries: list[int] = []
    while len(tries) < 7:
        due = bench.driver.due(bench.clock.now())
        tries.append(due)
        bench.run(due - bench.clock.now() + 20)
    waits = [after - before for before, after in pairwise(tries)]
    assert waits == pytest.approx([2_000, 4_000, 8_000, 16_000, 30_000, 30_000], abs=40)


def test_a_bus_that_flaps_gives_no_storm() -> None:
    bench = chip_bench()
    for _ in range(60):
        bench.run(500)
        bench.chip.vanish()
        bench.run(500)
        bench.chip.mend()
    assert len(bench.healths) <= 4
    bench.run(35_000)
    assert bench.driver.health is Health.OK


def test_closed_it_gives_the_bus_back() -> None:
    bench = chip_bench()
    bench.run(500)
    bench.driver.close()
    assert bench.transfers(60_000) == 0
    bench.chip.vanish()
    bench.driver.close()


def test_calm_for_a_minute_the_bus_is_looked_for_at_once_again() -> None:
    bench = chip_bench()
    for _ in range(5):
        bench.run(61_000)
        bench.chip.vanish()
        bench.run(200)
        assert bench.driver.health is Health.GONE
        assert bench.driver.due(bench.clock.now()) - bench.clock.now() <= 1_000
        bench.chip.mend()
