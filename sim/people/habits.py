"""How people are: which of them do what a hall would rather they did not, how often, and how long everything takes.

Each share is a habit of its own and can be switched off by itself. Who has it is drawn for each visitor, habit by
habit, so that changing one share changes nobody's other habits. Two sets have names: `polite`, in which everybody does
as they should, and `real`. A set can be written down as YAML, where what is left out is as in `polite`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from firmware import explain
from firmware.quantities import Between, Duration, duration_text
from firmware.yaml_file import Place, YamlError, place_text, read
from sim.durations import MINUTE, SECOND

Range = tuple[int, int]


@dataclass(frozen=True)
class Pair:
    """Two values in one line, the smaller first; in Python a tuple of them."""

    one: Callable[[str], int]
    """Reads one of them. Raises ValueError."""
    text: Callable[[int], str]
    """Writes one of them."""
    allowed: str

    def read(self, value: object) -> Range:
        if isinstance(value, tuple) and len(value) == 2 and all(isinstance(each, int) for each in value):
            least, most = value
        else:
            match = re.fullmatch(r"(.+) to (.+)", value) if isinstance(value, str) else None
            if match is None:
                raise ValueError(value)
            least, most = self.one(match[1]), self.one(match[2])
        if not 0 <= least <= most:
            raise ValueError(value)
        return least, most

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)


def _percent(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text):
        raise ValueError(text)
    return int(text)


SPAN = Pair(Duration("0 ms", "4 h").read, duration_text, 'two times, the shorter first, such as "2 s to 6 s"')
PERCENTS = Pair(_percent, str, 'two percentages, the smaller first, such as "45 to 95"')

Share = Annotated[int, Between(0, 100, "percent")]
Times = Annotated[Range, SPAN]
OfTime = Annotated[Range, PERCENTS]
Few = Annotated[int, Between(0, 20)]


class Habits(BaseModel):
    """How people are. Shares are in percent; as it stands everybody is polite."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    # who comes
    priority: Share = 10
    """Elderly, pregnant, disabled, with infants: an officer gives them a ticket of that class."""
    booked: Share = 30
    """Have a booking."""
    deposits: Share = 90
    """Bring a bag; the others come with empty hands."""
    wheelchair: Share = 0
    """Slow in the arm; through the side gate where there is one."""
    slow: Share = 0
    """Take so long to begin that the arm may have locked again."""

    # tickets and calls
    presses_more: Share = 0
    """Press the ticket button more than once, and keep the first slip."""
    never_comes: Share = 0
    """Take a number and go home."""
    comes_late: Share = 0
    """Miss their call, and ask at a counter afterwards."""
    only_asks: Share = 0
    """Want to know something and are served without a visit."""

    # cards at readers
    taps_twice: Share = 0
    """Tap again at once."""
    hammers: Share = 0
    """Tap ten times a second."""
    withdraws: Share = 0
    """Lift the card after 30 to 80 ms, then tap properly."""
    impatient: Share = 0
    """Tap again when no door opens within three seconds."""
    wrong_reader: Share = 0
    """Tap at another reader first."""
    bank_card: Share = 0
    """Hold a card of their own to the reader first."""
    two_cards: Share = 0
    """Hold the card with another one in the same wallet."""
    friends_card: Share = 0
    """Hold it together with the card of another family, who wait for their search."""
    two_readers: Share = 0
    """Their card's double lies on another reader at the same moment."""
    child_plays: Share = 0
    """Give the card to a child who plays at a reader."""

    # lockers
    leaves_door: Share = 0
    """Leave the locker's door open and go on."""
    leaves_door_at_end: Share = 0
    """Take the bag and leave the door open."""
    forgets_bag: Share = 0
    """Give the card back and go home without the bag, and say so or not."""

    # the arm
    turns_back: Share = 0
    """Turn back in the arm, then go through."""
    tailgates: Share = 0
    """Go in behind somebody else, on whose card the arm is free."""
    forces: Share = 0
    """Push in by force when the arm stays locked."""
    lets_others_go: Share = 0
    """Wait for whoever stands behind; two of them wait for each other."""
    swaps_cards: Share = 0
    """Mix up their card with another family's, and go in on it."""
    slips_in: Share = 0
    """Go in without waiting when the arm stands free."""

    # the visit and after
    tries_anyway: Share = 0
    """Tap at lockers and gate although they were not searched yet, were refused at it, or have come out again."""
    overstays: Share = 0
    """Stay up to half as long again as they may."""
    keeps_card: Share = 0
    """Go home with the card in the pocket."""

    # officers, of what they do
    parks: Share = 0
    """Put a guest's number aside until papers are there."""
    transfers: Share = 0
    """Send a guest to another counter."""
    calls_out_of_order: Share = 0
    """Call somebody who is not the next, with a reason."""
    binds_wrong: Share = 0
    """Enter the wrong party, notice, and begin again with a new number."""
    issues_wrong: Share = 0
    """Type the number of another card, notice, and set it right."""
    asks_wrongly: Share = 0
    """Ask for what cannot be, before asking rightly."""
    search_refused: Share = 0
    """Find something at the search; it is passed the second time."""

    searchers: Annotated[int, Between(1, 20)] = 2
    """Officers who search body and belongings."""

    # guards
    guards: Few = 1
    """Guards who see to tasks and to those who ask for help."""
    miscounts: Share = 0
    """Recounts that are wrong by one, and are done again."""
    inspects: Share = 0
    """Rounds in which two guards look into an owned locker."""
    serviced: Share = 0
    """Rounds in which a free locker is taken out of service, and put back after a while."""
    stood_open: Share = 0
    """Mornings on which a locker's door stands open, from whenever."""
    waits_for_owner: Share = 0
    """Lockers with a forgotten bag that a guard leaves alone, for its owner may come back."""
    lockdowns: Few = 0
    """Times a day that the hall is locked down for some minutes."""

    trainees: Few = 0
    """Who learn at the desk: they ask for what cannot be, in whatever state the hall is, and run odd errands."""

    # how long things take
    walk_ms: Times = (2 * SECOND, 6 * SECOND)
    """From one station to the next."""
    identify_ms: Times = (15 * SECOND, 30 * SECOND)
    """Identity card and questions at the counter."""
    search_ms: Times = (12 * SECOND, 25 * SECOND)
    """Body and belongings, a person."""
    stow_ms: Times = (4 * SECOND, 9 * SECOND)
    """Bag in or out of an open locker."""
    react_ms: Times = (400, 1_200)
    """From seeing the arm free to pushing it."""
    through_ms: Times = (900, 1_500)
    """In the arm."""
    again_ms: Times = (8 * SECOND, 15 * SECOND)
    """Before trying again what was refused."""
    stay: OfTime = (45, 95)
    """Percent of the time that a visit may last."""
    come_ms: Times = (20 * SECOND, 90 * SECOND)
    """Until a guard has seen a task, or hears a call, and is there."""
    locked_down_ms: Times = (2 * MINUTE, 6 * MINUTE)
    """How long a lockdown lasts."""
    learn_ms: Times = (20 * SECOND, 2 * MINUTE)
    """From one thing that a trainee asks to the next."""
    patience_ms: Times = (20 * MINUTE, 40 * MINUTE)
    """How long a visitor bears with one station before giving up, or asking for help."""


