"""Trouble by seed: what is planned, what happens, and that it is over when it is over."""

import random
from collections import Counter
from collections.abc import Callable

import pytest

from sim import live_broker, live_clock, live_disk
from sim.durations import DAY_MS, MINUTE
from sim.hall import UnknownThingError
from sim.mfrc522 import Trouble
from sim.storm import KINDS, Storm, Stroke, plan, spoils
from sim.strokes import QUIET_MS, Weather, targets
from tests.rig import CONFIG
from tests.sim.stormy_hall import StormyHall

NEEDS_LUCK = {"arm reversed"}
"""Happens only if somebody is in the arm."""


def stroke_of(kind: str, seed: int = 1) -> Stroke:
    """One of this kind, five seconds from the beginning and not long."""
    rng = random.Random(f"{kind} {seed}")
    least, most = KINDS[kind].for_ms
    much = rng.randint(*KINDS[kind].much)
    return Stroke(5_000, kind, rng.choice(targets(CONFIG, KINDS[kind].befalls)), min(most, max(least, 15_000)), much)


# -- the plan


@pytest.mark.parametrize(("weather", "least", "most"), [("none", 0, 0), ("some", 10, 25), ("storm", 200, 500)])
def test_a_day_has_as_much_trouble_as_its_weather(weather: Weather, least: int, most: int) -> None:
    for seed in range(20):
        strokes = plan(CONFIG, seed, weather)
        assert least <= len(strokes) <= most
        assert strokes == plan(CONFIG, seed, weather) == sorted(strokes)
        assert all(one.at_ms >= 0 and one.at_ms + one.for_ms <= DAY_MS - QUIET_MS for one in strokes), "a quiet end"


def test_a_short_day_ends_with_a_quiet_third() -> None:
    strokes = [one for seed in range(50) for one in plan(CONFIG, seed, "storm", 10 * MINUTE)]
    assert len(strokes) > 100
    assert max(one.at_ms + one.for_ms for one in strokes) <= 400_000


def test_all_kinds_are_planned_but_those_that_spoil_the_medium_only_now_and_then() -> None:
    plans = [plan(CONFIG, seed, "storm") for seed in range(200)]
    assert {one.what for strokes in plans for one in strokes} == set(KINDS)
    assert 5 <= sum(map(spoils, plans)) <= 40
    assert not any(spoils(plan(CONFIG, seed, "some")) for seed in range(200))


def test_each_stroke_is_a_line_from_which_it_can_be_read_again() -> None:
    strokes = [one for seed in range(10) for one in plan(CONFIG, seed, "storm")]
    assert [Stroke.of(str(one)) for one in strokes] == strokes
    line = "723250 reader garbled at entry for 45000 x5"
    assert Stroke.of(line) == Stroke(723_250, "reader garbled", "entry", 45_000, 5)
    assert str(Stroke.of(line)) == line


@pytest.mark.parametrize("line", ["", "5 earthquake", "soon power", "5 power for ever", "5 power at"])
def test_what_is_no_stroke_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="no stroke of trouble"):
        Stroke.of(line)


# -- each kind alone


@pytest.mark.parametrize("kind", KINDS)
def test_each_trouble_comes_goes_and_leaves_a_hall_that_serves(kind: str) -> None:
    """Nothing raises, the daemon is up again, all devices are well, and somebody at the exit is let out."""
    stroke = stroke_of(kind)
    stormy = StormyHall(CONFIG, [stroke])
    stormy.open_day()
    stormy.storm.begin()
    stormy.run(5_000 + max(20_000, stroke.for_ms))
    assert stormy.storm.seen[kind] == 1 or kind in NEEDS_LUCK
    stormy.until(lambda: stormy.storm.over, 90_000, "the end of the storm")
    assert not stormy.hall.faults
    stormy.until(stormy.is_well, 60_000, "everything well again")
    stormy.let_somebody_out()


@pytest.mark.parametrize("seed", range(4))
def test_a_storm_raises_nothing_and_passes(seed: int) -> None:
    strokes = [one for part in range(4) for one in plan(CONFIG, seed * 10 + part, "storm", 3 * MINUTE)]
    stormy = StormyHall(CONFIG, [one for one in strokes if not spoils([one])], seed=seed)
    stormy.open_day()
    stormy.storm.begin()
    stormy.run(3 * MINUTE)
    stormy.until(lambda: stormy.storm.over, 3 * MINUTE, "the end of the storm")
    stormy.until(stormy.is_well, 60_000, "everything well again")
    stormy.let_somebody_out()


def test_the_same_storm_twice_is_the_same_story() -> None:
    stories = []
    for _ in range(2):
        stormy = StormyHall(CONFIG, plan(CONFIG, 3, "storm", 4 * MINUTE), seed=3)
        stormy.open_day()
        stormy.storm.begin()
        stormy.run(2 * MINUTE)
        stories.append(list(stormy.story))
    assert stories[0] == stories[1]


# -- several at once


