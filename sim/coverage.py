"""What runs have met: "sometimes" assertions, so that the generators of trouble are judged too.

A soak that never saw a jammed locker has not tested one, however many days it ran. Everything that can happen is named
here as a closed list; runs count what they met; what was never met is told by name, and fails a nightly run.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from firmware.core import facts as f
from firmware.ledger import Told
from services.requests import Answer, Request
from sim.machine import End, Listener

Steps = tuple[str, str, str]
"""Kind of thing, which one, and the state that it has come to."""


class Coverage(Listener):
    """Counts what one run meets. Keys read `fact locker.opened`, `refused gate full`, `card stock > issued`."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self._states: dict[tuple[str, str], str] = {}

    # -- what becomes of the daemon

    def told(self, told: Sequence[Told]) -> None:
        for one in told:
            self._fact(one.fact)

    def asked(self, request: Request) -> None:
        request.future.add_done_callback(lambda future: self._answered(request.action, future))

    def started(self) -> None:
        self.seen["machine started"] += 1

    def stopped(self, how: End) -> None:
        self.seen[f"machine {how}"] += 1

    # -- within

    def _answered(self, action: str, future: "Future[Answer]") -> None:
        answer = future.result()
        self.seen[f"action {action}" if answer["ok"] else f"answer {answer['error']['code']}"] += 1

    def _fact(self, fact: f.Fact) -> None:
        kind = fact.type_name()
        self.seen[f"fact {kind}"] += 1
        match fact:
            case f.CardRefused() | f.LockerRefused() | f.GateRefused():
                self.seen[f"refused {kind.partition('.')[0]} {fact.reason}"] += 1
            case f.TaskRaised():
                self.seen[f"task {fact.reason}"] += 1
            case f.HallOccupancySuspect():
                self.seen[f"suspect {fact.reason}"] += 1
        if (step := state_after(fact)) is not None:
            thing, name, state = step
            before = self._states.get((thing, name), "-")
            self._states[thing, name] = state
            self.seen[f"{thing} {before} > {state}"] += 1


CARDS: Mapping[type[f.Fact], str] = {
    f.CardEnrolled: "stock", f.CardIssued: "issued", f.CardReturned: "stock", f.CardLost: "lost",
    f.CardQuarantined: "quarantined", f.CardCleared: "stock", f.CardRetired: "retired",
}  # fmt: skip
TICKETS: Mapping[type[f.Fact], str] = {
    f.TicketIssued: "waiting", f.TicketCalled: "called", f.TicketParked: "parked", f.TicketServed: "served",
    f.TicketMissed: "missed",
}  # fmt: skip
LOCKERS: Mapping[type[f.Fact], str] = {
    f.LockerAssigned: "owned", f.LockerOpened: "open", f.LockerClosed: "shut", f.LockerReleased: "free",
    f.LockerJammed: "jammed", f.LockerForced: "forced", f.LockerOutOfService: "out of service",
    f.LockerInService: "in service", f.LockerUnreadable: "unreadable", f.LockerReadable: "readable",
}  # fmt: skip


def state_after(fact: f.Fact) -> Steps | None:
    """What a fact makes of the card, ticket, locker or hall that it speaks of; None where it changes no state."""
    match fact:
        case f.HallModeChanged():
            return "mode", "", fact.mode
        case f.CardEnrolled() | f.CardIssued() | f.CardReturned() | f.CardLost() | f.CardQuarantined() | (
            f.CardCleared() | f.CardRetired()
        ):
            return "card", fact.card, CARDS[type(fact)]
        case f.TicketIssued() | f.TicketCalled() | f.TicketParked() | f.TicketServed() | f.TicketMissed():
            return "ticket", fact.ticket, TICKETS[type(fact)]
        case f.LockerFact() if type(fact) in LOCKERS:
            return "locker", str(fact.locker), LOCKERS[type(fact)]
    return None
