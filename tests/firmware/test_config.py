"""What a technician reads when config.yaml is wrong, and that a right one says all that the rules need to know."""

import copy
import dataclasses
import datetime
import json
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from firmware import config as configuration
from firmware.config import Config, ConfigError, check, load
from firmware.core.site import Site, VisitHours
from firmware.explain import keys
from firmware.quantities import MS_OF_UNIT, Duration, duration_text
from firmware.reference import renewed

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "config.yaml"
TREE: dict[str, Any] = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))
GONE = object()

BOARDS = "lockers.banks.A.rs485"
NAMES = "1 to 40 letters, digits, - or _"
PIN = "2 to 27 (GPIO number, not the header's pin)"
NODE = 'a device such as "/dev/besuk-lockers"'
SPEEDS = "speeds 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200"
SETTINGS = f'speed, bits, parity and stop bits, such as "9600 8N1"; {SPEEDS}'
COMMANDS = "one of booking.put, booking.cancel, capacity.set, message.show, card.block, session.set, history.resend"
UNITS = "in ms, s, min, h, days"


def changed(**changes: Any) -> str:
    """The sample's text with some values changed; `__` stands for the dot between keys, a digit for a list's item."""
    return edited({name.replace("__", "."): value for name, value in changes.items()})


def edited(changes: dict[str, Any]) -> str:
    tree = copy.deepcopy(TREE)
    for path, value in changes.items():
        *above, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
        section: Any = tree
        for part in above:
            section = section[part]
        if value is GONE:
            del section[last]
        else:
            section[last] = value
    return json.dumps(tree, ensure_ascii=False, indent=1)  # which is YAML, too


