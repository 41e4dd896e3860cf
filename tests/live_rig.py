"""A live hall that a test runs by hand, without waiting for real time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from firmware.config import load
from services.mqtt import MqttSettings
from sim.live_hall import LiveHall

CONFIG = load(Path(__file__).parent.parent / "config.yaml")
SCANS_MOST = 20_000


class Visit:
    """One life of the hall in `folder`."""

    def __init__(self, folder: Path, mqtt: MqttSettings | None = None) -> None:
        self.folder = folder
        self.live = LiveHall(CONFIG, folder, mqtt=mqtt)
        self.live.prepare()

    def until(self, seen: Callable[[], object], what: str) -> None:
        for _ in range(SCANS_MOST):
            if seen():
                return
            self.live.round()
        raise AssertionError(f"not within {SCANS_MOST} scans: {what}")

    def rounds(self, count: int) -> None:
        for _ in range(count):
            self.live.round()

    def desk(self, action: str, **args: Any) -> Any:
        answer = self.live.ask(action, args, "officer-1")
        self.until(answer.done, f"{action} is answered")
        return answer.result()

    def cut_and_restore(self, rounds: int = 50) -> None:
        self.live.power(False)
        self.rounds(rounds)
        self.live.power(True)

    def facts(self, kind: str) -> list[Any]:
        return [one["data"] for one in self.live.told if one["type"] == kind]

    @property
    def hall(self) -> Any:
        return self.live.daemon.controller.hall

    @property
    def boot(self) -> int:
        return self.live.daemon.controller.ledger.journal.boot
