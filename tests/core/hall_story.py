"""A small hall to tell stories of: visitors tap, doors move, officers ask, time passes, and the facts are read as text.

    hall.taps("lockers", "card-001").said("locker.assigned locker=1", "locker.pulsed locker=1 purpose=deposit")

`said` takes every fact since the last look, in order; a line names the type and only those fields that matter. Whatever
the story, it ends with the same questions (`prove`): does the journal fold to this hall again, does the count add up,
is every locker and card in one hand only, is no deadline left behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import pytest

from firmware.core import facts as f
from firmware.core import inputs as i
from firmware.core.decide import follow, next_deadline, take
from firmware.core.decision import Refused
from firmware.core.evolve import evolve, fit_to_site, new_hall
from firmware.core.outputs import Outputs, outputs_for
from firmware.core.site import Bank, Contact, ContactUse, Reader, ReaderPlace, Site, TicketClass, VisitHours
from firmware.core.state import Hall
from firmware.texts import sign_texts

SECOND, MINUTE = 1_000, 60_000
DAY = "2026-11-21"

SITE = Site(
    readers={
        reader.name: reader
        for reader in (
            Reader("desk", ReaderPlace.DESK),
            Reader("lockers", ReaderPlace.LOCKER, bank="A"),
            Reader("lockers-b", ReaderPlace.LOCKER, bank="B"),
            Reader("entry", ReaderPlace.ENTRY, lane="main"),
            Reader("exit", ReaderPlace.EXIT, lane="main"),
            Reader("entry-2", ReaderPlace.ENTRY, lane="second"),
            Reader("exit-2", ReaderPlace.EXIT, lane="second"),
        )
    },
    contacts={
        contact.name: contact
        for contact in (
            Contact("fire", ContactUse.FIRE),
            Contact("fire_reset", ContactUse.FIRE_RESET),
            Contact("ticket", ContactUse.TICKET, ticket_class="A"),
            Contact("exit_button", ContactUse.EXIT_BUTTON, lane="main"),
            Contact("side_in", ContactUse.SIDE_GATE, lane="main", direction="in"),
            Contact("side_out", ContactUse.SIDE_GATE, lane="main", direction="out"),
        )
    },
    lanes=("main", "second"),
    banks={"A": Bank("A", (1, 2, 3)), "B": Bank("B", (4, 5))},
    classes={"A": TicketClass("A"), "P": TicketClass("P", priority=True)},
    sign_texts=sign_texts("id"),
    hours=(VisitHours(8 * 60, 11 * 60), VisitHours(13 * 60, 15 * 60)),
    capacity=10,
)
CARDS = tuple(f"card-{n:03d}" for n in range(1, 13))


@dataclass(frozen=True)
class Party:
    """Somebody with a visit and a card."""

    visit: str
    card: str


def text(fact: f.Fact) -> str:
    """A fact as one line: its type, and its fields but those that are None."""
    told = ((field.name, getattr(fact, field.name)) for field in fields(fact))
    return " ".join([fact.type_name(), *(f"{name}={value}" for name, value in told if value is not None)])


def fits(fact: f.Fact, line: str) -> bool:
    """Whether a line names this fact's type and no field that reads otherwise."""
    kind, *pairs = line.split(" ")
    named = dict(pair.split("=", 1) for pair in pairs)
    return kind == fact.type_name() and all(str(getattr(fact, name)) == value for name, value in named.items())


