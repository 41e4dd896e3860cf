"""Invariants 20 to 25: days with cuts and failures break none of them, and each bites when its ground is taken away."""

import errno
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from firmware import boot
from firmware.config import Config
from firmware.core import facts as f
from firmware.core import gate, health
from firmware.core.inputs import Started
from firmware.core.state import Hall
from services import committed, segments
from services.mqtt import Message
from services.records import Record, recognise
from sim.clock import VirtualClock
from sim.disk import VirtualDisk
from sim.hall import VirtualHall
from sim.invariants import fold
from sim.invariants.data import DATA, Degraded, Time
from sim.invariants.fold import Fold
from sim.invariants.records import Corruption, Publications, Segments
from sim.judge import Violation
from sim.machine import Machine
from sim.other_faults import OtherFaults
from tests.rig import CONFIG
from tests.sim.judged import Judged, family, family_with_a_bag

FIRST = "journal/000000000001.jsonl"


BROKER_DELIVERS = CONFIG.model_copy(update={"mqtt": CONFIG.mqtt.model_copy(update={"delivery": "broker"})})


def busy_hall(*invariants: type[Any], config: Config = CONFIG) -> tuple[Judged, str]:
    """Some cards, a family inside, all of it told."""
    hall = Judged(*invariants, config=config)
    hall.open_day(cards=3)
    _, uid = hall.admit(adults=2)
    hall.enter(uid, 2)
    hall.run(500)
    return hall, uid


def degraded_hall() -> tuple[Judged, str]:
    """A family is searched, and nothing can be written any more."""
    hall, uid = family(Degraded)
    hall.machine.disk.fail("write")
    hall.press("ticket")
    hall.run(500)
    return hall, uid


def restart(hall: Judged, ms: int = 2_000) -> None:
    hall.machine.kill(ms)
    hall.run(ms + 3_000)


def end(hall: Judged) -> None:
    hall.run(3_000)
    hall.machine.stop()
    hall.judge.ended()


def test_kills_power_cuts_and_a_full_disk_break_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "FACTS_BETWEEN", 1)
    hall, uid = busy_hall(*DATA)
    restart(hall)
    hall.machine.cut_power(random.Random(1), 20_000)
    hall.run(25_000)
    hall.machine.disk.fill()
    hall.leave(uid, 1)
    hall.run(2_000)
    hall.machine.disk.heal()
    hall.run(20_000)
    assert not hall.opinion.degraded
    hall.leave(uid, 1)
    end(hall)


def test_a_clock_that_jumps_breaks_nothing() -> None:
    hall, uid = busy_hall(*DATA)
    for by_ms in (12 * 3_600_000, -24 * 3_600_000):
        hall.machine.wall.jump(by_ms)
        hall.run(2_000)
    hall.machine.wall.synced = False
    restart(hall)
    hall.leave(uid, 2)
    end(hall)


def test_a_flipped_bit_that_is_said_breaks_nothing() -> None:
    hall, _ = busy_hall(*DATA)
    hall.machine.kill()
    hall.machine.disk.flip(FIRST, 700)
    hall.machine.start_after(1_000)
    hall.run(10_000)
    assert hall.opinion.degraded
    end(hall)


# -- 20


def test_a_hall_that_is_more_than_its_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "FACTS_BETWEEN", 1)
    hall, uid = busy_hall(Fold)
    hall.opinion.jumps += 1
    with pytest.raises(Violation, match=r"20.*jumps: 1 / 0"):
        hall.leave(uid, 2)


def test_a_hall_that_contradicts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "FACTS_BETWEEN", 1)
    monkeypatch.setattr(fold, "wrong_with", lambda *_: ["locker 1: has two owners"])
    with pytest.raises(Violation, match=r"20.*two owners"):
        busy_hall(Fold)


def test_a_start_that_takes_everybody_for_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = health.started

    def started(hall: Hall, start: Started) -> Iterator[f.Fact]:
        yield from honest(hall, start)
        for visit in list(hall.visits.values()):
            yield f.VisitEnded(visit=visit.visit, card=visit.card, stages={})

    monkeypatch.setattr(fold, "FACTS_BETWEEN_CUTS", (1, 1))
    hall, _ = busy_hall(Fold)
    monkeypatch.setattr(health, "started", started)
    with pytest.raises(Violation, match=r"20.*a power cut now would leave .* no visit that goes on"):
        hall.done("ticket", **{"class": "A"})


