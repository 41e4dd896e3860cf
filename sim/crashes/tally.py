"""What a search for crashes has tried, and what came of it."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

FAILURES_MOST = 20
"""Nobody reads more."""


@dataclass
class Tally:
    """What was tried, and what came of it. Travels from a fork to its parent."""

    stories: int = 0
    stops: int = 0
    """Moments before or after an effect."""
    crashes: int = 0
    """Stops times ways to crash there: a kill, and each thing that a power cut may leave."""
    futures: int = 0
    """Crashes that differed in what they left, and were played on from."""
    effects: Counter[str] = field(default_factory=Counter)
    """Stops by the kind of effect."""
    endings: dict[tuple[str, ...], dict[str, str]] = field(default_factory=dict)
    """Story -> how it ended -> one way to that end, empty where nothing interrupted it."""
    failures: list[str] = field(default_factory=list)
    ends: set[bytes] = field(default_factory=set)
    """The ways in which the present action has ended, for whoever goes on from there."""
    again: set[bytes] = field(default_factory=set)
    """What second crashes, while the daemon came back, have left in the present action."""

    def add(self, other: "Tally") -> None:
        self.stories += other.stories
        self.stops += other.stops
        self.crashes += other.crashes
        self.futures += other.futures
        self.effects += other.effects
        self.failures = [*self.failures, *other.failures][:FAILURES_MOST]
        self.ends |= other.ends
        self.again |= other.again
        for story, endings in other.endings.items():
            ours = self.endings.setdefault(story, {})
            for how, way in endings.items():
                ours[how] = min(way, ours.get(how, way), key=len)

    @property
    def wrong(self) -> list[str]:
        """Everything that is not as it must be."""
        return [*self.failures, *self.differing()][:FAILURES_MOST]

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.effects.most_common())
        return (
            f"{self.stories} stories, {self.stops} stops ({kinds}), {self.crashes} crashes, "
            f"{self.futures} of them different"
        )

    def differing(self) -> Iterator[str]:
        """Stories that ended in more than one way. A crash's end is known before the one that it is held against."""
        for endings in self.endings.values():
            should: Any = next((json.loads(how) for how, way in endings.items() if not way), None)
            for how, way in endings.items():
                if way and (differing := _differing(should, _with_tasks_of(should, json.loads(how)))):
                    yield f"{way}: ended otherwise than uninterrupted: {differing}"


def _with_tasks_of(should: Any, found: Any) -> Any:
    """An ending without the tasks that a crash has brought; those that it took are still missing."""
    if should is None:
        return found
    return {**found, "tasks": {task: about for task, about in found["tasks"].items() if task in should["tasks"]}}


def _differing(one: Any, other: Any, where: str = "") -> str:
    """The smallest parts that are not the same, `tickets A-007: ['called', '1'] and ['waiting', '']`."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return f"{where}: {one} and {other}"
    keys = sorted(one.keys() | other.keys())
    return "; ".join(
        _differing(one.get(key), other.get(key), f"{where} {key}".strip())
        for key in keys if one.get(key) != other.get(key)
    )  # fmt: skip
