"""A journal is folded again without the daemon: the state at each moment, held against the cache, and what is wrong."""

import json
import shutil
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner

from firmware.audit import NoJournalError, span
from firmware.audit.replay import ReplayError, difference, replay
from firmware.audit.shown import as_json, as_text
from firmware.checkpoint import hall_of, tables_of
from firmware.cli import app
from firmware.codec import fact_of
from firmware.core.decide import take
from firmware.core.evolve import evolve, new_hall
from firmware.core.facts import CardEnrolled, CardIssued, GateGranted, LockerAssigned, VisitBound, VisitEnded
from firmware.core.inputs import Started
from firmware.core.state import Hall
from firmware.core.valid import wrong_with
from services.cache import StateCache
from services.disk import FolderDisk
from sim.disk import VirtualDisk
from tests.rig import CONFIG, Rig

SITE = CONFIG.as_site()


def dump(disk: VirtualDisk, folder: Path, path: str = "") -> Path:
    """The virtual disk as a folder."""
    for name in disk.names(path):
        inside = f"{path}/{name}" if path else name
        if "." in name or name == "reserve":
            (folder / inside).write_bytes(disk.read(inside))
        else:
            (folder / inside).mkdir()
            dump(disk, folder, inside)
    return folder


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Hall]:
    """The state folder of a day with a restart, and the hall that the daemon believed in at its end."""
    rig = Rig()
    rig.open_day()
    _, first = rig.admit(adults=2, carried=1)
    rig.deposit(first)
    rig.enter(first, persons=2)
    rig.kill()
    rig.start()
    rig.run(3_000)
    _, second = rig.admit()
    rig.deposit(second)
    rig.run(6 * 60_000)  # a checkpoint is made
    rig.leave(first, persons=2)
    rig.done("ticket", **{"class": "P"})
    rig.tap("exit", "DEADBEEF")
    rig.run(1_000)
    return dump(rig.disk, tmp_path_factory.mktemp("state")), rig.core


@pytest.fixture
def state(told: tuple[Path, Hall], tmp_path: Path) -> Path:
    """A copy that may be hurt."""
    return shutil.copytree(told[0], tmp_path / "state")


def test_the_journal_leads_to_the_daemons_hall_and_the_cache_agrees(told: tuple[Path, Hall]) -> None:
    folder, hall = told
    found = replay(folder, SITE)
    assert found.sound
    assert difference(found.hall, hall, SITE) == ""
    assert [one.name for one in found.compared] == ["state.json"]
    assert found.seq == found.last_seq > found.compared[0].seq
    assert replay(folder / "journal", SITE).hall == found.hall
    assert "state.json" in "\n".join(as_text(found))


def test_each_prefix_gives_the_same_state_twice_and_none_contradicts_itself(told: tuple[Path, Hall]) -> None:
    folder, _ = told
    last = replay(folder, SITE).last_seq
    moments = 0
    for seq in range(1, last + 1, 7):
        found, again = replay(folder, SITE, seq), replay(folder, SITE, seq)
        assert (found.seq, found.hall) == (seq, again.hall)
        if found.complete:
            moments += 1
            assert wrong_with(found.hall, SITE) == []
        assert hall_of(tables_of(found.hall)) == found.hall, "and it goes through the cache unchanged"
    assert moments > 3


def test_a_journal_that_ends_within_a_decision_is_sound_and_says_so(state: Path) -> None:
    """A power cut may leave the first record of two; what a technician reads from the card then is no contradiction."""
    (segment,) = sorted((state / "journal").glob("*.jsonl"))
    lines = segment.read_bytes().splitlines(keepends=True)
    passed = next(number for number, line in enumerate(lines) if b"gate.passed" in line)
    segment.write_bytes(b"".join(lines[: passed + 1]))
    (state / "state.json").unlink()
    found = replay(state, SITE)
    assert found.sound
    assert any(note.startswith("the last decision is unfinished") for note in found.notes)


def test_a_moment_is_named_by_its_time_as_well(told: tuple[Path, Hall]) -> None:
    folder, _ = told
    by_time = replay(folder, SITE, span("2026-01-05T08:03"))
    assert by_time.time < "2026-01-05T08:04"
    assert by_time.complete
    assert by_time.hall == replay(folder, SITE, by_time.seq).hall
    assert by_time.hall.inside == 3
    assert by_time.hall.suspect is not None
    assert by_time.hall.suspect.reason == "restart"


