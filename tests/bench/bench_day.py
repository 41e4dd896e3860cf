"""What a simulated day costs, against its rival: the same day with every scan held, which leaves the same trace.

`python tests/bench/bench_day.py` lives both, and tells how many scans each held, how long it took and how many times as
fast as life it was. With `--profile` it lives the day once more under the profiler and tells what its seconds are made
of. Seconds are those of the processor, for other work beside it changes the others; run it on an idle machine all the
same.
"""

import cProfile
import pstats
import sys
import time
from dataclasses import replace
from pathlib import Path

from sim.pi import install

install()

from firmware.config import Config, load  # noqa: E402
from sim.durations import MINUTE  # noqa: E402
from sim.result import DayResult  # noqa: E402
from sim.run import run_day  # noqa: E402
from sim.setting import Setting  # noqa: E402

CONFIG = Path(__file__).parents[2] / "config.yaml"
DAY = Setting(1, visitors=220)
SHORT = Setting(1, visitors=12, day_ms=10 * MINUTE)
PARTS = {
    "reading the devices": ("panel.py", "read"),
    "deciding and sealing": ("controller.py", "_decide"),
    "what a commit ends with": ("controller.py", "_settled"),
    "moving outputs": ("controller.py", "_move"),
    "telemetry": ("telemetry.py", "step"),
    "people and judge looking": ("day.py", "_look"),
    "what the agenda brings": ("clock.py", "advance_to"),
    "finding the next scan": ("pace.py", "_next_scan"),
    "who need not be asked": ("pace.py", "_rest"),
}
"""Where a round goes: file and function, each beside the others (what is quiet is found with the next scan, too)."""


def lived(config: Config, setting: Setting) -> tuple[DayResult, float]:
    """A day, and the seconds of the processor."""
    begun = time.process_time()
    return run_day(config, setting), time.process_time() - begun


def line(name: str, day: DayResult, took_s: float) -> str:
    return (
        f"{name:28} {took_s:7.2f} s  {day.scans:9,d} scans  {took_s / day.scans * 1e6:6.0f} us each"
        f"  {day.lasted_ms / 1000 / took_s:8,.0f} times as fast as life"
    )


def against_every_scan(config: Config, name: str, setting: Setting) -> None:
    ours, ours_s = lived(config, setting)
    rival, rival_s = lived(config, replace(setting, skip=False))
    print(line(name, ours, ours_s))
    print(line("  with every scan", rival, rival_s))
    same = "the same trace" if ours.trace == rival.trace else "ANOTHER TRACE"
    print(f"  {rival_s / ours_s:.1f} times as quick, {same}")


def profile(config: Config) -> None:
    profiler = cProfile.Profile()
    profiler.runcall(run_day, config, DAY)
    stats = pstats.Stats(profiler)
    whole_s = stats.total_tt  # type: ignore[attr-defined]
    print(f"of {whole_s:.1f} s under the profiler:")
    for part, (file, function) in PARTS.items():
        cumulative = [
            entry[3] for (path, _, name), entry in stats.stats.items()  # type: ignore[attr-defined]
            if name == function and Path(path).name == file
        ]  # fmt: skip
        print(f"{sum(cumulative) / whole_s:5.0%}  {part}")


def main() -> None:
    config = load(CONFIG)
    short = config.model_copy(update={"visits": config.visits.model_copy(update={"length": 5 * MINUTE})})
    against_every_scan(short, "12 visitors, 10 min", SHORT)
    against_every_scan(config, "220 visitors, 8 h", DAY)
    if "--profile" in sys.argv:
        profile(config)


if __name__ == "__main__":
    main()
