"""Adventures by seed: everything that can happen to a reader, in any order and in the middle of any exchange."""

import random
from itertools import pairwise

import pytest

from hal.card_reader import CardReader
from hal.seen import CardArrived, CardLeft, Health
from sim.clock import VirtualClock
from sim.mfrc522 import Mfrc522
from sim.mifare import Card
from tests.hal.reader_bench import ChipBench, card

DEEDS = ("lay", "take", "garble", "garble", "mend", "brown out", "hang", "vanish", "unplug", "block")
NOISE_AFTERMATH = (922, 1030, 3096, 3412)
"""Seeds that once found a frame mixed with a leftover order to sleep, and Crypto1 switched on by noise."""


@pytest.mark.parametrize("seed", [*range(40), *NOISE_AFTERMATH])
def test_whatever_happens_no_card_is_invented_and_in_the_end_it_serves(seed: int) -> None:
    rng = random.Random(seed)
    clock = VirtualClock()
    chip = Mfrc522(clock, rng=random.Random(seed))
    driver = CardReader(chip.open, clock)
    bench = ChipBench(clock, driver, chip=chip)
    cards: list[Card] = [card("DEADBEEF"), card("04A1B2C3D4E5F6"), card("04A1B2C3D4E5F7")]
    cards.append(Card(bytes.fromhex("04A1B2C3D4E5F6010203")))

    def act(deed: str, laid: Card) -> None:
        match deed:
            case "lay":
                chip.lay(laid)
            case "take":
                chip.take(laid)
            case "garble":
                chip.garble(rng.choice([1, 0.3, 0.1, 0.03, 0.01]))
            case "mend":
                chip.mend()
            case "brown out":
                chip.brown_out()
            case "hang":
                chip.hang()
            case "vanish":
                chip.vanish()
            case "unplug":
                chip.unplug(rng.choice([0x00, 0xFF]))
            case _:
                driver.request_block(rng.randrange(70), b"\xff" * 6)

    for _ in range(12):
        deed, laid = rng.choice(DEEDS), rng.choice(cards)
        clock.after(rng.randrange(40_000), lambda deed=deed, laid=laid: act(deed, laid))  # type: ignore[misc]
        bench.run(rng.randrange(40, 3_000, 20))
    told = [event for _, event in bench.seen if isinstance(event, CardArrived | CardLeft)]
    assert {event.uid for event in told} <= {laid.uid for laid in cards}
    assert all(type(one) is not type(after) for one, after in pairwise(told))

    chip.mend()
    for laid in cards:
        chip.take(laid)
    bench.run(45_000)
    assert driver.health is Health.OK
    chip.lay(cards[0])
    assert bench.run(400) == [CardArrived(cards[0].uid)]
