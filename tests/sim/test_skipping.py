"""What is left out must not show: a run that skips and one that holds every scan are the same, to the microsecond."""

from functools import cache
from pathlib import Path

import pytest

from firmware.config import Config, load
from sim.run import run_day

CONFIG = Path(__file__).parents[2] / "config.yaml"


@cache
def config() -> Config:
    """The sample hall, with visits of at most two minutes."""
    whole = load(CONFIG)
    return whole.model_copy(update={"visits": whole.visits.model_copy(update={"length": 120_000})})


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_run_that_leaves_scans_out_leaves_nothing_else_out(seed: int) -> None:
    skipping = run_day(config(), seed=seed, visitors=4, day_ms=120_000)
    whole = run_day(config(), seed=seed, visitors=4, day_ms=120_000, skip=False)
    assert whole.skipped == 0
    assert skipping.skipped > whole.scans // 2
    assert skipping.scans + skipping.skipped == whole.scans
    assert skipping.trace == whole.trace
