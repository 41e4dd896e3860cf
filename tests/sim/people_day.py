"""Short days among people of given habits, for tests: everybody's visits last two minutes at most."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from firmware.config import Config, load
from firmware.core import facts as f
from firmware.ledger import Told
from sim.day import Day
from sim.durations import MINUTE
from sim.people.habits import Habits
from sim.storm import Stroke

CONFIG = Path(__file__).parents[2] / "config.yaml"


@cache
def site() -> Config:
    """The sample hall, with short visits."""
    whole = load(CONFIG)
    return whole.model_copy(update={"visits": whole.visits.model_copy(update={"length": 2 * MINUTE})})


class PeopleDay(Day):
    """A day whose people are begun by `fill`, and of which nothing is asked at the end but what the test asks."""

    facts: list[f.Fact]

    def __init__(
        self, habits: Habits, *, seed: int = 1, visitors: int = 3, config: Config | None = None,
        day_ms: int = 3 * MINUTE, only: tuple[int, ...] | None = None, strokes: Sequence[Stroke] = (),
    ) -> None:  # fmt: skip
        self.facts = []
        self.crowd = visitors if only is None else len(only)
        super().__init__(
            config or site(), seed=seed, visitors=visitors, habits=habits, day_ms=day_ms, only=only, strokes=strokes
        )
        self.quiet = False

    def told(self, told: Sequence[Told]) -> None:
        self.facts += [one.fact for one in told]
        super().told(told)

    def later(self, ms: int, happens: Callable[[], None]) -> None:
        """Something happens so long after the beginning."""
        self.clock.after(ms * 1_000, happens)

    def of(self, kind: type[f.Fact]) -> list[f.Fact]:
        """The durable facts of this kind."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def went_home(self) -> None:
        """Everybody came, and everybody went; nobody is inside, no bag and no door was left."""
        figures = self.people.figures
        assert (figures.came, figures.went, self.hall.inside) == (self.crowd, self.crowd, 0)
        assert not self.people.crowd
        left = [number for number, locker in self.hall.lockers.items() if locker.content or locker.door == "open"]
        assert not left
