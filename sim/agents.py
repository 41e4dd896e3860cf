"""People as little stories: generators that wait for a moment, or for something they can see, and then use their hands.

A story yields a `Wait` and is sent `True` when it saw what it waited for, `False` when its patience ended. That ends
by the agenda of virtual time, at its very moment; eyes are opened after each scan, in the order in which people began
to wait, again and again until nobody moves any more. What is looked for must be in the world, never the time of day: so
a scan in which nothing happens moves nobody, and may be left out.
"""

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from hal.clock import Millis
from sim.clock import Appointment, VirtualClock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wait:
    """For so long, or until something is seen, whichever comes first."""

    ms: Millis | None = None
    seen: Callable[[], object] | None = None


Story = Generator[Wait, bool, T]
"""What somebody does, and what comes of it."""


class Agents:
    """Everybody who is in the hall."""

    def __init__(self, clock: VirtualClock) -> None:
        self.moves = 0
        """How often anybody has done something; a run that counts it knows whether all stood still."""
        self._clock = clock
        self._watching: dict[int, _Agent] = {}
        self._begun = 0

    def begin(self, story: Story[None], after_ms: Millis = 0) -> None:
        """Let somebody act from `after_ms` on."""
        agent = _Agent(story)
        self._clock.after(after_ms * 1000, lambda: self._go_on(agent, False))

    def look(self) -> None:
        """Everybody opens their eyes. Call it after each scan."""
        while True:
            moves = self.moves
            for entry, agent in list(self._watching.items()):
                if agent.seen is not None and agent.seen() and self._watching.pop(entry, None):
                    if agent.patience is not None:
                        agent.patience.cancel()
                    self._go_on(agent, True)
            if self.moves == moves:
                return

    def _go_on(self, agent: "_Agent", seen: bool) -> None:
        self.moves += 1
        try:
            wait = agent.story.send(seen) if agent.begun else next(agent.story)
        except StopIteration:
            return
        agent.begun = True
        agent.seen, agent.patience = wait.seen, None
        entry = self._begun = self._begun + 1
        if wait.seen is not None:
            self._watching[entry] = agent
        if wait.ms is not None:
            agent.patience = self._clock.after(wait.ms * 1000, lambda: self._patience_over(entry, agent))

    def _patience_over(self, entry: int, agent: "_Agent") -> None:
        self._watching.pop(entry, None)
        self._go_on(agent, False)


@dataclass(slots=True, eq=False)
class _Agent:
    story: Story[None]
    begun: bool = False
    seen: Callable[[], object] | None = None
    patience: Appointment | None = None


class Turns:
    """A thing that one person uses at a time, and the queue before it."""

    def __init__(self) -> None:
        self._queue: deque[object] = deque()

    def __len__(self) -> int:
        return len(self._queue)

    def take(self) -> Story[None]:
        """Queue up, and wait until it is one's turn; then `give` ends it."""
        me = object()
        self._queue.append(me)
        if self._queue[0] is not me:
            yield Wait(seen=lambda: self._queue[0] is me)

    def give(self) -> None:
        """The next one, please."""
        self._queue.popleft()
