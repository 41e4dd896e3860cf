"""The unmodified `mfrc522` library runs on the virtual chip, and costs there what it was measured to cost."""

import pytest
from mfrc522 import MFRC522, SimpleMFRC522

from sim.clock import VirtualClock
from sim.mfrc522 import Mfrc522
from sim.mifare import Classic
from sim.pi import SpiDev, install, plug_chip

CARD = bytes.fromhex("DEADBEEF")


@pytest.fixture
def chip() -> Mfrc522:
    """Forgiving, for the library relies on what the data sheet leaves open."""
    chip = Mfrc522(VirtualClock(), strict=False)
    plug_chip(0, 0, chip)
    return chip


def test_an_empty_poll_costs_2013_transfers(chip: Mfrc522) -> None:
    reader = MFRC522()
    chip.clock.charge(10_000)
    before, began_us = chip.transfers, chip.clock.now_us
    assert reader.MFRC522_Request(reader.PICC_REQIDL)[0] == reader.MI_ERR
    assert chip.transfers - before == 2013
    assert chip.clock.now_us - began_us == pytest.approx(32_000, rel=0.01)


@pytest.mark.parametrize(("blocks", "transfers"), [([8], 557), ([8, 9, 10], 919)])
def test_a_read_costs_what_its_air_time_makes_it_spin(chip: Mfrc522, blocks: list[int], transfers: int) -> None:
    reader = SimpleMFRC522()
    reader.BLOCK_ADDRS = blocks
    chip.lay(Classic(CARD))
    chip.clock.charge(10_000)
    before = chip.transfers
    _, text = reader.read_no_block()
    assert text == "\0" * 16 * len(blocks)
    assert chip.transfers - before == transfers


def test_what_it_writes_it_reads_again(chip: Mfrc522) -> None:
    reader = SimpleMFRC522()
    card = Classic(CARD)
    chip.lay(card)
    chip.clock.charge(10_000)
    assert reader.write_no_block("titipan 14")[1] == "titipan 14"
    assert bytes(card.blocks[8]) == b"titipan 14      "
    assert reader.read_no_block() == (None, None)  # a card lying still reads as absent every other time
    assert (reader.read_no_block()[1] or "").strip() == "titipan 14"


def test_a_seven_byte_card_shows_its_cascade_tag_only(chip: Mfrc522) -> None:
    reader = MFRC522()
    chip.lay(Classic(bytes.fromhex("04A1B2C3D4E5F6")))
    chip.clock.charge(10_000)
    reader.MFRC522_Request(reader.PICC_REQIDL)
    assert bytes(reader.MFRC522_Anticoll()[1]).hex() == "8804a1b29f"
    assert reader.MFRC522_SelectTag(bytes.fromhex("8804a1b29f")) & 0x04


def test_the_stand_ins_fail_as_the_pi_does_and_install_once() -> None:
    install()
    port = SpiDev()
    with pytest.raises(FileNotFoundError):
        port.open(1, 2)
    port.max_speed_hz = 1_000_000
    with pytest.raises(OSError, match="Bad file descriptor"):
        port.xfer2([0, 0])


def test_the_library_gives_the_bus_back(chip: Mfrc522) -> None:
    reader = MFRC522()
    reader.Close_MFRC522()
    with pytest.raises(OSError, match="Bad file descriptor"):
        reader.MFRC522_Request(reader.PICC_REQIDL)
