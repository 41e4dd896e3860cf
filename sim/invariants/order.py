"""Order (18, 19): nobody and nothing is forgotten at closing, and nobody jumps the queue."""

from firmware.core import facts as f
from hal.clock import Millis
from sim.invariants.chronicle import Reckoner
from sim.invariants.line import Waiter
from sim.judge import Invariant

TicketFact = f.TicketRecalled | f.TicketServed | f.TicketMissed | f.TicketParked | f.TicketTransferred


class Closing(Reckoner):
    """A session is closed when cards, lockers and people are accounted for, or somebody signs for what is left."""

    number, name = 18, "closing"

    def heard(self, fact: f.Fact, at: Millis) -> None:
        if not isinstance(fact, f.HallClosed):
            return
        account = self.account
        left = sorted([
            *(f"card {card.number}" for card in account.cards.values() if card.state == "issued"),
            *(f"locker {number}" for number, (visit, _) in account.owners.items() if visit),
            *([f"{account.total} inside"] if account.total else []),
        ])  # fmt: skip
        if sorted(fact.unresolved) != left or (left and not fact.exception):
            self.broken(f"{fact}: and left are {left}")
        signed = [one for one in self.chronicle.batch if isinstance(one, f.OverrideUsed) and one.action == "close"]
        if fact.exception and not any((one.actor, one.reason) == (fact.actor, fact.exception) for one in signed):
            self.broken(f"{fact}: and nobody has signed for it")


class Queue(Reckoner):
    """One sequence a class and day; called after issued, first come first served, and nobody starves.

    Out of order may be called: who was parked or missed, by name; who was transferred, at the new counter alone; and
    anybody with a reason, which counts as a jump in public.
    """

    number, name = 19, "queue"

    def heard(self, fact: f.Fact, at: Millis) -> None:
        match fact:
            case f.TicketIssued():
                self._issued(fact)
            case f.TicketCalled():
                self._called(fact)
            case f.TicketRecalled():
                recalls = self._at(fact, "called", counter=fact.counter).recalls
                if fact.recalls != recalls + 1 or recalls >= self.scene.site.recalls:
                    self.broken(f"{fact}: it was recalled {recalls} times")
            case f.TicketServed():
                self._at(fact, "called", counter=fact.counter)
            case f.TicketMissed():
                self._at(fact, "called", counter=fact.counter)
            case f.TicketParked():
                self._at(fact, "called", "waiting")
            case f.TicketTransferred():
                self._at(fact, "called", "waiting", "parked")
            case _:
                pass

    def _issued(self, fact: f.TicketIssued) -> None:
        account = self.account
        number = account.line.issued.get(fact.letter, 0) + 1
        if fact.ticket != f"{fact.letter}-{number:03d}":
            self.broken(f"{fact}: it should be number {number} of its class")
        if account.session != "open" or account.mode not in ("open", "degraded"):
            self.broken(f"{fact}: while the hall is {account.mode}, its session {account.session}")

    def _at(self, fact: TicketFact, *states: str, counter: str | None = None) -> Waiter:
        waiter = self.account.line.waiters.get(fact.ticket)
        if waiter is None or waiter.state not in states or (counter and waiter.counter != counter):
            self.broken(f"{fact}: it is {waiter or 'not waiting'}")
        return waiter

    def _called(self, fact: f.TicketCalled) -> None:
        line = self.account.line
        waiter = line.waiters.get(fact.ticket)
        if waiter is None or waiter.state == "called":
            self.broken(f"{fact}: it is {waiter or 'not waiting'}")
        here = [one for one in line.waiters.values() if (one.state, one.counter) == ("called", fact.counter)]
        if here:
            self.broken(f"{fact}: {here[0].ticket} stands at this counter")
        if fact.jumped:
            signed = (one for one in self.chronicle.batch if isinstance(one, f.OverrideUsed) and one.action == "call")
            if not fact.reason or not any((one.ticket, one.actor) == (fact.ticket, fact.actor) for one in signed):
                self.broken(f"{fact}: a jump that nobody gave a reason for")
        elif waiter.state == "waiting":
            self._in_turn(fact, waiter)

    def _in_turn(self, fact: f.TicketCalled, waiter: Waiter) -> None:
        line = self.account.line
        waiting = line.callable_at(fact.counter)
        if waiter not in waiting:
            self.broken(f"{fact}: it waits for counter {waiter.counter} alone")
        priority = line.is_priority(waiter)
        first = next(one for one in waiting if one.letter == waiter.letter)
        if first is not waiter:
            self.broken(f"{fact}: {first.ticket} has waited for longer")
        others = [one for one in waiting if line.is_priority(one) is not priority]
        may_go_on = line.run < self.scene.site.priority_in_a_row
        if others and priority is not may_go_on:
            self.broken(f"{fact}: it is the turn of {others[0].ticket} after {line.run} priority calls in a row")

    def settled(self) -> None:
        """What everybody sees of the jumps is what there were."""
        opinion, jumps = self.scene.opinion, self.account.line.jumps
        if opinion is not None and not self.chronicle.undecided and opinion.jumps != jumps:
            self.broken(f"{jumps} were called out of order, and {opinion.jumps} are shown")


ORDER: tuple[type[Invariant], ...] = (Closing, Queue)
