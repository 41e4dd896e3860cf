"""What a picture of the hall needs beside `VirtualHall.world`: what stands where, how signs shine, how arms turn."""

from typing import Any

from firmware.config import Config
from firmware.core.site import ReaderPlace
from sim.hall import SIDE, VirtualHall
from sim.led_sign import VirtualAlphaSign, VirtualAsciiSign


def plan(config: Config) -> dict[str, Any]:
    """What the site has, by name: counters, banks, lanes, readers, contacts, signs. It does not change."""

    def readers(place: ReaderPlace, at: str = "") -> list[str]:
        wired = config.readers.items()
        return [name for name, one in wired if one.place is place and at in ("", one.bank, one.lane)]

    return {
        "site": config.site,
        "hall": config.hall,
        "capacity": config.capacity,
        "visit_ms": config.visits.length,
        "counters": list(config.queue.counters),
        "classes": {letter: one.priority for letter, one in config.queue.classes.items()},
        "banks": {
            name: {"lockers": list(bank.numbers), "readers": readers(ReaderPlace.LOCKER, name)}
            for name, bank in config.wiring.banks.items()
        },
        "lanes": {
            name: {"entry": readers(ReaderPlace.ENTRY, name), "exit": readers(ReaderPlace.EXIT, name)}
            for name in config.gate.lanes
        },
        "desk": readers(ReaderPlace.DESK),
        "signs": list(config.signs),
        "contacts": {
            name: {"use": one.use.value, "lane": one.lane or "", "tickets": one.tickets or ""}
            for name, one in config.contacts.items()
        },
    }  # fmt: skip


def sights(hall: VirtualHall) -> dict[str, Any]:
    """How each sign shines, and how often each arm has turned."""
    return {
        "leds": {name: _leds(sign, hall.faults.get(name)) for name, sign in hall.signs.items()},
        "passed": {
            name: {way: arm.turnstile.passed[side] for way, side in SIDE.items()} for name, arm in hall.arms.items()
        },
    }


def _leds(sign: VirtualAlphaSign | VirtualAsciiSign, fault: str | None) -> dict[str, Any]:
    """Lines of letters, in which mode and colour; a sign whose plug is out is dark, whatever it was told before."""
    if fault == "unplugged":
        return {"lines": [], "mode": "", "colour": ""}
    if isinstance(sign, VirtualAsciiSign):
        return {"lines": [sign.reads] if sign.reads else [], "mode": "hold", "colour": "red"}
    return {"lines": sign.lines, "mode": sign.mode, "colour": sign.colour}
