"""Where a party is and where it wants to go, for whoever draws the hall."""

from typing import Any

from sim.people.crowd import Visitor
from sim.people.everybody import People

PLACES = {
    "": "entrance", "ticket": "ticket", "waiting": "waiting", "counter": "counter", "search": "search",
    "deposit": "lockers", "entry": "entry", "inside": "room", "exit": "exit", "collect": "lockers", "return": "return",
    "leaving": "way_out",
}  # fmt: skip
"""Of the station at which a visitor is, the place in the hall."""
WAITS = {
    "": "", "ticket": "number", "waiting": "call", "counter": "card", "search": "search", "deposit": "locker",
    "entry": "arm", "inside": "time", "exit": "arm", "collect": "locker", "return": "officer", "leaving": "",
}  # fmt: skip
"""And what they wait for there."""


def seen(people: People, me: Visitor) -> dict[str, Any]:
    """A party as one sees it: where it stands, what it waits for and where it goes then, and who they are."""
    counters = [name for name, counter in people.counters.items() if counter.guest is me]
    return {
        "id": me.number,
        "place": PLACES[me.where],
        "counter": counters[0] if counters else "",
        "waits_for": WAITS[me.where],
        "target": _next(me),
        "adults": me.adults, "children": me.children, "carried": me.carried,
        "inside": me.inside, "carried_inside": me.carried_inside,
        "wheelchair": me.is_one_who("wheelchair"),
        "ticket": me.ticket, "visit": me.visit, "card": me.card, "searched": me.searched, "locker": me.locker,
        "bag": me.bag and me.locker is None,
    }  # fmt: skip


def _next(me: Visitor) -> str:
    """Where they go from here, if all goes well."""
    match me.where:
        case "ticket":
            return "waiting"
        case "waiting":
            return "counter"
        case "counter":
            return "search"
        case "search":
            return "lockers" if me.bag else "entry"
        case "deposit":
            return "entry"
        case "entry":
            return "room"
        case "inside":
            return "exit"
        case "exit":
            return "lockers" if me.locker is not None else "return"
        case "collect":
            return "return" if me.card else "way_out"
        case _:
            return "way_out"
