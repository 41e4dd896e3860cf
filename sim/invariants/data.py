"""Data (20 to 25). Here: what may be done without a journal (24), and that time only runs on (25)."""

from collections.abc import Sequence

from firmware.core import facts as f
from firmware.ledger import Told
from hal.clock import Millis
from sim.invariants.chronicle import Chronicle, Reckoner
from sim.invariants.fold import Fold
from sim.invariants.records import RECORDS
from sim.judge import Invariant, Scene

SAME_MS: Millis = 1_000
"""Two labels of one moment may differ by so much: by the second at which a clock is looked at, and by rounding."""

BY_ORDER = (
    f.CardEnrolled | f.CardIssued | f.CardReturned | f.CardLost | f.CardQuarantined | f.CardRetired | f.VisitBound
    | f.SearchPassed | f.TicketCalled | f.TicketServed | f.TicketParked | f.TicketMissed | f.TicketTransferred
    | f.LockerInspected | f.LockerInService | f.LockerOutOfService | f.HallRecountRecorded | f.HallCountConfirmed
    | f.HallLockedDown | f.HallLockdownLifted | f.HallCapacityChanged | f.OverrideUsed | f.BookingReceived
    | f.BookingCancelled
)  # fmt: skip
"""What somebody orders; what cannot be recorded is not done."""


class Degraded(Reckoner):
    """Without a durable log nobody new gets a locker or comes in, and no locker changes hands; exits go on."""

    number, name = 24, "degraded"

    def heard(self, fact: f.Fact, at: Millis) -> None:
        if isinstance(fact, f.LockerAssigned) and fact.reason is None and self.account.mode != "open":
            self.broken(f"{fact}: a deposit while the hall is {self.account.mode}")
        daemon = self.scene.machine.daemon
        if daemon is None or self.chronicle.catching_up or not daemon.controller.ledger.dead:
            return  # what a dying one had stored was written, whatever the next one can write
        match fact:
            case f.GateGranted() if fact.direction == "in":
                self.broken(f"{fact}: and nothing can be written")
            case f.LockerAssigned() | f.LockerReleased() | f.EmergencyReset():
                self.broken(f"{fact}: and nothing can be written")
            case _ if isinstance(fact, BY_ORDER):
                self.broken(f"{fact}: and nothing can be written")
            case f.LockerPulsed():
                owner = self.account.owners.get(fact.locker)
                if fact.attempt == 1 and (fact.purpose not in ("reopen", "collect") or not fact.visit):
                    self.broken(f"{fact}: and nothing can be written")
                if owner != (fact.visit or "", fact.card or "") and fact.visit:
                    self.broken(f"{fact}: and its durable owner is {owner}")
            case _:
                pass


class Time(Invariant):
    """Hall time runs with the monotonic clock alone; away, it runs on only by what two trusted clocks agree upon."""

    number, name = 25, "time"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._chronicle = Chronicle.of(scene)
        self._last: Told | None = None
        self._boot_at = 0
        self._label: tuple[int, bool, Millis] | None = None
        """Of the last durable fact: how far the wall clock was off virtual time, whether it was synced, and when."""
        self._durable = 0
        self._wall_seen, self._wall_set_ms = self._off_ms(), -1
        """As it was at the last look, and the look that last found it set."""
        self._wall_at_start = 0, False
        """As `_off_ms` had it when recovery looked at the wall clock; what it knew may become durable much later."""

    def started(self) -> None:
        machine = self.scene.machine
        assert machine.daemon is not None
        self._last = None
        self._wall_at_start = self._off_ms()
        if machine.daemon.controller.ledger.journal.last_seq != self._durable:
            self._label = None  # the last record was stored and never told: nobody here knows when

    def _off_ms(self) -> tuple[int, bool]:
        wall = self.scene.machine.wall.read()
        return wall.utc_ms - self.scene.clock.now(), wall.synced

    def stepped(self) -> None:
        if (wall := self._off_ms()) != self._wall_seen:
            self._wall_seen, self._wall_set_ms = wall, self.scene.clock.now()

    def told(self, told: Sequence[Told]) -> None:
        self.stepped()
        started_ms = self.scene.machine.started_us // 1000
        now_ms = self.scene.clock.now() - started_ms
        for one in told:
            if isinstance(one.fact, f.HallBooted):
                self._booted(one.fact, started_ms)
            before = self._last
            if before is not None and (one.bootms < before.bootms or one.at < before.at):
                self.broken(f"{one.fact} at {one.at}, behind {before.fact} at {before.at}: time ran backwards")
            if one.bootms > now_ms + 1 or one.at - self._boot_at != one.bootms:
                self.broken(f"{one.fact}: hall time {one.at} of a boot at {self._boot_at} + {one.bootms}, now {now_ms}")
            self._last = one
        at_ms = started_ms + told[-1].bootms
        self._label = (*self._wall_seen, at_ms) if self._wall_set_ms < at_ms else None  # set before it was, or after?
        self._durable = len(self._chronicle.durable)

    def _booted(self, fact: f.HallBooted, started_ms: Millis) -> None:
        """How much of the time away counts."""
        before, self._boot_at = self._boot_at, fact.epoch_ms
        if fact.epoch_ms < before:
            self.broken(f"{fact}: hall time ran backwards, from {before}")
        off_ms, synced = self._wall_at_start
        if fact.off_ms and not fact.trusted:
            self.broken(f"{fact}: time away is counted by a clock that nobody trusts")
        if self._label is None:
            return
        was_off_ms, was_synced, at_ms = self._label
        if not was_synced and fact.off_ms:
            self.broken(f"{fact}: time away is counted from a label that nobody trusts")
        if was_off_ms == off_ms and was_synced and synced and fact.trusted:
            away_ms = started_ms - at_ms
            if not away_ms - SAME_MS <= fact.off_ms <= away_ms + SAME_MS:
                self.broken(f"{fact}: {away_ms} ms have passed since the last record")


DATA: tuple[type[Invariant], ...] = (Fold, *RECORDS, Degraded, Time)