def told(path: Path, text: str) -> list[str]:
    """What `check` says of this text, without the lines in the file."""
    path.write_text(text, encoding="utf-8")
    return [re.sub(r" \(line \d+\)$", "", line) for line in check(path)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


# -- single values


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("site", "Rutan Contoh", '"Rutan Contoh" is not allowed; 1 to 40 of a-z, 0-9 and -'),
        ("site", "a" * 41, f'"{"a" * 41}" is not allowed; 1 to 40 of a-z, 0-9 and -'),
        ("site", "rutan\n", '"rutan\\n" is not allowed; 1 to 40 of a-z, 0-9 and -'),
        ("site", GONE, "is missing; 1 to 40 of a-z, 0-9 and -"),
        ("hall", 7, '7 is a number and not allowed; 1 to 40 of a-z, 0-9 and -, in quotation marks: "7"'),
        (
            "timezone",
            "Europe/Berlin",
            '"Europe/Berlin" is not allowed; one of Asia/Jakarta, Asia/Pontianak, Asia/Makassar, Asia/Jayapura',
        ),
        ("language", "jv", '"jv" is not allowed; id or en'),
        ("capacity", 0, "0 is not allowed; 1 to 10000"),
        ("capacity", 10_001, "10001 is not allowed; 1 to 10000"),
        ("capacity", "60", '"60" is not allowed; 1 to 10000'),
        ("capacity", 60.0, "60.0 is not allowed; 1 to 10000"),
        ("capacity", True, "true is not allowed; 1 to 10000"),
        ("capacity", None, "empty is not allowed; 1 to 10000"),
        ("capacity", [60], "[60] is not allowed; 1 to 10000"),
        (
            "hours",
            "08:00-12:00",
            '"08:00-12:00" is not allowed; a list, each: opening and closing time, such as "08:00-12:00"',
        ),
        ("two_people", ["lockdown"], ['two_people[0]: "lockdown" is not allowed; inspect or release']),
        (
            "queue",
            None,
            "empty is not allowed; a section with counters, classes, priority_in_a_row, recalls, late_tolerance, "
            "call_hold, notice_hold",
        ),
        (
            "queue.counters",
            [1, 2],
            [
                f'queue.counters[0]: 1 is a number and not allowed; {NAMES}, in quotation marks: "1"',
                f'queue.counters[1]: 2 is a number and not allowed; {NAMES}, in quotation marks: "2"',
            ],
        ),
        (
            "queue.classes.AB",
            {},
            ["queue.classes.AB: this name is not allowed; one letter A to Z, the ticket's prefix"],
        ),
        ("queue.classes.P.priority", "yes", '"yes" is not allowed; true or false'),
        ("queue.classes.P.priority", 1, "1 is not allowed; true or false"),
        ("queue.call_hold", 4, f'4 is not allowed; a time from "1 s" to "30 s", {UNITS}'),
        ("queue.call_hold", "4s", f'"4s" is not allowed; a time from "1 s" to "30 s", {UNITS}'),
        ("queue.call_hold", "0.5 min", f'"0.5 min" is not allowed; a time from "1 s" to "30 s", {UNITS}'),
        ("queue.call_hold", "-4 s", f'"-4 s" is not allowed; a time from "1 s" to "30 s", {UNITS}'),
        ("queue.call_hold", "4 sec", f'"4 sec" is not allowed; a time from "1 s" to "30 s", {UNITS}'),
        ("queue.call_hold", "31 s", f'"31 s" is not allowed; a time from "1 s" to "30 s", {UNITS}'),
        ("queue.call_hold", "999 ms", f'"999 ms" is not allowed; a time from "1 s" to "30 s", {UNITS}'),
        ("queue.call_hold", "٤ s", f'"٤ s" is not allowed; a time from "1 s" to "30 s", {UNITS}'),
        ("lockers.pulses", 4, "4 is not allowed; 1 to 3"),
        ("lockers.per_card", -1, "-1 is not allowed; 1 to 4"),
        ("lockers.search_first", "false", '"false" is not allowed; true or false'),
        (f"{BOARDS}.protocol", "CU16", '"CU16" is not allowed; one of cu16, cu48, 8a'),
        (f"{BOARDS}.settings", "19200", f'"19200" is not allowed; {SETTINGS}'),
        (f"{BOARDS}.settings", "19200 8N3", f'"19200 8N3" is not allowed; {SETTINGS}'),
        (f"{BOARDS}.settings", "19201 8N1", f'"19201 8N1" is not allowed; {SETTINGS}'),
        (f"{BOARDS}.settings", GONE, f"is missing; {SETTINGS}"),
        (f"{BOARDS}.line", "ttyUSB0", f'"ttyUSB0" is not allowed; {NODE}'),
        (f"{BOARDS}.closed_reads", 2, "2 is not allowed; 0 or 1"),
        (f"{BOARDS}.closed_reads", True, "true is not allowed; 0 or 1"),
        (f"{BOARDS}.content_reads", "1", '"1" is not allowed; 0 or 1'),
        (f"{BOARDS}.pulse", "10 s", f'"10 s" is not allowed; a time from "100 ms" to "5 s", {UNITS}'),
        (
            f"{BOARDS}.boards.1.address",
            256,
            [f"{BOARDS}.boards[1].address: 256 is not allowed; 0 to 255 (cu16 0 to 14, cu48 0 to 255, 8a 1 to 32)"],
        ),
        (
            f"{BOARDS}.boards.0.lockers",
            "16-1",
            [f'{BOARDS}.boards[0].lockers: "16-1" is not allowed; first and last locker number, such as "1-16"; '
             "numbers 1 to 999"],
        ),
        (f"{BOARDS}.boards", "none", '"none" is not allowed; a list, each: a section with address, lockers'),
        ("gate.lanes.main.unlock_in", 28, f"28 is not allowed; {PIN}"),
        ("gate.lanes.main.unlock_in", "22", f'"22" is not allowed; {PIN}'),
        ("gate.lanes.main.release", GONE, f"is missing; {PIN}"),
        ("gate.lanes.main.pulse", "99 ms", f'"99 ms" is not allowed; a time from "100 ms" to "1 s", {UNITS}'),
        ("gate.dead_daemon", "lock", '"lock" is not allowed; free or hold'),
        ("visits.length", "13 h", f'"13 h" is not allowed; a time from "1 min" to "12 h", {UNITS}'),
        ("visits.party_most", 21, "21 is not allowed; 1 to 20"),
        ("readers.entry.place", "gate", '"gate" is not allowed; one of desk, locker, entry, exit'),
        ("readers.entry.spi.bus", 2, "2 is not allowed; 0 or 1"),
        ("readers.entry.spi.device", 3, "3 is not allowed; 0 to 2"),
        (
            "readers.entry.spi.hz",
            20_000_000,
            "20000000 is not allowed; 100000 to 10000000 (the chip's limit is 10 MHz)",
        ),
        (
            "contacts.fire.use",
            "smoke",
            '"smoke" is not allowed; one of fire, fire_reset, ticket, exit_button, side_gate',
        ),
        ("contacts.fire.rest", "nc", '"nc" is not allowed; closed or open'),
        ("contacts.fire.rest", GONE, "is missing; closed or open"),
        ("signs.hall.protocol", "lcd", '"lcd" is not allowed; alpha or ascii'),
        ("mqtt.host", "", '"" is not allowed; a host name or address'),
        ("mqtt.port", 65_536, "65536 is not allowed; 1 to 65535"),
        ("mqtt.version", "5.0", '"5.0" is not allowed; 5 or 3.1.1'),
        ("mqtt.login", "../passwd", '"../passwd" is not allowed; a file name in the credentials directory'),
        ("mqtt.commands", ["locker.open"], [f'mqtt.commands[0]: "locker.open" is not allowed; {COMMANDS}']),
        ("storage.state", "state", '"state" is not allowed; a path from the root'),
        ("storage.keep", "1 h", f'"1 h" is not allowed; a time from "7 days" to "3650 days", {UNITS}'),
        ("storage.segment", "4 MB", '"4 MB" is not allowed; a size from "64 KiB" to "64 MiB", in KiB, MiB, GiB'),
        ("web.host", "a b", '"a b" is not allowed; a host name or address'),
        ("readers.the entry", {"place": "desk"}, [f"readers.the entry: this name is not allowed; {NAMES}"]),
        ("visits.lenght", "30 min", 'unknown key; did you mean "length"?'),
        ("capacty", 60, 'unknown key; did you mean "capacity"?'),
        (
            "mqtt.qos",
            1,
            "unknown key; one of host, port, version, tls, authority, login, certificate, key, delivery, keepalive, "
            "commands",
        ),
        ("readers.desk.serial.baud", 9600, "unknown key; one of line, settings"),
        (f"{BOARDS}.boards.2.adress", 2, [f'{BOARDS}.boards[2].adress: unknown key; did you mean "address"?']),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    file: Path, path: str, value: object, sentence: str | list[str]
) -> None:
    expected = sentence if isinstance(sentence, list) else [f"{path}: {sentence}"]
    assert told(file, edited({path: value})) == expected


