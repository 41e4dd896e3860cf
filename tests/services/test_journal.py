"""The journal from the outside: the bytes that others rely on, appending, reading, forgetting."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.disk import Disk, FolderDisk
from services.journal import Journal
from services.records import ZERO_HASH, Entry, Line
from services.segments import BATCH_BYTES_MAX, Anchor, JournalDamagedError, WrongJournalError, verify
from services.writer import ThreadWriter
from sim.clock import VirtualClock
from sim.disk import VirtualDisk

ID = "0123456789abcdef" * 2
TIME = "2026-11-21T08:31:07.250+08:00"


@pytest.fixture
def disk() -> VirtualDisk:
    return VirtualDisk(VirtualClock())


def opened(disk: Disk, **settings: Any) -> Journal:
    given: dict[str, Any] = {"source": "besuk/v1/rutan/hall", "simulated": True, "new_id": lambda: ID, **settings}
    return Journal.open(disk, "journal", **given)


def entry(n: int = 0, **data: Any) -> Entry:
    return Entry("besuk.locker.opened", {"locker": n, **data}, TIME, n, "synced")


def append(journal: Journal, *entries: Entry) -> list[Line]:
    batch = journal.seal(entries)
    journal.store(batch)
    journal.committed(batch)
    return list(batch.lines)


def grow(journal: Journal, records: int) -> None:
    for _ in range(records):
        append(journal, entry(journal.last.seq))


# -- the bytes


def test_a_record_is_exactly_what_others_were_promised(disk: VirtualDisk) -> None:
    first, second = append(
        opened(disk), entry(81250, bank="A"), Entry("besuk.hall.closed", {}, TIME, 81251, "unsynced")
    )
    body = (
        f'{{"specversion":"1.0","id":"{ID}:1","source":"besuk/v1/rutan/hall","type":"besuk.locker.opened",'
        f'"time":"2026-11-21T08:31:07.250+08:00","datacontenttype":"application/json","sequence":"000000000001",'
        f'"journal":"{ID}","seq":1,"boot":1,"bootms":"81250","clock":"synced","simulated":true,'
        f'"data":{{"locker":81250,"bank":"A"}},"prevhash":"{ZERO_HASH}"'
    )
    assert first.raw.decode() == f'{body},"hash":"{hashlib.sha256(body.encode()).hexdigest()}"}}'
    assert second.event["prevhash"] == first.hash
    assert second.event["clock"] == "unsynced"
    assert disk.read("journal/000000000001.jsonl") == first.raw + b"\n" + second.raw + b"\n"


def test_the_shell_one_liner_checks_a_line(tmp_path: Path) -> None:
    journal = opened(FolderDisk(tmp_path))
    odd = entry(1, reason="ditahan é 你好 \u2028 \"quoted\" \\ \n")
    lines = append(journal, odd, entry(2, note=',"hash":"' + "0" * 64 + '"}'))
    for line in lines:
        script = """sed -E 's/,"hash":"[0-9a-f]{64}"\\}$//' | tr -d '\\n' | sha256sum"""
        shell = subprocess.run(["bash", "-c", script], input=line.raw + b"\n", capture_output=True, check=True)
        assert shell.stdout.split()[0].decode() == line.hash == line.event["hash"]


plain = st.recursive(
    st.text() | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(st.text(), plain, max_size=4), min_size=1, max_size=4))
def test_any_data_comes_back_byte_for_byte(datas: list[dict[str, Any]]) -> None:
    disk = VirtualDisk(VirtualClock())
    sealed = append(opened(disk), *(Entry("besuk.any.thing", data, TIME, 0, "synced") for data in datas))
    again = opened(disk)
    assert list(again.lines()) == sealed
    assert [line.event["data"] for line in again.lines()] == datas
    raw = b"".join(line.raw for line in sealed)
    assert b"\n" not in raw
    assert [json.dumps(line.event, ensure_ascii=False, separators=(",", ":")).encode() for line in sealed] == [
        line.raw for line in sealed
    ]


@pytest.mark.parametrize(
    "bad",
    [
        Entry("besuk.x", {"a": 1.5}, TIME, 0, "synced"),
        Entry("besuk.x", {"a": [None]}, TIME, 0, "synced"),
        Entry("besuk.x", {"a": {"b": float("nan")}}, TIME, 0, "synced"),
        Entry("besuk.x", {"a": {1: "key"}}, TIME, 0, "synced"),
        Entry("besuk.x", {"a": b"bytes"}, TIME, 0, "synced"),
        Entry("besuk.x", {"a": "\ud800"}, TIME, 0, "synced"),
        Entry('besuk."x', {}, TIME, 0, "synced"),
        Entry("besuk.x", {}, "yesterday", 0, "synced"),
        Entry("besuk.x", {}, "2026-11-21T08:31:07+08:00", 0, "synced"),
        Entry("besuk.x", {}, TIME, 0, "maybe"),  # type: ignore[arg-type]
        Entry("besuk.x", {}, TIME, -1, "synced"),
        Entry("besuk.x", {"a": "x" * BATCH_BYTES_MAX}, TIME, 0, "synced"),
    ],
)
def test_what_a_record_cannot_hold_is_refused_before_anything_is_written(disk: VirtualDisk, bad: Entry) -> None:
    journal = opened(disk)
    with pytest.raises((TypeError, ValueError)):
        journal.seal([entry(), bad])
    assert disk.names("journal") == []
    assert append(journal, entry())[0].seq == 1


@pytest.mark.parametrize("settings", [{"source": 'a"b'}, {"source": ""}, {"new_id": lambda: "ABC"}])
def test_an_origin_that_cannot_be_written_is_refused(disk: VirtualDisk, settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not a"):
        opened(disk, **settings)


# -- appending


def test_numbers_go_on_over_starts_and_each_start_is_a_boot(disk: VirtualDisk) -> None:
    ids = iter([ID])  # asked for one only
    for boot in (1, 2, 3):
        journal = opened(disk, new_id=lambda: next(ids))
        assert journal.boot == boot
        append(journal, entry(0), entry(5))
    assert [line.event["boot"] for line in journal.lines()] == [1, 1, 2, 2, 3, 3]
    assert [line.seq for line in journal.lines()] == [1, 2, 3, 4, 5, 6]
    assert {line.event["journal"] for line in journal.lines()} == {ID}


def test_the_monotonic_clock_may_stand_still_but_not_run_backwards(disk: VirtualDisk) -> None:
    journal = opened(disk)
    append(journal, entry(7), entry(7))
    with pytest.raises(ValueError, match="backwards"):
        journal.seal([entry(6)])
    append(opened(disk), entry(0))  # a new boot starts anew


def test_one_batch_at_a_time(disk: VirtualDisk) -> None:
    journal = opened(disk)
    batch = journal.seal([entry()])
    with pytest.raises(RuntimeError, match="under way"):
        journal.seal([entry()])
    journal.store(batch)
    journal.committed(batch)
    with pytest.raises(RuntimeError, match="not the batch"):
        journal.committed(batch)
    with pytest.raises(ValueError, match="at least one"):
        journal.seal([])


def test_nothing_sealed_is_seen_before_it_is_committed(disk: VirtualDisk) -> None:
    journal = opened(disk)
    append(journal, entry())
    batch = journal.seal([entry(1)])
    journal.store(batch)
    assert [journal.last_seq, *map(len, (journal.read_after(0, 9), list(journal.lines()), journal.tail))] == [1] * 4
    journal.committed(batch)
    assert [journal.last_seq, *map(len, (journal.read_after(0, 9), list(journal.lines()), journal.tail))] == [2] * 4


def test_segments_are_named_after_their_first_record_and_the_chain_crosses_them(disk: VirtualDisk) -> None:
    journal = opened(disk, segment_bytes=1000)
    grow(journal, 7)
    assert disk.names("journal") == [f"00000000000{seq}.jsonl" for seq in (1, 3, 5, 7)]
    report = verify(disk, "journal")
    assert (report.records, report.segments, report.first_seq, report.last_seq) == (7, 4, 1, 7)
    assert (report.last_hash, report.damage, report.torn) == (journal.last.hash, None, None)


@pytest.mark.parametrize("settings", [{"source": "besuk/v1/other/hall"}, {"simulated": False}])
def test_a_journal_of_another_hall_or_kind_is_refused(disk: VirtualDisk, settings: dict[str, Any]) -> None:
    append(opened(disk), entry())
    with pytest.raises(WrongJournalError, match="besuk/v1/rutan/hall \\(simulated\\), not to"):
        opened(disk, **settings)
    assert verify(disk, "journal").records == 1


def test_other_files_in_the_folder_are_nobodys_business(disk: VirtualDisk) -> None:
    append(opened(disk), entry())
    disk.put("journal/000000000001.jsonl.aside", b"rubbish")
    disk.put("journal/notes.txt", b"rubbish")
    assert opened(disk).damage is None
    assert disk.read("journal/notes.txt") == b"rubbish"


def test_a_commit_is_written_once_and_little(disk: VirtualDisk) -> None:
    journal = opened(disk)
    grow(journal, 50)
    before = disk.written_bytes
    lines = append(journal, entry(99))
    assert disk.written_bytes - before == len(lines[0].raw) + 1


# -- reading


def test_reading_is_the_same_from_memory_and_from_the_disk(disk: VirtualDisk) -> None:
    journal = opened(disk, segment_bytes=2500)
    grow(journal, 40)
    expected = list(journal.lines())
    assert [line.seq for line in expected] == list(range(1, 41))
    again = opened(disk, segment_bytes=2500, tail_lines=0)
    for start in (0, 1, 3, 4, 5, 17, 38, 39, 40, 41):
        for limit in (1, 3, 100):
            from_disk = again.read_after(start, limit)
            assert from_disk == expected[start : start + len(from_disk)]
            assert len(from_disk) >= min(1, max(0, 40 - start))
            assert journal.read_after(start, limit) == expected[start : start + limit]


def test_an_outbox_that_follows_reads_every_record_once(disk: VirtualDisk) -> None:
    journal = opened(disk, segment_bytes=3000, tail_lines=3)
    grow(journal, 100)
    seen: list[int] = []
    while lines := journal.read_after(seen[-1] if seen else 0, 7):
        seen += [line.seq for line in lines]
    assert seen == list(range(1, 101))


def test_memory_keeps_a_bounded_tail(disk: VirtualDisk) -> None:
    journal = opened(disk)
    append(journal, *(entry(n) for n in range(1500)))
    append(journal, *(entry(1500 + n) for n in range(700)))
    assert len(journal.tail) == 2000
    assert journal.tail[-1] == journal.last
    assert [line.seq for line in journal.read_after(100, 3)] == [101, 102, 103]
    for n in range(4):
        append(journal, entry(3000 + n, note="x" * 700_000))
    assert len(journal.tail) == 2


def test_hash_of_answers_for_what_is_kept_and_committed(disk: VirtualDisk) -> None:
    journal = opened(disk)
    grow(journal, 3)
    assert [journal.hash_of(seq) for seq in range(5)] == [None, *(line.hash for line in journal.lines()), None]


def test_a_bit_that_turns_over_later_is_never_read_as_truth(disk: VirtualDisk) -> None:
    journal = opened(disk, tail_lines=0)
    grow(journal, 5)
    disk.flip("journal/000000000001.jsonl", disk.read("journal/000000000001.jsonl").index(b'"locker":2'))
    assert [line.seq for line in journal.read_after(0, 10)] == [1, 2]
    with pytest.raises(JournalDamagedError, match="line 3: record 3"):
        journal.read_after(2, 10)
    with pytest.raises(OSError, match="not what was sealed"):
        journal.hash_of(3)


def test_a_reader_in_another_thread_sees_whole_committed_records(tmp_path: Path) -> None:
    journal = opened(FolderDisk(tmp_path), segment_bytes=4000, tail_lines=3)
    reader = ThreadWriter()

    def follow() -> list[Line]:
        seen: list[Line] = []
        while not seen or seen[-1].seq < 40:
            seen += journal.read_after(seen[-1].seq if seen else 0, 11)
        return seen

    following = reader.submit(follow)
    grow(journal, 40)
    reader.close()
    assert following.result() == list(journal.lines())


# -- forgetting


def always(_: Line) -> bool:
    return True


@pytest.mark.parametrize(("delivered", "kept_from"), [(0, 1), (1, 1), (2, 3), (3, 3), (6, 7), (7, 7), (99, 7)])
def test_whole_delivered_segments_go_and_the_newest_stays(disk: VirtualDisk, delivered: int, kept_from: int) -> None:
    journal = opened(disk, segment_bytes=1000)
    grow(journal, 7)
    journal.drop_segments(delivered, always)
    assert journal.first_seq == kept_from
    again = opened(disk, segment_bytes=1000)
    assert [line.seq for line in again.lines()] == list(range(kept_from, 8))
    assert [line.seq for line in journal.read_after(0, 2)] == [kept_from, kept_from + 1][: 8 - kept_from]
    assert append(again, entry(9))[0].seq == 8


def test_what_is_delivered_but_young_stays(disk: VirtualDisk) -> None:
    journal = opened(disk, segment_bytes=1000)
    grow(journal, 7)
    assert journal.drop_segments(7, lambda line: line.seq <= 2) == 1
    assert journal.first_seq == 3


# -- starting


def test_a_start_reads_little_when_the_checkpoint_covers_much(disk: VirtualDisk) -> None:
    journal = opened(disk, segment_bytes=1000)
    grow(journal, 20)
    anchor = Anchor(18, journal.hash_of(18) or "")
    disk.flip("journal/000000000003.jsonl", 300)  # old, and covered
    quick = opened(disk, anchor=anchor, verify_bytes=4000)
    assert quick.damage is None
    assert [line.seq for line in quick.lines(18)] == [19, 20]
    assert append(quick, entry(21))[0].seq == 21
    thorough = opened(disk, anchor=anchor, verify_bytes=1 << 20)
    assert thorough.damage is not None
    assert thorough.damage.seq == 3


@pytest.mark.parametrize(
    ("anchor", "why"),
    [
        (Anchor(4, "0" * 64), "another record with this number"),
        (Anchor(9, "0" * 64), "the checkpoint knows record 9"),
    ],
)
def test_a_checkpoint_that_knows_better_is_believed(disk: VirtualDisk, anchor: Anchor, why: str) -> None:
    grow(opened(disk), 5)
    journal = opened(disk, anchor=anchor)
    assert journal.damage is not None
    assert why in journal.damage.why


def test_an_empty_folder_is_no_new_journal_when_a_checkpoint_knows_of_records(disk: VirtualDisk) -> None:
    journal = opened(disk, anchor=Anchor(5, "0" * 64))
    assert journal.damage is not None
    assert journal.damage.missing == 5
    with pytest.raises(JournalDamagedError):
        journal.seal([entry()])


def test_a_folder_that_cannot_be_read_is_an_oserror(disk: VirtualDisk) -> None:
    grow(opened(disk), 3)
    disk.fail("read")
    with pytest.raises(OSError, match="Input/output"):
        opened(disk)
