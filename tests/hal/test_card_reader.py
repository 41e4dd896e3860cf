"""The card reader driver on a virtual chip: what it tells of cards, how soon, and what it costs."""

from collections.abc import Sequence
from itertools import cycle

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hal.card_reader import NEVER, BlockRead, CardReader
from hal.rc522 import crc_a
from hal.seen import CardArrived, CardLeft, CardsCollided, Health, Seen
from sim.air import Answer
from sim.mifare import Card, Classic, Ultralight
from tests.hal.reader_bench import card, chip_bench

A, B = bytes.fromhex("DEADBEEF"), bytes.fromhex("04A1B2C3D4E5F6")


@pytest.mark.parametrize(
    "laid",
    [
        Classic(bytes.fromhex("00000000")),
        Classic(bytes.fromhex("DEADBEEF")),
        Classic(bytes.fromhex("04A1B2C3D4E5F6")),
        Ultralight(bytes.fromhex("0488A1B2C3D4E5")),
        Card(bytes.fromhex("04112233445566"), sak=0x20),
        Card(bytes.fromhex("04A1B2C3D4E5F6010203")),
    ],
    ids=lambda laid: f"{type(laid).__name__}-{laid.uid.hex()}",
)
def test_a_card_that_is_laid_arrives_once_and_leaves_once(laid: Card) -> None:
    bench = chip_bench()
    bench.run(300)
    bench.lay(laid)
    assert bench.run(5_000) == [CardArrived(laid.uid)]
    bench.chip.take(laid)
    assert bench.run(2_000) == [CardLeft(laid.uid)]
    assert bench.driver.health is Health.OK


def test_a_tap_is_told_within_a_quarter_of_a_second_and_a_departure_within_half() -> None:
    for moment in range(0, 100, 10):
        bench = chip_bench()
        bench.run(200)
        bench.clock.advance_to((bench.clock.now() + moment) * 1000)
        laid, at = bench.lay(card("04A1B2C3D4E5F6")), bench.clock.now()
        bench.run(600)
        assert bench.seen[0][0] - at <= 250
        bench.chip.take(laid)
        at = bench.clock.now()
        bench.run(600)
        assert bench.seen[1][0] - at <= 500


def test_a_card_withdrawn_for_a_moment_has_not_left() -> None:
    bench = chip_bench()
    laid = bench.lay(card())
    bench.run(500)
    bench.chip.take(laid)
    bench.run(120)
    bench.lay(laid)
    assert bench.run(2_000) == []


def test_another_card_in_its_place_is_told_at_once() -> None:
    bench = chip_bench()
    first = bench.lay(card())
    bench.run(500)
    bench.chip.take(first)
    bench.lay(card("04A1B2C3D4E5F6"))
    assert bench.run(500) == [CardLeft(A), CardArrived(B)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DEADBEEF", "DEADBEEE"),
        ("DEADBEEF", "5EADBEEF"),
        ("DEADBEEF", "04A1B2C3D4E5F6"),
        ("04A1B2C3D4E5F6", "04A1B2C3D4E5F7"),  # alike in all that cascade level 1 tells
    ],
)
class TestTwoCards:
    def test_laid_together_none_arrives_until_one_is_taken(self, one: str, other: str) -> None:
        bench = chip_bench()
        first, second = bench.lay(card(one)), bench.lay(card(other))
        assert bench.run(3_000) == [CardsCollided()]
        bench.chip.take(first)
        assert bench.run(1_000) == [CardArrived(second.uid)]

    def test_a_second_laid_beside_the_first_is_told_once_and_its_going_brings_no_second_tap(
        self, one: str, other: str
    ) -> None:
        bench = chip_bench()
        first, second = bench.lay(card(one)), card(other)
        assert bench.run(500) == [CardArrived(first.uid)]
        bench.lay(second)
        assert bench.run(3_000) == [CardsCollided()]
        bench.chip.take(second)
        assert bench.run(1_000) == []
        bench.lay(second)
        assert bench.run(1_000) == [CardsCollided()]
        bench.chip.take(first)
        assert bench.run(1_000) == [CardLeft(first.uid), CardArrived(second.uid)]

    def test_both_taken_leave_an_empty_field(self, one: str, other: str) -> None:
        bench = chip_bench()
        first = bench.lay(card(one))
        bench.run(500)
        second = bench.lay(card(other))
        bench.run(500)
        bench.chip.take(first)
        bench.chip.take(second)
        assert bench.run(1_000) == [CardLeft(first.uid)]
        bench.lay(first)
        assert bench.run(500) == [CardArrived(first.uid)]


