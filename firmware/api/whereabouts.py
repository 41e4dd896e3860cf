"""How far a party has come on its way through the hall, as its books tell: nobody watches where people stand."""

from firmware.core.state import Visit

STAGES = ("counter", "search", "deposit", "locker", "gate", "inside", "collect", "return")
"""In the order of the way."""


def whereabouts(visit: Visit, *, deposited: bool, at_locker: bool) -> str:
    """One of `STAGES`."""
    if visit.persons_inside:
        return "inside"
    if at_locker:
        return "locker"
    if visit.out:
        return "collect" if deposited else "return"
    if not visit.card:
        return "counter"
    if visit.search != "passed":
        return "search"
    return "gate" if deposited else "deposit"
