"""What goes wrong around the hall, and what a person is told of it: a start that cannot be, a disk that keeps some
things and not others, records of another version, a scan that breaks or stands still."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from firmware.api import web
from firmware.api.web import application
from firmware.audit.replay import ReplayError, replay
from firmware.codec import UnknownFactError
from firmware.commands.desk import login_name
from firmware.config import Config
from firmware.machine import KeyFileError, card_key, mqtt_settings
from firmware.service import FAULT, WRONG, run, serve
from hal import linux
from services.calls import Calls
from services.disk import FolderDisk
from services.journal import Journal
from services.records import Entry
from sim.clock import VirtualClock
from sim.gpio import VirtualPins
from sim.mfrc522 import ChipSelect
from tests.rig import CONFIG, Rig
from tests.web_rig import lobby

HERE = Path(__file__).parent.parent.parent
SITE = CONFIG.as_site()
BOOTED = {"format": 1, "version": "1", "epoch_ms": 0, "off_ms": 0, "gap_s": 0, "trusted": True}


def written(folder: Path, *entries: tuple[str, dict[str, Any]], hall: str = CONFIG.hall) -> Path:
    """A state folder whose journal begins with a boot, and goes on with these."""
    journal = Journal.open(
        FolderDisk(folder), "journal", source=f"besuk/v1/{CONFIG.site}/{hall}", simulated=False,
        new_id=lambda: "ab" * 16,
    )  # fmt: skip
    told = [("besuk.hall.booted", BOOTED), *entries]
    batch = journal.seal([Entry(kind, data, "2026-11-21T08:00:00.000+08:00", 0, "synced") for kind, data in told])
    journal.store(batch)
    journal.committed(batch)
    return folder


# -- a start that cannot be


@pytest.fixture
def pins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that has a Pi's pins, and nothing at their ends."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setattr(linux, "pin_factory", lambda: VirtualPins(VirtualClock()))
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def at(state: Path, **mqtt: Any) -> Config:
    """The sample site with its state there."""
    storage = CONFIG.storage.model_copy(update={"state": str(state)})
    return CONFIG.model_copy(update={"storage": storage, "mqtt": CONFIG.mqtt.model_copy(update=mqtt)})


def of_another_hall(state: Path) -> None:
    state.mkdir()
    written(state, hall="elsewhere")


def of_another_version(state: Path) -> None:
    state.mkdir()
    written(state, ("besuk.hall.painted", {"colour": "green"}))


def with_a_folder_for_a_key(state: Path) -> None:
    (state / "keys" / "card-key").mkdir(parents=True)


def that_is_a_file(state: Path) -> None:
    state.write_text("not a folder")


@pytest.mark.usefixtures("pins")
@pytest.mark.parametrize(
    ("state_is", "code", "said"),
    [
        (of_another_hall, WRONG, "elsewhere"),
        (of_another_version, WRONG, "record 2 is a 'hall.painted', which this version does not know"),
        (with_a_folder_for_a_key, WRONG, "the card key {state}/keys/card-key cannot be read: Is a directory"),
        (that_is_a_file, FAULT, "the state in {state} cannot be used: File exists"),
    ],
)
def test_a_state_that_is_not_ours_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], state_is: Callable[[Path], None], code: int, said: str
) -> None:
    state = tmp_path / "state"
    state_is(state)
    assert run(at(state)) == code
    told = capsys.readouterr().err
    assert told.startswith("besuk: ")
    assert told.count("\n") == 1
    assert said.format(state=state) in told


@pytest.mark.usefixtures("pins")
def test_a_readers_driver_that_is_not_installed_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name in ("mfrc522", "hal.card_reader", "hal.rc522")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mfrc522", None)
    assert run(at(tmp_path)) == FAULT
    assert "needs a Python module that is missing: mfrc522; see `besuk version`" in capsys.readouterr().err


def test_a_login_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError) as raised:
        mqtt_settings(at(tmp_path, login="broker-login"), tmp_path)
    path = tmp_path / "keys" / "broker-login"
    assert raised.value.strerror == f"the MQTT login {path} cannot be read: No such file or directory"


def test_a_card_key_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with_a_folder_for_a_key(tmp_path)
    with pytest.raises(KeyFileError, match="cannot be read: Is a directory"):
        card_key(tmp_path)


def test_whoever_has_no_name_at_this_machine_is_the_technician(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    assert login_name() == "technician"


# -- a scan that breaks, or stands still


def test_a_fault_in_the_scan_ends_the_daemon_and_frees_the_arm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_chip: ChipSelect, _frame: object) -> list[int]:
        raise ZeroDivisionError("a mistake of ours")

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    rig = Rig(CONFIG.model_copy(update={"web": CONFIG.web.model_copy(update={"port": port})}))
    rig.run(2_000)
    assert rig.arm == "locked"
    monkeypatch.setattr(ChipSelect, "xfer2", breaks)
    assert serve(rig.daemon, tmp_path) == FAULT
    assert "a fault in the scan" in caplog.text
    assert rig.arm == "free_both"


def test_a_hall_that_does_not_answer_is_not_called_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "ALIVE_S", 0.01)
    app: FastAPI = application(lobby(Rig().daemon, Calls()))
    healthz: Any = next(route.endpoint for route in app.routes if getattr(route, "path", "") == "/healthz")  # type: ignore[attr-defined]
    answer = asyncio.run(healthz())
    assert answer.status_code == 503
    assert b"the scan does not answer" in answer.body


# -- a disk that keeps some things and not others


def trouble(rig: Rig) -> str:
    told: str = rig.daemon.health()["disk"]["trouble"]
    return told


def test_a_checkpoint_that_cannot_be_saved_is_told_and_costs_nothing() -> None:
    rig = Rig()
    rig.open_day()
    rig.disk.fail("name")
    rig.run(6 * 60_000)
    assert trouble(rig).startswith("the checkpoint could not be saved: ")
    assert rig.core.mode == "open"
    before = rig.core
    rig.machine.stop()
    rig.disk.heal()
    rig.start()
    rig.run(2_000)
    assert rig.core.cards == before.cards
    assert trouble(rig) == ""


def test_an_old_segment_that_cannot_be_deleted_is_told() -> None:
    rig = Rig(CONFIG.model_copy(update={"storage": CONFIG.storage.model_copy(update={"segment": 16_384})}))
    rig.open_day(cards=40)
    rig.run(6 * 60_000)
    for number, uid in rig.hall.stock[40:45]:
        rig.done("enrol", number=number, uid=uid)
    rig.until(lambda: rig.daemon.cursor.delivered == rig.daemon.controller.ledger.journal.last_seq)
    segments = rig.disk.names("journal")
    rig.wall.jump(100 * 86_400_000)
    rig.disk.fail("name")
    ledger = rig.daemon.controller.ledger
    for _ in range(2):
        ledger.retire(rig.daemon.cursor.delivered, keep_ms=90 * 86_400_000)
        rig.run(1_000)
    assert trouble(rig).startswith("an old segment could not be deleted: ")
    assert set(segments) <= set(rig.disk.names("journal"))


def test_without_room_for_a_reserve_the_hall_does_without_and_tries_again() -> None:
    rig = Rig()
    rig.disk.fail("name")
    rig.run(30_000)
    assert not rig.disk.exists("reserve")
    assert (rig.core.degraded, trouble(rig)) == (False, "")
    rig.disk.heal()
    rig.run(30_000)
    assert rig.disk.exists("reserve")


# -- records of another version


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("besuk.hall.painted", {"colour": "green"}, "record 2 is a 'hall.painted', which this version does not know"),
        ("besuk.locker.opened", {"bank": "A"}, "record 2 is no 'locker.opened' of this version: "),
    ],
)
def test_a_record_of_another_version_is_named_and_nothing_is_guessed(
    tmp_path: Path, kind: str, data: dict[str, Any], said: str
) -> None:
    with pytest.raises(ReplayError, match=said) as raised:
        replay(written(tmp_path, (kind, data)), SITE)
    assert isinstance(raised.value.__cause__, UnknownFactError)
    assert str(raised.value).endswith("; replay it with the version that wrote it")


# -- reading journals at the command line


def besuk(*words: str, **options: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "firmware.cli", *words], cwd=HERE, text=True, stderr=subprocess.PIPE, **options
    )


@pytest.mark.parametrize("command", [["audit", "show"], ["report", "--out", "-"]])
def test_a_segment_that_cannot_be_read_is_one_line(tmp_path: Path, command: list[str]) -> None:
    segment = written(tmp_path) / "journal" / "000000000001.jsonl"
    segment.unlink()
    segment.mkdir()
    asked = besuk(*command, "--journal", str(tmp_path / "journal"), stdout=subprocess.DEVNULL)
    assert asked.communicate(timeout=60)[1] == "besuk: the journal cannot be read: Is a directory\n"
    assert asked.returncode == 1


def test_whoever_reads_the_first_lines_only_hears_no_complaint(tmp_path: Path) -> None:
    written(tmp_path, *[("besuk.clock.synced", {})] * 2_000)
    asked = besuk("audit", "show", "--journal", str(tmp_path / "journal"), stdout=subprocess.PIPE)
    assert asked.stdout is not None
    assert asked.stdout.readline()
    asked.stdout.close()
    assert asked.stderr is not None
    assert asked.stderr.read() == ""
    asked.stderr.close()
    asked.wait(timeout=60)


def test_a_day_that_no_soak_has_kept_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text("{}")
    asked = besuk("sim", "day", "--case", str(tmp_path / "case.json"))
    assert "is no day that a soak has kept" in asked.communicate(timeout=60)[1]
    assert asked.returncode == 2
