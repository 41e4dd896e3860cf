"""The arms as the world has them: which has moved or is in trouble, and since when the program could know."""

from firmware.core import facts as f
from sim.judge import Scene

QUIET_US = 1_500_000
"""So long after the last move of an arm, whoever passed has been counted."""
AFTERMATH_US = 35_000_000
"""A sensor at fault is known to be so after 30 s; an arm that was in trouble may be misread for so long."""
BLINK_US = 31_000_000
"""A fault of the arm's wires that lasts less may go unnoticed: a stuck contact is one that stays for 30 s."""
LOOK_AGAIN_US = 1_000_000

SENSED = f.GatePassed | f.GateForced | f.GateReversed | f.GateTailgated
"""What a contact of the arm tells."""


class Arms:
    """For invariants that watch the arms: when each was last in trouble, and when it last moved."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.moved_us: dict[str, int] = dict.fromkeys(scene.hall.arms, 0)
        self._ill_since_us: dict[str, int] = {}
        self._mended_us: dict[str, int] = {}
        self._lasted_us: dict[str, int] = {}
        self._blind: set[str] = set()
        """Arms whose passage contacts stay closed, or did when they were last in trouble."""

    def changed(self, what: str) -> None:
        """A physical change."""
        now_us = self._scene.clock.now_us
        word, name, *_ = what.split(" ", 2)
        if name not in self.moved_us:
            return
        match word:
            case "arm":
                self.moved_us[name] = now_us
            case "fault":
                self._ill_since_us[name] = now_us
                self._blind = {*self._blind, name} if "blind" in what.split() else self._blind - {name}
            case "mended" if name in self._ill_since_us:
                self._mended_us[name] = now_us
                self._lasted_us[name] = now_us - self._shown_since_us(self._ill_since_us.pop(name))

    def _shown_since_us(self, since_us: int) -> int:
        """Since when the present daemon could have noticed."""
        return max(since_us, self._scene.machine.started_us)

    def ill_us(self, lane: str) -> int:
        """For how long the present daemon has had its trouble before its eyes; once mended, for how long it had; 0 when
        that is long over."""
        now_us = self._scene.clock.now_us
        if lane in self._ill_since_us:
            return max(1, now_us - self._shown_since_us(self._ill_since_us[lane]))
        if lane in self._mended_us and now_us - self._mended_us[lane] < AFTERMATH_US:
            return max(1, self._lasted_us[lane])
        return 0

    def unnoticed(self, lane: str) -> bool:
        """Whether it is, or was a moment ago, in trouble that the program had no means to notice."""
        ill_us = self.ill_us(lane)
        return ill_us > 0 and (ill_us < BLINK_US or lane in self._blind)

    @property
    def quiet(self) -> bool:
        """Nobody is in any arm, nor has just been."""
        now_us = self._scene.clock.now_us
        return all(
            not arm.turnstile.busy and now_us - self.moved_us[lane] >= QUIET_US
            for lane, arm in self._scene.hall.arms.items()
        )
