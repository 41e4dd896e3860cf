"""The power of a live hall fails and comes back: what is kept, what is in doubt, and who is told."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.boot import broker_settings
from services.journal import Journal
from services.mqtt import MqttSettings
from services.web import WebServer
from sim.api import sim_application
from sim.live_disk import LiveDisk
from sim.live_hall import LiveHall
from sim.live_receiver import Central
from tests.hall_hands import Hands, until
from tests.live_rig import CONFIG, Visit
from tests.services.broker_rig import Mosquitto
from tests.web_rig import PINS, staff


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    one = Visit(tmp_path)
    yield one
    one.live.stop()


def somebody_inside(visit: Visit) -> str:
    """A person on a card is inside, and a bag in a locker."""
    ticket = visit.desk("ticket", **{"class": "A"})["result"]["ticket"]
    visit.desk("call", counter="1")
    name: str = visit.desk("bind", ticket=ticket, adults=1)["result"]["visit"]
    number, uid = visit.live.hall.stock[0]
    visit.desk("issue", visit=name, card=number)
    visit.desk("search", visit=name, result="passed")
    visit.live.hall.tap("lockers", uid)
    doors = visit.live.hall.lockers
    visit.until(lambda: any(one.door == "open" for one in doors.values()), "a locker opens")
    visit.rounds(100)  # and is seen to be open
    visit.live.hall.door(next(n for n, one in doors.items() if one.door == "open"), "closed", content=True)
    visit.rounds(50)
    visit.live.hall.tap("entry", uid)
    visit.until(lambda: visit.live.world()["arm"]["main"]["state"] == "free_in", "the arm is free")
    visit.live.hall.push("main", "in", lambda through: None)
    visit.until(lambda: visit.hall.inside == 1, "one is counted in")
    visit.until(lambda: not visit.live.daemon.controller.ledger.busy, "and written down")
    return name


def test_whoever_was_inside_is_inside_still_and_the_count_in_doubt(visit: Visit) -> None:
    name = somebody_inside(visit)
    boot, daemon = visit.boot, visit.live.daemon
    visit.live.power(False)
    world = visit.live.world()
    assert world["power"] is False
    assert world["arm"]["main"]["state"] == "free_both", "nobody is shut in"
    assert world["sign"] == {"hall": ""}
    visit.rounds(250)
    visit.live.power(True)
    visit.rounds(100)
    assert visit.boot == boot + 1
    assert visit.live.daemon is not daemon
    assert visit.hall.visits[name].inside == 1
    assert [one.visit for one in visit.hall.lockers.values() if one.visit] == [name]
    assert visit.facts("hall.occupancy_suspect")[-1]["gap_s"] == 5, "and it is known for how long nobody watched"
    assert visit.live.world()["arm"]["main"]["state"] == "locked"
    assert visit.live.world()["sign"]["hall"]
    assert visit.desk("recount", present={name: 1}, unattributed=0, reason="power_cut")["ok"]


def test_every_cut_is_a_boot_and_nothing_else_changes(visit: Visit) -> None:
    requests, boot, mode = visit.live.requests, visit.boot, visit.hall.mode
    for _ in range(4):
        visit.cut_and_restore()
        visit.live.power(True)  # again does nothing
        visit.rounds(50)
        assert visit.desk("ticket", **{"class": "A"})["ok"], "those who asked before ask the new one"
    assert (visit.live.requests, visit.boot, visit.hall.mode) == (requests, boot + 4, mode)
    assert sorted(visit.hall.tickets) == [f"A-{n:03d}" for n in range(1, 5)]


@pytest.mark.parametrize("fault", ["", "stuck", "failing", "full"])
def test_a_cut_in_the_middle_of_a_commit_leaves_a_whole_journal(visit: Visit, fault: str) -> None:
    asked = []
    for _ in range(5):
        if fault:
            visit.live.hall.fault("disk", fault)
        asked.append(visit.live.ask("ticket", {"class": "A"}, "officer-1"))
        visit.live.daemon.step()  # decided, and handed to the writer
        visit.cut_and_restore(1)
        if fault:
            visit.live.hall.clear_fault("disk")
        visit.rounds(20)
    assert all(one.done() for one in asked), "nobody waits for a daemon that died"
    codes = {one.result()["error"]["code"] for one in asked if not one.result()["ok"]}
    assert codes <= {"no_answer", "degraded"}
    visit.until(lambda: not visit.live.daemon.controller.ledger.busy, "all is written")
    numbers = sorted(visit.hall.tickets)
    assert numbers == [f"A-{n:03d}" for n in range(1, len(numbers) + 1)], "no number twice, and none left out"
    journal = visit.live.daemon.controller.ledger.journal
    again = Journal.open(
        LiveDisk(visit.folder), "journal", source=journal.origin.source, simulated=True, new_id=lambda: "0" * 32
    )
    assert (again.damage, again.torn, again.last.seq) == (None, None, journal.last.seq)


def test_the_life_before_writes_nothing_more(tmp_path: Path) -> None:
    others = set(threading.enumerate())
    visit = Visit(tmp_path)
    visit.live.hall.fault("disk", "stalled")
    visit.live.ask("ticket", {"class": "A"}, "officer-1")
    visit.rounds(10)
    threads = {one for one in threading.enumerate() if one.name == "besuk-writer"} - others
    visit.live.power(False)
    visit.live.power(True)
    assert threads
    assert not any(one.is_alive() for one in threads), "its threads have ended before the next one's begin"
    visit.rounds(10)
    assert visit.live.machine.daemon.health()["disk"]["health"] == "ok"
    assert visit.live.hall.faults == {"disk": "stalled"}, "and the disk is as bad as it was"
    visit.live.stop()


def test_whoever_asks_without_power_is_told_so(visit: Visit) -> None:
    visit.live.power(False)
    asked = visit.live.ask("ticket", {"class": "A"}, "officer-1")
    visit.rounds(1)
    assert asked.result()["error"] == {"code": "no_answer", "message": "the power is off; nothing was done"}
    visit.live.power(True)
    visit.rounds(50)
    assert not visit.hall.tickets


def test_a_fire_that_began_without_power_is_seen_when_it_is_back(visit: Visit) -> None:
    visit.live.power(False)
    visit.live.hall.contact("fire", True)
    visit.rounds(10)
    visit.live.power(True)
    visit.until(lambda: visit.hall.mode == "emergency", "the contact is read")
    assert visit.live.world()["arm"]["main"]["state"] == "free_both"


def test_visitors_put_up_with_the_dark(visit: Visit) -> None:
    visit.live.invite(None, seed=2)
    for seconds in (20, 47, 61):
        visit.rounds(seconds * 50)
        visit.cut_and_restore(3 * 50)
    visit.until(lambda: len(visit.facts("visit.ended")) >= 2, "visits go on, and end")
    world = visit.live.world()
    assert world["inside"] == sum(one["inside"] + one["carried_inside"] for one in world["people"])


# -- the line to the broker


def test_the_broker_tells_the_will(mosquitto: Mosquitto, tmp_path: Path) -> None:
    visit = Visit(tmp_path, broker_settings(CONFIG, host=mosquitto.host, port=mosquitto.port))
    live = visit.live
    source, broker = live.daemon.controller.ledger.journal.origin.source, MqttSettings(mosquitto.host, mosquitto.port)
    live.central = Central(source, broker, tmp_path / "received")
    live.central.start()

    def status() -> tuple[str, str, int]:
        live.round()
        told = live.arrived(0)["status"]
        return (told["state"], told["reason"], told["boot"]) if told else ("", "", 0)

    until(lambda: status() == ("online", "started", 1), "it has told that it is there")
    live.power(False)
    until(lambda: status()[:2] == ("offline", "lost"), "its will is told for it")
    live.power(True)
    until(lambda: status() == ("online", "started", 2), "it is there again")
    until(lambda: status() and live.books()["line"]["unacked"] == 0, "and nothing is owed to the centre")
    assert live.arrived(0)["stored"] == live.daemon.controller.ledger.journal.last_seq
    live.stop()
    live.central.stop()


# -- the pages


@pytest.fixture
def hands(tmp_path: Path) -> Iterator[Hands]:
    live = LiveHall(CONFIG, tmp_path, mqtt=None, speed=20)
    live.prepare()
    ended = threading.Event()
    thread = threading.Thread(target=live.run, args=(ended.is_set,))
    thread.start()
    web = WebServer(sim_application(live, staff()), "127.0.0.1", 0)
    host, port = web.start()
    yield Hands(f"http://{host}:{port}/")
    web.stop()
    ended.set()
    thread.join()
    live.stop()


def test_without_power_the_controller_does_not_answer_and_its_streams_end(hands: Hands) -> None:
    with urllib.request.urlopen(f"{hands.url}/api/v1/stream") as stream:
        assert stream.readline().startswith(b"data: ")
        assert hands.do("PUT", "/power", {"on": False}) == {"ok": True, "on": False}
        while stream.readline():
            pass  # until it ends
    for path in ("/api/v1/occupancy", "/api/v1/stream", "/healthz", "/metrics", "/api/sim/v1/books"):
        assert hands.ask("GET", path)[0] == 503, path
    assert hands.ask("GET", "/sim")[0] == 200, "the virtual hall itself is there"
    assert hands.world()["power"] is False
    refused = hands.do("POST", "/desk", {"action": "open", "args": {}, "actor": "officer-1"})
    assert refused["error"]["code"] == "no_answer"
    with pytest.raises(urllib.error.HTTPError) as dark:
        urllib.request.urlopen(f"{hands.url}/api/v1/health")
    with dark.value as answer:
        assert json.load(answer) == {"detail": "the power is off"}
        assert "default-src 'none'" in answer.headers["content-security-policy"]

    assert hands.do("PUT", "/power", {"on": True}) == {"ok": True, "on": True}
    with urllib.request.urlopen(f"{hands.url}/api/v1/stream") as stream:
        assert stream.readline().startswith(b"data: "), "pages come back by themselves"
    assert hands.ask("GET", "/healthz")[0] == 200
    assert hands.desk("ticket", **{"class": "A"})["ticket"] == "A-001"


def test_a_start_that_fails_is_told_and_may_be_tried_again(hands: Hands, tmp_path: Path) -> None:
    hands.do("PUT", "/power", {"on": False})
    journal, aside = tmp_path / "journal", tmp_path / "aside"
    journal.rename(aside)
    journal.write_text("a file where a folder should be")
    status, told = hands.ask("PUT", "/api/sim/v1/power", {"on": True})
    assert (status, told["detail"]) == (409, "the controller does not start: Not a directory")
    assert hands.world()["power"] is False
    journal.unlink()
    aside.rename(journal)
    assert hands.do("PUT", "/power", {"on": True}) == {"ok": True, "on": True}
    assert hands.desk("ticket", **{"class": "A"})["ticket"] == "A-001"


def test_a_cut_ends_every_session_as_it_ends_the_memory_that_holds_them(hands: Hands) -> None:
    hands.sign_in("officer-1", PINS["officer-1"])
    assert hands.ask("GET", "/api/v1/session")[1]["id"] == "officer-1"
    for on in (False, True):
        hands.do("PUT", "/power", {"on": on})
    assert hands.ask("GET", "/api/v1/session") == (200, None)
    assert hands.ask("POST", "/api/v1/actions/ticket", {"args": {"class": "A"}})[0] == 401
