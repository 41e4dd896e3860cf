"""One card at two readers at the same moment: a copy of it, or a trick. The first is served, the other refused."""

import pytest

from sim.mifare import Classic
from tests.rig import Rig

UIDS = {"four bytes": "3A10203F", "seven bytes": "04A1B2C3D4E5F6"}


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.open_day()
    return rig


@pytest.mark.parametrize("wait_ms", range(0, 200, 40))
def test_one_is_served_and_the_other_refused_whenever_they_are_laid_down(rig: Rig, wait_ms: int) -> None:
    _, uid = rig.admit()
    rig.run(wait_ms)
    rig.tap("lockers", uid)
    rig.tap("entry", uid)
    rig.run(2_000)
    served = {"entry": bool(rig.told("gate.granted")), "lockers": bool(rig.told("locker.opened"))}
    assert sum(served.values()) == 1, "one authorisation"
    refused = next(reader for reader, done in served.items() if not done)
    assert [(one["reader"], one["reason"]) for one in rig.told("card.refused")] == [(refused, "two_readers")]


def test_at_the_exit_it_is_let_out_all_the_same(rig: Rig) -> None:
    _, uid = rig.admit()
    rig.enter(uid)
    rig.run(5_000)
    rig.tap("entry", uid)
    rig.tap("exit", uid)
    rig.until(lambda: rig.arm == "free_out")
    assert rig.push("out")
    assert rig.hall.inside == 0


@pytest.mark.parametrize("uid", UIDS.values(), ids=UIDS)
def test_a_card_in_two_fields_has_one_memory_and_answers_in_each(rig: Rig, uid: str) -> None:
    here, there = rig.hall.card("lockers", uid), rig.hall.card("entry", uid)
    assert isinstance(here, Classic)
    assert isinstance(there, Classic)
    here.set_keys(1, b"abcdef", b"ghijkl")
    assert there.blocks[7] == here.blocks[7]
    rig.hall.lay("lockers", uid)
    rig.hall.lay("entry", uid)
    rig.hall.take("lockers", uid)
    rig.until(lambda: "entry" in [one["reader"] for one in rig.told("card.refused")], 2_000)
