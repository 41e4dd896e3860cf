"""Everything that became true, in order: one pair of ears for all invariants that reckon with facts.

A fact is heard when the program begins to act on it: when it is durable, or while nothing can be written, when it has
happened all the same. What a dying program had made durable and had no time to tell is read from the journal at the
next start; what it knew and had not written is forgotten, and the account is drawn up again without it.
"""

from collections.abc import Callable, Sequence

from firmware.core import facts as f
from firmware.fold import timed
from firmware.ledger import Told
from hal.clock import Millis
from services.requests import Request
from sim.invariants.account import Account
from sim.judge import Invariant, Scene
from sim.machine import End, Listener, Machine

Hear = Callable[[f.Fact, Millis], None]


class Chronicle(Listener):
    """Hears the machine before any invariant does. `Chronicle.of(scene)` is one and the same for all of a scene."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.account = Account(machine.config)
        """After all that has happened but for the fact that is being heard now."""
        self.durable: list[tuple[f.Fact, Millis]] = []
        """Facts and their hall time; the one with sequence number n stands at n - 1."""
        self.batch: Sequence[f.Fact] = ()
        """The facts that happened together with the one that is being heard."""
        self.version = 0
        """Counts what has been heard."""
        self.damaged = False
        """The journal was hurt: what is true follows from it no more, and nobody can reckon with it."""
        self.catching_up = False
        """What is being heard was stored by a program that died before it could tell."""
        self.pending: dict[int, Request] = {}
        """What was asked and may not be answered yet."""
        self.unwritten = 0
        """Facts that have happened, and wait for the disk."""
        self._hearers: list[Hear] = []
        self._settlers: list[Callable[[], None]] = []
        machine.listeners.insert(0, self)

    @classmethod
    def of(cls, scene: Scene) -> "Chronicle":
        machine = scene.machine
        if cls not in machine.witnesses:
            machine.witnesses[cls] = cls(machine)
        found: Chronicle = machine.witnesses[cls]
        return found

    def hear(self, hear: Hear, settled: Callable[[], None] | None = None) -> None:
        """`hear` each fact before the account takes it, and `settled` behind each lot that happened together."""
        self._hearers.append(hear)
        if settled is not None:
            self._settlers.append(settled)

    @property
    def hall_now(self) -> Millis:
        """Hall time, as a daemon that is up should have it."""
        return self.account.boot_at + (self._machine.clock.now_us - self._machine.started_us) // 1000

    @property
    def undecided(self) -> bool:
        """The program's opinion is more, or less, than what has been heard: down, hung, or with a commit under way."""
        daemon = self._machine.daemon
        return daemon is None or self._machine.hung or daemon.controller.ledger.busy

    def asks(self) -> list[Request]:
        """What was asked and is not answered yet."""
        for key in [key for key, request in self.pending.items() if request.future.done()]:
            del self.pending[key]
        return list(self.pending.values())

    # -- what the machine tells

    def told(self, told: Sequence[Told]) -> None:
        self.durable += [(one.fact, one.at) for one in told]
        self.unwritten = max(0, self.unwritten - len(told))

    def asked(self, request: Request) -> None:
        self.pending[id(request)] = request

    def stopped(self, how: End) -> None:
        self.pending.clear()

    def started(self) -> None:
        daemon = self._machine.daemon
        assert daemon is not None
        journal = daemon.controller.ledger.journal
        self.damaged |= journal.damage is not None
        if self.unwritten or journal.last_seq < len(self.durable):
            del self.durable[journal.last_seq :]
            self.unwritten = 0
            self.account = Account(self._machine.config)
            for fact, at in self.durable:
                self.account.take(fact, at)
        if not self.damaged:
            self._catch_up()
        controller = daemon.controller
        narrate = controller.narrate

        def overheard(told: Sequence[Told]) -> None:
            narrate(told)
            self.unwritten += len(told)
            self._heard([(one.fact, one.at) for one in told])

        controller.narrate = overheard

    def _catch_up(self) -> None:
        """What was stored in the moment of death, and never told."""
        daemon = self._machine.daemon
        assert daemon is not None
        journal = daemon.controller.ledger.journal
        unheard = [line for line in journal.lines(len(self.durable)) if line.seq > len(self.durable)]
        found = list(timed((line.event for line in unheard), self.account.boot_at))
        self.durable += found
        self.catching_up = True
        self._heard(found)
        self.catching_up = False

    def _heard(self, facts: Sequence[tuple[f.Fact, Millis]]) -> None:
        if self.damaged or not facts:
            return
        self.batch = [fact for fact, _ in facts]
        for fact, at in facts:
            for hear in self._hearers:
                hear(fact, at)
            self.account.take(fact, at)
            self.version += 1
        for settled in self._settlers:
            settled()


class Reckoner(Invariant):
    """Base of invariants that reckon with facts."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.chronicle = Chronicle.of(scene)
        self.chronicle.hear(self.heard, self.settled)

    @property
    def account(self) -> Account:
        return self.chronicle.account

    def heard(self, fact: f.Fact, at: Millis) -> None:
        """This has become true; the account is as it was before."""

    def settled(self) -> None:
        """All that became true together has been heard, and the account knows it."""