@pytest.mark.parametrize("hours", ["8:00-12:00", "08:00 - 12:00", "12:00-08:00", "08:00-24:00", "08:60-09:00", 800])
def test_hours_are_a_span_of_one_day(file: Path, hours: object) -> None:
    (line,) = told(file, changed(hours=[hours]))
    assert line.startswith("hours[0]: ")
    assert line.endswith(' is not allowed; opening and closing time, such as "08:00-12:00"')


# -- several values together


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        (
            {"hours": ["08:00-12:00", "11:00-13:00"]},
            ["hours[1]: begins before the session above it ends"],
        ),
        ({"queue.counters": []}, ["queue.counters: a counter is missing"]),
        ({"queue.counters": ["1", "2", "1"]}, ['queue.counters: "1" is given twice']),
        ({"queue.classes": {}}, ["queue.classes: a class of ticket is missing"]),
        ({"contacts.ticket.tickets": "B"}, ['contacts.ticket.tickets: "B" is not allowed; one of A, P']),
        ({"cards.far_apart": [["desk"]]}, ["cards.far_apart[0]: needs two or more readers"]),
        (
            {"cards.far_apart": [["desk", "gate"]]},
            ['cards.far_apart[0]: "gate" is not allowed; one of desk, lockers, entry, exit'],
        ),
        ({"lockers.left_open_task": "30 s"}, ["lockers.left_open_task: must be longer than left_open"]),
        ({"visits.length": "5 min"}, ["visits.warn: must be shorter than length"]),
        ({"mqtt.authority": "/etc/besuk/ca.pem"}, ['mqtt.authority: goes with "tls: true" alone']),
    ],
)
def test_values_that_contradict_each_other(file: Path, changes: dict[str, Any], sentences: list[str]) -> None:
    assert told(file, edited(changes)) == sentences


