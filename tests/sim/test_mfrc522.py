"""The virtual reader chip: its registers, its timing, and what it holds against a driver."""

from collections.abc import Callable, Sequence

import pytest

from sim.air import with_crc
from sim.clock import VirtualClock, WireError
from sim.mfrc522 import ChipSelect, Mfrc522
from sim.mfrc522_chip import RESET_VALUES
from sim.mifare import Card, Classic

CARD, OTHER = bytes.fromhex("DEADBEEF"), bytes.fromhex("DEADBEEE")
FF = b"\xff" * 6


class Wire:
    """A chip seen through its chip select, set up as the data sheet asks."""

    def __init__(self) -> None:
        self.chip = Mfrc522(VirtualClock())
        self.clock = self.chip.clock
        self.port: ChipSelect = self.chip.open()
        for register, value in ((0x2A, 0x8D), (0x2B, 0x3E), (0x2D, 9), (0x15, 0x40), (0x11, 0x3D), (0x14, 0x83)):
            self.write(register, value)
        self.clock.charge(6_000)

    def write(self, register: int, *values: int) -> None:
        self.port.xfer2([register << 1, *values])

    def read(self, register: int, count: int = 1) -> bytes:
        return bytes(self.port.xfer2([0x80 | register << 1] * count + [0])[1:])

    def send(self, frame: bytes, last_bits: int = 0) -> None:
        self.write(0x01, 0x00)
        self.write(0x04, 0x7F)
        self.write(0x0A, 0x80)
        self.write(0x09, *frame)
        self.write(0x0D, last_bits)
        self.write(0x01, 0x0C)
        self.write(0x0D, 0x80 | last_bits)

    def exchange(self, frame: bytes, last_bits: int = 0) -> bytes:
        self.send(frame, last_bits)
        self.clock.charge(10_000)
        return self.read(0x09, self.read(0x0A)[0]) if self.read(0x0A)[0] else b""

    def select(self) -> None:
        self.exchange(b"\x52", 7)
        part = self.exchange(b"\x93\x20")
        assert self.exchange(with_crc(b"\x93\x70" + part)) == bytes.fromhex("08B6DD")

    def authenticate(self, order: bytes) -> None:
        for register, value in ((0x01, 0x00), (0x04, 0x7F), (0x0A, 0x80)):
            self.write(register, value)
        self.write(0x09, *order)
        self.write(0x01, 0x0E)


@pytest.fixture
def wire() -> Wire:
    return Wire()


def test_reset_values() -> None:
    chip = Mfrc522(VirtualClock(), version=0x88)
    port = chip.open()
    for register in {*RESET_VALUES} - {0x09}:
        assert port.xfer2([0x80 | register << 1, 0])[1] == RESET_VALUES[register]
    assert port.xfer2([0x80 | 0x37 << 1, 0]) == [0, 0x88]


def test_a_soft_reset_forgets_everything_and_takes_the_field_away(wire: Wire) -> None:
    card = Classic(CARD)
    wire.chip.lay(card)
    wire.clock.charge(6_000)
    wire.select()
    wire.write(0x01, 0x0F)
    assert wire.read(0x14) == b"\x80"
    assert card.state.name == "OFF"


@pytest.mark.parametrize(
    ("hz", "size", "us"), [(1_000_000, 2, 16), (1_000_000, 7, 56), (4_000_000, 4, 8), (500_000, 2, 32)]
)
def test_a_transfer_takes_its_time_on_the_bus(hz: int, size: int, us: int) -> None:
    chip = Mfrc522(VirtualClock())
    chip.open(hz).xfer2([0x80 | 0x37 << 1] * (size - 1) + [0])
    assert chip.clock.now_us == us


def test_one_burst_reads_several_registers(wire: Wire) -> None:
    assert wire.port.xfer2([0x80 | 0x2A << 1, 0x80 | 0x37 << 1, 0x80 | 0x14 << 1, 0]) == [0, 0x8D, 0x92, 0x83]


def test_the_timer_ends_an_exchange_that_nobody_answers(wire: Wire) -> None:
    wire.send(b"\x52", 7)
    wire.clock.charge(85)
    assert wire.read(0x04)[0] & 0x61 == 0x40
    wire.clock.charge(4_800)
    assert wire.read(0x04)[0] & 0x21 == 0
    wire.clock.charge(200)
    assert wire.read(0x04)[0] & 0x21 == 0x01


def test_an_answer_comes_after_its_air_time(wire: Wire) -> None:
    wire.chip.lay(Classic(CARD))
    wire.clock.charge(6_000)
    wire.send(b"\x52", 7)
    wire.clock.charge(85 + 91 + 150)
    assert wire.read(0x04)[0] & 0x20 == 0
    wire.clock.charge(30)
    assert wire.read(0x04)[0] & 0x21 == 0x20
    assert (wire.read(0x0A), wire.read(0x09, 2), wire.read(0x0A)) == (b"\x02", b"\x04\x00", b"\x00")


