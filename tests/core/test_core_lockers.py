"""Lockers: one authorisation, one opening; one owner; and only what was seen is true."""

from collections.abc import Callable

import pytest

from firmware.core import inputs as i
from tests.core.hall_story import MINUTE, SECOND, Story

Begin = Callable[..., Story]


def search(hall: Story, visit: str, result: i.Outcome = "passed") -> None:
    hall.asks(i.RecordSearch(actor="desk-1", visit=visit, result=result))


def give_back(hall: Story, card: str, *, collected: bool = True) -> list[int]:
    found = hall.asks(i.ReturnCard(actor="desk-1", card=card, collected=collected))["lockers"]
    assert isinstance(found, list)
    return found


# -- depositing


def test_a_first_tap_opens_a_free_locker_and_the_door_tells_the_rest(hall: Story) -> None:
    who = hall.party()
    hall.taps("lockers", who.card, after=5 * SECOND).said(
        f"locker.assigned bank=A locker=1 card={who.card} visit={who.visit}",
        "locker.pulsed locker=1 purpose=deposit attempt=1 door=closed",
    )
    assert hall.sign == "LOKER 01 DIBUKA"
    assert hall.outputs.locks == {1: 1}
    hall.door(1, "open").said(f"locker.opened locker=1 purpose=deposit card={who.card}")
    assert hall.outputs.locks == {}
    hall.door(1, "closed", True).said("locker.closed locker=1 content=True")


def test_the_least_used_locker_of_the_bank_is_given(hall: Story) -> None:
    for _ in range(4):
        who = hall.party()
        hall.deposits(who)
        give_back(hall, who.card)
    assert [hall.hall.lockers[n].uses for n in (1, 2, 3)] == [2, 1, 1]


@pytest.mark.parametrize("spoilt", ["owned", "open", "unknown", "content", "jammed", "forced", "service", "opening"])
def test_only_a_whole_empty_shut_locker_is_free(hall: Story, spoilt: str) -> None:
    match spoilt:
        case "owned":
            hall.deposits(hall.party())
        case "open" | "forced":
            hall.door(1, "open")
            hall.door(1, "closed" if spoilt == "forced" else "open")
        case "unknown":
            hall.door(1, "unknown")
        case "content":
            hall.door(1, "closed", True)
        case "jammed":
            hall.taps("lockers", hall.party().card).later(11 * SECOND)
        case "service":
            hall.asks(i.ServiceLocker(actor="guard-1", locker=1, into=False, reason="hinge"))
        case _:
            hall.asks(i.InspectLocker(actor="guard-1", second="guard-2", locker=1, reason="smell"))
    hall.taps("lockers", hall.party().card).mentioned("locker.assigned locker=2")


def test_a_full_bank_says_so_and_the_other_bank_takes_them(hall: Story) -> None:
    for _ in range(3):
        hall.deposits(hall.party())
    who = hall.party()
    hall.later(MINUTE).forget()
    hall.taps("lockers", who.card).said(f"locker.refused reason=full bank=A card={who.card}")
    assert hall.sign == "PENUH"
    hall.taps("lockers-b", who.card).said("locker.assigned bank=B locker=4", "locker.pulsed locker=4 purpose=deposit")


@pytest.mark.parametrize(
    ("result", "order", "reason"),
    [
        (None, True, "search_needed"),
        (None, False, ""),
        ("refused", True, "search_refused"),
        ("refused", False, "search_refused"),
    ],
)
def test_the_search_comes_before_the_locker_if_the_site_wants_that(
    story: Begin, result: i.Outcome | None, order: bool, reason: str
) -> None:
    hall = story(search_before_locker=order)
    hall.taps("lockers", hall.party(search=result).card)
    hall.said(f"locker.refused reason={reason}") if reason else hall.said("locker.assigned", "locker.pulsed")


