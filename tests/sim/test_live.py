"""The live hall's own parts: what it keeps for a restart, its disk, its clock, and how it comes back with them."""

import errno
import json
import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from firmware.codec import utc_ms_of
from services.disk import RESERVE
from services.writer import ThreadWriter
from sim import world_file
from sim.clock import VirtualClock
from sim.live_clock import LiveWallClock
from sim.live_disk import LiveDisk
from sim.live_hall import LiveHall
from sim.live_receiver import ReceivedFile
from tests.live_rig import CONFIG, Visit


@pytest.fixture
def visit(tmp_path: Path) -> Callable[[], Visit]:
    """Starts the hall of this test anew; whatever ran before in its folder has been killed."""
    return lambda: Visit(tmp_path)


# -- a start


def test_a_fresh_hall_has_its_cards_and_is_open(visit: Callable[[], Visit]) -> None:
    first = visit()
    assert first.hall.mode == "open"
    assert {card.number for card in first.hall.cards.values()} == {f"{n:03d}" for n in range(1, 81)}
    first.desk("close")
    second = visit()
    assert second.hall.mode == "closed", "a restart opens nothing by itself"
    assert not second.facts("card.enrolled")


def test_everything_that_can_be_seen_outlives_a_kill(visit: Callable[[], Visit]) -> None:
    before = visit()
    hall = before.live.hall
    hall.inside = 4
    hall.lay("desk", hall.stock[0][1])
    hall.tap("exit", hall.stock[1][1], ms=60_000)
    hall.door(3, "forced", content=True)
    hall.contact("exit_button", True)
    for device, fault in (("entry", "silent"), ("locker-9", "stuck"), ("disk", "stalled"), ("clock", "unsynced")):
        hall.fault(device, fault)
    before.live.round()
    seen = before.live.world()

    after = LiveHall(CONFIG, before.live.keeper.path.parent, mqtt=None)
    world = after.world()
    for name in ("inside", "lockers", "readers", "contacts", "faults", "stock"):
        assert world[name] == seen[name], name
    assert world["time"] >= seen["time"]
    assert after.daemon.health()["clock"] == "unsynced"
    after.hall.clear_fault("disk")
    after.round()
    for _ in range(60_000 // 20):
        after.round()
    assert after.world()["readers"]["exit"] == [], "who tapped takes the card away at last"
    assert after.world()["readers"]["desk"] == [hall.stock[0][1]], "what was laid down stays"


def test_the_world_is_kept_before_the_daemon_sees_it(visit: Callable[[], Visit]) -> None:
    live = visit().live
    kept: list[bool] = []
    step = live.daemon.step

    def look_first() -> None:
        record = world_file.load(live.keeper.path)
        assert record is not None
        kept.append(record.hall.contacts["ticket"])
        step()

    live.daemon.step = look_first  # type: ignore[method-assign]
    live.hall.contact("ticket", True)
    live.round()
    live.hall.contact("ticket", False)
    live.round()
    assert kept == [True, False]


def test_hall_time_goes_on_from_the_later_of_two_clocks(visit: Callable[[], Visit]) -> None:
    live = visit().live
    path = live.keeper.path
    record = json.loads(path.read_text())
    record["wall_utc_ms"] += 86_400_000
    path.write_text(json.dumps(record))
    assert visit().live.world()["time"] > live.world()["time"]
    record["wall_utc_ms"] = 0
    path.write_text(json.dumps(record))
    now_ms = time.time_ns() // 1_000_000
    assert utc_ms_of(visit().live.world()["time"]) >= now_ms


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format":1}', "{}", '{"format":1,"hall":{"inside":"many"}}'])
def test_a_world_that_cannot_be_read_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / world_file.NAME).write_text(content)
    with pytest.raises(world_file.WorldFileError, match="remove it to begin with an empty hall") as refused:
        LiveHall(CONFIG, tmp_path, mqtt=None)
    assert "\n" not in str(refused.value)


def test_a_world_that_cannot_be_written_stops_nothing(
    visit: Callable[[], Visit], caplog: pytest.LogCaptureFixture
) -> None:
    live = visit().live
    live.keeper.path = live.keeper.path / "no folder" / "world.json"
    for _ in range(3):
        live.keeper.write()
    assert len(caplog.records) == 1


