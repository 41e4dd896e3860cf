"""What an officer or a guard may ask, by name: the same actions from the command line, the pages and the simulation.

An action is a small form. Whatever does not fit it is refused with one line that names the argument, what was found and
what is allowed. Numbers may come as text, for a command line knows nothing else, and text as whole numbers, for a
counter's name may look like one; nothing else is taken for what it is not.
"""

import datetime
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from firmware.core import inputs
from firmware.core.decision import Refused
from firmware.core.site import Site
from firmware.panel import Panel
from services.requests import Request

STAFF = re.compile(r"[a-z0-9-]{1,32}")
MISTAKES_MOST = 5
"""Mistakes in a form that are told one by one."""


def _whole(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise PydanticCustomError("whole", "a whole number is needed")
    return value


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _flag(value: object) -> object:
    if not isinstance(value, bool | str):
        raise PydanticCustomError("flag", "true or false is needed")
    return value


def _day(value: str) -> str:
    try:
        return datetime.datetime.strptime(value, "%Y-%m-%d").date().isoformat()
    except ValueError:
        raise PydanticCustomError("day", "a day like 2026-01-31 is needed") from None


Reason = Annotated[str, Field(pattern=r"^[a-z_]{2,40}$")]
Text = Annotated[str, BeforeValidator(_text)]
Staff = Annotated[Text, Field(pattern=r"^[a-z0-9-]{1,32}$")]
Name = Annotated[Text, Field(min_length=1, max_length=64, pattern=r"^\P{Cc}*$")]
Persons = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=50)]
Locker = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=999)]
Places = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=10_000)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Uid = Annotated[Text, Field(pattern=r"^([0-9A-Fa-f]{8}|[0-9A-Fa-f]{14}|[0-9A-Fa-f]{20})$")]
Day = Annotated[str, AfterValidator(_day)]


class CardAwaited(Exception):
    """The action speaks of the card on a reader, and none lies there yet."""


class Context:
    """What an action may need to know besides its arguments."""

    def __init__(self, panel: Panel, now: int, today: str) -> None:
        self.panel = panel
        self.now = now
        self.today = today

    def card(self, card: str | None, reader: str | None) -> str:
        """The card named by its number, or lying on a reader. Raises CardAwaited while it is not there yet."""
        if card and reader:
            raise Refused("bad_arguments", "name card= or reader=, not both")
        if card:
            return card
        if not reader:
            raise Refused("bad_arguments", "name the card: card=NUMBER, or reader=NAME with the card on it")
        if reader not in self.panel.devices.readers:
            known = ", ".join(self.panel.devices.readers)
            raise Refused("bad_arguments", f"reader: {reader!r} is not allowed; one of {known}")
        found = self.panel.card_at(reader, self.now)
        if found is None:
            raise CardAwaited(f"no card lies on reader {reader}")
        return found


