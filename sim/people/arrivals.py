"""A day of visitors: everybody's story is begun here, for a run that then only lets time pass."""

from collections.abc import Collection

from hal.clock import Millis
from sim.durations import MINUTE
from sim.people.crowd import arrival_ms, somebody
from sim.people.everybody import People
from sim.people.guards import begin_guards
from sim.people.officers import begin_work
from sim.people.opening import close_hall, open_hall
from sim.people.trainee import train
from sim.people.visitors import visit

DOORS_MS: Millis = 1 * MINUTE
"""The first visitor comes so long after the officers."""
LAST_MS: Millis = 70 * MINUTE
"""Nobody comes later than so long before the end of the day; half of it later, closing begins."""


def fill(people: People, visitors: int, day_ms: Millis, only: Collection[int] | None = None) -> None:
    """Begin everybody's story: officers, guards, and visitors 1 to `visitors`, or those of them that `only` names. Who
    they are and when they come is the same whoever else is left out."""
    arrivals_ms = max(0, day_ms - LAST_MS) or day_ms
    numbers = [number for number in range(1, visitors + 1) if only is None or number in only]
    crowd = [somebody(people.seed, number, people.config, people.habits) for number in numbers]
    people.expected = len(crowd)
    agents = people.agents
    for number in range(people.habits.trainees):
        agents.begin(train(people, number))
    agents.begin(open_hall(people, people.hall.stock, [who for who in crowd if who.booking]))
    for who in crowd:
        agents.begin(visit(people, who), DOORS_MS + arrival_ms(people.seed, who.number, arrivals_ms))
    agents.begin(close_hall(people), DOORS_MS + (arrivals_ms + day_ms) // 2)
    begin_work(people)
    begin_guards(people, arrivals_ms)
