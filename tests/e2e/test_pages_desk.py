"""What an officer meets at the desk on a bad day, and that no key does what was not meant by it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.at_pages import Officer, judge
from tests.e2e.conftest import Look
from tests.e2e.sim_process import Process, Start, starter
from tests.hall_hands import until

OFFICE = {"width": 1366, "height": 768}
CUT = r"net::ERR_|status of (401|503)"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with starter(tmp_path) as go:
        yield go


@pytest.fixture
def hall(start: Start) -> Process:
    return start().with_staff()


def officer(hall: Process, look: Look, counter: str = "1", language: str = "id", id: str = "officer-1") -> Officer:
    one = Officer(look(f"{hall.said['web']}/desk?lang={language}", CUT, viewport=OFFICE), language)
    one.sign_in(id, hall.pins[id])
    if counter:
        one.take_counter(counter)
    return one


def test_in_an_emergency_the_desk_says_what_to_do_and_offers_no_other_step(hall: Process, look: Look, axe: str) -> None:
    one = officer(hall, look)
    hall.hands.press("ticket")
    one.call_next("A-001")
    hall.hands.do("PUT", "/contacts/fire", {"active": True})
    told = one.say(
        "All visitors go out now. Call nobody, register nobody, hand out no card, until the emergency is over."
    )
    bar = one.page.get_by_role("alert").filter(has_text=told)
    expect(bar).to_be_visible()
    expect(one.button("Register the visit")).to_have_count(0)
    one.keys("n")
    expect(one.region("Counter").get_by_role("alert")).to_have_text(
        one.say("Emergency: nobody is called or registered, and no card is handed out.")
    )
    judge(one.page, axe, "the desk in an emergency")
    hall.hands.do("PUT", "/contacts/fire", {"active": False})
    until(lambda: hall.hands.facts("emergency.cleared"), "the contact is at rest")
    hall.hands.desk("reset")
    expect(bar).to_have_count(0)
    expect(one.button("Register the visit")).to_be_visible()


def test_a_party_that_is_too_large_is_neither_cut_nor_registered(hall: Process, look: Look) -> None:
    one = officer(hall, look)
    hall.hands.press("ticket")
    one.call_next("A-001")
    expect(one.page.get_by_text(one.say("{ticket} is called.", ticket="A-001"))).to_be_visible()
    adults = one.page.get_by_role("textbox", name=one.say("Adults"), exact=True)
    for typed in ("9", "12"):
        one.page.keyboard.type(typed)
        one.keys("Enter")
        told = one.say("A party has at most {n} persons: the others take a number of their own.", n=5)
        expect(one.region("Counter").get_by_role("alert")).to_have_text(told)
        expect(adults).to_have_value(typed)
    one.register(adults=2, carried=1)
    assert hall.hands.facts("visit.bound")[-1]["adults"] == 2
    assert len(hall.hands.facts("visit.bound")) == 1


def test_the_digit_that_chooses_a_counter_is_no_digit_of_the_party_there(hall: Process, look: Look) -> None:
    hall.hands.press("ticket")
    hall.hands.desk("call", counter="2")
    one = officer(hall, look, counter="")
    one.button("Choose a counter").first.click()
    expect(one.dialog("Which counter is this?")).to_be_visible()
    one.keys("2")
    adults = one.page.get_by_role("textbox", name=one.say("Adults"), exact=True)
    expect(adults).to_be_focused()
    expect(adults).to_have_value("1")
    one.keys("t")
    asked = one.dialog("Send {ticket} to which counter?", ticket="A-001")
    expect(asked).to_be_visible()
    one.keys("9")
    one.keys("Escape")
    expect(adults).to_have_value("1")


def test_who_closes_the_sign_in_can_sign_in_later_and_is_told_why(start: Start, look: Look) -> None:
    before = start().with_staff()
    one = officer(before, look)
    before.end()
    after = start("--web", before.said["web"].removeprefix("http://")).with_staff()
    expect(one.dialog("Sign in")).to_be_visible()
    one.keys("Escape")
    why = one.say("You are signed out: the program began anew, or your shift is over. What you see here is old.")
    bar = one.page.get_by_role("alert").filter(has_text=why)
    expect(bar).to_be_visible()
    bar.get_by_role("button", name=one.say("Sign in")).click()
    one.sign_in("officer-1", after.pins["officer-1"])
    expect(bar).to_have_count(0)


def test_what_was_not_done_is_not_called_refused(hall: Process, look: Look) -> None:
    one = officer(hall, look)
    status = {"of": 503}

    def answer(route: Route) -> None:
        route.fulfill(status=status["of"], content_type="application/json", body=json.dumps({"detail": "no power"}))

    one.page.route("**/actions/ticket", answer)
    one.keys("g", "a")
    window = one.dialog("Give a number by hand")
    expect(window.get_by_role("alert")).to_have_text(one.say("refusal|no_answer"))
    status["of"] = 401
    one.page.route("**/session", lambda route: route.fulfill(json={"id": "officer-1", "locked": True}))
    one.keys("a")
    asked = one.dialog("Sign in")
    expect(asked).to_contain_text(one.say("Nobody used this page for a while: give your PIN, and it is done."))
    one.keys("Escape")
    expect(window.get_by_role("alert")).to_have_text(one.say("Not done: no PIN was given."))


def test_a_search_finds_by_number_and_can_be_made_again_at_once(hall: Process, look: Look) -> None:
    one = officer(hall, look)
    for _ in range(3):
        hall.hands.press("ticket")
    expect(one.region("Queue")).to_contain_text("A-003")
    for typed, ticket in (("3", "A-003"), ("/a-2", "A-002"), ("A-1", "A-001")):
        one.keys("/")
        one.page.keyboard.type(typed)
        one.keys("Enter")
        expect(one.page.get_by_role("dialog", name=ticket)).to_be_visible()
        one.keys("Escape")
    one.keys("/")
    one.page.keyboard.type("11")
    one.keys("Enter")
    found = one.dialog("Find")
    expect(found).to_contain_text(one.say("Card {number}", number="011"))
    expect(found).to_contain_text(one.say("Locker {n}", n=11))


def test_what_keeps_a_session_open_is_told_with_whose_it_is(hall: Process, look: Look) -> None:
    card = hall.hands.world()["stock"][0]
    hall.hands.family_at_the_gate(card["uid"], card["number"])
    one = officer(hall, look)
    hall.hands.desk("close")
    expect(one.button("session|closing")).to_be_visible()
    one.button("session|closing").click()
    window = one.dialog("The session is closing")
    expect(window).to_contain_text(f"{one.say('Card {number} is not back', number=card['number'])} (A-001)")
    expect(window).to_contain_text(f"{one.say('Locker {n} is not free', n=1)} (A-001)")
    window.get_by_role("button", name=one.say("Back")).click()
    expect(window).to_have_count(0)


def test_another_counters_card_that_lies_there_still_is_no_refusal(hall: Process, look: Look) -> None:
    hands = hall.hands
    first, second = hands.world()["stock"][:2]
    for _ in range(2):
        hands.press("ticket")
    for counter in ("1", "2"):
        ticket = hands.desk("call", counter=counter)["ticket"]
        visit = hands.desk("bind", ticket=ticket, adults=1)["visit"]
        if counter == "1":
            hands.do("PUT", f"/readers/desk/cards/{first['uid']}")
            hands.desk("issue", visit=visit, reader="desk")
    one = officer(hall, look, counter="2")
    lift = one.say("Card {number} was handed out: lift it, and lay down another.", number=first["number"])
    expect(one.region("Counter").get_by_text(lift)).to_be_visible()
    expect(one.region("Counter").get_by_role("alert")).to_have_count(0)
    hands.do("DELETE", f"/readers/desk/cards/{first['uid']}")
    hands.do("PUT", f"/readers/desk/cards/{second['uid']}")
    expect(one.visit("A-002", "search")).to_contain_text(second["number"])


@pytest.mark.parametrize("language", ["id", "en"])
def test_an_office_screen_shows_the_whole_step_even_beside_a_message(hall: Process, look: Look, language: str) -> None:
    one = officer(hall, look, language=language, id="supervisor-1")
    hall.hands.press("ticket")
    one.call_next("A-001")
    expect(one.page.get_by_text(one.say("{ticket} is called.", ticket="A-001"))).to_be_visible()
    hall.hands.desk("lockdown", on=True, reason="drill")
    expect(one.page.get_by_role("alert").filter(has_text=one.say("mode|lockdown"))).to_be_visible()
    one.keys("9", "Enter")
    expect(one.region("Counter").get_by_role("alert")).to_contain_text("5")
    for shown in (
        one.button("Other counter"),
        one.button("Finish without a visit"),
        one.page.get_by_role("textbox", name=one.say("Booking code, if there is one")),
        one.button("New cards"),
    ):
        expect(shown).to_be_in_viewport(ratio=1)
