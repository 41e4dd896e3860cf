"""`besuk`: the command line. Each group of commands is a module of `firmware.commands`."""

import typer

from firmware.commands import audit, desk, hall, report, sim, staff

app = typer.Typer(
    name="besuk", no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    pretty_exceptions_enable=False, help="The edge controller of a visit hall: lockers, queue sign, turnstile.",
)  # fmt: skip
app.add_typer(hall.app)
app.add_typer(sim.app, name="sim")
app.add_typer(desk.app)
app.add_typer(desk.card_app, name="card")
app.add_typer(audit.app, name="audit")
app.add_typer(report.app)
app.add_typer(staff.app, name="staff")


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()
