"""Halls for the stories; each is proved when its story has been told."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.core.hall_story import Story


@pytest.fixture
def story() -> Iterator[Callable[..., Story]]:
    """Makes halls with other settings: `story(capacity=2)`."""
    told: list[Story] = []

    def begin(**settings: Any) -> Story:
        told.append(Story(**settings))
        return told[-1]

    yield begin
    for one in told:
        one.prove()


@pytest.fixture
def hall(story: Callable[..., Story]) -> Story:
    """An open hall with twelve cards in stock."""
    return story()