@pytest.mark.parametrize(
    ("closing", "reason", "sign"),
    [
        (i.CloseSession(actor="x"), "closed", "TUTUP - GRATIS"),
        (i.SetLockdown(actor="x", on=True, reason="riot"), "lockdown", "TUNGGU PETUGAS"),
        (i.StorageFailed("EIO"), "degraded", "KE LOKET"),
        (i.ContactChanged("fire", True), "emergency", "<<< KELUAR >>>"),
    ],
)
def test_no_new_deposit_unless_the_hall_is_open_but_ones_own_opens(
    hall: Story, closing: i.Input, reason: str, sign: str
) -> None:
    new, old = hall.party(), hall.party()
    hall.deposits(old)
    hall.happens(closing).later(30 * SECOND).forget()
    hall.taps("lockers", new.card).said(f"locker.refused reason={reason}")
    assert hall.sign == sign
    hall.taps("lockers", old.card).said("locker.pulsed purpose=reopen")


def test_before_entry_a_tap_reopens(hall: Story) -> None:
    who = hall.party()
    locker = hall.deposits(who)
    hall.taps("lockers", who.card).said(f"locker.pulsed locker={locker} purpose=reopen")
    hall.taps("lockers", who.card).said("locker.refused reason=opening")
    hall.door(locker, "open").forget()
    hall.taps("lockers", who.card).said("locker.refused reason=already_open")
    assert hall.sign == "LOKER 01 TERBUKA"