@pytest.mark.parametrize("uid", ["DEADBEEF", "04A1B2C3D4E5F6"])
def test_a_card_withdrawn_at_any_moment_of_a_read_harms_nothing(uid: str) -> None:
    for after_us in range(0, 130_000, 170):
        bench = chip_bench()
        laid = bench.lay(card(uid))
        bench.clock.advance_to(100_000)
        bench.clock.after(after_us, lambda bench=bench, laid=laid: bench.chip.take(laid))  # type: ignore[misc]
        seen = bench.run(800)
        assert seen in ([], [CardArrived(laid.uid), CardLeft(laid.uid)])
        assert bench.driver.health is Health.OK
        other = bench.lay(card("01020304"))
        assert bench.run(300) == [CardArrived(other.uid)]


def test_a_round_begins_at_each_full_tenth_of_a_second() -> None:
    bench = chip_bench()
    bench.run(280)
    transfers = []
    for now in range(300, 500, 20):
        before = bench.chip.transfers
        bench.clock.advance_to(now * 1000)
        bench.scan(now)
        transfers.append(bench.chip.transfers - before)
    assert transfers == [6, 1, 0, 0, 0] * 2


@pytest.mark.parametrize("rhythm", [(1,), (3, 7), (25,), (50,), (75, 25), (60,), (1, 1, 1, 30)])
def test_a_scan_that_hurries_or_lags_still_serves(rhythm: Sequence[int]) -> None:
    bench = chip_bench()
    pauses = cycle(rhythm)

    def run(ms: int) -> Sequence[Seen]:
        end, first = bench.clock.now() + ms, len(bench.seen)
        while bench.clock.now() < end:
            bench.clock.advance_to((bench.clock.now() + next(pauses)) * 1000)
            bench.scan(bench.clock.now())
        return [event for _, event in bench.seen[first:]]

    for laid in (card("DEADBEEF"), card("04A1B2C3D4E5F6")):
        bench.lay(laid)
        assert run(4_000) == [CardArrived(laid.uid)]
        bench.chip.take(laid)
        assert run(4_000) == [CardLeft(laid.uid)]
    assert bench.driver.health is Health.OK


class TestTransfers:
    """What polling costs a Pi; a transfer is about 50 us of it."""

    def test_an_empty_poll_costs_seven(self) -> None:
        bench = chip_bench()
        bench.run(300)
        assert bench.transfers(1_000) == 10 * 7

    @pytest.mark.parametrize(("uid", "cost"), [("DEADBEEF", 24), ("04A1B2C3D4E5F6", 40)])
    def test_from_request_to_selected(self, uid: str, cost: int) -> None:
        bench = chip_bench()
        bench.run(380)
        bench.lay(card(uid))
        spent = 0
        while not bench.seen:
            spent += bench.transfers(20)
        sleep = 6  # HLTA, when the round is over
        assert spent == cost + sleep

    @pytest.mark.parametrize(("uid", "cost"), [("DEADBEEF", 39), ("04A1B2C3D4E5F6", 55)])
    def test_from_request_to_an_authenticated_block(self, uid: str, cost: int) -> None:
        bench = chip_bench()
        laid = card(uid)
        laid.blocks[8][:] = bytes(range(16))
        bench.run(380)
        bench.lay(laid)
        assert isinstance(bench.driver, CardReader)
        bench.driver.request_block(8, b"\xff" * 6)
        assert bench.transfers(180) - 6 <= cost
        assert bench.driver.take_block() == BlockRead(laid.uid, 8, bytes(range(16)))
        assert bench.driver.take_block() is None


