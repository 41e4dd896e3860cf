"""The arms as the world has them: which has moved or is in trouble, and what may have passed behind the program's back.

Not every trouble of an arm hides a passage. One of its passage contacts, or of the cable and the power that they share,
does; an arm that is held half-way, or says that it is not ready, counts whoever comes as ever.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from firmware.core import facts as f
from sim.judge import Scene

QUIET_US = 1_500_000
"""So long after the last move of an arm, whoever passed has been counted."""
AFTERMATH_US = 35_000_000
"""A sensor at fault is known to be so after 30 s; an arm that was in trouble may be misread for so long."""
LOOK_AGAIN_US = 1_000_000

SENSED = f.GatePassed | f.GateForced | f.GateReversed | f.GateTailgated
"""What a contact of the arm tells."""

UNNOTICED_US: Mapping[str, int] = {
    "unpowered": 500_000, "unplugged": 500_000, "stuck": 31_000_000, "stuck_out": 31_000_000, "blind": 1 << 60,
}  # fmt: skip
"""Faults of the passage contacts -> for how long nobody can know of them. Contacts that are open all at once are known
after 0.2 s; one that stays open is a slow person for 30 s; one that stays closed is a quiet arm for ever."""
SEEMS: Mapping[str, int] = {"stuck": 1, "stuck_out": -1}
"""When such a contact is let go in time, somebody seems to have come in, or gone out."""


@dataclass(slots=True)
class Veil:
    """A fault of an arm's passage contacts, from when to when, and who had passed in and out before."""

    fault: str
    since_us: int
    before: tuple[int, int]
    shown_us: int | None = None
    """Once it is over: for how long it was before the program's eyes."""


class Arms:
    """For invariants that watch the arms. Hears `changed`; and `stepped` and `compared` where `hidden` is asked."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.moved_us: dict[str, int] = dict.fromkeys(scene.hall.arms, 0)
        self._ill: set[str] = set()
        self._mended_us: dict[str, int] = {}
        self._veils: dict[str, list[Veil]] = {lane: [] for lane in scene.hall.arms}
        """Lane -> what has veiled its contacts since somebody last compared."""
        self._hung_us: int | None = None

    def changed(self, what: str) -> None:
        """A physical change."""
        now_us = self._scene.clock.now_us
        word, name, *rest = what.split(" ", 2)
        if name not in self.moved_us:
            return
        match word:
            case "arm":
                self.moved_us[name] = now_us
            case "fault":
                self._ill.add(name)
                if rest[0] in UNNOTICED_US:
                    self._veils[name].append(Veil(rest[0], now_us, self._through(name)))
            case "mended":
                self._ill.discard(name)
                self._mended_us[name] = now_us
                for veil in self._veils[name]:
                    if veil.shown_us is None:
                        veil.shown_us = self._shown_us(veil)

    def stepped(self) -> None:
        """A scan has run, or would have."""
        if not self._scene.machine.hung:
            self._hung_us = None
        elif self._hung_us is None:
            self._hung_us = self._scene.clock.now_us

    def ill(self, lane: str) -> bool:
        """Whether it is in trouble of any kind, or was a moment ago."""
        mended_us = self._mended_us.get(lane, -AFTERMATH_US)
        return lane in self._ill or self._scene.clock.now_us - mended_us < AFTERMATH_US

    def veiled(self, lane: str) -> bool:
        """Whether its contacts were at fault since somebody last compared, be that known or not."""
        return bool(self._veils[lane])

    def hidden(self, lane: str) -> range:
        """How many more may have come in than were counted, since somebody last compared, without anybody's knowing."""
        least = most = 0
        for veil in self._veils[lane]:
            shown_us = self._shown_us(veil) if veil.shown_us is None else veil.shown_us
            if shown_us < UNNOTICED_US[veil.fault]:
                passed_in, passed_out = self._through(lane)
                seems = SEEMS.get(veil.fault, 0)
                most += passed_in - veil.before[0] + max(0, -seems)
                least -= passed_out - veil.before[1] + max(0, seems)
        return range(least, most + 1)

    def compared(self) -> None:
        """What is counted has been held against who passed: what was hidden until now explains nothing any more."""
        for lane, veils in self._veils.items():
            self._veils[lane] = [veil for veil in veils if veil.shown_us is None]
            for veil in self._veils[lane]:
                veil.before = self._through(lane)

    @property
    def quiet(self) -> bool:
        """Nobody is in any arm, nor has just been."""
        now_us = self._scene.clock.now_us
        return all(
            not arm.turnstile.busy and now_us - self.moved_us[lane] >= QUIET_US
            for lane, arm in self._scene.hall.arms.items()
        )

    def _shown_us(self, veil: Veil) -> int:
        """For how long the present daemon has had it before its eyes; a loop that hangs sees nothing."""
        now_us = self._scene.clock.now_us if self._hung_us is None else self._hung_us
        return now_us - max(veil.since_us, self._scene.machine.started_us)

    def _through(self, lane: str) -> tuple[int, int]:
        passed = self._scene.hall.arms[lane].turnstile.passed
        return passed["a"], passed["b"]
