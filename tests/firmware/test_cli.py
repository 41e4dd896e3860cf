"""The command line as its users meet it: exit codes, one clear line for a mistake, never a trace."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from firmware.commands.desk import login_name
from services.control import ControlServer
from sim.disk import VirtualDisk
from tests.rig import Rig

HERE = Path(__file__).parent.parent.parent
CONFIG = HERE / "config.yaml"


def besuk(*words: str, folder: Path = HERE, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "firmware.cli", *words], cwd=folder, capture_output=True, text=True, timeout=60,
        env={**os.environ, **environment}, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nonsense"], 2, "No such command 'nonsense'"),
        (["check", "--config", "/nonexistent.yaml"], 2, "besuk: /nonexistent.yaml: cannot be read"),
        (["check"], 0, "4 readers, 48 lockers, 1 lane, 1 sign, "),
        (["desk", "call", "counter=1"], 2, "--actor ID is missing"),
        (["desk", "call", "counter", "--actor", "o"], 2, "'counter' is no key=value"),
        (["desk", "call", "counter=1", "counter=2", "--actor", "o"], 2, "counter= is given twice"),
        (["desk", "recount", "present={", "--actor", "o"], 2, "is no JSON"),
        (["desk", "open", "--actor", "o", "--socket", "/nonexistent"], 1, "nothing answers at /nonexistent"),
        (["audit", "verify", "--journal", "/nonexistent"], 1, "there is no such folder"),
        (["audit", "show", "--since", "yesterday"], 2, "--since: 'yesterday' is not allowed; 2026-11-21, "),
        (["audit", "show", "--until", "2026-11-31"], 2, "--until: '2026-11-31' is not allowed; 2026-11-21, "),
        (["audit", "show", "--until", "2026-11-21T8:00"], 2, "--until: '2026-11-21T8:00' is not allowed"),
        (["sim", "--speed", "fast"], 2, "--speed"),
        (["sim", "--broker", "nowhere", "--state", "/nonexistent/x"], 2, "--broker"),
        (["sim", "day", "--visitors", "-1"], 2, "--visitors"),
        (["sim", "day", "--config", "/nonexistent.yaml"], 2, "cannot be read"),
        (["card", "show", "--socket", "/nonexistent"], 1, "is besuk running?"),
        (["version"], 0, "besuk: "),
    ],
)
def test_every_mistake_is_one_line_and_has_its_exit_code(words: list[str], code: int, said: str) -> None:
    done = besuk(*words)
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", ["", "sim", "sim day", "desk", "audit", "audit show", "card", "run"])
def test_every_command_has_help_in_english(words: str) -> None:
    done = besuk(*words.split(), "--help")
    assert done.returncode == 0
    assert "Usage:" in done.stdout


def test_a_configuration_that_is_not_here_is_asked_for(tmp_path: Path) -> None:
    done = besuk("check", folder=tmp_path, PYTHONPATH=str(HERE))
    assert done.returncode == 2
    assert done.stderr.endswith("no such file or directory; name it with --config FILE\n")


def test_a_lane_that_only_a_guard_opens_is_doubted(tmp_path: Path) -> None:
    site = tmp_path / "config.yaml"
    text = CONFIG.read_text()
    begin, end = text.index("  exit:     "), text.index("\ncontacts:")
    site.write_text(text[:begin] + text[end:])
    done = besuk("check", "--config", str(site))
    assert done.returncode == 0
    assert done.stderr.startswith("besuk: warning: gate.lanes.main has no exit reader")
    assert besuk("check").stderr == ""


@pytest.mark.parametrize(
    ("login", "actor"),
    [("sari", "sari"), ("Sari.W_2", "sariw2"), ("\u00fc\u00e4", "technician"), ("x" * 40, "x" * 32)],
)
def test_whoever_enrols_a_card_is_named_after_the_login(
    monkeypatch: pytest.MonkeyPatch, login: str, actor: str
) -> None:
    monkeypatch.setenv("LOGNAME", login)
    assert login_name() == actor


def test_without_pins_the_real_hall_does_not_start_and_says_which(tmp_path: Path) -> None:
    wrong = tmp_path / "config.yaml"
    wrong.write_text(CONFIG.read_text().replace("/var/lib/besuk", str(tmp_path / "state")))
    done = besuk("run", "--config", str(wrong))
    assert done.returncode == 3
    assert "unlock_in GPIO22" in done.stderr
    assert "fire contact: GPIO26" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_pins_every_cable_is_asked_for_all_the_same() -> None:
    done = besuk("check", "--hardware")
    assert done.returncode == 3
    assert "fire contact: GPIO26" in done.stdout
    for name, where in (("A", "/dev/besuk-lockers"), ("desk", "/dev/besuk-desk"), ("hall", "/dev/besuk-sign")):
        assert re.search(rf"^{name}: gone: .*{where}", done.stdout, re.MULTILINE)
    for name in ("lockers", "entry", "exit"):
        assert re.search(rf"^{name}: gone: .*(spidev|RPi)", done.stdout, re.MULTILINE)
    assert "Traceback" not in done.stderr


def test_a_wrong_configuration_names_key_value_and_what_is_allowed(tmp_path: Path) -> None:
    wrong = tmp_path / "config.yaml"
    wrong.write_text(CONFIG.read_text().replace("capacity: 60", "capacity: sixty").replace("recalls: 3", "recals: 3"))
    done = besuk("check", "--config", str(wrong))
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert any(line.startswith("besuk: capacity: ") and "sixty" in line and "1 to 10000" in line for line in lines)
    assert any("recals" in line and "recalls" in line for line in lines)


# -- a journal on disk


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state folder of a short day."""
    rig = Rig()
    rig.open_day()
    _, uid = rig.admit(adults=2)
    rig.deposit(uid)
    rig.enter(uid, persons=2)
    return dump(rig.disk, tmp_path)


