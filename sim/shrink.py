"""From a day on which something broke to the fewest people and strokes that still break it.

Delta debugging (Zeller and Hildebrandt, 2002): halves, then quarters, then ever smaller parts are left out, and what
can be left out stays out. Everybody and every stroke draws from a generator of their own, so that the others do the
same things when one is gone.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from sim.setting import Setting

T = TypeVar("T")

RUNS_MOST = 300
"""Days to try; then what is left is small enough, or must do."""


class Tries:
    """Counts the days that were tried, and ends the search when they are used up."""

    def __init__(self, breaks: Callable[[Setting], bool], most: int = RUNS_MOST) -> None:
        self.made = 0
        self._breaks = breaks
        self._most = most

    def still(self, setting: Setting) -> bool:
        """Whether this day breaks, too."""
        if self.made >= self._most:
            return False
        self.made += 1
        return self._breaks(setting)


def fewest(items: Sequence[T], breaks: Callable[[Sequence[T]], bool]) -> Sequence[T]:
    """A part of `items` that still breaks, and of which no smaller part tried does. `items` itself must break."""
    parts = 2
    while items:
        size = max(1, len(items) // parts)
        for start in range(0, len(items), size):
            left = [*items[:start], *items[start + size :]]
            if breaks(left):
                items, parts = left, max(2, parts - 1)
                break
        else:
            if size == 1:
                return items
            parts = min(len(items), 2 * parts)
    return items


def shrunk(setting: Setting, breaks: Callable[[Setting], bool], most: int = RUNS_MOST) -> Setting:
    """The smallest day found. `setting` names its strokes and visitors, and breaks."""
    tries = Tries(breaks, most)
    for _ in range(2):  # with fewer people, fewer strokes may do
        before = setting
        setting = _with_fewer_strokes(setting, tries)
        setting = _with_fewer_visitors(setting, tries)
        if setting == before:
            break
    return setting


def _with_fewer_strokes(setting: Setting, tries: Tries) -> Setting:
    strokes = fewest(setting.strokes or (), lambda left: tries.still(replace(setting, strokes=tuple(left))))
    return replace(setting, strokes=tuple(strokes))


def _with_fewer_visitors(setting: Setting, tries: Tries) -> Setting:
    only = fewest(setting.only or (), lambda left: tries.still(replace(setting, only=tuple(left))))
    return replace(setting, only=tuple(only))
