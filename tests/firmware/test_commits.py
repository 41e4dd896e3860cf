"""Between deciding and knowing: commits that fail, hang or pile up, and what is said and answered meanwhile."""

import errno
import json
import logging

import pytest

from firmware import controller, ledger
from firmware.core.inputs import CardTapped, PassageSeen
from services.requests import Request
from services.segments import verify
from tests.rig import Rig


def types(rig: Rig, begin: int) -> list[str]:
    return [fact.type_name() for fact in rig.facts[begin:]]


def asked(rig: Rig, action: str, **arguments: object) -> Request:
    request = Request(action, arguments, "officer-1")
    assert rig.daemon.controller.requests.put(request)
    return request


def test_a_start_that_cannot_be_recorded_is_degraded_and_still_begins_its_boot() -> None:
    rig = Rig()
    rig.open_day()
    _, uid = rig.admit()
    rig.kill()
    begin = len(rig.facts)
    rig.start()
    rig.disk.fail("write", "flush", error=errno.EIO)
    rig.run(3_000)
    assert rig.core.mode == "degraded"
    rig.tap("lockers", uid)
    rig.tap("entry", uid)
    rig.run(2_000)
    assert all(locker.door == "closed" for locker in rig.hall.lockers.values())
    assert rig.arm == "locked"
    rig.disk.heal()
    rig.until(lambda: rig.core.mode == "open", within_ms=20_000)
    rig.run(500)
    assert types(rig, begin)[:3] == ["hall.booted", "hall.occupancy_suspect", "storage.degraded"]


def test_hours_of_exits_without_a_disk_are_written_when_it_is_back() -> None:
    rig = Rig()
    rig.open_day()
    rig.disk.fail("write", "flush", error=errno.EIO)
    asked(rig, "ticket", **{"class": "A"})
    rig.until(lambda: rig.core.degraded)
    held = rig.daemon.controller
    for n in range(2_600):  # passages that nobody was granted
        held.happen(PassageSeen("main", "in" if n % 2 else "out"))
        if n % 50 == 0:
            rig.run(20)
    rig.run(200)
    assert held.ledger.waiting > 2_000
    inside = rig.core.inside
    rig.disk.heal()
    rig.until(lambda: rig.core.mode == "open", within_ms=20_000)
    rig.run(500)
    assert rig.core.inside == inside
    report = verify(rig.disk, "journal")
    assert report.damage is None
    assert report.last_seq == len(rig.facts) > 2_000


def test_a_disk_that_never_answers_keeps_nobody_inside() -> None:
    rig = Rig()
    rig.open_day()
    _, inside = rig.admit()
    rig.enter(inside)
    begin = len(rig.facts)
    rig.disk.stall(60_000, times=1)
    request = asked(rig, "ticket", **{"class": "A"})
    rig.until(lambda: rig.daemon.controller.ledger.busy)
    rig.tap("exit", inside)
    rig.until(lambda: rig.arm == "free_out", within_ms=ledger.HANGS_MS + 1_000)
    assert rig.push("out")
    assert request.future.result(0)["error"]["code"] == "degraded"
    rig.until(lambda: rig.core.mode == "open", within_ms=70_000)
    rig.run(500)
    assert rig.hall.inside == rig.core.inside == 0
    assert "ticket.issued" not in types(rig, begin), "it was refused, so it is not found in the journal either"
    assert verify(rig.disk, "journal").last_seq == len(rig.facts)


def test_occupancy_never_tells_what_a_failing_commit_undoes() -> None:
    rig = Rig()
    rig.open_day()
    rig.run(3_000)
    rig.disk.fail("flush", error=errno.EIO)
    rig.disk.stall(900, times=1)
    asked(rig, "ticket", **{"class": "A"})
    rig.until(lambda: rig.daemon.controller.ledger.busy)
    assert rig.core.waiting == 1
    look = asked(rig, "show", what="hall")
    while rig.daemon.controller.ledger.busy:
        assert rig.daemon.occupancy()["waiting"] == 0
        rig.run(20)
    rig.run(1_000)
    assert look.future.result(0)["result"]["hall"]["waiting"] == 0
    told = json.loads(rig.receiver.latest["occupancy"])
    assert (told["waiting"], told["mode"]) == (0, "degraded"), "and a hall that is degraded says so at once"


