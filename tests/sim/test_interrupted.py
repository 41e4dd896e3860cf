"""Ctrl-C, as a terminal sends it: to the command and all its processes. It ends at once, without a trace of anybody."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AT_ONCE_S = 5
"""Two on an idle machine; a day would take minutes to end."""


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
        [sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    workers = Path(f"/proc/{asked.pid}/task/{asked.pid}/children")
    until = time.monotonic() + 60
    while not busy(workers):
        assert time.monotonic() < until, "it never begins to work"
        select.select([], [], [], 0.05)
    begun = time.monotonic()
    os.killpg(asked.pid, signal.SIGINT)
    out, err = asked.communicate(timeout=30)
    assert time.monotonic() - begun < AT_ONCE_S
    assert asked.returncode not in (0, 1), err
    assert "Traceback" not in err
    assert says in out


def busy(children: Path) -> bool:
    """Whether a process below, with those that have ended below it, has worked for two seconds: it has left its
    beginnings behind it."""
    below = [int(pid) for pid in children.read_text().split()]
    grandchildren = [
        int(pid) for one in below for pid in Path(f"/proc/{one}/task/{one}/children").read_text().split()
    ]
    ticks = os.sysconf("SC_CLK_TCK")
    for pid in below + grandchildren:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if sum(map(int, stat[11:15])) > 2 * ticks:
            return True
    return False
