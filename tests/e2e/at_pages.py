"""People at the pages: what they read there, by the catalogue, and what they do with keys and fingers.

Texts are named by their English keys, so a better translation breaks no test, and each journey can be made in every
language. Nothing is found by a style or an id: what cannot be named cannot be used either.
"""

import json
import re
from collections.abc import Mapping

from playwright.sync_api import Locator, Page, expect

from firmware.texts import catalogue

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
BESIDE = {"region", "landmark-one-main", "page-has-heading-one", "heading-order"}
"""Good advice for a document of text; not asked of a page that is a tool."""


class Words:
    """What a language says."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts: Mapping[str, str] = catalogue(language)

    def __call__(self, english: str, **values: object) -> str:
        """A text, its gaps filled; a code as `stage|inside`."""
        text = self._texts.get(english, english.partition("|")[2] or english)
        for name, value in values.items():
            text = text.replace("{" + name + "}", str(value))
        return text


class Somebody:
    """One of the staff in front of a page."""

    def __init__(self, page: Page, language: str = "id") -> None:
        self.page = page
        self.say = Words(language)

    def button(self, english: str, **values: object) -> Locator:
        return self.page.get_by_role("button", name=self.say(english, **values))

    def region(self, english: str) -> Locator:
        name = re.compile("^" + re.escape(self.say(english)))
        return self.page.get_by_role("region", name=name).first

    def dialog(self, english: str, **values: object) -> Locator:
        return self.page.get_by_role("dialog", name=self.say(english, **values))

    def keys(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def sign_in(self, id: str, pin: str) -> None:
        """With the keyboard: the question stands there, and the first field that is empty has the focus."""
        asked = self.dialog("Sign in")
        name = asked.get_by_role("textbox", name=self.say("Staff id"))
        expect(name).to_be_visible()
        if not name.input_value():
            expect(name).to_be_focused()
            self.page.keyboard.type(id)
            self.keys("Tab")
        expect(asked.get_by_role("textbox", name=self.say("PIN"))).to_be_focused()
        self.page.keyboard.type(pin)
        with self.page.expect_response(lambda answer: answer.url.endswith("/session")) as answered:
            self.keys("Enter")
        assert answered.value.status == 200
        expect(asked).to_have_count(0)
        expect(self.page.get_by_text(id).first).to_be_visible()

    def tab_to(self, what: Locator, most: int = 80) -> None:
        """Go to it with the Tab key, as somebody without a mouse does."""
        for _ in range(most):
            if what.evaluate("element => element === document.activeElement"):
                return
            self.keys("Tab")
        raise AssertionError(f"not reached with {most} Tabs: {what}")


class Officer(Somebody):
    """At `/desk`, by keys alone."""

    def take_counter(self, counter: str) -> None:
        choose = self.region("Counter").get_by_role("button", name=self.say("Choose a counter"))
        expect(choose).to_be_visible()
        self.tab_to(choose)
        self.keys("Enter")
        asked = self.dialog("Which counter is this?")
        expect(asked).to_be_visible()
        self.tab_to(asked.get_by_role("button", name=self.say("Counter {counter}", counter=counter)))
        self.keys("Enter")
        expect(asked).to_have_count(0)

    def call_next(self, ticket: str) -> None:
        expect(self.button("Call the next")).to_contain_text(ticket)
        self.keys("n")
        expect(self.region("Counter").get_by_text(ticket, exact=True)).to_be_visible()

    def register(self, adults: int, carried: int) -> None:
        """The focus stands on the adults; a digit replaces what is there."""
        expect(self.page.get_by_role("textbox", name=self.say("Adults"), exact=True)).to_be_focused()
        self.keys(str(adults), "Tab")
        self.tab_to(self.page.get_by_role("textbox", name=self.say("Infants carried"), exact=True))
        self.keys(str(carried), "Enter")
        expect(self.page.get_by_text(self.say("Lay the card on the reader"))).to_be_visible()

    def pass_search(self, ticket: str) -> None:
        """`c` goes to those who wait for the search."""
        self.keys("c")
        expect(self.page.get_by_role("button", name=f"{ticket}: {self.say('Passed')}")).to_be_focused()
        self.keys("Enter")
        told = self.say("{ticket} passed the search. Next comes the locker.", ticket=ticket)
        expect(self.page.get_by_text(told)).to_be_visible()

    def visit(self, ticket: str, stage: str) -> Locator:
        """The line of a visit, when it has come so far."""
        said = self.say(f"stage|{stage}")
        return self.region("Visits").get_by_role("button", name=re.compile(rf"^{ticket} {re.escape(said)}"))


class Guard(Somebody):
    """At `/guard`."""

    def inside(self) -> Locator:
        """The count, as `3 / 60`."""
        return self.region("People inside").get_by_text(re.compile(r"^-?\d+ / \d+"))

    def party(self, ticket: str) -> Locator:
        """The line of somebody who is inside."""
        return self.region("Inside").get_by_role("button", name=re.compile(rf"^{ticket}\b"))


class Display(Somebody):
    """In front of `/`."""

    def called(self) -> Locator:
        return self.region("Now called")

    def fact(self, english: str) -> Locator:
        """What stands under a heading of the bottom line, such as `Inside`."""
        term = self.page.get_by_role("term").filter(has_text=re.compile(f"^{re.escape(self.say(english))}$"))
        return term.locator("xpath=following-sibling::*[1]")


# -- what may be said of every page


def judge(page: Page, axe: str, what: str) -> None:
    """What axe-core finds wrong, in light and in dark."""
    page.evaluate(axe + ";0")
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        result = page.evaluate("(levels) => axe.run({ runOnly: levels, resultTypes: ['violations'] })", LEVELS)
        for one in result["violations"]:
            if one["id"] not in BESIDE:
                nodes = [f"{node['target']} {node['failureSummary']}" for node in one["nodes"][:4]]
                found.append(f"{what}, {scheme}: {one['id']}: {one['help']}\n    " + "\n    ".join(nodes))
    page.emulate_media(color_scheme="light")
    assert not found, "\n".join(found)


def fits(page: Page, *, whole: bool) -> None:
    """Nothing beside the window; `whole`: nor below it."""
    size = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight, innerWidth, innerHeight]"
    )
    assert size[0] <= size[2], f"{size[0]} wide in a window of {size[2]}: {widest(page)}"
    assert not whole or size[1] <= size[3], f"{size[1]} high in a window of {size[3]}"


def widest(page: Page) -> str:
    return json.dumps(page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right >
          innerWidth + 1).slice(0, 5).map((one) => one.outerHTML.slice(0, 120))"""
    ))  # fmt: skip
