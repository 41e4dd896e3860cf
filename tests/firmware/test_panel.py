"""Where contacts, readers and arms meet the rules: what the hall must be told, and what must not be believed."""

import pytest

from firmware.config import Config
from tests.rig import CONFIG, Rig

FIRE = CONFIG.contacts["fire"]
TWO_FIRES = CONFIG.model_copy(
    update={"contacts": {**CONFIG.contacts, "fire-2": FIRE.model_copy(update={"pin": 20})}}
)


def test_a_fire_that_ends_while_the_daemon_is_dead_can_be_reset() -> None:
    rig = Rig()
    rig.open_day()
    rig.hall.contact("fire", True)
    rig.run(500)
    rig.kill()
    rig.hall.contact("fire", False)
    rig.start()
    rig.run(2_000)
    assert rig.core.mode == "emergency"
    assert rig.arm == "free_both", "a restart resets nothing"
    rig.done("reset", actor="guard-1")
    rig.run(500)
    assert rig.arm == "locked"


@pytest.mark.parametrize("first", ["fire", "fire-2"])
def test_of_two_fire_contacts_the_last_to_clear_counts(first: str) -> None:
    rig = Rig(TWO_FIRES)
    rig.open_day()
    last = "fire-2" if first == "fire" else "fire"
    rig.hall.contact(first, True)
    rig.run(500)
    rig.hall.contact(last, True)
    rig.run(500)
    rig.hall.contact(first, False)
    rig.run(500)
    assert rig.desk("reset", actor="guard-1")["error"]["code"] == "fire_active"
    assert rig.arm == "free_both"
    rig.hall.contact(last, False)
    rig.run(500)
    assert len(rig.told("emergency.raised")) == len(rig.told("emergency.cleared")) == 1
    rig.done("reset", actor="guard-1")
    rig.run(500)
    assert rig.arm == "locked"


@pytest.mark.parametrize("config", [CONFIG, TWO_FIRES], ids=["one", "two"])
@pytest.mark.parametrize("shortest_us", [0, 100, 5_000, 25_000])
def test_an_edge_at_the_moment_of_a_reset_leaves_the_arm_free_and_is_told(config: Config, shortest_us: int) -> None:
    """The fire contact opens and closes again in the middle of the scan that puts the arm under control."""
    rig = Rig(config)
    rig.open_day()
    rig.fire()
    panel = rig.daemon.controller.panel
    move_to = panel.move_to

    def blink(outputs: object) -> None:
        if not outputs.released:  # type: ignore[attr-defined]
            panel.move_to = move_to  # type: ignore[method-assign]
            rig.hall.contact("fire", True)
            if shortest_us == 0:
                rig.hall.contact("fire", False)
            else:
                rig.clock.after(shortest_us, lambda: rig.hall.contact("fire", False))
        move_to(outputs)  # type: ignore[arg-type]

    panel.move_to = blink  # type: ignore[method-assign]
    rig.done("reset", actor="guard-1")
    rig.run(20)
    assert rig.arm == "free_both"
    rig.run(500)
    assert rig.arm == "free_both"
    assert len(rig.told("emergency.raised")) == 2
    rig.done("reset", actor="guard-1")
    rig.run(200)
    assert rig.arm == "locked"


def test_a_reader_that_cannot_tell_names_no_card() -> None:
    rig = Rig()
    rig.open_day()
    visit = rig.done("bind", ticket=_called(rig), adults=1)["visit"]
    uid = dict(rig.hall.stock)["001"]
    rig.hall.lay("desk", uid)
    rig.run(500)
    rig.hall.fault("desk", "unplugged")
    rig.until(lambda: rig.core.devices.get("desk") is not None)
    rig.hall.take("desk", uid)
    answer = rig.desk("issue", visit=visit, reader="desk")
    assert answer["error"]["code"] == "no_card", "the card that lay there before may be anywhere"


def _called(rig: Rig) -> str:
    ticket = rig.done("ticket", **{"class": "A"})["ticket"]
    rig.done("call", counter="1")
    return str(ticket)
