"""A day on which the broker dies for a while and the daemon is killed: every event arrives all the same, once.

The real thing: a process, a disk, Debian's mosquitto, and a central server that stores and acknowledges.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from services.control import ControlError, ask
from services.disk import FolderDisk
from services.mqtt import Connected, Disconnected, Event, MqttSettings
from services.paho_transport import PahoTransport
from services.segments import verify
from sim.receiver import Receiver, subscriptions
from tests.services.broker_rig import MakeMosquitto

ROOT = "besuk/v1/rutan-contoh/kunjungan/"
DEADLINE_S = 90.0
HERE = Path(__file__).parent.parent.parent


class Hall:
    """`besuk sim` as a process."""

    def __init__(self, state: Path, broker: str) -> None:
        self.state = state
        self._command = [
            sys.executable, "-m", "firmware.cli", "sim", "--config", str(HERE / "config.yaml"), "--speed", "40",
            "--seed", "7", "--web", "none", "--broker", broker, "--state", str(state),
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.state.parent / "hall.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=HERE, stdout=log, stderr=log)

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        if self._process is None or self._process.poll() is not None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(30)

    def answers(self) -> bool:
        """Whether its control socket is there."""
        try:
            self.show("hall")
        except ControlError:
            return False
        return True

    def show(self, what: str) -> Any:
        return ask(self.state / "control.sock", "show", {"what": what}, "nobody")["result"][what]


class Line(PahoTransport):
    """Knows whether what it has handed over came from a broker that is still there."""

    online = False

    def poll(self) -> list[Event]:
        events = super().poll()
        for event in events:
            if isinstance(event, Connected | Disconnected):
                self.online = isinstance(event, Connected)
        return events


class Central:
    """The central server, driven by the test's own turns."""

    def __init__(self, port: int) -> None:
        self.lines: list[bytes] = []
        settings = MqttSettings("127.0.0.1", port, "central", subscriptions=subscriptions(ROOT), retry_most_s=1.0)
        self.line = Line(settings, random=lambda: 0.5)
        self.receiver = Receiver(self.line, ROOT, self.lines.append)
        self.line.start()
        self._begun = time.monotonic()

    def until(self, holds: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + DEADLINE_S
        while not holds():
            self.receiver.step(int((time.monotonic() - self._begun) * 1000))
            assert time.monotonic() < until, f"{what}: never; {len(self.lines)} events, {self.receiver.violations[:3]}"
            time.sleep(0.01)  # the broker's and the hall's turn

    def latest(self, name: str) -> Mapping[str, Any]:
        told: Mapping[str, Any] = json.loads(self.receiver.latest.get(name, b"{}"))
        return told


def test_broker_and_daemon_die_in_mid_day_and_nothing_is_lost(make_mosquitto: MakeMosquitto, tmp_path: Path) -> None:
    broker = make_mosquitto()
    central = Central(broker.port)
    hall = Hall(tmp_path / "state", f"127.0.0.1:{broker.port}")
    hall.start()
    try:
        central.until(lambda: any(b"besuk.gate.passed" in line for line in central.lines), "a visitor inside")

        broker.kill()
        central.until(lambda: not central.line.online, "the central server loses the broker")
        before = len(central.lines)
        journal = FolderDisk(tmp_path / "state")
        behind = verify(journal, "journal").last_seq + 40
        central.until(lambda: verify(journal, "journal").last_seq >= behind, "the hall goes on without a broker")
        assert len(central.lines) == before

        hall.kill()
        owners = {
            event["data"]["locker"]: event["data"]["visit"]
            for event in _events(tmp_path / "state")
            if event["type"] == "besuk.locker.assigned"
        }
        released = {e["data"]["locker"] for e in _events(tmp_path / "state") if e["type"] == "besuk.locker.released"}
        hall.start()
        broker.start()
        central.until(lambda: central.latest("status").get("boot") == 2, "the second start online")
        central.until(lambda: bool(central.latest("occupancy")), "occupancy")
        central.until(hall.answers, "the control socket")
        shown = {row["locker"]: row["visit"] for row in hall.show("lockers")}
        kept = {number: visit for number, visit in owners.items() if number not in released}
        again = {e["data"]["locker"] for e in _events(tmp_path / "state")
                 if e["boot"] == 2 and e["type"] in ("besuk.locker.released", "besuk.locker.assigned")}  # fmt: skip
        assert all(shown[number] == visit for number, visit in kept.items() if number not in again)

        stop_at = verify(journal, "journal").last_seq + 60
        central.until(lambda: verify(journal, "journal").last_seq >= stop_at, "the day goes on")
        suspect = [e for e in _events(tmp_path / "state") if e["type"] == "besuk.hall.occupancy_suspect"]
        booted = [e for e in _events(tmp_path / "state") if e["type"] == "besuk.hall.booted"]
        inside_at_kill = _inside([e for e in _events(tmp_path / "state") if e["boot"] == 1])
        assert len(booted) == 2
        if inside_at_kill:
            assert suspect
            assert suspect[0]["data"]["inside"] == inside_at_kill
            assert "gap_s" in suspect[0]["data"]
        central.until(lambda: central.latest("occupancy").get("confidence") in ("exact", "suspect"), "occupancy")
        assert ask(hall.state / "control.sock", "confirm_count", {}, "guard-1")["ok"]
        central.until(lambda: central.latest("occupancy").get("confidence") == "exact", "the count confirmed")
        assert hall.stop() == 0
        last = verify(journal, "journal")
        hall.start()  # what the last seconds left is sent by the next start
        central.until(lambda: central.receiver.stored >= last.last_seq, "every event")
    finally:
        hall.stop()
        central.line.stop()

    report = verify(FolderDisk(tmp_path / "state"), "journal")
    assert report.damage is None
    assert central.receiver.violations == [], "repeats carry the same bytes, and the chain holds"
    stored = [json.loads(line) for line in central.lines]
    assert [event["seq"] for event in stored] == list(range(1, len(stored) + 1)), "in order, without a gap"
    raw = b"".join((tmp_path / "state" / "journal" / name).read_bytes() for name in _segments(tmp_path / "state"))
    assert raw.startswith(b"\n".join(central.lines)), "published byte for byte"
    assert all(event["simulated"] is True for event in stored)


def _segments(state: Path) -> list[str]:
    return sorted(name for name in os.listdir(state / "journal") if name.endswith(".jsonl"))


def _events(state: Path) -> list[dict[str, Any]]:
    raw = b"".join((state / "journal" / name).read_bytes() for name in _segments(state))
    return [json.loads(line) for line in raw.split(b"\n")[:-1]]


def _inside(events: list[dict[str, Any]]) -> int:
    count = 0
    for event in events:
        step = 1 if event["data"].get("direction") == "in" else -1
        if event["type"] == "besuk.gate.passed":
            count += step * (1 + event["data"].get("carried", 0))
        elif event["type"] in ("besuk.gate.forced", "besuk.gate.reversed", "besuk.gate.tailgated"):
            count += step
    return count