def test_two_taps_are_two_taps_however_quick(visit: Callable[[], Visit]) -> None:
    live = visit().live
    told: list[str] = []
    live.hall.on_change = told.append
    uid = live.hall.stock[0][1]
    live.hall.tap("lockers", uid)
    live.round()
    live.hall.tap("lockers", uid)
    for _ in range(100):
        live.round()
    assert [what for what in told if what.startswith("card")] == ["card laid on lockers", "card taken from lockers"] * 2


# -- the disk


@pytest.mark.parametrize(
    ("fault", "number"), [("readonly", errno.EROFS), ("failing", errno.EIO), ("unplugged", errno.ENODEV)]
)
def test_a_failing_disk_reads_and_takes_nothing(tmp_path: Path, fault: str, number: int) -> None:
    disk = LiveDisk(tmp_path)
    disk.append("log", b"before")
    disk.fault(fault)
    changes: list[Callable[[], None]] = [
        lambda: disk.append("log", b"x"), lambda: disk.replace("log", b"x"), lambda: disk.remove("log"),
        lambda: disk.truncate("log", 1), lambda: disk.rename("log", "other"), lambda: disk.ensure_folder("new"),
    ]  # fmt: skip
    for change in changes:
        with pytest.raises(OSError, match="Errno") as refused:
            change()
        assert refused.value.errno == number
    assert disk.read("log") == b"before"
    disk.fault(None)
    disk.append("log", b" and after")
    assert disk.read("log") == b"before and after"


def test_a_full_disk_takes_what_is_given_back(tmp_path: Path) -> None:
    disk = LiveDisk(tmp_path)
    disk.reserve(4)
    disk.append("log", b"before")
    disk.fault("full")
    assert disk.free_bytes() == 0
    with pytest.raises(OSError, match="No space left"):
        disk.append("log", b"x")
    assert disk.release_reserve()
    assert not disk.exists(RESERVE)
    with pytest.raises(OSError, match="No space left"):
        disk.append("log", b" and more")
    assert disk.read("log") == b"before and", "as much as there was room for"
    disk.truncate("log", 6)
    disk.append("log", b"!")
    assert disk.read("log") == b"before!"


def test_a_stalled_disk_goes_on_when_the_stall_ends(tmp_path: Path) -> None:
    disk, writer = LiveDisk(tmp_path), ThreadWriter()
    disk.fault("stalled")
    job = writer.submit(lambda: disk.append("log", b"late"))
    assert not job.done
    disk.fault(None)
    writer.close()
    job.result()
    assert disk.read("log") == b"late"


@pytest.mark.parametrize("fault", ["full", "readonly", "failing", "unplugged"])
def test_without_a_disk_nobody_enters_and_everybody_leaves(visit: Callable[[], Visit], fault: str) -> None:
    hall = visit()
    hall.live.hall.fault("disk", fault)
    # A full disk has its reserve, which takes the last facts; the others take nothing from the first on.
    hall.until(lambda: hall.desk("ticket", **{"class": "A"})["ok"] is False or hall.hall.degraded, "it is noticed")
    hall.until(lambda: hall.hall.mode == "degraded", "the hall says so")
    hall.live.hall.tap("exit", hall.live.hall.stock[5][1])
    hall.until(lambda: hall.live.world()["arm"]["main"]["state"] == "free_out", "the way out is free")
    hall.live.hall.clear_fault("disk")
    hall.until(lambda: hall.hall.mode == "open", "and all is well again")
    hall.until(lambda: hall.facts("storage.restored"), "and written down")


def test_a_stalled_commit_loses_no_tap(visit: Callable[[], Visit]) -> None:
    hall = visit()
    hall.live.hall.fault("disk", "stuck")
    asked = hall.live.ask("ticket", {"class": "A"}, "officer-1")
    hall.live.hall.tap("exit", hall.live.hall.stock[5][1])
    for _ in range(100):
        hall.live.round()
    assert not asked.done()
    hall.live.hall.clear_fault("disk")
    hall.until(lambda: hall.facts("gate.granted"), "the tap was remembered")
    assert asked.result()["ok"]


# -- the clock


def test_a_clock_that_jumps_is_a_fact_and_moves_no_deadline(visit: Callable[[], Visit]) -> None:
    hall = visit()
    true_ms = hall.live.world()["time"]
    hall.live.hall.fault("clock", "jumped_back")
    hall.until(lambda: hall.facts("clock.stepped"), "the jump is told")
    assert hall.facts("clock.stepped")[-1]["by_ms"] < -3_500_000
    assert hall.live.world()["time"] < true_ms
    record = world_file.load(hall.live.keeper.path)
    assert record is not None
    assert record.hall.faults == {"clock": "jumped_back"}
    hall.live.hall.clear_fault("clock")
    assert hall.live.world()["time"] > true_ms


