"""What is said against a hall that no story leads to: one contradiction a row, put there by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from firmware.core import inputs as i
from firmware.core.state import Card, Grant, Task, Visit
from firmware.core.valid import wrong_with
from tests.core.hall_story import CARDS, Story

Spoil = Callable[[Story], Any]
"""What is done to a hall with three parties: V-000001 with card 001 is inside and owns locker 1, V-000002 with card 002
waits, V-000003 with card 003 has gone home. Grant 4 lets the first out at the lane `main`. Ticket A-004 is called at
counter 1, A-005 waits. Card 004 is in stock. One task is open, for an exit reader that is gone."""


@pytest.fixture
def lived(hall: Story) -> Story:
    first, _, third = hall.party(adults=2, carried=1), hall.party(), hall.party()
    hall.deposits(first)
    hall.enters(first).enters(third).leaves(third)
    hall.asks(i.ReturnCard(actor="desk-1", card=third.card, collected=True))
    for _ in range(2):
        hall.asks(i.IssueTicket(actor="button", letter="A"))
    hall.asks(i.CallTicket(actor="desk-1", counter="1"))
    hall.taps("exit", first.card)
    hall.happens(i.HealthSeen("exit-2", "gone", "cable"))
    return hall


def test_nothing_is_said_against_a_hall_that_people_have_used(lived: Story) -> None:
    assert wrong_with(lived.hall, lived.site) == []


def visit(hall: Story, number: int) -> Visit:
    return hall.hall.visits[f"V-{number:06d}"]


def card(hall: Story, number: int) -> Card:
    return hall.hall.cards[CARDS[number - 1]]


def grants(hall: Story, lane: str = "main") -> list[Grant]:
    return hall.hall.lanes[lane].grants


def way(direction: Any = "in", visit: str = "V-000002", *, number: int = 5, persons: int = 1) -> Grant:
    return Grant(number, direction, persons, visit=visit)


def sets(what: Callable[[Story], object], **values: object) -> Spoil:
    """Fields of something in the hall are set as no fact sets them."""

    def spoil(hall: Story) -> None:
        for name, value in values.items():
            setattr(what(hall), name, value)

    return spoil


def both(*spoils: Spoil) -> Spoil:
    return lambda hall: [spoil(hall) for spoil in spoils]


def locker(number: int, **owner: str) -> Spoil:
    return sets(lambda hall: hall.hall.lockers[number], **owner)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (locker(1, card=""), "locker 1: owned by visit V-000001 with card none: half an owner"),
        (locker(2, card=CARDS[3]), "locker 2: owned by visit none with card card-004: half an owner"),
        (locker(2, visit="V-000009", card=CARDS[1]), "locker 2: its owner V-000009 is unknown"),
        (locker(2, visit="V-000002", card="foreign"), "locker 2: its card foreign is not enrolled"),
        (
            locker(2, visit="V-000002", card=CARDS[0]),
            "locker 2: its card card-001 owns lockers of V-000001 and V-000002",
        ),
        (locker(2, visit="V-000001", card=CARDS[0]), "visit V-000001: owns 2 lockers, where 1 are allowed"),
    ],
)  # fmt: skip
def test_a_locker_has_one_owner_who_exists(lived: Story, spoil: Spoil, said: str) -> None:
    assert said in after(lived, spoil)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (sets(lambda hall: card(hall, 4), number="001"), "card 001: 2 cards bear this number"),
        (sets(lambda hall: card(hall, 2), visit=""), "card 002: issued to nobody, which is no visit that goes on"),
        (
            sets(lambda hall: card(hall, 2), visit="V-000003"),
            "card 002: issued to V-000003, which is no visit that goes on",
        ),
        (sets(lambda hall: visit(hall, 2), card=CARDS[0]), "card 002: issued to V-000002, which holds another card"),
        (sets(lambda hall: card(hall, 2), visit="V-000001"), "card 002: V-000001 holds it and card 001"),
        (sets(lambda hall: card(hall, 4), visit="V-000002"), "card 004: in stock, and with V-000002"),
        (locker(2, visit="V-000002", card=CARDS[3]), "card 004: stock, and owns a locker"),
        (sets(lambda hall: card(hall, 1), state="retired"), "card 001: retired, and owns a locker"),
    ],
)  # fmt: skip
def test_a_card_is_in_one_place(lived: Story, spoil: Spoil, said: str) -> None:
    assert said in after(lived, spoil)


def test_the_number_of_a_retired_card_may_be_given_to_another(lived: Story) -> None:
    lived.asks(i.RetireCard(actor="desk-1", card=CARDS[3], reason="broken"))
    lived.asks(i.EnrolCard(actor="desk-1", card="card-013", number="004"))
    assert wrong_with(lived.hall, lived.site) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (sets(lambda hall: visit(hall, 1), inside=3), "visit V-000001: 3 of 2 walkers are inside"),
        (sets(lambda hall: visit(hall, 1), carried_inside=-1), "visit V-000001: -1 of 1 carried are inside"),
        (sets(lambda hall: visit(hall, 2), inside=1), "visit V-000002: 1 are inside, and it has not started"),
        (sets(lambda hall: visit(hall, 2), ended_at=9), "visit V-000002: has ended, and goes on"),
        (sets(lambda hall: visit(hall, 2), card="foreign"), "visit V-000002: its card foreign is not enrolled"),
        (
            lambda hall: hall.hall.visits_ended.update(visits_ended_with_one_inside(hall)),
            "visit V-000003: has ended, and 1 of it are inside",
        ),
        (
            lambda hall: hall.hall.visits.update(hall.hall.visits_ended),
            "visit V-000003: is among those that go on and those that ended",
        ),
    ],
)  # fmt: skip
def test_a_party_is_inside_in_part_or_whole(lived: Story, spoil: Spoil, said: str) -> None:
    assert said in after(lived, spoil)


def visits_ended_with_one_inside(hall: Story) -> dict[str, Visit]:
    ended = hall.hall.visits_ended["V-000003"]
    ended.inside = 1
    return {ended.visit: ended}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda hall: grants(hall, "second").append(way(number=4)), "grant 4: is given twice"),
        (
            both(
                lambda hall: grants(hall).append(way()), lambda hall: grants(hall, "second").append(way(number=6))
            ),
            "visit V-000002: has two ways in at once",
        ),
        (
            lambda hall: grants(hall).append(way("out", "V-000003")),
            "grant 5 at main: is of V-000003, which is no visit that goes on",
        ),
        (sets(lambda hall: grants(hall)[0], passed=2), "grant 4 at main: 2 of 2 have passed, and it stands"),
        (lambda hall: grants(hall).append(way(number=9)), "grant 9 at main: only 4 were given so far"),
        (
            both(lambda hall: grants(hall).append(way()), sets(lambda hall: hall.hall, lockdown=True)),
            "grant 5 at main: a way in, in lockdown",
        ),
        (
            both(lambda hall: grants(hall).append(way()), sets(lambda hall: hall.hall, emergency=True)),
            "grant 5 at main: a way in, in emergency",
        ),
    ],
)  # fmt: skip
def test_a_right_of_way_is_given_once(lived: Story, spoil: Spoil, said: str) -> None:
    assert said in after(lived, spoil)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda hall: hall.hall.serving.update({"2": "A-005"}), "counter 2: serves A-005, which is waiting"),
        (lambda hall: hall.hall.serving.update({"2": "A-004"}), "counter 2: serves A-004, which is called"),
        (lambda hall: hall.hall.serving.update({"2": "A-099"}), "counter 2: serves A-099, which is unknown"),
        (lambda hall: hall.hall.serving.clear(), "ticket A-004: called at 1, which does not serve it"),
        (
            both(
                lambda hall: hall.hall.serving.clear(), sets(lambda hall: hall.hall.tickets["A-004"], counter="")
            ),
            "ticket A-004: called at no counter, which does not serve it",
        ),
        (sets(lambda hall: hall.hall.tickets["A-005"], place=1), "place 1: more than one ticket stands there"),
        (lambda hall: hall.hall.issued.update(A=4), "class A: ticket 5 is known, and 4 were issued"),
        (lambda hall: hall.hall.issued.update(P=-1), "class P: ticket 0 is known, and -1 were issued"),
    ],
)  # fmt: skip
def test_a_place_in_the_queue_is_one_tickets(lived: Story, spoil: Spoil, said: str) -> None:
    assert said in after(lived, spoil)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (sets(lambda hall: hall.hall, unattributed=-4), "count: -1 are inside, and nobody suspects it"),
        (sets(lambda hall: hall.hall, fire_active=True), "fire: the contact is active, and no emergency stands"),
        (sets(lambda hall: hall.hall, lockdown=True), "mode: lockdown, where open was announced"),
        (
            lambda hall: hall.hall.tasks.update({"K-000007": Task("K-000007", "jammed", 0)}),
            "task K-000007: only 1 were raised so far",
        ),
    ],
)  # fmt: skip
def test_the_hall_as_a_whole_agrees_with_itself(lived: Story, spoil: Spoil, said: str) -> None:
    assert said in after(lived, spoil)


def after(hall: Story, spoil: Spoil) -> list[str]:
    """What is said of the hall once it is spoilt; a copy, since the story is still to be proved."""
    spoilt = Story(hall.site)
    spoilt.hall = hall.refolded()
    spoil(spoilt)
    return wrong_with(spoilt.hall, spoilt.site)
