"""`besuk staff`: who may sign in, told by the command line; its PIN from a keyboard or a pipe, never an argument."""

import json
import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from firmware.commands.staff import app
from firmware.staff import Member, Role, StaffError, StaffFile, member
from services.disk import ASIDE
from sim.demo_staff import TEAM, demo_staff

ROOT = Path(__file__).parents[2]
GOOD = "482913"


def staff(folder: Path, *words: str, pin: str | None = None) -> Result:
    return CliRunner().invoke(app, [*words, "--state", str(folder)], input=None if pin is None else pin + "\n")


def add(folder: Path, id: str = "guard-1", role: str = "guard", pin: str = GOOD) -> Result:
    return staff(folder, "add", id, "--role", role, pin=pin)


def test_somebody_is_added_and_may_sign_in(tmp_path: Path) -> None:
    assert add(tmp_path).stdout == "guard-1 may sign in as guard\n"
    known = StaffFile(tmp_path).members()["guard-1"]
    assert known.role is Role.GUARD
    assert known.knows(GOOD)
    assert not known.knows("482914")
    assert not known.knows("")


def test_the_file_holds_no_pin_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    add(tmp_path)
    file = tmp_path / "staff.json"
    assert GOOD not in file.read_text()
    assert json.loads(file.read_text())["staff"]["guard-1"]["pin"].startswith("$argon2id$")
    assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0


def test_two_with_one_pin_have_different_hashes(tmp_path: Path) -> None:
    add(tmp_path, "guard-1")
    add(tmp_path, "guard-2")
    first, second = StaffFile(tmp_path).members().values()
    assert first.pin != second.pin


def test_who_is_there_is_listed(tmp_path: Path) -> None:
    nobody = staff(tmp_path, "list")
    assert (nobody.exit_code, nobody.stdout) == (0, "")
    assert f"as {tmp_path / 'staff.json'} has it" in nobody.stderr
    assert "nobody may sign in yet: besuk staff add ID --role" in nobody.stderr
    add(tmp_path, "guard-1")
    add(tmp_path, "sari", "supervisor")
    assert staff(tmp_path, "list").stdout == "guard-1 guard\nsari supervisor\n"


def test_a_pin_is_changed_and_the_role_stays(tmp_path: Path) -> None:
    add(tmp_path)
    assert staff(tmp_path, "pin", "guard-1", pin="975310").stdout == "guard-1 has a new PIN\n"
    known = StaffFile(tmp_path).members()["guard-1"]
    assert known.knows("975310")
    assert not known.knows(GOOD)
    assert known.role is Role.GUARD


def test_who_is_removed_is_gone(tmp_path: Path) -> None:
    add(tmp_path)
    add(tmp_path, "guard-2")
    assert staff(tmp_path, "remove", "guard-1").stdout == "guard-1 may not sign in any more\n"
    assert staff(tmp_path, "list").stdout == "guard-2 guard\n"


@pytest.mark.parametrize(
    "pin",
    ["", "12345", "1234567890123", "12a456", "123456", "654321", "111111", "\u0661\u0663\u0662\u0664\u0665\u0667"],
)  # fmt: skip
def test_a_weak_pin_is_refused_in_one_line_that_does_not_repeat_it(tmp_path: Path, pin: str) -> None:
    done = add(tmp_path, pin=pin)
    assert done.exit_code == 2
    assert done.stderr == "besuk: that PIN is not allowed: 6 to 12 digits, not all alike and not in a row\n"
    assert not (tmp_path / "staff.json").exists()


@pytest.mark.parametrize("pin", ["135790", "112233", "123457", "908070605040"])
def test_a_pin_that_is_merely_easy_is_allowed(pin: str) -> None:
    assert member("guard-1", Role.GUARD, pin).knows(pin)


@pytest.mark.parametrize("id", ["Sari", "sari w", "", "x" * 33, "s\u00e4ri", "guard_1"])
def test_an_id_is_no_name(id: str) -> None:
    with pytest.raises(StaffError, match=r"is not allowed: 1 to 32 of a-z, 0-9 and -"):
        member(id, Role.GUARD, GOOD)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "guard-1", "--role", "guard"), "guard-1: is there already; another PIN: besuk staff pin guard-1"),
        (("pin", "guard-9"), "guard-9: not one of the staff; add somebody: besuk staff add guard-9 --role ROLE"),
        (("remove", "guard-9"), "guard-9: not one of the staff; there are guard-1"),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    add(tmp_path)
    before = (tmp_path / "staff.json").read_bytes()
    done = staff(tmp_path, *words, pin="975310")
    assert (done.exit_code, done.stderr) == (2, f"besuk: {said}\n")
    assert (tmp_path / "staff.json").read_bytes() == before