def test_the_last_change_of_a_burst_goes_out_within_a_second() -> None:
    rig = Rig()
    rig.open_day()
    rig.run(5_000)
    for _ in range(7):
        rig.done("ticket", **{"class": "A"})
    rig.run(800)
    assert json.loads(rig.receiver.latest["occupancy"])["waiting"] == 7


@pytest.mark.parametrize("held_by", ["commit", "card", "queue"])
def test_whoever_asks_while_the_program_ends_is_answered_once(held_by: str) -> None:
    rig = Rig()
    rig.open_day()
    if held_by == "commit":
        rig.disk.stall(100, times=1)
    arguments = {"reader": "desk", "number": "900"} if held_by == "card" else {"class": "A"}
    request = asked(rig, "enrol" if held_by == "card" else "ticket", **arguments)
    if held_by != "queue":
        rig.run(40)
    assert not request.future.done()
    if held_by == "commit":
        assert rig.daemon.controller.ledger.busy
        rig.clock.advance_to(rig.clock.now_us + 200_000)  # the writer finishes while it is closed
    rig.daemon.stop()
    answer = request.future.result(0)
    if held_by == "commit":
        assert answer == {"ok": True, "result": {"ticket": "A-001"}}
    else:
        assert answer["error"]["code"] == "stopping"
    rig.kill()
    rig.start()
    rig.run(1_500)
    assert rig.core.waiting == (1 if held_by == "commit" else 0)


def test_a_fault_in_the_scan_saves_nothing_that_is_not_durable_and_says_that_we_are_lost() -> None:
    rig = Rig()
    rig.open_day()
    rig.run(1_000)
    rig.disk.stall(5_000, times=1)
    asked(rig, "ticket", **{"class": "A"})
    rig.until(lambda: rig.daemon.controller.ledger.busy)
    rig.daemon.abandon()
    rig.clock.advance_to(rig.clock.now_us + 100_000)
    assert rig.arm == "free_both"
    status = json.loads(rig.receiver.latest["status"])
    assert (status["state"], status["reason"]) == ("offline", "lost")
    assert not rig.disk.exists("state.json")


def test_trouble_is_logged_when_it_happens_and_once(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    rig.open_day()
    caplog.set_level(logging.INFO)
    caplog.clear()
    rig.disk.fail("write", "flush", error=errno.EIO)
    rig.hall.fault("desk", "unplugged")
    rig.run(3_000)
    assert [text for text in caplog.messages if "storage.degraded" in text]
    assert len([text for text in caplog.messages if text.startswith("desk: gone")]) == 1
    rig.disk.heal()
    rig.until(lambda: rig.core.mode == "open", within_ms=20_000)
    rig.run(500)
    assert len([text for text in caplog.messages if text.startswith("desk: gone")]) == 1
    assert len([text for text in caplog.messages if "storage.degraded" in text]) == 1


def test_a_flood_of_taps_on_a_hanging_disk_leaves_room_for_passages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller, "INPUTS_MOST", 50)
    rig = Rig()
    rig.open_day()
    rig.disk.stall(2_000, times=1)
    asked(rig, "ticket", **{"class": "A"})
    rig.until(lambda: rig.daemon.controller.ledger.busy)
    for _ in range(200):
        rig.daemon.controller.happen(CardTapped("entry", "f" * 16))
    rig.hall.push("main", "in", lambda passed: None, force=True)
    rig.run(4_000)
    assert rig.hall.inside == rig.core.inside == 1
    assert rig.daemon.health()["inputs_dropped"] == 150


def test_facts_that_found_no_room_are_told_when_the_disk_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "BUFFER_MOST", 5)
    rig = Rig()
    rig.open_day()
    rig.disk.fail("write", "flush", error=errno.EIO)
    asked(rig, "ticket", **{"class": "A"})
    rig.until(lambda: rig.core.degraded)
    for _ in range(20):
        rig.daemon.controller.happen(PassageSeen("main", "in"))
    rig.run(200)
    assert rig.daemon.health()["disk"]["lost"] > 0
    rig.disk.heal()
    rig.until(lambda: rig.core.mode == "open", within_ms=20_000)
    rig.run(500)
    assert rig.told("storage.restored")[0]["lost"] > 0
    assert rig.core.suspect is not None
    assert rig.daemon.health()["disk"]["lost"] == 0