# -- the file itself


def test_several_mistakes_are_told_at_once_each_with_its_line(file: Path) -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    for right, wrong in (("capacity: 60 ", "capacity: 0 "), ("pin: 26,", "pin: 77,"), ("  recalls", "  recals")):
        text = text.replace(right, wrong)
    file.write_text(text, encoding="utf-8")
    lines = text.splitlines()

    def line_of(part: str) -> int:
        return next(number for number, line in enumerate(lines, start=1) if part in line)

    assert check(file) == [
        f"capacity: 0 is not allowed; 1 to 10000 (line {line_of('capacity: 0')})",
        f'queue.recals: unknown key; did you mean "recalls"? (line {line_of("recals")})',
        f"contacts.fire.pin: 77 is not allowed; {PIN} (line {line_of('pin: 77')})",
    ]


def test_a_missing_key_is_told_with_the_line_of_its_section(file: Path) -> None:
    file.write_text(SAMPLE.read_text(encoding="utf-8").replace("  host: localhost", "  #"), encoding="utf-8")
    line = file.read_text(encoding="utf-8").splitlines().index("mqtt:") + 1
    assert check(file) == [f"mqtt.host: is missing; a host name or address (line {line})"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("site: a\nhall: [b\n", "line 3, column 1: while parsing a flow sequence expected ',' or ']', "
         "but got '<stream end>'"),
        ("site: a\n\thall: b\n", "line 2, column 1: while scanning for the next token found character '\\t' "
         "that cannot start any token"),
        ("site: a\nhall: b\nsite: c\n", 'line 3, column 1: the key "site" is given twice, first in line 1'),
        ("site: {a: 1,\n  a: 2}\n", 'line 2, column 3: the key "a" is given twice, first in line 1'),
        ("site: &x a\nhall: *x\n", "line 1, column 7: aliases are not allowed"),
        ("? [a]\n: b\n", "line 1, column 3: a key must be a word"),
        ("site: a\n---\nsite: b\n", "line 2, column 1: expected a single document in the stream "
         "but found another document"),
        ("site: !!python/name:os.system\n", "line 1, column 7: could not determine a constructor for the tag "
         "'tag:yaml.org,2002:python/name:os.system'"),
        ("site: a\x07\n", "character 8: special characters are not allowed"),
        ("[" * 2000, "sections are nested too deeply"),
    ],
)  # fmt: skip
def test_what_is_not_yaml_is_told_with_its_place(file: Path, text: str, sentence: str) -> None:
    assert told(file, text) == [f"{file}: {sentence}"]


def test_a_file_that_is_not_text(file: Path) -> None:
    file.write_bytes(b"site: \xff\n")
    assert check(file) == [f"{file}: byte 7: not UTF-8"]


def test_an_anchor_that_contains_itself_ends(file: Path) -> None:
    assert told(file, "site: &x [*x]\n") == [f"{file}: line 1, column 7: aliases are not allowed"]


def test_a_file_that_is_not_there(file: Path) -> None:
    assert check(file) == [f"{file}: cannot be read: no such file or directory"]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert check(tmp_path) == [f"{tmp_path}: cannot be read: is a directory"]


SECTIONS = ", ".join(Config.model_fields)


@pytest.mark.parametrize(
    ("text", "found"), [("", "empty"), ("# nothing\n", "empty"), ("- a\n", '["a"]'), ("besuk\n", '"besuk"')]
)
def test_a_file_without_sections(file: Path, text: str, found: str) -> None:
    assert told(file, text) == [f"the file: {found} is not allowed; a section with {SECTIONS}"]


