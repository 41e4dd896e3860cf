"""Lengths of time, in milliseconds, and how a reader is told them."""

from hal.clock import Millis

SECOND: Millis = 1_000
MINUTE: Millis = 60 * SECOND
HOUR: Millis = 60 * MINUTE
DAY_MS: Millis = 8 * HOUR
"""From the first officer to the last: a day of a hall."""


def clock_text(ms: Millis) -> str:
    """`1:27`, or `7:05:00`; rounded as on the page of the day."""
    minutes, seconds = divmod(round(ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