def test_a_checkpoint_that_lies() -> None:
    hall, _ = busy_hall(Fold)
    hall.opinion.jumps += 1
    hall.machine.stop()
    with pytest.raises(Violation, match=r"20.*recovered is not what the journal tells: jumps"):
        hall.machine.start()


def test_a_flush_that_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VirtualDisk, "_flush", lambda *_: None)
    hall, _ = busy_hall(Fold)
    with pytest.raises(Violation, match=r"20.*a power cut now would lose records"):
        hall.judge.ended()


def test_a_journal_that_the_next_start_would_refuse() -> None:
    hall, _ = busy_hall(Fold)
    scene = hall.judge.scene
    scene.site = replace(scene.site, hall="another_hall")
    with pytest.raises(Violation, match=r"20.*a power cut now would leave what cannot be recovered: WrongJournalError"):
        hall.judge.ended()


def test_a_first_start_on_a_disk_that_is_not_there_is_tried_until_it_is() -> None:
    clock = VirtualClock()
    world = VirtualHall(CONFIG, clock, 1)
    machine = Machine(CONFIG, world, seed=1)
    machine.disk.fail("write", "flush", "name", error=errno.ENODEV)
    machine.start()
    assert machine.daemon is None
    assert machine.unstartable == "No such device"
    assert world.arms["main"].turnstile.state == "free_both", "nobody is kept inside meanwhile"
    clock.advance_to(10_000_000)
    assert machine.daemon is None
    machine.disk.heal()
    clock.advance_to(20_000_000)
    assert machine.step()
    assert machine.unstartable == ""


# -- 21


def test_something_is_told_before_the_medium_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VirtualDisk, "_flush", lambda *_: None)
    with pytest.raises(Violation, match=r"21.*was told as durable"):
        busy_hall(Publications)


def event(hall: Judged, raw: bytes) -> None:
    hall.machine.broker.arrived(Message(f"besuk/v1/{CONFIG.site}/{CONFIG.hall}/event", raw, False))


def test_a_number_that_is_used_again() -> None:
    hall, _ = busy_hall(Publications)
    line = hall.machine.disk.read(FIRST).splitlines()[2]
    with pytest.raises(Violation, match=r"21.*record 3 goes out a second time"):
        event(hall, line[:-66] + b"0" * 64 + line[-2:])


def test_an_event_that_is_not_durable_and_one_after_a_gap() -> None:
    hall, _ = busy_hall(Publications)
    lines = hall.machine.disk.read(FIRST).splitlines()
    seq = len(lines)
    last = lines[-1].replace(b'"seq":%d,' % seq, b'"seq":%d,' % (seq + 1))
    with pytest.raises(Violation, match=r"21.*a power cut now would lose it"):
        event(hall, last)
    with pytest.raises(Violation, match=r"21.*has not"):
        event(hall, last.replace(b'"seq":%d,' % (seq + 1), b'"seq":%d,' % (seq + 9)))


def test_an_event_that_never_arrives() -> None:
    hall, uid = busy_hall(Publications)
    hall.machine.broker.drop_next = 1_000
    hall.leave(uid, 2)
    with pytest.raises(Violation, match=r"21.*the central server"):
        end(hall)


def away_from(hall: Judged, uid: str, *, denied: bool = False) -> None:
    """People leave while the central server is away; it is mended a moment ago, and not back yet."""
    hall.world.other_faults = OtherFaults(hall.machine).put
    hall.world.fault("central", "away")
    if denied:
        hall.machine.broker.denied_topics.add(hall.machine.receiver._root + "event")
    hall.leave(uid, 2)
    hall.run(3_000)
    hall.world.clear_fault("central")
    hall.machine.stop()
    assert hall.machine.receiver.stored < hall.machine.disk.read(FIRST).count(b"\n")


def test_what_waits_in_the_broker_for_the_central_server_is_its_own_where_its_word_counts() -> None:
    hall, uid = busy_hall(Publications, config=BROKER_DELIVERS)
    away_from(hall, uid)
    hall.judge.ended()


