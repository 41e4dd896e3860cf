"""Invariants 26 to 30: a day breaks none of them, and each bites when somebody misbehaves."""

import json
import logging
from collections.abc import Iterator
from random import Random

import pytest

from firmware.controller import Waiting
from firmware.core import facts as f
from firmware.core import gate
from firmware.core.inputs import SetLockdown
from firmware.panel import CardHash
from hal.turnstile import Turnstile
from services.mqtt import Message
from sim.invariants.conduct import CONDUCT, Bounds, Commands, Hands
from sim.invariants.liveness import Liveness
from sim.invariants.privacy import Privacy
from sim.judge import Violation
from tests.rig import CONFIG
from tests.sim.judged import Judged, family

ROOT = f"besuk/v1/{CONFIG.site}/{CONFIG.hall}"
COMMAND = {
    "id": "5f0c3c86-5a3e-4d65-9d20-0f4d2c6a1b11", "site": CONFIG.site, "hall": CONFIG.hall, "name": "session.set",
    "args": {"state": "closed"}, "actor": "central", "issued_at": "2026-01-05T08:00:00+08:00",
    "not_after": "2026-01-05T09:00:00+08:00", "sig": "00" * 32,
}  # fmt: skip


def nothing(*_: object, **__: object) -> Iterator[f.Fact]:
    return iter(())


def test_a_visit_in_an_hour_breaks_nothing_and_a_command_moves_nothing() -> None:
    hall = Judged(*CONDUCT)
    hall.open_day()
    hall.run(63_000)
    _, uid = hall.admit()
    number = hall.deposit(uid)
    hall.machine.broker.say(f"{ROOT}/command", json.dumps(COMMAND).encode())
    hall.run(1_000)
    assert hall.opinion.mode == "open"
    hall.enter(uid)
    hall.tap("lockers", uid)  # refused: somebody is inside
    hall.run(3_000)
    hall.leave(uid)
    assert hall.open_locker(uid) == number
    hall.shut(number, content=False)
    hall.fire(True)
    hall.run(3_000)
    hall.tap("exit", "04A1B2C3D4E5F6")
    hall.run(3_000)
    hall.machine.stop()
    hall.judge.ended()


def test_a_card_that_was_refused_beside_another_may_be_refused_again_without_a_record() -> None:
    hall = Judged(Liveness)
    hall.open_day()
    hall.run(63_000)
    hall.world.lay("lockers", "A1B2C3D4")
    hall.run(2_000)
    hall.world.lay("lockers", "3B5A1C77")
    hall.run(1_000)
    hall.world.take("lockers", "A1B2C3D4")
    hall.run(1_000)
    hall.world.take("lockers", "3B5A1C77")
    hall.run(3_000)
    hall.tap("lockers", "3B5A1C77")
    hall.run(4_000)
    assert hall.count(f.CardRefused) == 3, "one card, two cards, the other card"


# -- 26, 27


def test_an_answer_to_what_was_never_accepted() -> None:
    hall = Judged(Commands)
    answer = {"id": COMMAND["id"], "ok": True, "result": {}}
    with pytest.raises(Violation, match=r"26.*no record"):
        hall.machine.broker.arrived(Message(f"{ROOT}/answer", json.dumps(answer).encode(), False))


def test_an_id_that_is_answered_with_other_bytes() -> None:
    hall = Judged(Commands)
    for code in ("expired", "wrong_address"):
        answer = {"id": COMMAND["id"], "ok": False, "error": {"code": code}}
        message = Message(f"{ROOT}/answer", json.dumps(answer).encode(), False)
        if code == "expired":
            hall.machine.broker.arrived(message)
            continue
        with pytest.raises(Violation, match=r"26.*other bytes"):
            hall.machine.broker.arrived(message)


def test_somebody_who_acts_and_has_not_asked() -> None:
    hall = Judged(Hands)
    hall.open_day()
    assert hall.machine.daemon is not None
    hall.machine.daemon.controller.happen(SetLockdown(actor="central", on=True, reason="says_so"))
    with pytest.raises(Violation, match=r"27.*central has asked for nothing"):
        hall.run(1_000)


# -- 28, 29


def test_inputs_that_nobody_limits() -> None:
    hall = Judged(Bounds)
    hall.open_day()
    assert hall.machine.daemon is not None
    waiting = hall.machine.daemon.controller._waiting
    waiting.extend([Waiting(SetLockdown(actor="officer-1", on=True, reason="again"))] * 10_001)
    with pytest.raises(Violation, match=r"28.*10001 inputs that wait"):
        hall.judge.ended()


