"""What systemd hears, how tight the service is shut, and whether the machine's clock may be believed."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hal.clock import WallTime
from services.sysclock import SystemWallClock
from services.systemd import Notifier, credentials_directory, watchdog_ms
from tests.needed import missing

UNITS = Path(__file__).parents[2] / "systemd"
EXPOSURE_MOST = 2.1


# -- notifications


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, dict[str, str]]]:
    """The service manager's end, and the environment that it gives a service."""
    address = str(tmp_path / "notify") if request.param == "path" else f"@besuk-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(address.replace("@", "\0", 1) if address[0] == "@" else address)
        heard.setblocking(False)
        yield heard, {"NOTIFY_SOCKET": address}


def test_a_service_tells_its_life(manager: tuple[socket.socket, dict[str, str]]) -> None:
    heard, environment = manager
    notifier = Notifier(environment)
    assert notifier.ready("12 inside")
    assert notifier.alive()
    assert notifier.status("broker is away,\nhall goes on")
    assert notifier.stopping()
    notifier.close()
    words = [heard.recv(200) for _ in range(4)]
    assert words == [
        b"READY=1\nSTATUS=12 inside", b"WATCHDOG=1", b"STATUS=broker is away, hall goes on", b"STOPPING=1"
    ]  # fmt: skip
    assert not notifier.alive()


def test_a_status_cannot_say_more_than_a_status(manager: tuple[socket.socket, dict[str, str]]) -> None:
    """A device's text in the status must not become a word of its own, such as READY=1."""
    heard, environment = manager
    notifier = Notifier(environment)
    notifier.status("entry\nWATCHDOG=1\r\nMAINPID=1")
    assert heard.recv(200) == b"STATUS=entry WATCHDOG=1 MAINPID=1"
    notifier.close()


def test_without_systemd_nobody_hears_and_nothing_fails() -> None:
    notifier = Notifier({})
    assert [notifier.ready(), notifier.alive(), notifier.status("x"), notifier.stopping()] == [False] * 4
    notifier.close()


def test_a_manager_that_is_gone_fails_nothing(tmp_path: Path) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    assert not notifier.alive()
    notifier.close()


