"""What rounds through a reader's field add up to: arrivals, departures and collisions, without flicker.

A card is lost to a reader now and then, at the edge of the field or in somebody's moving hand; so a departure takes
several rounds in a row, and so does a single card's coming out of a collision, where now one and now the other answers.
An arrival takes one round: the card itself has confirmed its UID.
"""

from collections.abc import Sequence
from enum import Enum, auto

from hal.seen import CardArrived, CardLeft, CardsCollided, CardSeen

STEADY = 3
"""Rounds in a row that make a departure, or a single card after a collision."""


class Field(Enum):
    """What a round found, when it was not exactly one card."""

    EMPTY = auto()
    SEVERAL = auto()
    UNREADABLE = auto()


class CardField:
    """What has been told of a field, and what a round's outcome changes in it."""

    def __init__(self) -> None:
        self.present: bytes | None = None
        """The card that has arrived and not left."""
        self._collided = False
        self._alone: tuple[bytes, int] = (b"", 0)
        """After a collision: the card that has been alone since, and for how many rounds."""
        self._misses = 0

    @property
    def picture(self) -> object:
        """Equal to an earlier one when nothing has moved since."""
        return self.present, self._collided, self._alone, self._misses

    def keeps(self, found: bytes | Field) -> bool:
        """Whether one more round that finds the same would change nothing and tell nothing."""
        if isinstance(found, Field):
            return self._collided if found is Field.SEVERAL else self._misses >= STEADY
        return found == self.present and not self._collided and not self._misses

    def tell(self, found: bytes | Field) -> Sequence[CardSeen]:
        """One more round is over: what is new."""
        if found is Field.SEVERAL:
            self._misses, self._alone = 0, (b"", 0)
            if self._collided:
                return ()
            self._collided = True
            return (CardsCollided(),)
        if isinstance(found, Field):
            self._misses = min(self._misses + 1, STEADY)
            if self._misses < STEADY:
                return ()
            self._collided, self._alone = False, (b"", 0)
            return self._left()
        self._misses = 0
        if self._collided:
            self._alone = (found, self._alone[1] + 1 if self._alone[0] == found else 1)
            if self._alone[1] < STEADY:
                return ()
            self._collided, self._alone = False, (b"", 0)
        if found == self.present:
            return ()
        left = self._left()
        self.present = found
        return (*left, CardArrived(found))

    def _left(self) -> Sequence[CardSeen]:
        uid, self.present = self.present, None
        return () if uid is None else (CardLeft(uid),)
