"""Two devices cannot have one wire; and what the electrician reads is what the program drives."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from firmware.config import check, load
from hal.lock_protocols import Cu16, Cu48, EightA

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "config.yaml"
TREE: dict[str, Any] = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))
BOARDS = "lockers.banks.A.rs485"
DEFAULT_RELAYS = {"lockers": [{"locker": 49, "lock": 14, "door": 15}]}

HEADER = {
    2: 3, 3: 5, 4: 7, 14: 8, 15: 10, 17: 11, 18: 12, 27: 13, 22: 15, 23: 16, 24: 18, 10: 19, 9: 21, 25: 22, 11: 23,
    8: 24, 7: 26, 5: 29, 6: 31, 12: 32, 13: 33, 19: 35, 16: 36, 26: 37, 20: 38, 21: 40,
}  # fmt: skip
"""GPIO number -> pin of the 40-pin header."""


def told(tmp_path: Path, changes: dict[str, Any]) -> list[str]:
    tree = copy.deepcopy(TREE)
    for path, value in changes.items():
        *above, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
        section: Any = tree
        for part in above:
            section = section[part]
        section[last] = value
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps({key: value for key, value in tree.items() if value is not None}), encoding="utf-8")
    return [re.sub(r" \(line \d+\)$", "", line) for line in check(file)]


SPI_READER = {"place": "desk", "spi": {"bus": 1, "device": 1}}


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        # pins
        (
            {"contacts.ticket.pin": 22},
            ["contacts.ticket.pin: GPIO 22 is already used by gate.lanes.main.unlock_in"],
        ),
        (
            {"gate.lanes.main.pass_out": 5},
            ["gate.lanes.main.pass_out: GPIO 5 is already used by gate.lanes.main.pass_in"],
        ),
        (
            {"contacts.ticket.pin": 26, "contacts.exit_button.pin": 26},
            [
                "contacts.ticket.pin: GPIO 26 is already used by contacts.fire.pin",
                "contacts.exit_button.pin: GPIO 26 is already used by contacts.fire.pin",
            ],
        ),
        (
            {"contacts.fire.pin": 2, "gate.lanes.main.release": 3},
            [
                "gate.lanes.main.release: GPIO 3 is not allowed; its fixed pull-up would hold a relay on "
                "and hide a broken wire",
                "contacts.fire.pin: GPIO 2 is not allowed; its fixed pull-up would hold a relay on "
                "and hide a broken wire",
            ],
        ),
        (
            {"contacts.ticket.pin": 7},
            ["contacts.ticket.pin: GPIO 7 is not allowed; it belongs to SPI 0, which a reader uses"],
        ),
        (
            {"contacts.ticket.pin": 16},
            ["contacts.ticket.pin: GPIO 16 is not allowed; it belongs to SPI 1, which a reader uses"],
        ),
        ({"contacts.ticket.pin": 16, "readers.exit.spi.bus": 0, "readers.entry": SPI_READER | {"spi": None,
          "serial": {"line": "/dev/ttyACM0", "settings": "115200 8N1"}}, "readers.exit.spi.device": 1}, []),
        (
            {"contacts.ticket.pin": 14, "signs.hall.line": "/dev/serial0"},
            ["contacts.ticket.pin: GPIO 14 is not allowed; it belongs to /dev/serial0, which signs.hall.line uses"],
        ),
        ({"contacts.ticket.pin": 14}, []),
        (
            {"lockers.banks.B": {"relays": {"lockers": [{"locker": 49, "lock": 14, "door": 24}]}}},
            ["lockers.banks.B.relays.lockers[0].door: GPIO 24 is already used by gate.lanes.main.stop"],
        ),
        # readers
        (
            {"readers.exit.spi": {"bus": 0, "device": 1}},
            ["readers.exit.spi: SPI 0 device 1 is already used by readers.entry.spi"],
        ),
        (
            {"readers.entry.spi.device": 2},
            ["readers.entry.spi.device: 2 is not allowed; SPI 0 has the devices 0 and 1"],
        ),
        (
            {f"readers.desk{n}": SPI_READER | {"spi": {"bus": 1, "device": n}} for n in (1, 2)}
            | {"readers.desk3": SPI_READER},
            [
                "readers: 6 readers on SPI are not allowed; the Pi has 5 chip selects",
                "readers.desk3.spi: SPI 1 device 1 is already used by readers.desk1.spi",
            ],
        ),
        ({f"readers.desk{n}": SPI_READER | {"spi": {"bus": 1, "device": n}} for n in (1, 2)}, []),
        ({"readers.desk.serial": None}, ['readers.desk: needs either "spi" or "serial"']),
        ({"readers.desk.spi": {"bus": 1, "device": 1}}, ['readers.desk: needs either "spi" or "serial"']),
        ({"readers.lockers.bank": None}, ["readers.lockers.bank: is missing; one of A"]),
        ({"readers.lockers.bank": "B"}, ['readers.lockers.bank: "B" is not allowed; one of A']),
        ({"readers.entry.lane": "side"}, ['readers.entry.lane: "side" is not allowed; one of main']),
        ({"readers.desk.lane": "main"}, ['readers.desk.lane: "main" is not allowed; "desk" belongs to no lane']),
        ({"readers.entry.bank": "A"}, ['readers.entry.bank: "A" is not allowed; "entry" belongs to no bank']),
        # serial lines
        (
            {"signs.hall.line": "/dev/besuk-lockers"},
            [f"signs.hall.line: /dev/besuk-lockers is already used by {BOARDS}.line"],
        ),
        (
            {"readers.desk.serial.line": "/dev/besuk-sign"},
            ["signs.hall.line: /dev/besuk-sign is already used by readers.desk.serial.line"],
        ),
        # lockers and boards
        (
            {"lockers.banks.B": {"relays": {"lockers": [{"locker": 16, "lock": 14, "door": 15}]}}},
            [f"lockers.banks.B.relays.lockers[0].locker: locker 16 is already in {BOARDS}.boards[0].lockers"],
        ),
        (
            {f"{BOARDS}.boards.1.lockers": "9-24"},
            [f"{BOARDS}.boards[1].lockers: locker 9 is already in {BOARDS}.boards[0].lockers"],
        ),
        (
            {f"{BOARDS}.boards.2.address": 0},
            [f"{BOARDS}.boards[2].address: address 0 is already used by {BOARDS}.boards[0].address"],
        ),
        (
            {f"{BOARDS}.boards.1.address": 99},
            [f"{BOARDS}.boards[1].address: 99 is not allowed; 0 to 14 for cu16"],
        ),
        (
            {f"{BOARDS}.protocol": "8a", f"{BOARDS}.content_reads": None},
            [f"{BOARDS}.boards[0].address: 0 is not allowed; 1 to 32 for 8a"],
        ),
        (
            {f"{BOARDS}.boards.2.lockers": "33-49"},
            [f"{BOARDS}.boards[2].lockers: 17 lockers are not allowed; this cu16 board has 16"],
        ),
        (
            {f"{BOARDS}.protocol": "8a", f"{BOARDS}.boards": [{"address": 1, "lockers": "1-25"}]},
            [
                f"{BOARDS}.content_reads: does not go with the protocol 8a",
                f"{BOARDS}.boards[0].lockers: 25 lockers are not allowed; this 8a board has 24",
            ],
        ),
        (
            {f"{BOARDS}.byte_order": "last", f"{BOARDS}.status_bytes": 4},
            [
                f"{BOARDS}.byte_order: does not go with the protocol cu16",
                f"{BOARDS}.status_bytes: does not go with the protocol cu16",
            ],
        ),
        ({f"{BOARDS}.boards": []}, ["lockers.banks.A: has no lockers"]),
        (
            {"lockers.banks.B": {}},
            ['lockers.banks.B: needs either "rs485" or "relays"', "lockers.banks.B: has no lockers"],
        ),
        ({"lockers.banks.A.relays": DEFAULT_RELAYS}, ['lockers.banks.A: needs either "rs485" or "relays"']),
        # lanes and contacts
        ({"gate.lanes": {}, "readers": {}, "contacts": {"fire": TREE["contacts"]["fire"]}},
         ["gate.lanes: a lane is missing; there is no hall without one"]),
        (
            {"readers.exit.place": "entry", "contacts.exit_button": TREE["contacts"]["fire_reset"] | {"pin": 4}},
            ["gate.lanes.main: nobody could leave; it needs an exit reader or an exit button"],
        ),
        ({"readers.exit.place": "entry"}, []),
        (
            {"contacts.fire.use": "fire_reset"},
            ['contacts: a contact with the use "fire" is missing; nobody starts without one'],
        ),
        ({"contacts.exit_button.lane": None}, ["contacts.exit_button.lane: is missing; one of main"]),
        ({"contacts.ticket.tickets": None}, ["contacts.ticket.tickets: is missing"]),
        ({"contacts.fire.tickets": "A"}, ['contacts.fire.tickets: goes with the use "ticket" alone']),
        # signs
        ({"signs.hall.protocol": "ascii"}, ["signs.hall.template: is missing"]),
        ({"signs.hall.template": "{ticket}\r\n"}, ['signs.hall.template: goes with the protocol "ascii" alone']),
        ({"signs.hall.protocol": "ascii", "signs.hall.template": "{ticket};{counter}\r\n"}, []),
        # names
        (
            {"signs": {"main": TREE["signs"]["hall"]}},
            ["signs.main: the name main is already used by gate.lanes.main"],
        ),
        (
            {"signs": {"disk": TREE["signs"]["hall"]}},
            ["signs.disk: the name disk is taken: the program has a device of that name itself"],
        ),
        (
            {"readers.locker-14": SPI_READER},
            ["readers.locker-14: the name locker-14 is taken: the program has a device of that name itself"],
        ),
    ],
)  # fmt: skip
def test_devices_that_cannot_be_wired_so(tmp_path: Path, changes: dict[str, Any], sentences: list[str]) -> None:
    assert told(tmp_path, changes) == sentences


def test_every_clash_is_told_at_once(tmp_path: Path) -> None:
    changes = {"contacts.ticket.pin": 22, "signs.hall.line": "/dev/besuk-desk", f"{BOARDS}.boards.1.address": 0}
    assert len(told(tmp_path, changes)) == 3


@pytest.mark.parametrize(
    ("changes", "language"),
    [
        ({}, Cu16(closed_bit=1, content_bit=1)),
        ({f"{BOARDS}.closed_reads": 0, f"{BOARDS}.content_reads": 0}, Cu16(closed_bit=0, content_bit=0)),
        ({f"{BOARDS}.protocol": "cu48", f"{BOARDS}.content_reads": None}, Cu48(closed_bit=1, content_bit=None)),
        (
            {
                BOARDS: {
                    "line": "/dev/besuk-lockers", "settings": "9600 8N1", "protocol": "8a", "closed_reads": 0,
                    "status_bytes": 7, "byte_order": "last", "boards": [{"address": 32, "lockers": "1-50"}],
                }
            },
            EightA(status_bytes=7, closed_bit=0, first_channels_last=True),
        ),
    ],
)  # fmt: skip
def test_the_boards_are_spoken_to_as_they_are_set(tmp_path: Path, changes: dict[str, Any], language: object) -> None:
    assert told(tmp_path, changes) == []
    rs485 = load(tmp_path / "config.yaml").lockers.banks["A"].rs485
    assert rs485 is not None
    assert rs485.language == language


def test_relay_lockers_and_boards_give_their_numbers_in_the_order_of_channels(tmp_path: Path) -> None:
    changes = {
        f"{BOARDS}.boards": [{"address": 3, "lockers": "101-116"}, {"address": 0, "lockers": "1-4"}],
        "lockers.banks.B": {"relays": {"lockers": [{"locker": 9, "lock": 14, "door": 15}]}},
    }
    assert told(tmp_path, changes) == []
    banks = load(tmp_path / "config.yaml").as_site().banks
    assert banks["A"].lockers == (*range(101, 117), 1, 2, 3, 4)
    assert banks["B"].lockers == (9,)


# -- docs/wiring.md


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    text = (ROOT / "docs" / "wiring.md").read_text(encoding="utf-8")
    section = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_table_of_pins_is_the_sample_sites() -> None:
    told_there = [(int(gpio), signal.strip("`"), active) for gpio, _, signal, _, active in rows("Pins")]
    uses = [(use.pin, ".".join(map(str, use.place)), use.active) for use in load(SAMPLE).wiring.pins()]
    assert told_there == uses


def test_the_header_pins_are_right() -> None:
    for gpios, headers, *_ in rows("Pins") + rows("Card readers on SPI"):
        assert [HEADER[int(gpio)] for gpio in gpios.split(",")] == [int(pin) for pin in headers.split(",")]


def test_the_table_of_readers_is_the_sample_sites() -> None:
    selects = {
        (int(found[1]), int(found[2])): reader.strip("`")
        for _, _, signal, reader in rows("Card readers on SPI")
        if (found := re.fullmatch(r"SPI (\d) CE(\d)", signal))
    }
    readers = load(SAMPLE).readers.items()
    assert selects == {(one.spi.bus, one.spi.device): name for name, one in readers if one.spi}


def test_the_table_of_serial_lines_is_the_sample_sites() -> None:
    config = load(SAMPLE)
    told_there = {(node.strip("`"), settings) for node, _, settings, _ in rows("Serial lines")}
    lines = [*(bank.rs485 for bank in config.lockers.banks.values()), *(one.serial for one in config.readers.values())]
    settings = {(line.line, str(line.settings)) for line in (*lines, *config.signs.values()) if line}
    assert told_there == settings
    assert {node for node, _ in told_there} == {node for node, _ in config.wiring.lines()}
