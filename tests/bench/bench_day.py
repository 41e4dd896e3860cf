"""What a simulated day costs: wall seconds and scans a second, with scans left out and without.

Run it by hand, on an idle machine: `python tests/bench/bench_day.py`.
"""

from pathlib import Path

from sim.pi import install

install()

from firmware.config import Config, load  # noqa: E402
from sim.durations import DAY_MS, MINUTE  # noqa: E402
from sim.result import DayResult  # noqa: E402
from sim.run import run_day  # noqa: E402
from sim.setting import Setting  # noqa: E402

CONFIG = Path(__file__).parents[2] / "config.yaml"


def line(name: str, day: DayResult) -> str:
    """One measured run."""
    return (
        f"{name:32} {day.wall_s:7.2f} s  {day.scans:8d} scans  {day.skipped:8d} left out"
        f"  {day.scans / day.wall_s:7.0f} scans/s  {day.lasted_ms / 1000 / day.wall_s:7.0f} times as fast as life"
    )


def main() -> None:
    config: Config = load(CONFIG)
    short = config.model_copy(update={"visits": config.visits.model_copy(update={"length": 5 * MINUTE})})
    for skip in (True, False):
        day = run_day(short, Setting(1, visitors=12, day_ms=10 * MINUTE, skip=skip))
        print(line(f"12 visitors, {'' if skip else 'not '}skipping", day))
    for visitors in (20, 220):
        print(line(f"{visitors} visitors, {DAY_MS // MINUTE // 60} h", run_day(config, Setting(1, visitors=visitors))))


if __name__ == "__main__":
    main()