def test_what_waits_in_the_broker_is_owed_where_only_the_central_servers_word_counts() -> None:
    hall, uid = busy_hall(Publications)
    away_from(hall, uid)
    with pytest.raises(Violation, match=r"21.*the central server"):
        hall.judge.ended()


def test_where_the_brokers_word_counts_it_must_have_everything() -> None:
    hall, uid = busy_hall(Publications, config=BROKER_DELIVERS)
    away_from(hall, uid, denied=True)
    with pytest.raises(Violation, match=r"21.*the broker had"):
        hall.judge.ended()


def test_where_the_brokers_word_counts_the_central_server_has_nothing_else() -> None:
    hall, uid = busy_hall(Publications, config=BROKER_DELIVERS)
    next(iter(hall.machine.receiver.journals.values())).digests[-1] = b"other"
    away_from(hall, uid)
    with pytest.raises(Violation, match=r"21.*or others"):
        hall.judge.ended()


def test_an_occupancy_that_is_not_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.core.state.Hall.inside", property(lambda _: 7))
    with pytest.raises(Violation, match=r"21.*occupancy says"):
        busy_hall(Publications)


@pytest.mark.parametrize("slow_ms", [0, 1_300])
@pytest.mark.parametrize("steps", range(4))
def test_a_record_that_only_the_page_cache_holds_goes_out_when_the_medium_has_it(steps: int, slow_ms: int) -> None:
    """Killed between write and flush, started again on a disk that can be read and not written; when that takes
    something again, each flush may take its time."""
    hall, _ = busy_hall(*DATA)
    hall.machine.on_crash = lambda: hall.machine.kill(1_000)
    hall.machine.disk.crash_at = hall.machine.disk.steps + steps
    hall.world.contact("ticket", True)
    hall.until(lambda: hall.machine.daemon is None)
    hall.machine.disk.read_only = True
    hall.run(10_000)
    hall.machine.disk.heal()
    hall.machine.disk.stall(slow_ms, times=20)
    hall.run(60_000)
    assert not hall.opinion.degraded
    end(hall)


# -- 22, 23


def test_a_segment_that_goes_too_early() -> None:
    storage = CONFIG.storage.model_copy(update={"segment": 4_096})
    hall = Judged(Segments, config=CONFIG.model_copy(update={"storage": storage}))
    hall.open_day()
    hall.admit()
    hall.machine.disk.remove(FIRST)
    with pytest.raises(Violation, match=r"22.*is deleted"):
        hall.done("ticket", **{"class": "A"})


def test_a_record_that_is_rewritten() -> None:
    hall, _ = busy_hall(Segments)
    data = hall.machine.disk.read(FIRST)
    hall.machine.disk.put(FIRST, data.replace(b"officer-1", b"officer-2", 1))
    with pytest.raises(Violation, match=r"22.*is not what it was"):
        restart(hall)


def test_a_record_that_is_lost_without_a_word() -> None:
    hall, _ = busy_hall(Corruption)
    hall.machine.kill()
    data = hall.machine.disk.read(FIRST)
    hall.machine.disk.put(FIRST, data[: data.rfind(b"\n", 0, -1) + 1])
    with pytest.raises(Violation, match=r"23.*lost without a word"):
        hall.machine.start()


def test_a_hurt_record_that_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, _ = busy_hall(Corruption)
    hall.machine.kill()
    data = hall.machine.disk.read(FIRST)
    hall.machine.disk.flip(FIRST, data.rfind(b"officer-1"))

    def trusting(raw: bytes) -> Record | None:
        """Takes the hash for right."""
        honest = recognise(raw)
        found = honest or recognise(raw.replace(b"nfficer-1", b"officer-1"))
        return found and Record(type(found.line)(found.line.seq, raw, "0" * 64), found.origin, found.prevhash)

    monkeypatch.setattr(segments, "recognise", trusting)
    monkeypatch.setattr(committed, "recognise", trusting)
    monkeypatch.setattr(segments.Walk, "_misfit", lambda *_: "")
    with pytest.raises(Violation, match=r"23.*is believed"):
        hall.machine.start()


