"""Positions on their way from one thread to any number of browsers, as server-sent events.

The thread that owns the truth puts down what holds now, and never waits: a position replaces the one before, and is
encoded once, by the web server's thread. Each browser is sent the newest when it is ready for it, so a slow one misses
steps in between, and delays nobody. While nothing changes a beat tells that the owner still goes round; when the owner
stands still no beat is sent, and a page can say that what it shows is old.

Two threads of one interpreter take turns, and hundreds of browsers need tens of milliseconds. So they are served one by
one in the owner's pauses: for a while after it has gone round, and then not before it has done so again.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any

BEAT_S = 5.0
"""Longest silence towards a browser while all is well."""
LOOK_S = 0.5
"""How often it is looked who has heard nothing for so long."""
ALIVE_S = 3.0
"""An owner that has not gone round for so long is not well."""
PAUSE_S = 0.005
"""So long after a round browsers are served. The owner goes round every 20 ms, and needs some of them itself."""
LISTENERS_MOST = 400
SWITCH_S = 0.0002
"""How long one thread may keep the interpreter while others want it: the scan never waits longer for the pages, and
the scan of a fast hall does not starve them."""
BEAT = b"event: beat\ndata: {}\n\n"


class TooManyListenersError(Exception):
    """So many browsers listen that no more are taken."""


class Stream:
    """`wanted`, `put` and `pause` from the owner's thread; `listen` from the web server's."""

    def __init__(self, topics: tuple[str, ...], most: int = LISTENERS_MOST) -> None:
        self._topics = {topic: _Topic() for topic in topics}
        self._most = most
        self._alive_at = time.monotonic()
        self._fresh: dict[str, Mapping[str, Any]] = {}
        """What was put down since the last pause."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._next: deque[_Listener] = deque()
        """Who is to be sent something, in their order."""
        self._hungry = False
        """Whether the next pause is waited for."""
        self._serving = False
        self._looking = False

    # -- the owner's thread

    def wanted(self, topic: str) -> bool:
        """Whether anybody looks at it."""
        return bool(self._topics[topic].listeners)

    def missing(self, topic: str) -> bool:
        """Whether somebody looks at it, and nothing was put down since nobody did."""
        one = self._topics[topic]
        return bool(one.listeners) and one.empty

    def put(self, topic: str, position: Mapping[str, Any]) -> None:
        """What holds now, told in the next pause. It must not be changed afterwards."""
        self._topics[topic].empty = False
        self._fresh[topic] = position

    def pause(self) -> None:
        """The owner has gone round, and its pause begins."""
        self._alive_at = time.monotonic()
        loop = self._loop
        if loop is not None and (self._fresh or self._hungry):
            fresh, self._fresh = self._fresh, {}
            with suppress(RuntimeError):  # the loop was closed: nobody is there to be told
                loop.call_soon_threadsafe(self._serve, fresh)

    # -- the web server's thread

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return sum(len(topic.listeners) for topic in self._topics.values())

    def listen(
        self, topic: str, until: Callable[[], bool] = lambda: False, *, spare: int = 0
    ) -> AsyncIterator[bytes]:
        """Events for one browser, the newest position first, until it goes or `until` says so. `spare` places are left
        to others.

        Raises TooManyListenersError.
        """
        if self.listeners >= self._most - spare:
            raise TooManyListenersError("too many pages are open; close one, or wait")
        return self._events(self._topics[topic], until)

    async def _events(self, one: "_Topic", until: Callable[[], bool]) -> AsyncIterator[bytes]:
        listener = self._join(one)
        try:
            while True:
                if listener.behind:
                    self._queue(listener)
                await listener.turn()
                if until():  # asked when it is sent something: whoever signed out meanwhile is shown nothing more
                    break
                listener.heard_at = time.monotonic()
                if listener.behind:
                    listener.seen = one.number
                    yield one.encoded
                else:
                    yield BEAT
        finally:
            del one.listeners[listener]

    def _join(self, one: "_Topic") -> "_Listener":
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            self._next.clear()
            self._serving = self._looking = False
        if not self._looking:
            self._looking = True
            loop.call_later(LOOK_S, self._look)
        if not one.listeners:
            one.empty, one.encoded = True, b""
        listener = _Listener(one)
        one.listeners[listener] = None
        return listener

    def _take(self, one: "_Topic", position: Mapping[str, Any]) -> None:
        text = json.dumps(position, ensure_ascii=False, separators=(",", ":"))
        one.encoded = f"data: {text}\n\n".encode()
        one.number += 1
        for listener in one.listeners:
            if listener.waiting:
                self._queue(listener)

    def _queue(self, listener: "_Listener") -> None:
        """Let it be sent something, in its turn."""
        if not listener.queued:
            listener.queued = self._hungry = True
            self._next.append(listener)

    def _look(self) -> None:
        """Who has heard nothing for long is told that all is well, if it is."""
        now = time.monotonic()
        for topic in self._topics.values():
            for listener in topic.listeners:
                if listener.waiting and now - listener.heard_at >= BEAT_S and now - self._alive_at < ALIVE_S:
                    self._queue(listener)
        self._looking = bool(self.listeners)
        if self._looking and self._loop is not None:
            self._loop.call_later(LOOK_S, self._look)

    def _serve(self, fresh: Mapping[str, Mapping[str, Any]]) -> None:
        """Begin to serve those who are next, if nobody does."""
        for topic, position in fresh.items():
            self._take(self._topics[topic], position)
        if not self._serving:
            self._serve_next()

    def _serve_next(self) -> None:
        """One, and then the others, while the pause lasts; what is left waits for the next one."""
        pause = time.monotonic() - self._alive_at < PAUSE_S
        self._hungry = bool(self._next)
        self._serving = pause and self._hungry
        if self._serving and self._loop is not None:
            self._next.popleft().wake()
            self._loop.call_soon(self._serve_next)


class _Topic:
    """One position and those who look at it."""

    def __init__(self) -> None:
        self.listeners: dict[_Listener, None] = {}
        self.empty = True
        self.number = 0
        self.encoded = b""


class _Listener:
    """One browser."""

    def __init__(self, topic: _Topic) -> None:
        self._topic = topic
        self._turn: asyncio.Future[None] | None = None
        self.queued = False
        self.seen = -1
        self.heard_at = time.monotonic()

    @property
    def behind(self) -> bool:
        """Whether there is a position that it has not been sent."""
        return self.seen != self._topic.number and bool(self._topic.encoded)

    @property
    def waiting(self) -> bool:
        """Whether it is ready for more; while it is being sent something it is not."""
        return self._turn is not None and not self._turn.done()

    async def turn(self) -> None:
        """Until it is its turn."""
        self._turn = asyncio.get_running_loop().create_future()
        await self._turn

    def wake(self) -> None:
        self.queued = False
        if self._turn is not None and not self._turn.done():
            self._turn.set_result(None)
