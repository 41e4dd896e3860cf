"""A web application in front of a daemon, with staff whose PINs the tests know."""

from argon2 import PasswordHasher

from firmware.api.identity import Identity
from firmware.api.web import TOPICS, Lobby
from firmware.daemon import Daemon
from firmware.staff import Demo, Member, Role
from hal.clock import MonotonicClock
from services.calls import Calls
from services.stream import Stream

PINS = {"officer-1": "271828", "guard-1": "314159", "guard-2": "141421", "supervisor-1": "161803"}
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""A hash that takes no time: what is tested is not argon2."""


def staff() -> Demo:
    """One of each role, and a second guard."""
    return Demo({id: Member(id, Role(id.partition("-")[0]), QUICK.hash(pin)) for id, pin in PINS.items()})


def lobby(daemon: Daemon, calls: Calls) -> Lobby:
    """What a web application of `daemon` stands in front of."""
    identity = Identity(staff(), MonotonicClock(), daemon.config.web.idle, daemon.controller.requests)
    return Lobby(lambda: daemon, calls, identity, Stream(TOPICS), daemon.config.language)
