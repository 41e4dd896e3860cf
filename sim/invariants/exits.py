"""Nobody is kept inside: each card at an exit, and each press of the guard's button, frees the arm outward."""

from firmware.core import facts as f
from firmware.core.site import ContactUse, ReaderPlace
from hal.clock import Millis
from sim.invariants.hands import Hands, Laid
from sim.invariants.promises import Promising
from sim.judge import Scene
from sim.machine import End

EXIT_MS: Millis = 2_000
"""From a tap at the exit to the free arm."""
EXIT_SLOW_MS: Millis = 10_000
"""The same while the disk is in trouble: a commit that hangs for 3 s, and the next one."""
OTHERS_MS: Millis = 2_000
"""Later, where others had a way out before: the end of theirs is told so long after the arm has locked."""
TAP_LEAST_US = 400_000
"""A card that is withdrawn sooner may not have been read."""
LIFT_US = 500_000
"""A card that is laid down again sooner may not have been missed,"""
SERIAL_LIFT_US = 1_300_000
"""and not by a serial reader, which names what lies there now and then."""
LYING_US = 1_500_000
"""What a reader finds so soon after the start lay there before."""
LOOKS_AGAIN_US = 500_000
"""So soon after trouble a reader that did not fall for it, or has risen, is set up and has looked for cards."""
RISES_US = 12_000_000
"""A fallen reader has risen by then, or serves all the same: all settings of a chip are looked at every 10 s."""
FOUND_US = 35_000_000
"""One that was gone altogether is looked for every 30 s."""
PRESS_LEAST_US = 60_000
"""A button that is let go sooner may not have been felt."""
DEAF_ARM = frozenset({"unplugged", "unpowered"})
WAYS_OUT_MOST = 20
"""So many ways out without a visit may stand at a lane; then it is open for long enough."""


