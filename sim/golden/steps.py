"""The language of stories: one line is one thing that somebody does, or that happens, or time that passes.

Each kind of line is a class: its FORM reads it, `str` writes it, and the one is the inverse of the other. So a story
can be told by a person, and printed by a program that has found one. A card is named by its printed number or by its
UID in hex; a device, a reader, a contact by its name in the configuration; a time as it is there: 340 ms, 5 s, 2 min.
"""

import difflib
import re
from dataclasses import MISSING, dataclass, fields
from typing import ClassVar

from firmware.quantities import MS_OF_UNIT, duration_text

_NAME = r"[A-Za-z0-9_-]+"
_PAIRS = r"(?P<arguments>[a-z]+=\S+(?: [a-z]+=\S+)*)"
_TIME = rf"\d+ (?:{'|'.join(MS_OF_UNIT)})"
_END = r"(?P<end>program is killed|power fails)"


class StoryError(Exception):
    """A line that says nothing this language knows, or that cannot be done in this hall."""


@dataclass(frozen=True, slots=True)
class Step:
    """Base of all lines. A field is a group of FORM; a group that is absent leaves the field at its default."""

    FORM: ClassVar[str]
    LIKE: ClassVar[str]
    """An example, for whoever mistyped."""


@dataclass(frozen=True, slots=True)
class Given(Step):
    """The site has another setting; before anything else."""

    FORM = r"given (?P<key>[a-z_.A-Z0-9]+)=(?P<value>.+)"
    LIKE = "given capacity=2"
    key: str
    value: str

    def __str__(self) -> str:
        return f"given {self.key}={self.value}"


@dataclass(frozen=True, slots=True)
class Opens(Step):
    """The program starts, so many cards are enrolled, and the session opens. Told in one line."""

    FORM = r"hall opens with (?P<cards>\d+) cards?"
    LIKE = "hall opens with 4 cards"
    cards: int

    def __str__(self) -> str:
        return f"hall opens with {self.cards} card{'' if self.cards == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Admitted(Step):
    """A party takes a number, is called, registered, searched, and given a card. Told in one line."""

    FORM = rf"party gets card (?P<card>{_NAME}): {_PAIRS}"
    LIKE = "party gets card 001: adults=2 carried=1"
    card: str
    arguments: str

    def __str__(self) -> str:
        return f"party gets card {self.card}: {self.arguments}"


@dataclass(frozen=True, slots=True)
class Wait(Step):
    """Time passes."""

    FORM = rf"wait (?P<ms>{_TIME})"
    LIKE = "wait 340 ms"
    ms: int

    def __str__(self) -> str:
        return f"wait {duration_text(self.ms)}"


@dataclass(frozen=True, slots=True)
class Taps(Step):
    """A card is held to a reader, for so long."""

    FORM = rf"visitor taps (?P<card>{_NAME}) at (?P<reader>{_NAME})(?: for (?P<ms>{_TIME}))?"
    LIKE = "visitor taps 001 at lockers"
    card: str
    reader: str
    ms: int = 600

    def __str__(self) -> str:
        for_ms = "" if self.ms == 600 else f" for {duration_text(self.ms)}"
        return f"visitor taps {self.card} at {self.reader}{for_ms}"


@dataclass(frozen=True, slots=True)
class Lays(Step):
    """A card is laid on a reader, to stay there."""

    FORM = rf"visitor lays (?P<card>{_NAME}) on (?P<reader>{_NAME})"
    LIKE = "visitor lays 001 on desk"
    card: str
    reader: str

    def __str__(self) -> str:
        return f"visitor lays {self.card} on {self.reader}"


@dataclass(frozen=True, slots=True)
class Takes(Step):
    """A card is taken from a reader."""

    FORM = rf"visitor takes (?P<card>{_NAME}) from (?P<reader>{_NAME})"
    LIKE = "visitor takes 001 from desk"
    card: str
    reader: str

    def __str__(self) -> str:
        return f"visitor takes {self.card} from {self.reader}"


@dataclass(frozen=True, slots=True)
class Presses(Step):
    """A button is pressed and let go after 300 ms."""

    FORM = rf"(?P<who>visitor|guard) presses (?P<contact>{_NAME})"
    LIKE = "guard presses exit_button"
    who: str
    contact: str

    def __str__(self) -> str:
        return f"{self.who} presses {self.contact}"


@dataclass(frozen=True, slots=True)
class Pushes(Step):
    """Somebody goes through the arm, or tries; `forces`: whether or not it yields."""

    FORM = (
        rf"visitor (?P<how>pushes|forces) (?P<direction>in|out)(?: at (?P<lane>{_NAME}))?"
        r"(?: carrying (?P<carrying>\d+))?"
    )
    LIKE = "visitor pushes in"
    direction: str
    how: str = "pushes"
    lane: str = ""
    """Empty: the only one."""
    carrying: int = 0

    def __str__(self) -> str:
        at = f" at {self.lane}" if self.lane else ""
        carrying = f" carrying {self.carrying}" if self.carrying else ""
        return f"visitor {self.how} {self.direction}{at}{carrying}"