def test_a_manager_that_does_not_read_delays_nothing(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(address)
        notifier = Notifier({"NOTIFY_SOCKET": address})
        assert notifier.alive()
        assert not all(notifier.alive() for _ in range(10_000))  # the queue is full, and we are still here
        notifier.close()


def test_an_address_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(OSError, match="neither a path nor an abstract name: notify"):
        Notifier({"NOTIFY_SOCKET": "notify"})


@pytest.mark.parametrize(
    ("environment", "ms"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "12000000"}, 12_000),
        ({"WATCHDOG_USEC": "12000000", "WATCHDOG_PID": str(os.getpid())}, 12_000),
        ({"WATCHDOG_USEC": "12000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "often"}, None),
    ],
)
def test_the_watchdogs_time(environment: dict[str, str], ms: int | None) -> None:
    assert watchdog_ms(environment) == ms


def test_keys_lie_where_systemd_says_or_else_beside_the_state(tmp_path: Path) -> None:
    given = {"CREDENTIALS_DIRECTORY": "/run/credentials/besuk.service"}
    assert credentials_directory(tmp_path, given) == Path("/run/credentials/besuk.service")
    assert credentials_directory(tmp_path, {}) == tmp_path


# -- the clock


def test_the_wall_clock_is_the_machines() -> None:
    before = time.time_ns() // 1_000_000
    reading = SystemWallClock().read()
    assert before <= reading.utc_ms <= time.time_ns() // 1_000_000


def test_a_reading_has_the_shape_of_the_seam() -> None:
    reading = SystemWallClock().read()
    assert WallTime(**reading._asdict()) == WallTime(reading.utc_ms, reading.synced)


@pytest.mark.parametrize(("state", "synced"), [(0, True), (1, True), (2, True), (5, False)])
def test_the_clock_may_be_believed_unless_the_kernel_says_5(state: int, synced: bool) -> None:
    """adjtimex(2): 1 and 2 announce a leap second, 5 is TIME_ERROR."""
    assert SystemWallClock(lambda _timex: state).read().synced is synced


def test_the_kernel_is_asked_and_not_told() -> None:
    """`modes`, the first word, must be 0 each time: anything else would set the clock."""
    asked = []

    def adjtimex(timex: Any) -> int:
        asked.append(bytes(timex.raw))
        timex.raw = b"\xff" * len(timex.raw)  # what the kernel writes into it
        return 0

    clock = SystemWallClock(adjtimex)
    clock.read()
    clock.read()
    assert [set(timex) for timex in asked] == [{0}, {0}]


def test_a_filter_that_forbids_asking_is_no_state_of_the_clock() -> None:
    with pytest.raises(OSError, match="adjtimex: "):
        SystemWallClock(lambda _timex: -1).read()


# -- the unit


def lines(name: str) -> list[str]:
    return [line for line in (UNITS / name).read_text(encoding="utf-8").splitlines() if line and line[0] not in "#["]


def need(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        missing(f"`{program}` is not installed (apt install systemd)")
    return found


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout + done.stderr


def test_the_service_is_shut_tight() -> None:
    said = run(need("systemd-analyze"), "security", "--offline=true", "--no-pager", str(UNITS / "besuk.service"))
    found = re.search(r"Overall exposure level for besuk\.service: ([0-9.]+)", said)
    assert found, said
    assert float(found[1]) <= EXPOSURE_MOST, said
    assert f"says {found[1]} (" in (UNITS / "README.md").read_text(encoding="utf-8")


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = (UNITS / "besuk.service").read_text(encoding="utf-8")
    here = tmp_path / "besuk.service"
    here.write_text(re.sub("(?m)^ExecStart=.*$", "ExecStart=/bin/true", unit), encoding="utf-8")
    assert "besuk.service" not in run(need("systemd-analyze"), "verify", "--man=no", str(here))


def test_systemd_makes_the_user_and_the_groups() -> None:
    said = run(need("systemd-sysusers"), "--dry-run", "--root=/nonexistent", str(UNITS / "besuk.sysusers.conf"))
    assert "Creating user 'besuk'" in said
    groups = next(line for line in lines("besuk.service") if line.startswith("SupplementaryGroups="))
    for group in groups.partition("=")[2].split():
        assert f"g {group} " in (UNITS / "besuk.sysusers.conf").read_text(encoding="utf-8")


def test_the_unit_restarts_for_ever_and_waits_for_no_network() -> None:
    unit = lines("besuk.service")
    for line in ("Type=notify", "WatchdogSec=12", "Restart=always", "RestartSec=2", "StartLimitIntervalSec=0"):
        assert line in unit
    assert not [line for line in unit if "network" in line]


def test_every_line_of_the_unit_has_its_reason() -> None:
    """Each setting's name, or a `Family*` of it, stands in the README's table."""
    table = (UNITS / "README.md").read_text(encoding="utf-8")
    known = re.findall(r"`([A-Za-z]+)[=*]?[^`]*`", table)
    families = re.findall(r"`([A-Za-z]+)\*`", table)
    settings = {line.partition("=")[0] for line in lines("besuk.service")}
    obvious = {"Description", "Documentation", "ExecStart", "WantedBy", "SystemCallArchitectures"}
    assert {name for name in settings - obvious if name not in known and not name.startswith(tuple(families))} == set()


def test_every_serial_line_of_the_sample_has_a_stable_name() -> None:
    sample = (UNITS.parent / "config.yaml").read_text(encoding="utf-8")
    named = set(re.findall(r"/dev/(besuk-[a-z]+)", sample))
    rules = set(re.findall(r'SYMLINK\+="([^"]+)"', (UNITS / "60-besuk.rules").read_text(encoding="utf-8")))
    assert named == rules
