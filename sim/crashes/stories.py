"""What may happen in a crash story: the alphabet of its actions, and what must be so when one has ended.

Every action is played until it is done, whatever happened to the program meanwhile; see `sim.crashes.hall`.
"""

from collections.abc import Callable
from functools import partial

from sim.crashes import families
from sim.crashes.hall import CrashHall
from sim.hall import Direction

Action = Callable[[CrashHall], None]


def open_locker(hall: CrashHall, who: str, reader: str = "lockers") -> None:
    """A tap at a bank: a deposit, a bag fetched once more, or one's own things collected."""
    families.open_own(hall, hall.family(who), reader)


def shut_door(hall: CrashHall) -> None:
    """Whoever stands at an open locker takes the bag out, or leaves it there, and shuts the door."""
    for family in hall.families.values():
        families.shut(hall, family)


def pass_gate(hall: CrashHall, who: str, direction: Direction) -> None:
    families.pass_gate(hall, hall.family(who), direction)


def press_ticket(hall: CrashHall) -> None:
    """The button, until there is a number more than before."""
    before = hall.memory.setdefault("issued", hall.hall.issued.get("A", 0))
    hall.hand(lambda: hall.world.contact("ticket", False))
    hall.run(100)
    if hall.hall.issued.get("A", 0) == before:
        hall.hand(lambda: hall.world.contact("ticket", True))
        hall.run(200)
        hall.hand(lambda: hall.world.contact("ticket", False))
    hall.run(300)


def call(hall: CrashHall) -> None:
    if "2" not in hall.hall.serving:
        hall.ask("call", counter="2")


def bind(hall: CrashHall) -> None:
    """The one who is called at counter 1 becomes a visit."""
    ticket = hall.memory.setdefault("ticket", hall.hall.serving.get("1", ""))
    if not any(visit.ticket == ticket for visit in hall.hall.visits.values()):
        hall.ask("bind", ticket=ticket, adults=1)


def issue(hall: CrashHall) -> None:
    family = hall.family("cardless")
    hall.ask("issue", visit=family.visit, card=family.number)


def search(hall: CrashHall) -> None:
    hall.ask("search", visit=hall.family("unsearched").visit, result="passed")


def give_back(hall: CrashHall) -> None:
    """A card comes back; who asks again after a crash is told that it is with nobody."""
    hall.ask("return", card=hall.family("done").number, collected=True)


def give_back_owing(hall: CrashHall) -> None:
    """A card comes back while a bag is still locked away: it is kept from the next visitor."""
    hall.ask("return", card=hall.family("loser").number, collected=False)


def replace_card(hall: CrashHall) -> None:
    """Somebody has lost the card, and gets another: the locker goes with the visit."""
    family = hall.family("waiting")
    if not hall.memory.get("lost"):
        hall.ask("lost", visit=family.visit, reason="lost")
        hall.memory["lost"] = True
    spare = hall.spare[0]
    if hall.hall.cards[hall.hall.visits[family.visit].card].number != spare[0]:
        hall.ask("issue", visit=family.visit, card=spare[0])
    family.number, family.uid = spare


def release(hall: CrashHall) -> None:
    """Two guards free a locker whose owner is gone. If it does not open, for a crash took the pulse, they open it."""
    family = hall.family("loser")
    number = hall.memory.setdefault("locker", hall.owned(family))
    family.locker = 0  # from here on it is the guards'
    if hall.owned(family):
        hall.ask("release", locker=number, reason="owner_gone", second="guard-2")
    if number and not hall.waited(lambda: hall.world.lockers[number].door == "open", 1_500):
        hall.ask("inspect", locker=number, reason="owner_gone", second="guard-2")
        hall.waited(lambda: hall.world.lockers[number].door == "open", 1_500)
    hall.run(400)


def recount(hall: CrashHall) -> None:
    """Two guards have counted: those are inside who are."""
    present = {family.visit: family.inside for family in hall.families.values() if family.inside}
    hall.ask("recount", present=present, reason="evening_count")