def test_the_clock_shows_hall_time_whatever_happened_to_it() -> None:
    clock = VirtualClock()
    wall = LiveWallClock(clock, 1_000_000)
    clock.advance_to(5_000_000)
    assert (wall.true_ms, wall.read()) == (1_005_000, (wall.read()))
    wall.fault("unsynced")
    assert not wall.read().synced
    wall.fault("jumped")
    assert (wall.read().utc_ms, wall.read().synced, wall.true_ms) == (4_605_000, True, 1_005_000)


# -- the desk's central server


def test_what_was_stored_is_known_after_a_kill_in_mid_line(tmp_path: Path) -> None:
    path = tmp_path / "received"
    first = ReceivedFile(path)
    first.store(b"one")
    first.store(b"two")
    first.close()
    with path.open("ab") as torn:
        torn.write(b"thr")
    heard: list[bytes] = []
    again = ReceivedFile(path)
    again.tell(heard.append)
    again.store(b"three")
    again.close()
    assert heard == [b"one", b"two"]
    assert path.read_bytes() == b"one\ntwo\nthree\n"


# -- visitors


def test_visitors_come_by_themselves_and_go_home_after_a_kill(visit: Callable[[], Visit]) -> None:
    hall = visit()
    hall.live.invite(3_000, seed=5)

    def written_down() -> int:
        return sum(one["persons"] + one["carried"] for one in hall.facts("gate.passed"))

    hall.until(lambda: hall.live.hall.inside == written_down() >= 3, "some are inside, and that is known")
    assert hall.live.world()["people"], "and are seen, and kept"
    inside = hall.live.hall.inside

    again = visit()
    assert again.live.hall.inside == inside
    guests = set(again.hall.visits)
    again.live.invite(1, seed=5)
    for _ in range(25 * 60 * 50):
        again.live.round()
        if not guests & set(again.hall.visits):
            break
    assert not guests & set(again.hall.visits), "and gave their cards back"
    assert not any(locker.visit in guests for locker in again.hall.lockers.values()), "and took their bags along"


@pytest.mark.parametrize("seed", range(3))
def test_whoever_opens_a_lively_hall_sees_a_whole_visit_within_minutes(
    visit: Callable[[], Visit], seed: int
) -> None:
    hall = visit()
    begun_ms = hall.live.world()["now_ms"]
    came_ms: dict[str, int] = {}
    hall.live.invite(None, seed)
    for kind in ("ticket.issued", "locker.opened", "gate.passed", "visit.ended"):
        hall.until(partial(hall.facts, kind), kind)
        came_ms[kind] = hall.live.world()["now_ms"] - begun_ms
    assert came_ms["ticket.issued"] < 4_000
    assert came_ms["visit.ended"] < 150_000
    assert len(hall.facts("ticket.issued")) >= 2, "and the next ones on their way"


def test_a_party_is_seen_on_its_way_through_the_hall(visit: Callable[[], Visit]) -> None:
    hall = visit()
    hall.live.invite(None, 1)
    ways: dict[int, list[str]] = {}

    def watched() -> bool:
        for one in hall.live.world()["people"]:
            way = ways.setdefault(one["id"], [])
            if one["place"] not in way[-1:]:
                way.append(one["place"])
            assert one["inside"] <= one["adults"] + one["children"]
            assert one["place"] == "counter" or not one["counter"]
            assert one["place"] != "room" or one["inside"]
        return bool(hall.facts("visit.ended"))

    hall.until(watched, "a visit is over")
    whole = ["ticket", "waiting", "counter", "search", "lockers", "entry", "room", "exit", "lockers", "return"]
    assert whole in [[place for place in way if place != "entrance"][: len(whole)] for way in ways.values()]


def test_rounds_run_on_until_they_are_stopped(visit: Callable[[], Visit]) -> None:
    live = visit().live
    live.speed = 1000
    ended = threading.Event()
    rounds: list[int] = []

    def count() -> None:
        rounds.append(live.world()["now_ms"])
        if len(rounds) == 50:
            ended.set()

    live.run(ended.is_set, count)
    assert [after - before for before, after in pairwise(rounds)] == [20] * 49, "none is skipped"
