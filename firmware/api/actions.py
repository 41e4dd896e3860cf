"""What an officer or a guard may ask, by name: the same actions from the command line, the pages and the simulation.

An action is a small form. Whatever does not fit it is refused with one line that names the argument, what was found and
what is allowed. The forms are their own help as well (`firmware.api.usage`).
"""

import re
from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, ValidationError

from firmware.api.arguments import (
    STAFF,
    STAFF_ID,
    Day,
    Flag,
    Form,
    Locker,
    Name,
    Number,
    Persons,
    Places,
    Reason,
    Staff,
    Ticked,
    Uid,
    as_shown,
    mistakes,
)
from firmware.core import inputs
from firmware.core.decision import Refused
from firmware.core.site import Site
from firmware.panel import Panel
from services.requests import Request

SHOW = "show"
"""What looks and does nothing: no action of the desk, but asked for beside them (`firmware.api.views`)."""


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


class Action(Form):
    """An empty form; each action adds its arguments, named as the input that it makes names them."""

    makes: ClassVar[type[inputs.Request]]

    def ask(self, actor: str, context: Context) -> inputs.Request:
        """The form as an input of the hall; what was left out is empty there."""
        return self.makes(actor=actor, **{name: "" if value is None else value for name, value in self})


class Ticket(Action):
    """Give out the next ticket of a class, or the one of a booking."""

    name = "ticket"
    either = ("class", "booking")
    letter: Name | None = Field(None, alias="class")
    booking: Name | None = None

    def ask(self, actor: str, context: Context) -> inputs.Request:
        if bool(self.letter) == bool(self.booking):
            raise Refused("bad_arguments", "name class= or booking=")
        return inputs.IssueTicket(actor=actor, letter=self.letter or "", booking=self.booking or "")


class Call(Action):
    """Call the next to a counter; a ticket out of order needs a reason, and is counted in public."""

    name = "call"
    makes = inputs.CallTicket
    counter: Name
    ticket: Name | None = None
    reason: Reason | None = None


class Recall(Action):
    """Call once more whoever is called at a counter."""

    name = "recall"
    makes = inputs.RecallTicket
    counter: Name


class Serve(Action):
    """Whoever is called at a counter has been served, without a visit."""

    name = "serve"
    makes = inputs.ServeTicket
    counter: Name


class Park(Action):
    """Put a ticket aside, to be called by name later."""

    name = "park"
    makes = inputs.ParkTicket
    ticket: Name


class Miss(Action):
    """Whoever was called at a counter did not come."""

    name = "miss"
    makes = inputs.MissTicket
    counter: Name


class Transfer(Action):
    """Send a ticket to another counter; it keeps its place."""

    name = "transfer"
    makes = inputs.TransferTicket
    ticket: Name
    counter: Name


class Book(Action):
    """Enter a booking by hand."""

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
    """Take a booking back."""

    name = "cancel_booking"
    makes = inputs.CancelBooking
    code: Name


class Bind(Action):
    """Make a called ticket a visit: adults and children walk, infants are carried."""

    name = "bind"
    either = ("ticket", "booking")
    ticket: Name | None = None
    booking: Name | None = None
    adults: Persons
    children: Persons = 0
    carried: Persons = 0

    def ask(self, actor: str, context: Context) -> inputs.Request:
        return inputs.BindVisit(
            actor=actor, ticket=self.ticket or "", booking=self.booking or "", adults=self.adults,
            children=self.children, carried=self.carried,
        )  # fmt: skip


class Search(Action):
    """Record the body and belongings search; a refusal has a reason."""

    name = "search"
    makes = inputs.RecordSearch
    visit: Name
    result: Literal["passed", "refused"]
    reason: Reason | None = None


class Enrol(Action):
    """Give a new card its printed number."""

    name = "enrol"
    either = ("reader", "uid")
    number: Number
    reader: Name | None = None
    uid: Uid | None = None

    def ask(self, actor: str, context: Context) -> inputs.Request:
        if bool(self.reader) == bool(self.uid):
            raise Refused("bad_arguments", "name reader= with the card on it, or uid=")
        card = context.panel.card_hash(bytes.fromhex(self.uid)) if self.uid else context.card(None, self.reader)
        return inputs.EnrolCard(actor=actor, card=card, number=self.number)