def close_and_open(hall: CrashHall) -> None:
    """The session is closed to newcomers, and opened again."""
    if not hall.memory.get("closed"):
        if hall.hall.session == "open":
            hall.ask("close")
        hall.memory["closed"] = True
    if hall.hall.session != "open":
        hall.ask("open")


def lock_down(hall: CrashHall) -> None:
    if not hall.memory.get("locked"):
        if not hall.hall.lockdown:
            hall.ask("lockdown", on=True, reason="alarm")
        hall.memory["locked"] = True
    if hall.hall.lockdown:
        hall.ask("lockdown", on=False, reason="all_clear")


def fire(hall: CrashHall) -> None:
    """The fire contact for half a second, and the guard's reset at the arm."""
    if not hall.memory.get("burnt"):
        hall.memory["burnt"] = True
        hall.hand(lambda: hall.world.contact("fire", True))
        hall.run(500)
    hall.hand(lambda: hall.world.contact("fire", False))
    hall.run(300)
    for _ in range(3):
        if not hall.hall.emergency:
            break
        hall.hand(lambda: hall.world.contact("fire_reset", True))
        hall.run(300)
        hall.hand(lambda: hall.world.contact("fire_reset", False))
        hall.run(300)


def jam(hall: CrashHall) -> None:
    """A latch sticks: three pulses, jammed; then it gives, and the next tap opens."""
    family = hall.family("waiting")
    device = f"locker-{hall.memory.setdefault('locker', hall.owned(family))}"
    if not hall.memory.get("jammed"):
        if device not in hall.world.faults:
            hall.hand(lambda: hall.world.fault(device, "stuck"))
        hall.hand(lambda: hall.world.tap("lockers", family.uid, 300))
        hall.run(12_000)
        hall.memory["jammed"] = True
    hall.hand(lambda: hall.world.clear_fault(device))
    families.open_own(hall, family)
    families.shut(hall, family)


def board_dies(hall: CrashHall) -> None:
    """The lock board loses its current for some seconds."""
    if not hall.memory.get("silent"):
        hall.memory["silent"] = True
        hall.hand(lambda: hall.world.fault("A", "silent"))
    hall.run(4_000)
    hall.hand(lambda: hall.world.clear_fault("A"))
    hall.waited(lambda: "A" not in hall.hall.devices, 5_000)


def disk_full(hall: CrashHall) -> None:
    """Somebody else's files fill the disk, somebody presses the button, and the files are taken away again."""
    if not hall.memory.get("full"):
        hall.memory["full"] = True
        hall.hand(lambda: hall.world.fault("disk", "full"))
        hall.ask("capacity", capacity=19)
    hall.run(1_000)
    hall.hand(lambda: hall.world.clear_fault("disk"))
    hall.waited(lambda: not hall.hall.degraded, 15_000)


def restart(hall: CrashHall) -> None:
    """A stop in good order, with its checkpoint, and a start."""
    if not hall.memory.get("stopped"):
        hall.memory["stopped"] = True
        hall.hand(hall.stop)


def minute(hall: CrashHall) -> None:
    """A minute and some seconds: a collected locker is released, old segments are deleted, a checkpoint is saved."""
    hall.run(65_000)


ALPHABET: dict[str, Action] = {
    "deposit": partial(open_locker, who="newcomer"),
    "deposit at relays": partial(open_locker, who="newcomer", reader="lockers_b"),
    "reopen": partial(open_locker, who="waiting"),
    "collect": partial(open_locker, who="leaver"),
    "shut": shut_door,
    "enter": partial(pass_gate, who="waiting", direction="in"),
    "leave": partial(pass_gate, who="inside", direction="out"),
    "ticket": press_ticket,
    "call": call,
    "bind": bind,
    "issue": issue,
    "search": search,
    "return": give_back,
    "return owing": give_back_owing,
    "replace card": replace_card,
    "release": release,
    "recount": recount,
    "close and open": close_and_open,
    "lockdown": lock_down,
    "fire": fire,
    "jam": jam,
    "board dies": board_dies,
    "disk full": disk_full,
    "restart": restart,
    "minute": minute,
}
"""By name. The first tap of a newcomer is a deposit, the second opens again; so order matters, and every order is
played."""
