"""Invariants 13 to 19: a whole visit breaks none of them, and each bites when what it guards is broken on purpose."""

from collections.abc import Iterator
from typing import Any

import pytest

from firmware.core import facts as f
from firmware.core import gate, session, tickets
from firmware.core.inputs import CardTapped
from firmware.core.state import Hall, Ticket
from sim.invariants.access import ACCESS, Capacity, Grants, Places
from sim.invariants.cards import Cards
from sim.invariants.occupancy import Occupancy
from sim.invariants.order import ORDER, Closing, Queue
from sim.judge import Violation
from tests.rig import CONFIG
from tests.sim.judged import Judged, family

NARROW = CONFIG.model_copy(update={"capacity": 2})


def nothing(*_: object, **__: object) -> Iterator[f.Fact]:
    return iter(())


def walk_in(hall: Judged) -> None:
    """Somebody walks in through an arm that stands free."""
    hall.until(lambda: hall.arm == "free_both")
    assert hall.push("in")


def test_whole_visits_and_a_closing_break_nothing() -> None:
    hall = Judged(*ACCESS, *ORDER)
    hall.open_day()
    _, uid = hall.admit(adults=2, children=1, carried=1)
    number = hall.deposit(uid)
    hall.tap("entry", uid)
    for carrying in (1, 0, 0):
        hall.until(lambda: hall.arm == "free_in")
        assert hall.push("in", carrying)
    hall.run(3_000)
    hall.tap("exit", uid)
    for carrying in (0, 0, 1):
        hall.until(lambda: hall.arm == "free_out")
        assert hall.push("out", carrying)
    hall.run(3_000)
    assert hall.open_locker(uid) == number
    hall.shut(number, content=False)
    hall.tap("desk", uid, 1_500)
    hall.run(700)
    hall.done("return", reader="desk", collected=True)
    hall.done("close")
    assert hall.count(f.HallClosed) == 1
    hall.machine.stop()
    hall.judge.ended()


def test_windows_that_end_forced_and_reversed_passages_and_restarts_break_nothing() -> None:
    hall, uid = family(*ACCESS, *ORDER, adults=2)
    hall.tap("entry", uid)
    hall.until(lambda: hall.arm == "free_in")
    hall.run(8_000)  # nobody comes
    assert hall.count(f.GateExpired) == 1
    hall.world.push("main", "in", lambda passed: None, force=True)
    hall.run(5_000)
    hall.tap("entry", uid)
    hall.until(lambda: hall.arm == "free_in")
    hall.world.push("main", "out", lambda passed: None, force=True)
    hall.run(12_000)
    assert (hall.count(f.GateForced), hall.count(f.GateReversed)) == (1, 1)
    hall.enter(uid, 2)
    hall.machine.kill(2_000)
    hall.run(6_000)
    assert hall.opinion.suspect is not None
    hall.leave(uid, 1)
    hall.run(8_000)
    hall.done("recount", "guard-1", present={}, unattributed=1, reason="looked")
    hall.run(2_000)


# -- 13


def test_a_passage_that_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, uid = family(Occupancy)
    monkeypatch.setattr(gate, "passed", nothing)
    hall.tap("entry", uid)
    hall.until(lambda: hall.arm == "free_in")
    hall.push("in")
    with pytest.raises(Violation, match=r"13.*has not counted"):
        hall.run(5_000)


