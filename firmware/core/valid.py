"""What can be said against a hall: the contradictions that no history of facts may leave behind.

Folding never refuses, so a state is only as good as the facts that led to it. Here it is looked at as a whole, without
knowing how it came about: whoever owns, holds, enters or waits must exist, once, and in one place. Asked when a moment
is over, that is when everything that followed from an input has been folded too; between two facts of one decision a
card may be back in stock while its visit is about to end.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from firmware.core.site import Site
from firmware.core.state import Hall, Visit


def wrong_with(hall: Hall, site: Site) -> list[str]:
    """What is wrong, one sentence each, each beginning with the thing it is about; nothing of a valid hall."""
    return [
        *_lockers(hall, site),
        *_cards(hall),
        *_visits(hall),
        *_lanes(hall),
        *_queue(hall),
        *_whole(hall),
    ]


def _lockers(hall: Hall, site: Site) -> Iterator[str]:
    """At most one owner, who exists; a card at most what the site allows; a card speaks for one visit's lockers."""
    known = hall.visits.keys() | hall.visits_ended.keys()
    owned: Counter[str] = Counter()
    owners: dict[str, str] = {}
    for locker in hall.lockers.values():
        name = f"locker {locker.locker}"
        if bool(locker.card) != bool(locker.visit):
            yield f"{name}: owned by visit {locker.visit or 'none'} with card {locker.card or 'none'}: half an owner"
        if not locker.visit:
            continue
        if locker.visit not in known:
            yield f"{name}: its owner {locker.visit} is unknown"
        if locker.card and locker.card not in hall.cards:
            yield f"{name}: its card {locker.card} is not enrolled"
        owned[locker.visit] += 1
        other = owners.setdefault(locker.card, locker.visit)
        if other != locker.visit:
            yield f"{name}: its card {locker.card} owns lockers of {other} and {locker.visit}"
    for visit, lockers in owned.items():
        if lockers > site.lockers_per_card:
            yield f"visit {visit}: owns {lockers} lockers, where {site.lockers_per_card} are allowed"


def _cards(hall: Hall) -> Iterator[str]:
    """A card is in one place, and a visit has one card in hands."""
    numbers = Counter(card.number for card in hall.cards.values() if card.state != "retired")
    holders: dict[str, str] = {}
    owning = {locker.card for locker in hall.lockers.values() if locker.visit}
    for card in hall.cards.values():
        name = f"card {card.number}"
        if numbers[card.number] > 1 and card.state != "retired":
            yield f"{name}: {numbers[card.number]} cards bear this number"
        if card.state == "issued":
            if card.visit not in hall.visits:
                yield f"{name}: issued to {card.visit or 'nobody'}, which is no visit that goes on"
            elif hall.visits[card.visit].card != card.card:
                yield f"{name}: issued to {card.visit}, which holds another card"
            other = holders.setdefault(card.visit, card.number)
            if other != card.number:
                yield f"{name}: {card.visit} holds it and card {other}"
        elif card.state == "stock" and card.visit:
            yield f"{name}: in stock, and with {card.visit}"
        if card.state in ("stock", "retired") and card.card in owning:
            yield f"{name}: {card.state}, and owns a locker"


def _visits(hall: Hall) -> Iterator[str]:
    """Parties are inside in part or whole; who has ended is not."""
    for visit in hall.visits.values():
        yield from _party(visit)
        if visit.ended_at is not None:
            yield f"visit {visit.visit}: has ended, and goes on"
        if visit.card and visit.card not in hall.cards:
            yield f"visit {visit.visit}: its card {visit.card} is not enrolled"
    for visit in hall.visits_ended.values():
        if visit.persons_inside:
            yield f"visit {visit.visit}: has ended, and {visit.persons_inside} of it are inside"
        if visit.visit in hall.visits:
            yield f"visit {visit.visit}: is among those that go on and those that ended"


def _party(visit: Visit) -> Iterator[str]:
    if not 0 <= visit.inside <= visit.walkers:
        yield f"visit {visit.visit}: {visit.inside} of {visit.walkers} walkers are inside"
    if not 0 <= visit.carried_inside <= visit.carried:
        yield f"visit {visit.visit}: {visit.carried_inside} of {visit.carried} carried are inside"
    if visit.persons_inside and visit.started_at is None:
        yield f"visit {visit.visit}: {visit.persons_inside} are inside, and it has not started"


def _lanes(hall: Hall) -> Iterator[str]:
    """A right of way is somebody's who is still here, for persons who have not passed, at one lane."""
    grants = [(lane.lane, grant) for lane in hall.lanes.values() for grant in lane.grants]
    for number in _repeated(grant.grant for _, grant in grants):
        yield f"grant {number}: is given twice"
    for visit in _repeated(grant.visit for _, grant in grants if grant.visit and grant.direction == "in"):
        yield f"visit {visit}: has two ways in at once"
    for lane, grant in grants:
        name = f"grant {grant.grant} at {lane}"
        if grant.visit and grant.visit not in hall.visits:
            yield f"{name}: is of {grant.visit}, which is no visit that goes on"
        if not 0 <= grant.passed < grant.persons:
            yield f"{name}: {grant.passed} of {grant.persons} have passed, and it stands"
        if grant.grant > hall.grants:
            yield f"{name}: only {hall.grants} were given so far"
        if grant.direction == "in" and (hall.emergency or hall.lockdown):
            yield f"{name}: a way in, in {hall.mode}"


def _queue(hall: Hall) -> Iterator[str]:
    """A counter serves who is called there, and a place in the queue is one ticket's."""
    for counter, name in hall.serving.items():
        ticket = hall.tickets.get(name)
        if ticket is None or ticket.state != "called" or ticket.counter != counter:
            yield f"counter {counter}: serves {name}, which is {ticket.state if ticket else 'unknown'}"
    for ticket in hall.tickets.values():
        if ticket.state == "called" and hall.serving.get(ticket.counter) != ticket.ticket:
            yield f"ticket {ticket.ticket}: called at {ticket.counter or 'no counter'}, which does not serve it"
    for place in _repeated(ticket.place for ticket in hall.tickets.values()):
        yield f"place {place}: more than one ticket stands there"
    for letter, issued in hall.issued.items():
        last = max((int(t.ticket.rpartition("-")[2]) for t in hall.tickets.values() if t.letter == letter), default=0)
        if last > issued:
            yield f"class {letter}: ticket {last} is known, and {issued} were issued"


def _whole(hall: Hall) -> Iterator[str]:
    if hall.inside < 0 and hall.suspect is None:
        yield f"count: {hall.inside} are inside, and nobody suspects it"
    if hall.fire_active and not hall.emergency:
        yield "fire: the contact is active, and no emergency stands"
    if hall.mode != hall.mode_told:
        yield f"mode: {hall.mode}, where {hall.mode_told} was announced"
    for task in hall.tasks.values():
        if int(task.task.rpartition("-")[2]) > hall.tasks_raised:
            yield f"task {task.task}: only {hall.tasks_raised} were raised so far"


def _repeated(values: Iterable[int | str]) -> list[int | str]:
    """Values that occur more than once."""
    return [value for value, times in Counter(values).items() if times > 1]