def test_an_idle_of_the_host_raises_no_interrupt(wire: Wire) -> None:
    wire.write(0x04, 0x7F)
    wire.write(0x01, 0x00)
    assert wire.read(0x04)[0] & 0x10 == 0


def test_two_cards_collide_in_the_anticollision_and_the_place_is_told(wire: Wire) -> None:
    wire.chip.lay(Classic(CARD))
    wire.chip.lay(Classic(OTHER))
    wire.clock.charge(6_000)
    assert wire.exchange(b"\x52", 7) == b"\x04\x00"
    wire.exchange(b"\x93\x20")
    assert wire.read(0x06) == b"\x08"
    assert wire.read(0x0E)[0] & 0x1F == 25  # the lowest bit of the fourth byte
    assert wire.read(0x04)[0] & 0x22 == 0x22


def test_the_crc_coprocessor(wire: Wire) -> None:
    wire.write(0x0A, 0x80)
    wire.write(0x09, 0x50, 0x00)
    wire.write(0x05, 0x04)
    wire.write(0x01, 0x03)
    assert wire.read(0x05)[0] & 0x04
    assert wire.read(0x22) + wire.read(0x21) == bytes.fromhex("57CD")


class TestAuthentication:
    def selected(self, wire: Wire) -> Classic:
        card = Classic(CARD)
        wire.chip.lay(card)
        wire.clock.charge(6_000)
        wire.select()
        return card

    def test_done(self, wire: Wire) -> None:
        self.selected(wire)
        wire.authenticate(b"\x60\x08" + FF + CARD)
        wire.clock.charge(3_000)
        assert wire.read(0x04)[0] & 0x13 == 0x10
        assert wire.read(0x08) == b"\x08"
        assert wire.exchange(with_crc(b"\x30\x08")) == with_crc(bytes(16))
        wire.write(0x08, 0)
        assert wire.read(0x08) == b"\x00"

    def test_refused(self, wire: Wire) -> None:
        self.selected(wire)
        wire.authenticate(b"\x60\x08wrong!" + CARD)
        wire.clock.charge(10_000)
        assert (wire.read(0x04)[0] & 0x13, wire.read(0x08)) == (0x01, b"\x00")

    def test_withdrawn_in_mid_answer(self, wire: Wire) -> None:
        card = self.selected(wire)
        wire.authenticate(b"\x60\x08" + FF + CARD)
        wire.clock.charge(1_000)
        wire.chip.take(card)
        wire.clock.charge(20_000)
        assert (wire.read(0x04)[0] & 0x13, wire.read(0x08)) == (0x02, b"\x00")

    @pytest.mark.parametrize(("after_us", "irq"), [(300, 0x01), (1_000, 0x22), (5_000, 0x20)])
    def test_a_block_cut_short(self, wire: Wire, after_us: int, irq: int) -> None:
        card = self.selected(wire)
        wire.authenticate(b"\x60\x08" + FF + CARD)
        wire.clock.charge(3_000)
        wire.send(with_crc(b"\x30\x08"))
        wire.clock.charge(after_us)
        wire.chip.take(card)
        wire.clock.charge(20_000)
        assert wire.read(0x04)[0] & 0x23 == irq


Deed = Callable[[Wire], object]


def _burst(wire: Wire, data: Sequence[int]) -> None:
    wire.port.xfer2(data)


def _each(*deeds: Deed) -> Deed:
    def one_after_another(wire: Wire) -> None:
        for deed in deeds:
            deed(wire)

    return one_after_another


def _request(wire: Wire) -> None:
    wire.send(b"\x52", 7)


def _write(register: int, *values: int) -> Deed:
    return lambda wire: wire.write(register, *values)