def dump(disk: VirtualDisk, folder: Path) -> Path:
    (folder / "journal").mkdir()
    for name in disk.names("journal"):
        (folder / "journal" / name).write_bytes(disk.read(f"journal/{name}"))
    return folder


def test_audit_verify_says_that_the_chain_is_whole(state: Path) -> None:
    done = besuk("audit", "verify", "--journal", str(state))
    assert done.returncode == 0
    assert "the chain is whole" in done.stdout
    assert besuk("audit", "verify", "--journal", str(state / "journal")).returncode == 0


def test_audit_verify_names_the_first_bad_record(state: Path) -> None:
    segment = next((state / "journal").iterdir())
    raw = segment.read_bytes()
    at = raw.index(b"hall.opened")
    line = raw[:at].count(b"\n") + 1
    segment.write_bytes(raw[:at] + b"X" + raw[at + 1 :])
    done = besuk("audit", "verify", "--journal", str(state))
    assert done.returncode == 1
    assert "DAMAGED" in done.stdout
    assert f"line {line}: record {line}" in done.stdout


def test_audit_show_follows_a_ticket_through_its_visit(state: Path) -> None:
    done = besuk("audit", "show", "--ticket", "A-001", "--journal", str(state))
    assert done.returncode == 0
    for kind in ("ticket.issued", "visit.bound", "card.issued", "search.passed", "locker.assigned", "gate.passed"):
        assert kind in done.stdout
    assert "card.enrolled" not in done.stdout


def test_audit_show_finds_by_card_locker_and_type(state: Path) -> None:
    card = besuk("audit", "show", "--card", "001", "--json", "--journal", str(state)).stdout.splitlines()
    assert json.loads(card[0])["type"] == "besuk.card.enrolled"
    lockers = besuk("audit", "show", "--locker", "1", "--type", "locker.opened", "--journal", str(state))
    assert len(lockers.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        (["--since", "2026-01-05"], True),
        (["--since", "2026-01-05T08:00:00.000+08:00"], True),
        (["--since", "2026-01-05 07:00", "--until", "2026-01-05"], True),
        (["--until", "2026-01-05T00:00Z"], True),
        (["--since", "2026-01-06"], False),
        (["--since", "9999-12-31", "--until", "9999-12-31"], False),
        (["--until", "2026-01-05T07:59"], False),
        (["--until", "2026-01-04T23:59:59Z"], False),
    ],
)
def test_audit_show_takes_times_as_people_write_them(state: Path, bounds: list[str], found: bool) -> None:
    """The journal's day is 5 January 2026, from 08:00 at +08:00."""
    done = besuk("audit", "show", "--type", "hall.booted", *bounds, "--journal", str(state))
    assert done.returncode == 0
    assert ("hall.booted" in done.stdout) is found
    assert done.stderr == ("" if found else "besuk: no event fits\n")


def test_a_refusal_is_told_with_its_reason(tmp_path: Path) -> None:
    """A real socket in front of a whole hall that is scanned here."""
    rig = Rig()
    server = ControlServer(tmp_path / "control.sock", rig.daemon.controller.requests)
    server.start()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "firmware.cli", "desk", "call", "counter=9", "--actor", "officer-1"], cwd=HERE,
            env={**os.environ, "BESUK_SOCKET": str(tmp_path / "control.sock")}, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while process.poll() is None:
            rig.run(20)
        out, err = process.communicate()
    finally:
        server.stop()
    assert process.returncode == 1
    assert "unknown_counter" in err
    assert out == ""
