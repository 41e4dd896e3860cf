"""`besuk sim`: a live virtual hall as a process, with its broker, its receiver, its pages and its control socket.

Says on stdout where everything is, one thing a line, and runs until SIGINT or SIGTERM. A state folder belongs to one
process at a time: the folder itself is locked, and the kernel lifts the lock however the process ends.
"""

import fcntl
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from firmware.boot import broker_settings
from firmware.codec import UnknownFactError
from firmware.config import Config
from firmware.machine import mqtt_settings
from firmware.staff import StaffError
from services.control import ControlError, ControlServer
from services.mqtt import MqttSettings
from services.segments import WrongJournalError
from services.stream import SWITCH_S
from services.web import Pages
from sim import pi
from sim.embedded_broker import EmbeddedBroker, EmbeddedBrokerError
from sim.live_hall import LiveHall
from sim.live_receiver import Central
from sim.world_file import WorldFileError

log = logging.getLogger(__name__)

OK, FAULT, WRONG = 0, 1, 2
SOCKET = "control.sock"

Address = tuple[str, int]


class UsageError(ValueError):
    """What was asked for makes no sense; the text is for the user."""


def main(
    config: Config, *, speed: float = 1.0, seed: int = 1, visitors: int | None = None, broker: str = "embedded",
    web: str = "", state: Path | None = None,
) -> int:  # fmt: skip
    """Run until a signal. `visitors` a day; `broker`: embedded, HOST:PORT or none; `web`: HOST:PORT or none; without
    `state` in a folder that is gone at the end. Returns the exit code."""
    pi.install()
    sys.setswitchinterval(SWITCH_S)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        broker_at = None if broker in ("embedded", "none") else address(broker, "--broker")
        web_at = None if web == "none" else address(web or f"{config.web.host}:{config.web.port}", "--web")
        with ExitStack() as ending:
            folder = state.resolve() if state else Path(ending.enter_context(temporary()))
            ending.enter_context(locked(folder))
            embedded = broker == "embedded"
            if embedded:
                broker_at = start_broker(ending)
            mqtt = line_to(config, folder, broker_at, embedded)
            live = LiveHall(config, folder, mqtt=mqtt, seed=seed, speed=speed)
            ending.callback(live.stop)
            if embedded and mqtt is not None:
                receive(live, mqtt, folder, ending)
            early: list[str] = []
            live.on_told = lambda *lines: early.extend(lines)
            live.prepare()
            if visitors != 0:
                invite(live, visitors, seed)
            run(live, folder, web_at, broker_at, early, stopping.is_set, ending)
    except (UsageError, WorldFileError, StaffError, WrongJournalError, UnknownFactError, ControlError) as error:
        complain(str(error))
        return WRONG
    except OSError as error:
        complain(f"the state in {state or gettempdir()} cannot be used: {error.strerror or error}")
        return FAULT
    return OK


def run(
    live: LiveHall, folder: Path, web_at: Address | None, broker_at: Address | None, early: list[str],
    stopped: Callable[[], bool], ending: ExitStack,
) -> None:  # fmt: skip
    """Open the doors to the outside, say where they are, and let the hall run. `early`: what became true before."""
    control = ControlServer(folder / SOCKET, live.requests)
    control.start()
    ending.callback(control.stop)
    pages: Pages | None = None
    pins: list[str] = []
    if web_at is not None:
        from sim.api import sim_application
        from sim.demo_staff import demo_staff

        staff, secrets = demo_staff(folder)
        members = staff.members().values()
        pins = [f"staff: {one.id} ({one.role}) PIN {secrets[one.pin]}" for one in members if one.pin in secrets]
        pages = Pages(sim_application(live, staff, secrets), *web_at, say, complain)
        ending.callback(pages.stop)
        pages.step()
        if not pages.serving:
            say("web: none")
    else:
        say("web: none")
    say(f"broker: {broker_at[0]}:{broker_at[1]}" if broker_at else "broker: none")
    say(f"socket: {control.path}")
    say(f"state: {folder}")
    if web_at is None:
        say(*early)
    else:
        say(*pins)
    live.on_told = say if web_at is None else lambda *lines: None
    live.run(stopped, pages.step if pages else lambda: None)


def temporary() -> TemporaryDirectory[str]:
    """A folder for a hall that nobody wants to see again."""
    return TemporaryDirectory(prefix="besuk-", ignore_cleanup_errors=True)


def address(text: str, option: str) -> Address:
    """`HOST:PORT`, `[::1]:PORT` or `:PORT`. Raises UsageError."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65_535:
        raise UsageError(f"{option}: {text!r} is not allowed; HOST:PORT, or none")
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Have the state folder to oneself. Raises UsageError when another process has it, OSError when nobody can."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise UsageError(f"{folder}: another hall runs on this state") from None
    try:
        yield
    finally:
        os.close(handle)


def start_broker(ending: ExitStack) -> Address | None:
    """The embedded broker; without it the hall runs all the same, and says so."""
    broker = EmbeddedBroker()
    try:
        at = broker.start()
    except EmbeddedBrokerError as error:
        complain(str(error))
        return None
    ending.callback(broker.stop)
    return at


def line_to(config: Config, folder: Path, broker_at: Address | None, embedded: bool) -> MqttSettings | None:
    """How the daemon reaches its broker; a foreign one with the configuration's password and certificates."""
    if broker_at is None:
        return None
    if embedded:
        return broker_settings(config, host=broker_at[0], port=broker_at[1])
    return replace(mqtt_settings(config, folder), host=broker_at[0], port=broker_at[1])


def receive(live: LiveHall, mqtt: MqttSettings, folder: Path, ending: ExitStack) -> None:
    """The central server of the desk: stores every event, and acknowledges."""
    live.central = Central(live.daemon.controller.ledger.journal.origin.source, mqtt, folder / "received")
    live.central.start()
    ending.callback(live.central.stop)


def invite(live: LiveHall, day: int | None, seed: int) -> None:
    """Visitors, where the site has what they need; otherwise the hall runs without."""
    try:
        live.invite(day, seed)
    except LookupError as error:
        complain(f"nobody comes by themselves: {error}")


def say(*lines: str) -> None:
    """Lines on stdout, at once. Whoever has stopped reading misses nothing else."""
    with suppress(BrokenPipeError):
        print(*lines, sep="\n", flush=True)  # noqa: T201
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(text: str) -> None:
    """One line on stderr."""
    print(f"besuk: {text}", file=sys.stderr, flush=True)  # noqa: T201
