"""Invariants 1 to 5 hold through fires, deaths and exits, and each of them bites when somebody breaks the rule."""

import random
from collections.abc import Iterator

import pytest

from firmware.boot import JOURNAL
from firmware.config import Config
from firmware.core import emergency, gate, inputs
from firmware.core import facts as f
from firmware.core.decision import Steps
from firmware.core.state import Hall
from firmware.panel import Panel
from hal.clock import Millis
from hal.contacts import FireContact
from hal.turnstile import Turnstile
from sim.invariants.exits import Exits
from sim.invariants.safety import SAFETY, FireOpensNoLocker, FireReleases, NothingDelaysRelease, Relocks
from tests.rig import CONFIG
from tests.sim.judged import Judged, family, violated

HOLD = CONFIG.model_copy(update={"gate": CONFIG.gate.model_copy(update={"dead_daemon": "hold"})})


# -- they hold


@pytest.mark.parametrize("config", [CONFIG, HOLD], ids=["free", "hold"])
def test_fire_at_any_moment_through_deaths_and_resets(config: Config) -> None:
    hall, uid = family(*SAFETY, config=config, adults=2)
    hall.deposit(uid)
    hall.tap("entry", uid)
    hall.run(300)
    hall.fire(True)
    hall.run(400)
    assert hall.arm == "free_both"
    assert not hall.desk("reset")["ok"]
    hall.machine.hang(3_000)
    hall.run(4_000)
    hall.machine.kill(2_000)
    hall.fire(False)
    hall.run(3_000)
    hall.settle()
    assert hall.arm == "free_both", "the fire is over, and nobody has reset it"
    hall.machine.cut_power(random.Random(1), 20_000)
    hall.run(22_000)
    hall.settle()
    assert hall.arm == "free_both"
    hall.done("reset")
    hall.run(200)
    assert hall.arm == "locked"
    hall.fire(True)
    hall.fire(False)
    hall.run(6_000)
    assert hall.arm == "free_both", "the shortest alarm is one"
    hall.machine.stop()
    hall.machine.start()
    hall.settle()
    assert hall.arm == "free_both"
    hall.press("fire_reset")
    hall.run(200)
    assert hall.arm == "locked"
    assert hall.count(f.EmergencyReset) == 2


@pytest.mark.parametrize("trouble", ["hung", "stalled", "full", "dead", "in a commit"])
def test_the_arm_is_free_in_time_whatever_disk_and_loop_do(trouble: str) -> None:
    hall = Judged(*SAFETY)
    hall.open_day()
    match trouble:
        case "hung":
            hall.machine.hang(8_000)
        case "stalled":
            hall.machine.disk.stall(5_000)
        case "full":
            hall.machine.disk.fill()
        case "dead":
            hall.machine.disk.fail("write", "flush")
        case "in a commit":
            hall.machine.disk.stall(2_000, times=1)
            hall.machine.ask("ticket", {"class": "A"}, "officer-1")
            hall.run(100)
    hall.fire(True)
    hall.run(100)
    assert hall.arm == "free_both"
    hall.run(9_000)
    hall.machine.disk.heal()
    hall.fire(False)
    hall.until(lambda: not hall.opinion.fire_active and not hall.opinion.degraded, within_ms=60_000)
    hall.done("reset")
    hall.run(100)
    assert hall.arm == "locked"


def test_a_fire_that_ends_and_comes_again_within_a_commit_is_recorded_at_once() -> None:
    hall = Judged(*SAFETY)
    hall.open_day()
    hall.machine.disk.stall(2_600)
    hall.fire(True)
    hall.run(20)
    hall.fire(False)
    hall.run(1_160)
    hall.fire(True)
    hall.run(8_000)
    assert hall.count(f.EmergencyRaised) == 2
    hall.machine.disk.heal()
    hall.run(20_000)
    assert hall.arm == "free_both"


def test_everybody_gets_out_with_any_card_and_in_any_mode() -> None:
    hall = Judged(*SAFETY)
    hall.open_day()
    families = [hall.admit(adults=2) for _ in range(2)]
    for _, uid in families:
        hall.enter(uid, 2)
    hall.tap("exit", "04D2E31A5B6C80")
    hall.run(9_000)
    hall.press("exit_button")
    hall.run(9_000)
    hall.done("lockdown", on=True, reason="quarrel")
    hall.leave(families[0][1], 2)
    hall.done("lost", visit=families[1][0], reason="dropped")
    hall.done("close")
    hall.machine.disk.fail("write", "flush")
    hall.tap("exit", families[1][1])
    hall.until(lambda: hall.arm == "free_out")
    assert hall.push("out")
    hall.run(9_000)
    hall.tap("exit", families[1][1])
    hall.tap("exit", "3B5A1C77")
    hall.run(9_000)
    hall.judge.ended()


