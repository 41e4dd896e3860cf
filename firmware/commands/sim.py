"""`besuk sim`: the same daemon over a virtual hall, live or as days in virtual time.

The one place where the program looks at its simulation: each command imports what it needs when it is called.
"""

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from firmware.commands.console import CONFIG, ConfigPath, JsonFlag, configuration, fail, log_to_stderr

CASE = Path("besuk-case.json")
Weather = Literal["none", "some", "storm"]
OF_THE_CASE = ("seed", "visitors", "counters", "lanes", "faults", "people")
"""Options of a day that a kept one has by itself."""

app = typer.Typer(help="The same daemon over a virtual hall.", invoke_without_command=True, rich_markup_mode=None)


@app.callback()
def sim(
    context: typer.Context,
    config: ConfigPath = CONFIG,
    speed: Annotated[float, typer.Option(min=0.01, max=1000, help="Hall time against real time.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of cards and people.")] = 1,
    visitors: Annotated[int | None, typer.Option(min=0, help="0: nobody comes by himself.")] = None,
    broker: Annotated[str, typer.Option(help="embedded, HOST:PORT, or none.")] = "embedded",
    web: Annotated[str, typer.Option(help="HOST:PORT of the pages, or none.")] = "",
    state: Annotated[Path | None, typer.Option(help="Continue where this folder's hall stopped.")] = None,
) -> None:
    """Run the live virtual hall until Ctrl-C."""
    context.obj = config
    if context.invoked_subcommand is not None:
        return
    settings = configuration(config)
    log_to_stderr()
    from sim.live import main as live

    web_at = web or f"{settings.web.host}:{settings.web.port}"
    raise typer.Exit(
        live(settings, speed=speed, seed=seed, visitors=visitors, broker=broker, web=web_at, state=state)
    )


@app.command("day")
def sim_day(
    context: typer.Context,
    seed: Annotated[int, typer.Option(help="Seed of the day.")] = 1,
    visitors: Annotated[int, typer.Option(min=0, max=5_000, help="How many come.")] = 220,
    counters: Annotated[int, typer.Option(min=1, max=20, help="Counters that are staffed.")] = 2,
    lanes: Annotated[int, typer.Option(min=1, max=3, help="Turnstiles.")] = 1,
    faults: Annotated[Weather, typer.Option(help="Trouble by seed: none, a dozen a day, or storm.")] = "none",
    people: Annotated[str, typer.Option(help="polite, real, or a file of habits; real where faults are.")] = "",
    case: Annotated[Path | None, typer.Option(help="Live a day again that a soak has kept.")] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write a page about the day.")] = None,
    journal: Annotated[Path | None, typer.Option(help="Keep the day's state folder here.")] = None,
    trace: Annotated[Path | None, typer.Option(help="Write everything that happened, one line each.")] = None,
    config: Annotated[Path | None, typer.Option("--config", help="The site's configuration file.")] = None,
) -> None:
    """Run one seeded day in virtual time under the judge's eyes, and say how it went."""
    settings = configuration(config or context.obj or CONFIG)
    from sim.case import load_case
    from sim.run import main_day
    from sim.setting import Setting

    setting = Setting(
        seed, visitors=visitors, counters=counters, lanes=lanes, weather=faults, habits=people
    )
    if case is not None:
        sources = {name: context.get_parameter_source(name) for name in OF_THE_CASE}
        if given := [f"--{name}" for name, source in sources.items() if source and source.name == "COMMANDLINE"]:
            fail(f"{', '.join(given)}: beside --case means nothing: the day is what the case says", 2)
        try:
            setting = load_case(case, settings)
        except OSError as error:
            fail(f"{case}: cannot be read: {(error.strerror or str(error)).lower()}", 2)
        except ValueError as error:
            fail(f"{case}: is no day that a soak has kept: {error}", 2)
    raise typer.Exit(main_day(settings, setting, report=report, journal=journal, trace=trace))


