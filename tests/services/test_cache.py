"""The checkpoint: whole, or known not to be; and always a database that TinyDB itself can read."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tinydb import TinyDB, where

from services.cache import CHECKSUM, COPY, SafeStorage, StateCache
from services.disk import FolderDisk
from sim.clock import VirtualClock
from sim.disk import Crash, VirtualDisk

Tables = dict[str, list[dict[str, Any]]]

OLDER: Tables = {"lockers": [{"locker": 1, "owner": ""}], "meta": [{"seq": 1}]}
OLD: Tables = {"lockers": [{"locker": 1, "owner": "a1b2"}, {"locker": 2, "owner": ""}], "meta": [{"seq": 41}]}
NEW: Tables = {"lockers": [{"locker": 1, "owner": ""}], "meta": [{"seq": 42}], "tickets": []}


@pytest.fixture
def disk() -> VirtualDisk:
    return VirtualDisk(VirtualClock())


def saved(disk: VirtualDisk, *checkpoints: Tables) -> StateCache:
    cache = StateCache(disk, "state.json")
    for tables in checkpoints:
        cache.save(tables)
    return cache


def test_what_is_saved_comes_back_after_a_restart(disk: VirtualDisk) -> None:
    saved(disk, OLD, NEW)
    again = StateCache(disk, "state.json")
    assert again.load() == NEW
    assert again.trouble == ""


def test_a_first_start_has_no_checkpoint_and_says_so(disk: VirtualDisk) -> None:
    cache = StateCache(disk, "state.json")
    assert cache.load() is None
    assert cache.trouble == "state.json is missing; state.json.last is missing"


def test_a_person_opens_the_file_with_tinydb(tmp_path: Path) -> None:
    StateCache(FolderDisk(tmp_path), "state.json").save(OLD)
    with TinyDB(tmp_path / "state.json", access_mode="r") as database:
        assert database.tables() == {"lockers", "meta", CHECKSUM}
        assert database.table("lockers").get(where("owner") == "a1b2") == {"locker": 1, "owner": "a1b2"}
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


def test_tinydb_works_on_the_safe_storage(disk: VirtualDisk) -> None:
    with TinyDB(storage=lambda: SafeStorage(disk, "state.json")) as database:
        database.table("cards").insert({"number": "001"})
        database.table("cards").update({"number": "002"})
    assert StateCache(disk, "state.json").load() == {"cards": [{"number": "002"}]}


def test_every_flipped_byte_is_noticed_and_the_copy_used(disk: VirtualDisk) -> None:
    saved(disk, OLD, NEW)
    for offset in range(disk.size("state.json")):
        for bit in (0, 5, 7):
            disk.flip("state.json", offset, bit)
            cache = StateCache(disk, "state.json")
            assert cache.load() == OLD
            assert cache.trouble.startswith("state.json ")
            disk.flip("state.json", offset, bit)
    assert StateCache(disk, "state.json").load() == NEW


def test_every_truncation_is_noticed_and_the_copy_used(disk: VirtualDisk) -> None:
    saved(disk, OLD, NEW)
    whole = disk.read("state.json")
    for size in range(len(whole)):
        disk.put("state.json", whole[:size])
        cache = StateCache(disk, "state.json")
        assert cache.load() == OLD
        assert "cut short" in cache.trouble


@pytest.mark.parametrize(
    "rubbish", [b"", b"{}", b"\0" * 4096, b"not json", b'{"checksum":{"1":{"sha256":"' + b"0" * 64 + b'"}}}']
)
def test_with_both_files_damaged_there_is_nothing_rather_than_rubbish(disk: VirtualDisk, rubbish: bytes) -> None:
    saved(disk, OLD, NEW)
    disk.put("state.json", rubbish)
    disk.put("state.json" + COPY, rubbish)
    cache = StateCache(disk, "state.json")
    assert cache.load() is None
    assert "state.json " in cache.trouble
    assert "state.json.last " in cache.trouble


def test_a_damaged_checkpoint_never_displaces_the_good_copy(disk: VirtualDisk) -> None:
    saved(disk, OLDER, OLD)
    disk.flip("state.json", 10)
    cache = StateCache(disk, "state.json")
    assert cache.load() == OLDER
    disk.fail("flush")
    with pytest.raises(OSError, match="Input/output"):
        cache.save(NEW)
    disk.heal()
    assert StateCache(disk, "state.json").load() == OLDER


def test_a_failed_save_leaves_the_checkpoint_before(disk: VirtualDisk) -> None:
    cache = saved(disk, OLD)
    disk.fill(leave_bytes=20)
    with pytest.raises(OSError, match="No space"):
        cache.save(NEW)
    assert StateCache(disk, "state.json").load() == OLD
    assert disk.names("") == ["state.json.last"], "nothing half written may keep the disk full"
    disk.fill(leave_bytes=1000)
    cache.save(NEW)
    assert StateCache(disk, "state.json").load() == NEW


@pytest.mark.parametrize("scattered", [False, True])
def test_a_power_cut_at_any_step_leaves_the_old_or_the_new(scattered: bool) -> None:
    step, seen = 0, set()
    while True:
        for seed in range(8):
            disk = VirtualDisk(VirtualClock())
            disk.scattered = scattered
            cache = saved(disk, OLDER, OLD)
            disk.crash_at = disk.steps + step
            finished = True
            try:
                cache.save(NEW)
            except Crash:
                finished = False
            disk.power_cut(Random(seed))
            again = StateCache(disk, "state.json")
            found = again.load()
            assert found in ((NEW,) if finished else (OLD, NEW))
            seen.add(json.dumps(found))
            again.save(NEW)
            assert StateCache(disk, "state.json").load() == NEW
        if finished:
            break
        step += 1
    assert step >= 12
    assert len(seen) == 2


rows = st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.booleans() | st.none()))


@given(st.dictionaries(st.text().filter(lambda name: name != CHECKSUM), rows))
def test_any_tables_come_back(tables: Tables) -> None:
    disk = VirtualDisk(VirtualClock())
    saved(disk, tables)
    assert StateCache(disk, "state.json").load() == tables
