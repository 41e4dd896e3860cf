"""What a day is made of, as data: so that it can be lived again in another process, and shrunk."""

import random
from dataclasses import dataclass, replace
from typing import TextIO

from firmware.config import Config
from hal.clock import Millis
from sim.day import Day
from sim.durations import DAY_MS, MINUTE
from sim.invariants import INVARIANTS
from sim.people.habits import habits_of
from sim.scale import with_counters, with_lanes
from sim.scenarios import scenario, varied
from sim.strokes import Stroke, Weather, plan

WHOLE = 33
"""One seed in so many is a whole day of a busy hall; the others are a few hours of a smaller one."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a day is made of: enough to live it again, here or in another process."""

    seed: int
    visitors: int = 220
    day_ms: Millis = DAY_MS
    weather: Weather = "none"
    scenario: str = ""
    """What the site has that the sample has not; empty for nothing."""
    skip: bool = True
    only: tuple[int, ...] | None = None
    """Who comes of these visitors; None for all."""
    strokes: tuple[str, ...] | None = None
    """The trouble of the day, a line each; None for what seed and weather say."""
    counters: int | None = None
    lanes: int | None = None
    habits: str = ""
    """A named set or a file; empty: polite in fair weather, real in any other."""


def setting_of(seed: int, weather: Weather) -> Setting:
    """The day that belongs to a seed."""
    rng = random.Random(f"setting {seed}")
    site = scenario(seed)
    if seed % WHOLE == 0:
        return Setting(seed, weather=weather, scenario=site)
    hours = rng.choice((2, 2, 2, 3))
    visitors = rng.randint(6, 12) * hours
    return Setting(seed, visitors=visitors, day_ms=hours * 60 * MINUTE, weather=weather, scenario=site)


def spelled_out(config: Config, setting: Setting) -> Setting:
    """The same day with its visitors and strokes by name, so that some can be left out."""
    strokes = tuple(str(one) for one in strokes_of(config, setting))
    return replace(setting, strokes=strokes, only=setting.only or tuple(range(1, setting.visitors + 1)))


def site_of(config: Config, setting: Setting) -> Config:
    """The hall of that day."""
    return with_lanes(with_counters(varied(config, setting.scenario), setting.counters), setting.lanes or 1)


def strokes_of(config: Config, setting: Setting) -> list[Stroke]:
    """The trouble of that day."""
    if setting.strokes is None:
        return plan(site_of(config, setting), setting.seed, setting.weather, setting.day_ms)
    return [Stroke.of(line) for line in setting.strokes]


def habits_named(setting: Setting) -> str:
    """Who comes: polite people in fair weather, real ones in any other, unless it is said."""
    return setting.habits or ("polite" if setting.weather == "none" else "real")


def day_of(config: Config, setting: Setting, trace_file: TextIO | None = None) -> Day:
    """That day, ready to run. Raises HabitsError."""
    habits = habits_of(habits_named(setting))
    config = site_of(config, setting)
    return Day(
        config, seed=setting.seed, visitors=setting.visitors, day_ms=setting.day_ms, skip=setting.skip,
        trace_file=trace_file, habits=habits, strokes=strokes_of(config, setting), only=setting.only,
        invariants=INVARIANTS,
    )  # fmt: skip
