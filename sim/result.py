"""One day in figures."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hal.clock import Millis


@dataclass(frozen=True, slots=True)
class Span:
    """How long something took, over all visits, in milliseconds."""

    median: Millis
    p90: Millis
    most: Millis

    @classmethod
    def of(cls, values: Sequence[Millis]) -> "Span":
        ordered = sorted(values) or [0]
        return cls(ordered[len(ordered) // 2], ordered[len(ordered) * 9 // 10], ordered[-1])


@dataclass(slots=True)
class DayResult:
    """One day in figures."""

    seed: int
    visitors: int
    served: int = 0
    stages: dict[str, Span] = field(default_factory=dict)
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
