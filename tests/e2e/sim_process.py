"""`besuk sim` as a process, for tests that stand outside it: where it says that everything is, and how it ends."""

import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.hall_hands import Hands

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config.yaml"
START_S = 30.0
LINES = ("web", "broker", "socket", "state")
STAFF = 4
"""How many can sign in at a virtual hall; each has a line that says so."""


class Process:
    """One `besuk sim` without visitors of its own, unless the options say otherwise, and at ten times the speed."""

    def __init__(self, folder: Path, *options: str, config: Path = CONFIG) -> None:
        self.errors = (folder.parent / f"{folder.name}.err").open("a+")
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "firmware.cli", "sim", "--config", str(config), "--visitors", "0",
             "--speed", "10", "--state", str(folder), *options],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=self.errors, bufsize=0,
        )  # fmt: skip
        self.said: dict[str, str] = {}
        self.pins: dict[str, str] = {}
        """Of those who can sign in, once `with_staff`."""

    def ready(self) -> "Process":
        while not set(LINES) <= set(self.said):
            name, _, value = self.line().partition(": ")
            self.said[name] = value
        return self

    def with_staff(self) -> "Process":
        """Ready, and it has said who can sign in."""
        self.ready()
        while len(self.pins) < STAFF:
            id, _role, _, pin = self.line().removeprefix("staff: ").split()
            self.pins[id] = pin
        return self

    def line(self) -> str:
        assert self.popen.stdout is not None
        found, _, _ = select.select([self.popen.stdout], [], [], START_S)
        assert found, self.told_wrong()
        line = self.popen.stdout.readline().decode()
        assert line, self.told_wrong()
        return line.rstrip("\n")

    def told_wrong(self) -> str:
        self.errors.seek(0)
        return self.errors.read()

    @property
    def hands(self) -> Hands:
        return Hands(self.said["web"])

    def ask(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """`besuk desk`, over the control socket."""
        command = [sys.executable, "-m", "firmware.cli", "desk", *words, "--actor", "guard-1", "--json"]
        command += ["--socket", self.said["socket"]]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=START_S, check=False)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.popen.send_signal(number)
        return self.popen.wait(START_S)

    def close(self) -> None:
        if self.popen.poll() is None:
            self.end(signal.SIGKILL)
        if self.popen.stdout is not None:
            self.popen.stdout.close()
        self.errors.close()


Start = Callable[..., Process]


@contextmanager
def starter(folder: Path) -> Iterator[Start]:
    """Starts processes on one state folder, and kills what is left of them."""
    begun: list[Process] = []

    def go(*options: str, config: Path = CONFIG) -> Process:
        begun.append(Process(folder / "state", *(options or ("--web", "127.0.0.1:0")), config=config))
        return begun[-1]

    try:
        yield go
    finally:
        for process in begun:
            process.close()
