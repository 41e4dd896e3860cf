"""Locks that wait for their pulse: first come first served, none twice, none when nobody stands there any more."""

from hal.clock import Millis

STALE_MS: Millis = 3_000
"""A request that could not be served for so long is forgotten: whoever wants the door open will have asked again."""


class PulseQueue:
    """Channels to be pulsed, oldest first."""

    def __init__(self) -> None:
        self._asked_at: dict[int, Millis] = {}

    def ask(self, channel: int, now: Millis) -> None:
        """Queue a channel; one that waits already keeps its place."""
        self._asked_at.setdefault(channel, now)

    def take(self, now: Millis) -> int | None:
        """The next channel to be pulsed, which then no longer waits; None when none does."""
        while self._asked_at:
            channel = next(iter(self._asked_at))
            if now - self._asked_at.pop(channel) < STALE_MS:
                return channel
        return None

    def clear(self) -> None:
        self._asked_at.clear()

    def __bool__(self) -> bool:
        return bool(self._asked_at)
