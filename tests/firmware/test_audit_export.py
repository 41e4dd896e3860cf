"""A journal in a spreadsheet and in other programs: nothing is lost, nothing is computed, and memory stays flat."""

import csv
import hashlib
import io
import json
import shutil
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from firmware.audit import events, story
from firmware.audit.export import COLUMNS, DATA, write_csv, write_json
from firmware.cli import app
from tests.rig import Rig


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rig = Rig()
    rig.open_day()
    visit, uid = rig.admit(adults=2)
    rig.deposit(uid)
    rig.enter(uid, persons=2)
    rig.done("recount", actor="guard-1", present={visit: 1}, unattributed=0, reason="muster")
    folder = tmp_path_factory.mktemp("state")
    (folder / "journal").mkdir()
    for name in rig.disk.names("journal"):
        (folder / "journal" / name).write_bytes(rig.disk.read(f"journal/{name}"))
    return folder


def besuk(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, done.stdout_bytes.decode(), done.stderr


def test_csv_says_all_that_the_journal_says(state: Path) -> None:
    code, text, _ = besuk("audit", "export", "--journal", state)
    assert code == 0
    assert text.count("\r\n") == text.count("\n"), "RFC 4180 ends each row with CRLF"
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    told = list(events(state))
    assert len(rows) == len(told)
    assert tuple(rows[0]) == COLUMNS
    for row, event in zip(rows, told, strict=True):
        assert (row["seq"], row["type"], row["hash"]) == (str(event["seq"]), event["type"], event["hash"])
        more = json.loads(row["more"] or "{}")
        assert {**{name: row[name] for name in DATA if row[name]}, **more}.keys() == event["data"].keys()


def test_csv_columns_are_never_moved() -> None:
    assert ",".join(COLUMNS) == (
        "seq,time,clock,boot,bootms,simulated,type,visit,ticket,card,number,locker,bank,lane,reader,counter,direction,"
        "persons,carried,purpose,reason,actor,second,device,task,count,more,journal,hash"
    )


def event(**data: Any) -> dict[str, Any]:
    return {
        "seq": 1, "time": "2026-01-05T08:00:00.000+08:00", "clock": "synced", "boot": 1, "bootms": "0",
        "simulated": True, "type": "besuk.task.raised", "data": data, "journal": "j", "hash": "h",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_spreadsheet_computes_what_somebody_wrote(text: str) -> None:
    file = io.StringIO(newline="")
    write_csv([event(reason=text, locker=-3, more=text)], file)
    (row,) = csv.DictReader(io.StringIO(file.getvalue(), newline=""))
    assert row["reason"] == "'" + text
    assert row["locker"] == "-3", "a number is a number"
    assert row["more"].startswith("{")


@pytest.mark.parametrize("text", ['a "quoted" word', "a, b", "two\nlines", "Pondok Bambu \u2013 \u00e9"])
def test_every_text_comes_back_as_it_was(text: str) -> None:
    file = io.StringIO(newline="")
    write_csv([event(reason=text)], file)
    (row,) = csv.DictReader(io.StringIO(file.getvalue(), newline=""))
    assert row["reason"] == text


def test_json_lines_are_the_journals_own_bytes(state: Path) -> None:
    code, text, _ = besuk("audit", "export", "--format", "json", "--journal", state)
    assert code == 0
    (segment,) = (state / "journal").iterdir()
    assert text.encode() == segment.read_bytes()
    body, _, digest = text.splitlines()[-1].rpartition(',"hash":"')
    assert hashlib.sha256(body.encode()).hexdigest() == digest.removesuffix('"}')


def test_filters_choose_as_show_does(state: Path) -> None:
    code, text, _ = besuk("audit", "export", "--ticket", "A-001", "--type", "gate.passed", "--journal", state)
    assert code == 0
    assert [row["visit"] for row in csv.DictReader(io.StringIO(text))] == ["V-000001"] * 2


def test_a_file_is_written_or_the_reason_told_in_one_line(state: Path, tmp_path: Path) -> None:
    code, text, said = besuk("audit", "export", "--out", tmp_path / "day.csv", "--journal", state)
    assert (code, text) == (0, "")
    assert "events written" in said
    assert (tmp_path / "day.csv").read_bytes().count(b"\r\n") == len(list(events(state))) + 1
    code, _, said = besuk("audit", "export", "--out", tmp_path / "no" / "day.csv", "--journal", state)
    assert code == 1
    assert said.count("\n") == 1
    assert "cannot be written: No such file or directory" in said
    assert besuk("audit", "export", "--format", "xml", "--journal", state)[0] == 2


@pytest.mark.parametrize("name", ["000000000001.jsonl", "day.csv", "../journal/day.csv", "../link.csv", "../twin.csv"])
def test_no_export_lies_in_the_journals_folder_least_of_all_over_a_segment(
    state: Path, tmp_path: Path, name: str
) -> None:
    copy = shutil.copytree(state, tmp_path / "state")
    segment = copy / "journal" / "000000000001.jsonl"
    (copy / "link.csv").symlink_to(segment)
    (copy / "twin.csv").hardlink_to(segment)
    before = segment.read_bytes()
    for where in (copy, copy / "journal"):
        for words in (("audit", "export"), ("report",)):
            code, text, said = besuk(*words, "--journal", where, "--out", copy / "journal" / name)
            assert (code, text) == (2, "")
            assert said == f"besuk: --out: {copy / 'journal' / name} lies in the journal's folder\n"
    assert segment.read_bytes() == before
    assert [one.name for one in (copy / "journal").iterdir()] == [segment.name]


def test_damage_is_told_where_the_rows_end(state: Path, tmp_path: Path) -> None:
    (segment,) = (state / "journal").iterdir()
    (tmp_path / segment.name).write_bytes(segment.read_bytes().replace(b"visit.bound", b"visit.bouNd"))
    for command in ("export", "show"):
        code, text, said = besuk("audit", command, "--journal", tmp_path)
        assert code == 1
        assert "visit.bou" not in text
        assert "nothing behind that was read: 000000000001.jsonl line" in said


def test_a_year_needs_no_more_memory_than_a_day(tmp_path: Path) -> None:
    def many(count: int) -> Iterator[dict[str, Any]]:
        return (event(reason="r" * 50) for _ in range(count))

    peaks = []
    for count in (500, 10_000):
        with (tmp_path / "out").open("w", newline="") as file:
            tracemalloc.start()
            write_csv(many(count), file)
            write_json(many(count), file)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < peaks[0] + 50_000


def test_replay_as_a_command(state: Path) -> None:
    code, text, _ = besuk("audit", "replay", "--journal", state)
    assert code == 0
    assert "inside: 1 of 60, exact" in text
    assert "no state cache to compare with" in text
    code, text, _ = besuk("audit", "replay", "--journal", state, "--json")
    assert json.loads(text)["state"]["hall"]["inside"] == 1
    code, _, said = besuk("audit", "replay", "--journal", state, "--until", "99999")
    assert (code, said.count("\n")) == (1, 1)
    assert "there is no record 99999" in said
    code, _, said = besuk("audit", "replay", "--journal", state, "--until", "noon")
    assert (code, said.count("\n")) == (2, 1)
    assert said.startswith("besuk: --until: 'noon' is not allowed; 2026-11-21, ")
    assert said.endswith("; or a record's number: 8025\n")
    code, text, said = besuk("audit", "replay", "--journal", state, "--story", "--json")
    assert (code, text) == (2, "")
    assert said.startswith("besuk: --story and --json: not both")


@pytest.mark.parametrize("words", [("audit", "verify"), ("audit", "show"), ("audit", "replay"), ("report",)])
def test_a_file_instead_of_a_folder_is_called_one(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "000000000001.jsonl").touch()
    file = tmp_path / "000000000001.jsonl"
    assert besuk(*words, "--journal", file) == (1, "", f"besuk: {file}: is a file, not a folder\n")


def test_a_journal_reads_like_a_story(state: Path) -> None:
    lines = list(story(events(state)))
    moment = next(number for number, line in enumerate(lines) if "locker.assigned" in line)
    assert lines[moment] == "    locker.assigned bank=A locker=1 card=001 visit=V-000001"
    assert lines[moment + 1].startswith("    locker.pulsed bank=A locker=1 card=001 visit=V-000001 purpose=deposit")
    assert lines[moment - 1].startswith("2026-01-05T08:0")
    code, text, _ = besuk("audit", "replay", "--story", "--until", "1", "--journal", state)
    assert code == 0
    assert len(text.splitlines()) == 2