VISITORS: tuple[str, ...] = (
    "wheelchair", "slow", "presses_more", "never_comes", "comes_late", "only_asks", "taps_twice", "hammers",
    "withdraws", "impatient", "wrong_reader", "bank_card", "two_cards", "friends_card", "two_readers", "child_plays",
    "leaves_door", "leaves_door_at_end", "forgets_bag", "turns_back", "tailgates", "forces", "lets_others_go",
    "swaps_cards", "slips_in", "tries_anyway", "overstays", "keeps_card",
)  # fmt: skip
"""Shares that are drawn once for each visitor."""

STAFF: tuple[str, ...] = (
    "parks", "transfers", "calls_out_of_order", "binds_wrong", "issues_wrong", "asks_wrongly", "search_refused",
    "miscounts", "inspects", "serviced", "stood_open", "waits_for_owner",
)  # fmt: skip
"""Shares that are drawn each time that there is an occasion."""

POLITE = Habits()
REAL = Habits(
    wheelchair=4, slow=5, presses_more=3, never_comes=3, comes_late=4, only_asks=2, taps_twice=8, hammers=3,
    withdraws=6, impatient=60, wrong_reader=6, bank_card=6, two_cards=5, friends_card=2, two_readers=2, child_plays=3,
    leaves_door=4, leaves_door_at_end=3, forgets_bag=4, turns_back=4, tailgates=6, forces=3, lets_others_go=8,
    swaps_cards=5, slips_in=30, tries_anyway=20, overstays=5, keeps_card=1, parks=3, transfers=3, calls_out_of_order=15,
    binds_wrong=2, issues_wrong=2, asks_wrongly=5, search_refused=8, guards=2, miscounts=15, inspects=4, serviced=2,
    stood_open=20, waits_for_owner=80, lockdowns=1, trainees=1,
)  # fmt: skip
SETS: Mapping[str, Habits] = {"polite": POLITE, "real": REAL}
"""The sets that have names."""


class HabitsError(ValueError):
    """The file is refused; one line for each mistake."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


def habits_of(name: str) -> Habits:
    """A named set, or the one in the file of this name. Raises HabitsError, whose text is meant for people."""
    return SETS[name] if name in SETS else load(Path(name))


def load(path: Path) -> Habits:
    """The habits in the file at `path`. Raises HabitsError, with file and line of each mistake."""
    try:
        tree, lines = read(path)
    except OSError as error:
        known = ", ".join(SETS)
        why = (error.strerror or str(error)).lower()
        raise HabitsError([f"{path}: cannot be read: {why}; the named sets are {known}"]) from error
    except YamlError as problem:
        raise HabitsError([f"{path}: {problem}"]) from problem
    try:
        return Habits.model_validate({} if tree is None else tree)
    except ValidationError as error:
        found = [explain.mistake(Habits, one) for one in error.errors(include_url=False)]
    raise HabitsError([_line(path, place, text, lines) for place, text in found])


def _line(path: Path, place: Place, text: str, lines: Mapping[Place, int]) -> str:
    where = f"{path}:{lines[place]}" if place in lines else str(path)
    return f"{where}: {place_text(place) or 'the file'}: {text}"


def as_yaml(habits: Habits) -> str:
    """A file that gives these habits again, with what each key means: the documented sample."""
    out = ["# How people are, in percent where no unit is given. What is left out is polite.", ""]
    for name, field in Habits.model_fields.items():
        value: Any = getattr(habits, name)
        pair = next((mark for mark in field.metadata if isinstance(mark, Pair)), None)
        text = f"{pair.text(value[0])} to {pair.text(value[1])}" if pair else str(value)
        out.append(f"{f'{name}: {text}':40}# {field.description}")
    return "\n".join(out) + "\n"