@pytest.mark.parametrize(
    ("until", "why"),
    [
        (10_000, "there is no record 10000: the newest is"),
        (span("2025-01-01"), "nothing in the journal up to that time"),
    ],
)
def test_a_moment_that_is_not_there(told: tuple[Path, Hall], until: object, why: str) -> None:
    with pytest.raises(ReplayError, match=why):
        replay(told[0], SITE, until)  # type: ignore[arg-type]


def test_a_cache_that_says_something_else_is_told_with_the_first_difference(state: Path) -> None:
    cache = StateCache(FolderDisk(state), "state.json")
    tables = cache.load()
    assert tables is not None
    tables["lockers"][0]["visit"], tables["lockers"][4]["uses"] = "V-000009", 12
    cache.save(tables)
    found = replay(state, SITE)
    assert not found.sound
    assert found.compared[0].difference == "lockers 1 visit: the journal says 'V-000001', it says 'V-000009'"
    assert "DIFFERS" in "\n".join(as_text(found))


def test_a_changed_record_is_damage_and_the_state_is_that_before_it(state: Path) -> None:
    segment = next((state / "journal").glob("*.jsonl"))
    lines = segment.read_bytes().split(b"\n")
    bad = next(number for number, line in enumerate(lines) if b"besuk.gate.granted" in line)
    lines[bad] = lines[bad].replace(b'"persons":2', b'"persons":3')
    segment.write_bytes(b"\n".join(lines))
    found = replay(state, SITE)
    assert not found.sound
    assert f"record {bad + 1}:" in found.damage
    assert (found.seq, found.hall.inside) == (bad, 0)
    assert found.notes[-1].startswith("state.json includes record")


def test_an_end_that_was_cut_off_is_damage_because_the_cache_knows_more(state: Path) -> None:
    segment = next((state / "journal").glob("*.jsonl"))
    segment.write_bytes(b"\n".join(segment.read_bytes().split(b"\n")[:70]) + b"\n")
    assert "the checkpoint knows record" in replay(state, SITE).damage


def besuk(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, done.stdout, done.stderr


def test_every_command_says_that_the_end_was_cut_off_where_the_cache_knows_more(state: Path) -> None:
    """Without the cache the same journal is whole: nothing else remembers what came behind."""
    segment = next((state / "journal").glob("*.jsonl"))
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join(lines[:70]))
    found = replay(state, SITE)
    assert "record 71: the journal ends here, but the checkpoint knows record" in found.damage
    code, text, _ = besuk("audit", "verify", "--journal", state)
    assert (code, text.splitlines()[-1]) == (1, f"DAMAGED: {found.damage}")
    assert besuk("audit", "replay", "--journal", state)[0] == 1
    for words in (["show", "--type", "hall.opened"], ["export"]):
        code, _, said = besuk("audit", *words, "--journal", state)
        assert code == 1
        assert said.endswith(f"nothing behind that was read: {found.damage}\n")
    code, page, said = besuk("report", "--journal", state, "--out", "-", "--language", "en")
    assert said.endswith(f"the page ends there: {found.damage}\n")
    assert f"THE JOURNAL IS DAMAGED: {found.damage}" in page
    for name in ("state.json", "state.json.last"):
        (state / name).unlink(missing_ok=True)
    code, text, _ = besuk("audit", "verify", "--journal", state / "journal")
    assert code == 0
    assert "no state cache to compare with: state.json is missing; state.json.last is missing" in text
    assert text.splitlines()[-1] == "the chain is whole"


@pytest.mark.parametrize(("content", "why"), [(b"", ""), (b"\x93 rubbish \n\xff" * 9, ": a torn tail of 108 bytes: ")])
def test_a_journal_without_a_record_is_not_whole(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "000000000001.jsonl").write_bytes(content)
    code, text, said = besuk("audit", "verify", "--journal", tmp_path)
    assert (code, text) == (1, "")
    assert said.startswith(f"besuk: {tmp_path}: the journal holds no record{why}")
    code, text, _ = besuk("audit", "verify", "--json", "--journal", tmp_path)
    assert (code, json.loads(text)["whole"]) == (1, False)
    for command in ("show", "export", "replay"):
        code, _, said = besuk("audit", command, "--journal", tmp_path)
        assert code == 1
        assert said.endswith("the journal holds no record\n")


def test_an_emptied_segment_that_the_cache_remembers_is_damage(state: Path) -> None:
    next((state / "journal").glob("*.jsonl")).write_bytes(b"")
    code, _, said = besuk("audit", "verify", "--journal", state)
    assert code == 1
    assert "the journal holds no record: 000000000001.jsonl line 1: record 1: the journal ends here" in said
    assert besuk("audit", "replay", "--journal", state)[2].count("the checkpoint knows record") == 1


