"""`besuk sim` as a process: a family's visit through its hands, a kill in the middle, and what a restart remembers."""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from firmware.core.facts import Fact
from tests.e2e.sim_process import ROOT, START_S, Process, Start, starter
from tests.hall_hands import Hands, until

TOPICS = "besuk/v1/rutan-contoh/kunjungan/"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts processes on one state folder, and kills what the test has left."""
    with starter(tmp_path) as go:
        yield go


class Listener:
    """A central server's ear at the broker: every message, in the order in which it came."""

    def __init__(self, broker: str) -> None:
        host, _, port = broker.rpartition(":")
        self.messages: list[tuple[str, bytes]] = []
        self.client = Client(CallbackAPIVersion.VERSION2, client_id=f"test-{os.getpid()}")
        self.client.on_message = self._hear
        self.client.connect(host, int(port))
        self.client.subscribe(TOPICS + "#", qos=1)
        self.client.loop_start()

    def _hear(self, _client: Client, _user: object, message: MQTTMessage) -> None:
        self.messages.append((message.topic.removeprefix(TOPICS), bytes(message.payload)))

    def events(self) -> list[Any]:
        return [json.loads(payload) for topic, payload in self.messages if topic == "event"]

    def latest(self, topic: str) -> Any:
        return next((json.loads(payload) for name, payload in reversed(self.messages) if name == topic), None)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def listen() -> Iterator[Callable[[Process], Listener]]:
    ears: list[Listener] = []

    def go(process: Process) -> Listener:
        ears.append(Listener(process.said["broker"]))
        return ears[-1]

    yield go
    for ear in ears:
        ear.close()


def check_chain(lines: list[bytes]) -> None:
    """In order, without a gap, each line's hash its own and its predecessor's hash in the next."""
    before: Any = None
    for line in lines:
        event = json.loads(line)
        assert hashlib.sha256(line[: line.rfind(b',"hash":"')]).hexdigest() == event["hash"]
        assert event["type"].removeprefix("besuk.") in Fact.TYPES
        if before is not None:
            assert (event["seq"], event["prevhash"]) == (before["seq"] + 1, before["hash"])
        before = event


def journal(folder: Path) -> list[bytes]:
    return [line for file in sorted((folder / "journal").glob("*.jsonl")) for line in file.read_bytes().splitlines()]


def test_a_family_visits_and_the_central_server_hears_all_of_it(
    start: Start, listen: Callable[[Process], Listener], tmp_path: Path
) -> None:
    process = start().ready()
    hands, ear = process.hands, listen(process)
    card = hands.world()["stock"][0]
    visit = hands.family_at_the_gate(card["uid"], card["number"])
    hands.family_enters(card["uid"])
    until(lambda: (ear.latest("occupancy") or {}).get("inside") == 3, "the retained occupancy says three")
    hands.tap("exit", card["uid"])
    assert hands.push("out")
    assert hands.push("out", carrying=1)
    hands.tap("lockers", card["uid"])
    hands.do("POST", f"/lockers/{hands.open_door()}/door", {"to": "closed", "content": False})
    returned = process.ask("return", f"card={card['number']}", "collected=true")
    assert returned.returncode == 0, returned.stderr
    until(lambda: any(one["type"] == "besuk.visit.ended" for one in ear.events()), "the end of the visit is told")

    told = [one for one in ear.events() if one["data"].get("visit") == visit]
    story = [one["type"].removeprefix("besuk.") for one in told]
    assert [kind for kind in story if kind in ("visit.bound", "card.issued", "search.passed", "visit.started",
                                               "card.returned", "visit.ended")] == [
        "visit.bound", "card.issued", "search.passed", "visit.started", "card.returned", "visit.ended",
    ]  # fmt: skip
    assert [one["data"]["direction"] for one in told if one["type"] == "besuk.gate.passed"] == ["in"] * 2 + ["out"] * 2
    heard = [payload for topic, payload in ear.messages if topic == "event"]
    check_chain(heard)
    until(lambda: hands.health()["backlog"]["unacked"] == 0, "the desk's own central server has acknowledged all")

    assert process.end() == 0
    until(lambda: ear.latest("status")["state"] == "offline", "it says good-bye")
    assert ear.latest("status")["reason"] == "stopped"
    stored = journal(tmp_path / "state")
    check_chain(stored)
    assert set(heard) <= set(stored), "published is what was stored, byte for byte"
    assert not (tmp_path / "state" / "control.sock").exists()
    assert not process.told_wrong().count("Traceback")


