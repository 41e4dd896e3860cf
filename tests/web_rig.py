"""A web application in front of a daemon, with staff whose PINs the tests know."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from argon2 import PasswordHasher
from fastapi import FastAPI

from firmware.api.identity import Identity, Staff
from firmware.api.web import TOPICS, Lobby
from firmware.config import load
from firmware.daemon import Daemon
from firmware.staff import Demo, Member, Role
from hal.clock import Clock, MonotonicClock
from services.calls import Calls
from services.stream import Stream
from services.web import WebServer
from sim.live_hall import LiveHall

CONFIG = Path(__file__).parent.parent / "config.yaml"
PINS = {"officer-1": "271828", "guard-1": "314159", "guard-2": "141421", "supervisor-1": "161803"}
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""A hash that takes no time: what is tested is not argon2."""


@contextmanager
def live_hall(folder: Path, speed: float = 20.0) -> Iterator[LiveHall]:
    """A hall without a broker that runs in a thread of its own."""
    hall = LiveHall(load(CONFIG), folder, mqtt=None, speed=speed)
    hall.prepare()
    ended = threading.Event()
    thread = threading.Thread(target=hall.run, args=(ended.is_set,))
    thread.start()
    try:
        yield hall
    finally:
        ended.set()
        thread.join()
        hall.stop()


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """An application on a free port; its address."""
    web = WebServer(app, "127.0.0.1", 0)
    host, port = web.start()
    try:
        yield f"http://{host}:{port}"
    finally:
        web.stop()


def staff() -> Demo:
    """One of each role, and a second guard."""
    return Demo({id: Member(id, Role(id.partition("-")[0]), QUICK.hash(pin)) for id, pin in PINS.items()})


def lobby(daemon: Daemon, calls: Calls, who: Staff | None = None, clock: Clock | None = None) -> Lobby:
    """What a web application of `daemon` stands in front of."""
    identity = Identity(who or staff(), clock or MonotonicClock(), daemon.config.web.idle, daemon.controller.requests)
    return Lobby(lambda: daemon, calls, identity, Stream(TOPICS), daemon.config.language)