def test_damage_that_nobody_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, _ = busy_hall(Corruption)
    hall.machine.kill()
    hall.machine.disk.flip(FIRST, 700)
    silent = Started

    def started(*args: Any, **kwargs: Any) -> Started:
        return silent(*args[:6])

    monkeypatch.setattr(boot, "Started", started)
    hall.machine.start()
    with pytest.raises(Violation, match=r"23.*neither the mode nor a task"):
        hall.run(8_000)


# -- 24, 25


def test_an_entry_without_a_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, uid = degraded_hall()
    assert hall.opinion.degraded
    monkeypatch.setattr(gate, "_refusal", lambda *_: "")
    hall.tap("entry", uid)
    with pytest.raises(Violation, match=r"24.*nothing can be written"):
        hall.run(2_000)


def test_a_deposit_without_a_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, uid = degraded_hall()
    monkeypatch.setattr("firmware.core.lockers._refusal", lambda *_: "")
    hall.tap("lockers", uid)
    with pytest.raises(Violation, match=r"24.*a deposit while the hall is degraded"):
        hall.run(2_000)


def test_an_exit_and_a_collection_without_a_journal_break_nothing() -> None:
    hall, uid, number = family_with_a_bag(Degraded)
    hall.enter(uid)
    hall.machine.disk.fail("write")
    hall.leave(uid)
    assert hall.open_locker(uid) == number
    hall.machine.disk.heal()
    hall.run(10_000)
    assert hall.count(f.StorageRestored) == 1


@pytest.mark.parametrize("steps", range(4))
def test_a_reset_that_was_stored_by_a_dying_daemon_was_done_with_a_journal(steps: int) -> None:
    hall, _ = busy_hall(Degraded)
    hall.fire(True)
    hall.run(500)
    hall.fire(False)
    hall.run(500)
    hall.machine.on_crash = lambda: hall.machine.kill(1_000)
    hall.machine.disk.crash_at = hall.machine.disk.steps + steps
    hall.world.contact("fire_reset", True)
    hall.until(lambda: hall.machine.daemon is None)
    hall.machine.disk.read_only = True
    hall.run(10_000)
    assert hall.opinion.degraded


def test_time_away_that_nobody_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, _ = busy_hall(Time)
    honest = Started

    def started(version: str, epoch_ms: int, off_ms: int, *rest: Any) -> Started:
        return honest(version, epoch_ms + 60_000, off_ms + 60_000, *rest)

    monkeypatch.setattr(boot, "Started", started)
    with pytest.raises(Violation, match=r"25.*have passed since"):
        restart(hall)


def test_a_clock_that_is_set_while_a_start_waits_for_the_disk_excuses_nothing_and_blames_nobody() -> None:
    hall, _ = busy_hall(Time)
    hall.machine.kill(2_000)
    hall.machine.wall.jump(-59_000)
    hall.machine.disk.fail("write", "flush", "name")
    hall.run(5_000)
    hall.machine.wall.jump(59_000)
    hall.machine.disk.heal()
    hall.run(20_000)
    assert hall.count(f.HallBooted) == 2


def test_a_clock_that_is_set_while_a_commit_is_under_way_blames_nobody() -> None:
    hall, _ = busy_hall(Time)
    hall.run(1_100 - hall.clock.now() % 1_000)  # the program looks at the clock at full seconds only
    hall.machine.disk.stall(400, times=1)
    hall.world.contact("ticket", True)
    hall.until(lambda: hall.machine.daemon.controller.ledger.busy)  # type: ignore[union-attr]
    hall.machine.wall.jump(50_000)
    hall.until(lambda: not hall.machine.daemon.controller.ledger.busy)  # type: ignore[union-attr]
    restart(hall)
    assert hall.count(f.HallBooted) == 2


def test_a_timer_that_follows_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, uid = busy_hall(Time)
    controller = hall.machine.daemon.controller  # type: ignore[union-attr]
    wall, clock = hall.machine.wall, controller._clock
    off_ms = wall.read().utc_ms - clock.now()

    class WallTimer:
        def now(self) -> int:
            return wall.read().utc_ms - off_ms

    monkeypatch.setattr(controller, "_clock", WallTimer())
    hall.machine.wall.jump(3_600_000)
    with pytest.raises(Violation, match=r"25.*"):
        hall.leave(uid, 2)
