"""What somebody asks the desk who does not know better: for each refusal of the rules, the state that leads to it.

A mistake looks at the desk's page and asks for the wrong thing of what is there: a card that somebody holds, a locker
that nobody owns, a number that was served. Nothing may come of it, so each is chosen such that the state which makes it
one does not pass in a moment.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sim.people.crowd import Visitor
from sim.people.everybody import People

NAME = "trainee"
REASON = "trying"
SPARE_CARDS = 5
"""With fewer cards in the tray a trainee takes none of them."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the desk's page shows, and who stands about."""

    people: People
    hall: Mapping[str, Any]
    visits: list[Mapping[str, Any]]
    cards: list[Mapping[str, Any]]
    lockers: list[Mapping[str, Any]]
    ended: str
    """A visit that was on the page once, and is no more."""

    @property
    def mode(self) -> str:
        mode: str = self.hall["mode"]
        return mode

    @property
    def with_card(self) -> Mapping[str, Any] | None:
        return next((visit for visit in self.visits if visit["card"]), None)

    @property
    def seated(self) -> Mapping[str, Any] | None:
        """A visit that sits inside, by its card and in truth."""
        sitting = {me.visit for me in self.people.crowd.values() if me.where == "inside" and me.inside}
        return next((one for one in self.visits if one["card"] and one["inside"] and one["visit"] in sitting), None)

    @property
    def booked(self) -> Visitor | None:
        """Somebody who has come with a booking, and has become a visit."""
        return next((me for me in self.people.crowd.values() if me.booking and me.visit), None)

    @property
    def bound(self) -> Visitor | None:
        """Somebody whose number was served."""
        return next((me for me in self.people.crowd.values() if me.visit and me.ticket), None)

    @property
    def spare_card(self) -> str:
        """The printed number of the card that is given out last."""
        return self.people.tray[-1][0] if len(self.people.tray) >= SPARE_CARDS else ""

    @property
    def nobodys(self) -> int | None:
        """The locker that would be given out last."""
        free = [one for one in self.lockers if not one["visit"]]
        return max(free, key=lambda one: (one["uses"], one["locker"]))["locker"] if free else None

    def card(self, state: str) -> Mapping[str, Any] | None:
        return next((card for card in self.cards if card["state"] == state), None)

    def locker(self, fault: str) -> int | None:
        return next((one["locker"] for one in self.lockers if one["fault"] == fault), None)


Asked = tuple[str, Mapping[str, Any]]
"""An action, and its arguments."""
Mistake = Callable[[Page], Asked | None]
"""What is asked for, if the page is such that it must be refused."""


def _always(action: str, **args: Any) -> Mistake:
    return lambda _: (action, args)


def _issued_already(state: str) -> Mistake:
    """A card in this state for a visit that has one: by its hash, for a retired one has no number."""

    def mistake(page: Page) -> Asked | None:
        card, visit = page.card(state), page.with_card
        return ("issue", {"visit": visit["visit"], "card": card["card"]}) if card and visit else None

    return mistake


def _own_card_again(page: Page) -> Asked | None:
    visit = page.with_card
    return ("issue", {"visit": visit["visit"], "card": visit["card"]}) if visit else None


def _second_card(page: Page) -> Asked | None:
    visit = page.with_card
    return ("issue", {"visit": visit["visit"], "card": page.spare_card}) if visit and page.spare_card else None


def _no_card_there(page: Page) -> Asked | None:
    visit = page.with_card
    return ("issue", {"visit": visit["visit"], "reader": page.people.desk_reader().name}) if visit else None


def _known_card_enrolled(page: Page) -> Asked | None:
    enrolled = {card["number"] for card in page.cards if card["state"] != "retired"}
    known = next((one for one in page.people.hall.stock if one[0] in enrolled), None)
    return ("enrol", {"number": known[0], "uid": known[1]}) if known else None


def _number_given_again(page: Page) -> Asked | None:
    return ("enrol", {"number": page.spare_card, "uid": "04C0FFEE123456"}) if page.spare_card else None


def _release(second: str | None, *modes: str) -> Mistake:
    """A locker that nobody owns, opened by one or by two, in these modes."""

    def mistake(page: Page) -> Asked | None:
        if page.nobodys is None or (modes and page.mode not in modes):
            return None
        by_two = {"second": second} if second else {}
        return "release", {"locker": page.nobodys, "reason": REASON, **by_two}

    return mistake


def _service(fault: str, *, into: bool) -> Mistake:
    def mistake(page: Page) -> Asked | None:
        number = page.locker(fault)
        return None if number is None else ("service", {"locker": number, "in": into, "reason": REASON})

    return mistake


