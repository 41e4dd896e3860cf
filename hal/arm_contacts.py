"""What a turnstile's three contacts tell: Pass A, Pass B and Ready, closed at rest (PERCo TTR/TTD).

A passage contact opens while the arm goes through 67 to 112 degrees, so its length depends on the person; other models
give a pulse of 250 ms. A person has passed when it is back at rest. Ready opens on forced rotation, on an arm not
home for 30 s, on a sensor fault. Loss of power opens all three, and nobody has passed; a person who was in the arm at
that moment is not counted, which the arm's health makes known.

The edges of all three are replayed in the order in which they happened, so that a scan that comes late sees the same.
"""

from hal.clock import Millis
from hal.contacts import NEVER, Debounce, Edge, LatchedInput
from hal.seen import Health, PassageSeen, ReadyChanged, Side

DEBOUNCE_MS: Millis = 20  # a person's passage holds a contact open for 250 ms and more
POWERLESS_MS: Millis = 200
CONTRADICTION_MS: Millis = 1_000
UNREADY_MS: Millis = 5_000
STUCK_MS: Millis = 30_000  # as long as the arm itself waits before it says that it is not home
VERDICTS_MS = (POWERLESS_MS, CONTRADICTION_MS, UNREADY_MS, STUCK_MS)
"""After a contact has been off its rest for so long, it says more than before."""


class PassContact:
    """One passage contact, and what may be made of its present opening."""

    def __init__(self, opened: LatchedInput, now: Millis) -> None:
        self.input = opened
        self.open = not opened.closed
        self.since = now
        """When it took its present raw level."""
        self._counts = Debounce(False, rise_ms=DEBOUNCE_MS, fall_ms=DEBOUNCE_MS)
        self._opened_at = now
        self._powerless = False
        self._arm_away = False
        if self.open:
            self._counts.edge(Edge(now, True))

    def edge(self, closed: Edge) -> Edge | None:
        """The raw contact changed. Returns the person's passage that had come to count by then, if there was one."""
        self.open, self.since = not closed.level, closed.at
        passed = self._passage(self._counts.edge(Edge(closed.at, self.open)))
        if self.open and not self._counts.level:
            self._powerless = self._arm_away = False
        return passed

    def settle(self, now: Millis) -> Edge | None:
        return self._passage(self._counts.settle(now))

    def mark(self, *, powerless: bool, arm_away: bool) -> None:
        """What the arm's other contacts say, should this one be open."""
        if self.open:
            self._powerless |= powerless
            self._arm_away |= arm_away

    def stuck(self, now: Millis) -> bool:
        return self.open and now - self.since >= STUCK_MS

    @property
    def at_rest(self) -> bool:
        return not self.open and not self._counts.level

    def moving(self, now: Millis) -> bool:
        """Whether an opening is under way that may yet count as a person's."""
        return self._counts.level and not self._powerless and (self._arm_away or not self.stuck(now))

    def due(self) -> Millis:
        """When its present level will come to count, if it does not yet."""
        return self._counts.due()

    def _passage(self, change: Edge | None) -> Edge | None:
        """Back at rest: a person; unless power was gone, or it stood open for long and the arm knew nothing of it."""
        if change is None:
            return None
        if change.level:
            self._opened_at = change.at
            return None
        broken_sensor = change.at - self._opened_at >= STUCK_MS and not self._arm_away
        return None if self._powerless or broken_sensor else change


