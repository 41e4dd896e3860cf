"""`besuk run`: the daemon on real hardware, from the first look at its files to the last word to the broker.

Exit codes: 0 stopped by a signal, 1 a fault that a restart may cure, 2 a wrong configuration, 3 no arm or fire contact.
"""

import logging
import signal
import sys
import threading
from pathlib import Path

from firmware.api.identity import Identity
from firmware.api.web import TOPICS, Lobby, application, feed
from firmware.boot import assemble
from firmware.codec import UnknownFactError
from firmware.config import Config
from firmware.daemon import Daemon
from firmware.devices import PinsMissingError
from firmware.machine import KeyFileError, Machine, mqtt_settings
from firmware.staff import StaffFile
from hal.clock import MonotonicClock
from services.calls import Calls
from services.control import ControlError, ControlServer
from services.segments import WrongJournalError
from services.stream import SWITCH_S, Stream
from services.systemd import Notifier
from services.web import Pages

log = logging.getLogger(__name__)

OK, FAULT, WRONG, MISSING = 0, 1, 2, 3
SOCKET = "control.sock"
ARM_WIRES = ("unlock_in", "unlock_out", "release", "pass_in", "pass_out", "ready")


def say(text: str) -> None:
    """One line for whoever started the program."""
    print(text, file=sys.stderr)  # noqa: T201


def indispensable(config: Config) -> str:
    """The pins without which the hall does not start: `arm main: unlock_in GPIO22, ...; fire contact: GPIO26`."""
    pins = []
    for name, lane in config.gate.lanes.items():
        pins.append(f"arm {name}: " + ", ".join(f"{wire} GPIO{getattr(lane, wire)}" for wire in ARM_WIRES))
    fires = [f"GPIO{contact.pin}" for contact in config.contacts.values() if contact.use == "fire"]
    return "; ".join([*pins, f"fire contact: {', '.join(fires)}"])


def run(config: Config) -> int:
    """Run until a signal comes. Returns the exit code."""
    state = Path(config.storage.state)
    try:
        world = Machine(state)
        mqtt = mqtt_settings(config, state)
        daemon = assemble(config, world, mqtt)
    except (WrongJournalError, UnknownFactError) as error:
        say(f"besuk: {error}")
        return WRONG
    except KeyFileError as error:
        say(f"besuk: {error.strerror}")
        return WRONG
    except PinsMissingError as error:
        say(f"besuk: {error}")
        say(f"besuk: without these pins nobody could be let out: {indispensable(config)}")
        return MISSING
    except ImportError as error:
        say(f"besuk: the readers' driver needs a Python module that is missing: {error.name}; see `besuk version`")
        return FAULT
    except OSError as error:
        say(f"besuk: the state in {state} cannot be used: {error.strerror or error}")
        return FAULT
    return serve(daemon, state)


def serve(daemon: Daemon, state: Path) -> int:
    """Rounds until a signal; what goes wrong in one is told, and a restart may cure it."""
    sys.setswitchinterval(SWITCH_S)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    notifier = Notifier()
    control = ControlServer(state / SOCKET, daemon.controller.requests)
    try:
        control.start()
    except ControlError as error:
        if error.__cause__ is None:  # another daemon lives there
            say(f"besuk: {error}")
            return WRONG
        log.error("%s; nobody can ask over it until the next start", error)  # a full disk must not keep people inside
    calls = Calls()
    web, stream = daemon.config.web, Stream(TOPICS)
    staff = StaffFile(state)
    identity = Identity(staff, MonotonicClock(), web.idle, daemon.controller.requests)
    lobby = Lobby(lambda: daemon, calls, identity, stream, daemon.config.language)
    shown = feed(lambda: daemon, stream)
    shown.watch(daemon.controller)
    daemon.watch = shown.look
    pages = Pages(application(lobby), web.host, web.port, log.info, log.warning)
    if not (state / staff.path.name).exists():
        log.warning("nobody can sign in at the pages yet: besuk staff add ID --role officer|guard|supervisor")
    ready = False

    def alive() -> None:
        nonlocal ready
        calls.serve()
        pages.step()
        if not ready:
            ready = notifier.ready("the hall is being watched") or True
        notifier.alive()
        shown.pause()

    try:
        daemon.run(stopping.is_set, alive)
    except Exception:
        log.exception("a fault in the scan")
        daemon.abandon()
        return FAULT
    else:
        notifier.stopping()
        daemon.stop()  # before the socket, so that whoever waits there is answered
        return OK
    finally:
        pages.stop()
        control.stop()