FAULTS: dict[str, tuple[Deed, str]] = {
    "read past the level": (lambda w: w.read(0x09), "read beyond its level"),
    "overflow": (_write(0x09, *bytes(65)), "overflows"),
    "no transceive": (_write(0x0D, 0x80), "StartSend without Transceive"),
    "empty frame": (lambda w: w.send(b""), "carries data"),
    "nothing to send": (_each(_write(0x01, 0x0C), _write(0x0D, 0x80)), "empty FIFO"),
    "start bit stands": (_each(_request, _write(0x0D, 0x87)), "StartSend is set already"),
    "start bit before": (
        _each(_request, lambda w: w.clock.charge(9_000), _write(0x01, 0x0C)),
        "Transceive while StartSend still stands",
    ),
    "on the air": (_each(_request, _write(0x01, 0x00)), "while a frame is still on the air"),
    "short request": (lambda w: w.send(b"\x52"), "52 sent with TxLastBits 0"),
    "short select": (lambda w: w.send(b"\x93\x20", 7), "93 20 sent with TxLastBits 7"),
    "crc": (lambda w: w.send(b"\x50\x00\x00\x00"), "wrong CRC"),
    "bitwise": (lambda w: w.send(b"\x93\x45"), "bitwise anticollision"),
    "read unselected": (lambda w: w.send(with_crc(b"\x30\x08")), "without a selected card"),
    "auth unselected": (lambda w: w.authenticate(b"\x60\x08" + FF + CARD), "without a selected card"),
    "auth short": (lambda w: w.authenticate(b"\x60\x08" + FF), "MFAuthent takes"),
    "crypto by hand": (_write(0x08, 0x08), "set by MFAuthent only"),
    "no time to start": (_each(_write(0x14, 0x80), _write(0x14, 0x83), _request), "within 5 ms"),
    "reserved": (_write(0x1A, 0), "register 1A cannot be written"),
    "version": (_write(0x37, 0x92), "register 37 cannot be written"),
    "command": (_write(0x01, 0x02), "no virtual twin"),
    "odd address": (lambda w: _burst(w, [0x03, 0]), "even address byte"),
    "open read": (lambda w: _burst(w, [0xEE, 0xEE]), "last byte of a read"),
    "mixed burst": (lambda w: _burst(w, [0xEE, 0x02, 0]), "no read address"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_driver_that_breaks_the_protocol_is_told(wire: Wire, fault: str) -> None:
    deed, complaint = FAULTS[fault]
    with pytest.raises(WireError, match=complaint):
        deed(wire)


@pytest.mark.parametrize("fault", sorted({*FAULTS} - {"empty frame"}))
def test_a_forgiving_chip_lets_it_pass(wire: Wire, fault: str) -> None:
    wire.chip.strict = False
    FAULTS[fault][0](wire)
    assert wire.read(0x37) == b"\x92"


def test_what_needs_a_selected_card(wire: Wire) -> None:
    wire.chip.lay(Classic(CARD))
    wire.clock.charge(6_000)
    wire.select()
    with pytest.raises(WireError, match="names a UID that is not the selected"):
        wire.authenticate(b"\x60\x08" + FF + OTHER)


def test_an_answer_left_unread_must_be_flushed(wire: Wire) -> None:
    wire.chip.lay(Classic(CARD))
    wire.clock.charge(6_000)
    wire.send(b"\x52", 7)
    wire.clock.charge(5_000)
    with pytest.raises(WireError, match="unread rest of the answer"):
        wire.write(0x09, 0x93, 0x20)


def test_a_request_under_crypto(wire: Wire) -> None:
    TestAuthentication().selected(wire)
    wire.authenticate(b"\x60\x08" + FF + CARD)
    wire.clock.charge(3_000)
    with pytest.raises(WireError, match="a request while MFCrypto1On"):
        wire.send(b"\x52", 7)


class TestHand:
    def test_cards_are_listed_as_they_were_laid(self, wire: Wire) -> None:
        cards = [Card(CARD), Card(OTHER)]
        for card in [*cards, *cards]:
            wire.chip.lay(card)
        assert wire.chip.cards == ["DEADBEEF", "DEADBEEE"]
        wire.chip.take(cards[0])
        wire.chip.take(cards[0])
        assert wire.chip.cards == ["DEADBEEE"]
        wire.chip.stuck = True
        wire.chip.take(cards[1])
        assert wire.chip.cards == ["DEADBEEE"]

    @pytest.mark.parametrize("level", [0x00, 0xFF])
    def test_unplugged_all_bytes_are_alike_and_mended_it_starts_anew(self, wire: Wire, level: int) -> None:
        wire.chip.lay(Card(CARD))
        wire.chip.unplug(level)
        wire.chip.lay(Card(OTHER))
        assert wire.read(0x37, 3) == bytes((level,)) * 3
        wire.chip.mend()
        assert wire.read(0x14) == b"\x80"

    def test_a_bus_that_is_gone(self, wire: Wire) -> None:
        wire.chip.vanish()
        with pytest.raises(OSError, match="No such device"):
            wire.read(0x37)
        with pytest.raises(FileNotFoundError):
            wire.chip.open()
        wire.chip.mend()
        assert wire.read(0x37) == b"\x92"
        wire.port.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            wire.read(0x37)

    def test_hung_it_finishes_nothing(self, wire: Wire) -> None:
        wire.chip.hang()
        wire.send(b"\x52", 7)
        wire.clock.charge(1_000_000)
        assert wire.read(0x04)[0] & 0x61 == 0

    def test_noise_is_the_same_for_the_same_seed(self) -> None:
        heard = []
        for _ in range(2):
            wire = Wire()
            wire.chip.garble(0.5)
            heard.append([wire.read(0x37, 5) for _ in range(20)])
        assert heard[0] == heard[1]
        assert heard[0].count(b"\x92" * 5) < 20