@pytest.mark.parametrize("trouble", ["garbled", "unplugged", "silent", "stuck", "gone"])
def test_a_reader_that_is_well_again_finds_who_wants_to_get_out(trouble: str) -> None:
    hall = Judged(*SAFETY)
    hall.settle()
    hall.world.fault("exit", trouble)
    hall.run(2_000)
    hall.world.clear_fault("exit")
    for tap in range(10):
        hall.tap("exit", f"3B5A1C{tap:02}")
        hall.run(1_300)
    hall.run(3_000)


def test_a_way_out_that_a_stuck_contact_spends_is_owed_to_whoever_taps_again() -> None:
    """Its arm looks as if somebody stood in it, and then as if they had gone."""
    hall = Judged(*SAFETY)
    hall.open_day()
    hall.world.fault("main", "stuck_out")
    hall.run(1_000)
    hall.tap("exit", "3B5A1C77")
    hall.run(6_200)
    hall.world.clear_fault("main")
    hall.run(20_000)
    assert hall.count(f.GatePassed) == 1
    assert hall.arm == "locked"
    hall.tap("exit", "3B5A1C77")
    hall.until(lambda: hall.arm == "free_out")


def test_a_way_out_that_ends_over_a_damaged_journal_is_owed_to_whoever_taps_again() -> None:
    """The program forgets it with the arm's window, and nobody can record that."""
    hall = Judged(*SAFETY)
    hall.open_day()
    hall.machine.kill(2_000)
    name = f"{JOURNAL}/{hall.machine.disk.names(JOURNAL)[0]}"
    hall.machine.disk.flip(name, 200, 3)
    hall.run(3_000)
    hall.settle()
    assert hall.opinion.degraded
    hall.world.fault("main", "stuck_out")
    hall.tap("exit", "3B5A1C77")
    hall.run(20_000)
    hall.world.clear_fault("main")
    hall.run(20_000)
    assert hall.arm == "locked"
    hall.tap("exit", "3B5A1C77")
    hall.until(lambda: hall.arm == "free_out")


# -- they bite


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """The arm does not listen to the fire."""
    monkeypatch.setattr(Turnstile, "latch", lambda self: None)


@pytest.mark.usefixtures("deaf")
def test_1_an_arm_that_stays_locked_in_a_fire() -> None:
    hall = Judged(FireReleases)
    hall.settle()
    hall.fire(True)
    with violated(FireReleases):
        hall.run(200)


def test_1_only_the_edge_itself_is_quick_enough_for_a_hanging_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FireContact, "_heard", lambda self, closed: None)
    hall = Judged(FireReleases)
    hall.settle()
    hall.machine.hang(500)
    hall.fire(True)
    with violated(FireReleases):
        hall.run(700)


@pytest.mark.usefixtures("deaf")
def test_1_a_start_into_a_fire_frees_the_arm_too() -> None:
    hall = Judged(FireReleases)
    hall.settle()
    hall.machine.kill(2_000)
    hall.fire(True)
    with violated(FireReleases):
        hall.run(3_000)


@pytest.mark.usefixtures("deaf")
def test_2_a_record_before_the_release() -> None:
    hall = Judged(NothingDelaysRelease)
    hall.settle()
    hall.fire(True)
    with violated(NothingDelaysRelease):
        hall.run(200)


def test_2_a_command_that_locks_the_arm_in_a_fire(monkeypatch: pytest.MonkeyPatch) -> None:
    hall = Judged(NothingDelaysRelease)
    hall.open_day()
    hall.fire(True)
    hall.run(200)
    monkeypatch.setattr(Panel, "_fire", lambda self, contact, active: [])

    def reset(_hall: Hall, actor: str) -> Iterator[f.Fact]:
        yield f.EmergencyCleared()
        yield f.EmergencyReset(actor=actor)

    monkeypatch.setattr(emergency, "reset", reset)

    def unlatch(self: Turnstile) -> None:
        self._engaged = self._latched = False

    monkeypatch.setattr(Turnstile, "unlatch", unlatch)
    with violated(NothingDelaysRelease):
        hall.desk("reset")


def test_2_a_fire_that_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emergency, "contact", lambda hall, active: iter(()))
    hall = Judged(NothingDelaysRelease)
    hall.settle()
    hall.fire(True)
    hall.run(4_000)
    with violated(NothingDelaysRelease):
        hall.run(2_000)


def test_3_a_start_that_forgets_the_fire(monkeypatch: pytest.MonkeyPatch) -> None:
    hall = Judged(Relocks)
    hall.settle()
    hall.fire(True)
    hall.run(500)
    hall.fire(False)
    hall.run(500)
    hall.machine.disk.remove("journal/000000000001.jsonl")
    hall.machine.marker.clear()
    hall.machine.kill(2_000)
    with violated(Relocks):
        hall.run(3_000)


