"""What guards and the public read while something is wrong: full, stopped, below zero, a lost card, a device away."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.at_pages import Display, Guard, fits
from tests.e2e.conftest import PHONE, Look
from tests.e2e.sim_process import Process, Start, starter
from tests.hall_hands import until

OFFICE = {"width": 1366, "height": 768}


@pytest.fixture
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    with starter(tmp_path_factory.mktemp("trouble")) as start:
        yield start


@pytest.fixture
def hall(start: Start) -> Process:
    """Open, and nobody has come yet."""
    return start().with_staff()


def guard_at(hall: Process, look: Look, who: str = "guard-1", expected: str = "", **settings: object) -> Guard:
    guard = Guard(look(hall.said["web"] + "/guard", expected, **settings))
    guard.sign_in(who, hall.pins[who])
    return guard


def test_a_stopped_hall_sends_nobody_to_a_counter(hall: Process, look: Look) -> None:
    display = Display(look(hall.said["web"] + "/"))
    hall.hands.press("ticket")
    until(lambda: hall.hands.facts("ticket.issued"), "the button gives a ticket")
    hall.hands.desk("call", counter="1")
    expect(display.called()).to_contain_text("A-001")
    hall.hands.desk("lockdown", on=True, reason="unrest")
    expect(display.called()).to_contain_text(display.say("Please wait"))
    expect(display.called()).not_to_contain_text("A-001")
    leaving = "Stopped for a moment: wait for the officers. Leaving is always possible."
    expect(display.page.get_by_role("status")).to_have_text(display.say(leaving))
    hall.hands.desk("lockdown", on=False, reason="all_clear")
    expect(display.called()).to_contain_text("A-001")


@pytest.mark.parametrize("language", ["id", "en"])
def test_a_hall_where_nobody_is_called_fits_a_phone(hall: Process, look: Look, language: str) -> None:
    display = Display(look(f"{hall.said['web']}/?lang={language}", viewport=PHONE), language)
    for text in ("Welcome", "Take a number and wait here until it is called."):
        expect(display.called()).to_contain_text(display.say(text))
    fits(display.page, whole=False)
    for counter in ("1", "2"):
        hall.hands.press("ticket")
        until(lambda: hall.hands.occupancy()["waiting"] == int(counter), "the button gives a ticket")  # noqa: B023
        hall.hands.desk("call", counter=counter)
    expect(display.region("Last calls").get_by_role("listitem")).to_have_count(2)
    fits(display.page, whole=False)
    for line in display.region("Last calls").get_by_role("listitem").all():
        assert line.evaluate("one => one.offsetHeight < 2 * parseFloat(getComputedStyle(one).fontSize)"), "in one line"


def test_a_party_that_does_not_fit_is_named_with_the_places_that_are_left(hall: Process, look: Look) -> None:
    card = hall.hands.world()["stock"][0]
    hall.hands.family_at_the_gate(card["uid"], card["number"])
    guard, display = guard_at(hall, look), Display(look(hall.said["web"] + "/"))
    family = guard.region("Inside").get_by_role("button", name=re.compile(r"^A-001\b"))
    short = guard.say("{people}, room for {n}", people=guard.say("{n} people", n=3), n=2)
    expect(family).not_to_contain_text(short)
    hall.hands.desk("capacity", capacity=2)
    expect(family).to_contain_text(short)
    hall.hands.do("PUT", "/speed", {"speed": 1})
    hall.hands.tap("entry", card["uid"])
    expect(display.page.get_by_role("status")).to_contain_text(display.say(
        "{full}: not enough room yet for the whole party, please wait", full=""))  # fmt: skip
    fits(display.page, whole=True)


def test_a_count_below_zero_is_no_number_and_only_counting_again_helps(hall: Process, look: Look) -> None:
    """A guard counts nobody though a family is inside; then one of them goes out."""
    card = hall.hands.world()["stock"][0]
    hall.hands.family_at_the_gate(card["uid"], card["number"])
    hall.hands.family_enters(card["uid"])
    hall.hands.desk("recount", present={}, unattributed=0, reason="counted_by_list")
    guard = guard_at(hall, look)
    hall.hands.press("exit_button")
    assert hall.hands.push("out")
    expect(guard.region("People inside")).to_contain_text("? / 60")
    task = guard.region("To do").get_by_role("article").filter(has_text=guard.say("The count may be wrong"))
    expect(task).to_contain_text(guard.say("More people went out than were counted in: recount."))
    expect(task.get_by_role("button")).to_have_text([guard.say("Recount")])
    expect(guard.button("Count is right")).to_have_count(0)
    expect(guard.page.get_by_text(re.compile(r"(^|\s)[-−]1\b"))).to_have_count(0)


def test_a_lost_card_at_the_exit_is_named(hall: Process, look: Look) -> None:
    card = hall.hands.world()["stock"][0]
    visit = hall.hands.family_at_the_gate(card["uid"], card["number"])
    hall.hands.family_enters(card["uid"])
    hall.hands.desk("lost", visit=visit, reason="lost_inside")
    guard = guard_at(hall, look)
    hall.hands.tap("exit", card["uid"])
    assert hall.hands.push("out")
    lost = f"{guard.say('card {card}', card=card['number'])}: {guard.say('cardstate|lost')}"
    for reason in ("unmatched_exit", "lost_card_used"):
        task = guard.region("To do").get_by_role("article", name=guard.say(f"task|{reason}"))
        expect(task).to_contain_text(f"A-001 · {lost}")
    expect(guard.region("People inside")).to_contain_text(guard.say("{n} too many in the list", n=1))


def in_view(page: Page, region: str) -> bool:
    """Whether the beginning of a part is seen without scrolling anything."""
    box = page.get_by_role("region", name=re.compile("^" + re.escape(region))).bounding_box()
    return box is not None and box["y"] >= 0 and box["y"] + 120 <= OFFICE["height"]


def test_a_device_in_trouble_is_seen_without_scrolling(hall: Process, look: Look) -> None:
    guard = guard_at(hall, look, viewport=OFFICE)
    hall.hands.do("PUT", "/faults/exit", {"fault": "unplugged"})
    expect(guard.region("Devices")).to_contain_text(guard.say("Let visitors out with the exit button."))
    assert in_view(guard.page, guard.say("Devices"))


def test_what_is_new_flashes_where_it_stands(hall: Process, look: Look) -> None:
    guard = guard_at(hall, look)
    expect(guard.region("To do")).to_contain_text(guard.say("Nothing to do. All is well."))
    hall.hands.do("POST", "/lockers/7/door", {"to": "forced"})
    expect(guard.region("To do")).to_have_css("outline-width", "4px")
    assert guard.region("Inside").evaluate("one => getComputedStyle(one).outlineWidth") != "4px"


def test_an_officer_is_told_to_be_no_second_person(hall: Process, look: Look) -> None:
    card = hall.hands.world()["stock"][0]
    hall.hands.family_at_the_gate(card["uid"], card["number"])
    guard = guard_at(hall, look)
    number = next(n for n, one in hall.hands.world()["lockers"].items() if one["content"])
    guard.page.get_by_role("button", name=re.compile(rf"^{guard.say('Locker')} {number}\b")).click()
    asked = guard.page.get_by_role("dialog")
    asked.get_by_role("textbox", name=guard.say("Staff id")).fill("officer-1")
    asked.get_by_role("textbox", name=guard.say("PIN")).fill(hall.pins["officer-1"])
    asked.get_by_role("button", name=guard.say("why|routine_check")).first.click()
    expect(asked.get_by_role("alert")).to_have_text(guard.say("refusal|second_role"))


def test_the_end_of_a_lockdown_says_that_it_is_one(hall: Process, look: Look) -> None:
    guard = guard_at(hall, look)
    hall.hands.desk("lockdown", on=True, reason="drill")
    guard.button("End the lockdown").click()
    asked = guard.dialog("End the lockdown")
    asked.get_by_role("button", name=guard.say("why|drill_over")).click()
    expect(guard.button("Lockdown")).to_be_visible()
