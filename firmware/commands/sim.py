"""`besuk sim`: the same daemon over a virtual hall, live or as days in virtual time.

The one place where the program looks at its simulation: each command imports what it needs when it is called.
"""

from pathlib import Path
from typing import Annotated

import typer

from firmware.commands.console import CONFIG, ConfigPath, configuration, log_to_stderr

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
    faults: Annotated[str, typer.Option(help="none (some and storm come later).")] = "none",
    report: Annotated[Path | None, typer.Option(help="A page about the day (comes later).")] = None,
    journal: Annotated[Path | None, typer.Option(help="Keep the day's state folder here.")] = None,
    trace: Annotated[Path | None, typer.Option(help="Write everything that happened, one line each.")] = None,
    config: Annotated[Path | None, typer.Option("--config", help="The site's configuration file.")] = None,
) -> None:
    """Run one seeded day in virtual time, and say how it went."""
    settings = configuration(config or context.obj or CONFIG)
    from sim.run import main_day

    raise typer.Exit(
        main_day(
            settings, seed=seed, visitors=visitors, counters=counters, faults=faults,
            report=report, journal=journal, trace=trace,
        )
    )  # fmt: skip
