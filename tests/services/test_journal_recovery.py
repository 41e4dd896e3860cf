"""What a journal makes of what it finds: torn tails, flipped bits, gaps, failing disks, and a crash at every step."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from services.disk import FolderDisk
from services.journal import Journal
from services.records import Entry, Origin, seal
from services.segments import Anchor, JournalDamagedError, verify
from sim.clock import VirtualClock
from sim.disk import Crash, VirtualDisk

TIME = "2026-11-21T08:31:07.250+08:00"
FIRST = "journal/000000000001.jsonl"


@pytest.fixture
def disk() -> VirtualDisk:
    return VirtualDisk(VirtualClock())


def opened(disk: VirtualDisk, **settings: Any) -> Journal:
    return Journal.open(disk, "journal", source="besuk/v1/a/b", simulated=True, new_id=lambda: "ab" * 16, **settings)


def append(journal: Journal, *notes: str) -> None:
    """A commit, as the daemon does it."""
    batch = journal.seal([Entry("besuk.test.noted", {"note": note}, TIME, 0, "synced") for note in notes])
    try:
        journal.store(batch)
    except OSError:
        journal.failed(batch)
        raise
    journal.committed(batch)


def notes(journal: Journal) -> list[str]:
    return [line.event["data"]["note"] for line in journal.lines()]


def content(disk: VirtualDisk) -> dict[str, bytes]:
    return {name: disk.read(f"journal/{name}") for name in disk.names("journal")}


# -- the last record, every byte


def test_a_record_cut_short_at_any_byte_is_dropped_and_the_one_before_is_kept(disk: VirtualDisk) -> None:
    journal = opened(disk)
    append(journal, "kept")
    kept = disk.size(FIRST)
    append(journal, "torn é")
    whole = disk.read(FIRST)
    for size in range(kept, len(whole)):
        disk.put(FIRST, whole[:size])
        again = opened(disk)
        assert notes(again) == ["kept"]
        assert again.damage is None
        assert (again.torn is None) == (size == kept)
        assert again.torn is None or (again.torn.offset, again.torn.size, again.torn.seq) == (kept, size - kept, 2)
        assert disk.read(FIRST) == whole[:kept]
        append(again, "next")
        assert notes(opened(disk)) == ["kept", "next"]


def test_a_batch_of_records_cut_short_at_any_byte_keeps_those_that_are_whole(disk: VirtualDisk) -> None:
    journal = opened(disk)
    append(journal, "kept")
    kept = disk.size(FIRST)
    append(journal, "one", "two", "three é")
    whole = disk.read(FIRST)
    ends = [at + 1 for at in range(kept, len(whole)) if whole[at : at + 1] == b"\n"]
    assert len(ends) == 3
    for size in range(kept, len(whole)):
        disk.put(FIRST, whole[:size])
        again = opened(disk)
        left = [end for end in ends if end <= size]
        assert notes(again) == ["kept", "one", "two"][: 1 + len(left)]
        assert again.damage is None
        assert (again.torn is None) == (size in (kept, *ends))
        assert disk.read(FIRST) == whole[: max([kept, *left])]
        append(again, "next")
        assert notes(opened(disk))[-1] == "next"


def test_a_last_record_with_any_byte_flipped_is_dropped_and_said_to_be(disk: VirtualDisk) -> None:
    journal = opened(disk)
    append(journal, "kept")
    kept = disk.size(FIRST)
    append(journal, "hurt")
    whole = disk.read(FIRST)
    for offset in range(kept, len(whole)):
        disk.put(FIRST, whole)
        disk.flip(FIRST, offset, bit=offset % 8)
        again = opened(disk)
        assert notes(again) == ["kept"]
        assert again.torn is not None
        assert again.torn.seq == 2


def test_a_last_record_that_the_checkpoint_knows_is_never_dropped(disk: VirtualDisk) -> None:
    journal = opened(disk)
    append(journal, "one")
    append(journal, "two")
    disk.flip(FIRST, disk.size(FIRST) - 9)
    before = content(disk)
    again = opened(disk, anchor=Anchor(2, journal.last.hash))
    assert again.damage is not None
    assert (again.damage.seq, again.damage.missing) == (2, 1)
    assert content(disk) == before


@pytest.mark.parametrize(
    "rubbish", [b"\0" * 700, b"\xff" * 4096, b"\n", b"\n\n\n", b"{}\n", b'{"specversion":"1.0","id":"']
)
def test_rubbish_at_the_end_is_a_torn_tail(disk: VirtualDisk, rubbish: bytes) -> None:
    append(opened(disk), "kept")
    disk.put(FIRST, disk.read(FIRST) + rubbish)
    again = opened(disk)
    assert notes(again) == ["kept"]
    assert again.torn is not None
    assert again.torn.size == len(rubbish)


def test_more_rubbish_than_a_power_cut_can_leave_is_damage(disk: VirtualDisk) -> None:
    append(opened(disk), "kept")
    disk.put(FIRST, disk.read(FIRST) + b"\0" * ((1 << 20) + 1))
    again = opened(disk)
    assert again.damage is not None
    assert "more than one batch can hold" in again.damage.why


@pytest.mark.parametrize("left", [b"", b"\0" * 300, b'{"specversion"'])
def test_a_torn_first_batch_leaves_an_empty_journal(disk: VirtualDisk, left: bytes) -> None:
    disk.ensure_folder("journal")
    disk.put(FIRST, left)
    journal = opened(disk)
    assert (journal.last_seq, journal.damage, journal.boot) == (0, None, 1)
    append(journal, "first")
    assert notes(opened(disk)) == ["first"]


# -- anything before the last record


def test_any_byte_flipped_before_the_last_record_is_damage_and_nothing_is_changed(disk: VirtualDisk) -> None:
    journal = opened(disk)
    append(journal, "one")
    size_one = disk.size(FIRST)
    append(journal, "two")
    size_two = disk.size(FIRST)
    append(journal, "three")
    whole = disk.read(FIRST)
    for offset in range(size_one, size_two):  # the newline, which joins two records, among them
        disk.put(FIRST, whole)
        disk.flip(FIRST, offset, bit=offset % 8)
        before = content(disk)
        again = opened(disk)
        assert again.damage is not None
        assert (again.damage.segment, again.damage.line, again.damage.seq) == ("000000000001.jsonl", 2, 2)
        assert again.damage.missing in (0, 1)  # 0 when only its newline is hurt
        assert notes(again) == ["one"]
        assert [line.seq for line in again.suffix()][-1] == 3
        with pytest.raises(JournalDamagedError):
            append(again, "more")
        assert content(disk) == before


def drop_line(data: bytes, number: int) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join(lines[: number - 1] + lines[number:])


def swap(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join([lines[0], lines[2], lines[1], *lines[3:]])


def repeat(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join([*lines[:2], lines[1], *lines[2:]])


@pytest.mark.parametrize(
    ("hurt", "seq", "missing", "why"),
    [
        (lambda data: drop_line(data, 3), 3, 1, "record 4 stands in its place"),
        (swap, 2, 0, "record 3 stands in its place"),
        (repeat, 3, 0, "record 2 stands in its place"),
        (lambda data: drop_line(data, 1), 1, 1, "record 2 stands in its place"),
        (lambda data: b"\n" + data, 1, 0, "whole records follow"),
        (lambda data: data[:900] + bytes(512) + data[1412:], 2, 2, "whole records follow"),
    ],
)
def test_records_lost_moved_or_repeated_are_damage(
    disk: VirtualDisk, hurt: Callable[[bytes], bytes], seq: int, missing: int, why: str
) -> None:
    journal = opened(disk)
    for n in range(6):
        append(journal, str(n))
    disk.put(FIRST, hurt(disk.read(FIRST)))
    before = content(disk)
    again = opened(disk)
    assert again.damage is not None
    assert (again.damage.seq, again.damage.missing) == (seq, missing)
    assert why in again.damage.why
    assert content(disk) == before
    assert verify(disk, "journal").damage == again.damage
    assert again.boot == 2, "boots behind the damage count, too"


@pytest.mark.parametrize(("lost", "seq", "missing"), [("000000000003.jsonl", 3, 2), ("000000000005.jsonl", 5, 2)])
def test_a_missing_segment_is_damage(disk: VirtualDisk, lost: str, seq: int, missing: int) -> None:
    journal = opened(disk, segment_bytes=900)
    for n in range(7):
        append(journal, str(n))
    disk.remove(f"journal/{lost}")
    again = opened(disk)
    assert again.damage is not None
    assert (again.damage.seq, again.damage.missing) == (seq, missing)
    assert [line.seq for line in again.lines()] == list(range(1, seq))
    assert [line.seq for line in again.suffix()] == list(range(seq + missing, 8))


@pytest.mark.parametrize("name", ["000000000001.jsonl", "000000000003.jsonl"])
def test_a_segment_that_ends_early_is_damage_even_if_nothing_valid_follows(disk: VirtualDisk, name: str) -> None:
    journal = opened(disk, segment_bytes=900)
    for n in range(4):
        append(journal, str(n))
    disk.put("journal/000000000005.jsonl", b"")  # the next batch had begun: so all before it was acknowledged
    disk.put(f"journal/{name}", disk.read(f"journal/{name}")[:-30])
    again = opened(disk)
    assert again.damage is not None
    assert again.damage.segment == name


def test_a_chain_that_was_forged_in_the_middle_is_damage(disk: VirtualDisk) -> None:
    journal = opened(disk)
    append(journal, "one", "two", "three")
    forger = VirtualDisk(VirtualClock())
    append(opened(forger), "one", "TWO")
    lines = disk.read(FIRST).splitlines(keepends=True)
    disk.put(FIRST, lines[0] + forger.read(FIRST).splitlines(keepends=True)[1] + lines[2])
    again = opened(disk)
    assert again.damage is not None
    assert (again.damage.seq, again.damage.why) == (3, "the chain is broken: it does not follow the record before it")


@pytest.mark.parametrize(
    "origin",
    [
        ("cd" * 16, "besuk/v1/a/b", True, 2),
        ("ab" * 16, "besuk/v1/x/y", True, 2),
        ("ab" * 16, "besuk/v1/a/b", False, 2),
        ("ab" * 16, "besuk/v1/a/b", True, 1),
    ],
)
def test_a_record_of_another_origin_is_damage_even_if_the_chain_fits(
    disk: VirtualDisk, origin: tuple[str, str, bool, int]
) -> None:
    append(opened(disk), "one")
    journal = opened(disk)
    append(journal, "two")
    alien = seal(Origin(*origin), Entry("besuk.test.noted", {"note": "x"}, TIME, 0, "synced"), 3, journal.last.hash)
    disk.put(FIRST, disk.read(FIRST) + alien.raw + b"\n")
    again = opened(disk)
    assert again.damage is not None
    assert (again.damage.seq, notes(again)) == (3, ["one", "two"])


def test_damage_in_what_the_checkpoint_covers_does_not_hide_what_is_before_it(disk: VirtualDisk) -> None:
    journal = opened(disk, segment_bytes=900)
    for n in range(12):
        append(journal, str(n))
    disk.flip("journal/000000000009.jsonl", 100)
    again = opened(disk, anchor=Anchor(12, journal.last.hash), verify_bytes=0)
    assert again.damage is not None
    assert [line.seq for line in again.lines()] == list(range(1, 9))
    assert [line.seq for line in again.suffix()] == [10, 11, 12]


def test_a_record_that_was_exchanged_later_is_not_read(disk: VirtualDisk) -> None:
    journal = opened(disk, tail_lines=0)
    append(journal, "one", "two", "three")
    lines = disk.read(FIRST).splitlines(keepends=True)
    alien = seal(journal.origin, Entry("besuk.test.noted", {"note": "TWO"}, TIME, 0, "synced"), 2, "0" * 64)
    disk.put(FIRST, lines[0] + alien.raw + b"\n" + lines[2])
    assert [line.seq for line in journal.read_after(0, 9)] == [1]


def test_deleting_goes_on_after_a_disk_that_could_not_make_sure(disk: VirtualDisk) -> None:
    journal = opened(disk, segment_bytes=900)
    for n in range(7):
        append(journal, str(n))
    disk.fail("flush")
    with pytest.raises(OSError, match="Input/output"):
        journal.drop_segments(7, lambda _: True)
    disk.heal()
    assert journal.drop_segments(7, lambda _: True) == 3
    disk.power_cut(Random(0))
    assert [line.seq for line in opened(disk).lines()] == [7]


def test_a_segment_whose_end_is_hurt_is_not_deleted(disk: VirtualDisk) -> None:
    journal = opened(disk, segment_bytes=900)
    for n in range(5):
        append(journal, str(n))
    disk.flip(FIRST, disk.size(FIRST) - 20)
    with pytest.raises(JournalDamagedError, match="line 2: record 2"):
        journal.drop_segments(5, lambda _: True)
    assert disk.exists(FIRST)


def test_a_torn_first_batch_of_a_segment_does_not_become_the_segment_that_stays(disk: VirtualDisk) -> None:
    journal = opened(disk, segment_bytes=900)
    append(journal, "one")
    append(journal, "two")
    disk.put("journal/000000000003.jsonl", b"{torn")
    again = opened(disk, segment_bytes=900)
    again.drop_segments(2, lambda _: True)
    assert notes(opened(disk)) == ["one", "two"]


@pytest.mark.parametrize("left", [b"", b"{torn"])
def test_numbers_are_not_used_again_when_nothing_can_be_read_of_the_only_segment(
    disk: VirtualDisk, left: bytes
) -> None:
    disk.ensure_folder("journal")
    disk.put("journal/000000005001.jsonl", left)
    journal = opened(disk)
    assert journal.damage is not None
    assert "continue from" in journal.damage.why


# -- a disk that fails while the hall is running


@pytest.mark.parametrize("fail", [["write"], ["flush"], ["write", "flush", "name"], ["read", "write", "flush", "name"]])
@pytest.mark.parametrize("segment_bytes", [1, 1 << 20])
def test_after_a_failed_store_nothing_is_believed(disk: VirtualDisk, fail: list[Any], segment_bytes: int) -> None:
    journal = opened(disk, segment_bytes=segment_bytes)
    append(journal, "one")
    disk.fail(*fail)
    with pytest.raises(OSError, match="Input/output"):
        append(journal, "never was", "nor this")
    with pytest.raises(RuntimeError, match="not reopened"):
        append(journal, "not yet")
    with pytest.raises(OSError, match="Input/output"):
        journal.reopen()
    disk.heal()
    journal.reopen()
    journal.reopened()
    assert (journal.damage, journal.last_seq) == (None, 1)
    append(journal, "two")
    disk.power_cut(Random(1))
    again = opened(disk)
    assert (notes(again), again.damage, again.torn) == (["one", "two"], None, None)


def test_a_batch_that_reached_the_disk_but_was_never_acknowledged_is_cut(disk: VirtualDisk) -> None:
    journal = opened(disk)
    append(journal, "one")
    batch = journal.seal([Entry("besuk.test.noted", {"note": "whole, but nobody knows"}, TIME, 0, "synced")])
    journal.store(batch)
    journal.failed(batch)
    journal.reopen()
    journal.reopened()
    append(journal, "two")
    assert notes(opened(disk)) == ["one", "two"]


def test_a_full_disk_gives_its_reserve_so_that_the_last_things_are_logged(disk: VirtualDisk) -> None:
    disk.reserve(64 << 10)
    journal = opened(disk)
    append(journal, "one")
    disk.fill(leave_bytes=100)
    with pytest.raises(OSError, match="No space"):
        append(journal, "does not fit")
    journal.reopen()
    journal.reopened()
    assert disk.release_reserve()
    for n in range(50):
        append(journal, f"exit {n}")
    assert opened(disk).last_seq == 51


def test_a_full_disk_does_not_keep_the_journal_from_opening(disk: VirtualDisk) -> None:
    append(opened(disk), "one")
    disk.put(FIRST, disk.read(FIRST) + b"{torn")
    disk.fill()
    assert notes(opened(disk)) == ["one"]


def test_a_disk_that_takes_nothing_at_the_start_is_still_read(disk: VirtualDisk) -> None:
    append(opened(disk), "one")
    whole = disk.read(FIRST)
    disk.put(FIRST, whole + b"{torn")
    disk.read_only = True
    journal = opened(disk)
    assert (notes(journal), journal.broken, journal.damage) == (["one"], True, None)
    with pytest.raises(RuntimeError, match="not reopened"):
        append(journal, "two")
    with pytest.raises(OSError, match="Read-only"):
        journal.reopen()
    disk.heal()
    journal.reopen()
    journal.reopened()
    assert disk.read(FIRST) == whole
    append(journal, "two")
    assert notes(opened(disk)) == ["one", "two"]


def test_a_disk_that_turns_read_only_takes_up_again_where_it_stopped(disk: VirtualDisk) -> None:
    journal = opened(disk)
    append(journal, "one")
    disk.read_only = True
    with pytest.raises(OSError, match="Read-only"):
        append(journal, "two")
    with pytest.raises(OSError, match="Read-only"):
        journal.reopen()
    disk.heal()
    journal.reopen()
    journal.reopened()
    append(journal, "two")
    assert notes(opened(disk)) == ["one", "two"]


def test_damage_found_when_reopening_stops_the_journal(disk: VirtualDisk) -> None:
    journal = opened(disk)
    append(journal, "one")
    append(journal, "two")
    disk.fail("flush")
    with pytest.raises(OSError, match="Input/output"):
        append(journal, "three")
    disk.heal()
    disk.flip(FIRST, 40)
    journal.reopen()
    assert journal.damage is not None
    assert journal.damage.seq == 1
    with pytest.raises(JournalDamagedError):
        append(journal, "four")


def test_records_that_were_synced_in_vain_are_not_believed_by_the_next_process(disk: VirtualDisk) -> None:
    """After a failed fsync the page cache shows bytes that a power cut will not spare; a new process reads them."""
    journal = opened(disk)
    append(journal, "one")
    disk.fail("flush")
    with pytest.raises(OSError, match="Input/output"):
        append(journal, "shown, but not on the medium")
    disk.kill()
    disk.heal()
    told = notes(opened(disk))
    disk.power_cut(Random(3))
    assert notes(opened(disk))[: len(told)] == told


# -- a crash at every step


def a_morning(disk: VirtualDisk, acknowledged: list[str], attempted: list[str]) -> None:
    """Two starts with commits of one and of several records, over segment boundaries, and a failing disk between."""
    for start in ("a", "b"):
        journal = opened(disk, segment_bytes=1500)
        acknowledged[:] = notes(journal)
        for size in (1, 3, 1, 2):
            batch = [f"{start}{journal.last_seq + n}" for n in range(size)]
            attempted[:] = batch
            append(journal, *batch)
            acknowledged += batch
        attempted[:] = ["fails"]
        disk.fail("flush")
        with pytest.raises(OSError, match="Input/output"):
            append(journal, "fails")
        disk.heal()
        journal.reopen()
        journal.reopened()
        attempted.clear()
        journal.drop_segments(delivered_seq=2, expired=lambda _: True)


def crashes(
    run: Callable[[VirtualDisk], object], prepared: Mapping[str, bytes] | None = None, *, seeds: int = 3
) -> Iterator[tuple[VirtualDisk, Random]]:
    """Disks on which `run` was cut off: at every step, with several seeds for the outcome of each."""
    step = 0
    while True:
        for seed in range(seeds):
            disk, rng = VirtualDisk(VirtualClock()), Random(step * seeds + seed)
            if prepared is not None:
                disk.ensure_folder("journal")
            for name, data in (prepared or {}).items():
                disk.put(f"journal/{name}", data)
            disk.crash_at = disk.steps + step
            try:
                run(disk)
            except Crash:
                yield disk, rng
            else:
                return
        step += 1


def check(journal: Journal, acknowledged: list[str], attempted: list[str]) -> None:
    """Everything acknowledged is there, in order; beyond it at most a part of what was being written."""
    assert journal.damage is None
    found = notes(journal)
    kept = acknowledged[journal.first_seq - 1 :]
    assert found[: len(kept)] == kept
    assert found[len(kept) :] == attempted[: len(found) - len(kept)]


def test_a_power_cut_or_a_kill_at_any_step_loses_nothing_that_was_acknowledged() -> None:
    steps = 0
    acknowledged: list[str] = []
    attempted: list[str] = []

    def run(disk: VirtualDisk) -> None:
        acknowledged.clear()
        attempted.clear()
        a_morning(disk, acknowledged, attempted)

    for disk, rng in crashes(run):
        steps += 1
        if rng.random() < 0.3:
            disk.kill()
        else:
            disk.power_cut(rng)
        disk.heal()
        check(journal := opened(disk, segment_bytes=1500), acknowledged, attempted)
        survivors = notes(journal)
        append(journal, "after")
        disk.power_cut(rng)
        assert notes(opened(disk)) == [*survivors, "after"]
    assert steps > 150


@pytest.mark.parametrize("roll", [1 << 20, 1])
@pytest.mark.parametrize("torn", [0, 1, 200, 700])
def test_a_power_cut_at_any_step_of_recovery_itself_loses_nothing(torn: int, roll: int) -> None:
    source = VirtualDisk(VirtualClock())
    journal = opened(source, segment_bytes=roll)
    append(journal, "one")
    append(journal, "two")
    prepared = content(source)
    append(journal, "three", "four")
    last = source.names("journal")[-1]
    prepared[last] = content(source)[last][: len(prepared.get(last, b"")) + torn]
    steps = 0
    for disk, rng in crashes(opened, prepared, seeds=6):
        steps += 1
        disk.power_cut(rng)
        again = opened(disk)
        assert again.damage is None
        assert notes(again) == ["one", "two", *(["three"] if torn == 700 else [])]
    assert steps >= 6 * 6


def test_a_card_that_reorders_its_writes_loses_nothing_acknowledged_and_hides_nothing() -> None:
    """Then a torn batch of several records may look like damage; that is said, and nothing is guessed."""
    outcomes = set()
    for seed in range(60):
        disk = VirtualDisk(VirtualClock())
        disk.scattered = True
        journal = opened(disk)
        append(journal, "one")
        disk.crash_at = disk.steps + 2  # written, not flushed
        with pytest.raises(Crash):
            append(journal, "two", "three", "four")
        disk.power_cut(Random(seed))
        again = opened(disk)
        found = notes(again)
        assert found == ["one", "two", "three", "four"][: len(found)]
        assert found
        outcomes.add((len(found), again.damage is not None))
    assert {(1, False), (1, True)} <= outcomes


WRITES_FOR_EVER = """
import sys
from services.disk import FolderDisk
from services.journal import Journal
from services.records import Entry

journal = Journal.open(FolderDisk(sys.argv[1]), "journal", source="besuk/v1/a/b", simulated=True,
                       new_id=lambda: "ab" * 16, segment_bytes=20_000)
while True:
    note = Entry("besuk.test.noted", {"note": str(journal.last_seq)}, "2026-11-21T08:31:07.250+08:00", 0, "synced")
    batch = journal.seal([note] * (1 + journal.last_seq % 3))
    journal.store(batch)
    journal.committed(batch)
    print(journal.last_seq, flush=True)
"""


def test_a_real_process_killed_while_it_writes_has_lost_nothing_it_told_of(tmp_path: Path) -> None:
    told = 0
    for lines in (1, 7, 40):
        command = [sys.executable, "-c", WRITES_FOR_EVER, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
            assert process.stdout is not None
            for _ in range(lines):
                told = int(process.stdout.readline())
            process.kill()
            told = max([told, *map(int, process.stdout.read().split("\n")[:-1])])
        report = verify(FolderDisk(tmp_path), "journal")
        assert report.damage is None
        assert report.last_seq >= told