class Exits(Promising):
    """4. No exit is refused. Whoever holds a card to the exit, or has the guard press the button, finds the arm free
    outward within 2 s (or 2 s later where others have the way out just then), and the way out is recorded.

    Not a tap: a card that is withdrawn within 0.4 s or was lifted for less than 0.5 s, one of no kind that readers
    know, what lies there since before the start, or was laid on a reader that is in trouble, was half a second ago, or
    is told to have fallen for it and has not risen: for 12 s at most, and 35 s where it was gone. Waited for: people in
    the arm, its trouble, a hanging loop. A disk in trouble may cost 8 s more. No mode, no lockdown, no debt, no unknown
    card may. Over a damaged journal nobody hears how a way out ends: an arm in trouble ends what was owed there.
    """

    number = 4
    name = "no exit is refused"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.hands = Hands(scene)
        readers = scene.config.readers.items()
        self._lane_of = {name: one.lane or "" for name, one in readers if one.place is ReaderPlace.EXIT}
        contacts = scene.config.contacts.items()
        self._button_of = {name: one.lane or "" for name, one in contacts if one.use is ContactUse.EXIT_BUTTON}
        self._fallen: dict[str, str] = {}
        """Reader -> as what it is told to have fallen."""
        self._rose_us: dict[str, int] = {}
        self._busy_us: dict[str, int] = {}
        """Lane -> when somebody last was in its arm, as far as anybody waited for it."""
        self._up_us = 0
        """Since when the daemon can look at anything: its start may have waited for a slow disk."""

    def heard(self, fact: f.Fact, at: Millis) -> None:
        match fact:
            case f.GateRefused(direction="out"):
                self.broken(f"an exit was refused: {fact.reason}")
            case f.CardRefused() if fact.reader in self._lane_of:
                self.broken(f"a card was refused at the exit: {fact.reason}")
            case f.GateGranted(direction="out"):
                self._keep("recorded", fact.lane, card=fact.card or "")
            case f.GateExpired(direction="out") if self.scene.well_for_ms(fact.lane) < EXIT_SLOW_MS:
                self._keep("free", fact.lane)  # an arm in trouble could not be freed while the way out stood
            case f.GatePassed(direction="out") if self.scene.well_for_ms(fact.lane) < EXIT_SLOW_MS:
                self._keep("free", fact.lane)  # or showed somebody in it who never was, and whose way out that spent
            case f.EmergencyRaised():
                for lane in self.scene.hall.arms:
                    self._keep("recorded", lane)
            case f.DeviceFell() if fact.device in self._lane_of:
                self._fell(fact.device, fact.health)
            case f.DeviceRose() if self._fallen.pop(fact.device, None):
                self._rose_us[fact.device] = self.scene.clock.now_us
            case f.HallBooted():
                self._fallen.clear()

    def changed(self, what: str) -> None:
        if what.startswith("arm "):
            _, lane, state = what.split(" ", 2)
            if state in ("free_b", "free_both"):
                self._keep("free", lane)
            return
        if what.startswith("fault ") and self.chronicle.damaged:
            self._keep("free", what.split()[1])
            return
        reader = self.hands.changed(what)
        if reader in self._lane_of:
            if what.startswith("card laid"):
                self._laid(reader)
            else:
                self._taken(reader)
        elif what.startswith("contact ") and (name := what.split()[1]) in self._button_of:
            self._button(name, active=what.endswith(" active"))

    def started(self) -> None:
        super().started()
        self._up_us = self.scene.clock.now_us

    def stopped(self, how: End) -> None:
        for key in list(self._promises):
            self.kept(key)

    def stepped(self) -> None:
        if self._promises:
            for lane, arm in self.scene.hall.arms.items():
                if arm.turnstile.busy:
                    self._busy_us[lane] = self.scene.clock.now_us
        super().stepped()

    def calm_for_ms(self, *devices: str, disk: bool = True) -> Millis:
        busy_us = max((self._busy_us.get(device, -1) for device in devices), default=-1)
        return min(super().calm_for_ms(*devices, disk=disk), (self.scene.clock.now_us - busy_us) // 1000)

    # -- what hands do

    def _laid(self, reader: str) -> None:
        lane, now_us = self._lane_of[reader], self.scene.clock.now_us
        machine, cards = self.scene.machine, self.hands.on(reader)
        if machine.daemon is None or now_us < self._up_us + LYING_US or not self._looks_for_cards(reader):
            return
        lifted = [one for one in self.hands.laid if one.reader == reader and one.taken_us is not None]
        lift_us = LIFT_US if self.scene.config.readers[reader].spi is not None else SERIAL_LIFT_US
        if any(now_us - (one.taken_us or 0) < lift_us for one in lifted) or not all(_readable(one) for one in cards):
            return
        self._want_free(lane, reader)
        card = cards[0].card
        if len(cards) > 1:
            for one in cards:
                self._keep("recorded", lane, card=one.card)
        elif not self._has_way(lane, card) and not self.account.emergency and not self.chronicle.damaged:
            what = f"a card was held to {reader}, and no way out was recorded"
            self.owe(("recorded", lane, reader, card), what, reader, lane, calm_ms=EXIT_MS)

    def _looks_for_cards(self, reader: str) -> bool:
        """Whether it finds a card that is laid there now."""
        now_us, mended_us = self.scene.clock.now_us, self.scene.troubled_us.get(reader, -FOUND_US)
        if reader in self.scene.hall.faults:
            return False
        if self.chronicle.damaged:  # then nobody hears whether it has fallen
            return now_us - mended_us >= FOUND_US
        if reader in self._fallen:
            return now_us - mended_us >= (FOUND_US if self._fallen[reader] == "gone" else RISES_US)
        return now_us - max(mended_us, self._rose_us.get(reader, -FOUND_US)) >= LOOKS_AGAIN_US

    def _fell(self, reader: str, health: str) -> None:
        """For its trouble, though that may be over by now."""
        self._fallen[reader] = health
        if self.scene.well_for_ms(reader) * 1000 < RISES_US:
            self._keep("free", self._lane_of[reader], at=reader)
            self._keep("recorded", self._lane_of[reader], at=reader)

    def _taken(self, reader: str) -> None:
        now_us = self.scene.clock.now_us
        for one in self.hands.laid:
            if one.reader == reader and one.taken_us == now_us:
                there_us = now_us - one.laid_us
                if there_us < TAP_LEAST_US or self.calm_for_ms(reader, disk=False) * 1000 < there_us:
                    self._keep("free", self._lane_of[reader], at=reader)
                    self._keep("recorded", self._lane_of[reader], card=one.card)

    def _button(self, name: str, *, active: bool) -> None:
        now_us = self.scene.clock.now_us
        if active and self.scene.machine.daemon is not None:
            self._want_free(self._button_of[name], name)
        elif now_us - self.hands.pressed_us.get(name, 0) < PRESS_LEAST_US:
            self._keep("free", self._button_of[name], at=name)

    # -- what is owed to them

    def _want_free(self, lane: str, at: str) -> None:
        if self.scene.hall.arms[lane].turnstile.state in ("free_b", "free_both"):
            return
        fault = self.scene.hall.faults.get(lane)
        if fault in DEAF_ARM or (fault and self.chronicle.damaged):
            return  # the pulse is lost; whoever taps again when it is well is owed one
        what = f"somebody asked to get out at {at}, and arm {lane} stayed locked outward"
        others_ms = OTHERS_MS if self.account.way(lane).rights else 0
        self.owe(("free", lane, at, "soon"), what, at, lane, calm_ms=EXIT_MS + others_ms)
        self.owe(("free", lane, at, "late"), what, at, lane, calm_ms=EXIT_SLOW_MS, disk=False)

    def _has_way(self, lane: str, card: str) -> bool:
        ways = [right for right in self.account.way(lane).rights if right.direction == "out"]
        return any(right.card == card for right in ways) or len(ways) >= WAYS_OUT_MOST

    def _keep(self, kind: str, lane: str, *, at: str = "", card: str = "") -> None:
        """Let go of what is owed of this kind at a lane: all of it, at one place only, or to one card only."""
        for key in list(self._promises):
            assert isinstance(key, tuple)
            if key[:2] == (kind, lane) and (not at or key[2] == at) and (not card or key[3] == card):
                self.kept(key)


def _readable(laid: Laid) -> bool:
    return len(laid.uid) in (8, 14)
