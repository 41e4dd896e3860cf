"""The gate: all or nobody goes in, nobody is kept from going out, and the sensor counts, not the tap."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from firmware.core import gate
from firmware.core import inputs as i
from firmware.core.decision import TASKS_MOST
from firmware.core.outputs import ArmPulse
from tests.core.hall_story import DAY, MINUTE, SECOND, SITE, Story

Begin = Callable[..., Story]
WINDOW = SITE.passage_ms + SITE.push_ms


def moving(hall: Story, is_moving: bool = True, lane: str = "main") -> None:
    hall.happens(i.ArmMoving(lane, is_moving))


# -- in


def test_a_party_goes_in_one_at_a_time_infants_with_the_first(hall: Story) -> None:
    who = hall.party(adults=2, children=1, carried=1)
    hall.taps("entry", who.card, after=5 * SECOND)
    hall.said(f"gate.granted lane=main direction=in persons=3 carried=1 card={who.card} visit={who.visit}")
    assert (hall.sign, hall.hall.reserved, hall.hall.inside) == ("SILAKAN MASUK", 4, 0)
    seen = []
    for _ in range(3):
        seen.append(hall.outputs.arms["main"])
        hall.passes("in")
    assert seen == [ArmPulse(1, 0, "in"), ArmPulse(1, 1, "in"), ArmPulse(1, 2, "in")]
    hall.said("gate.passed persons=1 carried=1", "visit.started", "gate.passed carried=0", "gate.passed carried=0")
    assert (hall.outputs.arms, hall.hall.inside, hall.hall.reserved) == ({}, 4, 0)


def test_infants_go_out_with_the_last(hall: Story) -> None:
    who = hall.party(adults=2, carried=1)
    hall.enters(who).taps("exit", who.card).forget()
    hall.passes("out", 2).said("gate.passed carried=0", "gate.passed carried=1")
    assert hall.hall.inside == 0


def test_the_window_that_ends_without_a_passage_ends_the_whole_grant(hall: Story) -> None:
    who = hall.party(3)
    hall.taps("entry", who.card).passes("in").forget()
    hall.later(WINDOW - 1).silent()
    hall.later(1).said("gate.expired persons=2 direction=in reason=not_taken")
    hall.taps("entry", who.card).said("gate.granted persons=2 carried=0")


def test_three_of_four_in_the_next_tap_grants_one(hall: Story) -> None:
    who = hall.party(4)
    hall.taps("entry", who.card).passes("in", 3).later(WINDOW).forget()
    hall.taps("entry", who.card).said("gate.granted persons=1")


def test_somebody_in_the_arm_holds_off_the_end_of_the_window(hall: Story) -> None:
    who = hall.party()
    hall.taps("entry", who.card)
    moving(hall)
    hall.forget().later(MINUTE).silent()
    hall.passes("in")
    moving(hall, False)
    hall.said("gate.passed visit=V-000001", "visit.started")


def test_who_steps_back_out_of_the_arm_has_to_tap_again(hall: Story) -> None:
    hall.taps("entry", hall.party().card)
    moving(hall)
    hall.later(WINDOW).forget()
    moving(hall, False)
    hall.said("gate.expired reason=not_taken")


def test_an_arm_in_trouble_holds_off_nothing(hall: Story) -> None:
    hall.taps("entry", hall.party().card)
    moving(hall)
    hall.later(WINDOW).forget()
    hall.happens(i.HealthSeen("main", "refused", "arm not home")).mentioned("gate.expired reason=not_taken")


@pytest.mark.parametrize(
    ("before", "reason", "sign"),
    [
        ("search_needed", "search_needed", "PERIKSA DULU"),
        ("search_refused", "search_refused", "KE LOKET"),
        ("close", "closed", "TUTUP - GRATIS"),
        ("lockdown", "lockdown", "TUNGGU PETUGAS"),
        ("disk", "degraded", "KE LOKET"),
        ("locker_open", "locker_open", "TUTUP LOKER 01"),
        ("locker_opening", "locker_open", "TUTUP LOKER 01"),
        ("inside", "inside", "MASIH DI DALAM"),
        ("came_out", "search_needed", "PERIKSA DULU"),
        ("granted", "granted", "SILAKAN MASUK"),
        ("other_lane", "granted_elsewhere", "TUNGGU"),
        ("busy", "wait", "TUNGGU"),
        ("full", "full", "PENUH"),
    ],
)
def test_why_an_entry_is_refused(hall: Story, before: str, reason: str, sign: str) -> None:
    searched: dict[str, i.Outcome | None] = {"search_needed": None, "search_refused": "refused"}
    who, other = hall.party(2, search=searched.get(before, "passed")), hall.party()
    hall.later(10 * SECOND)
    match before:
        case "close":
            hall.asks(i.CloseSession(actor="x"))
        case "lockdown":
            hall.asks(i.SetLockdown(actor="x", on=True, reason="riot"))
        case "disk":
            hall.happens(i.StorageFailed("EIO"))
        case "locker_open" | "locker_opening":
            hall.taps("lockers", who.card)
            if before == "locker_open":
                hall.door(1, "open").later(2 * SECOND)
        case "inside":
            hall.enters(who)
        case "came_out":
            hall.enters(who).leaves(who)
        case "granted":
            hall.taps("entry", who.card)
        case "other_lane":
            hall.taps("entry-2", who.card)
        case "busy":
            hall.taps("entry", other.card)
        case "full":
            hall.asks(i.SetCapacity(actor="x", capacity=1))
    hall.later(2 * SECOND).forget()
    hall.taps("entry", who.card).said(f"gate.refused lane=main direction=in reason={reason} card={who.card}")
    assert hall.sign == sign


def test_a_deposit_is_asked_for_where_the_site_wants_it(story: Begin) -> None:
    hall = story(deposit_for_entry=True)
    who = hall.party()
    hall.taps("entry", who.card).said("gate.refused reason=deposit_needed")
    hall.deposits(who)
    hall.taps("entry", who.card).said("gate.granted")


def test_an_open_locker_does_not_matter_where_the_site_says_so(story: Begin) -> None:
    hall = story(locker_shut_for_entry=False)
    who = hall.party()
    hall.taps("lockers", who.card).door(1, "open").forget()
    hall.taps("entry", who.card).said("gate.granted")


@pytest.mark.parametrize(
    ("inside", "capacity", "adults", "carried", "granted"),
    [
        (0, 3, 3, 0, True),
        (0, 3, 2, 1, True),
        (0, 3, 3, 1, False),
        (2, 3, 1, 0, True),
        (2, 3, 2, 0, False),
        (3, 3, 1, 0, False),
    ],
)
def test_all_have_places_or_nobody_enters(
    hall: Story, inside: int, capacity: int, adults: int, carried: int, granted: bool
) -> None:
    if inside:
        hall.enters(hall.party(inside))
    who = hall.party(adults, carried=carried)
    hall.asks(i.SetCapacity(actor="x", capacity=capacity))
    hall.forget()
    hall.taps("entry", who.card).said("gate.granted" if granted else "gate.refused reason=full")


def test_a_grant_in_flight_reserves_its_places_on_every_lane(hall: Story) -> None:
    first, second = hall.party(2, carried=1), hall.party(2)
    hall.asks(i.SetCapacity(actor="x", capacity=4))
    hall.taps("entry", first.card).forget()
    hall.taps("entry-2", second.card).said("gate.refused reason=full")
    hall.passes("in").taps("entry-2", second.card)
    assert hall.hall.inside + hall.hall.reserved == 3
    hall.later(WINDOW).forget()
    hall.taps("entry-2", second.card).said("gate.granted persons=2")


def test_capacity_below_the_occupancy_lets_nobody_in_until_it_is_below(hall: Story) -> None:
    inside, new = hall.party(3), hall.party()
    hall.enters(inside)
    hall.asks(i.SetCapacity(actor="x", capacity=2))
    hall.later(MINUTE).forget()
    assert hall.sign == "PENUH"
    hall.taps("entry", new.card).said("gate.refused reason=full")
    hall.taps("exit", inside.card).passes("out", 2).later(10 * SECOND).forget()
    hall.taps("entry", new.card).said("gate.granted")


def test_a_card_that_is_blocked_or_a_lockdown_withdraws_the_entry_that_stands(hall: Story) -> None:
    who, other = hall.party(2), hall.party(2)
    hall.taps("entry", who.card).forget()
    hall.asks(i.LoseCard(actor="x", visit=who.visit, reason="stolen"))
    hall.said("card.lost", "gate.expired persons=2 reason=card_blocked")
    hall.taps("entry", other.card).forget()
    hall.asks(i.SetLockdown(actor="x", on=True, reason="riot"))
    hall.mentioned("gate.expired persons=2 reason=lockdown")
    hall.passes("in").said("gate.passed direction=in visit=V-000002", "visit.started")  # was half-way


@pytest.mark.parametrize("card", ["nobody", "stock", "lost", "quarantined", "retired"])
def test_a_card_that_claims_nothing_opens_neither_entry_nor_locker_but_passes_out(hall: Story, card: str) -> None:
    reason = "unknown" if card == "nobody" else card
    name = {"nobody": "foreign", "stock": "card-012"}.get(card, "")
    if not name:
        who = hall.party()
        name = who.card
        hall.enters(who)
        match card:
            case "lost" | "retired":
                hall.asks(i.LoseCard(actor="x", visit=who.visit, reason="stolen"))
            case _:
                hall.asks(i.QuarantineCard(actor="guard-1", card=name, reason="in_two_places"))
        if card == "retired":
            hall.asks(i.RetireCard(actor="x", card=name, reason="broken"))
    hall.forget()
    alarm = {"lost": ["task.raised reason=lost_card_used"], "quarantined": ["task.raised reason=quarantined_card_used"]}
    hall.taps("entry", name, after=10 * SECOND).said(f"card.refused reader=entry reason={reason}", *alarm.get(card, []))
    assert hall.sign == "KE LOKET"
    hall.taps("lockers", name, after=10 * SECOND).said(f"card.refused reader=lockers reason={reason}")
    hall.taps("exit", name).said(
        f"gate.granted direction=out persons=1 reason={reason} card={name}", "task.raised reason=unmatched_exit"
    )
    before = hall.hall.inside
    hall.passes("out").mentioned(f"gate.passed direction=out reason={reason}")
    assert hall.hall.inside == before - 1


# -- out


@pytest.mark.parametrize("standing", ["open", "closed", "lockdown", "degraded", "full", "overstayed", "suspect"])
def test_nothing_stops_an_exit(hall: Story, standing: str) -> None:
    who = hall.party(2)
    hall.enters(who)
    match standing:
        case "closed":
            hall.asks(i.CloseSession(actor="x"))
        case "lockdown":
            hall.asks(i.SetLockdown(actor="x", on=True, reason="riot"))
        case "degraded":
            hall.happens(i.StorageFailed("EIO"))
        case "full":
            hall.asks(i.SetCapacity(actor="x", capacity=0))
        case "overstayed":
            hall.later(60 * MINUTE)
        case "suspect":
            hall.starts()
    hall.later(5 * SECOND).forget()
    hall.taps("exit", who.card).said(f"gate.granted direction=out persons=2 visit={who.visit}")
    assert hall.sign == "SILAKAN KELUAR"
    hall.passes("out", 2)
    assert hall.hall.inside == 0


def test_out_again_asks_for_as_many_as_are_still_inside(hall: Story) -> None:
    who = hall.party(3)
    hall.enters(who).taps("exit", who.card).passes("out").later(WINDOW).forget()
    hall.taps("exit", who.card).said("gate.granted persons=2 direction=out")
    hall.taps("exit", who.card).silent()


def test_a_tap_before_an_arm_that_has_locked_again_opens_it_again(hall: Story) -> None:
    who = hall.party(2)
    hall.enters(who).taps("exit", who.card).forget()
    hall.taps("exit", who.card, after=SITE.passage_ms - 1).silent()
    hall.taps("exit", who.card, after=1)
    hall.said("gate.expired direction=out persons=2 reason=not_taken", "gate.granted direction=out persons=2")
    hall.happens(i.ArmMoving("main", True)).taps("exit", who.card, after=SITE.passage_ms).silent()


@pytest.mark.parametrize("late_ms", [0, 800, 3_000, 10_000])
def test_a_window_runs_from_when_the_arm_was_freed(hall: Story, late_ms: int) -> None:
    who = hall.party()
    hall.enters(who).taps("exit", who.card).forget()
    hall.later(late_ms if late_ms < WINDOW else WINDOW - 1)  # beyond the window nobody had freed it, and it ended
    hall.hall.unwritten.freed["main"] = hall.now
    hall.taps("exit", who.card, after=SITE.passage_ms - 1).silent()
    hall.later(SITE.push_ms).silent()
    hall.later(1).said("gate.expired direction=out persons=1 reason=not_taken")


def test_whoever_waits_behind_a_way_out_that_is_over_has_their_own_at_once(hall: Story) -> None:
    who = hall.party()
    hall.enters(who).taps("exit", "foreign").taps("exit", who.card, after=100).forget()
    hall.taps("exit", who.card, after=SITE.passage_ms - 101).silent()
    hall.taps("exit", who.card, after=1).said("gate.expired reason=not_taken")
    assert hall.hall.lanes["main"].grants[0].visit == who.visit


ASKS_AGAIN: dict[str, tuple[i.Input, ...]] = {
    "two cards": (i.CardsCollided("exit"),),
    "the guard's button": (i.ContactChanged("exit_button", True), i.ContactChanged("exit_button", False)),
    "a foreign card": (i.CardTapped("exit", "foreign"),),
}


@pytest.mark.parametrize("asks", ASKS_AGAIN)
def test_nobody_waits_before_an_arm_that_has_locked_again(hall: Story, asks: str) -> None:
    for tap in ASKS_AGAIN[asks]:
        hall.happens(tap)
    hall.forget().later(SITE.passage_ms)
    for tap in ASKS_AGAIN[asks]:
        hall.happens(tap)
    hall.mentioned("gate.expired direction=out persons=1 reason=not_taken", "gate.granted direction=out persons=1")
    assert [grant.direction for grant in hall.hall.lanes["main"].grants] == ["out"]


def test_without_a_matching_entry_one_passes_and_a_guard_looks_at_the_face(hall: Story) -> None:
    who = hall.party()
    hall.taps("exit", who.card)
    hall.said(
        f"gate.granted direction=out persons=1 reason=unmatched_exit card={who.card}",
        f"task.raised reason=unmatched_exit card={who.card} visit={who.visit} lane=main",
    )
    hall.taps("exit", who.card).silent()
    hall.passes("out").said(
        "gate.passed direction=out reason=unmatched_exit", "hall.occupancy_suspect reason=negative inside=-1"
    )
    assert hall.hall.inside == -1


def test_two_cards_at_the_exit_are_one_passage_and_an_alarm(hall: Story) -> None:
    hall.happens(i.CardsCollided("exit"))
    hall.said("gate.granted direction=out persons=1 reason=two_cards", "task.raised reason=two_cards_at_exit lane=main")
    hall.happens(i.CardsCollided("exit")).silent()


@pytest.mark.parametrize("reader", ["entry", "lockers"])
def test_two_cards_elsewhere_are_served_neither(hall: Story, reader: str) -> None:
    hall.happens(i.CardsCollided(reader)).said(f"card.refused reader={reader} reason=two_cards")
    assert hall.sign == "SATU KARTU"
    hall.happens(i.CardsCollided("desk")).silent()


def test_the_guards_button_lets_one_out_who_has_no_card(hall: Story) -> None:
    hall.contact("exit_button").contact("exit_button", False)
    hall.said("gate.granted direction=out persons=1 reason=exit_button")


def test_ways_out_stand_behind_each_other_and_each_has_its_own_window(hall: Story) -> None:
    one, two = hall.party(), hall.party()
    hall.enters(one).enters(two)
    hall.taps("exit", one.card).taps("exit", two.card).forget()
    hall.later(WINDOW).said(f"gate.expired visit={one.visit} reason=not_taken")
    hall.passes("out").said(f"gate.passed visit={two.visit} direction=out")


def test_a_flood_of_foreign_cards_at_the_exit_stays_bounded(hall: Story) -> None:
    who = hall.party()
    hall.enters(who)
    for n in range(2_000):
        hall.taps("exit", f"foreign-{n}", after=1)
    assert len(hall.hall.lanes["main"].grants) == gate.WAYS_OUT_MOST
    assert len(hall.hall.tasks) == TASKS_MOST
    hall.happens(i.CardsCollided("exit")).mentioned("task.raised reason=two_cards_at_exit")  # another reason is heard
    hall.forget()
    hall.taps("exit", who.card).said("gate.granted direction=out visit=V-000001")


# -- both ways at once


def test_an_exit_comes_first_and_who_is_half_way_in_still_counts_by_right(hall: Story) -> None:
    inside, new = hall.party(), hall.party(3, carried=1)
    hall.enters(inside).taps("entry", new.card).forget()
    hall.taps("exit", inside.card)
    hall.said("gate.expired direction=in persons=3 reason=exit_first", "gate.granted direction=out persons=1")
    hall.passes("in").said(f"gate.passed direction=in carried=1 visit={new.visit}", "visit.started")
    hall.passes("out").said(f"gate.passed direction=out visit={inside.visit}")
    hall.taps("entry", new.card).said("gate.granted persons=2 carried=0")


def test_half_way_is_over_when_the_same_party_is_let_in_anew(hall: Story) -> None:
    inside, new = hall.party(), hall.party(2)
    hall.enters(inside).taps("entry", new.card, after=100).taps("exit", inside.card, after=100).passes("out").forget()
    hall.taps("entry", new.card, after=100).passes("in", 2).forget()
    hall.passes("in").said("gate.tailgated direction=in", "task.raised reason=tailgated")


def test_a_second_one_the_other_way_is_reversed(hall: Story) -> None:
    inside, new = hall.party(), hall.party(3)
    hall.enters(inside).taps("entry", new.card).taps("exit", inside.card).passes("in").forget()
    hall.passes("in").said("gate.reversed direction=in lane=main", "task.raised reason=reversed lane=main")
    assert hall.hall.inside == 3


def test_half_way_is_over_when_the_window_is(hall: Story) -> None:
    inside, new = hall.party(), hall.party()
    hall.enters(inside).taps("entry", new.card).taps("exit", inside.card).later(WINDOW + 1).forget()
    hall.passes("in").said("gate.forced direction=in", "task.raised reason=gate_forced")


def test_who_asks_for_the_way_in_and_then_out_is_let_out(hall: Story) -> None:
    who = hall.party()
    hall.taps("entry", who.card).forget()
    hall.taps("exit", who.card).said(
        "gate.expired direction=in reason=exit_first",
        "gate.granted direction=out persons=1 reason=unmatched_exit",
        "task.raised reason=unmatched_exit",
    )


def test_an_entry_waits_for_an_exit(hall: Story) -> None:
    inside, new = hall.party(), hall.party()
    hall.enters(inside).taps("exit", inside.card).forget()
    hall.taps("entry", new.card).said("gate.refused reason=wait")


def test_two_lanes_let_a_party_out_no_more_often_than_it_is_inside(hall: Story) -> None:
    who, other = hall.party(2), hall.party()
    hall.enters(who).enters(other)
    hall.taps("exit", who.card).taps("exit-2", who.card).passes("out", 2).forget()
    hall.passes("out", lane="second").said("gate.passed reason=surplus", "hall.occupancy_suspect reason=surplus")
    assert (hall.hall.inside, hall.hall.unattributed) == (0, -1)


def test_a_recount_in_the_middle_of_an_entry_never_counts_somebody_twice(hall: Story) -> None:
    who = hall.party(2)
    hall.taps("entry", who.card)
    hall.asks(i.Recount(actor="g", present={who.visit: 2}, reason="ticked"))
    hall.forget()
    hall.passes("in").said("gate.passed reason=surplus", "hall.occupancy_suspect reason=surplus inside=3")


# -- without a right


@pytest.mark.parametrize("direction", ["in", "out"])
def test_a_passage_nobody_granted_is_forced_and_counted(hall: Story, direction: i.Direction) -> None:
    hall.enters(hall.party(2)).later(MINUTE).forget()
    hall.passes(direction).said(
        f"gate.forced direction={direction} persons=1", "task.raised reason=gate_forced lane=main"
    )
    assert hall.hall.inside == (3 if direction == "in" else 1)


def test_a_passage_in_the_wake_of_the_last_is_tailgated(hall: Story) -> None:
    hall.enters(hall.party())
    hall.later(SITE.settle_ms).passes("in").said(
        "gate.tailgated direction=in persons=1", "task.raised reason=tailgated"
    )
    hall.later(1).passes("in").mentioned("gate.forced direction=in")
    assert hall.hall.inside == 3


def test_a_passage_against_the_grant_is_reversed(hall: Story) -> None:
    inside, new = hall.party(), hall.party()
    hall.enters(inside).taps("entry", new.card).forget()
    hall.passes("out").said(f"gate.reversed direction=out visit={new.visit}", "task.raised reason=reversed")
    assert hall.hall.inside == 0


def test_a_wheelchair_goes_by_the_side_gate_on_the_same_right(hall: Story) -> None:
    who = hall.party(2)
    hall.taps("entry", who.card).passes("in").contact("side_in").contact("side_in", False).forget()
    assert hall.hall.visits[who.visit].inside == 2
    hall.taps("exit", who.card).contact("side_out").passes("out")
    assert hall.hall.inside == 0
    hall.later(MINUTE).forget()
    hall.contact("side_in", False).contact("side_in").mentioned("gate.forced direction=in")


# -- a card in two places


def test_one_card_at_two_readers_at_one_moment_is_served_at_the_first(hall: Story) -> None:
    who = hall.party()
    hall.taps("lockers", who.card).forget()
    hall.taps("entry", who.card, after=50).said(f"card.refused reader=entry reason=two_readers card={who.card}")


def test_readers_named_far_apart_refuse_the_second_with_a_task_and_believe_the_first(story: Begin) -> None:
    hall = story(far_apart=(frozenset({"lockers", "entry"}),))
    who = hall.party()
    hall.deposits(who)
    hall.taps("lockers", who.card).door(1, "open").door(1, "closed").forget()
    hall.taps("entry", who.card).said(
        "card.refused reason=far_apart", f"task.raised reason=card_in_two_places card={who.card}"
    )
    hall.taps("lockers", who.card).said("locker.pulsed purpose=reopen")
    hall.door(1, "open").door(1, "closed").forget()
    hall.taps("entry", who.card, after=3 * SECOND).said("gate.granted")


def test_readers_that_are_near_do_not_mind(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.taps("entry", who.card, after=150).said("gate.granted")


def test_at_the_exit_a_card_in_two_places_passes_with_an_alarm(story: Begin) -> None:
    hall = story(far_apart=(frozenset({"lockers", "exit"}),))
    who = hall.party()
    hall.enters(who).taps("lockers", who.card).forget()
    hall.taps("exit", who.card).said(
        "gate.granted direction=out visit=V-000001", "task.raised reason=card_in_two_places"
    )


def test_the_same_card_for_the_same_reason_is_one_fact_with_a_count(hall: Story) -> None:
    for _ in range(5):
        hall.taps("entry", "foreign")
    hall.said("card.refused card=foreign reason=unknown count=1")
    hall.taps("lockers", "foreign", after=6 * SECOND).said("card.refused card=foreign reader=lockers count=5")


def test_a_flood_of_refusals_stays_bounded(hall: Story) -> None:
    for n in range(3_000):
        hall.taps("entry", f"foreign-{n % 1500}", after=1)
        hall.taps("lockers", f"foreign-{n % 1500}", after=1)
    noted = hall.hall.unwritten
    assert max(len(hall.hall.refusals), len(noted.repeats), len(noted.taps), len(noted.sign)) <= 501


# -- fire


def test_fire_frees_every_arm_ends_every_grant_and_moves_no_locker(hall: Story) -> None:
    who, other = hall.party(2), hall.party()
    hall.deposits(who)
    hall.enters(other).taps("entry", who.card).forget()
    hall.contact("fire").said(
        "emergency.raised reason=fire",
        "gate.expired persons=2 reason=emergency",
        "hall.occupancy_suspect reason=fire inside=1",
        "hall.mode_changed mode=emergency previous=open",
    )
    assert (hall.outputs.released, hall.outputs.arms, hall.outputs.locks) == (True, {}, {})
    assert hall.sign == "<<< KELUAR >>>"
    hall.passes("out").said("gate.passed direction=out reason=emergency")
    hall.taps("exit", other.card).silent()
    hall.contact("exit_button").silent()
    assert hall.hall.inside == 0


def test_only_a_reset_with_the_contact_at_rest_locks_the_arm_again_and_no_start_does(hall: Story) -> None:
    hall.contact("fire").forget()
    hall.contact("fire").contact("fire_reset").silent()
    hall.refuses(i.ResetEmergency(actor="guard-1"), "fire_active")
    hall.starts().contact("fire", False).mentioned("emergency.cleared")
    assert hall.outputs.released
    hall.contact("fire_reset").said(
        "emergency.reset actor=fire_reset", "hall.mode_changed mode=open previous=emergency"
    )
    assert not hall.outputs.released
    hall.refuses(i.ResetEmergency(actor="guard-1"), "no_emergency").contact("fire_reset").silent()


def test_who_came_in_while_the_arm_stood_free_makes_the_count_suspect(hall: Story) -> None:
    hall.contact("fire").passes("in").contact("fire", False).forget()
    hall.asks(i.ResetEmergency(actor="guard-1"))
    hall.mentioned("hall.occupancy_suspect reason=fire inside=1")


# -- starts


def test_a_start_ends_every_grant_and_names_the_gap(hall: Story) -> None:
    who = hall.party(2)
    hall.taps("entry", who.card).passes("in").forget()
    hall.starts(gap_s=90).said("hall.booted gap_s=90", "hall.occupancy_suspect reason=restart gap_s=90 inside=1")
    assert hall.outputs.arms == {}
    hall.taps("entry", who.card).said("gate.granted persons=1")


def test_a_start_during_a_session_makes_the_count_suspect_for_the_arm_stood_free(hall: Story) -> None:
    hall.starts().said("hall.booted", "hall.occupancy_suspect reason=restart inside=0 gap_s=5")


def test_nobody_inside_and_no_session_make_a_start_harmless(hall: Story) -> None:
    hall.asks(i.CloseSession(actor="head-1"))
    hall.forget()
    hall.starts().said("hall.booted")
    assert hall.hall.suspect is None


def test_a_lane_that_is_no_longer_there_has_counted_all_the_same(hall: Story) -> None:
    who = hall.party()
    hall.taps("entry-2", who.card).passes("in", lane="second")
    before = hall.hall.inside
    hall.site = replace(SITE, lanes=("main",), banks={"A": SITE.banks["A"]})
    again = hall.refolded()
    assert (again.inside, [*again.lanes], len(again.lockers)) == (before, ["main"], 3)
    hall.site = SITE


def test_an_owned_locker_that_is_no_longer_there_stays_its_owners(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who, "lockers-b")
    hall.site = replace(SITE, banks={"A": SITE.banks["A"]}, capacity=99)
    again = hall.refolded()
    assert ([one.locker for one in again.lockers_of(who.visit)], again.capacity, again.day) == ([4], 99, DAY)
    hall.site = SITE
