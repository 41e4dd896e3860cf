"""The line to the hall breaks: every page says so plainly, and comes back by itself when the hall does."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.at_pages import Display, Guard, Officer, Somebody, judge
from tests.e2e.conftest import Look
from tests.e2e.sim_process import Start, starter
from tests.hall_hands import until

CUT = r"net::ERR_|status of 401"
"""What a browser says by itself when a line is cut, and of a stream whose session ended with the hall."""
SILENCE_MS = 20_000
"""A page waits a while before it calls a silence a loss."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with starter(tmp_path) as go:
        yield go


def lost(somebody: Somebody) -> Locator:
    """The bar that says that what is shown is old."""
    said = re.compile("|".join(re.escape(somebody.say(text)) for text in (
        "Connection lost: what you see here is old. Listen to the officers at the counters.",
        "Connection lost: what you see here is old. Write down what you do, and call by voice.",
        "NO CONNECTION",
    )))  # fmt: skip
    return somebody.page.get_by_role("alert").filter(has_text=said).first


def test_a_hall_that_dies_is_missed_and_its_return_noticed(start: Start, look: Look, axe: str) -> None:
    before = start().with_staff()
    url, hands = before.said["web"], before.hands
    display = Display(look(url + "/", CUT))
    officer, guard = Officer(look(url + "/desk", CUT)), Guard(look(url + "/guard", CUT))
    officer.sign_in("officer-1", before.pins["officer-1"])
    guard.sign_in("guard-1", before.pins["guard-1"])
    officer.take_counter("1")
    hands.press("ticket")
    officer.call_next("A-001")
    expect(display.called()).to_contain_text("A-001")
    for somebody in (display, officer, guard):
        expect(lost(somebody)).to_have_count(0)

    before.end(signal.SIGKILL)
    for somebody in (display, officer, guard):
        expect(lost(somebody)).to_be_visible()
        judge(somebody.page, axe, f"{somebody.page.url} without a connection")
    expect(display.called()).to_contain_text("A-001")
    expect(guard.button("Print the list")).to_be_enabled()

    after = start("--web", url.removeprefix("http://")).with_staff()
    assert after.said["web"] == url
    expect(lost(display)).to_have_count(0)
    after.hands.press("ticket")
    expect(display.region("Next")).to_contain_text("A-002")
    officer.sign_in("officer-1", after.pins["officer-1"])
    guard.sign_in("guard-1", after.pins["guard-1"])
    for somebody in (officer, guard):
        expect(lost(somebody)).to_have_count(0)
    expect(officer.region("Counter")).to_contain_text("A-001")
    expect(officer.region("Queue")).to_contain_text("A-002")


def test_a_hall_that_hangs_is_missed_though_its_line_stands(start: Start, look: Look) -> None:
    hall = start().ready()
    display = Display(look(hall.said["web"] + "/", CUT))
    expect(display.fact("Lockers free")).to_have_text("48")
    hall.popen.send_signal(signal.SIGSTOP)
    try:
        expect(lost(display)).to_be_visible(timeout=SILENCE_MS)
    finally:
        hall.popen.send_signal(signal.SIGCONT)
    expect(lost(display)).to_have_count(0)
    hall.hands.press("ticket")
    expect(display.region("Next")).to_contain_text("A-001")


def test_whoever_is_signed_out_elsewhere_sees_nothing_more_and_signs_in_again(start: Start, look: Look) -> None:
    hall = start().with_staff()
    guard = Guard(look(hall.said["web"] + "/guard", CUT))
    guard.sign_in("guard-1", hall.pins["guard-1"])
    guard.page.context.clear_cookies()
    hall.hands.press("ticket")
    guard.button("Lockdown").click()
    asked = guard.dialog("Lockdown")
    asked.get_by_role("button", name=guard.say("why|drill")).click()
    guard.sign_in("guard-1", hall.pins["guard-1"])
    until(lambda: hall.hands.occupancy()["mode"] == "lockdown", "what was asked before the PIN is done after it")
    assert hall.hands.facts("hall.mode_changed")[-1]["mode"] == "lockdown"
