"""What reading a card costs on the SPI bus: our driver beside the stock library, on the same virtual chip.

Run it: `python tests/bench/bench_spi.py`. Counted is a whole round from its request on; ours ends with the order to
sleep (HLTA), which the library leaves out. Bus time is that of 1 MHz; each transfer also costs a Pi about 50 us of
Python and kernel, which the last column adds up.
"""

# ruff: noqa: E402 -- the stand-ins for the Pi's modules must be there before the library is imported

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from sim.pi import install, plug_chip

install()

from mfrc522 import MFRC522

from hal.card_reader import CardReader
from sim.clock import VirtualClock
from sim.mfrc522 import Mfrc522
from sim.mifare import Card, Classic

UID4, UID7 = bytes.fromhex("DEADBEEF"), bytes.fromhex("04A1B2C3D4E5F6")
BLOCK, KEY = 8, b"\xff" * 6
PI_US = 50


def counted(chip: Mfrc522, card: Card | None, act: Callable[[], object]) -> tuple[int, int]:
    """Transfers and bytes of `act` with `card` on the reader."""
    if card is not None:
        chip.lay(card)
    chip.clock.charge(20_000)
    transfers, size = chip.transfers, chip.bytes
    act()
    return chip.transfers - transfers, chip.bytes - size


def stock(card: Card | None, *, block: bool = False) -> tuple[int, int]:
    chip = Mfrc522(VirtualClock(), strict=False)
    plug_chip(0, 0, chip)
    reader = MFRC522()

    def act() -> None:
        if reader.MFRC522_Request(reader.PICC_REQIDL)[0] != reader.MI_OK:
            return
        uid = reader.MFRC522_Anticoll()[1]
        reader.MFRC522_SelectTag(uid)
        if block:
            reader.MFRC522_Auth(reader.PICC_AUTHENT1A, BLOCK, KEY, uid)
            reader.MFRC522_Read(BLOCK)
            reader.MFRC522_StopCrypto1()

    return counted(chip, card, act)


def ours(card: Card | None, *, block: bool = False) -> tuple[int, int]:
    clock = VirtualClock()
    chip = Mfrc522(clock)
    driver = CardReader(chip.open, clock)
    for now in range(100, 180, 20):  # the first round after a start costs one transfer more
        clock.advance_to(now * 1000)
        driver.poll(now)
    if block:
        driver.request_block(BLOCK, KEY)

    def act() -> None:
        now, before = 200, -1
        while chip.transfers != before:  # a scan without a transfer: the round is over
            before = chip.transfers
            clock.advance_to(now * 1000)
            driver.poll(now)
            now += 20

    return counted(chip, card, act)


def main() -> None:
    print(f"{'':34}{'transfers':>10}{'bytes':>8}{'bus ms':>9}{'Pi ms':>9}")
    for what, card, block in (
        ("an empty poll", None, False),
        ("a UID of 4 bytes", UID4, False),
        ("a UID of 7 bytes", UID7, False),
        ("one authenticated block, 4 bytes", UID4, True),
        ("one authenticated block, 7 bytes", UID7, True),
    ):
        print(what)
        for who, count in (("mfrc522 0.0.7", stock), ("besuk", ours)):
            if who != "besuk" and card == UID7:
                print(f"    {who:30}{'stops at the cascade tag: no cascade level 2':>36}")
                continue
            transfers, size = count(None if card is None else Classic(card), block=block)
            bus_ms, pi_ms = size * 8 / 1000, transfers * PI_US / 1000
            print(f"    {who:30}{transfers:>10}{size:>8}{bus_ms:>9.2f}{bus_ms + pi_ms:>9.2f}")


if __name__ == "__main__":
    main()