@app.command("soak")
def sim_soak(
    context: typer.Context,
    seeds: Annotated[str, typer.Option(help="First and last seed: 1..200.")] = "",
    minutes: Annotated[float | None, typer.Option(min=0.01, help="Begin new days for so long.")] = None,
    faults: Annotated[Weather, typer.Option(help="Trouble by seed: none, some, or storm.")] = "storm",
    jobs: Annotated[int | None, typer.Option(min=1, help="Days at a time; as many as there are cores.")] = None,
    complete: Annotated[bool, typer.Option("--complete", help="Fail when something was never met.")] = False,
    case: Annotated[Path, typer.Option(help="Where the first violation's smallest day is kept.")] = CASE,
    config: Annotated[Path | None, typer.Option("--config", help="The site's configuration file.")] = None,
) -> None:
    """Run many days, say what they met, and shrink the first violation to its story."""
    path = config or context.obj or CONFIG
    settings = configuration(path)
    span = re.fullmatch(r"(\d{1,9})\.\.(\d{1,9})", seeds) if seeds else None
    if seeds and (span is None or int(span[1]) > int(span[2])):
        fail(f"--seeds: {seeds!r} is not allowed; the first and the last, such as 1..200", 2)
    if (span is None) == (minutes is None):
        fail("how long? --seeds A..B, or --minutes N", 2)
    from sim.soak_run import main_soak

    raise typer.Exit(
        main_soak(
            path, settings, seeds=(int(span[1]), int(span[2])) if span else None, minutes=minutes, weather=faults,
            jobs=jobs, complete=complete, case=case,
        )
    )  # fmt: skip


@app.command("counters")
def sim_counters(
    context: typer.Context,
    visitors: Annotated[str, typer.Option(help="Numbers of visitors a day, with commas.")] = "220,500,1200",
    counters: Annotated[str, typer.Option(help="Numbers of counters to try, 1-12 or one of them.")] = "1-12",
    searchers: Annotated[int, typer.Option(min=1, max=20, help="Officers who search.")] = 2,
    lanes: Annotated[int | None, typer.Option(min=1, max=3, help="Turnstiles; the site's without it.")] = None,
    capacity: Annotated[int | None, typer.Option(min=1, max=10_000, help="Places; the site's without it.")] = None,
    lockers: Annotated[int | None, typer.Option(min=1, max=240, help="Lockers; the site's without it.")] = None,
    cards: Annotated[int | None, typer.Option(min=1, max=2_000, help="Cards in stock; 80 without it.")] = None,
    share: Annotated[int, typer.Option(min=1, max=100, help="Percent in time for the promise to hold.")] = 90,
    every: Annotated[bool, typer.Option("--every", help="Try each number, not only as many as are needed.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the days.")] = 1,
    jobs: Annotated[int | None, typer.Option(min=1, help="Days at a time; as many as there are cores.")] = None,
    config: Annotated[Path | None, typer.Option("--config", help="The site's configuration file.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """How many counters does a day of so many visitors need for the promise of two minutes to hold?"""
    span = re.fullmatch(r"([1-9]\d?)(?:-([1-9]\d?))?", counters)
    numbers = [int(one) for one in visitors.split(",") if one.isascii() and one.isdigit()]
    if len(numbers) != visitors.count(",") + 1 or not all(1 <= one <= 5_000 for one in numbers):
        fail(f"--visitors: {visitors!r} is not allowed; numbers from 1 to 5000 such as 220,500,1200", 2)
    low, high = (int(span[1]), int(span[2] or span[1])) if span else (0, 0)
    if not 1 <= low <= high <= 20:
        fail(f"--counters: {counters!r} is not allowed; a number or range from 1 to 20 such as 1-12", 2)
    path = config or context.obj or CONFIG
    settings = configuration(path)
    from sim.counters_run import main_counters

    raise typer.Exit(
        main_counters(
            path, settings, visitors=numbers, counters=(low, high), searchers=searchers, lanes=lanes, capacity=capacity,
            lockers=lockers, cards=cards, seed=seed, share=share, every=every, jobs=jobs, as_json=as_json,
        )
    )  # fmt: skip