@pytest.mark.parametrize("trouble", ["not_ready", "held", "stuck", "unpowered"])
def test_an_arms_trouble_excuses_nobody_who_comes_after_it(trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hall, uid = family(Occupancy, adults=2)
    if trouble == "unpowered":
        hall.machine.hang(1_500)  # or the program would see it, and say that the count is suspect
    hall.world.fault("main", trouble)
    hall.run(1_000)
    hall.world.clear_fault("main")
    hall.run(8_000)
    assert hall.opinion.suspect is None
    if hall.opinion.inside < 0:
        hall.done("recount", "guard-1", present={}, unattributed=0, reason="looked")
    monkeypatch.setattr(gate, "passed", nothing)
    hall.tap("entry", uid)
    hall.until(lambda: hall.arm in ("free_in", "free_both"))
    assert hall.push("in")
    with pytest.raises(Violation, match=r"13.*has not counted"):
        hall.run(5_000)


def test_a_contact_that_hides_one_person_excuses_no_second_one(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, uid = family(Occupancy, adults=2)
    hall.tap("entry", uid)
    hall.until(lambda: hall.arm == "free_in")
    hall.world.fault("main", "blind")
    assert hall.push("in")
    hall.run(2_000)
    hall.world.clear_fault("main")
    hall.run(10_000)
    assert (hall.opinion.inside, hall.world.inside, hall.opinion.suspect) == (0, 1, None)
    monkeypatch.setattr(gate, "passed", nothing)
    hall.tap("entry", uid)
    hall.until(lambda: hall.arm == "free_in")
    assert hall.push("in")
    with pytest.raises(Violation, match=r"13.*has not counted"):
        hall.run(5_000)


def test_whoever_comes_in_while_nobody_watches_makes_the_count_suspect() -> None:
    hall = Judged(Occupancy)
    hall.open_day()
    hall.machine.kill(4_000)
    walk_in(hall)
    hall.run(10_000)
    assert hall.opinion.suspect.reason == "restart"


def test_whoever_comes_in_through_an_arm_without_power_makes_the_count_suspect() -> None:
    hall = Judged(Occupancy)
    hall.open_day()
    hall.world.fault("main", "unpowered")
    hall.run(2_000)
    walk_in(hall)
    hall.run(40_000)
    hall.world.clear_fault("main")
    hall.run(5_000)
    assert hall.opinion.suspect.reason == "lane_unwatched"


def test_a_count_that_a_guard_made_is_not_exact_while_the_arm_is_blind_to_who_comes() -> None:
    hall, uid = family(Occupancy)
    hall.world.fault("main", "stuck")
    hall.run(35_000)
    hall.done("confirm_count", "guard-1")
    hall.tap("entry", uid)
    hall.until(lambda: hall.arm == "free_in")
    assert hall.push("in")
    hall.run(5_000)
    assert hall.opinion.suspect.reason == "lane_unwatched"
    hall.world.clear_fault("main")
    hall.run(5_000)
    hall.done("recount", "guard-1", present={}, unattributed=1, reason="looked")
    hall.run(1_000)
    assert hall.opinion.suspect is None


def test_a_count_that_is_no_sum() -> None:
    hall, uid = family(Occupancy)
    hall.opinion.unattributed += 1
    with pytest.raises(Violation, match=r"13.*passages make"):
        hall.enter(uid)


# -- 14


def test_an_arm_that_is_freed_without_a_grant() -> None:
    hall = Judged(Grants)
    hall.open_day()
    assert hall.machine.daemon is not None
    with pytest.raises(Violation, match=r"14.*nobody was granted"):
        hall.machine.daemon.controller.panel.devices.lanes["main"].pulse("a")


def test_a_second_pulse_for_one_person() -> None:
    hall, uid = family(Grants, adults=2)
    hall.tap("entry", uid)
    hall.until(lambda: hall.arm == "free_in")
    hall.run(1_000)
    assert hall.machine.daemon is not None
    with pytest.raises(Violation, match=r"14.*one person at a time"):
        hall.machine.daemon.controller.panel.devices.lanes["main"].pulse("a")


def test_a_window_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, uid = family(Grants)
    hall.tap("entry", uid)
    hall.until(lambda: hall.arm == "free_in")
    monkeypatch.setattr(gate, "deadline", lambda *_: None)
    with pytest.raises(Violation, match=r"14.*after its end"):
        hall.run(15_000)


@pytest.mark.parametrize("tapped", [False, True])
def test_a_window_that_is_cut_short(monkeypatch: pytest.MonkeyPatch, tapped: bool) -> None:
    """By time alone, or for somebody who taps once more while the arm is still open."""
    hall, uid = family(Grants)
    hall.enter(uid)
    hall.tap("exit", uid)
    hall.until(lambda: hall.arm == "free_out")
    end = gate.window_end
    monkeypatch.setattr(gate, "window_end", lambda *rest: end(*rest) - (1_000 if tapped else 100))
    if tapped:
        hall.run(4_000)
        hall.tap("exit", uid)
    with pytest.raises(Violation, match=r"14.*before the end of the window"):
        hall.run(10_000)


def test_a_window_that_runs_from_the_decision_while_the_disk_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, uid = family(Grants)
    hall.machine.disk.stall(2_500, times=1)
    hall.tap("entry", uid)
    hall.until(lambda: hall.arm == "free_in")
    monkeypatch.setattr(gate, "window_end", lambda core, site, lane: lane.grants[0].until)
    with pytest.raises(Violation, match=r"14.*before the end of the window"):
        hall.run(10_000)


def test_an_exit_that_opens_again_for_a_tap_before_the_locked_arm_breaks_nothing() -> None:
    hall, uid = family(Grants)
    hall.enter(uid)
    hall.machine.disk.stall(2_000, times=1)
    hall.tap("exit", uid)
    hall.until(lambda: hall.arm == "free_out")
    hall.until(lambda: hall.arm == "locked")
    hall.tap("exit", uid)
    hall.until(lambda: hall.arm == "free_out", within_ms=500)
    assert (hall.count(f.GateExpired), hall.count(f.GateGranted)) == (1, 3)


def test_somebody_who_came_by_force_and_no_guard_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    hall = Judged(Grants)
    hall.open_day()
    monkeypatch.setattr(gate, "raise_task", nothing)
    hall.world.push("main", "in", lambda passed: None, force=True)
    with pytest.raises(Violation, match=r"14.*no guard is told"):
        hall.run(5_000)


# -- 15, 16, 17


def test_a_place_that_changes_with_the_tap(monkeypatch: pytest.MonkeyPatch) -> None:
    hall, uid = family(Places)
    tapped = gate.entry_tapped

    def too_early(core: Hall, *rest: Any) -> Iterator[f.Fact]:
        yield from tapped(core, *rest)
        lane = core.lanes["main"].grants[0]
        yield f.GatePassed(
            lane="main", direction="in", persons=1, card=lane.card, visit=lane.visit, grant=lane.grant
        )

    monkeypatch.setattr(gate, "entry_tapped", too_early)
    hall.tap("entry", uid)
    with pytest.raises(Violation, match=r"15.*no contact of the arm"):
        hall.run(2_000)


def test_an_entry_where_no_place_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    hall = Judged(Capacity, config=NARROW)
    hall.open_day()
    _, first = hall.admit(adults=2)
    _, second = hall.admit()
    hall.enter(first, 2)
    monkeypatch.setattr(gate, "_refusal", lambda *_: "")
    hall.tap("entry", second)
    with pytest.raises(Violation, match=r"16.*places are taken"):
        hall.run(2_000)


@pytest.mark.parametrize(("reader", "rule"), [("entry", "entry"), ("lockers", "locker")])
def test_a_lost_card_that_opens_something(reader: str, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hall = Judged(Cards)
    hall.open_day()
    visit, uid = hall.admit()
    hall.done("lost", visit=visit, reason="says_so")
    monkeypatch.setattr("firmware.core.cards.trouble_with", lambda *_: "")
    hall.tap(reader, uid)
    with pytest.raises(Violation, match=r"17.*its card is lost"):
        hall.run(2_000)


def test_a_lost_card_goes_out_and_a_guard_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    hall = Judged(*ACCESS)
    hall.open_day()
    visit, uid = hall.admit()
    hall.enter(uid)
    hall.done("lost", visit=visit, reason="says_so")
    hall.leave(uid)
    monkeypatch.setattr(gate, "alarm", nothing)
    hall.machine.daemon.controller.hall.tasks.clear()  # type: ignore[union-attr]
    hall.judge.invariants[0].account.tasks.clear()  # type: ignore[attr-defined]
    hall.run(8_000)
    hall.tap("exit", uid)
    with pytest.raises(Violation, match=r"17.*nobody is alarmed"):
        hall.run(2_000)


def test_an_entry_for_a_card_that_is_elsewhere() -> None:
    hall, uid = family(Cards)
    controller = hall.machine.daemon.controller  # type: ignore[union-attr]
    controller.happen(CardTapped("entry", controller.panel.card_hash(bytes.fromhex(uid))))
    with pytest.raises(Violation, match=r"17.*at no reader"):
        hall.run(1_000)


# -- 18, 19


def test_a_closing_that_forgets_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    hall = Judged(Closing)
    hall.open_day()
    hall.admit()
    monkeypatch.setattr(session, "unresolved", lambda _: [])
    with pytest.raises(Violation, match=r"18.*card 001"):
        hall.desk("close")


def test_a_closing_with_an_exception_says_what_is_left() -> None:
    hall = Judged(Closing)
    hall.open_day()
    hall.admit()
    hall.done("close", "head-1", exception="went_home")
    assert hall.count(f.HallClosed) == 1


def queue_of(hall: Judged, *letters: str) -> None:
    for letter in letters:
        hall.done("ticket", **{"class": letter})


def test_a_queue_with_parks_misses_transfers_and_jumps_breaks_nothing() -> None:
    hall = Judged(Queue)
    hall.open_day()
    queue_of(hall, *"AAAAPPPPA")
    assert hall.done("call", counter="1")["ticket"] == "P-001"
    hall.done("recall", counter="1")
    hall.done("miss", counter="1")
    hall.done("call", counter="1")
    hall.done("park", ticket="P-002")
    assert hall.done("call", counter="1")["ticket"] == "A-001"
    hall.done("transfer", ticket="A-001", counter="2")
    hall.done("call", counter="1", ticket="P-001")
    hall.done("serve", counter="1")
    hall.done("call", counter="1", ticket="A-004", reason="unwell")
    hall.done("serve", counter="1")
    hall.done("call", counter="2", ticket="P-002")
    hall.done("serve", counter="2")
    for _ in range(6):
        hall.done("call", counter="2")
        hall.done("serve", counter="2")


def last_first(hall: Hall, *_: object) -> Ticket | None:
    return max((t for t in hall.tickets.values() if t.state == "waiting"), key=lambda t: t.place, default=None)


def test_somebody_who_is_called_before_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    hall = Judged(Queue)
    hall.open_day()
    queue_of(hall, *"AA")
    monkeypatch.setattr(tickets, "next_in_order", last_first)
    with pytest.raises(Violation, match=r"19.*A-001 has waited for longer"):
        hall.desk("call", counter="1")


def test_somebody_who_starves(monkeypatch: pytest.MonkeyPatch) -> None:
    hall = Judged(Queue)
    hall.open_day()
    queue_of(hall, *"APPP")
    impatient = tickets.next_in_order

    def priority_only(core: Hall, *rest: Any) -> Ticket | None:
        core.priority_run = 0
        return impatient(core, *rest)

    monkeypatch.setattr(tickets, "next_in_order", priority_only)
    for _ in range(2):
        hall.done("call", counter="1")
        hall.done("serve", counter="1")
    with pytest.raises(Violation, match=r"19.*turn of A-001"):
        hall.desk("call", counter="1")


def test_a_number_that_is_given_twice() -> None:
    hall = Judged(Queue)
    hall.open_day()
    queue_of(hall, *"AA")
    hall.opinion.issued["A"] = 1
    with pytest.raises(Violation, match=r"19.*should be number 3"):
        hall.desk("ticket", **{"class": "A"})