def test_a_torn_tail_is_told_in_words(state: Path) -> None:
    with next((state / "journal").glob("*.jsonl")).open("ab") as segment:
        segment.write(b'{"specversion"')
    found = replay(state, SITE)
    told = f"a torn tail of 14 bytes behind record {found.last_seq}: never acknowledged, cut off at the next start"
    assert found.sound
    assert as_json(found)["torn"] == told
    assert told in as_text(found)
    assert json.loads(besuk("audit", "verify", "--json", "--journal", state)[1])["torn"] == told
    code, text, _ = besuk("audit", "verify", "--journal", state)
    assert code == 0
    assert told in text.splitlines()


def test_the_cache_that_was_compared_is_the_one_that_is_named(state: Path) -> None:
    shutil.copy(state / "state.json", state / "state.json.last")
    (state / "state.json").write_bytes((state / "state.json").read_bytes().replace(b"V-000001", b"V-000009", 1))
    found = replay(state, SITE)
    assert found.sound
    assert [one.name for one in found.compared] == ["state.json.last"]
    assert found.notes == ["state.json does not match its checksum: state.json.last was read instead"]
    text = list(as_text(found))
    assert any(line.startswith("state.json.last (record ") and line.endswith(": agrees") for line in text)
    assert not any(line.startswith("state.json (") for line in text)
    assert found.notes[0] in besuk("audit", "verify", "--journal", state)[1]


def test_without_a_cache_the_journal_speaks_for_itself(state: Path) -> None:
    for name in ("state.json", "state.json.last"):
        (state / name).unlink(missing_ok=True)
    found = replay(state, SITE)
    assert found.sound
    assert found.notes == ["no state cache to compare with: state.json is missing; state.json.last is missing"]


def test_another_sites_journal_asks_for_its_configuration(told: tuple[Path, Hall]) -> None:
    other = CONFIG.model_copy(update={"hall": "other"}).as_site()
    with pytest.raises(ReplayError, match="name the right one with --config FILE"):
        replay(told[0], other)
    with pytest.raises(NoJournalError):
        replay(told[0] / "nowhere", SITE)


def test_where_segments_were_deleted_the_fold_begins_with_their_base(tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"storage": CONFIG.storage.model_copy(update={"segment": 16_384})})
    rig = Rig(config)
    rig.open_day(cards=30)
    _, uid = rig.admit()
    rig.deposit(uid)
    rig.run(6 * 60_000)
    for number, uid in rig.hall.stock[40:45]:
        rig.done("enrol", number=number, uid=uid)
    rig.until(lambda: rig.daemon.cursor.delivered == rig.daemon.controller.ledger.journal.last_seq)
    rig.wall.jump(100 * 86_400_000)
    rig.daemon.controller.ledger.retire(rig.daemon.cursor.delivered, keep_ms=90 * 86_400_000)
    rig.until(lambda: "000000000001.jsonl" not in rig.disk.names("journal"))
    folder = dump(rig.disk, tmp_path)
    found = replay(folder, SITE)
    assert found.sound
    assert "base.json" in found.begins
    assert difference(found.hall, rig.core, SITE) == ""
    with pytest.raises(ReplayError, match="there is no state before record"):
        replay(folder, SITE, 1)
    for name in ("state.json", "state.json.last", "journal/base.json", "journal/base.json.last"):
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(ReplayError, match="no checkpoint knows what came before"):
        replay(folder, SITE)


def test_as_json_names_what_the_desk_names(told: tuple[Path, Hall]) -> None:
    told_json = json.loads(json.dumps(as_json(replay(told[0], SITE))))
    assert told_json["sound"] is True
    assert told_json["state"]["hall"]["inside"] == 0
    assert {row["card"] for row in told_json["state"]["visits"]} == {"001", "002"}
    assert told_json["unresolved"] == ["card 001", "card 002", "locker 1", "locker 2"]


# -- what can be wrong with a hall

CARD, OTHER = "0" * 16, "1" * 16


def small_hall() -> Hall:
    """A visit that goes on with card 001 and locker 1."""
    hall = new_hall(SITE)
    for fact in (
        CardEnrolled(card=CARD, number="001", actor="o"),
        CardEnrolled(card=OTHER, number="002", actor="o"),
        VisitBound(visit="V-000001", adults=2, children=0, carried=0, actor="o"),
        CardIssued(card=CARD, number="001", visit="V-000001", actor="o"),
        LockerAssigned(bank="A", locker=1, card=CARD, visit="V-000001"),
    ):
        evolve(hall, fact, 1_000, SITE)
    return hall


