"""One day in figures."""

from dataclasses import dataclass, field

from firmware.report.figures import Quantiles
from hal.clock import Millis


@dataclass(slots=True)
class DayResult:
    """One day in figures."""

    seed: int
    visitors: int
    served: int = 0
    """Visitors who are through with everything and have gone home, with a visit or without."""
    visits: int = 0
    """Visits that have ended."""
    stages: dict[str, Quantiles] = field(default_factory=dict)
    """`waited`, `counter`, `to_entry`, `inside`: as the visits' last facts say."""
    promise_kept: int = 0
    """Visits from ticket to seat within two minutes."""
    inside_peak: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    """By reason."""
    cards_awaited: int = 0
    events: int = 0
    scans: int = 0
    skipped: int = 0
    lasted_ms: Millis = 0
    """Of virtual time, from the officers' first action to the central server's last word."""
    wall_s: float = 0.0
    trace: str = ""
