"""The real loop under a service manager: ready after the first scan, the watchdog fed by scans alone, a good end.

The machine's buses are virtual, for there is no Pi here; loop, disk, threads, sockets and signals are the shipped ones.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from services.control import ask
from services.disk import FolderDisk
from services.segments import verify

HERE = Path(__file__).parent.parent.parent
DEADLINE_S = 30.0

PROGRAM = """
import sys, random, time, logging
from dataclasses import dataclass
from pathlib import Path
from firmware.boot import assemble
from firmware.config import load
from firmware.service import serve
from hal.clock import MonotonicClock, WallTime
from services.disk import FolderDisk
from services.writer import ThreadWriter
from sim.clock import VirtualClock
from sim.hall import VirtualHall
from sim.world import VirtualWorld

logging.basicConfig(level=logging.INFO)
state, config, port, hang_s = Path(sys.argv[1]), load(Path(sys.argv[2])), int(sys.argv[3]), float(sys.argv[4])
config = config.model_copy(update={"web": config.web.model_copy(update={"port": port})})
virtual = VirtualClock()

class RealTime:
    def __init__(self):
        self.real = MonotonicClock()
    def now(self):
        virtual.advance_to(self.real.now() * 1000)
        if hang_s and self.real.now() > 1_000:
            time.sleep(hang_s)  # a hung driver
        return virtual.now()

class Wall:
    def read(self):
        return WallTime(time.time_ns() // 1_000_000, True)

hall = VirtualHall(config, virtual)
world = VirtualWorld(hall, Wall(), FolderDisk(state), ThreadWriter(), ThreadWriter(), None)
world.clock = RealTime()
sys.exit(serve(assemble(config, world, None), state))
"""


class Manager:
    """What systemd is to a service: a socket that listens, and signals."""

    def __init__(self, folder: Path, hang_s: float = 0) -> None:
        self.state = folder / "state"
        self.state.mkdir(mode=0o700)
        self.ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ear.bind(str(folder / "notify"))
        self.ear.settimeout(DEADLINE_S)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(self.state), str(HERE / "config.yaml"), str(self.port), str(hang_s)],
            cwd=HERE, env={**os.environ, "NOTIFY_SOCKET": str(folder / "notify")}, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def hears(self, word: str) -> None:
        until = time.monotonic() + DEADLINE_S
        while word not in self.ear.recv(4096).decode().splitlines():
            assert time.monotonic() < until, f"never said {word}"

    def end(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGTERM)
        _, err = self.process.communicate(timeout=DEADLINE_S)
        self.ear.close()
        return self.process.returncode, err


def test_ready_watchdog_pages_socket_and_a_good_end(tmp_path: Path) -> None:
    manager = Manager(tmp_path)
    manager.hears("READY=1")
    for _ in range(20):
        manager.hears("WATCHDOG=1")
    assert ask(manager.state / "control.sock", "open", {}, "officer-1")["ok"]
    assert (manager.state / "control.sock").stat().st_mode & 0o777 == 0o600
    with urllib.request.urlopen(f"http://127.0.0.1:{manager.port}/healthz", timeout=DEADLINE_S) as page:
        assert json.load(page)["mode"] == "open"
    code, err = manager.end()
    assert code == 0, err
    assert "Traceback" not in err
    assert not (manager.state / "control.sock").exists()
    assert (manager.state / "state.json").exists()
    report = verify(FolderDisk(manager.state), "journal")
    assert report.damage is None
    assert report.records > 10


def test_a_hung_driver_starves_the_watchdog(tmp_path: Path) -> None:
    manager = Manager(tmp_path, hang_s=3_600)
    manager.hears("WATCHDOG=1")
    manager.ear.settimeout(3.0)
    silent = False
    until = time.monotonic() + DEADLINE_S
    while not silent and time.monotonic() < until:
        try:
            manager.ear.recv(4096)
        except TimeoutError:
            silent = True
    manager.process.kill()
    manager.process.communicate()
    manager.ear.close()
    assert silent, "the watchdog is fed though no scan ends"
