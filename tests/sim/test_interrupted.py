"""Ctrl-C, as a terminal sends it: to the command and all its processes. It ends at once, without a trace of anybody."""

import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AT_ONCE_S = 5
"""Two on an idle machine; a day would take minutes to end."""
AS_IN_A_TERMINAL = ("env", "--default-signal=INT")
"""Whatever a shell has started in its background ignores Ctrl-C, and so would what that starts."""
BEGUN_S = 6.0
"""Work after which every command has its beginnings behind it."""


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["firmware.cli", "sim", "soak", "--seeds", "33..99", "--jobs", "2", "--faults", "none"], " h of hall time, "),
        (["firmware.cli", "sim", "counters", "--visitors", "5000,4000", "--jobs", "2"], ""),
        (["sim.crashes", "--depth", "2", "--jobs", "2"], ""),
    ],
    ids=["soak", "counters", "crashes"],
)
def test_it_ends_at_once(command: list[str], says: str) -> None:
    asked = subprocess.Popen(
        [*AS_IN_A_TERMINAL, sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        until = time.monotonic() + 60
        while cpu_s(asked.pid) < BEGUN_S:
            assert time.monotonic() < until, "it never begins to work"
            select.select([], [], [], 0.05)
        begun = time.monotonic()
        os.killpg(asked.pid, signal.SIGINT)
        out, err = asked.communicate(timeout=30)
        assert time.monotonic() - begun < AT_ONCE_S
    finally:
        with suppress(ProcessLookupError):  # as it should be: nobody is left
            os.killpg(asked.pid, signal.SIGKILL)
    assert asked.returncode not in (0, 1), err
    assert "Traceback" not in err
    assert says in out


def cpu_s(pid: int) -> float:
    """What a process has worked, with all below it, and all that have ended there."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        below = [int(one) for thread in threads for one in (thread / "children").read_text().split()]
    except OSError:  # it has just ended, and counts for whoever was above it
        return 0.0
    own = sum(map(int, stat[11:15])) / os.sysconf("SC_CLK_TCK")
    return own + sum(map(cpu_s, below))