def calm(*strokes: Stroke) -> StormyHall:
    stormy = StormyHall(CONFIG, strokes)
    stormy.run(2_000, hands=False)
    stormy.storm.begin()
    return stormy


def test_a_later_trouble_takes_the_place_of_an_earlier_whose_end_mends_nothing() -> None:
    stormy = calm(Stroke(0, "reader garbled", "entry", 2_000), Stroke(1_000, "reader silent", "entry", 5_000))
    stormy.run(3_000, hands=False)
    assert stormy.hall.faults == {"entry": "silent"}
    assert stormy.hall.readers["entry"].trouble is Trouble.HUNG  # type: ignore[union-attr]
    stormy.run(4_000, hands=False)
    assert stormy.hall.faults == {}
    assert stormy.storm.over


def test_a_fire_that_flares_up_again_burns_to_its_own_end() -> None:
    stormy = calm(Stroke(0, "fire", "fire", 2_000), Stroke(1_000, "fire", "fire", 5_000))
    stormy.run(3_000, hands=False)
    assert stormy.hall.contacts["fire"]
    stormy.run(4_000, hands=False)
    assert not stormy.hall.contacts["fire"]


def test_what_befalls_a_machine_that_is_off_changes_nothing() -> None:
    stormy = calm(
        Stroke(0, "power", "", 20_000), Stroke(5_000, "power", "", 60_000), Stroke(6_000, "kill", "", 2_000),
        Stroke(7_000, "restart", "", 2_000), Stroke(8_000, "hang", "", 2_000), Stroke(9_000, "bit flipped", "", 2_000),
        Stroke(10_000, "disk full", "disk", 1_000), Stroke(11_000, "broker flapping", "broker", 2_000),
        Stroke(12_000, "power in commit", "", 2_000, 3), Stroke(13_000, "lane unplugged", "main", 2_000),
    )  # fmt: skip
    stormy.run(19_500, hands=False)
    assert stormy.machine.daemon is None
    stormy.run(1_000, hands=False)
    assert stormy.machine.daemon is not None
    assert stormy.ends == {"power": 1}
    assert stormy.storm.seen == Counter(["power", "disk full", "broker flapping", "lane unplugged"])


def test_power_is_cut_in_the_middle_of_a_commit() -> None:
    stormy = calm(Stroke(0, "power in commit", "", 20_000, 2))
    stormy.run(3_000, hands=False)
    assert stormy.machine.daemon is not None, "nothing is being written"
    asked = stormy.machine.ask("open", {}, "officer-1")
    stormy.run(100, hands=False)
    assert stormy.machine.daemon is None
    assert asked.result()["error"]["code"] == "no_answer"


def test_power_fails_again_while_the_daemon_recovers() -> None:
    stormy = calm(Stroke(0, "power in recovery", "", 20_000, 1))
    stormy.run(21_000, hands=False)
    assert stormy.ends == {"power": 2}
    assert stormy.storm.standing
    stormy.run(21_000, hands=False)
    assert stormy.machine.daemon is not None
    assert stormy.storm.over


def test_fire_breaks_out_while_the_disk_flushes() -> None:
    stormy = calm(Stroke(0, "disk stalled", "disk", 60_000, 5_000), Stroke(1_000, "fire in commit", "fire", 9_000))
    stormy.run(2_000, hands=False)
    assert not stormy.hall.contacts["fire"]
    asked = stormy.machine.ask("open", {}, "officer-1")
    stormy.until(lambda: stormy.hall.contacts["fire"], 4_000, "fire")
    assert not asked.done(), "the commit is under way"
    assert stormy.hall.arms["main"].turnstile.state == "free_both"


def test_a_flipped_bit_is_told_and_the_hall_is_degraded() -> None:
    stormy = StormyHall(CONFIG, [Stroke(0, "bit flipped", "", 2_000)])
    stormy.open_day()
    stormy.storm.begin()
    stormy.run(5_000, hands=False)
    assert stormy.storm.seen["bit flipped"] == 1
    assert stormy.machine.daemon is not None
    assert stormy.machine.daemon.controller.ledger.journal.damage is not None
    assert stormy.machine.daemon.controller.hall.mode == "degraded"


def test_whoever_forced_the_arm_goes_out_again() -> None:
    stormy = calm(Stroke(0, "arm forced", "main", 30_000))
    stormy.run(4_000, hands=False)
    assert stormy.hall.inside == 1
    assert not stormy.storm.over
    stormy.run(30_000, hands=False)
    assert stormy.hall.inside == 0
    assert stormy.storm.over


def test_nobody_forces_the_arm_while_somebody_is_in_it() -> None:
    stormy = calm(Stroke(0, "arm forced", "main", 30_000))
    stormy.hall.push("main", "out", lambda _: None, force=True, duration_ms=3_000)
    stormy.run(2_000, hands=False)
    assert stormy.storm.seen["arm forced"] == 0
    stormy.run(5_000, hands=False)
    assert stormy.storm.seen["arm forced"] == 1