def test_a_hall_that_holds_together() -> None:
    assert wrong_with(small_hall(), SITE) == []


@pytest.mark.parametrize(
    ("fact", "wrong"),
    [
        (VisitEnded(visit="V-000001", stages={}), "card 001: issued to V-000001, which is no visit that goes on"),
        (LockerAssigned(bank="A", locker=2, card=CARD, visit="V-000007"), "locker 2: its owner V-000007 is unknown"),
        (LockerAssigned(bank="A", locker=2, card=CARD, visit="V-000001"), "visit V-000001: owns 2 lockers, where 1"),
        (LockerAssigned(bank="A", locker=1, card=CARD), f"locker 1: owned by visit none with card {CARD}"),
        (LockerAssigned(bank="A", locker=2, card="x", visit="V-000001"), "locker 2: its card x is not enrolled"),
        (CardIssued(card=OTHER, number="002", visit="V-000001", actor="o"), "card 002: V-000001 holds it and card 001"),
        (CardEnrolled(card="2" * 16, number="002", actor="o"), "card 002: 2 cards bear this number"),
        (
            GateGranted(lane="main", direction="in", persons=1, visit="V-000009", grant=1),
            "grant 1 at main: is of V-000009, which is no visit that goes on",
        ),
        (
            GateGranted(lane="main", direction="in", persons=0, visit="V-000001", grant=1),
            "grant 1 at main: 0 of 0 have passed",
        ),
    ],
)
def test_what_is_wrong_is_named(fact: object, wrong: str) -> None:
    hall = small_hall()
    evolve(hall, fact, 2_000, SITE)  # type: ignore[arg-type]
    assert any(one.startswith(wrong) for one in wrong_with(hall, SITE)), wrong_with(hall, SITE)


@pytest.mark.parametrize(
    ("where", "value", "wrong"),
    [
        ("visits.V-000001.inside", 3, "visit V-000001: 3 of 2 walkers are inside"),
        ("visits.V-000001.carried_inside", 1, "visit V-000001: 1 of 0 carried are inside"),
        ("unattributed", -1, "count: -1 are inside, and nobody suspects it"),
        ("mode_told", "open", "mode: closed, where open was announced"),
        ("fire_active", True, "fire: the contact is active, and no emergency stands"),
        ("serving", {"1": "A-001"}, "counter 1: serves A-001, which is unknown"),
        ("cards.0000000000000000.state", "stock", "card 001: stock, and owns a locker"),
    ],
)
def test_whatever_made_it_so(where: str, value: object, wrong: str) -> None:
    hall: object = small_hall()
    thing, *names = hall, *where.split(".")
    for name in names[:-1]:
        thing = thing[name] if isinstance(thing, dict) else getattr(thing, name)
    setattr(thing, names[-1], value)
    assert isinstance(hall, Hall)
    assert wrong in wrong_with(hall, SITE)


def test_a_hall_after_any_power_cut_holds_together() -> None:
    """What a torn batch leaves is a prefix of it; a start over that leads to a hall without contradictions."""
    rig = Rig()
    rig.open_day()
    _, uid = rig.admit(adults=2)
    rig.disk.stall(400)
    for seed in range(6):
        rig.tap("lockers" if seed % 2 else "entry", uid)
        rig.run(150 + 90 * seed)
        rig.cut_power(seed)
        rng = Random(seed)
        rig.clock.advance_to(rig.clock.now_us + rng.randrange(1_000_000, 30_000_000))
        rig.start()
        rig.run(2_500)
        assert wrong_with(rig.core, SITE) == []


@pytest.mark.parametrize("collected", [True, False])
def test_any_prefix_of_the_journal_and_a_start_over_it_hold_together(collected: bool) -> None:
    rig = Rig()
    rig.open_day(cards=1)
    _, uid = rig.admit()
    rig.deposit(uid)
    if collected:
        rig.enter(uid)
        rig.leave(uid)
        rig.tap("lockers", uid)
        rig.until(lambda: rig.core.lockers[1].door == "open")
        rig.hall.door(1, "closed", content=False)
        rig.run(62_000)
    rig.done("return", card="001", collected=collected)
    journal = list(rig.daemon.controller.ledger.journal.lines())
    wrong = {}
    for count in range(2, len(journal)):
        hall, at = new_hall(SITE), 0
        for line in journal[:count]:
            fact = fact_of(line.event)
            at = int(line.event["bootms"])
            evolve(hall, fact, at, SITE)
        take(hall, SITE, Started("1", at, 0, 5, True, False), at)
        if found := wrong_with(hall, SITE):
            wrong[journal[count - 1].event["type"]] = found
    assert wrong == {}