@pytest.mark.parametrize(
    ("plain", "sentence"),
    [
        ("no", '"no" is not allowed; true or false'),
        ("on", '"on" is not allowed; true or false'),
        ("True", '"True" is not allowed; true or false'),
    ],
)
def test_yaml_1_1_has_no_say_in_yes_and_no(file: Path, plain: str, sentence: str) -> None:
    text = SAMPLE.read_text(encoding="utf-8").replace("search_first: true", f"search_first: {plain}")
    assert told(file, text) == [f"lockers.search_first: {sentence}"]


@pytest.mark.parametrize("plain", ["010", "0x10", "1_0", "1:00", "+10", "1e1"])
def test_yaml_1_1_has_no_say_in_numbers(file: Path, plain: str) -> None:
    text = SAMPLE.read_text(encoding="utf-8").replace("capacity: 60 ", f"capacity: {plain} ")
    assert told(file, text) == [f'capacity: "{plain}" is not allowed; 1 to 10000']


def test_a_name_stays_a_name_where_it_looks_like_a_number_or_a_yes(file: Path) -> None:
    """Banks `1` and `true` need no quotation marks as keys; what would need them is told."""
    bank = "    1:\n      relays:\n        lockers: [{locker: 100, lock: 14, door: 15}]\n"
    file.write_text(SAMPLE.read_text(encoding="utf-8").replace("  banks:\n", f"  banks:\n{bank}"), encoding="utf-8")
    assert load(file).as_site().banks["1"].lockers == (100,)