class Retire(Action):
    """Take a card out of use for good."""

    name = "retire"
    makes = inputs.RetireCard
    card: Name
    reason: Reason


class Issue(Action):
    """Hand out a card to a visit: by its printed number, or as it lies on a reader."""

    name = "issue"
    either = ("card", "reader")
    visit: Name
    card: Name | None = None
    reader: Name | None = None

    def ask(self, actor: str, context: Context) -> inputs.Request:
        return inputs.IssueCard(actor=actor, visit=self.visit, card=context.card(self.card, self.reader))


class Return(Action):
    """Take a card back; collected says whether the locker is empty."""

    name = "return"
    either = ("card", "reader")
    card: Name | None = None
    reader: Name | None = None
    collected: Flag

    def ask(self, actor: str, context: Context) -> inputs.Request:
        return inputs.ReturnCard(actor=actor, card=context.card(self.card, self.reader), collected=self.collected)


class Lost(Action):
    """The card of a visit is lost: nothing opens with it any more."""

    name = "lost"
    makes = inputs.LoseCard
    visit: Name
    reason: Reason


class Quarantine(Action):
    """Keep a card from being used until it is cleared."""

    name = "quarantine"
    makes = inputs.QuarantineCard
    card: Name
    reason: Reason


class Clear(Action):
    """Put a lost or quarantined card back to stock."""

    name = "clear"
    makes = inputs.ClearCard
    card: Name
    reason: Reason


class Open(Action):
    """Open the session."""

    name = "open"

    def ask(self, actor: str, context: Context) -> inputs.Request:
        return inputs.OpenSession(actor=actor, day=context.today)


class Close(Action):
    """Close the session; what is unresolved can be signed off with an exception."""

    name = "close"
    makes = inputs.CloseSession
    exception: Reason | None = None


class Capacity(Action):
    """Set how many may be inside."""

    name = "capacity"
    makes = inputs.SetCapacity
    capacity: Places


class Recount(Action):
    """Set the count: the persons of each visit who are inside, and those of no visit."""

    name = "recount"
    makes = inputs.Recount
    present: Ticked = Field(default_factory=dict)
    unattributed: Persons = 0
    reason: Reason


class ConfirmCount(Action):
    """The count has been checked, and is right."""

    name = "confirm_count"
    makes = inputs.ConfirmCount


class Inspect(Action):
    """Open an owned locker; it stays its owner's."""

    name = "inspect"
    makes = inputs.InspectLocker
    locker: Locker
    reason: Reason
    second: Staff | None = None


class Release(Action):
    """Free an owned locker."""

    name = "release"
    makes = inputs.ReleaseLocker
    locker: Locker
    reason: Reason
    second: Staff | None = None


class Service(Action):
    """Take a locker into service, or out of it."""

    name = "service"
    makes = inputs.ServiceLocker
    locker: Locker
    into: Flag = Field(alias="in")
    reason: Reason


class Lockdown(Action):
    """Stop tickets, deposits and entries, or allow them again."""

    name = "lockdown"
    makes = inputs.SetLockdown
    on: Flag
    reason: Reason


class Reset(Action):
    """End the emergency once the fire contact is at rest; the arm locks again."""

    name = "reset"
    makes = inputs.ResetEmergency


class Resolve(Action):
    """A guard has seen to a task."""

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
            known = ", ".join(sorted([*ACTIONS, SHOW]))
            raise Refused("unknown_action", f"no action {as_shown(request.action)}; there are {known}")
        if not re.fullmatch(STAFF, request.actor):
            raise Refused("bad_arguments", f"actor: {as_shown(request.actor)} is not allowed: {STAFF_ID}")
        try:
            filled = form.model_validate(request.args)
        except ValidationError as error:
            raise Refused("bad_arguments", mistakes(form, error)) from None
        return filled.ask(request.actor, Context(self._panel, now, today))
