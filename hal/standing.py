"""A device's health with inertia, so that a bad contact gives one fall and one rise, not a storm of them."""

from hal.seen import Health


class Standing:
    """Falls after `strikes` bad signs in a row, rises after `recovery` good ones in a row."""

    def __init__(self, *, strikes: int, recovery: int) -> None:
        self.health = Health.OK
        self.detail = ""
        self._strikes_most, self._recovery = strikes, recovery
        self._strikes = 0
        self._same = 0
        """Bad signs of one kind in a row."""
        self._kind = Health.OK
        self._good = 0

    def good(self) -> None:
        self._strikes = self._same = 0
        if self.health is Health.OK:
            return
        self._good += 1
        if self._good >= self._recovery:
            self.health, self.detail = Health.OK, ""
            self._good = 0

    def bad(self, kind: Health, detail: str, *, certain: bool = False) -> None:
        """A bad sign. A `certain` one needs no second; once fallen, another kind must show as often to be told."""
        most = self._strikes_most
        self._good = 0
        self._strikes = min(self._strikes + 1, most)
        self._same = min(self._same + 1, most) if kind is self._kind else 1
        self._kind = kind
        fallen = self.health is not Health.OK
        if kind is not self.health and (certain or (self._same if fallen else self._strikes) >= most):
            self.health, self.detail = kind, detail

    @property
    def picture(self) -> object:
        """Equal to an earlier one when nothing has moved since."""
        return self.health, self._strikes, self._same, self._good
