"""What families do in a crash story, and the guard who puts right what a crash left in doubt.

Whoever acts here goes on after a crash as people do: they look at doors, arm and sign, ask what became of what they
had asked, and do what is still missing. So each action is written as "until it is so": played again after a crash, it
goes on where the world stands.
"""

from sim.crashes.hall import CrashHall, Family, Stuck
from sim.durations import HOUR, MINUTE
from sim.hall import SIDE, Direction


def make_busy(hall: CrashHall) -> None:
    """A family at every stage of a visit, shortly before the daemon has run for an hour."""
    hall.start()
    hall.must("open")
    for name in ("waiting", "inside", "leaver", "collector", "loser"):
        family = new_family(hall, name, walkers=2 if name in ("waiting", "inside") else 1)
        open_own(hall, family)
        shut(hall, family)
        if name in ("inside", "leaver", "collector"):
            pass_gate(hall, family, "in")
        if name in ("leaver", "collector"):
            pass_gate(hall, family, "out")
    done = new_family(hall, "done")
    pass_gate(hall, done, "in")
    pass_gate(hall, done, "out")
    new_family(hall, "newcomer")
    new_family(hall, "unsearched", search=False)
    new_family(hall, "cardless", card=False, search=False)
    hall.until(hall.at_rest, "the hall comes to rest")
    hall.stop()
    hall.must("confirm_count")
    hall.run(2 * HOUR - MINUTE)  # old segments have been deleted once, and will be in a minute
    open_own(hall, hall.family("collector"))
    hall.must("enrol", number=hall.spare[0][0], uid=hall.spare[0][1])
    for counter in ("1", ""):
        ticket = hall.must("ticket", **{"class": "A"})["ticket"]
        if counter:
            hall.must("call", counter=counter, ticket=ticket)
    hall.until(hall.at_rest, "the hall comes to rest")


def new_family(hall: CrashHall, name: str, *, walkers: int = 1, card: bool = True, search: bool = True) -> Family:
    """From the ticket to the card and the search, as far as asked for."""
    number, uid = hall.spare.pop(0)
    family = Family(name, number, uid, walkers)
    hall.families[name] = family
    hall.must("enrol", number=number, uid=uid)
    ticket = hall.must("ticket", **{"class": "A"})["ticket"]
    hall.must("call", counter="1", ticket=ticket, reason="family_first")
    family.visit = hall.must("bind", ticket=ticket, adults=walkers)["visit"]
    if card:
        hall.must("issue", visit=family.visit, card=number)
    if search:
        hall.must("search", visit=family.visit, result="passed")
    return family


def open_own(hall: CrashHall, family: Family, reader: str = "lockers") -> None:
    """Tap until one's own door stands open, and give up after a while."""
    for _ in range(3):
        if _own_door_open(hall, family):
            return
        hall.hand(lambda: hall.world.tap(reader, family.uid, 300))
        if hall.waited(lambda: _own_door_open(hall, family), 1_500):
            hall.run(400)
            return
        hall.run(600)


def _own_door_open(hall: CrashHall, family: Family) -> bool:
    number = hall.owned(family)
    return bool(number) and hall.world.lockers[number].door == "open"


def shut(hall: CrashHall, family: Family) -> None:
    """Put the bag in or take it out, and shut one's own door."""
    number = next((n for n, one in hall.world.lockers.items() if one.door == "open" and n == hall.owned(family)), 0)
    if number:
        hall.hand(lambda: hall.world.door(number, "closed", not family.going_out))
        family.locker = 0 if family.going_out else number
    hall.waited(lambda: not number or hall.hall.lockers[number].door == "closed", 3_000)
    hall.run(300)


def pass_gate(hall: CrashHall, family: Family, direction: Direction) -> None:
    """Tap and push until everybody is through; who is not let in gives up, out everybody goes."""
    reader: str = "entry" if direction == "in" else "exit"
    arm = hall.world.arms["main"].turnstile

    def free() -> bool:
        return arm.state in (f"free_{SIDE[direction]}", "free_both")

    def left() -> bool:
        return family.inside < family.walkers if direction == "in" else family.inside > 0

    for _ in range(6):  # the arm may be somebody else's for a while
        if not left():
            break
        if not free():
            hall.hand(lambda: hall.world.tap(reader, family.uid, 300))
        while left() and hall.waited(lambda: free() and not arm.busy, 1_500):
            _push(hall, family, direction)
        hall.run(600)
    if direction == "out" and left():
        raise Stuck(f"{family.name} cannot get out")


def _push(hall: CrashHall, family: Family, direction: Direction) -> None:
    ended: list[bool] = []

    def through(passed: bool) -> None:
        ended.append(passed)
        family.inside += passed * (1 if direction == "in" else -1)
        family.going_out = family.going_out or (direction == "out" and not family.inside)

    hall.hand(lambda: hall.world.push("main", direction, through))
    hall.until(lambda: bool(ended), "somebody comes through the arm")
    hall.run(300)


def put_right(hall: CrashHall) -> None:
    """After a gap in watching a guard counts heads, and ticks on the list who is inside."""
    present = {family.visit: family.inside for family in hall.families.values() if family.inside}
    believed = {visit.visit: visit.inside for visit in hall.hall.visits.values() if visit.inside}
    if present != believed or hall.hall.unattributed:
        hall.must("recount", present=present, reason="nobody_watched")