class ArmContacts:
    """The three contacts together: only the three know what one of them means."""

    def __init__(self, pass_a: LatchedInput, pass_b: LatchedInput, ready: LatchedInput, now: Millis) -> None:
        self.passes: dict[Side, PassContact] = {"a": PassContact(pass_a, now), "b": PassContact(pass_b, now)}
        self._inputs = (pass_a, pass_b, ready)
        self._wires: tuple[tuple[LatchedInput, Side | None], ...] = ((ready, None), (pass_a, "a"), (pass_b, "b"))
        self._ready = Debounce(True, rise_ms=DEBOUNCE_MS, fall_ms=DEBOUNCE_MS)
        self._raw_ready = Edge(now, ready.closed)
        self._ready.edge(self._raw_ready)
        self._compare()
        self.moving = False
        """Whether, as last polled, somebody was in the arm."""
        self._due: Millis = 0

    @property
    def ready(self) -> bool:
        return self._ready.level

    def poll(self, now: Millis) -> list[PassageSeen | ReadyChanged]:
        """Replay the edges of all three in the order in which they happened."""
        seen: list[PassageSeen | ReadyChanged] = []
        edges: list[tuple[Edge, Side | None]] = []
        for wire, which in self._wires:
            edges += [(edge, which) for edge in wire.look(now)]
        if not edges and now < self._due:
            return seen
        for edge, side in sorted(edges, key=lambda entry: entry[0].at):
            if side is None:
                self._tell_ready(self._ready.edge(edge), seen)
                self._raw_ready = edge
            else:
                self._tell_passage(side, self.passes[side].edge(edge), seen)
            self._compare()
        for way, contact in self.passes.items():
            self._tell_passage(way, contact.settle(now), seen)
        self._tell_ready(self._ready.settle(now), seen)
        self.moving = any(contact.moving(now) for contact in self.passes.values())
        self._due = self.due(now)
        return sorted(seen, key=lambda one: one.at)

    def at_rest(self, now: Millis) -> bool:
        """Whether the arm can take a pulse. A contact that is known to be at fault is not waited for: nobody is kept
        inside by a broken wire."""
        unready_ms = now - self._raw_ready.at
        return (self._raw_ready.level or unready_ms >= STUCK_MS) and all(
            contact.at_rest or contact.stuck(now) for contact in self.passes.values()
        )

    def fault(self, now: Millis) -> tuple[Health, str] | None:
        """What the contacts, as they stand, say of the arm; each only once it has stood for a while."""
        for wire in self._inputs:
            if wire.broken:
                return Health.GONE, f"GPIO{wire.pin} cannot be read: the GPIO chip fails"
        a, b = self.passes["a"], self.passes["b"]
        if self._raw_ready.level and not (a.open or b.open):
            return None
        both_open_ms = now - max(a.since, b.since) if a.open and b.open else -1
        unready_ms = -1 if self._raw_ready.level else now - self._raw_ready.at
        if min(both_open_ms, unready_ms) >= POWERLESS_MS:
            return Health.SILENT, "all contacts of the arm are open: no power at the arm, or its contact cable is off"
        if both_open_ms >= CONTRADICTION_MS:
            return Health.GARBLED, "PASS A and PASS B are open at once though the arm is ready: sensor or cable"
        for side, contact in self.passes.items():
            if contact.stuck(now):
                return Health.GARBLED, f"PASS {side.upper()} has been open for 30 s: arm held, or sensor or cable fault"
        if unready_ms >= UNREADY_MS:
            return Health.REFUSED, "the arm is not ready: forced, held half-way, or its sensors are at fault"
        return None

    def due(self, now: Millis) -> Millis:
        """When a look after `now`, with the wires as they are, could next say something new."""
        for wire in self._inputs:
            if wire.waiting:
                return now
        due = min(self._ready.due(), *(contact.due() for contact in self.passes.values()))
        off_rest = [contact.since for contact in self.passes.values() if contact.open]
        if not self._raw_ready.level:
            off_rest.append(self._raw_ready.at)
        if not off_rest:
            return due
        verdicts = (at + ms for at in off_rest for ms in VERDICTS_MS if at + ms > now)
        return min(due, min(verdicts, default=NEVER))

    def close(self) -> None:
        for wire in self._inputs:
            wire.close()

    def _compare(self) -> None:
        unready = not self._raw_ready.level
        powerless = unready and all(contact.open for contact in self.passes.values())
        for contact in self.passes.values():
            contact.mark(powerless=powerless, arm_away=unready)

    @staticmethod
    def _tell_passage(side: Side, passed: Edge | None, seen: list[PassageSeen | ReadyChanged]) -> None:
        if passed is not None:
            seen.append(PassageSeen(side, passed.at))

    @staticmethod
    def _tell_ready(change: Edge | None, seen: list[PassageSeen | ReadyChanged]) -> None:
        if change is not None:
            seen.append(ReadyChanged(change.level, change.at))
