"""A power cut whose dice are not thrown but chosen, so that every outcome can be had, one after the other."""

from collections.abc import Mapping, Sequence
from itertools import islice
from random import Random
from re import finditer

from sim.disk import VirtualDisk

RECORDS_MOST = 8
"""Of the records of a batch: behind so many the power may go."""
CHANGES_MOST = 40
"""More changes than this are never on their way, and no write is so short."""


class Choice(Random):
    """A power cut's dice, of which every throw can be chosen: `choices` first, then the least.

    `places`: by the length of a write, how much of it may be kept; of others, none but half.
    """

    def __init__(self, choices: Sequence[int], places: Mapping[int, Sequence[int]]) -> None:
        super().__init__(0)
        self._choices = choices
        self._places = places
        self.taken: list[int] = []
        self._of: list[int] = []

    def _choose(self, of: int) -> int:
        at = len(self.taken)
        self.taken.append(self._choices[at] if at < len(self._choices) else 0)
        self._of.append(of)
        return self.taken[at]

    def random(self) -> float:
        return (0.99, 0.0)[self._choose(2)]

    def randint(self, a: int, b: int) -> int:
        """How many of the changes are kept whole, or how many bytes of the next one."""
        numbers: Sequence[int] = range(a, b + 1)
        if b >= CHANGES_MOST:
            numbers = self._places.get(b, [b // 2])
        return numbers[self._choose(len(numbers))]

    def next(self) -> list[int] | None:
        """The choices of the next outcome; None after the last."""
        choices = list(self.taken)
        while choices:
            at = len(choices) - 1
            if choices[at] + 1 < self._of[at]:
                choices[at] += 1
                return choices
            choices.pop()
        return None


def places_in(disk: VirtualDisk) -> dict[int, Sequence[int]]:
    """Where a write that is on its way is worth being torn: behind each record, beside its own ends, and between."""
    places: dict[int, Sequence[int]] = {}
    for data in disk.unflushed():
        ends = [found.end() for found in islice(finditer(b"\n", data), RECORDS_MOST)]
        places[len(data)] = sorted({0, 1, len(data) // 2, len(data) - 1, len(data), *ends})
    return places
