"""`besuk run`, `check`, `version`: the hall on this machine's hardware, and what it is made of."""

import json
import sys
from typing import Annotated

import typer

from firmware.clashes import doubts
from firmware.commands.console import CONFIG, ConfigPath, JsonFlag, configuration, log_to_stderr, note, out

app = typer.Typer(rich_markup_mode=None)


@app.command()
def run(config: ConfigPath = CONFIG) -> None:
    """Run the hall on this machine's hardware."""
    settings = configuration(config)
    log_to_stderr()
    from firmware.service import run as serve_hall

    raise typer.Exit(serve_hall(settings))


@app.command()
def check(
    config: ConfigPath = CONFIG,
    hardware: Annotated[bool, typer.Option("--hardware", help="Ask every device as well.")] = False,
) -> None:
    """Check a configuration, and with --hardware every device that it names."""
    settings = configuration(config)
    site = settings.as_site()
    counts = {
        "reader": len(site.readers), "locker": len(site.lockers), "lane": len(site.lanes), "sign": len(site.signs),
        "contact": len(site.contacts),
    }  # fmt: skip
    told = ", ".join(f"{count} {thing}{'' if count == 1 else 's'}" for thing, count in counts.items())
    out(f"{config}: in order: {told}")
    for doubt in doubts(settings.wiring):
        note(f"warning: {doubt}")
    if hardware:
        from firmware.probe import probe

        raise typer.Exit(probe(settings, out))


@app.command()
def version(as_json: JsonFlag = False) -> None:
    """Version, Python, and the Pi's own modules."""
    from firmware.boot import VERSION
    from firmware.machine import drivers_found

    told = {"besuk": VERSION, "python": sys.version.split()[0], **drivers_found()}
    if as_json:
        out(json.dumps(told))
    else:
        for name, value in told.items():
            out(f"{name}: {value}")
