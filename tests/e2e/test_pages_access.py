"""Everybody can use the pages: who sees little, who has no mouse, who reads on a small phone, in light and in dark.

axe-core judges what a program can judge of WCAG 2.2 AA: contrast, names, labels, roles. One busy hall with troubles is
before all pages; each page is judged as it stands, and with each of its dialogs. Every test leaves the hall as busy as
it was, for they come in any order.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.at_pages import Display, Guard, Officer, Somebody, fits, judge
from tests.e2e.conftest import PHONE, TV, Look
from tests.e2e.sim_process import Process, starter
from tests.hall_hands import until

PATHS = ("/", "/desk", "/guard", "/sim", "/docs")
FACES = {"/desk": (Officer, "officer-1"), "/guard": (Guard, "guard-1")}


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Somebody inside, at the search, at the counter, waiting, put aside and missed; a forced locker, a reader away."""
    with starter(tmp_path_factory.mktemp("access")) as start:
        hall = start("--web", "127.0.0.1:0", "--speed", "20").with_staff()
        hands = hall.hands
        first, second = hands.world()["stock"][:2]
        hands.family_at_the_gate(first["uid"], first["number"])
        hands.family_enters(first["uid"])
        for letter in ("A", "A", "A", "A", "A", "P", "P"):
            hands.desk("ticket", **{"class": letter})
        ticket = hands.desk("call", counter="1")["ticket"]
        visit = hands.desk("bind", ticket=ticket, adults=1, children=1)["visit"]
        hands.desk("issue", visit=visit, card=second["number"])
        for end in ("park", "miss"):
            ticket = hands.desk("call", counter="1")["ticket"]
            hands.desk(end, **({"ticket": ticket} if end == "park" else {"counter": "1"}))
        hands.desk("call", counter="2")
        hands.do("POST", "/lockers/7/door", {"to": "forced"})
        hands.do("PUT", "/faults/entry", {"fault": "unplugged"})
        until(lambda: hands.do("GET", "/books")["tasks"], "the forced locker is a task")
        until(lambda: hands.health()["devices"]["entry"] != "ok", "the reader is missed")
        hands.do("PUT", "/speed", {"speed": 1})
        yield hall


def somebody(hall: Process, look: Look, path: str, **settings: Any) -> Somebody:
    """Whoever belongs before a page, signed in where that is asked."""
    page = look(hall.said["web"] + path, **settings)
    kind, id = FACES.get(path, (Somebody, ""))
    one = kind(page)
    if id:
        one.sign_in(id, hall.pins[id])
    drawn = {"/": "22", "/desk": "A-001", "/guard": "A-001", "/sim": "A-001", "/docs": "/healthz"}[path]
    expect(page.get_by_text(drawn).first).to_be_visible()
    return one


# -- every page as it stands


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_for_everybody(hall: Process, look: Look, axe: str, path: str) -> None:
    judge(somebody(hall, look, path).page, axe, path)


@pytest.mark.parametrize("path", PATHS)
def test_a_phone_shows_a_page_without_scrolling_sideways(hall: Process, look: Look, axe: str, path: str) -> None:
    one = somebody(hall, look, path, viewport=PHONE, has_touch=True, is_mobile=True)
    fits(one.page, whole=False)
    judge(one.page, axe, f"{path} on a phone")


@pytest.mark.parametrize("size", [TV, {"width": 1280, "height": 720}], ids=["1920x1080", "1280x720"])
def test_a_screen_on_the_wall_shows_everything_without_scrolling(
    hall: Process, look: Look, size: dict[str, int]
) -> None:
    one = somebody(hall, look, "/", viewport=size)
    fits(one.page, whole=True)
    biggest = one.page.evaluate(
        "Math.max(...[...document.querySelectorAll('body *')].map((one) => parseFloat(getComputedStyle(one).fontSize)))"
    )
    assert biggest >= 0.15 * size["height"], "the number called is read from eight metres"


def test_guards_see_all_at_once_on_their_screen(hall: Process, look: Look) -> None:
    fits(somebody(hall, look, "/guard").page, whole=True)


@pytest.mark.parametrize("path", ["/", "/desk", "/guard"])
def test_nothing_that_is_touched_is_too_small(hall: Process, look: Look, path: str) -> None:
    one = somebody(hall, look, path, viewport=PHONE, has_touch=True, is_mobile=True)
    small = one.page.evaluate(
        """() => [...document.querySelectorAll("button, select, input, a[href]")].filter((one) => {
          const { width, height } = one.getBoundingClientRect();
          return one.checkVisibility() && width && height && (height < 43.5 || width < 43.5);
        }).map((one) => one.outerHTML.slice(0, 140))"""
    )
    assert not small


# -- the dialogs


