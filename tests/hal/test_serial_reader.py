"""Readers on a serial line: every maker's framing, cards that come and go, lines that are noise, adapters pulled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.bus import SerialSettings
from hal.seen import CardArrived, CardLeft, CardsCollided, Health
from hal.serial_reader import NEVER, SerialReader
from sim.clock import VirtualClock, WireError
from sim.mifare import Card
from sim.serial_line import VirtualLine
from sim.serial_reader import SerialCardReader
from tests.hal.reader_bench import Bench, card

AS_DELIVERED = SerialSettings()


class LineBench(Bench):
    """A serial reader's driver, the line, and the reader at its far end."""

    def __init__(
        self,
        *,
        framing: str = "{uid}\r\n",
        separator: str = "",
        repeat_ms: int | None = 300,
        host: SerialSettings = AS_DELIVERED,
        plugged: bool = True,
    ) -> None:
        clock = VirtualClock()
        self.line = VirtualLine(clock, SerialSettings())
        self.line.plugged = plugged
        self.reader = SerialCardReader(self.line, framing=framing, separator=separator, repeat_ms=repeat_ms)
        super().__init__(clock, SerialReader(lambda: self.line.open(host), clock))


@pytest.mark.parametrize("uid", ["DEADBEEF", "04A1B2C3D4E5F6", "04A1B2C3D4E5F6010203"])
@pytest.mark.parametrize("repeat_ms", [None, 100, 300, 900])
@pytest.mark.parametrize(
    ("framing", "separator"),
    [("{uid}\r\n", ""), ("{uid}\r", ":"), ("{uid}\n", " "), ("\x02{uid}\x03", "-"), ("\x02{uid}\r\n\x03", "")],
)
def test_a_card_arrives_once_and_leaves_once(uid: str, repeat_ms: int | None, framing: str, separator: str) -> None:
    bench = LineBench(framing=framing, separator=separator, repeat_ms=repeat_ms)
    laid = card(uid) if len(uid) < 16 else Card(bytes.fromhex(uid))
    bench.run(500)
    bench.reader.lay(laid)
    came = bench.run(900)
    assert came == [CardArrived(laid.uid)]
    bench.reader.take(laid)
    assert bench.run(1_500) == [CardLeft(laid.uid)]
    bench.reader.lay(laid)
    assert bench.run(500) == [CardArrived(laid.uid)]
    assert [told for _, told in bench.healths] == [Health.OK]


def test_a_card_that_lies_for_long_is_one_card() -> None:
    bench = LineBench(repeat_ms=900)
    bench.reader.lay(card())
    assert bench.run(60_000) == [CardArrived(card().uid)]


def test_the_next_persons_card_replaces_the_one_before() -> None:
    bench = LineBench(repeat_ms=None)
    for uid in ("DEADBEEF", "01020304"):
        tapped = card(uid)
        bench.reader.lay(tapped)
        bench.run(300)
        bench.reader.take(tapped)
    bench.run(2_000)
    first, second = card().uid, card("01020304").uid
    assert [event for _, event in bench.seen] == [
        CardArrived(first),
        CardLeft(first),
        CardArrived(second),
        CardLeft(second),
    ]


@pytest.mark.parametrize("taken", ["DEADBEEF", "01020304"])
def test_two_cards_that_lie_together_are_told_until_one_is_taken(taken: str) -> None:
    bench = LineBench()
    cards = {uid: card(uid) for uid in ("DEADBEEF", "01020304")}
    for laid in cards.values():
        bench.reader.lay(laid)
    seen = bench.run(5_000)
    assert seen.count(CardsCollided()) == 1
    assert seen[-1] == CardsCollided()
    arrived = [event.uid for event in seen if isinstance(event, CardArrived)][-1]
    bench.reader.take(cards[taken])
    remains = next(laid.uid for uid, laid in cards.items() if uid != taken)
    after = bench.run(3_000)
    assert after == ([] if remains == arrived else [CardLeft(arrived), CardArrived(remains)])


@pytest.mark.parametrize(
    "line",
    ["DEADBEE", "DEADBEEF0", "DEADBEEF01", "hello", "DE:AD:BE:EG", "DEADBEEF" * 2, "DEAD BE EF \xff"],
)
def test_lines_that_are_no_uid_are_told_after_three_and_forgotten_after_a_good_one(line: str) -> None:
    bench = LineBench()
    for _ in range(2):
        bench.line.send(line.encode("latin-1") + b"\r\n")
        assert bench.run(400) == []
        assert bench.driver.health is Health.OK
    bench.line.send(line.encode("latin-1") + b"\r\n")
    bench.run(400)
    assert bench.driver.health is Health.GARBLED
    assert "check speed, framing and shielding" in bench.driver.detail
    bench.reader.lay(card())
    assert bench.run(400) == [CardArrived(card().uid)]
    assert bench.healths[-1][1] is Health.OK