@dataclass(frozen=True, slots=True)
class TurnsBack(Step):
    """Whoever is in the arm turns round."""

    FORM = rf"visitor turns back(?: at (?P<lane>{_NAME}))?"
    LIKE = "visitor turns back"
    lane: str = ""

    def __str__(self) -> str:
        return "visitor turns back" + (f" at {self.lane}" if self.lane else "")


@dataclass(frozen=True, slots=True)
class Door(Step):
    """A locker's door is moved by hand; something may be put in or taken out first."""

    FORM = r"door (?P<locker>\d+) (?P<to>closes|opens|is forced)(?:, (?P<content>bag inside|empty))?"
    LIKE = "door 14 closes, bag inside"
    locker: int
    to: str
    content: str = ""

    def __str__(self) -> str:
        return f"door {self.locker} {self.to}" + (f", {self.content}" if self.content else "")


@dataclass(frozen=True, slots=True)
class Asks(Step):
    """An officer or guard asks the program for something, and waits for the answer."""

    FORM = rf"(?P<actor>(?:officer|guard|supervisor|sim)[a-z0-9-]*): (?P<action>[a-z_]+)(?: {_PAIRS})?"
    LIKE = "officer-1: call counter=1"
    actor: str
    action: str
    arguments: str = ""

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.arguments}".rstrip()


@dataclass(frozen=True, slots=True)
class Contact(Step):
    """A contact becomes active or comes to rest."""

    FORM = rf"contact (?P<contact>{_NAME}) (?P<to>active|at rest)"
    LIKE = "contact fire active"
    contact: str
    to: str

    def __str__(self) -> str:
        return f"contact {self.contact} {self.to}"


@dataclass(frozen=True, slots=True)
class Fire(Step):
    """The fire panel's contact opens, or closes again."""

    FORM = r"fire(?P<over> is out)?"
    LIKE = "fire"
    over: str = ""

    def __str__(self) -> str:
        return "fire" + self.over


@dataclass(frozen=True, slots=True)
class Fault(Step):
    """A device is in trouble; `much` in the fault's own measure."""

    FORM = rf"fault (?P<device>{_NAME}) (?P<fault>[a-z_]+)(?: x(?P<much>\d+))?"
    LIKE = "fault main held"
    device: str
    fault: str
    much: int = 0

    def __str__(self) -> str:
        return f"fault {self.device} {self.fault}" + (f" x{self.much}" if self.much else "")


@dataclass(frozen=True, slots=True)
class Mended(Step):
    """A device is well again."""

    FORM = rf"mended (?P<device>{_NAME})"
    LIKE = "mended main"
    device: str

    def __str__(self) -> str:
        return f"mended {self.device}"


@dataclass(frozen=True, slots=True)
class Ends(Step):
    """The program is killed or the power fails: now, or at a step of the disk.

    Each write, flush and rename is two steps, before it and after it: at 1 nothing is written, at 4 a commit is durable
    and nothing has followed from it.
    """

    FORM = rf"{_END}(?: at disk step (?P<step>\d+) of the next commit)?"
    LIKE = "power fails at disk step 3 of the next commit"
    end: str
    step: int = 0

    def __str__(self) -> str:
        return self.end + (f" at disk step {self.step} of the next commit" if self.step else "")


@dataclass(frozen=True, slots=True)
class Starts(Step):
    """The program starts again."""

    FORM = r"(?P<how>program starts|power returns)"
    LIKE = "program starts"
    how: str = "program starts"

    def __str__(self) -> str:
        return self.how


STEPS: tuple[type[Step], ...] = (
    Given, Opens, Admitted, Wait, Taps, Lays, Takes, Presses, Pushes, TurnsBack, Door, Asks, Contact, Fire, Fault,
    Mended, Ends, Starts,
)  # fmt: skip
_FORMS = tuple((kind, re.compile(kind.FORM)) for kind in STEPS)


def step_of(line: str) -> Step:
    """The step that a line tells. Raises StoryError, which names the nearest line that is known."""
    for kind, form in _FORMS:
        if match := form.fullmatch(line):
            return _made(kind, match.groupdict())
    likes = [kind.LIKE for kind in STEPS]
    near = difflib.get_close_matches(line, likes, n=1, cutoff=0.3)
    raise StoryError(f"{line!r} is no step of a story; {f'perhaps as {near[0]!r}' if near else ', '.join(likes)}")


def _made(kind: type[Step], groups: dict[str, str | None]) -> Step:
    values: dict[str, str | int] = {}
    for one in fields(kind):
        text = groups[one.name]
        if text is None:
            assert one.default is not MISSING, f"{one.name} of {kind.__name__} may be absent, and has no default"
        elif one.name == "ms":
            amount, unit = text.split(" ")
            values[one.name] = int(amount) * MS_OF_UNIT[unit]
        else:
            values[one.name] = int(text) if one.type is int else text
    return kind(**values)
