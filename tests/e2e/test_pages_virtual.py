"""A newcomer at `/sim`: one visit along the guide, then the power is cut and given back; all with the keyboard."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.at_pages import Display, Somebody
from tests.e2e.conftest import Look
from tests.e2e.sim_process import Process, starter
from tests.hall_hands import until

DARK = r"status of 503|net::ERR_"
"""What a browser says by itself of a hall without power."""


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with starter(tmp_path_factory.mktemp("virtual")) as start:
        yield start().with_staff()


class Newcomer(Somebody):
    """Before `/sim`."""

    def guide(self) -> Locator:
        return self.region("Guide")

    def at(self, step: str) -> None:
        """The guide has come to a step."""
        expect(self.guide().get_by_role("listitem").filter(has_text=self.say(step))).to_have_attribute(
            "aria-current", "step"
        )

    def officer(self) -> None:
        """Touch what the guide offers to have done by an officer."""
        offered = self.guide().get_by_role("button").filter(has_not_text="×")
        expect(offered).to_be_visible()
        offered.focus()
        self.keys("Enter")

    def touch(self, name: str) -> None:
        """Something in the hall, by what a screen reader says of it."""
        thing = self.region("The hall, drawn to scale").get_by_role("button", name=re.compile("^" + name))
        expect(thing.first).to_be_visible()
        thing.first.focus()
        self.keys("Enter")

    def choose(self, english: str) -> None:
        asked = self.page.get_by_role("dialog")
        asked.get_by_role("button", name=self.say(english)).focus()
        self.keys("Enter")


def test_a_newcomer_makes_a_whole_visit_along_the_guide(hall: Process, look: Look) -> None:
    hands = hall.hands
    visitor = Newcomer(look(hall.said["web"] + "/sim"))
    visitor.at("Take a number")
    visitor.touch(visitor.say("Take a number"))
    visitor.at("To the counter")
    visitor.officer()
    expect(visitor.guide()).to_contain_text("A-001")
    until(lambda: hands.facts("ticket.called"), "the officer has called")
    expect(visitor.guide().get_by_role("button").first).to_contain_text(
        visitor.say("Officer: register, and give card {number}").partition("{")[0]
    )
    visitor.officer()
    visitor.at("The search")
    visitor.officer()
    visitor.at("Bag into a locker")
    reader = visitor.say("Reader {name}: tap the card", name=f"{visitor.say('Lockers')}, lockers")
    visitor.touch(reader)
    until(lambda: any(one["door"] == "open" for one in hands.world()["lockers"].values()), "a locker opens")
    visitor.touch(visitor.say("Locker {number}: open and empty", number=1))
    visitor.choose("Put a bag in and shut it")
    visitor.at("Through the arm")
    for place, way, then in (("In, entry", "in", "Out again"), ("Out, exit", "out", "Bag and card back")):
        words, _, name = place.partition(", ")
        visitor.touch(visitor.say("Reader {name}: tap the card", name=f"{visitor.say(words)}, {name}"))
        until(lambda way=way: hands.arm() == f"free_{way}", "the arm yields")  # type: ignore[misc]
        visitor.touch(visitor.say(f"Push the arm: {way}"))
        visitor.at(then)
    visitor.touch(reader)
    until(lambda: hands.world()["lockers"]["1"]["door"] == "open", "the same locker opens")
    visitor.touch(visitor.say("Locker {number}: open, a bag in it", number=1))
    visitor.choose("Take the bag out and shut it")
    visitor.officer()
    ended = until(lambda: hands.facts("visit.ended"), "the visit has ended")[-1]
    assert ended["stages"]["inside"] > 0
    expect(visitor.guide()).to_contain_text(visitor.say(
        "That was a whole visit. Now pull a cable, start a fire, or cut the power, and see who is told what."
    ))  # fmt: skip


def test_the_power_goes_and_comes_back_and_every_page_with_it(hall: Process, look: Look) -> None:
    player = Newcomer(look(hall.said["web"] + "/sim", DARK))
    display = Display(look(hall.said["web"] + "/", DARK))
    expect(display.fact("Lockers free")).to_have_text(re.compile(r"^\d+$"))
    player.button("Cut the power").first.focus()
    player.keys("Enter")
    expect(player.page.get_by_text(player.say(
        "The power is off: the arm is free, the controller knows nothing, and its pages wait."
    ))).to_be_visible()  # fmt: skip
    expect(display.page.get_by_role("alert").filter(has_text=display.say("Connection lost: what you see here is old. "
           "Listen to the officers at the counters."))).to_be_visible()  # fmt: skip
    assert hall.hands.arm() == "free_both"
    boots = len(hall.hands.facts("hall.booted"))
    player.button("Give the power back").first.focus()
    player.keys("Enter")
    until(lambda: len(hall.hands.facts("hall.booted")) > boots, "the daemon has recovered")
    expect(display.page.get_by_role("alert")).to_have_count(0)
    hall.hands.press("ticket")
    expect(display.region("Next")).to_contain_text(re.compile(r"A-\d+"))
    until(lambda: hall.hands.arm() == "locked", "the arm is home")


def test_the_guide_says_what_is_in_the_way_before_it_goes_on(hall: Process, look: Look) -> None:
    hands = hall.hands
    newcomer = Newcomer(look(hall.said["web"] + "/sim", r"status of 409"))
    newcomer.at("Take a number")
    newcomer.touch(newcomer.say("Push the arm: out"))
    expect(newcomer.page.get_by_text(newcomer.say("Nobody is inside who could push."))).to_be_visible()
    hands.do("PUT", "/contacts/fire", {"active": True})
    expect(newcomer.guide()).to_contain_text(newcomer.say(
        "EMERGENCY: everybody may leave, nobody goes in. Let the fire contact go, then turn the key: fire over."
    ))  # fmt: skip
    hands.do("PUT", "/contacts/fire", {"active": False})
    until(lambda: hands.facts("emergency.cleared"), "the contact is at rest")
    hands.press("fire_reset")
    ask = newcomer.say("Press the ticket button by the entrance. It costs nothing: every visit is free.")
    expect(newcomer.guide()).to_contain_text(ask)
    hands.desk("lockdown", on=True, reason="unrest")
    told = newcomer.say("LOCKDOWN: {reason}", reason=newcomer.say("why|unrest"))
    expect(newcomer.page.get_by_text(told)).to_be_visible()
    newcomer.officer()
    expect(newcomer.guide()).to_contain_text(ask)


def test_a_hall_that_has_started_again_shows_its_new_pins(tmp_path: Path, look: Look) -> None:
    with starter(tmp_path) as start:
        before = start().with_staff()
        page = look(before.said["web"] + "/sim", DARK)
        expect(page.get_by_text(before.pins["guard-1"])).to_be_visible()
        before.end(signal.SIGKILL)
        after = start("--web", before.said["web"].removeprefix("http://")).with_staff()
        expect(page.get_by_text(after.pins["guard-1"])).to_be_visible()
        expect(page.get_by_text(before.pins["guard-1"])).to_have_count(0)