def test_a_role_that_there_is_not_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    done = add(tmp_path, role="king")
    assert done.exit_code == 2
    assert all(role in done.stderr for role in ("officer", "guard", "supervisor"))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format":2,"staff":{}}', '{"format":1,"staff":{"a":{}}}'])
@pytest.mark.parametrize("words", [("list",), ("add", "guard-2", "--role", "guard"), ("remove", "guard-1")])
def test_a_broken_file_is_left_as_it_is(tmp_path: Path, content: str, words: tuple[str, ...]) -> None:
    file = tmp_path / "staff.json"
    file.write_text(content)
    done = staff(tmp_path, *words, pin=GOOD)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"besuk: {file}: ")
    assert done.stderr.count("\n") == 1
    assert file.read_text() == content


def test_a_hash_that_is_none_fits_no_pin(tmp_path: Path) -> None:
    (tmp_path / "staff.json").write_text('{"format":1,"staff":{"guard-1":{"role":"guard","pin":"482913"}}}')
    assert not StaffFile(tmp_path).members()["guard-1"].knows(GOOD), "a PIN written there by hand is no hash"


def test_a_folder_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    done = add(tmp_path / "state")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"besuk: {tmp_path / 'state'}: no such state folder; besuk makes it when it first runs\n"
    assert not (tmp_path / "state").exists()


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = add(tmp_path / "file")
    assert done.exit_code in (1, 2)
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_a_file_that_cannot_be_written_is_one_line_and_stays_as_it_was(tmp_path: Path) -> None:
    add(tmp_path)
    (tmp_path / f"staff.json{ASIDE}").mkdir()
    done = add(tmp_path, "guard-2")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.endswith(": is a directory\n")
    assert done.stderr.count("\n") == 1
    assert staff(tmp_path, "list").stdout == "guard-1 guard\n"


def test_what_is_no_file_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "staff.json").mkdir()
    done = staff(tmp_path, "list")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"besuk: {tmp_path / 'staff.json'}: cannot be read: is a directory\n"


def test_a_running_hall_reads_the_file_again_when_it_changes(tmp_path: Path) -> None:
    file = StaffFile(tmp_path)
    assert file.members() == {}
    add(tmp_path)
    assert list(file.members()) == ["guard-1"]
    for id in ("guard-2", "guard-3"):
        add(tmp_path, id)
        assert id in file.members()
    (tmp_path / "staff.json").unlink()
    assert file.members() == {}


def test_in_a_virtual_hall_the_demo_staff_and_those_of_the_file_sign_in(tmp_path: Path) -> None:
    staff_of_both, pins = demo_staff(tmp_path)
    assert set(staff_of_both.members()) == set(TEAM)
    add(tmp_path, "sari")
    add(tmp_path, "guard-1")
    members = staff_of_both.members()
    assert members["sari"].knows(GOOD)
    assert members["guard-1"].knows(GOOD), "for an id of both, the file counts"
    assert members["guard-1"].pin not in pins, "and the demo's PIN is not shown"
    assert members["guard-2"].knows(pins[members["guard-2"].pin])
    (tmp_path / "staff.json").write_text("{")
    with pytest.raises(StaffError, match="is not a staff file"):
        staff_of_both.members()


def test_no_demo_has_a_pin_that_is_allowed_to_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    thrown = iter([123_456, 482_913, 0, 271_828, 314_159, 141_421])
    monkeypatch.setattr("secrets.randbelow", lambda _: next(thrown))
    _, pins = demo_staff(tmp_path)
    assert list(pins.values()) == ["482913", "271828", "314159", "141421"]


def test_a_keyboard_is_asked_twice_and_shows_nothing(tmp_path: Path) -> None:
    for answers, code, told in (
        ((GOOD, "999999"), 2, "the two PINs differ; nothing was changed"),
        ((GOOD, GOOD), 0, "guard-1 may sign in as guard"),
    ):
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-m", "firmware.cli", "staff", "add", "guard-1", "--role", "guard", "--state", tmp_path],
            cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        ) as process:  # fmt: skip
            os.close(theirs)
            said = b""
            for n, pin in enumerate(answers):
                while said.count(b": ") <= n:
                    said += os.read(ours, 1024)
                os.write(ours, pin.encode() + b"\n")
            assert process.wait(60) == code
            said += os.read(ours, 4096)
        os.close(ours)
        assert told in said.decode()
        assert GOOD not in said.decode()
    assert isinstance(StaffFile(tmp_path).members()["guard-1"], Member)
