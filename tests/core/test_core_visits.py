"""Cards, visits, the count, the day, and the machine: what changes hands, what time does, who is believed."""

from collections.abc import Callable

import pytest

from firmware.core import facts as f
from firmware.core import inputs as i
from firmware.core.evolve import evolve, new_hall
from tests.core.hall_story import DAY, MINUTE, SECOND, Story

Begin = Callable[..., Story]


def give_back(hall: Story, card: str, *, collected: bool = True) -> None:
    hall.asks(i.ReturnCard(actor="desk-1", card=card, collected=collected))


# -- cards


def test_a_card_goes_from_stock_to_a_visit_and_back(hall: Story) -> None:
    who = hall.party()
    give_back(hall, who.card[-3:])  # by its printed number
    hall.said(f"card.returned card={who.card} number=001 visit={who.visit} collected=True", "visit.ended")
    assert hall.hall.cards[who.card].state == "stock"


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (i.EnrolCard(actor="x", card="card-001", number="099"), "enrolled"),
        (i.EnrolCard(actor="x", card="new", number="001"), "number_taken"),
        (i.RetireCard(actor="x", card="card-001", reason="worn"), "issued"),
        (i.RetireCard(actor="x", card="nobody", reason="worn"), "unknown_card"),
        (i.IssueCard(actor="x", visit="V-000001", card="card-003"), "has_card"),
        (i.IssueCard(actor="x", visit="V-000002", card="card-001"), "card_issued"),
        (i.IssueCard(actor="x", visit="V-000002", card="card-012"), "card_retired"),
        (i.IssueCard(actor="x", visit="V-000009", card="card-003"), "unknown_visit"),
        (i.IssueCard(actor="x", visit="V-000003", card="card-003"), "visit_ended"),
        (i.ReturnCard(actor="x", card="card-003", collected=True), "not_issued"),
        (i.ReturnCard(actor="x", card="card-001", collected=True), "still_inside"),
        (i.ReturnCard(actor="x", card="card-002", collected=True), "still_inside"),
        (i.LoseCard(actor="x", visit="V-000003", reason="stolen"), "visit_ended"),
        (i.QuarantineCard(actor="x", card="card-012", reason="doubt"), "card_retired"),
        (i.ClearCard(actor="x", card="card-001", reason="found"), "not_blocked"),
        (i.RecordSearch(actor="x", visit="V-000003", result="passed"), "visit_ended"),
        (i.Recount(actor="x", present={"V-000003": 1}, reason="ticked"), "visit_ended"),
        (i.Recount(actor="x", present={"V-000009": 1}, reason="ticked"), "unknown_visit"),
        (i.Recount(actor="x", present={"V-000001": 3}, reason="ticked"), "bad_arguments"),
        (i.Recount(actor="x", present={}, unattributed=-1, reason="ticked"), "bad_arguments"),
        (i.SetCapacity(actor="x", capacity=-1), "bad_arguments"),
        (i.SetLockdown(actor="x", on=False, reason="calm"), "no_change"),
        (i.OpenSession(actor="x", day=DAY), "is_open"),
    ],
)
def test_refused_with_a_code(hall: Story, ask: i.Request, code: str) -> None:
    """V-1 is inside, V-2 has the arm open, V-3 has ended; card 012 is retired."""
    first, second, third = hall.party(1, carried=1), hall.party(), hall.party()
    give_back(hall, third.card)
    hall.asks(i.RetireCard(actor="x", card="card-012", reason="worn"))
    hall.enters(first).taps("entry", second.card)
    hall.refuses(ask, code)


def test_a_retired_number_may_be_given_again(hall: Story) -> None:
    hall.asks(i.RetireCard(actor="x", card="012", reason="worn"))
    hall.asks(i.EnrolCard(actor="x", card="new", number="012"))
    hall.said("card.retired card=card-012 reason=worn", "card.enrolled card=new number=012")
    assert hall.asks(i.RetireCard(actor="x", card="012", reason="worn")) == {"card": "new", "number": "012"}


