"""Conduct (26 to 30): commands and their limits, bounded memory, privacy, and that the hall goes on serving.

This version obeys no remote command. What is said of commands here is what holds all the same, and will still hold when
there are some: an id is answered with the same bytes, and nobody acts who was not asked.
"""

import json

from firmware.controller import INPUTS_MOST
from firmware.core import facts as f
from firmware.core.decision import TASKS_MOST
from firmware.core.evolve import REFUSALS_MOST
from firmware.ledger import BUFFER_MOST, CHECKPOINT_FACTS
from hal.clock import Millis
from services.mqtt import Message
from services.outbox import CHUNK_LINES
from sim.invariants.chronicle import Reckoner
from sim.invariants.liveness import Liveness
from sim.invariants.privacy import Privacy
from sim.judge import Invariant, Scene

MINUTE_US = 60_000_000


class Commands(Reckoner):
    """A command id has at most one effect and one durable result; one that was never sent has none.

    When commands come, here is the place to hold what was sent, its signature and its time against what became of it.
    """

    number, name = 26, "commands"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._root = f"besuk/v1/{scene.config.site}/{scene.config.hall}/"
        self._accepted: set[str] = set()
        self._answers: dict[str, bytes] = {}
        before = scene.machine.broker.on_arrival

        def arrived(message: Message) -> None:
            before(message)
            if message.topic == f"{self._root}answer":
                self._answered(message.payload)

        scene.machine.broker.on_arrival = arrived

    def heard(self, fact: f.Fact, at: Millis) -> None:
        if fact.type_name() == "command.accepted":
            command = str(getattr(fact, "id", ""))
            if command in self._accepted or not command:
                self.broken(f"{fact}: accepted a second time")
            self._accepted.add(command)

    def _answered(self, payload: bytes) -> None:
        told = json.loads(payload)
        if told["ok"] and told["id"] not in self._accepted:
            self.broken(f"command {told['id']} is answered with success, and no record says that it was accepted")
        if self._answers.setdefault(told["id"], payload) != payload:
            self.broken(f"command {told['id']} is answered a second time, with other bytes")


class Hands(Reckoner):
    """Whatever is done in somebody's name was asked by them here, and is not answered yet: nobody acts from afar.

    By themselves act the schedule, the program (`system`) and the site's own contacts.
    """

    number, name = 27, "nobody from afar"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._own = {"system", "schedule", *scene.config.contacts}

    def heard(self, fact: f.Fact, at: Millis) -> None:
        actor = getattr(fact, "actor", None)
        if actor is None or actor in self._own or self.scene.machine.daemon is None or self.chronicle.catching_up:
            return
        if not any(request.actor == actor for request in self.chronicle.asks()):
            self.broken(f"{fact}: and {actor} has asked for nothing")


class Bounds(Invariant):
    """Whatever can grow has an end, looked at every minute."""

    number, name = 28, "bounded"

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._look_us = MINUTE_US

    def next_us(self) -> int | None:
        return self._look_us

    def stepped(self) -> None:
        if self.scene.clock.now_us < self._look_us:
            return
        self._look_us = self.scene.clock.now_us + MINUTE_US
        for what, (size, most) in self._sizes().items():
            if size > most:
                self.broken(f"{size} {what}, where {most} are the most")

    def ended(self) -> None:
        self._look_us = 0
        self.stepped()

    def _sizes(self) -> dict[str, tuple[int, int]]:
        """What grows, how far it has, and how far it may."""
        daemon = self.scene.machine.daemon
        if daemon is None:
            return {}
        controller, config, site = daemon.controller, self.scene.config, self.scene.site
        hall, ledger = controller.hall, controller.ledger
        sizes = {
            "inputs that wait": (len(controller._waiting), 2 * INPUTS_MOST),
            "actions that wait for a card": (len(controller._held), INPUTS_MOST),
            "looks that wait": (len(controller._shows), 2 * INPUTS_MOST),
            "facts in the buffer": (ledger.waiting, BUFFER_MOST),
            "facts since the checkpoint": (len(ledger._since), BUFFER_MOST + 2 * CHECKPOINT_FACTS),
            "refusals remembered": (len(hall.refusals), REFUSALS_MOST + 1),
            "repeats counted": (len(hall.unwritten.repeats), REFUSALS_MOST + 2),
            "cards tapped a moment ago": (len(hall.unwritten.taps), 1_000),
            "messages for the sign": (len(hall.unwritten.sign), 1_000),
            "tasks": (len(hall.tasks), TASKS_MOST + 50),
            "lockers": (len(hall.lockers), len(site.lockers) + len(self.scene.hall.lockers)),
            "devices in trouble": (len(hall.devices), 100),
            "last calls": (len(hall.last_calls), 5),
            "messages from the broker": (len(self.scene.machine.broker.published), 1_000),
        }
        if daemon.telemetry is not None:
            outbox = daemon.telemetry.outbox
            sizes["events in flight"] = (len(outbox._in_flight), outbox._window_most)
            sizes["events read ahead"] = (len(outbox._ahead), CHUNK_LINES + outbox._window_most)
        for name, lane in hall.lanes.items():
            parties = len(hall.visits) + 25
            sizes[f"rights of way at {name}"] = (len(lane.grants), parties)
        for name in config.readers:
            sizes[f"cards on {name}"] = (len(controller.panel._cards), len(config.readers))
        return sizes


CONDUCT: tuple[type[Invariant], ...] = (Commands, Hands, Bounds, Privacy, Liveness)