def test_a_kill_in_the_middle_forgets_nobody(
    start: Start, listen: Callable[[Process], Listener], tmp_path: Path
) -> None:
    process = start().ready()
    hands = process.hands
    card, other = hands.world()["stock"][:2]
    hands.family_at_the_gate(card["uid"], card["number"])
    hands.family_enters(card["uid"])
    until(lambda: hands.occupancy()["inside"] == 3, "three are inside")
    hands.press("ticket")
    until(lambda: hands.occupancy()["waiting"] == 1, "and one waits")
    hands.do("PUT", f"/readers/desk/cards/{other['uid']}")
    hands.do("PUT", "/faults/exit", {"fault": "unplugged"})
    hands.do("POST", "/lockers/7/door", {"to": "forced"})
    hands.do("PUT", "/contacts/exit_button", {"active": True})
    before, occupied = hands.world(), hands.occupancy()["lockers"]
    delivered = hands.health()["backlog"]
    process.end(signal.SIGKILL)

    process = start().ready()
    hands, ear = process.hands, listen(process)
    after = hands.world()
    for name in ("inside", "lockers", "readers", "contacts", "faults", "stock"):
        assert after[name] == before[name], name
    assert after["time"] >= before["time"]
    occupancy = until(lambda: ear.latest("occupancy"), "occupancy is told at once")
    assert occupancy["confidence"] == "suspect"
    assert (occupancy["inside"], occupancy["waiting"]) == (3, 1)
    assert hands.occupancy()["lockers"]["owned"] == occupied["owned"] == 1
    assert hands.facts("hall.booted")[-1]["gap_s"] >= 0
    assert not hands.facts("hall.opened"), "the session goes on; nobody opens it again"
    assert delivered["unacked"] >= 0
    until(lambda: hands.health()["backlog"]["unacked"] == 0, "what was told before and after is acknowledged")
    check_chain(journal(tmp_path / "state"))

    hands.do("DELETE", "/faults/exit")
    until(lambda: hands.health()["devices"]["exit"] == "ok", "the reader is back")
    hands.tap("exit", card["uid"])
    assert hands.push("out")
    assert hands.push("out", carrying=1)
    until(lambda: hands.occupancy()["inside"] == 0, "they went home")
    hands.tap("lockers", card["uid"])
    until(lambda: hands.world()["lockers"]["1"]["door"] == "open", "their bag is theirs still")
    assert process.end(signal.SIGINT) == 0


def test_fire_frees_the_arm_and_a_restart_does_not_lock_it(start: Start) -> None:
    alone = ("--web", "127.0.0.1:0", "--broker", "none")
    process = start(*alone).ready()
    process.hands.do("PUT", "/contacts/fire", {"active": True})
    until(lambda: process.hands.arm() == "free_both", "the arm is free")
    until(lambda: process.hands.occupancy()["mode"] == "emergency", "and it is told")
    assert process.hands.do("POST", "/arm/main/push", {"direction": "in"}) == {"passed": True}
    process.end(signal.SIGKILL)

    process = start(*alone).ready()
    hands = process.hands
    assert (hands.arm(), hands.occupancy()["mode"]) == ("free_both", "emergency")
    assert process.ask("reset").returncode == 1, "not while the contact is active"
    hands.do("PUT", "/contacts/fire", {"active": False})
    until(lambda: hands.facts("emergency.cleared"), "the contact is at rest")
    process.end(signal.SIGKILL)

    process = start(*alone).ready()
    assert (process.hands.arm(), process.hands.occupancy()["mode"]) == ("free_both", "emergency")
    until(lambda: process.ask("reset").returncode == 0, "a guard resets")
    until(lambda: process.hands.arm() == "locked", "and the arm is home")