def test_a_lost_card_is_replaced_and_the_locker_follows_the_visit(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.enters(who)
    hall.asks(i.LoseCard(actor="desk-1", visit=who.visit, reason="lost_inside"))
    hall.asks(i.IssueCard(actor="desk-1", visit=who.visit, card="card-012"))
    hall.said(
        f"card.lost card={who.card} visit={who.visit} reason=lost_inside",
        f"card.issued card=card-012 visit={who.visit}",
        "locker.assigned locker=1 card=card-012 reason=card_replaced",
    )
    hall.refuses(i.LoseCard(actor="x", visit="V-000009", reason="x"), "unknown_visit")
    hall.taps("exit", "card-012").passes("out").forget()
    hall.taps("lockers", who.card).said("card.refused reason=lost", "task.raised reason=lost_card_used")
    hall.taps("lockers", "card-012").said("locker.pulsed locker=1 purpose=collect card=card-012")
    hall.door(1, "open").door(1, "closed").later(MINUTE)
    hall.forget()
    hall.asks(i.ClearCard(actor="desk-1", card=who.card, reason="found"))
    hall.said(f"card.cleared card={who.card} reason=found")
    give_back(hall, "card-012")
    hall.said("card.returned card=card-012", "visit.ended card=card-012")


def test_a_card_lost_before_entry_can_be_replaced(hall: Story) -> None:
    who = hall.party()
    hall.asks(i.LoseCard(actor="desk-1", visit=who.visit, reason="lost"))
    hall.refuses(i.LoseCard(actor="desk-1", visit=who.visit, reason="lost"), "no_card")
    hall.later(MINUTE)
    hall.asks(i.IssueCard(actor="desk-1", visit=who.visit, card="card-012"))
    hall.taps("entry", "card-012").mentioned("gate.granted")


def test_gone_home_with_the_card_ends_the_visit_once_it_is_marked_lost(hall: Story) -> None:
    who = hall.party()
    hall.enters(who).leaves(who)
    hall.asks(i.LoseCard(actor="desk-1", visit=who.visit, reason="took_it_home"))
    hall.said("card.lost", "visit.ended reason=card_lost")


def test_gone_home_with_the_card_and_without_the_bag_does_not(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.enters(who).leaves(who)
    hall.asks(i.LoseCard(actor="desk-1", visit=who.visit, reason="took_it_home"))
    hall.said("card.lost")
    hall.refuses(i.ClearCard(actor="x", card=who.card, reason="found"), "owns_locker")
    hall.refuses(i.RetireCard(actor="x", card=who.card, reason="worn"), "owns_locker")
    hall.asks(i.ReleaseLocker(actor="guard-1", second="guard-2", locker=1, reason="fetched"))
    hall.mentioned("visit.ended reason=card_lost")


def test_a_lost_card_whose_people_are_inside_is_not_cleared(hall: Story) -> None:
    who = hall.party()
    hall.enters(who)
    hall.asks(i.QuarantineCard(actor="guard-1", card=who.card, reason="doubt"))
    hall.refuses(i.ClearCard(actor="x", card=who.card, reason="found"), "still_inside")
    hall.asks(i.Recount(actor="guard-1", present={}, reason="ticked"))
    hall.said("card.quarantined", "hall.recount_recorded difference=-1", "visit.ended reason=card_lost")
    hall.asks(i.ClearCard(actor="x", card=who.card, reason="found"))
    hall.said("card.cleared")


def test_clearing_the_card_of_a_visit_that_never_came_in_ends_it(hall: Story) -> None:
    who = hall.party()
    hall.asks(i.QuarantineCard(actor="guard-1", card=who.card, reason="doubt"))
    hall.asks(i.ClearCard(actor="x", card=who.card, reason="in_order"))
    hall.said("card.quarantined reason=doubt", "card.cleared reason=in_order", "visit.ended reason=card_cleared")
    assert hall.hall.cards[who.card].state == "stock"


def test_a_card_at_the_desk_asks_for_nothing(hall: Story) -> None:
    hall.taps("desk", hall.party().card).silent()


# -- the visit and its time


def test_a_visit_is_timed_from_the_first_in_to_the_last_out(hall: Story) -> None:
    hall.asks(i.IssueTicket(actor="x", letter="A"))
    hall.later(MINUTE)
    hall.asks(i.CallTicket(actor="x", counter="1"))
    hall.later(10 * SECOND)
    hall.asks(i.BindVisit(actor="x", ticket="A-001", adults=2))
    hall.asks(i.IssueCard(actor="x", visit="V-000001", card="card-001"))
    hall.asks(i.RecordSearch(actor="x", visit="V-000001", result="passed"))
    hall.taps("entry", "card-001").passes("in").later(5 * SECOND).passes("in")
    hall.later(20 * MINUTE).taps("exit", "card-001").passes("out").later(5 * SECOND).passes("out").later(30 * SECOND)
    hall.forget()
    give_back(hall, "card-001")
    (_, ended) = hall.news
    assert isinstance(ended, f.VisitEnded)
    inside = 5 * SECOND + 20 * MINUTE + SECOND + 5 * SECOND
    assert ended.stages == {
        "waited": MINUTE, "counter": 10 * SECOND, "to_entry": 71 * SECOND, "inside": inside,
        "whole": 71 * SECOND + inside + 30 * SECOND,
    }  # fmt: skip
    assert ended.untimed is None


def test_warned_five_minutes_before_then_told_at_the_end_and_every_five_minutes(hall: Story) -> None:
    who = hall.party()
    hall.enters(who)
    hall.later(25 * MINUTE - 1).silent()
    hall.later(1).said(f"visit.warned visit={who.visit} left_ms=300000")
    hall.later(5 * MINUTE).said("visit.overstayed over_ms=0")
    hall.later(10 * MINUTE).said("visit.overstayed over_ms=300000", "visit.overstayed over_ms=600000")
    hall.leaves(who).later(60 * MINUTE).silent()


def test_after_a_long_time_without_power_it_is_told_once(hall: Story) -> None:
    hall.enters(hall.party())
    hall.starts(off_ms=3 * 24 * 60 * MINUTE, gap_s=259_200)
    hall.mentioned("visit.warned left_ms=0", "visit.overstayed")
    assert hall.hall.visits["V-000001"].overstays > 100
    assert len(hall.journal) < 60


def test_out_and_in_again_needs_a_new_search_and_the_clock_goes_on(hall: Story) -> None:
    who = hall.party()
    hall.enters(who).leaves(who)
    hall.taps("entry", who.card).said("gate.refused reason=search_needed")
    hall.taps("lockers", who.card, after=10 * SECOND).said("locker.refused reason=no_locker")
    hall.asks(i.RecordSearch(actor="x", visit=who.visit, result="passed"))
    hall.deposits(who)
    hall.enters(who).later(30 * MINUTE).mentioned("visit.overstayed")


@pytest.mark.parametrize(
    ("trusted", "off_ms", "gap_s", "untimed"),
    [(True, 600_000, 600, None), (True, 0, 0, None), (False, 0, 600, True), (False, 0, None, True)],
)
def test_time_without_power_counts_only_when_both_clocks_were_trusted_and_is_flagged_otherwise(
    hall: Story, trusted: bool, off_ms: int, gap_s: int | None, untimed: bool | None
) -> None:
    who, outside = hall.party(), hall.party()
    hall.enters(who).later(10 * MINUTE).starts(off_ms=off_ms, gap_s=gap_s, trusted=trusted).later(5 * MINUTE)
    warned = any(isinstance(fact, f.VisitWarned) for fact in hall.news)
    assert warned is (off_ms > 0)
    hall.leaves(who)
    give_back(hall, who.card)
    give_back(hall, outside.card)
    ends = [fact.untimed for fact in hall.news if isinstance(fact, f.VisitEnded)]
    assert ends == [untimed, None]


def test_the_search_is_recorded_with_its_reason(hall: Story) -> None:
    who = hall.party(search=None)
    hall.asks(i.RecordSearch(actor="x", visit=who.visit, result="refused", reason="knife"))
    hall.asks(i.RecordSearch(actor="x", visit=who.visit, result="refused"))
    hall.asks(i.RecordSearch(actor="x", visit=who.visit, result="passed"))
    hall.said(
        f"search.refused visit={who.visit} card={who.card} reason=knife",
        "search.refused reason=not_stated",
        f"search.passed visit={who.visit} card={who.card}",
    )


# -- the count


def test_a_guard_confirms_a_count_that_is_suspect(hall: Story) -> None:
    hall.enters(hall.party()).starts().forget()
    hall.asks(i.ConfirmCount(actor="guard-1"))
    hall.said("hall.count_confirmed inside=1 actor=guard-1")
    assert hall.hall.suspect is None


def test_a_count_below_zero_cannot_be_confirmed_only_counted_again(hall: Story) -> None:
    hall.passes("out").mentioned("hall.occupancy_suspect reason=negative inside=-1")
    hall.refuses(i.ConfirmCount(actor="guard-1"), "negative")
    hall.asks(i.Recount(actor="guard-1", present={}, reason="ticked"))
    hall.said("hall.recount_recorded before=-1 after=0 difference=1 unattributed=0 reason=ticked actor=guard-1")
    assert (hall.hall.inside, hall.hall.suspect) == (0, None)


def test_a_recount_ticks_people_and_explains_the_difference(hall: Story) -> None:
    family, gone, new = hall.party(2, carried=1), hall.party(2), hall.party()
    hall.enters(family).enters(gone)
    answer = hall.asks(
        i.Recount(
            actor="guard-1", present={family.visit: 3, new.visit: 1, gone.visit: 0}, unattributed=1, reason="ticked"
        )
    )
    assert answer == {"before": 5, "after": 5, "difference": 0}
    visits = hall.hall.visits
    assert [(v.inside, v.carried_inside) for v in visits.values()] == [(2, 1), (0, 0), (1, 0)]
    assert visits[new.visit].started_at == hall.now
    assert (visits[gone.visit].out, visits[gone.visit].search) == (True, "needed")
    hall.forget()
    hall.taps("exit", family.card).passes("out", 2).said(
        "gate.granted persons=2", "gate.passed carried=0", "gate.passed carried=1"
    )


def test_a_recount_leaves_those_who_wait_outside_alone(hall: Story) -> None:
    who = hall.party()
    hall.asks(i.Recount(actor="guard-1", present={}, reason="ticked"))
    hall.taps("entry", who.card).mentioned("gate.granted")


# -- the day


def test_a_session_closes_at_once_to_newcomers_and_for_good_when_all_is_resolved(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.enters(who)
    assert hall.asks(i.CloseSession(actor="x")) == {"unresolved": ["card 001", "locker 1", "1 inside"]}
    hall.said("hall.closing actor=x", "task.raised reason=unresolved", "hall.mode_changed mode=closed previous=open")
    assert hall.asks(i.CloseSession(actor="x"))["unresolved"]
    hall.leaves(who)
    give_back(hall, who.card)
    hall.said(
        "locker.released", "card.returned", "visit.ended", "hall.closed unresolved=()", "task.resolved actor=system"
    )
    hall.refuses(i.CloseSession(actor="x"), "is_closed")


def test_an_exception_closes_with_a_reason_and_what_was_left(hall: Story) -> None:
    hall.party()
    hall.asks(i.CloseSession(actor="head", exception="card_taken_home"))
    hall.said(
        "hall.closing",
        "task.raised reason=unresolved",
        "override.used action=close reason=card_taken_home actor=head",
        "hall.closed exception=card_taken_home actor=head",
        "task.resolved actor=head",
        "hall.mode_changed mode=closed",
    )


def test_a_closing_session_opens_again_and_keeps_its_numbers(hall: Story) -> None:
    who = hall.party()
    hall.asks(i.CloseSession(actor="x"))
    hall.asks(i.OpenSession(actor="x", day=DAY))
    hall.said("hall.closing", "task.raised", "hall.mode_changed", "hall.opened", "task.resolved", "hall.mode_changed")
    hall.taps("entry", who.card).said("gate.granted")
    assert hall.asks(i.IssueTicket(actor="x", letter="A")) == {"ticket": "A-002"}


def test_a_visit_that_never_got_its_card_ends_with_the_session(hall: Story) -> None:
    hall.asks(i.IssueTicket(actor="x", letter="A"))
    hall.asks(i.CallTicket(actor="x", counter="1"))
    hall.asks(i.BindVisit(actor="x", ticket="A-001", adults=1))
    hall.forget()
    hall.asks(i.CloseSession(actor="x"))
    hall.said("hall.closing", "visit.ended reason=day_over", "hall.closed", "hall.mode_changed")


def test_the_strongest_mode_holds(hall: Story) -> None:
    seen = [hall.hall.mode]
    for happened in (
        i.CloseSession(actor="x"),
        i.StorageFailed("EIO"),
        i.SetLockdown(actor="x", on=True, reason="riot"),
        i.ContactChanged("fire", True),
        i.ContactChanged("fire", False),
        i.ResetEmergency(actor="x"),
        i.SetLockdown(actor="x", on=False, reason="calm"),
        i.StorageBack(0),
    ):
        hall.happens(happened)
        seen.append(hall.hall.mode)
    assert " ".join(seen) == "open closed degraded lockdown emergency emergency lockdown degraded closed"
    hall.mentioned(
        "override.used action=lockdown reason=riot", "hall.locked_down reason=riot",
        "override.used action=lift_lockdown reason=calm", "hall.lockdown_lifted reason=calm",
        "storage.degraded reason=EIO", "storage.restored lost=0",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("before", "minute", "day", "said"),
    [
        ("closed", 7 * 60, DAY, ""),
        ("closed", 8 * 60, DAY, "hall.opened"),
        ("closed", 9 * 60, DAY, "hall.opened"),
        ("closed", 11 * 60, DAY, ""),
        ("closed_today", 9 * 60, DAY, ""),
        ("closed_today", 13 * 60, DAY, "hall.opened"),
        ("closed_today", 9 * 60, "2026-11-22", "hall.opened"),
        ("by_schedule", 9 * 60, DAY, ""),
        ("by_schedule", 11 * 60, DAY, "hall.closing"),
        ("by_schedule", 11 * 60 + 5, DAY, "hall.closing"),
        ("by_schedule", 9 * 60, "2026-11-22", "hall.opened"),
        ("by_officer", 11 * 60, DAY, "hall.closing"),
        ("by_officer", 11 * 60 + 5, DAY, ""),
        ("by_officer", 9 * 60, DAY, ""),
    ],
)
def test_the_schedule(story: Begin, before: str, minute: int, day: str, said: str) -> None:
    hall = story(opened=False)
    if before == "by_schedule":
        hall.happens(i.MinuteStruck(DAY, 8 * 60))
    elif before != "closed":
        hall.asks(i.OpenSession(actor="x", day=DAY))
    if before == "closed_today":
        hall.asks(i.CloseSession(actor="x"))
    hall.forget()
    hall.happens(i.MinuteStruck(day, minute))
    hall.mentioned(f"{said} actor=schedule") if said else hall.silent()


def test_the_capacity_that_was_ordered_outlives_a_start(hall: Story) -> None:
    hall.asks(i.SetCapacity(actor="x", capacity=4))
    hall.said("hall.capacity_changed capacity=4 actor=x").starts()
    assert hall.refolded().capacity == 4


# -- the machine


def test_a_device_that_falls_is_told_once_and_once_when_it_rises(hall: Story) -> None:
    hall.happens(i.HealthSeen("A", "ok", "")).silent()
    hall.happens(i.HealthSeen("A", "silent", "board 2: no answer")).said("device.fell device=A health=silent")
    hall.happens(i.HealthSeen("A", "silent", "board 2: no answer")).silent()
    hall.happens(i.HealthSeen("A", "gone", "no port")).said("device.fell device=A health=gone")
    hall.happens(i.HealthSeen("A", "ok", "")).said("device.rose device=A was=gone")


def test_a_dead_exit_reader_is_an_alarm_and_the_button_remains(hall: Story) -> None:
    hall.happens(i.HealthSeen("exit", "silent", "SPI0.1"))
    hall.said("device.fell", "task.raised reason=exit_reader_down device=exit lane=main")
    hall.contact("exit_button").said("gate.granted direction=out reason=exit_button")
    hall.happens(i.HealthSeen("exit", "ok", "")).said("device.rose", "task.resolved reason=done actor=system")


@pytest.mark.parametrize("device", ["entry", "A", "hall"])
def test_another_dead_device_is_no_exit_and_leaves_the_count_alone(hall: Story, device: str) -> None:
    hall.enters(hall.party())
    hall.happens(i.HealthSeen(device, "silent", "cable")).said(f"device.fell device={device} health=silent")


def test_a_lane_in_trouble_makes_the_count_suspect_once(hall: Story) -> None:
    hall.enters(hall.party())
    hall.happens(i.HealthSeen("main", "silent", "x"), i.HealthSeen("main", "gone", "x"))
    hall.said("device.fell", "hall.occupancy_suspect", "device.fell")


@pytest.mark.parametrize(
    ("inside", "closes", "suspect"),
    [(True, False, True), (True, True, True), (False, False, True), (False, True, False)],
)
def test_a_lane_nobody_could_watch_makes_the_count_suspect(
    hall: Story, inside: bool, closes: bool, suspect: bool
) -> None:
    if inside:
        hall.enters(hall.party())
    if closes:
        hall.asks(i.CloseSession(actor="head-1"))
        hall.forget()
    hall.happens(i.HealthSeen("main", "gone", "chip"))
    expected = ["hall.occupancy_suspect reason=lane_unwatched lane=main"] if suspect else []
    hall.said("device.fell", *expected)


def test_a_damaged_journal_starts_degraded_with_a_task(hall: Story) -> None:
    hall.asks(i.CloseSession(actor="head-1"))
    hall.forget()
    hall.starts(damage="hash of record 7")
    hall.said(
        "hall.booted",
        "storage.degraded",
        "task.raised reason=journal_damaged device=disk",
        "hall.occupancy_suspect reason=journal_damaged inside=0 gap_s=5",
        "hall.mode_changed mode=degraded",
    )


def test_a_damaged_journal_leaves_a_count_that_was_doubted_already_doubted_once(hall: Story) -> None:
    hall.enters(hall.party())
    hall.starts(damage="hash of record 7")
    hall.said(
        "hall.booted",
        "hall.occupancy_suspect reason=restart inside=1",
        "storage.degraded",
        "task.raised reason=journal_damaged",
        "hall.mode_changed mode=degraded",
    )


def test_a_count_made_behind_an_unwatched_arm_is_doubted_again_at_once(hall: Story) -> None:
    hall.enters(hall.party())
    hall.happens(i.HealthSeen("main", "gone", "chip")).forget()
    hall.asks(i.ConfirmCount(actor="guard-1"))
    hall.said("hall.count_confirmed inside=1", "hall.occupancy_suspect reason=lane_unwatched lane=main")


def test_a_disk_fails_once_and_is_back_once_and_what_was_lost_is_not_hidden(hall: Story) -> None:
    hall.happens(i.StorageBack(0)).silent()
    hall.happens(i.StorageFailed("EIO"), i.StorageFailed("EIO"))
    hall.said("storage.degraded reason=EIO", "hall.mode_changed mode=degraded")
    hall.happens(i.StorageBack(7)).said(
        "storage.restored lost=7",
        "hall.occupancy_suspect reason=facts_lost",
        "task.raised reason=facts_lost device=disk",
        "hall.mode_changed mode=open",
    )


def test_the_wall_clock_is_noted_and_decides_nothing(hall: Story) -> None:
    hall.starts(trusted=False).forget()
    hall.happens(i.ClockSynced(), i.ClockSynced(), i.ClockStepped(43_200_000))
    hall.said("clock.synced", "clock.stepped by_ms=43200000")


def test_a_request_without_a_rule_is_a_mistake_of_ours(hall: Story) -> None:
    with pytest.raises(AssertionError, match="no rule owns Request"):
        hall.asks(i.Request(actor="x"))


@pytest.mark.parametrize("fact", [f.LockerFact(bank="A", locker=1), f.GateFact(lane="main", direction="in", persons=1)])
def test_a_fact_that_changes_nothing_is_a_mistake_of_ours(hall: Story, fact: f.Fact) -> None:
    with pytest.raises(AssertionError, match=f"nothing folds {type(fact).__name__}"):
        evolve(new_hall(hall.site), fact, 0, hall.site)


def test_a_clock_that_lost_its_source_and_found_it_again_is_told_both_times(hall: Story) -> None:
    hall.happens(i.ClockLost()).said("clock.lost")
    hall.happens(i.ClockLost()).silent()
    hall.happens(i.ClockSynced()).said("clock.synced")


def test_an_emergency_that_only_the_runtime_remembers_stands_until_the_reset(hall: Story) -> None:
    hall.happens(i.EmergencyRemembered())
    hall.said("emergency.raised reason=remembered", "hall.mode_changed mode=emergency previous=open")
    hall.happens(i.EmergencyRemembered()).silent()
    hall.asks(i.ResetEmergency(actor="guard-1"))
    hall.said("emergency.reset actor=guard-1", "hall.mode_changed mode=open previous=emergency")


# -- half a decision: of several facts that were written at once, a power cut may leave the first


def half(hall: Story, last: type[f.Fact]) -> Story:
    """The power takes the last fact, and the hall starts over what is left."""
    if isinstance(hall.journal.pop()[0], last):
        hall.hall = hall.refolded()
        return hall.forget().starts()
    raise AssertionError(f"the last fact is no {last}")


def test_whoever_is_inside_has_started_also_when_only_the_passage_was_kept(hall: Story) -> None:
    who = hall.party()
    hall.taps("entry", who.card).passes("in")
    half(hall, f.VisitStarted).mentioned(f"visit.started visit={who.visit}")
    hall.later(25 * MINUTE).mentioned(f"visit.warned visit={who.visit}")


def test_a_card_in_hand_that_owns_a_locker_is_kept_back_also_when_only_its_return_was_kept(hall: Story) -> None:
    who = hall.party()
    locker = hall.deposits(who)
    hall.asks(i.ReturnCard(actor="desk-1", card=who.card, collected=False))
    while not isinstance(hall.journal[-1][0], f.CardQuarantined):
        hall.journal.pop()
    half(hall, f.CardQuarantined).mentioned(f"card.quarantined card={who.card} visit={who.visit} reason=owns_locker")
    hall.refuses(i.IssueCard(actor="desk-1", visit=hall.party(search=None).visit, card=who.card), "card_quarantined")
    assert hall.hall.lockers[locker].visit == who.visit


def test_guards_are_told_of_a_bag_left_behind_whatever_is_kept_of_its_cards_return(hall: Story) -> None:
    who = hall.party()
    locker = hall.deposits(who)
    back = i.ReturnCard(actor="desk-1", card=who.card, collected=False)
    hall.asks(back)
    while not isinstance(hall.journal[-1][0], f.CardReturned):
        hall.journal.pop()
    half(hall, f.CardReturned)
    assert [(task.reason, task.locker) for task in hall.hall.tasks.values()] == [("not_collected", locker)]
    hall.forget().asks(back)
    hall.said("card.returned", "card.quarantined reason=owns_locker", "visit.ended")
    assert len(hall.hall.tasks) == 1, "it is the same bag"


def test_a_locker_follows_to_a_new_card_also_when_only_its_issue_was_kept(hall: Story) -> None:
    who = hall.party()
    locker = hall.deposits(who)
    hall.asks(i.LoseCard(actor="desk-1", visit=who.visit, reason="lost"))
    hall.asks(i.IssueCard(actor="desk-1", visit=who.visit, card="card-012"))
    half(hall, f.LockerAssigned).mentioned(f"locker.assigned locker={locker} card=card-012 reason=card_replaced")
    assert hall.hall.lockers[locker].card == "card-012"


@pytest.mark.parametrize("deposited", [False, True])
def test_a_visit_whose_card_is_back_has_ended_also_when_only_the_return_was_kept(hall: Story, deposited: bool) -> None:
    who = hall.party()
    if deposited:
        hall.deposits(who)
    hall.asks(i.ReturnCard(actor="desk-1", card=who.card, collected=False))
    half(hall, f.VisitEnded).mentioned(f"visit.ended visit={who.visit}")
    assert hall.hall.visits == {}


def test_a_ticket_that_became_a_visit_is_served_also_when_only_the_visit_was_kept(hall: Story) -> None:
    hall.asks(i.IssueTicket(actor="button", letter="A"))
    ticket = hall.asks(i.CallTicket(actor="desk-1", counter="1"))["ticket"]
    hall.asks(i.BindVisit(actor="desk-1", ticket=ticket, adults=1))
    half(hall, f.TicketServed)
    hall.refuses(i.BindVisit(actor="desk-1", ticket=ticket, adults=1), "not_called")
    assert hall.hall.serving == {}