class TestBlocks:
    KEY = bytes.fromhex("A0A1A2A3A4A5")

    def read(self, laid: Card | None, block: int, key: bytes, *, key_b: bool = False) -> BlockRead | None:
        bench = chip_bench()
        if laid is not None:
            bench.lay(laid)
        bench.run(500)
        assert isinstance(bench.driver, CardReader)
        bench.driver.request_block(block, key, key_b=key_b)
        assert bench.driver.due(bench.clock.now()) <= bench.clock.now() + 100
        assert bench.run(1_000) == []  # the card still lies there, and neither comes nor goes
        return bench.driver.take_block()

    def test_under_its_key(self) -> None:
        laid = card()
        laid.set_keys(2, self.KEY, b"B" * 6)
        laid.blocks[9][:] = b"a token of sixte"
        assert self.read(laid, 9, self.KEY) == BlockRead(A, 9, b"a token of sixte")
        assert self.read(laid, 9, b"B" * 6, key_b=True) == BlockRead(A, 9, b"a token of sixte")

    def test_a_trailer_keeps_its_key_a_to_itself(self) -> None:
        trailer = bytes(6) + bytes.fromhex("FF078069") + b"\xff" * 6
        assert self.read(card(), 11, b"\xff" * 6) == BlockRead(A, 11, trailer)

    @pytest.mark.parametrize("laid", [card(), Ultralight(A + b"abc"), None], ids=["wrong key", "no keys", "no card"])
    def test_what_cannot_be_read_is_said(self, laid: Card | None) -> None:
        assert self.read(laid, 9, b"wrong!") == BlockRead(laid.uid if laid else b"", 9, None)

    def test_withdrawn_in_mid_read(self) -> None:
        for after_us in range(0, 120_000, 130):
            bench = chip_bench()
            laid = bench.lay(card())
            bench.run(300)
            assert isinstance(bench.driver, CardReader)
            bench.driver.request_block(9, b"\xff" * 6)
            bench.clock.after(after_us, lambda bench=bench, laid=laid: bench.chip.take(laid))  # type: ignore[misc]
            assert bench.run(800) == [CardLeft(A)]
            read = bench.driver.take_block()
            assert read is not None
            assert read.data in (None, bytes(16))
            bench.lay(laid)
            assert bench.run(300) == [CardArrived(A)]


Story = Sequence[tuple[int, str]]
DEEDS = ("lay a", "take a", "lay b", "take b", "lay c", "unplug", "hold low", "vanish", "hang", "brown out", "mend")


def told(story: Story, *, skip: bool) -> tuple[object, int]:
    """Everything that a hall feels of a story, and the scans that it took."""
    cards = {"a": card("DEADBEEF"), "b": card("04A1B2C3D4E5F6"), "c": Card(bytes.fromhex("04A1B2C3D4E5F6010203"))}
    bench = chip_bench()
    bench.may_skip = lambda: skip
    for pause, deed in story:
        bench.run(pause * 20)
        bench.moved = bench.clock.now() + 5  # a card needs so long to come to itself
        match deed.split():
            case ["lay", name]:
                bench.chip.lay(cards[name])
            case ["take", name]:
                bench.chip.take(cards[name])
            case ["unplug"]:
                bench.chip.unplug()
            case ["hold", "low"]:
                bench.chip.unplug(0x00)
            case ["vanish"]:
                bench.chip.vanish()
            case ["hang"]:
                bench.chip.hang()
            case ["brown", "out"]:
                bench.chip.brown_out()
            case ["mend"]:
                bench.chip.mend()
    bench.run(20_000)
    return (bench.seen, bench.healths), bench.scans


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 300), st.sampled_from(DEEDS)), max_size=8))
@example([(3, "hang"), (26, "lay a"), (13, "mend")])  # a chip that fails in every second round only
def test_scans_that_nothing_is_due_in_may_be_left_out_without_a_difference(story: Story) -> None:
    everything, scans = told(story, skip=False)
    the_same, fewer = told(story, skip=True)
    assert the_same == everything
    assert fewer < scans