def test_a_card_that_stuck_comes_off_when_the_reader_is_mended() -> None:
    stormy = calm(Stroke(0, "strange card", "entry", 3_000), Stroke(1_000, "reader stuck", "entry", 5_000))
    stormy.run(5_000, hands=False)
    assert len(stormy.hall.cards_on("entry")) == 1
    stormy.run(2_000, hands=False)
    assert stormy.hall.cards_on("entry") == []


def test_a_forced_door_is_shut_again_unless_somebody_else_moved_it() -> None:
    stormy = calm(Stroke(0, "door forced", "locker-7", 3_000), Stroke(0, "door forced", "locker-8", 3_000))
    stormy.run(1_000, hands=False)
    assert stormy.hall.lockers[7].door == stormy.hall.lockers[8].door == "open"
    stormy.hall.door(8, "closed")
    stormy.hall.door(8, "forced")
    stormy.run(3_000, hands=False)
    assert (stormy.hall.lockers[7].door, stormy.hall.lockers[8].door) == ("closed", "open")


# -- around the hall


@pytest.mark.parametrize(
    ("device", "names"),
    [("disk", live_disk.FAULTS), ("broker", live_broker.FAULTS), ("clock", tuple(live_clock.FAULTS))],
)
def test_whatever_can_befall_a_live_hall_can_befall_a_virtual_one(device: str, names: tuple[str, ...]) -> None:
    stormy = calm()
    for name in names:
        stormy.hall.fault(device, name)
        assert stormy.hall.faults == {device: name}
        stormy.hall.clear_fault(device)
    with pytest.raises(UnknownThingError, match=f"{device} has no fault 'rusty'; it has {names[0]}"):
        stormy.hall.fault(device, "rusty")


@pytest.mark.parametrize(
    ("fault", "much", "by_s", "synced"),
    [("jumped", 43_200, 43_200, True), ("jumped_back", 43_200, -43_200, True), ("unsynced", 0, 0, False),
     ("behind", 600, -600, False)],
)  # fmt: skip
def test_a_clock_that_was_set_wrong_is_set_right(fault: str, much: int, by_s: int, synced: bool) -> None:
    stormy = calm()
    wall, clock = stormy.machine.wall, stormy.clock
    true_ms = wall.read().utc_ms - clock.now()
    for _ in range(2):
        stormy.hall.fault("clock", fault, much)
        assert (wall.read().utc_ms - clock.now(), wall.read().synced) == (true_ms + by_s * 1000, synced)
    stormy.hall.fault("clock", "epoch")
    assert wall.read().utc_ms == 0
    stormy.hall.fault("clock", "drifting", 100)
    stormy.run(60_000, hands=False)
    assert 500 <= wall.read().utc_ms - clock.now() - true_ms <= 700
    stormy.hall.clear_fault("clock")
    assert (wall.read().utc_ms - clock.now(), wall.read().synced) == (true_ms, True)


@pytest.mark.parametrize(
    ("device", "fault"),
    [("broker", "unplugged"), ("broker", "forgetful"), ("broker", "stuck"), ("broker", "flapping"),
     ("broker", "refusing"), ("broker", "duplicating"), ("broker", "losing"), ("central", "mute"), ("central", "away")],
)  # fmt: skip
def test_every_event_arrives_once_the_line_is_mended(device: str, fault: str) -> None:
    stormy = calm()
    stormy.hall.fault(device, fault)
    for _ in range(30):
        stormy.asked_for("ticket", **{"class": "A"})
    stormy.run(60_000, hands=False)
    receiver, daemon = stormy.machine.receiver, stormy.machine.daemon
    assert daemon is not None
    lasting: Callable[[], bool] = lambda: receiver.stored == daemon.controller.ledger.journal.last_seq  # noqa: E731
    if fault in ("unplugged", "forgetful", "stuck", "refusing", "away"):
        assert not lasting()
    stormy.hall.clear_fault(device)
    stormy.until(lasting, 120_000, "all events")
    assert receiver.violations == []


def test_a_storm_can_be_made_without_anybody_listening() -> None:
    stormy = calm()
    storm = Storm(stormy.machine, [])
    storm.begin()
    assert storm.over


@pytest.mark.parametrize(("stall_ms", "answered"), [(2_000, True), (8_000, False)])
def test_a_restart_in_a_commit_waits_for_the_disk_but_not_for_ever(stall_ms: int, answered: bool) -> None:
    stormy = calm(Stroke(0, "disk stalled", "disk", 60_000, stall_ms), Stroke(1_000, "restart", "", 2_000))
    stormy.run(900, hands=False)
    asked = stormy.machine.ask("open", {}, "officer-1")
    stormy.run(200, hands=False)
    assert stormy.ends == {"stop": 1}
    assert asked.result()["ok"] is answered
    stormy.until(stormy.is_well, 60_000, "everything well again")
    assert stormy.machine.daemon is not None
    assert stormy.machine.daemon.controller.hall.mode == "open", "the disk had it all the same"
