"""What is left out must not show: a run that skips and one that holds every scan are the same, to the microsecond."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from firmware.config import Config, load
from sim.day import Day
from sim.durations import MINUTE
from sim.run import run_day
from sim.setting import Setting
from sim.strokes import Stroke

CONFIG = Path(__file__).parents[2] / "config.yaml"


@cache
def config(length_min: int) -> Config:
    """The sample hall, with visits of at most so long."""
    whole = load(CONFIG)
    return whole.model_copy(update={"visits": whole.visits.model_copy(update={"length": length_min * MINUTE})})


@pytest.mark.parametrize(
    ("seed", "visitors", "length_min"),
    [
        *((seed, 4, 2) for seed in range(1, 6)),
        (6, 2, 12),  # a checkpoint falls into the quiet time between in and out, warnings and overstays too
    ],
)
def test_a_run_that_leaves_scans_out_leaves_nothing_else_out(seed: int, visitors: int, length_min: int) -> None:
    skipping = run_day(config(length_min), Setting(seed, visitors=visitors, day_ms=2 * MINUTE))
    whole = run_day(config(length_min), Setting(seed, visitors=visitors, day_ms=2 * MINUTE, skip=False))
    assert whole.skipped == 0
    assert skipping.skipped > whole.scans // 2
    assert skipping.scans + skipping.skipped == whole.scans
    assert skipping.trace == whole.trace


TROUBLE = [
    ["3125 reader unplugged at entry for 9000", "62017 reader silent at lockers for 9000", "95003 fire at fire for 40"],
    ["20000 bank garbled at A for 15000", "61007 bank silent at A for 9000", "100000 bank late at A for 8000 x250"],
    ["15000 lane unpowered at main for 9000", "70003 lane stuck at main for 40000", "91000 sign restarted at hall"],
    ["25001 disk stalled at disk for 20000 x900", "60000 broker unplugged at broker for 30000", "99000 hang for 1500"],
    ["99003 disk failing at disk for 30000", "6000 reader garbled at lockers for 9000", "900 bank noisy at A for 9000"],
    ["41003 kill for 2000", "62111 kill in commit for 2000 x5", "100507 restart for 2000"],
    ["9007 clock drifting at clock for 150000 x400"],
    ["33333 power for 21000", "33333 clock behind at clock for 60000 x300", "9501 reader browned_out at exit for 9000"],
]
"""A daemon that is started again begins its own time at an arbitrary microsecond."""


@pytest.mark.parametrize("lines", TROUBLE, ids=lambda lines: lines[0].partition(" ")[2])
def test_nor_does_one_in_which_things_go_wrong(lines: Sequence[str]) -> None:
    skipping, whole = (
        Day(config(2), seed=7, visitors=4, day_ms=2 * MINUTE, strokes=[Stroke.of(line) for line in lines], skip=skip)
        for skip in (True, False)
    )
    scans = [day.run().scans for day in (skipping, whole)]
    assert sum(skipping.storm.seen.values()) == len(lines)
    assert skipping.trace.hash == whole.trace.hash
    assert scans[0] < scans[1] // 2
