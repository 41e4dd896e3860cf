"""Everything that a nightly soak must have met, by name; and the little that is left to tests, with the reason why.

A test holds these lists against the tables of `docs/rules.md`, which another holds against the rules themselves: what
is added there must be met here, or be excused.
"""

from collections import Counter
from collections.abc import Iterable

from firmware.core.facts import Fact


def _words(text: str) -> list[str]:
    return text.split()


ANSWERS = _words("""
bad_arguments booking_used card_issued card_lost card_quarantined card_retired counter_busy degraded enrolled
fire_active has_card has_ticket in_service is_closed is_open issued negative no_card no_change no_emergency no_ticket
nobody_called not_blocked not_called not_issued not_open not_owned not_waiting number_taken other_day out_of_service
owns_locker party_too_large queue_empty reason_needed recalled_enough same_person second_needed still_inside
unknown_booking unknown_card unknown_class unknown_counter unknown_locker unknown_task unknown_ticket unknown_visit
visit_ended no_answer unknown_action
""")
"""Codes with which a request is refused."""

CARD_REFUSALS = _words("unknown stock lost quarantined retired two_cards two_readers far_apart")
LOCKER_REFUSALS = _words(
    "closed lockdown degraded emergency search_needed search_refused inside granted full other_bank no_locker opening "
    "already_open frozen"
)
GATE_REFUSALS = _words(
    "closed lockdown degraded emergency search_needed search_refused inside granted granted_elsewhere wait full "
    "locker_open deposit_needed"
)

TASKS = _words("""
lost_card_used quarantined_card_used card_in_two_places two_cards_at_exit tailgated reversed gate_forced
exit_reader_down forced found_open jammed door_unreadable left_open content_left content_found not_collected still_owned
unresolved unmatched_exit
""")

SUSPICIONS = _words("restart fire lane_unwatched negative")

STATES = """
card - > stock|card stock > issued|card issued > stock|card issued > lost|card issued > quarantined|card lost > stock
card quarantined > stock|card stock > retired
ticket - > waiting|ticket waiting > called|ticket called > served|ticket called > missed|ticket called > parked
ticket waiting > parked|ticket parked > called|ticket missed > called
locker owned > open|locker open > shut|locker shut > open|locker shut > free|locker owned > jammed|locker shut > forced
locker jammed > in service|locker forced > in service|locker out of service > in service
locker shut > unreadable|locker unreadable > readable
mode - > open|mode open > closed|mode closed > open|mode open > degraded|mode degraded > open|mode open > emergency
mode emergency > open|mode open > lockdown|mode lockdown > open|mode emergency > degraded|mode degraded > emergency
mode closed > degraded|mode degraded > closed|mode closed > emergency|mode emergency > closed
""".replace("\n", "|").strip("|").split("|")

MACHINE = ["started", "kill", "power", "stop"]

LEFT_TO_TESTS = {
    "answer queue_full": "a class has 999 numbers a day: tests/core/test_core_queue.py",
    "answer too_many_bookings": "thousands of bookings; it is a bound, and not a day: tests/core/test_core_queue.py",
    "suspect surplus": "a party is counted as complete while its last one walks in, but guards who count stop the arm: "
    "tests/core/test_core_gate.py",
    "task journal_damaged": "over a damaged journal nothing is recorded, this task neither; it stands in the hall: "
    "tests/core/test_core_visits.py",
    "task facts_lost": "five thousand facts that no disk takes: tests/core/test_core_visits.py",
    "suspect facts_lost": "likewise: tests/core/test_core_visits.py",
}
"""What no day comes to, why, and the test that comes to it."""


def everything(faults: Iterable[str], habits: Iterable[str]) -> list[str]:
    """Every key that `Coverage.seen` must hold after a nightly soak."""
    return [
        *(f"fact {name}" for name in Fact.TYPES),
        *(f"fault {name}" for name in faults),
        *(f"habit {name}" for name in habits),
        *(f"answer {code}" for code in ANSWERS),
        *(f"refused card {reason}" for reason in CARD_REFUSALS),
        *(f"refused locker {reason}" for reason in LOCKER_REFUSALS),
        *(f"refused gate {reason}" for reason in GATE_REFUSALS),
        *(f"task {reason}" for reason in TASKS),
        *(f"suspect {reason}" for reason in SUSPICIONS),
        *STATES,
        *(f"machine {end}" for end in MACHINE),
    ]


def never_met(seen: Counter[str], faults: Iterable[str], habits: Iterable[str]) -> list[str]:
    """What is missing of everything."""
    return [key for key in everything(faults, habits) if not seen[key]]
