"""A hall that is wired in another way, and the configuration that says so: everything works as on the sample site."""

from typing import Any

import pytest

from firmware.config import Config
from firmware.devices import PinsMissingError
from firmware.wiring import BankWire, RelayLocker, Relays
from tests.rig import CONFIG, Rig


def with_gate(**changes: Any) -> Config:
    return CONFIG.model_copy(update={"gate": CONFIG.gate.model_copy(update=changes)})


def with_relays(shut: Any) -> Config:
    lockers = (RelayLocker(locker=1, lock=14, door=15), RelayLocker(locker=2, lock=20, door=21))
    bank = BankWire(relays=Relays(shut=shut, lockers=lockers))
    return CONFIG.model_copy(update={"lockers": CONFIG.lockers.model_copy(update={"banks": {"A": bank}})})


def test_an_arm_that_a_dead_program_holds_is_free_in_a_fire_and_locked_in_between() -> None:
    rig = Rig(with_gate(dead_daemon="hold"))
    assert rig.arm == "free_both", "until it is known that no emergency stands"
    rig.open_day()
    assert rig.arm == "locked"
    _, uid = rig.admit()
    rig.enter(uid)
    rig.leave(uid)
    rig.hall.contact("fire", True)
    rig.hall.arms["main"].turnstile.panel(False)  # the hard-wired contact fails: software must do it
    assert rig.arm == "free_both"
    rig.run(500)
    assert rig.arm == "free_both"
    rig.hall.contact("fire", False)
    rig.run(500)
    rig.done("reset", actor="guard-1")
    rig.run(200)
    assert rig.arm == "locked"
    rig.kill()
    assert rig.arm == "locked", "a guard with a key stands there"
    rig.hall.contact("fire", True)
    assert rig.arm == "free_both", "by the panel's own contact"


def test_the_sample_sites_arm_is_free_when_the_program_is_dead() -> None:
    rig = Rig()
    rig.open_day()
    assert rig.arm == "locked"
    rig.kill()
    assert rig.arm == "free_both"


@pytest.mark.parametrize("shut", ["closed", "open"])
def test_relay_lockers_with_door_switches_of_either_make(shut: str) -> None:
    rig = Rig(with_relays(shut))
    rig.open_day()
    visit, uid = rig.admit()
    number = rig.deposit(uid)
    assert rig.core.lockers[number].visit == visit
    assert not rig.told("locker.forced")
    rig.enter(uid)
    rig.leave(uid)
    rig.tap("lockers", uid)
    rig.until(lambda: rig.hall.lockers[number].door == "open")


@pytest.mark.parametrize(("passage_ms", "given"), [(5_000, False), (9_000, True)])
def test_a_passage_waits_for_the_arm_as_long_as_the_arms_window_is_set(passage_ms: int, given: bool) -> None:
    rig = Rig(with_gate(passage=passage_ms))
    rig.open_day()
    _, uid = rig.admit()
    arm = rig.hall.arms["main"].turnstile
    arm.stick("ready", False)
    rig.run(1_000)
    rig.tap("entry", uid)
    rig.run(6_300)
    arm.stick("ready", None)
    rig.run(1_000)
    assert (rig.arm == "free_in") is given


@pytest.mark.parametrize("checksum", [True, False])
def test_a_sign_gets_its_checksum_or_not(checksum: bool) -> None:
    sign = CONFIG.signs["hall"].model_copy(update={"checksum": checksum})
    rig = Rig(CONFIG.model_copy(update={"signs": {"hall": sign}}))
    rig.open_day()
    rig.admit()
    rig.until(lambda: "A-001" in str(rig.hall.world()["sign"]["hall"]))
    rig.hall.signs["hall"]._wants_checksum = True  # type: ignore[union-attr]  # one that insists
    rig.hall.fault("hall", "restarted")
    rig.run(40_000)
    assert bool(rig.hall.world()["sign"]["hall"]) is checksum


def test_pins_that_somebody_else_holds_are_named() -> None:
    with pytest.raises(PinsMissingError, match="GPIO5"):
        Rig(with_gate(lanes={"main": CONFIG.gate.lanes["main"].model_copy(update={"pass_in": 5, "pass_out": 5})}))


def test_two_lanes_stand_each_for_itself_and_in_a_fire_together() -> None:
    pins = {"unlock_in": 7, "unlock_out": 8, "release": 9, "pass_in": 10, "pass_out": 11, "ready": 17, "stop": None}
    side = CONFIG.gate.lanes["main"].model_copy(update=pins)
    wire = CONFIG.readers["desk"].serial
    assert wire is not None
    exit_side = CONFIG.readers["exit"].model_copy(
        update={"lane": "side", "spi": None, "serial": wire.model_copy(update={"line": "/dev/besuk-exit-side"})}
    )
    lanes = with_gate(lanes={**CONFIG.gate.lanes, "side": side})
    rig = Rig(lanes.model_copy(update={"readers": {**CONFIG.readers, "exit-side": exit_side}}))

    def arms() -> tuple[str, str]:
        told = rig.hall.world()["arm"]
        return told["main"]["state"], told["side"]["state"]

    rig.open_day()
    _, uid = rig.admit(adults=2)
    rig.enter(uid, persons=2)
    rig.tap("exit-side", uid)
    rig.until(lambda: arms() == ("locked", "free_out"))
    rig.hall.push("side", "out", lambda passed: None)
    rig.until(lambda: rig.hall.inside == 1)
    rig.hall.contact("fire", True)
    for arm in rig.hall.arms.values():
        arm.turnstile.panel(False)
    rig.run(500)
    assert arms() == ("free_both", "free_both")
    rig.hall.contact("fire", False)
    rig.run(500)
    rig.done("reset", actor="guard-1")
    rig.run(500)
    assert arms() == ("locked", "locked")
    rig.leave(uid)
    assert rig.core.inside == rig.hall.inside == 0
