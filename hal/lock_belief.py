"""What is believed of one lock board: whether it is well, and where its doors stand.

Nothing follows from a single exchange. Health falls when three in a row failed and rises when two in a row were good. A
door is believed when two answers in succession say the same of it, so that one answer that was bent past its weak
checksum moves nothing. The doors of a board that is not well are unknown.
"""

from dataclasses import dataclass

from hal.clock import Millis
from hal.lock_protocols import Status
from hal.seen import Door, DoorSeen, Health
from hal.standing import Standing


@dataclass(frozen=True, slots=True)
class BoardAddress:
    """One board on the line: what its switches say, and how many of its locks are in use, from the first."""

    address: int
    locks: int


class LockBoard:
    """What is believed of one board and of its doors, which are the channels from `first` on."""

    def __init__(self, wiring: BoardAddress, first: int) -> None:
        self.address = wiring.address
        self.locks = wiring.locks
        self.first = first
        self.standing = Standing(strikes=3, recovery=2)
        self.steady = False
        """Whether the last exchange changed nothing, so that one more like it will not either."""
        self.failing = False
        """The last question brought no answer: an answer that comes now is a late one."""
        self.asked_at: Millis = 0
        self.took: Millis = 0
        """From the last question until the line was free again."""
        self.watched_at: Millis = 0
        """When it was last asked out of turn."""
        self.pulsed: int | None = None
        self.watched_until: Millis = 0
        self.doubtful = False
        """The last answer says something that is not believed yet."""
        self._before: Status | None = None
        self._seen: list[tuple[Door, bool | None] | None] = [None] * wiring.locks

    def pulse(self, lock: int, until: Millis) -> None:
        """A lock has been told to open: watch the board until its door does, or until it hardly will any more."""
        self.pulsed, self.watched_until = lock, until

    def answered(self, status: Status) -> list[DoorSeen]:
        """A whole answer has come. Returns the doors of which something new is believed."""
        picture = self.standing.picture
        self.standing.good()
        self.steady = self.standing.picture == picture
        self.failing = False
        before, self._before = self._before, status
        if self.standing.health is not Health.OK:
            self.doubtful = True
            return []
        if status == before and not self.doubtful:
            return []
        self.doubtful = False
        news = []
        for lock in range(self.locks):
            says = _reading(status, lock)
            if says == self._seen[lock]:
                continue
            if before is None or says != _reading(before, lock):
                self.doubtful = True
                continue
            news.append(self._believe(lock, *says))
            if lock == self.pulsed and says[0] is Door.OPEN:
                self.pulsed = None
        return news

    def failed(self, kind: Health, detail: str) -> list[DoorSeen]:
        """No answer, or none that adds up. Returns the doors that have become unknown by it."""
        picture = self.standing.picture
        self.standing.bad(kind, detail)
        self.steady = self.standing.picture == picture
        self.failing = True
        return self._forget() if self.standing.health is not Health.OK else []

    def gone(self, detail: str) -> list[DoorSeen]:
        """The line itself is missing. Returns the doors that have become unknown by it."""
        self.standing.bad(Health.GONE, detail, certain=True)
        self.steady = self.failing = False
        return self._forget()

    def watched(self, now: Millis) -> bool:
        """Whether it should be asked out of turn: something is new, or a door is about to spring open."""
        return not self.failing and (self.doubtful or (self.pulsed is not None and now < self.watched_until))

    def _forget(self) -> list[DoorSeen]:
        self._before = None
        self.doubtful = False
        unknown = (Door.UNKNOWN, None)
        return [self._believe(lock, *unknown) for lock in range(self.locks) if self._seen[lock] != unknown]

    def _believe(self, lock: int, door: Door, content: bool | None) -> DoorSeen:
        self._seen[lock] = door, content
        return DoorSeen(self.first + lock, door, content)


def _reading(status: Status, lock: int) -> tuple[Door, bool | None]:
    door = Door.CLOSED if status.closed >> lock & 1 else Door.OPEN
    return door, None if status.content is None else bool(status.content >> lock & 1)
