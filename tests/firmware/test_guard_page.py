"""What the guards' page is told: tables over halls that stories have made, and one whole hall with its devices."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from firmware.api import guard as page
from firmware.api.cables import cables
from firmware.api.feed import Feed
from firmware.api.next_steps import ALARMS, NEXT_STEPS
from firmware.core import inputs as i
from firmware.core.state import Locker, Opening, Task, Visit
from firmware.texts import catalogue
from services.stream import Stream
from tests.core.hall_story import MINUTE, SECOND, Story
from tests.rig import CONFIG, Rig

WELL = page.Beside()


def one(rows: list[dict[str, Any]], **named: Any) -> dict[str, Any]:
    """The only row that has these values."""
    (found,) = [row for row in rows if all(row.get(key) == value for key, value in named.items())]
    return found


# -- lockers


@pytest.mark.parametrize(
    ("locker", "word"),
    [
        (Locker(1, "A"), "free"),
        (Locker(1, "A", content=True), "content"),
        (Locker(1, "A", visit="V", content=True), "owned"),
        (Locker(1, "A", visit="V", overdue=True), "overdue"),
        (Locker(1, "A", visit="V", door="open", opened_at=5), "open"),
        (Locker(1, "A", visit="V", door="open", opened_at=5, left_open_told=1), "left_open"),
        (Locker(1, "A", visit="V", opening=Opening("collect", 5, 1, 5, 1)), "opening"),
        (Locker(1, "A", visit="V", door="unknown"), "unknown"),
        (Locker(1, "A", visit="V", door="open", fault="forced"), "forced"),
        (Locker(1, "A", door="unknown", fault="jammed"), "jammed"),
        (Locker(1, "A", door="open", fault="out_of_service"), "out_of_service"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_locker_is_told_by_what_matters_most(locker: Locker, word: str) -> None:
    assert page.state_of(locker) == word
    assert f"locker|{word}" in catalogue("id")


def test_a_locker_says_whose_it_is_and_since_when() -> None:
    story = Story()
    family = story.party()
    story.later(3 * SECOND).taps("lockers", family.card)
    deposit = story.now
    assert one(page.lockers(story.hall), locker=1) == {
        "locker": 1, "bank": "A", "state": "opening", "door": "closed", "visit": family.visit, "owned_at": deposit,
        "ended": False, "ticket": "A-001", "card": "001", "since": deposit,
    }  # fmt: skip
    story.door(1, "open").later(5 * SECOND).door(1, "closed", content=True).later(10 * MINUTE)
    told = one(page.lockers(story.hall), locker=1)
    assert (told["state"], told["since"], told["content"]) == ("owned", deposit, True)
    assert one(page.lockers(story.hall), locker=2) == {"locker": 2, "bank": "A", "state": "free"}


def test_a_forced_door_has_the_age_of_its_task() -> None:
    story = Story()
    story.later(7 * SECOND).door(2, "open")
    at = story.now
    story.later(MINUTE)
    told = one(page.lockers(story.hall), locker=2)
    assert (told["state"], told["since"]) == ("forced", at)
    (task,) = page.tasks(story.hall)["tasks"]
    assert (task["reason"], task["locker"], task["at"], task["alarm"]) == ("forced", 2, at, True)


# -- visits


def test_a_visit_is_told_by_numbers_and_moments_alone() -> None:
    story = Story()
    family = story.party(adults=2, carried=1)
    assert one(page.visits(story.hall), visit=family.visit) == {
        "visit": family.visit, "adults": 2, "children": 0, "carried": 1, "stage": "deposit", "ticket": "A-001",
        "card": "001",
    }  # fmt: skip
    story.enters(family)
    begun = story.now
    told = one(page.visits(story.hall), visit=family.visit)
    assert (told["stage"], told["inside"]) == ("inside", 3)
    assert begun - 5 * SECOND <= told["since"] <= begun
    story.later(36 * MINUTE)
    assert one(page.visits(story.hall), visit=family.visit)["overstays"] == 2
    story.asks(i.LoseCard(actor="guard-1", visit=family.visit, reason="lost_inside"))
    assert one(page.visits(story.hall), visit=family.visit)["card_state"] == "lost"


def test_nothing_tells_a_card_by_more_than_its_printed_number() -> None:
    story = Story()
    family = story.party()
    story.taps("lockers", family.card).taps("exit", family.card).taps("exit", "stranger")
    told = json.dumps([page.visits(story.hall), page.lockers(story.hall), page.tasks(story.hall)])
    told += json.dumps([page._grant(story.hall, grant) for lane in story.hall.lanes.values() for grant in lane.grants])
    assert family.card not in told
    assert "stranger" not in told
    assert '"card": "?"' in told
    assert '"card": "001"' in told


# -- count and tasks


def test_the_count_says_why_it_is_doubted_and_when_it_was_checked() -> None:
    story = Story()
    family = story.party()
    story.enters(family)
    assert "suspect" not in page.count(story.hall)
    story.happens(i.HealthSeen("main", "silent", "no power"))
    doubted = page.count(story.hall)
    assert doubted["suspect"] == {"reason": "lane_unwatched", "at": story.now}
    story.happens(i.HealthSeen("main", "ok", "")).later(SECOND).asks(i.ConfirmCount(actor="guard-1"))
    sure = page.count(story.hall)
    assert ("suspect" in sure, sure["confirmed_at"], sure["inside"]) == (False, story.now, 1)


def test_alarms_come_first_then_the_oldest_and_a_flood_is_a_number() -> None:
    story = Story()
    tasks = story.hall.tasks
    for n, reason in enumerate(["left_open", "jammed", "tailgated", "forced"]):
        tasks[f"T-{n}"] = Task(f"T-{n}", reason, at=n)
    told = [task["reason"] for task in page.tasks(story.hall)["tasks"]]
    assert told == ["tailgated", "forced", "left_open", "jammed"]
    for n in range(200):
        tasks[f"T-{n}"] = Task(f"T-{n}", "unmatched_exit", at=n, card=f"c{n}")
    flood = page.tasks(story.hall)
    assert (len(flood["tasks"]), flood["more_tasks"]) == (page.TASKS_SHOWN, 100)
    tasks.clear()


def test_a_lost_card_at_the_exit_is_named_with_whose_it_is() -> None:
    story = Story()
    family = story.party()
    story.enters(family).asks(i.LoseCard(actor="guard-1", visit=family.visit, reason="lost_inside"))
    story.taps("exit", family.card).passes("out")
    told = {task["reason"]: task for task in page.tasks(story.hall)["tasks"]}
    assert set(told) == {"unmatched_exit", "lost_card_used"}
    for task in told.values():
        assert (task["visit"], task["ticket"]) == (family.visit, "A-001")
        assert (task["card"], task["card_state"]) == ("001", "lost")
    story.asks(i.Recount(actor="guard-1", present={}, unattributed=0, reason="counted_by_list"))
    story.asks(i.ClearCard(actor="guard-1", card="001", reason="found"))
    task = one(page.tasks(story.hall)["tasks"], reason="lost_card_used")
    assert "card_state" not in task
    assert "visit" not in task, "it may be the next visitor's by now"


@pytest.mark.parametrize("reason", sorted(NEXT_STEPS))
def test_every_task_has_its_name_and_what_to_do_in_words(reason: str) -> None:
    assert f"task|{reason}" in catalogue("id")
    assert f"task|{reason}" in catalogue("en")
    assert f"do|{reason}" in catalogue("id")


def test_every_alarm_is_a_task() -> None:
    assert set(NEXT_STEPS) >= ALARMS


# -- gate and devices, with a whole hall


@pytest.fixture(scope="module")
def rig() -> Rig:
    rig = Rig()
    rig.open_day(cards=8)
    return rig


def look(rig: Rig, beside: page.Beside = WELL) -> Any:
    return page.guard(rig.daemon.controller, beside)


def test_the_gate_tells_whose_way_is_open_and_who_is_in_the_arm(rig: Rig) -> None:
    assert look(rig)["lanes"] == [{"lane": "main", "moving": False, "arm": "locked", "health": "ok", "grants": []}]
    visit, uid = rig.admit(adults=2)
    ticket, number = rig.core.visits[visit].ticket, rig.core.cards[rig.core.visits[visit].card].number
    rig.tap("entry", uid)
    rig.until(lambda: rig.arm == "free_in")
    (lane,) = look(rig)["lanes"]
    assert lane["arm"] == "free_in"
    assert lane["grants"] == [{"direction": "in", "persons": 2, "passed": 0, "ticket": ticket, "card": number}]
    assert rig.push("in")
    rig.until(lambda: rig.arm == "free_in")
    assert look(rig)["lanes"][0]["grants"][0]["passed"] == 1
    assert rig.push("in")
    rig.run(300)
    assert look(rig)["lanes"][0]["arm"] == "locked"


def test_an_arm_in_trouble_is_not_called_locked(rig: Rig) -> None:
    rig.hall.fault("main", "unplugged", 0)
    rig.until(lambda: look(rig)["lanes"][0]["arm"] != "locked")
    (lane,) = look(rig)["lanes"]
    assert (lane["arm"], lane["health"]) == ("unknown", "silent")
    assert look(rig)["suspect"]["reason"] == "lane_unwatched"
    rig.hall.clear_fault("main")
    rig.until(lambda: look(rig)["lanes"][0]["arm"] == "locked", within_ms=60_000)
    assert {f"arm|{arm}" for arm in ("released", "free_in", "free_out", "locked", "unknown", "absent")} <= set(
        catalogue("id")
    )


def test_a_device_in_trouble_names_its_cable(rig: Rig) -> None:
    beside = page.beside(rig.daemon, cables(CONFIG.wiring))
    assert all(device["health"] == "ok" for device in look(rig, beside)["devices"])
    rig.hall.fault("entry", "unplugged", 0)
    rig.until(lambda: one(look(rig)["devices"], device="entry")["health"] != "ok")
    told = one(look(rig, beside)["devices"], device="entry")
    assert told["kind"] == "reader_entry"
    assert told["cable"] == "SPI 0 CE1"
    assert "check MISO" in told["detail"]
    rig.hall.clear_fault("entry")
    rig.until(lambda: one(look(rig)["devices"], device="entry")["health"] == "ok")


@pytest.mark.parametrize(
    ("device", "cable"),
    [
        ("desk", "/dev/besuk-desk"), ("exit", "SPI 1 CE0"), ("A", "/dev/besuk-lockers"), ("hall", "/dev/besuk-sign"),
        ("main", "GPIO 5, 6, 13, 22, 23, 24, 25"), ("fire", "GPIO 26"),
    ],
)  # fmt: skip
def test_cables(device: str, cable: str) -> None:
    assert cables(CONFIG.wiring)[device] == cable


def test_disk_line_and_clock_are_told_beside_the_devices(rig: Rig) -> None:
    beside = page.Beside("no space", writing=False, waiting=3, lost=1, broker=False, synced=False)
    devices = look(rig, beside)["devices"]
    disk = one(devices, device="disk")
    assert (disk["health"], disk["detail"], disk["waiting"], disk["lost"]) == ("refused", "no space", 3, 1)
    assert one(devices, device="broker")["health"] == "gone"
    assert one(devices, device="clock")["health"] == "refused"
    assert {f"device|{one['kind']}" for one in devices} | {f"device|{one['health']}" for one in devices} <= set(
        catalogue("id")
    )


def test_a_change_beside_the_hall_is_a_new_position(rig: Rig) -> None:
    """The line to the centre breaks, somebody steps into the arm: no fact tells of either."""
    stream, beside, now = _Looked(), ["ok"], 0
    feed = Feed(stream, lambda controller: {"guard": lambda: {"broker": beside[0]}}, lambda: beside[0])
    feed.watch(rig.daemon.controller)
    rig.until(lambda: rig.daemon.controller.certain)

    def seen() -> int:
        nonlocal now
        now += 1_000
        feed.look(now)  # what happened in a round is told in the next
        feed.look(now + 20)
        return len(stream.put_down)

    assert (seen(), seen()) == (1, 1)
    beside[0] = "gone"
    assert (seen(), seen()) == (2, 2)
    rig.core.unwritten.moving.add("main")
    assert (seen(), seen()) == (3, 3)
    rig.core.unwritten.moving.discard("main")


class _Looked(Stream):
    """Somebody looks at the guards' topic."""

    def __init__(self) -> None:
        super().__init__(("guard",))
        self.put_down: list[Any] = []

    def wanted(self, topic: str) -> bool:
        return True

    def put(self, topic: str, position: Any) -> None:
        self.put_down.append(position)


def test_a_full_hall_costs_the_scan_less_than_a_millisecond(rig: Rig) -> None:
    """60 visits inside, 48 lockers owned, 20 tasks."""
    hall = rig.core
    controller = rig.daemon.controller
    before = hall.visits, hall.lockers, hall.tasks
    try:
        hall.visits = {
            f"V-{n:06d}": Visit(f"V-{n:06d}", 1, 1, 1, 0, f"A-{n:03d}", inside=2, carried_inside=1, started_at=n)
            for n in range(60)
        }
        hall.lockers = {
            n: replace(locker, visit=f"V-{n:06d}", content=True, door="closed") for n, locker in hall.lockers.items()
        }
        hall.tasks = {f"T-{n}": Task(f"T-{n}", "forced", n, locker=n) for n in range(1, 21)}
        took_us = min(_us(lambda: page.guard(controller, WELL)) for _ in range(50))
    finally:
        hall.visits, hall.lockers, hall.tasks = before
    assert took_us < 1_000


def _us(act: Callable[[], object]) -> float:
    begun = time.perf_counter_ns()
    act()
    return (time.perf_counter_ns() - begun) / 1000