def test_3_a_reset_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    before = emergency.contact

    def contact(hall: Hall, active: bool) -> Steps:
        over = hall.emergency and not active
        yield from before(hall, active)
        if over:
            yield f.EmergencyReset(actor="system")

    monkeypatch.setattr(emergency, "contact", contact)
    hall = Judged(Relocks)
    hall.settle()
    hall.fire(True)
    hall.run(500)
    hall.fire(False)
    with violated(Relocks):
        hall.run(500)


def test_3_a_reset_in_the_fire(monkeypatch: pytest.MonkeyPatch) -> None:
    def reset(_hall: Hall, actor: str) -> Iterator[f.Fact]:
        yield f.EmergencyReset(actor=actor)

    monkeypatch.setattr(emergency, "reset", reset)
    hall = Judged(Relocks)
    hall.open_day()
    hall.fire(True)
    hall.run(500)
    with violated(Relocks):
        hall.desk("reset")


def test_4_an_exit_that_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(hall: Hall, site: object, now: int, reader: object, card: str) -> Steps:
        yield f.GateRefused(lane="main", direction="out", persons=1, card=card, reason="lockdown", reader="exit")

    monkeypatch.setattr(gate, "exit_tapped", refused)
    hall = Judged(Exits)
    hall.settle()
    hall.tap("exit", "3B5A1C77")
    with violated(Exits):
        hall.run(1_000)


@pytest.mark.parametrize("way", ["card", "two cards", "button"])
def test_4_an_exit_that_is_not_answered(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_let_out", lambda hall, lane, **about: iter(()))
    hall = Judged(Exits)
    hall.settle()
    if way == "button":
        hall.press("exit_button")
    else:
        hall.tap("exit", "3B5A1C77")
    if way == "two cards":
        hall.tap("exit", "A1B2C3D4")
    hall.run(1_600)
    with violated(Exits):
        hall.run(1_000)


def test_4_an_exit_that_is_granted_and_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Turnstile, "pulse", lambda self, side: None)
    hall = Judged(Exits)
    hall.settle()
    hall.tap("exit", "3B5A1C77")
    with violated(Exits):
        hall.run(3_000)


def test_4_an_exit_that_waits_for_a_dead_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    hall = Judged(Exits)
    hall.settle()
    hall.machine.disk.fail("write", "flush")
    hall.tap("exit", "3B5A1C77")
    hall.run(3_000)
    monkeypatch.setattr(gate, "_let_out", lambda hall, lane, **about: iter(()))
    hall.run(9_000)
    hall.tap("exit", "A1B2C3D4")
    with violated(Exits):
        hall.run(12_000)


@pytest.mark.parametrize(
    ("trouble", "much", "after_ms"),
    [("garbled", 1, 600), ("garbled", 5, 2_000), ("unplugged", 0, 2_000), ("gone", 0, 12_000)],
)
def test_4_an_exit_where_nobody_counts_for_a_while_after_its_readers_trouble(
    trouble: str, much: int, after_ms: Millis, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Panel.read

    def forgetful(self: Panel, now: Millis) -> list[inputs.Input]:
        return [one for one in read(self, now) if not isinstance(one, inputs.CardTapped)]

    hall = Judged(Exits)
    hall.settle()
    hall.world.fault("exit", trouble, much)
    hall.run(2_000)
    hall.world.clear_fault("exit")
    hall.run(after_ms)
    monkeypatch.setattr(Panel, "read", forgetful)
    hall.tap("exit", "3B5A1C77")
    hall.run(1_500)
    with violated(Exits):
        hall.run(2_000)


def test_5_a_fire_that_opens_lockers(monkeypatch: pytest.MonkeyPatch) -> None:
    hall = Judged(FireOpensNoLocker)
    hall.settle()
    hall.world.lockers[3].energise(True)
    hall.run(300)
    hall.world.lockers[3].energise(False)
    hall.fire(True)
    hall.run(500)
    with violated(FireOpensNoLocker):
        hall.world.lockers[4].energise(True)


def fire_during_another_commit() -> Judged:
    """The disk is slow, and what waits behind its commit is written nowhere."""
    hall = Judged(*SAFETY)
    hall.open_day()
    hall.machine.disk.stall(2_500, times=1)
    hall.machine.ask("ticket", {"class": "A"}, "officer-1")
    hall.run(100)
    hall.fire(True)
    hall.run(200)
    hall.fire(False)
    hall.run(200)
    assert not hall.count(f.EmergencyRaised)
    return hall


def test_a_power_cut_may_forget_a_fire_that_was_never_durable() -> None:
    hall = fire_during_another_commit()
    hall.machine.cut_power(random.Random(1), 20_000)
    hall.run(22_000)
    hall.settle()
    assert hall.arm == "locked"


def test_a_kill_may_not() -> None:
    hall = fire_during_another_commit()
    hall.machine.kill(2_000)
    hall.run(3_000)
    hall.settle()
    assert hall.arm == "free_both"
