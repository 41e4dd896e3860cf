"""People as little stories: generators that wait for a moment, or for something they can see, and then use their hands.

A story yields a `Wait` and is sent `True` when it saw what it waited for, `False` when its patience ended. That ends
by the agenda of virtual time, at its very moment; eyes are opened after each scan, in the order in which people began
to wait, again and again until nobody moves any more. What is looked for must be in the world, never the time of day: so
a scan in which nothing happens moves nobody, and may be left out.

Whoever waits for long names a `Bell` with what they look for, and opens their eyes only when it rings; so a hundred
people who wait for their number cost nothing until a number is called.
"""

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from hal.clock import Millis
from sim.clock import Appointment, VirtualClock

T = TypeVar("T")


class Bell:
    """Rung when something changes that people look for."""

    def __init__(self) -> None:
        self.watching: dict[int, _Agent] = {}
        """By the number of their wait."""
        self.roused: dict[int, _Agent] = {}
        """Where those go who are to open their eyes."""

    def ring(self) -> None:
        """Whoever watches this looks again, at the next look or later in this one."""
        if self.watching:
            self.roused.update(self.watching)


@dataclass(frozen=True, slots=True)
class Wait:
    """For so long, or until something is seen, whichever comes first. With `bells` one looks at the beginning, and
    then only when one of them rings."""

    ms: Millis | None = None
    seen: Callable[[], object] | None = None
    bells: tuple[Bell, ...] = ()


Story = Generator[Wait, bool, T]
"""What somebody does, and what comes of it."""


class Agents:
    """Everybody who is in the hall."""

    def __init__(self, clock: VirtualClock) -> None:
        self.moves = 0
        """How often anybody has done something; a run that counts it knows whether all stood still."""
        self._clock = clock
        self._staring: dict[int, _Agent] = {}
        """Those whose eyes are always open."""
        self._roused: dict[int, _Agent] = {}
        self._begun = 0

    def begin(self, story: Story[None], after_ms: Millis = 0) -> None:
        """Let somebody act from `after_ms` on."""
        agent = _Agent(story)
        self._clock.after(after_ms * 1000, lambda: self._go_on(agent, False))

    def look(self) -> None:
        """Everybody opens their eyes who may have something to see. Call it after each scan."""
        while self._staring or self._roused:
            moves = self.moves
            looking = sorted((self._staring | self._roused).items())
            self._roused.clear()
            for entry, agent in looking:
                if agent.entry == entry and agent.seen is not None and agent.seen():
                    if agent.patience is not None:
                        agent.patience.cancel()
                    self._go_on(agent, True)
            if self.moves == moves and not self._roused:
                return

    def _go_on(self, agent: "_Agent", seen: bool) -> None:
        self.moves += 1
        self._forget(agent)
        try:
            wait = agent.story.send(seen) if agent.begun else next(agent.story)
        except StopIteration:
            agent.entry = 0
            return
        agent.begun = True
        agent.seen, agent.bells, agent.patience = wait.seen, wait.bells, None
        entry = agent.entry = self._begun = self._begun + 1
        if wait.seen is not None and not wait.bells:
            self._staring[entry] = agent
        elif wait.seen is not None:
            self._roused[entry] = agent
            for bell in wait.bells:
                bell.watching[entry] = agent
                bell.roused = self._roused
        if wait.ms is not None:
            agent.patience = self._clock.after(wait.ms * 1000, lambda: self._go_on(agent, False))

    def _forget(self, agent: "_Agent") -> None:
        """What it waited for is over."""
        self._staring.pop(agent.entry, None)
        self._roused.pop(agent.entry, None)
        for bell in agent.bells:
            bell.watching.pop(agent.entry, None)


@dataclass(slots=True, eq=False)
class _Agent:
    story: Story[None]
    begun: bool = False
    entry: int = 0
    """Number of the present wait."""
    seen: Callable[[], object] | None = None
    bells: tuple[Bell, ...] = ()
    patience: Appointment | None = None


class Turns:
    """A thing that one person uses at a time, and the queue before it."""

    def __init__(self) -> None:
        self._queue: deque[object] = deque()
        self._moved = Bell()

    def __len__(self) -> int:
        return len(self._queue)

    def take(self, patience_ms: Millis | None = None) -> Story[bool]:
        """Queue up, and wait until it is one's turn; then `give` ends it. False for whoever had to wait for too long
        and has left the queue."""
        me = object()
        self._queue.append(me)
        if self._queue[0] is me or (yield Wait(patience_ms, lambda: self._queue[0] is me, (self._moved,))):
            return True
        if self._queue[0] is me:
            return True
        self._queue.remove(me)
        return False

    def give(self) -> None:
        """The next one, please."""
        self._queue.popleft()
        self._moved.ring()
