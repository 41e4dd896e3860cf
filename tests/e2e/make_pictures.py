"""Pictures of every page for `docs/pages.md`, from a running hall: `make pages`.

The hall is a real `besuk sim` with visitors of its own, some minutes old; troubles are made by its hands.
"""

import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.e2e.at_pages import Guard, Officer, Somebody  # noqa: E402
from tests.e2e.sim_process import Process  # noqa: E402
from tests.hall_hands import Hands, until  # noqa: E402

FOLDER = ROOT / "docs" / "pages"
WIDE = {"width": 1920, "height": 1080}
PHONE = {"width": 360, "height": 740}
SETTLE_MS = 1_500
COLOURS = 128
"""A page is flat: nobody sees that there are no more, and a repository keeps its pictures for long."""


class Studio:
    """One hall, one browser, and where the pictures go."""

    def __init__(self, browser: Browser, hall: Process) -> None:
        self.browser = browser
        self.hall = hall
        self.hands: Hands = hall.hands

    @contextmanager
    def page(self, path: str, size: dict[str, int] = WIDE, scheme: str = "light") -> Iterator[Page]:
        """A page of the hall, drawn."""
        context = self.browser.new_context(
            viewport={"width": size["width"], "height": size["height"]}, locale="id-ID", reduced_motion="reduce",
            color_scheme="dark" if scheme == "dark" else "light",
        )  # fmt: skip
        page = context.new_page()
        page.goto(self.hall.said["web"] + path)
        try:
            yield page
        finally:
            context.close()

    @contextmanager
    def officer(self, size: dict[str, int] = WIDE) -> Iterator[Officer]:
        with self.page("/desk", size) as page:
            one = Officer(page)
            one.sign_in("officer-1", self.hall.pins["officer-1"])
            one.take_counter("1")
            yield one

    @contextmanager
    def guard(self, size: dict[str, int] = WIDE, scheme: str = "light") -> Iterator[Guard]:
        with self.page("/guard", size, scheme) as page:
            one = Guard(page)
            one.sign_in("guard-1", self.hall.pins["guard-1"])
            yield one

    def shoot(self, page: Page, name: str) -> None:
        """Take the picture of what the window shows."""
        page.wait_for_timeout(SETTLE_MS)
        path = FOLDER / f"{name}.png"
        with Image.open(BytesIO(page.screenshot())) as picture:
            picture.convert("RGB").quantize(COLOURS).save(path, optimize=True)
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} KiB")  # noqa: T201


def of_the_display(studio: Studio) -> None:
    with studio.page("/") as page:
        studio.shoot(page, "display")
    with studio.page("/", PHONE) as page:
        studio.shoot(page, "display-phone")


def of_the_desk(studio: Studio) -> None:
    with studio.officer() as officer:
        if officer.button("Call the next").is_visible():
            officer.keys("n")
        studio.shoot(officer.page, "desk")
        officer.keys("k")
        studio.shoot(officer.page, "desk-return")
    with studio.officer(PHONE) as officer:
        studio.shoot(officer.page, "desk-phone")


def of_the_guards(studio: Studio) -> None:
    hands = studio.hands
    hands.do("POST", "/lockers/47/door", {"to": "forced"})
    hands.do("PUT", "/faults/exit", {"fault": "unplugged"})
    until(lambda: hands.health()["devices"]["exit"] != "ok", "the reader is missed")
    with studio.guard() as guard:
        studio.shoot(guard.page, "guard")
        guard.button("Recount").first.click()
        studio.shoot(guard.page, "guard-recount")
        guard.keys("Escape")
        guard.page.emulate_media(media="print")
        studio.shoot(guard.page, "muster")
    with studio.guard(scheme="dark") as guard:
        studio.shoot(guard.page, "guard-dark")
    with studio.guard(PHONE) as guard:
        studio.shoot(guard.page, "guard-phone")
    hands.do("DELETE", "/faults/exit")


def of_the_hall(studio: Studio) -> None:
    with studio.page("/sim") as page:
        studio.shoot(page, "sim")
    with studio.page("/sim", PHONE) as page:
        studio.shoot(page, "sim-phone")


def of_trouble(studio: Studio) -> None:
    """Last, for the hall is not the same afterwards."""
    with studio.page("/") as display, studio.guard() as guard:
        studio.hands.do("PUT", "/contacts/fire", {"active": True})
        studio.shoot(display, "display-emergency")
        studio.hands.do("PUT", "/contacts/fire", {"active": False})
        guard.button("End the emergency").first.click()
        guard.page.get_by_role("dialog").get_by_role("button", name=guard.say("Yes, it is safe: lock the arm")).click()
        until(lambda: studio.hands.occupancy()["mode"] == "open", "the emergency has ended")
        display.wait_for_timeout(SETTLE_MS)
        studio.hall.end(signal.SIGKILL)
        Somebody(display).page.get_by_role("alert").first.wait_for()
        studio.shoot(display, "display-lost")
        studio.shoot(guard.page, "guard-lost")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    program = shutil.which("chromium")
    if program is None:
        sys.exit("chromium was not found (apt install chromium)")
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        options = ("--web", "127.0.0.1:0", "--speed", "10", "--visitors", "1000")
        hall = Process(Path(folder) / "state", *options).with_staff()
        try:
            hands = hall.hands
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            studio = Studio(browser, hall)
            for letter in "AAAPAAAAAAAA":  # a queue: where nobody waits, there is no waiting time to show
                hands.desk("ticket", **{"class": letter})
            until(lambda: hands.occupancy()["inside"] >= 16, "the hall is busy", 300)
            with studio.page("/") as page:
                page.locator("#waits-part").wait_for(timeout=300_000)  # until enough is known of the pace
            hands.do("PUT", "/speed", {"speed": 1})
            for pictures in (of_the_display, of_the_desk, of_the_hall, of_the_guards, of_trouble):
                pictures(studio)
            browser.close()
        finally:
            hall.close()


if __name__ == "__main__":
    main()
