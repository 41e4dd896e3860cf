"""Trouble at work: a plan's strokes befall a machine and its hall, and each is mended when its time is over.

A device has one trouble at a time: a later stroke takes the place of an earlier one, whose end then mends nothing.
What cannot happen (power cut from a machine that is off, a door forced that stands open, somebody turning back in an
empty arm) does not, and is not counted as seen. Vandals act as people do: with cards, doors and the arm; whoever came
in by force goes out again.
"""

import random
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial

from firmware.boot import JOURNAL
from sim.machine import Machine
from sim.other_faults import OtherFaults
from sim.strokes import KINDS, SPOILING, Stroke, plan, spoils
from sim.turnstile import NO_RETURN_DEG

WAIT_MS = 30_000
"""So long somebody waits for the disk to be written to."""
LOOK_US = 200_000
"""How often somebody looks whether what he means to do can be done now."""
TAP_US = 50_000
"""Of a card that is tapped ten times a second, so long on the reader and so long above it."""
TAIL_LINES = 3
"""A flipped bit in the very last lines of a journal cannot be told from a torn tail."""


class Storm:
    """The trouble of one run. `note` hears a line of each stroke that happens, and of its end."""

    def __init__(
        self, machine: Machine, strokes: Sequence[Stroke], note: Callable[[str], None] = lambda line: None
    ) -> None:
        self.machine = machine
        self.hall = machine.hall
        self.clock = machine.clock
        self.strokes = sorted(strokes)
        self.seen: Counter[str] = Counter()
        """Kinds of strokes that really happened."""
        self.standing: dict[str, Stroke] = {}
        """What is the matter now, by what it is the matter with."""
        self._note = note
        self._began_us = self.clock.now_us
        self._others = OtherFaults(machine)
        self.hall.other_faults = self._others.put
        self._awaited: Stroke | None = None
        """What waits for the disk to come to a certain step, or to flush."""
        draw = random.Random(f"strangers {machine.seed}")
        self._strangers = {
            name: ["05" + draw.randbytes(3).hex().upper() for _ in range(2)] for name in self.hall.readers
        }
        """Cards that nobody has enrolled, for each reader its own."""

    def begin(self) -> None:
        """Put all strokes on the agenda, from now on."""
        self._began_us = self.clock.now_us
        for stroke in self.strokes:
            self.clock.after(stroke.at_ms * 1000, partial(self._strike, stroke))

    @property
    def over_us(self) -> int:
        """When the last stroke's time is over."""
        return self._began_us + max((one.at_ms + one.for_ms for one in self.strokes), default=0) * 1000

    @property
    def over(self) -> bool:
        """Whether all is mended, and will stay so."""
        return not self.standing and self._awaited is None and self.clock.now_us >= self.over_us

    # -- one stroke

    def _strike(self, stroke: Stroke) -> None:
        kind = KINDS[stroke.what]
        if kind.fault:
            self._happens(stroke)
            self._stands(stroke.on, stroke, lambda: self.hall.clear_fault(stroke.on))
            self.hall.fault(stroke.on, kind.fault, stroke.much)
            return
        match stroke.what.split():
            case ["power" | "kill" | "restart" | "hang" | "bit", *_]:
                self._befall_machine(stroke)
            case ["fire"] | ["fire", "pulse"]:
                self._burn(stroke)
            case ["fire", "in", "commit"]:
                self._await(stroke)
                self.machine.disk.on_flush = partial(self._flushing, stroke)
            case ["door", "forced"]:
                self._force_door(stroke)
            case ["arm", "forced"]:
                self._force_arm(stroke, self._deadline_us(stroke))
            case ["arm", "reversed"]:
                self._turn_back(stroke, self._deadline_us(stroke))
            case ["strange", "card"]:
                self._lay(stroke, self._strangers[stroke.on][:1])
            case ["two", "cards"]:
                self._lay(stroke, self._strangers[stroke.on])
            case ["tap", "flood"]:
                self._lay(stroke, self._strangers[stroke.on][:1])
                self.clock.after(TAP_US, partial(self._tap_on, stroke, False))

    def _happens(self, stroke: Stroke) -> None:
        self.seen[stroke.what] += 1
        self._note(f"storm {stroke}")

    def _stands(self, what: str, stroke: Stroke, mend: Callable[[], None]) -> None:
        """From now on, until its time is over, or another takes its place."""
        self.standing[what] = stroke
        self.clock.after(stroke.for_ms * 1000, partial(self._ends, what, stroke, mend))

    def _ends(self, what: str, stroke: Stroke, mend: Callable[[], None]) -> None:
        if self.standing.get(what) is stroke:
            del self.standing[what]
            mend()
            self._note(f"storm over {stroke}")

    def _deadline_us(self, stroke: Stroke) -> int:
        return self.clock.now_us + stroke.for_ms * 1000

    # -- the machine

    def _befall_machine(self, stroke: Stroke) -> None:
        """What befalls a machine that is off or starting anyway changes nothing."""
        machine = self.machine
        if machine.daemon is None:
            return
        match stroke.what:
            case "power" | "power in recovery":
                self._cut_power(stroke)
            case "kill" | "kill in recovery":
                self._kill(stroke)
            case "power in commit" | "power scattered":
                self._crash(stroke, self._cut_power)
            case "kill in commit":
                self._crash(stroke, self._kill)
            case "restart" if not machine.hung:
                self._happens(stroke)
                self._forget_awaited()
                machine.stop()
                machine.start_after(stroke.for_ms)
                self._stands("machine", stroke, lambda: None)
            case "hang" | "hang long":
                self._happens(stroke)
                self.hall.pins.stands_still_until_us = self._deadline_us(stroke)
                machine.hang(stroke.for_ms)
                self._stands("machine", stroke, lambda: None)
            case "bit flipped":
                self._flip(stroke)

    def _cut_power(self, stroke: Stroke) -> None:
        self._happens(stroke)
        disk = self.machine.disk
        disk.scattered = stroke.what == "power scattered"
        self.machine.cut_power(random.Random(str(stroke)), stroke.for_ms)
        disk.scattered = False
        for sign in self.hall.signs.values():
            sign.restart()
        self._stands("machine", stroke, lambda: None)
        if stroke.what == "power in recovery":
            self._crash(stroke, partial(self._again, lambda: self._cut_power_again(stroke)))

    def _cut_power_again(self, stroke: Stroke) -> None:
        self.machine.cut_power(random.Random(f"{stroke} again"), stroke.for_ms)

    def _kill(self, stroke: Stroke) -> None:
        self._happens(stroke)
        self.machine.kill(stroke.for_ms)
        self._stands("machine", stroke, lambda: None)
        if stroke.what == "kill in recovery":
            self._crash(stroke, partial(self._again, lambda: self.machine.kill(stroke.for_ms)))

    def _again(self, end: Callable[[], None], stroke: Stroke) -> None:
        """The second time, in the middle of the recovery from the first."""
        again = replace(stroke, at_ms=(self.clock.now_us - self._began_us) // 1000)
        self._note(f"storm again {again}")
        end()
        self._stands("machine", again, lambda: None)

    def _crash(self, stroke: Stroke, end: Callable[[Stroke], None]) -> None:
        """Let the machine come to its end in the middle of what it next does to its disk."""

        def crashed() -> None:
            self._forget_awaited()
            end(stroke)

        self._await(stroke)
        self.machine.disk.crash_at = self.machine.disk.steps + stroke.much
        self.machine.on_crash = crashed

    def _flip(self, stroke: Stroke) -> None:
        """The process dies, and a bit of its journal turns over before the next start."""
        disk = self.machine.disk
        names = [f"{JOURNAL}/{name}" for name in disk.names(JOURNAL) if name.endswith(".jsonl")]
        tail = sum(len(line) for line in disk.read(names[-1]).splitlines(keepends=True)[-TAIL_LINES:])
        room = {name: disk.size(name) - (tail if name == names[-1] else 0) for name in names}
        if not any(room.values()):
            return
        self._happens(stroke)
        self.machine.kill(stroke.for_ms)
        draw = random.Random(str(stroke))
        name = draw.choices(names, [room[name] for name in names])[0]
        disk.flip(name, draw.randrange(room[name]), draw.randrange(8))
        self._stands("machine", stroke, lambda: None)

    # -- what waits for the disk

    def _await(self, stroke: Stroke) -> None:
        """Only the last one waits, and not for ever."""
        self._forget_awaited()
        self._awaited = stroke
        wait_us = (stroke.for_ms + WAIT_MS) * 1000
        self.clock.after(wait_us, lambda: self._forget_awaited() if self._awaited is stroke else None)

    def _forget_awaited(self) -> None:
        self._awaited = None
        self.machine.disk.crash_at = None
        self.machine.disk.on_flush = lambda _ends_us: None
        self.machine.on_crash = self.machine.kill

    def _flushing(self, stroke: Stroke, ends_us: int) -> None:
        self._forget_awaited()
        self.clock.after(max(0, ends_us - self.clock.now_us) // 2, partial(self._burn, stroke))

    # -- contacts, doors, arm

    def _burn(self, stroke: Stroke) -> None:
        self._happens(stroke)
        self.hall.contact(stroke.on, True)
        self._stands(f"contact {stroke.on}", stroke, lambda: self.hall.contact(stroke.on, False))

    def _force_door(self, stroke: Stroke) -> None:
        number = int(stroke.on.removeprefix("locker-"))
        if self.hall.lockers[number].door == "open":
            return
        self._happens(stroke)
        self.hall.door(number, "forced")
        moved_us = self.clock.now_us

        def shut() -> None:
            if self.hall.moved_us.get(f"locker {number}") == moved_us:  # nobody has looked after it meanwhile
                self.hall.door(number, "closed")

        self._stands(f"door {stroke.on}", stroke, shut)

    def _force_arm(self, stroke: Stroke, until_us: int) -> None:
        """In through the locked arm, when nobody else stands there; and out again later."""
        arm = self.hall.arms[stroke.on]
        if self.clock.now_us >= until_us:
            return
        if arm.turnstile.busy or arm.waiting or arm.turnstile.state != "locked":
            self.clock.after(LOOK_US, partial(self._force_arm, stroke, until_us))
            return
        self._happens(stroke)
        inside = f"intruder {stroke.on} {stroke.at_ms}"
        self.standing[inside] = stroke

        def came(in_: bool) -> None:
            if in_:
                self.clock.after(stroke.for_ms * 1000, partial(self._leave, stroke, inside))
            else:
                del self.standing[inside]

        self.hall.push(stroke.on, "in", came, force=True)

    def _leave(self, stroke: Stroke, inside: str) -> None:
        arm = self.hall.arms[stroke.on]
        if arm.turnstile.busy or arm.waiting or arm.turnstile.state not in ("locked", "free_both"):
            self.clock.after(LOOK_US, partial(self._leave, stroke, inside))
            return

        def left(out: bool) -> None:
            if out:
                del self.standing[inside]
                self._note(f"storm over {stroke}")
            else:
                self.clock.after(LOOK_US, partial(self._leave, stroke, inside))

        self.hall.push(stroke.on, "out", left, force=True)

    def _turn_back(self, stroke: Stroke, until_us: int) -> None:
        """The next one in the arm who still can turns back."""
        if self.clock.now_us >= until_us:
            return
        arm = self.hall.arms[stroke.on].turnstile
        if arm.busy and arm.angle < NO_RETURN_DEG:
            self._happens(stroke)
            arm.turn_back()
        else:
            self.clock.after(LOOK_US, partial(self._turn_back, stroke, until_us))

    # -- cards

    def _lay(self, stroke: Stroke, uids: Collection[str]) -> None:
        self._happens(stroke)
        for uid in uids:
            self.hall.lay(stroke.on, uid)
        self._stands(f"cards {stroke.on}", stroke, partial(self._take, stroke.on))

    def _take(self, reader: str) -> None:
        """Take them away again; a reader on which cards are stuck gives them back when it is mended."""
        for uid in self._strangers[reader]:
            self.hall.take(reader, uid)

    def _tap_on(self, stroke: Stroke, down: bool) -> None:
        """Down and up again, until its time is over."""
        if self.standing.get(f"cards {stroke.on}") is not stroke:
            return
        (self.hall.lay if down else self.hall.take)(stroke.on, self._strangers[stroke.on][0])
        self.clock.after(TAP_US, partial(self._tap_on, stroke, not down))


__all__ = ["KINDS", "SPOILING", "Storm", "Stroke", "plan", "spoils"]
