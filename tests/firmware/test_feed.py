"""What the pages show is made in the scan's thread, and a mistake in it stays a page's."""

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from firmware.api.feed import LEAST_MS, Feed
from firmware.controller import Controller
from tests.rig import Rig


class Wall:
    """A stream that keeps what is put up; everybody looks."""

    def __init__(self) -> None:
        self.up: dict[str, Mapping[str, Any]] = {}

    def pause(self) -> None:
        pass

    def wanted(self, topic: str) -> bool:
        return True

    def missing(self, topic: str) -> bool:
        return topic not in self.up

    def put(self, topic: str, position: Mapping[str, Any]) -> None:
        self.up[topic] = position


def test_a_page_that_cannot_be_made_does_not_end_the_hall(caplog: pytest.LogCaptureFixture) -> None:
    rig, wall, broken = Rig(), Wall(), [True]

    def display() -> Mapping[str, Any]:
        if broken[0]:
            raise KeyError("P")
        return {"is": "there"}

    def views(_controller: Controller) -> Mapping[str, Any]:
        return {"display": display, "desk": lambda: {"is": "there, too"}}

    feed = Feed(wall, views)  # type: ignore[arg-type]
    feed.watch(rig.daemon.controller)
    rig.daemon.watch = feed.look
    with caplog.at_level(logging.ERROR):
        rig.run(2_000)
    assert wall.up == {"desk": {"is": "there, too"}}
    assert [record.message for record in caplog.records if record.name == "besuk.pages"] == [
        "the page display cannot be made"
    ], "told once, with its trace, and not in each round"
    broken[0] = False
    rig.run(2 * LEAST_MS)
    assert wall.up["display"] == {"is": "there"}