def _reset(page: Page) -> Asked | None:
    return ("reset", {}) if page.mode != "emergency" else None


def _reset_in_a_fire(page: Page) -> Asked | None:
    return ("reset", {}) if page.people.alarm and page.hall["fire_active"] else None


def _ask_bookings_again(action: str, **args: Any) -> Mistake:
    def mistake(page: Page) -> Asked | None:
        return (action, {"booking": page.booked.booking, **args}) if page.booked else None

    return mistake


def _ask_of_served(action: str, **args: Any) -> Mistake:
    def mistake(page: Page) -> Asked | None:
        return (action, {"ticket": page.bound.ticket, **args}) if page.bound else None

    return mistake


def _of_spare_card(action: str, **args: Any) -> Mistake:
    return lambda page: (action, {"card": page.spare_card, **args}) if page.spare_card else None


def _of_seated(action: str, **args: Any) -> Mistake:
    return lambda page: (action, {"card": page.seated["card"], **args}) if page.seated else None


def _at_counter(action: str, *, busy: bool) -> Mistake:
    def mistake(page: Page) -> Asked | None:
        serving = page.hall["serving"]
        counter = next((name for name in page.people.counters if (name in serving) is busy), None)
        return (action, {"counter": counter}) if counter else None

    return mistake


def _out_of_turn(page: Page) -> Asked | None:
    """The last of those who wait, without a reason; whoever is called all the same finds an officer there."""
    free = [name for name in page.people.counters if name not in page.hall["serving"]]
    waiting = [me for me in page.people.crowd.values() if me.where == "waiting" and me.ticket]
    return ("call", {"counter": free[0], "ticket": waiting[-1].ticket}) if free and len(waiting) > 2 else None


def _ended(page: Page) -> Asked | None:
    return ("search", {"visit": page.ended, "result": "refused", "reason": REASON}) if page.ended else None


def _card_with_locker(page: Page) -> Asked | None:
    owners = {one["visit"] for one in page.lockers if one["visit"]}
    kept = [card for card in page.cards if card["state"] == "quarantined" and card["visit"] in owners]
    return ("clear", {"card": kept[0]["number"], "reason": REASON}) if kept else None


def _in_modes(asked: Asked, *modes: str) -> Mistake:
    return lambda page: asked if page.mode in modes else None


MISTAKES: Mapping[str, Mistake] = {
    "booking_used": _ask_bookings_again("bind", adults=1),
    "card_issued": _own_card_again,
    "card_lost": _issued_already("lost"),
    "card_quarantined": _issued_already("quarantined"),
    "card_retired": _issued_already("retired"),
    "counter_busy": _at_counter("call", busy=True),
    "degraded": _release("guard-1", "degraded"),
    "enrolled": _known_card_enrolled,
    "fire_active": _reset_in_a_fire,
    "has_card": _second_card,
    "has_ticket": _ask_bookings_again("ticket"),
    "in_service": _service("", into=True),
    "is_open": lambda page: ("open", {}) if page.hall["session"] == "open" else None,
    "issued": _of_seated("retire", reason=REASON),
    "no_card": _no_card_there,
    "no_change": _in_modes(("lockdown", {"on": False, "reason": REASON}), "open"),
    "no_emergency": _reset,
    "nobody_called": _at_counter("recall", busy=False),
    "not_blocked": _of_spare_card("clear", reason=REASON),
    "not_called": _ask_of_served("bind", adults=1),
    "not_issued": _of_spare_card("return", collected=True),
    "not_open": _in_modes(("ticket", {"class": "A"}), "lockdown", "emergency", "degraded"),
    "not_owned": _release("guard-1", "open", "lockdown"),
    "not_waiting": _ask_of_served("park"),
    "number_taken": _number_given_again,
    "out_of_service": _service("out_of_service", into=False),
    "owns_locker": _card_with_locker,
    "reason_needed": _out_of_turn,
    "same_person": _release(NAME),
    "second_needed": _release(None),
    "still_inside": _of_seated("return", collected=True),
    "unknown_booking": _always("cancel_booking", code="NOBODYS"),
    "unknown_card": _always("clear", card="999999", reason=REASON),
    "unknown_class": _in_modes(("ticket", {"class": "Q"}), "open"),
    "unknown_counter": _always("recall", counter="99"),
    "unknown_locker": _always("service", locker=999, reason=REASON, **{"in": True}),
    "unknown_task": _always("resolve", task="K-999999", reason=REASON),
    "unknown_ticket": _always("park", ticket="Z-999"),
    "unknown_visit": _always("lost", visit="V-999999", reason=REASON),
    "visit_ended": _ended,
}
"""By the code of the refusal."""
