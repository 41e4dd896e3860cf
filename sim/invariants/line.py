"""The queue as the judge keeps it: from tickets issued and called alone, without knowing how the rules choose."""

from dataclasses import dataclass

from firmware.config import Queue as QueueConfig
from firmware.core import facts as f


@dataclass(slots=True)
class Waiter:
    """A ticket that has not been served."""

    ticket: str
    letter: str
    place: int
    state: str = "waiting"
    counter: str = ""
    """Where it is called; or the only counter that may call it."""
    missed_at: int = 0
    recalls: int = 0


class Line:
    """Everybody who waits. Facts about tickets that it does not know change nothing."""

    def __init__(self, queue: QueueConfig) -> None:
        self._priority = {letter for letter, one in queue.classes.items() if one.priority}
        self._tolerance = queue.late_tolerance
        self.day = ""
        self.issued: dict[str, int] = {}
        """Letter -> tickets of this day."""
        self.waiters: dict[str, Waiter] = {}
        self.run = 0
        """Priority calls since the last other one."""
        self.jumps = 0
        self._calls: dict[str, int] = {}
        self._places = 0

    def is_priority(self, waiter: Waiter) -> bool:
        return waiter.letter in self._priority

    def callable_at(self, counter: str) -> list[Waiter]:
        """Who may be called there without a word, the longest waiting first."""
        found = [one for one in self.waiters.values() if one.state == "waiting" and one.counter in ("", counter)]
        return sorted(found, key=lambda one: one.place)

    def take(self, fact: f.Fact) -> None:
        """One more fact."""
        match fact:
            case f.HallOpened() if fact.day > self.day:
                self.day = fact.day
                for table in (self.issued, self.waiters, self._calls):
                    table.clear()
                self.run = self.jumps = 0
            case f.TicketIssued():
                self.issued[fact.letter] = self.issued.get(fact.letter, 0) + 1
                self._places += 1
                self.waiters[fact.ticket] = Waiter(fact.ticket, fact.letter, self._places)
            case f.TicketCalled() if fact.ticket in self.waiters:
                self._called(fact, self.waiters[fact.ticket])
            case f.TicketRecalled() if fact.ticket in self.waiters:
                self.waiters[fact.ticket].recalls += 1
            case f.TicketServed():
                self.waiters.pop(fact.ticket, None)
            case f.TicketMissed() | f.TicketParked() | f.TicketTransferred() if fact.ticket in self.waiters:
                self._left_counter(fact, self.waiters[fact.ticket])
            case _:
                pass

    def _left_counter(self, fact: f.TicketMissed | f.TicketParked | f.TicketTransferred, waiter: Waiter) -> None:
        waiter.counter = ""
        match fact:
            case f.TicketMissed():
                waiter.state, waiter.missed_at = "missed", self._calls.get(waiter.letter, 0)
            case f.TicketParked():
                waiter.state = "parked"
            case f.TicketTransferred():
                waiter.state, waiter.counter = "waiting", fact.counter

    def _called(self, fact: f.TicketCalled, waiter: Waiter) -> None:
        waiter.state, waiter.counter, waiter.recalls = "called", fact.counter, 0
        self.jumps += fact.jumped
        self.run = self.run + 1 if self.is_priority(waiter) else 0
        self._calls[waiter.letter] = calls = self._calls.get(waiter.letter, 0) + 1
        for one in sorted(self.waiters.values(), key=lambda one: one.place):  # too late: at the end of its class
            if one.state == "missed" and one.letter == waiter.letter and calls - one.missed_at > self._tolerance:
                self._places += 1
                one.state, one.place = "waiting", self._places