def dialogs(one: Somebody, openers: list[Locator], axe: str) -> None:
    """Open each with the keyboard, judge it, and leave it by Escape."""
    for opener in openers:
        name = opener.inner_text()
        opener.focus()
        one.keys("Enter")
        dialog = one.page.get_by_role("dialog").last
        expect(dialog).to_be_visible()
        judge(one.page, axe, f"dialog of {name!r}")
        focused = dialog.evaluate("dialog => dialog.contains(document.activeElement)")
        assert focused, f"the focus goes into the dialog of {name!r}"
        one.keys("Escape")
        expect(one.page.get_by_role("dialog")).to_have_count(0)


def test_signing_in_is_for_everybody(hall: Process, look: Look, axe: str) -> None:
    one = Somebody(look(hall.said["web"] + "/desk", r"status of 401"))
    asked = one.dialog("Sign in")
    expect(asked).to_be_visible()
    judge(one.page, axe, "sign in")
    one.page.keyboard.type("officer-1")
    one.keys("Tab")
    one.page.keyboard.type("000000")
    one.keys("Enter")
    expect(asked.get_by_role("alert")).to_have_text(one.say("This id and PIN do not go together."))
    expect(asked.get_by_role("textbox", name=one.say("PIN"))).to_be_focused()
    judge(one.page, axe, "sign in, refused")


@pytest.mark.parametrize("viewport", [TV, PHONE], ids=["wide", "phone"])
def test_the_dialogs_of_the_desk_are_for_everybody(
    hall: Process, look: Look, axe: str, viewport: dict[str, int]
) -> None:
    one = somebody(hall, look, "/desk", viewport=viewport)
    assert isinstance(one, Officer)
    deeds = one.page.get_by_role("navigation", name=one.say("Other tasks")).get_by_role("button")
    visits = one.region("Visits").get_by_role("button")
    openers = [one.button("Choose a counter").first, *deeds.all(), one.button("Keys"), visits.first]
    dialogs(one, [*openers, one.region("Queue").get_by_role("button").first], axe)


@pytest.mark.parametrize("viewport", [TV, PHONE], ids=["wide", "phone"])
def test_the_dialogs_of_the_guards_are_for_everybody(
    hall: Process, look: Look, axe: str, viewport: dict[str, int]
) -> None:
    one = somebody(hall, look, "/guard", viewport=viewport)
    assert isinstance(one, Guard)
    count = [one.button(text) for text in ("Count is right", "Recount", "Lockdown")]
    lockers = [one.page.get_by_role("button", name=re.compile(rf"^{one.say('Locker')} {n}\b")) for n in (1, 7, 48)]
    dialogs(one, [*count, *lockers, one.party("A-001"), one.region("To do").get_by_role("button").first], axe)


# -- without a mouse


def test_a_guard_settles_a_forced_locker_with_the_keyboard_alone(hall: Process, look: Look) -> None:
    guard = somebody(hall, look, "/guard")
    hall.hands.do("POST", "/lockers/9/door", {"to": "forced"})
    task = guard.region("To do").get_by_role("article").filter(has_text=guard.say("locker {n}", n=9))
    expect(task).to_contain_text(guard.say("task|forced"))
    done = task.get_by_role("button", name=guard.say("Done"))
    guard.tab_to(done)
    assert done.evaluate("one => getComputedStyle(one).outlineStyle !== 'none'"), "who has no mouse sees where they are"
    guard.keys("Enter")
    asked = guard.page.get_by_role("dialog")
    expect(asked).to_be_visible()
    guard.keys("Enter")  # the first reason has the focus
    expect(asked).to_have_count(0)
    expect(task).to_have_count(0)
    resolved = until(lambda: hall.hands.facts("task.resolved"), "the task is done")[-1]
    assert resolved["actor"] == "guard-1"


# -- trouble that fills the page


def test_an_emergency_fills_the_display_and_leads_out(hall: Process, look: Look, axe: str) -> None:
    display = Display(look(hall.said["web"] + "/"))
    guard = somebody(hall, look, "/guard")
    phone = Display(look(hall.said["web"] + "/", viewport=PHONE))
    hall.hands.do("PUT", "/contacts/fire", {"active": True})
    for one in (display, phone):
        expect(one.page.get_by_role("alert").filter(has_text=one.say("EXIT"))).to_be_visible()
        judge(one.page, axe, "emergency")
    fits(display.page, whole=True)
    fits(phone.page, whole=False)
    expect(guard.region("The hall")).to_contain_text(guard.say("mode|emergency"))
    judge(guard.page, axe, "guards in an emergency")
    fits(guard.page, whole=True)
    expect(guard.button("End the emergency").first).to_be_disabled()
    hall.hands.do("PUT", "/contacts/fire", {"active": False})
    expect(guard.button("End the emergency").first).to_be_enabled()
    hall.hands.desk("reset")
    expect(display.page.get_by_role("alert")).to_have_count(0)