def test_a_uid_in_the_place_of_its_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CardHash, "__call__", lambda _, uid: uid.hex())
    with pytest.raises(Violation, match=r"29.*shows the UID"):
        Judged(Privacy).open_day()


def test_a_uid_in_the_very_end_of_a_record() -> None:
    hall = Judged(Privacy)
    uid = hall.stock[0][1]
    hall.settle()
    with pytest.raises(Violation, match=rf"29.*a record shows the UID {uid}"):
        hall.done("open", uid.lower())  # the actor comes last


@pytest.mark.parametrize("written", ["{}", "card {} at the entry", "x{}0", "no key 1{}"])
def test_a_uid_in_the_log(written: str) -> None:
    hall = Judged(Privacy)
    hall.run(100)
    uid = hall.stock[1][1]
    logging.getLogger("firmware.daemon").warning(written.format(uid.lower()))
    with pytest.raises(Violation, match=rf"29.*the log shows the UID {uid}"):
        hall.run(100)


def test_a_uid_with_separators_an_identity_number_and_the_key() -> None:
    hall = Judged(Privacy)
    uid = hall.stock[1][1]
    spaced = ":".join(uid[at : at + 2] for at in range(0, len(uid), 2))
    assert hall.machine.daemon is not None
    key = hall.machine.daemon.controller.panel.card_hash._key.hex()
    for text, what in ((spaced, "UID"), ('{"reason":"7371012304560001"}', "identity number"), (key, "key")):
        with pytest.raises(Violation, match=rf"29.*{what}"):
            hall.machine.broker.arrived(Message(f"{ROOT}/health", text.encode(), False))


# -- 30


def calm_hall() -> tuple[Judged, str]:
    """A minute after the start, and a family with a card."""
    hall, uid = family(Liveness)
    hall.run(62_000)
    return hall, uid


@pytest.mark.parametrize(("reader", "rule"), [("entry", "entry_tapped"), ("exit", "exit_tapped")])
def test_a_tap_that_nobody_answers(reader: str, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hall, uid = calm_hall()
    monkeypatch.setattr(gate, rule, nothing)
    hall.tap(reader, uid)
    with pytest.raises(Violation, match=r"30.*nothing was said"):
        hall.run(3_000)


def test_a_reader_in_trouble_owes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, uid = calm_hall()
    hall.world.fault("entry", "unplugged")
    hall.tap("entry", uid)
    hall.run(3_000)
    hall.world.clear_fault("entry")
    hall.run(62_000)
    monkeypatch.setattr(gate, "entry_tapped", nothing)
    hall.tap("entry", uid)
    with pytest.raises(Violation, match=r"30.*nothing was said"):
        hall.run(3_000)


def test_a_grant_that_opens_no_arm(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, uid = calm_hall()
    monkeypatch.setattr(Turnstile, "pulse", lambda *_: None)
    hall.tap("entry", uid)
    with pytest.raises(Violation, match=r"30.*the arm has not opened"):
        hall.run(3_500)


def test_a_disk_that_is_well_and_still_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, _ = calm_hall()
    hall.machine.disk.fail("write")
    hall.press("ticket")
    hall.run(1_000)
    monkeypatch.setattr("firmware.ledger.Ledger.try_again", lambda _: False)
    hall.machine.disk.heal()
    with pytest.raises(Violation, match=r"30.*the hall is degraded"):
        hall.run(100_000)


def test_a_loop_that_stands_still_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, _ = calm_hall()
    monkeypatch.setattr("sim.machine.WATCHDOG_MS", 60_000)
    hall.machine.hang(60_000)
    with pytest.raises(Violation, match=r"30.*15 s"):
        hall.run(20_000)


def test_a_loop_that_hangs_is_started_again() -> None:
    hall, _ = calm_hall()
    hall.machine.hang(60_000)
    hall.run(20_000)
    assert hall.machine.starts == 2


def test_a_machine_without_power_hangs_no_more() -> None:
    hall, _ = calm_hall()
    hall.machine.hang(18_000)
    hall.run(5_000)
    hall.machine.cut_power(Random(1), 20_000)
    hall.run(22_000)
    assert hall.machine.starts == 2
