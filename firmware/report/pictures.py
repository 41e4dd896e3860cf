"""The pictures of a day, in the order in which the head of a rutan asks. Each answers a question with its title.

Kept promises and broken ones differ in place and shape, trouble is hatched: the page must read the same in black on
white. A picture that has nothing to show is left out, and its answer says so.
"""

from collections.abc import Iterator

from firmware.report import hours, waits
from firmware.report.drawing import Picture
from firmware.report.figures import Figures
from firmware.report.timeline import timeline
from firmware.report.words import Words


def pictures(figures: Figures, words: Words) -> Iterator[Picture]:
    """All of a day's pictures."""
    if figures.seated:
        yield waits.promise(figures, words)
        yield from waits.minutes(figures, words)
    if figures.visits:
        yield from waits.stages(figures, words)
    yield hours.queue(figures, words)
    yield hours.inside(figures, words)
    yield hours.flow(figures, words)
    for name, bank in figures.banks.items():
        yield hours.lockers(figures, words, name, bank)
    yield timeline(figures, words)
