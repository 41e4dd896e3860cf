"""What is left out must not show: a run that skips and one that holds every scan are the same, to the microsecond."""

from functools import cache
from pathlib import Path

import pytest

from firmware.config import Config, load
from sim.people import MINUTE
from sim.run import run_day
from sim.setting import Setting

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
