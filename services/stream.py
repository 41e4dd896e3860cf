"""Positions on their way from one thread to any number of browsers, as server-sent events.

The thread that owns the truth puts down what holds now, and never waits: a position replaces the one before, and is
encoded once, by the web server's thread. Each browser is sent the newest when it is ready for it, so a slow one misses
steps in between, and delays nobody. While nothing changes a beat tells that the owner still goes round; when the owner
stands still no beat is sent, and a page can say that what it shows is old.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

BEAT_S = 5.0
"""Longest silence towards a browser while all is well."""
ALIVE_S = 3.0
"""An owner that has not gone round for so long is not well."""
LISTENERS_MOST = 400
BEAT = b"event: beat\ndata: {}\n\n"


class TooManyListenersError(Exception):
    """So many browsers listen that no more are taken."""


class Stream:
    """`wanted`, `put` and `beat` from the owner's thread; `listen` from the web server's."""

    def __init__(self, topics: tuple[str, ...], most: int = LISTENERS_MOST) -> None:
        self._topics = {topic: _Topic() for topic in topics}
        self._most = most
        self._alive_at = time.monotonic()

    # -- the owner's thread

    def wanted(self, topic: str) -> bool:
        """Whether anybody looks at it."""
        return bool(self._topics[topic].listeners)

    def missing(self, topic: str) -> bool:
        """Whether somebody looks at it, and nothing was put down since nobody did."""
        one = self._topics[topic]
        return bool(one.listeners) and one.empty

    def put(self, topic: str, position: Mapping[str, Any]) -> None:
        """What holds now. It must not be changed afterwards."""
        self._topics[topic].put(position)

    def beat(self) -> None:
        """The owner goes round."""
        self._alive_at = time.monotonic()

    # -- the web server's thread

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return sum(topic.listeners for topic in self._topics.values())

    def listen(self, topic: str, until: Callable[[], bool] = lambda: False) -> AsyncIterator[bytes]:
        """Events for one browser, the newest position first, until it goes or `until` says so.

        Raises TooManyListenersError.
        """
        if self.listeners >= self._most:
            raise TooManyListenersError("too many pages are open; close one, or wait")
        return self._events(self._topics[topic], until)

    async def _events(self, one: "_Topic", until: Callable[[], bool]) -> AsyncIterator[bytes]:
        one.join(asyncio.get_running_loop())
        try:
            seen = -1
            while not until():
                bell = one.bell
                if one.number != seen and one.encoded:
                    seen = one.number
                    yield one.encoded
                    continue
                try:
                    await asyncio.wait_for(bell.wait(), BEAT_S)
                except TimeoutError:
                    if time.monotonic() - self._alive_at < ALIVE_S:
                        yield BEAT
        finally:
            one.leave()


class _Topic:
    """One position and those who look at it."""

    def __init__(self) -> None:
        self.listeners = 0
        self.empty = True
        self.number = 0
        self.encoded = b""
        self.bell = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def join(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        if not self.listeners:
            self.empty, self.encoded = True, b""
        self.listeners += 1

    def leave(self) -> None:
        self.listeners -= 1

    def put(self, position: Mapping[str, Any]) -> None:
        self.empty = False
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._ring, position)

    def _ring(self, position: Mapping[str, Any]) -> None:
        text = json.dumps(position, ensure_ascii=False, separators=(",", ":"))
        self.encoded = f"data: {text}\n\n".encode()
        self.number += 1
        bell, self.bell = self.bell, asyncio.Event()
        bell.set()