class Story:
    """One hall, its time and its journal."""

    def __init__(self, site: Site = SITE, *, opened: bool = True, read_doors: bool = True, **settings: Any) -> None:
        self.site = replace(site, **settings)
        self.hall: Hall = new_hall(self.site)
        self.now = 0
        self.journal: list[tuple[f.Fact, int]] = []
        self._read = 0
        self.spare = list(CARDS)
        self.starts(first=True)
        for locker in self.site.lockers if read_doors else ():
            self.door(locker, "closed", first=True)
        for card in CARDS:
            self.asks(i.EnrolCard(actor="desk-1", card=card, number=card[-3:]))
        if opened:
            self.asks(i.OpenSession(actor="desk-1", day=DAY))
        self.forget()

    # -- what happens

    def happens(self, *happened: i.Input) -> Self:
        for one in happened:
            facts, _ = take(self.hall, self.site, one, self.now)
            self._note(facts)
        return self

    def asks(self, ask: i.Request) -> dict[str, Any]:
        facts, answer = take(self.hall, self.site, ask, self.now)
        self._note(facts)
        return dict(answer or {})

    def refuses(self, ask: i.Request, code: str) -> Self:
        """The rules refuse this, with that code, and nothing has changed."""
        before = len(self.journal)
        with pytest.raises(Refused) as refused:
            take(self.hall, self.site, ask, self.now)
        assert (refused.value.code, len(self.journal)) == (code, before)
        return self

    def taps(self, reader: str, card: str, *, after: int = SECOND) -> Self:
        """A card is held to a reader, a second after whatever happened before."""
        return self.later(after).happens(i.CardTapped(reader, card))

    def door(self, locker: int, to: i.DoorState, content: bool | None = None, *, first: bool = False) -> Self:
        return self.happens(i.DoorSeen(locker, to, content, first))

    def passes(self, direction: i.Direction, times: int = 1, *, lane: str = "main") -> Self:
        return self.happens(*[i.PassageSeen(lane, direction)] * times)

    def contact(self, name: str, active: bool = True) -> Self:
        return self.happens(i.ContactChanged(name, active))

    def later(self, ms: int) -> Self:
        """Let time pass, stopping at every moment at which something becomes true by itself."""
        end = self.now + ms
        while self.now < end:
            at = next_deadline(self.hall, self.site)
            assert at is None or at > self.now, "a deadline that does not move on would spin the daemon"
            self.now = end if at is None else min(at, end)
            facts: list[f.Fact] = []
            follow(self.hall, self.site, self.now, facts)
            self._note(facts)
        return self

    def starts(self, *, off_ms: int = 0, gap_s: int | None = 5, trusted: bool = True, first: bool = False,
               damage: str = "") -> Self:  # fmt: skip
        """The daemon starts again; nobody watched for a while."""
        self.now += off_ms
        return self.happens(i.Started("1", self.now, off_ms, gap_s, trusted, first, damage))

    # -- what is told

    def _note(self, facts: Sequence[f.Fact]) -> None:
        self.journal += [(fact, self.now) for fact in facts]
        for fact in facts:  # what there is nothing to say of is left out on the wire, and never empty
            empty = {field.name for field in fields(fact) if getattr(fact, field.name) == ""}
            assert empty <= {"day", "detail"}, text(fact)

    def forget(self) -> Self:
        self._read = len(self.journal)
        return self

    @property
    def news(self) -> list[f.Fact]:
        return [fact for fact, _ in self.journal[self._read :]]

    def said(self, *lines: str) -> Self:
        """Exactly these facts since the last look."""
        news = self.news
        right = len(news) == len(lines) and all(map(fits, news, lines))
        assert right, "\n".join(["expected:", *lines, "said:", *map(text, news)])
        return self.forget()

    def mentioned(self, *lines: str) -> Self:
        """These facts among others since the last look."""
        news = self.news
        for line in lines:
            assert any(fits(fact, line) for fact in news), "\n".join([f"not said: {line}", *map(text, news)])
        return self.forget()

    def silent(self) -> Self:
        return self.said()

    @property
    def outputs(self) -> Outputs:
        return outputs_for(self.hall, self.site, self.now)

    @property
    def sign(self) -> str:
        return self.outputs.signs["hall"].text

    @property
    def tasks(self) -> list[str]:
        return sorted(task.reason for task in self.hall.tasks.values())

    # -- people with a past

    def party(
        self, adults: int = 1, children: int = 0, carried: int = 0, *, search: i.Outcome | None = "passed"
    ) -> Party:
        """A party that has been called, registered, given a card, and searched."""
        self.asks(i.IssueTicket(actor="button", letter="A"))
        ticket = self.asks(i.CallTicket(actor="desk-1", counter="1"))["ticket"]
        ask = i.BindVisit(actor="desk-1", ticket=ticket, adults=adults, children=children, carried=carried)
        visit = self.asks(ask)["visit"]
        card = self.spare.pop(0)
        self.asks(i.IssueCard(actor="desk-1", visit=visit, card=card))
        if search:
            self.asks(i.RecordSearch(actor="desk-1", visit=visit, result=search, reason="knife"))
        self.forget()
        return Party(visit, card)

    def deposits(self, who: Party, reader: str = "lockers") -> int:
        """They put their things into a locker; its number."""
        self.taps(reader, who.card)
        (locker,) = [one.locker for one in self.hall.lockers_of(who.visit) if one.opening]
        self.door(locker, "open").door(locker, "closed").forget()
        return locker

    def enters(self, who: Party) -> Self:
        """All of them go in."""
        visit = self.hall.visits[who.visit]
        self.taps("entry", who.card).passes("in", visit.walkers - visit.inside)
        assert visit.inside == visit.walkers
        return self.forget()

    def leaves(self, who: Party) -> Self:
        visit = self.hall.visits[who.visit]
        self.taps("exit", who.card).passes("out", visit.inside)
        assert visit.out
        return self.forget()

    # -- what must hold of every story

    def refolded(self, upto: int | None = None) -> Hall:
        """The hall that the journal, or its beginning, folds to."""
        hall = new_hall(self.site)
        for fact, at in self.journal[:upto]:
            evolve(hall, fact, at, self.site)
        fit_to_site(hall, self.site)
        return hall

    def prove(self) -> None:
        hall = self.hall
        assert self.refolded() == hall, "the journal folds to another hall"
        assert hall.inside == self.counted()
        assert all(0 <= visit.inside <= visit.walkers for visit in hall.visits.values())
        assert not any(visit.persons_inside for visit in hall.visits_ended.values())
        held = [visit.card for visit in hall.visits.values() if visit.card]
        assert len(held) == len(set(held)), "one card, two visits"
        for locker in hall.lockers.values():
            assert not locker.visit or locker.visit in hall.visits or locker.visit in hall.visits_ended
        at = next_deadline(hall, self.site)
        assert at is None or at > self.now

    def counted(self) -> int:
        """Persons inside by the journal alone: passages in, less passages out, and what a recount corrected."""
        inside = 0
        for fact, _ in self.journal:
            match fact:
                case f.GatePassed():
                    inside += (fact.persons + fact.carried) * (1 if fact.direction == "in" else -1)
                case f.GateForced() | f.GateReversed() | f.GateTailgated():
                    inside += fact.persons * (1 if fact.direction == "in" else -1)
                case f.HallRecountRecorded():
                    inside += fact.difference
        return inside