def test_the_line_to_the_broker_is_cut_and_nothing_is_lost(start: Start, listen: Callable[[Process], Listener]) -> None:
    process = start().ready()
    hands, ear = process.hands, listen(process)
    until(lambda: ear.latest("status"), "status is retained")
    hands.do("PUT", "/faults/broker", {"fault": "unplugged"})
    until(lambda: ear.latest("status")["reason"] == "lost", "the last will is heard")
    for _ in range(3):
        hands.press("ticket")
    until(lambda: len(hands.facts("ticket.issued")) == 3, "the hall goes on")
    assert hands.health()["devices"]["broker"] == "gone"
    hands.do("DELETE", "/faults/broker")
    until(lambda: ear.latest("status")["reason"] == "reconnected", "it comes back", 15)
    until(lambda: sum(one["type"] == "besuk.ticket.issued" for one in ear.events()) >= 3, "and tells what happened")
    check_chain([payload for topic, payload in ear.messages if topic == "event"][-3:])
    assert process.told_wrong().count("Connection refused") <= 1


def test_a_state_belongs_to_one_process(start: Start) -> None:
    start("--web", "none", "--broker", "none").ready()
    second = start("--web", "none", "--broker", "none")
    assert second.popen.wait(START_S) == 2
    assert len([line for line in second.told_wrong().splitlines() if "another hall runs" in line]) == 1


def test_a_hall_that_nobody_wants_to_keep_leaves_nothing_behind(tmp_path: Path) -> None:
    begin = "main(load(Path('config.yaml')), visitors=0, broker='none', web='none')"
    code = f"from pathlib import Path; from firmware.config import load; from sim.live import main; exit({begin})"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | {"TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        state = next(line for line in process.stdout if line.startswith(b"state: ")).decode().split()[1]
        assert (Path(state) / "world.json").exists()
        assert Path(state).parent == tmp_path
        process.terminate()
        process.stdout.read()
        assert process.wait(START_S) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_is_said_once_and_the_hall_runs_meanwhile(start: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start("--web", f"127.0.0.1:{port}", "--broker", "none").with_staff()
        assert (process.said["web"], process.said["broker"]) == ("none", "none")
        assert process.ask("ticket", "class=A").returncode == 0
    assert process.line() == f"web: http://127.0.0.1:{port}"
    assert Hands(f"http://127.0.0.1:{port}").occupancy()["waiting"] == 1
    assert process.told_wrong().count("in use") == 1


def test_without_pages_it_tells_each_fact(start: Start) -> None:
    process = start("--web", "none", "--broker", "127.0.0.1:9").ready()
    assert process.said["web"] == "none"
    assert re.fullmatch(r"\d{4}-\S+ hall\.booted format=1 .*", process.line())
    assert process.ask("ticket", "class=A").returncode == 0
    line = until(lambda: next((line for line in [process.line()] if "ticket.issued" in line), ""), "the ticket is told")
    assert re.fullmatch(r"\d{4}-\S+ ticket\.issued ticket=A-001 class=A actor=guard-1", line)
    assert process.end(signal.SIGINT) == 0


@pytest.mark.parametrize("options", [("--broker", "nonsense"), ("--web", "127.0.0.1:http"), ("--web", "1.2.3.4")])
def test_what_makes_no_sense_is_refused_in_one_line(start: Start, options: tuple[str, ...]) -> None:
    process = start(*options)
    assert process.popen.wait(START_S) == 2
    assert process.told_wrong().count("\n") == 1


def test_the_end_is_quiet_also_while_somebody_waits_for_an_answer(start: Start) -> None:
    process = start().with_staff()
    officer = process.hands.sign_in("officer-1", process.pins["officer-1"])

    def waits_for_a_card() -> None:
        with suppress(OSError):
            while True:
                officer.ask("GET", "/api/v1/readers/desk/card")

    waiting = [Thread(target=waits_for_a_card, daemon=True) for _ in range(2)]
    for one in waiting:
        one.start()
    assert officer.ask("GET", "/api/v1/readers/desk/card")[0] == 204
    assert process.end() == 0
    for one in waiting:
        one.join(START_S)
    assert "Traceback" not in process.told_wrong()


def test_hall_time_is_no_faster_than_asked(start: Start) -> None:
    hands = start("--web", "127.0.0.1:0", "--broker", "none").ready().hands
    hands.do("PUT", "/speed", {"speed": 5})
    begun_s, begun_ms = time.monotonic(), hands.world()["now_ms"]
    until(lambda: hands.world()["now_ms"] >= begun_ms + 2_000, "two seconds of the hall pass")
    passed_s = time.monotonic() - begun_s
    assert hands.world()["now_ms"] - begun_ms <= 5_000 * passed_s + 1_000
    assert passed_s >= 0.3