def test_the_error_is_for_people_and_for_programs(file: Path) -> None:
    file.write_text(changed(capacity=0, language="jv"), encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load(file)
    assert isinstance(raised.value, ValueError)
    assert str(raised.value).splitlines() == list(raised.value.mistakes)
    assert len(raised.value.mistakes) == 2


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
ANYWHERE = ("site", "hours", "queue", "queue.classes.A", "lockers.banks", BOARDS, f"{BOARDS}.boards.0", "signs",
            "gate.lanes.main", "readers", "readers.desk.serial", "contacts.fire", "mqtt.version")  # fmt: skip


@settings(max_examples=50)
@example({"[key]": None}, "lockers.banks")
@example({"[key]": None}, "queue.classes.A")
@given(ANYTHING, st.sampled_from(ANYWHERE))
def test_whatever_stands_in_the_file_it_is_read_or_refused_in_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, value: object, path: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    for line in told(file, edited({path: value})):
        assert line.isprintable()
        assert len(line) < 400


# -- the sample


def test_the_sample_site_is_the_one_that_is_promised() -> None:
    site = load(SAMPLE).as_site()
    assert (site.site, site.hall, site.capacity) == ("rutan-contoh", "kunjungan", 60)
    assert {name: reader.place.value for name, reader in site.readers.items()} == {
        "desk": "desk", "lockers": "locker", "entry": "entry", "exit": "exit"
    }  # fmt: skip
    assert site.lanes == ("main",)
    assert site.lockers == dict.fromkeys(range(1, 49), "A")
    assert site.counters == ("1", "2")
    assert {letter: one.priority for letter, one in site.classes.items()} == {"A": False, "P": True}
    assert site.signs == ("hall",)
    assert list(site.contacts) == ["fire", "fire_reset", "ticket", "exit_button"]
    assert site.contacts["ticket"].ticket_class == "A"
    assert (site.visit_ms, site.search_before_locker) == (30 * 60_000, True)
    assert (site.deposit_for_entry, site.locker_shut_for_entry) == (False, True)


def test_the_sample_spells_the_defaults_of_the_rules_out() -> None:
    """Whoever reads the sample learns the defaults; so they must be the rules' own. The rules speak English."""
    site, rules = load(SAMPLE).as_site(), Site()
    its_own = {"readers", "contacts", "banks", "classes", "sign_texts"}
    for field in dataclasses.fields(Site):
        if field.name not in its_own:
            assert getattr(site, field.name) == getattr(rules, field.name), field.name


def test_every_limit_of_the_rules_can_be_set(file: Path) -> None:
    """Change every key; then every field of the site differs from the rules' default."""
    file.write_text(
        edited(
            {
                "site": "s", "hall": "h", "language": "en", "capacity": 61, "hours": ["08:00-12:00"], "two_people": [],
                "queue.counters": ["x"], "queue.priority_in_a_row": 3, "queue.recalls": 4, "queue.late_tolerance": 6,
                "queue.call_hold": "5 s", "queue.notice_hold": "5 s", "cards.repeat": "11 s",
                "cards.far_apart": [["desk", "exit"]], "cards.far_apart_within": "4 s", "lockers.search_first": False,
                "lockers.reopen_while_inside": True, "lockers.per_card": 2, "lockers.not_open": "11 s",
                "lockers.pulses": 2, "lockers.left_open": "31 s", "lockers.left_open_task": "3 min",
                "lockers.collect_again": "61 s", "lockers.still_owned": "31 min", "gate.locker_shut": False,
                "gate.deposit_required": True, "gate.passage": "6 s", "gate.push": "2 s", "gate.settle": "4 s",
                "gate.dead_daemon": "hold", "visits.length": "31 min", "visits.warn": "6 min",
                "visits.overstay_repeat": "6 min", "visits.party_most": 6,
                "gate.lanes": {"other": TREE["gate"]["lanes"]["main"]}, "readers.entry.lane": "other",
                "readers.exit.lane": "other", "contacts.exit_button.lane": "other",
                "signs": {"another": TREE["signs"]["hall"]},
            }
        )
    )  # fmt: skip
    site, rules = load(file).as_site(), Site()
    assert [one.name for one in dataclasses.fields(Site) if getattr(site, one.name) == getattr(rules, one.name)] == []
    assert site.hours == (VisitHours(480, 720),)
    assert site.far_apart == (frozenset({"desk", "exit"}),)


def test_what_may_be_left_out_is_as_the_rules_have_it(file: Path) -> None:
    """The shortest file: what this hall has, and nothing about how it is run."""
    needed = {key: TREE[key] for key in ("site", "hall", "timezone", "readers", "contacts", "signs")}
    rest: dict[str, Any] = {
        "queue": {"classes": TREE["queue"]["classes"]},
        "lockers": {"banks": TREE["lockers"]["banks"]},
        "gate": {"lanes": TREE["gate"]["lanes"]},
        "mqtt": {"host": "localhost"},
    }
    file.write_text(json.dumps(needed | rest), encoding="utf-8")
    assert load(file) == load(SAMPLE)


@pytest.mark.parametrize("zone", list(configuration.UTC_OFFSET_MIN))
def test_the_four_zones_are_those_of_the_zone_database(file: Path, zone: str) -> None:
    file.write_text(changed(timezone=zone), encoding="utf-8")
    noon = datetime.datetime(2026, 11, 21, 12)
    assert load(file).offset.utcoffset(noon) == ZoneInfo(zone).utcoffset(noon)


@pytest.mark.parametrize(
    ("text", "ms"),
    [("300 ms", 300), ("5 s", 5_000), ("30 min", 1_800_000), ("2 h", 7_200_000), ("90 days", 7_776_000_000)],
)
def test_times_are_read_in_their_unit(text: str, ms: int) -> None:
    assert Duration("0 ms", "3650 days").read(text) == ms
    assert duration_text(ms) == text


@given(st.integers(0, 10**8), st.sampled_from(list(MS_OF_UNIT)))
def test_a_time_that_is_written_is_read_again(amount: int, unit: str) -> None:
    ms = amount * MS_OF_UNIT[unit]
    assert Duration("0 ms", "100000000 days").read(duration_text(ms)) == ms


# -- the documents


def test_the_table_of_keys_is_todays() -> None:
    """Renew it: python -m firmware.reference docs/configuration.md"""
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert renewed(text) == text


def test_every_key_says_what_it_means() -> None:
    assert [key.path for key in keys(Config) if not key.meaning] == []


def test_every_key_of_the_sample_has_a_comment_or_stands_below_one() -> None:
    """Each block of the sample explains itself: no more than six lines in a row go without a word."""
    silent = 0
    for number, line in enumerate(SAMPLE.read_text(encoding="utf-8").splitlines(), start=1):
        silent = 0 if "#" in line or not line else silent + 1
        assert silent <= 6, f"line {number}"
