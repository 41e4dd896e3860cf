"""A family's whole visit, as the officer, the guard and the family see it on their pages, in both languages."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.at_pages import Display, Guard, Officer
from tests.e2e.conftest import Look
from tests.e2e.sim_process import CONFIG, Process, starter
from tests.hall_hands import until


@pytest.fixture(params=["id", "en"])
def hall(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Process]:
    """A hall whose site speaks one language or the other."""
    site = tmp_path / "config.yaml"
    site.write_text(re.sub(r"(?m)^language: id", f"language: {request.param}", CONFIG.read_text()))
    with starter(tmp_path) as start:
        process = start("--web", "127.0.0.1:0", config=site).with_staff()
        process.said["language"] = request.param
        yield process


def test_a_family_visits_and_every_page_tells_what_is_next(hall: Process, look: Look) -> None:
    url, hands, language = hall.said["web"], hall.hands, hall.said["language"]
    card = hands.world()["stock"][0]
    officer = Officer(look(url + "/desk"), language)
    officer.sign_in("officer-1", hall.pins["officer-1"])
    guard = Guard(look(url + "/guard"), language)
    guard.sign_in("guard-1", hall.pins["guard-1"])
    display = Display(look(url + "/"), language)
    for page in (officer.page, guard.page, display.page):
        expect(page.locator("html")).to_have_attribute("lang", language)
    expect(display.page.get_by_text(display.say("FREE"), exact=True)).to_be_visible()

    officer.take_counter("1")
    hands.press("ticket")
    expect(display.region("Next")).to_contain_text("A-001")
    officer.call_next("A-001")
    expect(display.called()).to_contain_text("A-001")
    expect(display.region("Last calls")).to_contain_text("A-001")
    until(lambda: "A-001" in hands.world()["sign"]["hall"], "the sign says the same")

    officer.register(adults=2, carried=1)
    hands.do("PUT", f"/readers/desk/cards/{card['uid']}")
    expect(officer.visit("A-001", "search")).to_contain_text(card["number"])
    hands.do("DELETE", f"/readers/desk/cards/{card['uid']}")
    officer.pass_search("A-001")
    expect(officer.visit("A-001", "deposit")).to_be_visible()

    hands.tap("lockers", card["uid"])
    locker = hands.open_door()
    hands.do("POST", f"/lockers/{locker}/door", {"to": "closed", "content": True})
    expect(officer.visit("A-001", "gate")).to_contain_text(officer.say("locker {n}", n=locker))
    expect(guard.inside()).to_have_text(re.compile("^0 / 60"))

    hands.family_enters(card["uid"])
    expect(guard.inside()).to_have_text(re.compile("^3 / 60"))
    expect(guard.party("A-001")).to_contain_text(card["number"])
    expect(display.fact("Inside")).to_have_text(re.compile(r"^3 / 60"))
    expect(officer.visit("A-001", "inside")).to_be_visible()

    hands.tap("exit", card["uid"])
    assert hands.push("out")
    assert hands.push("out", carrying=1)
    expect(guard.inside()).to_have_text(re.compile("^0 / 60"))
    expect(guard.region("Inside")).to_contain_text(guard.say("Nobody is inside."))
    hands.tap("lockers", card["uid"])
    hands.do("POST", f"/lockers/{hands.open_door()}/door", {"to": "closed", "content": False})
    expect(officer.visit("A-001", "collect")).to_be_visible()

    officer.keys("k")
    hands.do("PUT", f"/readers/desk/cards/{card['uid']}")
    collected = officer.button("All is collected")
    expect(collected).to_be_visible()
    officer.tab_to(collected)
    officer.keys("Enter")
    expect(officer.region("Visits")).to_contain_text(officer.say("No visits yet."))
    ended = until(lambda: hands.facts("visit.ended"), "the visit has ended")[-1]
    assert ended["stages"]["inside"] > 0
    assert [one["actor"] for kind in ("ticket.called", "visit.bound", "card.issued", "search.passed", "card.returned")
            for one in hands.facts(kind)] == ["officer-1"] * 5  # fmt: skip