class Action(BaseModel):
    """An empty form; each action adds its arguments, named as the input that it makes names them."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    name: ClassVar[str]
    makes: ClassVar[type[inputs.Request]]

    def ask(self, actor: str, context: Context) -> inputs.Request:
        """The form as an input of the hall; what was left out is empty there."""
        return self.makes(actor=actor, **{name: "" if value is None else value for name, value in self})


class Ticket(Action):
    name = "ticket"
    letter: Name | None = Field(None, alias="class")
    booking: Name | None = None

    def ask(self, actor: str, context: Context) -> inputs.Request:
        if bool(self.letter) == bool(self.booking):
            raise Refused("bad_arguments", "name class= or booking=")
        return inputs.IssueTicket(actor=actor, letter=self.letter or "", booking=self.booking or "")


class Call(Action):
    name = "call"
    makes = inputs.CallTicket
    counter: Name
    ticket: Name | None = None
    reason: Reason | None = None


class Recall(Action):
    name = "recall"
    makes = inputs.RecallTicket
    counter: Name


class Serve(Action):
    name = "serve"
    makes = inputs.ServeTicket
    counter: Name


class Park(Action):
    name = "park"
    makes = inputs.ParkTicket
    ticket: Name


class Miss(Action):
    name = "miss"
    makes = inputs.MissTicket
    counter: Name


class Transfer(Action):
    name = "transfer"
    makes = inputs.TransferTicket
    ticket: Name
    counter: Name


class Book(Action):
    name = "book"
    makes = inputs.PutBooking
    code: Name
    date: Day
    session: Name = "any"
    letter: Name = Field(alias="class")
    adults: Persons
    children: Persons = 0
    ref: Name | None = None


class CancelBooking(Action):
    name = "cancel_booking"
    makes = inputs.CancelBooking
    code: Name


class Bind(Action):
    name = "bind"
    ticket: Name | None = None
    booking: Name | None = None
    adults: Persons
    children: Persons = 0
    carried: Persons = 0

    def ask(self, actor: str, context: Context) -> inputs.Request:
        return inputs.BindVisit(
            actor=actor, ticket=self.ticket or "", booking=self.booking or "", adults=self.adults,
            children=self.children, carried=self.carried, today=context.today,
        )  # fmt: skip


class Search(Action):
    name = "search"
    makes = inputs.RecordSearch
    visit: Name
    result: Literal["passed", "refused"]
    reason: Reason | None = None


class Enrol(Action):
    name = "enrol"
    number: Annotated[Text, Field(pattern=r"^[A-Za-z0-9-]{1,12}$")]
    reader: Name | None = None
    uid: Uid | None = None

    def ask(self, actor: str, context: Context) -> inputs.Request:
        if bool(self.reader) == bool(self.uid):
            raise Refused("bad_arguments", "name reader= with the card on it, or uid=")
        card = context.panel.card_hash(bytes.fromhex(self.uid)) if self.uid else context.card(None, self.reader)
        return inputs.EnrolCard(actor=actor, card=card, number=self.number)


class Retire(Action):
    name = "retire"
    makes = inputs.RetireCard
    card: Name
    reason: Reason


class Issue(Action):
    name = "issue"
    visit: Name
    card: Name | None = None
    reader: Name | None = None

    def ask(self, actor: str, context: Context) -> inputs.Request:
        return inputs.IssueCard(actor=actor, visit=self.visit, card=context.card(self.card, self.reader))


class Return(Action):
    name = "return"
    card: Name | None = None
    reader: Name | None = None
    collected: Flag

    def ask(self, actor: str, context: Context) -> inputs.Request:
        return inputs.ReturnCard(actor=actor, card=context.card(self.card, self.reader), collected=self.collected)


class Lost(Action):
    name = "lost"
    makes = inputs.LoseCard
    visit: Name
    reason: Reason


class Quarantine(Action):
    name = "quarantine"
    makes = inputs.QuarantineCard
    card: Name
    reason: Reason


class Clear(Action):
    name = "clear"
    makes = inputs.ClearCard
    card: Name
    reason: Reason


class Open(Action):
    name = "open"

    def ask(self, actor: str, context: Context) -> inputs.Request:
        return inputs.OpenSession(actor=actor, day=context.today)


class Close(Action):
    name = "close"
    makes = inputs.CloseSession
    exception: Reason | None = None


class Capacity(Action):
    name = "capacity"
    makes = inputs.SetCapacity
    capacity: Places


class Recount(Action):
    name = "recount"
    makes = inputs.Recount
    present: Mapping[Name, Persons] = Field(default_factory=dict, max_length=1_000)
    unattributed: Persons = 0
    reason: Reason


class ConfirmCount(Action):
    name = "confirm_count"
    makes = inputs.ConfirmCount


class Inspect(Action):
    name = "inspect"
    makes = inputs.InspectLocker
    locker: Locker
    reason: Reason
    second: Staff | None = None


class Release(Action):
    name = "release"
    makes = inputs.ReleaseLocker
    locker: Locker
    reason: Reason
    second: Staff | None = None


class Service(Action):
    name = "service"
    makes = inputs.ServiceLocker
    locker: Locker
    into: Flag = Field(alias="in")
    reason: Reason


class Lockdown(Action):
    name = "lockdown"
    makes = inputs.SetLockdown
    on: Flag
    reason: Reason


class Reset(Action):
    name = "reset"
    makes = inputs.ResetEmergency


class Resolve(Action):
    name = "resolve"
    makes = inputs.ResolveTask
    task: Name
    reason: Reason


ACTIONS: Mapping[str, type[Action]] = {form.name: form for form in Action.__subclasses__()}


class Desk:
    """Reads requests as inputs."""

    def __init__(self, site: Site, panel: Panel) -> None:
        self._site = site
        self._panel = panel

    def read(self, request: Request, now: int, today: str) -> inputs.Request:
        """The input that a request asks for. Raises Refused for what does not fit, CardAwaited for a card not there."""
        form = ACTIONS.get(request.action)
        if form is None:
            known = ", ".join(sorted(ACTIONS))
            raise Refused("unknown_action", f"no action {as_shown(request.action)}; there are {known}")
        if not STAFF.fullmatch(request.actor):
            found = as_shown(request.actor)
            raise Refused("bad_arguments", f"actor: {found} is not allowed; 1 to 32 of a-z, 0-9 and -")
        try:
            filled = form.model_validate(request.args)
        except ValidationError as error:
            raise Refused("bad_arguments", mistakes(form, error)) from None
        return filled.ask(request.actor, Context(self._panel, now, today))


def mistakes(form: type[Action], error: ValidationError) -> str:
    """One line for each argument that does not fit."""
    allowed = [field.alias or name for name, field in form.model_fields.items()]
    errors = error.errors(include_url=False, include_context=False)
    lines = []
    for one in errors[:MISTAKES_MOST]:
        where = ".".join(_place(part) for part in one["loc"])
        if one["type"] == "missing":
            lines.append(f"{where}= is missing")
        elif one["type"] == "extra_forbidden":
            lines.append(f"{where}= is not known; {form.name} takes {', '.join(allowed) or 'nothing'}")
        else:
            lines.append(f"{where}: {as_shown(one['input'])} is not allowed: {one['msg'][0].lower()}{one['msg'][1:]}")
    if len(errors) > MISTAKES_MOST:
        lines.append(f"and {len(errors) - MISTAKES_MOST} more")
    return "; ".join(lines)


def _place(part: str | int) -> str:
    return part if isinstance(part, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,40}", part) else as_shown(part)


def as_shown(value: Any) -> str:
    """What somebody sent, in a few printable characters; of a list or object only that it is one."""
    match value:
        case Mapping():
            return "an object"
        case list() | tuple():
            return "a list"
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
