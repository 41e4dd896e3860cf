"""The judge: what must always hold, checked while a run goes on, against the world and not against the program's word.

An invariant hears physical changes (before any wire shows them), durable facts, what people ask, starts and ends of the
daemon, and looks after each scan. What it holds against each other are doors, arm and people as they are, the disk as a
power cut would leave it, and the central server's books. A violation names the invariant, the seed and the moment, and
carries the story that led there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, NoReturn

from firmware.config import Config
from firmware.core.site import Site
from firmware.core.state import Hall
from firmware.ledger import Told
from hal.clock import Millis
from services.requests import Request
from sim.clock import VirtualClock
from sim.hall import VirtualHall
from sim.machine import End, Listener, Machine

if TYPE_CHECKING:
    from sim.people.everybody import People


class Violation(AssertionError):
    """Something that must always hold did not. `number` is the invariant's, 0 for what has none."""

    def __init__(self, what: str, *, number: int = 0, name: str = "", seed: int = 0, at_us: int = 0) -> None:
        self.what = what
        self.number = number
        self.name = name
        self.seed = seed
        self.at_us = at_us
        where = f"invariant {number} ({name}): " if number else ""
        super().__init__(f"{where}{what}; seed {seed}, at {at_us / 1e6:.3f} s")

    def __reduce__(self) -> tuple[Callable[..., "Violation"], tuple[str]]:
        """From one process to another, as it is."""
        again = partial(Violation, number=self.number, name=self.name, seed=self.seed, at_us=self.at_us)
        return again, (self.what,)


@dataclass
class Scene:
    """What there is to look at."""

    machine: Machine
    seed: int
    people: "People | None" = None

    def __post_init__(self) -> None:
        self.hall: VirtualHall = self.machine.hall
        self.clock: VirtualClock = self.machine.clock
        self.config: Config = self.machine.config
        self.site: Site = self.config.as_site()
        self.troubled_us: dict[str, int] = {}
        """Device -> when its last fault ended; `daemon` is one of them: when it was last started."""

    @property
    def opinion(self) -> Hall | None:
        """What the program believes; None while it is down. While a commit is under way it is more than is true."""
        daemon = self.machine.daemon
        return daemon.controller.hall if daemon else None

    def well_for_ms(self, *devices: str) -> Millis:
        """For how long all of these have been without trouble; 0 while one has some. None named: everything."""
        faults = self.hall.faults
        if (any(device in faults for device in devices) if devices else bool(faults)) or self.machine.hung:
            return 0
        if self.machine.daemon is None:
            return 0
        last_us = [us for device, us in self.troubled_us.items() if not devices or device in devices]
        return (self.clock.now_us - max([*last_us, self.machine.started_us, self.machine.hung_until_us])) // 1000


class Invariant:
    """Base: what must always hold. Each hears only what it has a method of its own for."""

    number: ClassVar[int]
    name: ClassVar[str]

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def changed(self, what: str) -> None:
        """A physical change, in the virtual hall's words, before any wire shows it."""

    def told(self, told: Sequence[Told]) -> None:
        """These facts became durable."""

    def asked(self, request: Request) -> None:
        """Somebody asks the daemon; the request's future will hold the answer."""

    def started(self) -> None:
        """A daemon was assembled."""

    def stopped(self, how: End) -> None:
        """The daemon is no more."""

    def stepped(self) -> None:
        """A scan has run, or would have if the daemon were up."""

    def next_us(self) -> int | None:
        """The next moment at which it must look, whether or not anything happens then."""
        return None

    def ended(self) -> None:
        """The day is over."""

    def broken(self, what: str) -> NoReturn:
        """It does not hold. Raises Violation."""
        raise Violation(
            what, number=self.number, name=self.name, seed=self.scene.seed, at_us=self.scene.clock.now_us
        )


class Judge(Listener):
    """Lets every invariant hear what concerns it."""

    def __init__(self, scene: Scene, invariants: Sequence[type[Invariant]]) -> None:
        self.scene = scene
        self.invariants = [invariant(scene) for invariant in invariants]
        self._changed = [one.changed for one in self._with("changed")]
        self._told = [one.told for one in self._with("told")]
        self._asked = [one.asked for one in self._with("asked")]
        self._started = [one.started for one in self._with("started")]
        self._stopped = [one.stopped for one in self._with("stopped")]
        self._stepped = [one.stepped for one in self._with("stepped")]
        self._next_us: list[Callable[[], int | None]] = [one.next_us for one in self._with("next_us")]
        scene.machine.listeners.append(self)

    def _with(self, method: str) -> list[Invariant]:
        return [one for one in self.invariants if getattr(type(one), method) is not getattr(Invariant, method)]

    def changed(self, what: str) -> None:
        word, _, rest = what.partition(" ")
        if word == "mended":
            self.scene.troubled_us[rest] = self.scene.clock.now_us
        for hear in self._changed:
            hear(what)

    def told(self, told: Sequence[Told]) -> None:
        for hear in self._told:
            hear(told)

    def asked(self, request: Request) -> None:
        for hear in self._asked:
            hear(request)

    def started(self) -> None:
        for hear in self._started:
            hear()

    def stopped(self, how: End) -> None:
        for hear in self._stopped:
            hear(how)

    def stepped(self) -> None:
        for look in self._stepped:
            look()

    def next_us(self) -> int | None:
        """The next moment at which somebody must look."""
        return min((moment for ask in self._next_us if (moment := ask()) is not None), default=None)

    def ended(self) -> None:
        for one in self.invariants:
            one.ended()