def test_a_quiet_reader_needs_no_look_until_something_moves() -> None:
    for laid in (None, card(), card("04A1B2C3D4E5F6")):
        bench = chip_bench()
        if laid:
            bench.lay(laid)
        bench.run(980)
        assert bench.driver.due(960) == NEVER
    assert bench.driver.due(980, moved=980) == 1_000  # it has to be asked, then
    bench.chip.unplug()
    bench.run(1_000)
    assert bench.driver.due(bench.clock.now()) == NEVER


class Liar(Card):
    """A card, or noise in the air, that answers one frame with other bytes than a card would."""

    def __init__(self, nth: int, change: bytes) -> None:
        super().__init__(bytes.fromhex("04A1B2C3D4E5F6010203" if nth > 4 else "04A1B2C3D4E5F6"), sak=0x08)
        self._nth, self._change = nth, change
        self._heard = 0

    def hear(self, frame: bytes, last_bits: int, enciphered: bool, now_us: int) -> Answer | None:
        answer = super().hear(frame, last_bits, enciphered, now_us)
        self._heard = 0 if last_bits == 7 else self._heard + 1
        if answer is None or self._heard != self._nth:
            return answer
        return answer._replace(data=self._change)


@pytest.mark.parametrize(
    ("nth", "change"),
    [
        (1, "8804A1B29E"),  # the check byte of the first level
        (1, "8804A1"),
        (1, ""),
        (2, "04DA18"),  # a SAK whose checksum is wrong
        (2, "08B6DD"),  # a SAK that ends the cascade too early
        (2, "04"),
        (3, "88C3D4E57A"),  # a cascade tag where the UID should end, and no third level
        (4, "0C62DF"),
        (4, "08B6DC"),
        (5, "8801020383"),
    ],
)
def test_a_uid_that_does_not_add_up_is_no_card(nth: int, change: str) -> None:
    bench = chip_bench()
    liar = bench.lay(Liar(nth, bytes.fromhex(change)))
    assert bench.run(2_000) == []
    assert bench.driver.health is Health.OK
    bench.chip.take(liar)
    bench.lay(card())
    assert bench.run(500) == [CardArrived(A)]


@pytest.mark.parametrize("share", [1.0, 0.3, 0.03, 0.003])
def test_noise_raises_nothing_and_brings_no_card_that_is_not_there(share: float) -> None:
    bench = chip_bench()
    laid = bench.lay(card())
    bench.run(300)
    bench.chip.garble(share)
    seen: list[Seen] = list(bench.run(60_000))
    assert set(seen) <= {CardArrived(A), CardLeft(A), CardsCollided()}
    bench.chip.mend()
    bench.run(3_000)
    assert bench.driver.health is Health.OK
    bench.chip.take(laid)
    bench.run(1_000)
    other = bench.lay(card("01020304"))
    assert bench.run(500) == [CardArrived(other.uid)]


@pytest.mark.parametrize(
    ("data", "crc"), [("5000", "57CD"), ("3008", "4A24"), ("3000", "02A8"), ("A008", "173D"), ("08", "B6DD")]
)
def test_crc_a(data: str, crc: str) -> None:
    assert crc_a(bytes.fromhex(data)) == bytes.fromhex(crc)


@pytest.mark.parametrize("step", [40, 60, 80, 100, 140])
@pytest.mark.parametrize("phase", range(0, 100, 20))
def test_a_card_is_seen_however_late_the_scans_come(step: int, phase: int) -> None:
    """A busy machine scans less often; none of its scans need fall on the beginning of a slot."""
    bench = chip_bench()
    bench.run(1_000)
    laid = bench.lay(card())
    begun = bench.clock.now()
    for now in range(begun + 20 + phase, begun + phase + 20 * step, step):
        bench.clock.advance_to(now * 1_000)
        bench.scan(now)
    assert [event for _, event in bench.seen] == [CardArrived(laid.uid)]
    assert bench.seen[0][0] - begun <= 100 + phase + 8 * step
    assert bench.driver.health is Health.OK
