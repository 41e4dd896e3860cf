"""A real browser: Debian's Chromium without a screen, driven by Playwright. Whatever it complains of fails the test.

The browser lives no longer than its module, for while Playwright is there its thread has a running event loop, in which
other modules' tests could not start theirs.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.e2e.sim_process import ROOT
from tests.needed import missing

AXE = ROOT / ".venv" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
TV = {"width": 1920, "height": 1080}
PHONE = {"width": 360, "height": 740}
PATIENCE_MS = 20_000.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        missing("`chromium` is not installed (apt install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, which judges a page by WCAG."""
    if not AXE.exists():
        missing("`axe-core` is not installed (apt install npm; make test fetches it)")
    return AXE.read_text(encoding="utf-8")


class Window:
    """A page in a browser of its own, with everything that its console complained of."""

    def __init__(self, context: BrowserContext) -> None:
        context.set_default_timeout(PATIENCE_MS)
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda said: self._hear(said.type, f"{said.text} ({said.location.get('url', '')})"))
        self.page.on("pageerror", lambda error: self._hear("error", str(error)))

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"{kind}: {text}")


Look = Callable[..., Page]


@pytest.fixture
def look(browser: Browser) -> Iterator[Look]:
    """Opens pages, each in a browser of its own: `look(url)`, `look(url, viewport=PHONE, color_scheme="dark")`. At the
    end none may have complained; what a test expects to be complained of it names beforehand, `expected="refused"`, a
    pattern."""
    windows: list[tuple[Window, BrowserContext, str]] = []

    def go(url: str, expected: str = "", **settings: Any) -> Page:
        context = browser.new_context(**{"viewport": TV, "locale": "id-ID", "reduced_motion": "reduce"} | settings)
        window = Window(context)
        windows.append((window, context, expected))
        window.page.goto(url)
        return window.page

    yield go
    complaints = []
    for window, context, expected in windows:
        complaints += [one for one in window.complaints if not (expected and re.search(expected, one))]
        context.close()
    assert not complaints, "\n".join(complaints)