def test_wrong_settings_show_as_garbled() -> None:
    bench = LineBench(host=SerialSettings(baudrate=19_200))
    bench.reader.lay(card())
    assert bench.run(20_000) == []
    assert bench.driver.health is Health.GARBLED


def test_a_line_cut_off_spoils_only_itself() -> None:
    bench = LineBench()
    bench.line.send(b"DEAD")
    bench.run(500)
    bench.reader.lay(card())
    assert bench.run(500) == [CardArrived(card().uid)]


def test_noise_without_an_end_takes_no_memory() -> None:
    bench = LineBench()
    for _ in range(50):
        bench.line.send(b"A" * 48)
        assert bench.run(100) == []
    assert bench.driver.health is Health.GARBLED
    assert isinstance(bench.driver, SerialReader)
    assert len(bench.driver._pending) <= 64


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_nothing_that_arrives_can_raise(bursts: list[bytes]) -> None:
    bench = LineBench()
    for burst in bursts:
        bench.line.send(burst)
        bench.run(100)
    assert all(len(event.uid) in (4, 7, 10) for _, event in bench.seen if isinstance(event, CardArrived))


class TestAdapter:
    def test_pulled_and_put_back(self) -> None:
        bench = LineBench()
        bench.reader.lay(card())
        bench.run(1_000)
        bench.reader.unplug()
        assert bench.run(5_000) == [CardLeft(card().uid)]
        assert bench.driver.health is Health.GONE
        assert "adapter is missing" in bench.driver.detail
        bench.reader.mend()
        assert bench.run(15_000) == [CardArrived(card().uid)]
        assert [told for _, told in bench.healths] == [Health.OK, Health.GONE, Health.OK]

    def test_missing_at_the_start(self) -> None:
        bench = LineBench(plugged=False)
        assert bench.driver.health is Health.GONE
        bench.run(100)
        bench.reader.mend()
        bench.run(4_000)
        assert bench.healths[-1][1] is Health.OK

    def test_flapping_gives_no_storm(self) -> None:
        bench = LineBench()
        for _ in range(60):
            bench.run(500)
            bench.reader.unplug()
            bench.run(500)
            bench.reader.mend()
        assert len(bench.healths) <= 4
        bench.run(35_000)
        assert bench.driver.health is Health.OK

    def test_calm_for_a_minute_it_is_looked_for_at_once_again(self) -> None:
        bench = LineBench()
        for _ in range(5):
            bench.run(61_000)
            bench.reader.unplug()
            bench.run(100)
            assert bench.driver.due(bench.clock.now()) - bench.clock.now() <= 1_000
            bench.reader.mend()

    def test_closed_it_stays_closed(self) -> None:
        bench = LineBench()
        bench.driver.close()
        bench.driver.close()
        bench.reader.lay(card())
        assert bench.run(5_000) == []


@pytest.mark.parametrize("repeat_ms", [None, 300])
def test_scans_that_nothing_is_due_in_may_be_left_out(repeat_ms: int | None) -> None:
    told = []
    for skip in (False, True):
        bench = LineBench(repeat_ms=repeat_ms)
        # What travels on the line is due as well.
        bench.may_skip = lambda bench=bench, skip=skip: skip and bench.clock.next_us() is None  # type: ignore[misc]
        laid = card()
        for deed in (bench.reader.lay, bench.reader.take):
            bench.run(3_000)
            deed(laid)
        bench.run(3_000)
        bench.reader.unplug()
        bench.run(9_000)
        bench.reader.mend()
        bench.run(20_000)
        told.append((bench.seen, bench.healths))
    assert told[0] == told[1]
    assert bench.driver.due(bench.clock.now()) == NEVER


def test_the_hand_of_the_virtual_reader() -> None:
    bench = LineBench()
    laid = card()
    bench.reader.lay(laid)
    bench.reader.lay(laid)
    assert bench.reader.cards == ["DEADBEEF"]
    bench.reader.stuck = True
    bench.reader.take(laid)
    assert bench.reader.cards == ["DEADBEEF"]
    bench.reader.stuck = False
    bench.reader.garble()
    bench.run(20_000)
    assert bench.driver.health is Health.GARBLED
    bench.reader.mend()
    assert bench.run(1_000) == [CardArrived(laid.uid)]
    with pytest.raises(WireError, match="nobody speaks"):
        bench.reader.receive(b"?")