def test_another_bank_shows_the_number_and_opens_nothing(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.later(MINUTE).forget()
    hall.taps("lockers-b", who.card).said("locker.refused reason=other_bank bank=B locker=1")
    assert (hall.sign, hall.outputs.locks) == ("LOKER ANDA 01", {})


def test_two_lockers_a_card_are_one_in_each_bank(story: Begin) -> None:
    hall = story(lockers_per_card=2)
    who = hall.party()
    assert [hall.deposits(who, "lockers"), hall.deposits(who, "lockers-b")] == [1, 4]
    hall.taps("lockers-b", who.card).said("locker.pulsed locker=4 purpose=reopen")
    hall.door(4, "open").door(4, "closed")
    hall.enters(who).leaves(who).taps("lockers", who.card).said("locker.pulsed locker=1 purpose=collect")
    assert give_back(hall, who.card) == [1]  # just pulsed: nobody knows what is in it


# -- while somebody is inside


def test_while_somebody_is_inside_no_bag_is_fetched(hall: Story) -> None:
    who, bare = hall.party(2), hall.party()
    hall.deposits(who)
    hall.taps("entry", who.card).passes("in").later(10 * SECOND).forget()
    hall.taps("lockers", who.card).said("locker.refused reason=inside locker=1")
    hall.enters(bare).taps("lockers", bare.card).said("locker.refused reason=inside")


def test_a_site_may_allow_it_and_then_the_search_is_asked_again(story: Begin) -> None:
    hall = story(reopen_while_inside=True)
    who, bare = hall.party(2), hall.party()
    hall.deposits(who)
    hall.taps("entry", who.card).passes("in").later(10 * SECOND).forget()
    hall.taps("lockers", who.card)
    hall.said("search.refused reason=bag_fetched actor=system", "locker.pulsed locker=1 purpose=reopen")
    hall.door(1, "open").door(1, "closed").forget()
    hall.taps("entry", who.card).said("gate.refused reason=search_refused")
    hall.taps("lockers", who.card).said("locker.pulsed purpose=reopen")
    hall.enters(bare).taps("lockers", bare.card).said("locker.refused reason=inside")


def test_on_the_way_in_no_bag_is_fetched(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.taps("entry", who.card).forget()
    hall.taps("lockers", who.card).said("locker.refused reason=granted")


# -- collecting


def test_collecting_has_a_minute_for_second_thoughts_then_it_is_free(hall: Story) -> None:
    who = hall.party()
    locker = hall.deposits(who)
    hall.enters(who).leaves(who)
    hall.taps("lockers", who.card).said(f"locker.pulsed locker={locker} purpose=collect")
    hall.door(locker, "open").door(locker, "closed").later(50 * SECOND).forget()
    hall.taps("lockers", who.card).said("locker.pulsed purpose=collect")
    hall.door(locker, "open").door(locker, "closed").forget()
    hall.later(59 * SECOND).silent()
    hall.later(1 * SECOND).said(f"locker.released locker={locker} reason=collected")
    hall.taps("lockers", who.card).said("locker.refused reason=no_locker")


def test_whoever_comes_out_to_a_locker_that_guards_have_freed_is_sent_to_the_counter(hall: Story) -> None:
    who = hall.party()
    locker = hall.deposits(who)
    hall.enters(who)
    hall.asks(i.ReleaseLocker(actor="guard-1", second="guard-2", locker=locker, reason="not_collected"))
    hall.leaves(who).forget()
    hall.taps("lockers", who.card).said("locker.refused reason=no_locker")
    assert hall.sign == "KE LOKET"
    hall.asks(i.SetLockdown(actor="x", on=True, reason="riot"))
    hall.later(MINUTE).forget()
    hall.taps("lockers", who.card).said("locker.refused reason=no_locker")


def test_a_bag_that_is_seen_inside_stays_ones_own_until_it_is_fetched(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.enters(who).leaves(who).taps("lockers", who.card).door(1, "open").door(1, "closed", True).forget()
    hall.later(MINUTE).said("locker.kept locker=1 reason=content_seen", "task.raised reason=content_left locker=1")
    hall.taps("lockers", who.card).door(1, "open").door(1, "closed", False).forget()
    hall.later(MINUTE).said("locker.released locker=1 reason=collected", "task.resolved reason=done")


def test_back_in_again_after_a_new_search_the_locker_is_not_freed_under_the_bag(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.enters(who).leaves(who)
    hall.taps("entry", who.card).said("gate.refused reason=search_needed")
    hall.taps("lockers", who.card).door(1, "open")
    search(hall, who.visit)
    hall.door(1, "closed").forget()
    hall.later(5 * MINUTE).silent()
    hall.enters(who).leaves(who).taps("lockers", who.card).said("locker.pulsed purpose=collect")


def test_a_new_search_within_the_minute_keeps_the_locker_too(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.enters(who).leaves(who).taps("lockers", who.card).door(1, "open").door(1, "closed")
    search(hall, who.visit)
    hall.later(5 * MINUTE)
    assert hall.hall.lockers[1].visit == who.visit


# -- giving the card back


def test_given_back_as_collected_a_shut_locker_is_free_at_once(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.enters(who).leaves(who)
    assert give_back(hall, who.card) == []
    hall.said("locker.released reason=collected actor=desk-1", "card.returned collected=True", "visit.ended")


@pytest.mark.parametrize(("collected", "content"), [(False, None), (True, True), (False, True)])
def test_given_back_with_the_locker_still_owned_the_card_is_kept_from_the_next(
    hall: Story, collected: bool, content: bool | None
) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.door(1, "closed", content)
    hall.enters(who).leaves(who)
    assert give_back(hall, who.card, collected=collected) == [1]
    hall.said(
        f"task.raised reason=not_collected locker=1 card={who.card}",
        "card.returned",
        f"card.quarantined card={who.card} reason=owns_locker",
        "visit.ended",
    )
    hall.taps("lockers", who.card).said("card.refused reason=quarantined", "task.raised reason=quarantined_card_used")
    hall.asks(i.ReleaseLocker(actor="guard-1", second="guard-2", locker=1, reason="fetched"))
    hall.mentioned(
        "locker.released reason=fetched", "task.resolved", f"card.cleared card={who.card} reason=locker_released"
    )


def test_given_back_as_collected_while_the_door_stands_open_it_frees_itself_when_shut(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.enters(who).leaves(who).taps("lockers", who.card).door(1, "open")
    assert give_back(hall, who.card) == [1]
    hall.door(1, "closed").forget()
    hall.later(MINUTE).said(
        "locker.released locker=1 reason=collected",
        "task.resolved reason=done",
        f"card.cleared card={who.card} reason=locker_released",
    )


def test_given_back_as_collected_a_forced_locker_is_freed_by_no_one_but_a_guard(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.enters(who).leaves(who).door(1, "open")
    assert give_back(hall, who.card) == [1]
    hall.door(1, "closed").later(5 * MINUTE)
    assert hall.hall.lockers[1].visit == who.visit


def test_given_back_as_collected_an_unreadable_locker_stays_owned(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.enters(who).leaves(who).door(1, "unknown")
    assert give_back(hall, who.card) == [1]
    hall.door(1, "closed").later(5 * MINUTE)
    assert (hall.hall.lockers[1].visit, hall.tasks) == (who.visit, ["not_collected"])


def test_still_owned_half_an_hour_after_the_end_is_a_task_never_an_opening(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    give_back(hall, who.card, collected=False)
    hall.later(29 * MINUTE).forget()
    hall.later(MINUTE).said("locker.overdue locker=1", "task.raised reason=still_owned locker=1")
    hall.later(60 * MINUTE).silent()
    assert hall.outputs.locks == {}


def test_a_locker_left_over_night_is_still_asked_for_on_the_next_day(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    give_back(hall, who.card, collected=False)
    hall.asks(i.CloseSession(actor="x", exception="late"))
    hall.asks(i.OpenSession(actor="x", day="2026-11-22"))
    hall.later(30 * MINUTE).mentioned("task.raised reason=still_owned locker=1")


# -- locks that do not open, doors that do by themselves


@pytest.mark.parametrize(("purpose", "freed"), [("deposit", True), ("reopen", False), ("collect", False)])
def test_three_pulses_in_ten_seconds_then_it_is_jammed(hall: Story, purpose: str, freed: bool) -> None:
    who = hall.party()
    if purpose != "deposit":
        hall.deposits(who)
    if purpose == "collect":
        hall.enters(who).leaves(who)
    hall.taps("lockers", who.card).forget()
    hall.later(9_999).said("locker.pulsed attempt=2", "locker.pulsed attempt=3")
    released = ["locker.released reason=jammed"] if freed else []
    hall.later(1).said(f"locker.jammed locker=1 purpose={purpose}", *released, "task.raised reason=jammed locker=1")
    assert hall.sign == ("LOKER 01 RUSAK TEMPEL LAGI" if freed else "LOKER 01 PANGGIL PETUGAS")
    hall.taps("lockers", who.card)
    hall.said(
        *(["locker.assigned locker=2", "locker.pulsed locker=2"] if freed else [f"locker.pulsed purpose={purpose}"])
    )


def test_a_jam_ends_when_the_guard_puts_it_back_into_service(hall: Story) -> None:
    hall.taps("lockers", hall.party().card).later(10 * SECOND).forget()
    hall.asks(i.ServiceLocker(actor="tech-1", locker=1, into=True, reason="oiled"))
    hall.said("locker.in_service locker=1 actor=tech-1", "task.resolved reason=done")
    assert hall.hall.lockers[1].free


def test_left_open_is_told_to_the_visitor_then_to_a_guard(hall: Story) -> None:
    who = hall.party()
    hall.taps("lockers", who.card).door(1, "open").later(29 * SECOND).forget()
    hall.later(SECOND).said("locker.left_open locker=1 open_ms=30000")
    assert hall.sign == "TUTUP LOKER 01"
    hall.later(90 * SECOND).said("locker.left_open open_ms=120000", "task.raised reason=left_open locker=1")
    hall.later(MINUTE).silent()
    hall.door(1, "closed").said("locker.closed", "task.resolved reason=done actor=system")


@pytest.mark.parametrize("owned", [False, True])
@pytest.mark.parametrize("how", ["resolve", "service"])
def test_a_door_that_opens_without_our_pulse_is_frozen_until_a_guard_resolves_it(
    hall: Story, owned: bool, how: str
) -> None:
    who = hall.party()
    if owned:
        hall.deposits(who)
    hall.door(1, "open").said("locker.forced locker=1 reason=no_pulse", "task.raised reason=forced locker=1")
    hall.door(1, "closed").later(5 * MINUTE).said("locker.closed")
    if owned:
        hall.taps("lockers", who.card).said("locker.refused reason=frozen locker=1")
        assert hall.sign == "LOKER 01 PANGGIL PETUGAS"
    if how == "resolve":
        (task,) = hall.hall.tasks
        hall.asks(i.ResolveTask(actor="guard-1", task=task, reason="looked"))
        hall.said("task.resolved reason=looked actor=guard-1", "locker.in_service locker=1 actor=guard-1")
    else:
        hall.asks(i.ServiceLocker(actor="guard-1", locker=1, into=True, reason="looked"))
        hall.said("locker.in_service locker=1", "task.resolved reason=done")
    assert hall.hall.lockers[1].free is not owned


def test_a_forced_locker_in_its_last_minute_is_not_freed(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.enters(who).leaves(who).taps("lockers", who.card).door(1, "open").door(1, "closed")
    hall.door(1, "open").door(1, "closed").later(5 * MINUTE)
    assert (hall.hall.lockers[1].visit, hall.hall.lockers[1].fault) == (who.visit, "forced")


def test_content_in_a_locker_that_nobody_owns_is_a_task(hall: Story) -> None:
    hall.asks(i.InspectLocker(actor="guard-1", second="guard-2", locker=1, reason="smell"))
    hall.door(1, "open").forget()
    hall.door(1, "closed", True).said("locker.closed", "task.raised reason=content_found locker=1")


def test_a_content_sensor_is_heard_while_the_door_stays(hall: Story) -> None:
    hall.door(1, "closed", True).said("locker.readable door=closed content=True")
    hall.door(1, "closed", True).door(1, "closed", None).silent()


# -- doors that cannot be read


def test_a_door_that_cannot_be_read_is_opened_all_the_same_and_said_so(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.door(1, "unknown").said("locker.unreadable locker=1")
    hall.door(1, "unknown").silent()
    hall.taps("lockers", who.card).said("locker.pulsed purpose=reopen door=unknown attempt=1")
    hall.later(10 * SECOND).said("locker.unseen purpose=reopen", "task.raised reason=door_unreadable locker=1")
    hall.door(1, "closed").said("locker.readable door=closed", "task.resolved reason=done")
    assert hall.hall.lockers[1].visit == who.visit


def test_a_blind_opening_that_is_seen_in_the_end_opened(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.door(1, "unknown").taps("lockers", who.card).later(11 * SECOND).forget()
    hall.door(1, "open").said("locker.opened purpose=reopen", "task.resolved")


def test_a_door_that_turns_unknown_in_mid_opening_is_not_pulsed_again(hall: Story) -> None:
    who = hall.party()
    hall.taps("lockers", who.card).door(1, "unknown").forget()
    hall.later(5 * SECOND).silent()
    hall.door(1, "closed").said("locker.readable door=closed")  # it may have been open in between
    hall.later(5 * SECOND).said("locker.unseen purpose=deposit")
    hall.door(1, "open").mentioned("locker.forced reason=no_pulse")


def test_a_deposit_that_only_the_content_sensor_saw_stays_its_owners(hall: Story) -> None:
    """The board told of a shut door all the time, but a bag lies behind it now."""
    who = hall.party()
    hall.taps("lockers", who.card).forget()
    hall.later(4 * SECOND).said("locker.pulsed attempt=2")
    hall.door(1, "closed", True).said("locker.readable door=closed content=True")
    hall.later(4 * SECOND).said()  # a third pulse would open the door behind its owner's back
    hall.later(5 * SECOND).said("locker.unseen purpose=deposit", "task.raised reason=door_unreadable locker=1")
    assert hall.hall.lockers[1].visit == who.visit
    hall.taps("entry", who.card).mentioned("gate.granted")


def test_a_switch_that_was_caught_lying_is_not_believed_before_somebody_has_looked(hall: Story) -> None:
    """Every pulse of this locker may open its door, so each tap gives one."""
    who = hall.party()
    hall.taps("lockers", who.card).door(1, "closed", True).later(10 * SECOND).mentioned("locker.unseen purpose=deposit")
    hall.taps("lockers", who.card).mentioned("locker.pulsed purpose=reopen attempt=1").forget()
    hall.later(4 * SECOND).said().later(6 * SECOND).said("locker.unseen purpose=reopen")
    for into in (False, True):
        hall.asks(i.ServiceLocker(actor="guard-1", locker=1, into=into, reason="switch"))
    hall.taps("lockers", who.card).forget().later(4 * SECOND).said("locker.pulsed purpose=reopen attempt=2")
    hall.door(1, "open", True).said("locker.opened purpose=reopen")


def test_a_bag_that_goes_tells_that_the_door_was_open(hall: Story) -> None:
    who = hall.party()
    hall.taps("lockers", who.card).door(1, "open").door(1, "closed", True)
    hall.taps("lockers", who.card).forget()
    hall.door(1, "closed", False).said("locker.readable door=closed content=False")
    hall.later(4 * SECOND).said().later(6 * SECOND).mentioned("locker.unseen purpose=reopen")


def test_a_pulse_before_a_locker_went_out_of_service_explains_no_open_door_later(hall: Story) -> None:
    who = hall.party()
    hall.taps("lockers", who.card)
    hall.asks(i.ServiceLocker(actor="guard-1", locker=1, into=False, reason="broken"))
    hall.starts().forget()
    hall.door(1, "open", first=True).mentioned("locker.forced reason=found_open")


def test_the_opening_is_seen_although_the_sensor_failed_for_a_moment(hall: Story) -> None:
    hall.taps("lockers", hall.party().card).door(1, "unknown").door(1, "closed").forget()
    hall.door(1, "open").said("locker.opened purpose=deposit")


@pytest.mark.parametrize("back", ["open", "closed"])
def test_a_sensor_that_fails_while_the_door_stands_open_changes_nothing(hall: Story, back: i.DoorState) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.enters(who).leaves(who).taps("lockers", who.card).door(1, "open").door(1, "unknown").forget()
    hall.later(MINUTE).silent()
    if back == "open":
        hall.door(1, "open").said("locker.readable door=open", "locker.left_open open_ms=60000")
    hall.door(1, "closed").mentioned("locker.closed").later(MINUTE).mentioned("locker.released reason=collected")


def test_a_locker_found_open_behind_a_dead_board_was_forced(hall: Story) -> None:
    hall.deposits(hall.party())
    hall.door(1, "unknown").door(2, "unknown").forget()
    hall.door(1, "open").door(2, "open")
    hall.said(
        "locker.forced locker=1 reason=found_open", "task.raised reason=forced locker=1",
        "locker.forced locker=2 reason=found_open", "task.raised reason=forced locker=2",
    )  # fmt: skip


def test_a_new_hall_with_open_doors_is_no_crime(story: Begin) -> None:
    hall = story(read_doors=False)
    hall.door(1, "open", first=True).said("locker.opened purpose=unwatched", "task.raised reason=found_open")
    hall.door(1, "closed").said("locker.closed", "task.resolved reason=done")


def test_a_locker_that_the_site_does_not_have_is_not_heard(hall: Story) -> None:
    hall.door(99, "open").silent()


# -- a start in the middle of it


def test_a_start_moves_nothing_and_ends_the_pulse(hall: Story) -> None:
    who = hall.party()
    hall.taps("lockers", who.card).starts().forget()
    assert hall.outputs.locks == {}
    hall.later(MINUTE).silent()
    hall.taps("lockers", who.card).said("locker.pulsed purpose=reopen")


def test_a_door_that_our_last_pulse_opened_is_found_so(hall: Story) -> None:
    who = hall.party()
    hall.taps("lockers", who.card).starts().forget()
    hall.door(1, "open", first=True).said(f"locker.opened purpose=deposit card={who.card}")


def test_a_door_found_shut_ends_what_the_pulse_could_explain(hall: Story) -> None:
    hall.taps("lockers", hall.party().card).starts().forget()
    hall.door(1, "closed", first=True).said("locker.readable door=closed")
    hall.door(1, "open").mentioned("locker.forced reason=no_pulse")


def test_a_door_forced_while_nobody_watched_is_found_so(hall: Story) -> None:
    hall.deposits(hall.party())
    hall.starts().forget()
    hall.door(1, "open", first=True).said("locker.forced reason=found_open", "task.raised reason=forced")


@pytest.mark.parametrize("starts", [1, 2, 3])
def test_a_pulse_explains_the_first_look_at_its_door_however_many_starts_later(hall: Story, starts: int) -> None:
    """A start that dies before it has looked says nothing of the door; what the pulse allowed may have happened."""
    hall.taps("lockers", hall.party().card)
    for _ in range(starts):
        hall.starts()
    hall.forget().door(1, "open", first=True).said("locker.opened locker=1 purpose=deposit")


def test_an_old_pulse_explains_no_door_once_that_was_seen_shut(hall: Story) -> None:
    hall.taps("lockers", hall.party().card).starts().door(1, "closed", first=True).starts().forget()
    hall.door(1, "open", first=True).mentioned("locker.forced reason=found_open")


def test_collecting_goes_on_after_a_start_with_a_whole_minute(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.enters(who).leaves(who).taps("lockers", who.card).door(1, "open").starts()
    hall.door(1, "closed", first=True).later(50 * SECOND).starts().forget()
    hall.door(1, "closed", first=True).later(59 * SECOND).silent()
    hall.later(SECOND).said("locker.released reason=collected")


# -- a disk that cannot be written


def test_degraded_an_owner_collects_but_the_locker_is_not_freed_until_that_can_be_written(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.enters(who).leaves(who).happens(i.StorageFailed("EIO"))
    hall.taps("lockers", who.card).door(1, "open").door(1, "closed").forget()
    hall.later(5 * MINUTE).silent()
    hall.happens(i.StorageBack(0)).mentioned("storage.restored lost=0", "locker.released reason=collected")


def test_degraded_a_card_given_back_frees_its_locker_afterwards_without_a_guard(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.enters(who).leaves(who).happens(i.StorageFailed("EIO")).forget()
    assert give_back(hall, who.card) == [1]
    hall.said("card.returned", "card.quarantined reason=owns_locker", "visit.ended")
    hall.refuses(i.ReleaseLocker(actor="a", second="b", locker=1, reason="x"), "degraded")
    hall.later(2 * MINUTE).happens(i.StorageBack(0))
    hall.mentioned("locker.released reason=collected", "card.cleared reason=locker_released")


def test_degraded_a_jammed_deposit_keeps_its_owner(hall: Story) -> None:
    who = hall.party()
    hall.taps("lockers", who.card).happens(i.StorageFailed("EIO")).later(10 * SECOND)
    assert (hall.hall.lockers[1].visit, hall.hall.lockers[1].fault) == (who.visit, "jammed")


# -- guards


def test_an_inspection_opens_names_two_people_and_the_owner_sees_it_at_the_next_tap(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.asks(i.InspectLocker(actor="guard-1", second="guard-2", locker=1, reason="smell"))
    hall.said(
        "override.used action=inspect reason=smell actor=guard-1 second=guard-2 locker=1",
        f"locker.inspected locker=1 visit={who.visit} second=guard-2",
        "locker.pulsed locker=1 purpose=inspect actor=guard-1",
    )
    hall.door(1, "open").door(1, "closed").later(5 * MINUTE).forget()
    hall.taps("lockers", who.card).said("locker.pulsed purpose=reopen")
    assert hall.sign == "LOKER 01 DIPERIKSA PETUGAS"
    hall.door(1, "open").door(1, "closed").later(MINUTE).taps("lockers", who.card)
    assert hall.sign == "LOKER 01 DIBUKA"


def test_a_release_opens_and_gives_the_locker_out_again_only_when_seen_shut(hall: Story) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.asks(i.ReleaseLocker(actor="guard-1", second="guard-2", locker=1, reason="gone_home"))
    hall.said("override.used action=release", "locker.pulsed purpose=release", "locker.released reason=gone_home")
    assert not hall.hall.lockers[1].free
    hall.door(1, "open")
    assert not hall.hall.lockers[1].free
    hall.door(1, "closed")
    assert hall.hall.lockers[1].free


@pytest.mark.parametrize(("content", "free"), [(None, False), (False, True), (True, False)])
def test_a_release_whose_pulse_was_lost_gives_no_locker_out_that_may_be_full(
    hall: Story, content: bool | None, free: bool
) -> None:
    who = hall.party()
    hall.deposits(who)
    hall.asks(i.ReleaseLocker(actor="guard-1", second="guard-2", locker=1, reason="gone_home"))
    for _ in range(2):  # however often it starts
        hall.starts().door(1, "closed", content, first=True)
        assert hall.hall.lockers[1].free is free
    hall.asks(i.InspectLocker(actor="guard-1", second="guard-2", locker=1, reason="gone_home"))
    hall.door(1, "open", False).door(1, "closed", False)
    assert hall.hall.lockers[1].free


def test_a_release_of_an_open_locker_pulses_nothing(hall: Story) -> None:
    hall.taps("lockers", hall.party().card).door(1, "open").forget()
    hall.asks(i.ReleaseLocker(actor="guard-1", second="guard-2", locker=1, reason="gone_home"))
    hall.said("override.used", "locker.released")


def test_two_guards_before_an_open_door_record_what_they_see_and_nothing_moves(hall: Story) -> None:
    hall.door(2, "open").forget()
    hall.asks(i.InspectLocker(actor="guard-1", second="guard-2", locker=2, reason="found_open"))
    hall.said(
        "override.used action=inspect reason=found_open actor=guard-1 second=guard-2 locker=2",
        "locker.inspected locker=2 second=guard-2",
    )


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (i.InspectLocker(actor="a", locker=1, reason="x"), "second_needed"),
        (i.InspectLocker(actor="a", second="a", locker=1, reason="x"), "same_person"),
        (i.InspectLocker(actor="a", second="b", locker=99, reason="x"), "unknown_locker"),
        (i.ReleaseLocker(actor="a", locker=1, reason="x"), "second_needed"),
        (i.ReleaseLocker(actor="a", second="b", locker=1, reason="x"), "not_owned"),
        (i.ServiceLocker(actor="a", locker=1, into=True, reason="x"), "in_service"),
        (i.ServiceLocker(actor="a", locker=3, into=False, reason="x"), "out_of_service"),
        (i.ResolveTask(actor="a", task="T-000099", reason="x"), "unknown_task"),
    ],
)
def test_guards_are_refused_with_a_code(hall: Story, ask: i.Request, code: str) -> None:
    """Locker 2 stands open, locker 3 is out of service, locker 4 has just been pulsed."""
    hall.door(2, "open")
    hall.asks(i.InspectLocker(actor="a", second="b", locker=4, reason="smell"))
    hall.asks(i.ServiceLocker(actor="a", locker=3, into=False, reason="hinge"))
    hall.refuses(ask, code)


def test_a_site_may_settle_for_one_person(story: Begin) -> None:
    hall = story(reasons_two_people=())
    hall.asks(i.InspectLocker(actor="guard-1", locker=1, reason="smell"))
    hall.mentioned("override.used action=inspect actor=guard-1")


def test_a_task_about_anything_else_is_simply_resolved(hall: Story) -> None:
    hall.taps("lockers", hall.party().card).door(1, "open").later(2 * MINUTE)
    (task,) = hall.hall.tasks
    hall.forget()
    hall.asks(i.ResolveTask(actor="guard-1", task=task, reason="told_them"))
    hall.said("task.resolved reason=told_them actor=guard-1")
